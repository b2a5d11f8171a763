//! The constructor.

use crate::device::MmapDevice;
use crate::length::Seen;
use crate::map::Map;
use std::path::Path;
use storage_core::device::{DeviceError, DeviceErrorKind, OpenOptions, Operation};
use storage_os::StoreFile;

/// The backend's name.
pub(crate) const BACKEND: &str = "mmap";

impl MmapDevice {
    /// Opens or creates the store at `path`.
    ///
    /// # Errors
    /// `NotFound`, `NotAFile`, `AlreadyExists`, `Unfinished`, `NotAStore`, `ShortFile`, `Locked`, `Io`;
    /// `Unsupported` where this device cannot run.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<MmapDevice, DeviceError> {
        let unsupported = |why: String| {
            DeviceError::new(DeviceErrorKind::Unsupported, Operation::Open, BACKEND).path(path).detail(why)
        };
        if !cfg!(unix) {
            return Err(unsupported("this system cannot map beyond the end of a file".into()));
        }
        if options.direct_io {
            return Err(unsupported("a mapping is the kernel's cache: no direct I/O".into()));
        }
        let store = StoreFile::open(path, options, BACKEND, |_, _| Ok(()))?;
        let map = store.reading(Operation::Open, |file, ()| {
            Map::reserve(file).map_err(|error| unsupported(format!("no mapping: {error}")))
        })?;
        Ok(MmapDevice { store, map, seen: Seen::default() })
    }
}
