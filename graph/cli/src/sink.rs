//! Files that results go to: nothing is left of one that could not be written whole, and none is the store itself.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::failure::Failure;
use crate::output::Output;

/// Writing over the store that is read would destroy it.
pub fn refuse_store(path: &Path, store: &Path) -> Result<(), Failure> {
    let same = match (fs::canonicalize(path), fs::canonicalize(store)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    };
    if same { Err(Failure::usage(format!("{} is the store itself", path.display()))) } else { Ok(()) }
}

/// Writes to a file, or to stdout (`-`); `write` also gets the name for errors. A file that is there is overwritten; one
/// that could not be written whole is removed, unless it was there before.
pub fn write_to<T>(
    path: &Path,
    out: &mut Output,
    write: impl FnOnce(&mut dyn Write, &str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if path == Path::new("-") {
        let written = write(out.writer(), "stdout");
        out.flush()?;
        return written;
    }
    let name = path.display().to_string();
    let was_there = fs::symlink_metadata(path).is_ok();
    let mut lazy = Lazy { path, file: None };
    let written = write(&mut lazy, &name);
    let written =
        written.and_then(|value| lazy.sync().map(|()| value).map_err(|e| Failure::writing(&name, &e)));
    if written.is_err() && lazy.file.is_some() && !was_there {
        let _ = fs::remove_file(path);
    }
    written
}

/// A file that is created with its first byte: an output that is refused leaves a file that is there alone.
struct Lazy<'a> {
    path: &'a Path,
    file: Option<File>,
}

impl Lazy<'_> {
    fn file(&mut self) -> io::Result<&mut File> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => Ok(none.insert(File::create(self.path)?)),
        }
    }

    /// Some file systems report a full disk only here. What cannot be synced, such as a pipe, needs no sync.
    fn sync(&mut self) -> io::Result<()> {
        let file = self.file()?;
        if file.metadata()?.is_file() { file.sync_all() } else { Ok(()) }
    }
}

impl Write for Lazy<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file()?.write(buffer)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}
