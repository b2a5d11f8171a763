//! One input: a file, stdin, or bytes in memory.
//!
//! It can be opened as often as one likes. stdin cannot be read twice, so it is copied to a temporary file first, as it
//! comes (compressed input stays compressed).

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foliograph::import::{Input, RowError};

use crate::failure::Failure;

/// One input.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// What messages call it.
    pub name: String,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Path(PathBuf),
    /// stdin's bytes.
    Kept(Arc<File>),
    Memory(&'static [u8]),
}

impl InputFile {
    /// A file; `-` is stdin. Nothing but the copying of stdin is done yet.
    pub fn new(path: &str, temp_dir: &Path) -> Result<InputFile, Failure> {
        if path != "-" {
            return Ok(InputFile { name: path.to_owned(), content: Content::Path(path.into()) });
        }
        let failed = |e: io::Error| Failure::new(format!("cannot keep stdin in a temporary file: {e}"));
        let mut file = tempfile::tempfile_in(temp_dir).map_err(failed)?;
        io::copy(&mut io::stdin().lock(), &mut file).map_err(failed)?;
        Ok(InputFile { name: "stdin".to_owned(), content: Content::Kept(Arc::new(file)) })
    }

    /// Bytes that are compiled in.
    pub fn embedded(name: &str, bytes: &'static [u8]) -> InputFile {
        InputFile { name: name.to_owned(), content: Content::Memory(bytes) }
    }

    /// Opens it from the start, decompressed.
    pub fn open(&self) -> Result<Input, Failure> {
        let input = match &self.content {
            Content::Path(path) => {
                let file = File::open(path).map_err(|e| self.failed(&e))?;
                if file.metadata().map_err(|e| self.failed(&e))?.is_dir() {
                    return Err(Failure::new(format!("{}: is a directory, not a file", self.name)));
                }
                Input::open(file)
            }
            Content::Kept(file) => {
                // Readings come one after the other, so they may share the position.
                let mut file = file.try_clone().map_err(|e| self.failed(&e))?;
                file.rewind().map_err(|e| self.failed(&e))?;
                Input::open(file)
            }
            Content::Memory(bytes) => Input::open(*bytes),
        };
        input.map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                self.at(&RowError::io(Default::default(), &e))
            }
            _ => self.failed(&e),
        })
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::new(format!("cannot read {}: {error}", self.name))
    }

    /// An error in its content: file, line and column.
    pub fn at(&self, error: &RowError) -> Failure {
        at(&self.name, error)
    }
}

/// An error in the content of what messages call `name`: file, line and column.
pub fn at(name: &str, error: &RowError) -> Failure {
    let place = match (error.place.line, error.column) {
        (0, _) => name.to_owned(),
        (line, 0) => format!("{name}:{line}"),
        (line, column) => format!("{name}:{line}:{column}"),
    };
    Failure::new(format!("{place}: {}", error.what)).hint(&error.hint)
}
