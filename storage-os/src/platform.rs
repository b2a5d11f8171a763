//! What only some systems have: reserving space, write-through, advice, direct I/O, syncing a directory.
//!
//! One function for each, the same on every system; where there is nothing, it does the nearest thing or nothing, and
//! its caller can tell.

use std::fs::File;
use std::io;
use std::path::Path;
use storage_core::device::Growth;

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use rustix::fs::{Advice, FallocateFlags, fadvise, fallocate};
    use rustix::io::Errno;
    use std::num::NonZeroU64;

    /// Whether growth can reserve space: asked by reserving the first block, which a store needs anyway.
    pub(crate) fn growth(file: &File) -> Growth {
        match fallocate(file, FallocateFlags::KEEP_SIZE, 0, 4096) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::NODEV | Errno::PERM) => {
                Growth::LengthOnly
            }
            // A full disk is a matter for `grow`.
            Ok(()) | Err(_) => Growth::Reserved,
        }
    }

    /// Reserves `len` bytes at the end `offset` of the file, and makes it that much longer.
    pub(crate) fn reserve(file: &File, offset: u64, len: u64) -> io::Result<()> {
        // The file system would fill the disk before it finds that it is too small: look first.
        if let Ok(stat) = rustix::fs::fstatvfs(file)
            && len > stat.f_bfree.saturating_mul(stat.f_frsize.max(1))
            && stat.f_blocks > 0
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        loop {
            match fallocate(file, FallocateFlags::empty(), offset, len) {
                Err(Errno::INTR) => continue,
                result => return Ok(result?),
            }
        }
    }

    /// Asks for read-ahead of these bytes.
    pub(crate) fn will_need(file: &File, offset: u64, len: u64) {
        let _ = fadvise(file, offset, NonZeroU64::new(len), Advice::WillNeed);
    }

    /// True if a write-through write failed only because this kernel has none.
    pub(crate) fn no_write_through(error: &io::Error) -> bool {
        let code = error.raw_os_error();
        [Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL].iter().any(|errno| code == Some(errno.raw_os_error()))
    }

    pub(crate) const WRITE_THROUGH: bool = true;

    /// Makes an opening bypass the kernel's cache.
    pub(crate) fn set_direct(options: &mut std::fs::OpenOptions) -> io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::DIRECT.bits() as i32);
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use super::*;

    pub(crate) fn growth(_: &File) -> Growth {
        Growth::LengthOnly
    }

    pub(crate) fn reserve(file: &File, offset: u64, len: u64) -> io::Result<()> {
        file.set_len(offset + len)
    }

    pub(crate) fn will_need(_: &File, _: u64, _: u64) {}

    pub(crate) fn no_write_through(_: &io::Error) -> bool {
        true
    }

    pub(crate) const WRITE_THROUGH: bool = false;

    pub(crate) fn set_direct(_: &mut std::fs::OpenOptions) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::*;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::*;

/// Makes the directory entry of `path` durable.
#[cfg(unix)]
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    let real = std::fs::canonicalize(path)?;
    let Some(directory) = real.parent() else { return Ok(()) };
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        // A directory that may not be listed, or a file system that has no such sync: nothing more can be done.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Elsewhere a directory cannot be synced; its entry is as durable as the system makes it.
#[cfg(not(unix))]
pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
