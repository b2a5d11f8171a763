//! Opening and creating: from a path to a [`StoreFile`], or an error that says what stands in the way.
//!
//! The order matters: lock first, so that nothing that is read is changed by another; then probe; only what is a
//! store, or nothing yet, is touched. What a dead process left in the kernel's cache is readable but not durable: it
//! is synced, with its directory, before it is trusted.

use crate::fault::Fault;
use crate::file::{Handle, StoreFile};
use crate::growth::Length;
use crate::platform;
use crate::transfer::read_buf;
use parking_lot::{Mutex, RwLock};
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use storage_core::device::batch::Site;
use storage_core::device::{
    Admitted, DeviceError, DeviceErrorKind, Growth, OpenMode, OpenOptions, Operation, Poison, Result, admit,
    probe_file,
};
use storage_core::page::PageSize;

impl<T> StoreFile<T> {
    /// Opens or creates the file for this backend; `with` makes what the device needs beside it.
    ///
    /// # Errors
    /// `NotFound`, `NotAFile`, `AlreadyExists`, `Unfinished`, `NotAStore`, `ShortFile`, `Locked`, `Io`, and what
    /// `with` fails with.
    pub fn open(
        path: &Path,
        options: &OpenOptions,
        backend: &'static str,
        with: impl FnOnce(&File, PageSize) -> Result<T>,
    ) -> Result<StoreFile<T>> {
        let site = Site { backend, path: Some(path.to_owned()) };
        let failed = |error| site.io(Operation::Open, error);
        let file = open_file(path, options, &site)?;
        lock(&file, options, &site)?;
        let size = recognise(&file, options, &site)?;
        let growth = if options.read_only {
            Growth::LengthOnly
        } else {
            file.sync_all().map_err(failed)?;
            platform::sync_directory(path).map_err(failed)?;
            platform::growth(&file)
        };
        let bytes = file.metadata().map_err(failed)?.len();
        // By a call of its own: what failed may have given the kernel a share in the description, and with it in the
        // lock, and whoever tries the next backend should not meet it.
        let with = with(&file, size).inspect_err(|_| drop(file.unlock()))?;
        Ok(StoreFile {
            site,
            size,
            read_only: options.read_only,
            direct: options.direct_io,
            growth,
            length: Length::of(bytes, size),
            handle: RwLock::new(Some(Handle { with, file })),
            poison: Poison::default(),
            write_through: AtomicBool::new(platform::WRITE_THROUGH),
            syncing: Mutex::new(()),
            fault: Fault::default(),
        })
    }
}

fn open_file(path: &Path, options: &OpenOptions, site: &Site) -> Result<File> {
    let create = matches!(options.mode, OpenMode::Create(_));
    if create && options.read_only {
        return Err(site
            .error(DeviceErrorKind::ReadOnly, Operation::Open)
            .detail("a store cannot be created"));
    }
    // Asked before opening as well: to open a pipe would wait for its other end.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(site.error(DeviceErrorKind::NotAFile, Operation::Open));
    }
    let mut how = File::options();
    how.read(true).write(!options.read_only).create(create);
    if options.direct_io {
        platform::set_direct(&mut how).map_err(|error| no_direct(error, site))?;
    }
    let file = how.open(path).map_err(|error| not_opened(error, path, options, site))?;
    let found = file.metadata().map_err(|error| site.io(Operation::Open, error))?;
    if !found.is_file() {
        return Err(site.error(DeviceErrorKind::NotAFile, Operation::Open));
    }
    Ok(file)
}

fn no_direct(error: io::Error, site: &Site) -> DeviceError {
    site.error(DeviceErrorKind::Unsupported, Operation::Open)
        .detail(format!("this file system has no direct I/O ({error}); open without it"))
}

fn not_opened(error: io::Error, path: &Path, options: &OpenOptions, site: &Site) -> DeviceError {
    match error.kind() {
        io::ErrorKind::InvalidInput if options.direct_io => no_direct(error, site),
        io::ErrorKind::NotADirectory => site
            .error(DeviceErrorKind::NotFound, Operation::Open)
            .detail("what should be a directory on the way is a file"),
        io::ErrorKind::PermissionDenied if !options.read_only && File::open(path).is_ok() => site
            .error(DeviceErrorKind::ReadOnly, Operation::Open)
            .detail("the file may be read but not written; it can be opened read-only"),
        _ => site.io(Operation::Open, error),
    }
}

fn lock(file: &File, options: &OpenOptions, site: &Site) -> Result<()> {
    let locked = if options.read_only { file.try_lock_shared() } else { file.try_lock() };
    locked.map_err(|error| match error {
        TryLockError::WouldBlock => site.error(DeviceErrorKind::Locked, Operation::Open),
        TryLockError::Error(error) => site
            .io(Operation::Open, error)
            .detail("the file could not be locked; does the file system have locks?"),
    })
}

/// Finds the page size, or begins a store afresh.
fn recognise(file: &File, options: &OpenOptions, site: &Site) -> Result<PageSize> {
    let failed = |error| site.io(Operation::Open, error);
    let len = file.metadata().map_err(failed)?.len();
    let mut read = |offset: u64, buf: &mut [u8]| read_some(file, buf, offset, len, options.direct_io);
    let found = probe_file(len, &mut read).map_err(failed)?;
    match admit(found, options.mode).map_err(|kind| site.error(kind, Operation::Open))? {
        Admitted::Existing(size) => Ok(size),
        Admitted::Fresh(size) => {
            file.set_len(0).map_err(failed)?;
            Ok(size)
        }
    }
}

/// Reads up to the end of the file, and says how many bytes there were.
fn read_some(file: &File, buf: &mut [u8], offset: u64, len: u64, direct: bool) -> io::Result<usize> {
    let there = len.saturating_sub(offset).min(buf.len() as u64) as usize;
    if there == 0 {
        return Ok(0);
    }
    // Direct reads are of whole blocks, also where the file ends within one.
    let mut last = 0;
    let read = read_buf(buf, direct, |buf, done| {
        let got = crate::transfer::read_at(file, buf, offset + done as u64)?;
        last = done + got;
        Ok(got)
    });
    match read {
        Ok(()) => Ok(buf.len()),
        Err(stopped) => match stopped.error {
            Some(error) => Err(error),
            None => Ok(last.min(buf.len())),
        },
    }
}
