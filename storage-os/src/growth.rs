//! The length of the file: one owner, one place where it grows (D4).
//!
//! Must always be true: the count is raised only after the file is that long, and lowered before it is cut; growth
//! happens under one lock, so that no call works from a length that another is changing.

use crate::file::StoreFile;
use crate::platform;
use parking_lot::Mutex;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use storage_core::device::{DeviceError, DeviceErrorKind, Growth, Operation, Result};
use storage_core::page::{PageCount, PageSize};

/// The count, and what else must be known to change it.
#[derive(Debug)]
pub(crate) struct Length {
    pages: AtomicU64,
    open: AtomicBool,
    /// Held while the file grows. True if bytes may lie beyond the count: the rest of a page from growth that was
    /// torn, or that failed half-way. They are cut off before the next growth, for new pages are zero.
    overhang: Mutex<bool>,
}

impl Length {
    /// The length of a file of `bytes` bytes; a partial last page is rounded down, but not cut before it must be.
    pub(crate) fn of(bytes: u64, size: PageSize) -> Self {
        let page = size.bytes() as u64;
        Length {
            pages: AtomicU64::new(bytes / page),
            open: AtomicBool::new(true),
            overhang: Mutex::new(!bytes.is_multiple_of(page)),
        }
    }

    pub(crate) fn pages(&self) -> PageCount {
        PageCount::new(self.pages.load(Ordering::Acquire))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    pub(crate) fn close(&self) {
        self.open.store(false, Ordering::Release);
    }
}

impl<T> StoreFile<T> {
    /// Makes the file at least `pages` long. A full disk poisons nothing.
    ///
    /// # Errors
    /// `DiskFull`, which poisons nothing; `ReadOnly`, `Io`, `Poisoned`, `Closed`.
    pub fn grow(&self, pages: PageCount) -> Result<PageCount> {
        self.reading(Operation::Grow, |file, _| {
            self.writable(Operation::Grow)?;
            let mut overhang = self.length.overhang.lock();
            let now = self.page_count();
            if pages <= now {
                return Ok(now);
            }
            let new = pages.bytes(self.size).filter(|bytes| i64::try_from(*bytes).is_ok());
            let new = new.ok_or_else(|| self.full().detail("no file can be that long"))?;
            let old = now.get() * self.size.bytes() as u64;
            let failed = |error| self.grow_error(error);
            if *overhang {
                file.set_len(old).map_err(failed)?;
                *overhang = false;
            }
            if let Err(error) = self.extend(file, old, new) {
                // What was reserved before it failed is given back; if that fails too, the next growth does it.
                *overhang = file.set_len(old).is_err();
                return Err(failed(error));
            }
            self.length.pages.store(pages.get(), Ordering::Release);
            Ok(pages)
        })
    }

    fn extend(&self, file: &File, old: u64, new: u64) -> io::Result<()> {
        match self.growth {
            Growth::Reserved => platform::reserve(file, old, new - old),
            Growth::LengthOnly => file.set_len(new),
        }
    }

    fn full(&self) -> DeviceError {
        self.error(DeviceErrorKind::DiskFull, Operation::Grow)
    }

    fn grow_error(&self, error: io::Error) -> DeviceError {
        if error.kind() == io::ErrorKind::FileTooLarge {
            return self.full().detail(format!("the file system has no room for so long a file ({error})"));
        }
        self.site.io(Operation::Grow, error)
    }

    /// Cuts the file to `pages`, while nobody transfers anything.
    ///
    /// # Errors
    /// `ReadOnly`, `Io`, `Poisoned`, `Closed`.
    pub fn shrink(&self, pages: PageCount) -> Result<()> {
        let handle = self.handle.write();
        let handle = handle.as_ref().ok_or_else(|| self.error(DeviceErrorKind::Closed, Operation::Shrink))?;
        self.poison.check()?;
        self.writable(Operation::Shrink)?;
        let mut overhang = self.length.overhang.lock();
        let now = self.page_count();
        if pages > now {
            return Err(self
                .error(DeviceErrorKind::InvalidRequest, Operation::Shrink)
                .detail(format!("to {pages} pages, and there are {now}")));
        }
        if pages == now {
            return Ok(());
        }
        self.length.pages.store(pages.get(), Ordering::Release);
        match handle.file.set_len(pages.get() * self.size.bytes() as u64) {
            Ok(()) => {
                *overhang = false;
                Ok(())
            }
            Err(error) => {
                // The file is as long as it was, or not: the bytes beyond the new end are nobody's from now on.
                *overhang = true;
                Err(self.site.io(Operation::Shrink, error))
            }
        }
    }
}
