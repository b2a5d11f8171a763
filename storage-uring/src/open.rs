//! The constructor, and the probe: whether io_uring runs here is found by using it, not by the kernel's version.

use crate::device::UringDevice;
use crate::pool::Pool;
use crate::ring::{self, Ring, Transfer};
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::path::Path;
use storage_core::device::batch::runs;
use storage_core::device::{BLOCK_LEN, DeviceError, DeviceErrorKind, OpenOptions, Operation};
use storage_core::page::PageBuf;
use storage_os::StoreFile;

/// The backend's name.
pub(crate) const BACKEND: &str = "uring";

impl UringDevice {
    /// Opens or creates the store at `path`. `Unsupported`, with the reason and a hint, where io_uring is not to be
    /// had; then no file is made.
    ///
    /// # Errors
    /// `NotFound`, `NotAFile`, `AlreadyExists`, `Unfinished`, `NotAStore`, `ShortFile`, `Locked`, `Io`;
    /// `Unsupported` where this device cannot run.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<UringDevice, DeviceError> {
        ring::build().map_err(|error| unsupported(&error).path(path))?;
        let store = StoreFile::open(path, options, BACKEND, |file, _| {
            let pool = Pool::default();
            let ring = probe(file, options.direct_io).map_err(|error| unsupported(&error).path(path))?;
            pool.keep(ring);
            Ok(pool)
        })?;
        Ok(UringDevice { store })
    }
}

/// Reads the file's first block through a ring; a new file has none, and then reading nothing is a success.
fn probe(file: &File, direct: bool) -> io::Result<Ring> {
    let mut ring = Ring::new(file)?;
    let mut block = PageBuf::zeroed(BLOCK_LEN);
    let parts = vec![(0, IoSliceMut::new(&mut block))];
    let mut one: Vec<Transfer<'_>> = runs(parts, 1, BLOCK_LEN).into_iter().map(Transfer::read).collect();
    match ring.transfer(&mut one, direct, &mut |_| ()) {
        Ok(()) => Ok(ring),
        Err((_, stopped)) => stopped.error.map_or(Ok(ring), Err),
    }
}

/// What stands in the way, and what to do about it.
fn unsupported(error: &io::Error) -> DeviceError {
    let why = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "io_uring is switched off here: by the sysctl kernel.io_uring_disabled, or by a container's seccomp filter"
        }
        io::ErrorKind::Unsupported => "this kernel has no io_uring, or a container's seccomp filter hides it",
        io::ErrorKind::OutOfMemory => {
            "there is no memory for a ring: raise the limit of locked memory (ulimit -l)"
        }
        _ => "the probing read through io_uring failed",
    };
    DeviceError::new(DeviceErrorKind::Unsupported, Operation::Open, BACKEND)
        .detail(format!("{why} ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_ring_is_unsupported_and_the_message_says_what_to_do() {
        for (errno, word) in
            [(1, "io_uring_disabled"), (38, "no io_uring"), (12, "ulimit -l"), (22, "probing read")]
        {
            let error = unsupported(&io::Error::from_raw_os_error(errno));
            assert_eq!(error.kind(), DeviceErrorKind::Unsupported);
            assert!(error.to_string().contains(word), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
