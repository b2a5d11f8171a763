//! The constructor.

use crate::device::FileDevice;
use positioned_io::RandomAccessFile;
use std::fs::File;
use std::io;
use std::path::Path;
use storage_core::device::{DeviceError, OpenOptions, Operation};
use storage_os::StoreFile;

impl FileDevice {
    /// Opens or creates the store at `path`.
    ///
    /// # Errors
    /// `NotFound`, `NotAFile`, `AlreadyExists`, `Unfinished`, `NotAStore`, `ShortFile`, `Locked`, `Io`.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<FileDevice, DeviceError> {
        let store = StoreFile::open(path, options, "file", |file, _| {
            positioned(file).map_err(|e| DeviceError::from_io(Operation::Open, "file", e).path(path))
        })?;
        Ok(FileDevice { store })
    }
}

/// The file for positioned I/O: a duplicate of the descriptor, so the same open description.
fn positioned(file: &File) -> io::Result<RandomAccessFile> {
    let positioned = RandomAccessFile::try_new(file.try_clone()?)?;
    // The advice belongs to the description, and it would switch read-ahead off for good.
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Normal);
    Ok(positioned)
}
