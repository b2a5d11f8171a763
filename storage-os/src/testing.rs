//! What the tests of every device crate share: a store in a temporary directory, the fixture of the device suite over
//! it, and a look at the process's open files.
//!
//! Stores lie under the workspace's `target/`, on a real disk: in a file system in memory a sync proves nothing, and
//! direct I/O may not be there.

use crate::StoreFile;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use storage_core::conformance::{Capability, Fixture};
use storage_core::device::{OpenOptions, Operation, PageDevice, Result};
use storage_core::page::PageSize;

/// A temporary directory, and the path of a store in it.
#[derive(Debug)]
pub struct Place {
    directory: tempfile::TempDir,
}

impl Default for Place {
    fn default() -> Self {
        let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/stores");
        std::fs::create_dir_all(target).expect("the target directory can be written");
        let directory = tempfile::Builder::new().prefix("device-").tempdir_in(target);
        Place { directory: directory.expect("a directory for a test's store") }
    }
}

impl Place {
    /// Where the store is.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("store.folio")
    }

    /// The directory it is in.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Cuts the file, as somebody else would.
    pub fn cut(&self, bytes: u64) {
        let file = std::fs::OpenOptions::new().write(true).open(self.path()).expect("the store is there");
        file.set_len(bytes).expect("the store can be cut");
    }
}

/// A device over a file, as its tests need it.
pub trait FileBacked: PageDevice + Sized + 'static {
    /// The constructor.
    ///
    /// # Errors
    /// What opening the device fails with.
    fn open(path: &Path, options: &OpenOptions) -> Result<Self>;

    /// [`StoreFile::fail_next`] of its file.
    fn fail_next(&self, operation: Operation);
}

/// The fixture of the device suite over a device of this type, buffered or direct.
#[derive(Debug)]
pub struct Files<D, const DIRECT: bool> {
    place: Place,
    last: Mutex<Weak<D>>,
}

impl<D, const DIRECT: bool> Default for Files<D, DIRECT> {
    fn default() -> Self {
        Files { place: Place::default(), last: Mutex::new(Weak::new()) }
    }
}

impl<D: FileBacked, const DIRECT: bool> Files<D, DIRECT> {
    fn device(&self, options: OpenOptions) -> Result<Arc<dyn PageDevice>> {
        let device = Arc::new(D::open(&self.place.path(), &OpenOptions { direct_io: DIRECT, ..options })?);
        assert_eq!(device.info().direct_io, DIRECT);
        *self.last.lock() = Arc::downgrade(&device);
        Ok(device)
    }
}

impl<D: FileBacked, const DIRECT: bool> Fixture for Files<D, DIRECT> {
    fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>> {
        self.device(OpenOptions::create(size))
    }

    fn open(&self, read_only: bool) -> Result<Arc<dyn PageDevice>> {
        self.device(OpenOptions { read_only, ..OpenOptions::open() })
    }

    fn offers(&self, _: Capability) -> bool {
        true
    }

    fn cut(&self, bytes: u64) {
        self.place.cut(bytes);
    }

    fn fail_next(&self, _: &Arc<dyn PageDevice>, operation: Operation) {
        self.last.lock().upgrade().expect("the device is open").fail_next(operation);
    }
}

/// The numbers of this process's descriptors that name `path`.
#[cfg(target_os = "linux")]
pub fn descriptors(path: &Path) -> Vec<String> {
    let path = std::fs::canonicalize(path).expect("the store is there");
    std::fs::read_dir("/proc/self/fd")
        .expect("the process's descriptors")
        .filter_map(|entry| {
            let entry = entry.ok()?;
            // A descriptor of another test may be gone by now.
            let target = std::fs::read_link(entry.path()).ok()?;
            (target == path).then(|| entry.file_name().to_string_lossy().into_owned())
        })
        .collect()
}

/// Shows that all descriptors of the store are one open description: moving the position of one moves them all.
///
/// # Panics
/// If there is another one, or none at all.
#[cfg(target_os = "linux")]
pub fn assert_one_open_description<T>(store: &StoreFile<T>) {
    use std::io::{Seek, SeekFrom};
    let path = store.site().path.clone().expect("a file has a path");
    let before = positions(&path);
    assert!(!before.is_empty(), "an open store has a descriptor");
    assert!(before.iter().all(|pos| *pos == 0), "only positioned I/O: {before:?}");
    for position in [4242, 0] {
        let seek = |mut file: &std::fs::File, _: &T| Ok(file.seek(SeekFrom::Start(position)));
        let sought = store.reading(Operation::Read, seek).expect("the store is open");
        sought.expect("a file can be sought in");
        let now = positions(&path);
        assert!(now.iter().all(|pos| *pos == position), "all share one position: {now:?}");
        assert_eq!(now.len(), before.len());
    }
}

#[cfg(target_os = "linux")]
fn positions(path: &Path) -> Vec<u64> {
    let position = |fd: &String| {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).expect("an open descriptor");
        let pos = info.lines().find_map(|line| line.strip_prefix("pos:")).expect("a file has a position");
        pos.trim().parse().expect("a number")
    };
    descriptors(path).iter().map(position).collect()
}
