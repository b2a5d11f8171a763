//! [`StoreFile`]: the open file, its guards, and what is the same on every device.
//!
//! The handle sits behind a lock that every transfer takes for reading. `close` and `shrink` take it for writing: so
//! a descriptor is never closed, and a page never cut, under a transfer.

use crate::fault::Fault;
use crate::growth::Length;
use crate::platform;
use crate::transfer::{MAX_PARTS, Stopped, write_run};
use parking_lot::{Mutex, RwLock};
use std::fs::File;
use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, Ordering};
use storage_core::device::batch::{Run, Site, block_parts, runs};
use storage_core::device::{
    BlockWrites, DeviceError, DeviceErrorKind, DeviceInfo, Growth, Operation, Poison, Result, WriteBlock,
};
use storage_core::page::{PageCount, PageId, PageRun, PageSize};

/// The one open file of a device. `T` is what the device needs beside it for as long as the file is open.
#[derive(Debug)]
pub struct StoreFile<T> {
    pub(crate) site: Site,
    pub(crate) size: PageSize,
    pub(crate) read_only: bool,
    pub(crate) direct: bool,
    pub(crate) growth: Growth,
    pub(crate) length: Length,
    pub(crate) handle: RwLock<Option<Handle<T>>>,
    pub(crate) poison: Poison,
    pub(crate) write_through: AtomicBool,
    /// One sync at a time: the kernel reports a lost page to one of two overlapping syncs only, and the other must
    /// not say "durable" before the poison is set.
    pub(crate) syncing: Mutex<()>,
    pub(crate) fault: Fault,
}

/// The file and what goes with it.
#[derive(Debug)]
pub(crate) struct Handle<T> {
    /// Dropped before the file.
    pub(crate) with: T,
    pub(crate) file: File,
}

impl<T> StoreFile<T> {
    /// What is known of the file; the device fills in the rest.
    pub fn info(&self) -> DeviceInfo {
        let through = self.write_through.load(Ordering::Relaxed);
        DeviceInfo {
            backend: self.site.backend,
            requested: None,
            fallback: None,
            path: self.site.path.clone(),
            page_size: self.size,
            read_only: self.read_only,
            growth: self.growth,
            block_writes: if through { BlockWrites::WriteThrough } else { BlockWrites::WriteAndSync },
            direct_io: self.direct,
            lends_pages: false,
            parallel_reads: false,
            persistent: true,
        }
    }

    /// Whose errors these are.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Bytes of a page.
    pub fn page_size(&self) -> PageSize {
        self.size
    }

    /// All transfers pass by the kernel's cache, and need aligned buffers.
    pub fn is_direct(&self) -> bool {
        self.direct
    }

    /// How many pages there are (D4).
    pub fn page_count(&self) -> PageCount {
        self.length.pages()
    }

    /// False once the device is poisoned or closed: what `mapped` asks, without a lock.
    pub fn is_usable(&self) -> bool {
        self.length.is_open() && self.poison.check().is_ok()
    }

    /// Runs something that changes nothing, while the file stays open and is not cut.
    ///
    /// # Errors
    /// `Closed`, `Poisoned`, and what `run` fails with.
    pub fn reading<R>(&self, operation: Operation, run: impl FnOnce(&File, &T) -> Result<R>) -> Result<R> {
        let handle = self.handle.read();
        let handle = handle.as_ref().ok_or_else(|| self.error(DeviceErrorKind::Closed, operation))?;
        self.poison.check()?;
        run(&handle.file, &handle.with)
    }

    /// Runs a change of contents: first `check`, which may refuse, then `run`, whose failure poisons (D6).
    ///
    /// # Errors
    /// `ReadOnly`, `Closed`, `Poisoned`, and what `check` and `run` fail with.
    pub fn changing<R>(
        &self,
        operation: Operation,
        check: impl FnOnce() -> Result<()>,
        run: impl FnOnce(&File, &T) -> Result<R>,
    ) -> Result<R> {
        self.reading(operation, |file, with| {
            self.writable(operation)?;
            check()?;
            let run = || {
                self.fault.strike(operation).map_err(|error| self.site.io(operation, error))?;
                run(file, with)
            };
            self.poison.guard(run())
        })
    }

    pub(crate) fn error(&self, kind: DeviceErrorKind, operation: Operation) -> DeviceError {
        self.site.error(kind, operation)
    }

    pub(crate) fn writable(&self, operation: Operation) -> Result<()> {
        if self.read_only {
            return Err(self.error(DeviceErrorKind::ReadOnly, operation));
        }
        Ok(())
    }

    /// The error of a transfer that began at `offset` and stopped early, in a batch of `batch` pages: the page it
    /// stopped at, and what it means.
    pub fn stopped_at(
        &self,
        operation: Operation,
        offset: u64,
        stopped: Stopped,
        batch: usize,
    ) -> DeviceError {
        let page = (offset + stopped.done as u64) / self.size.bytes() as u64;
        let page = PageId::new(page);
        let error = match (stopped.error, operation) {
            (Some(error), _) => self.site.io(operation, error),
            (None, Operation::Read) => self.error(DeviceErrorKind::ShortFile, operation),
            (None, _) => self.site.io(operation, std::io::ErrorKind::WriteZero.into()),
        };
        error.at(page, batch)
    }

    /// Writes parts of pages durably, and only them.
    ///
    /// # Errors
    /// As [`storage_core::device::PageDevice::write_durable`].
    pub fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        let check = || self.site.check_blocks(blocks, self.size, self.page_count());
        self.changing(Operation::WriteDurable, check, |file, _| {
            let merged = runs(block_parts(blocks, self.size), MAX_PARTS, usize::MAX);
            let mut sync_after = false;
            for run in merged {
                sync_after |= !self.write_through(file, run, blocks.len())?;
            }
            if sync_after {
                file.sync_data().map_err(|error| self.site.io(Operation::WriteDurable, error))?;
            }
            Ok(())
        })?;
        // Somebody else's call may have been told of the loss of these blocks.
        self.poison.check()
    }

    /// Writes one run; true if it is durable already.
    fn write_through(&self, file: &File, mut run: Run<IoSlice<'_>>, batch: usize) -> Result<bool> {
        let offset = run.offset;
        let stopped = |stopped| self.stopped_at(Operation::WriteDurable, offset, stopped, batch);
        if self.write_through.load(Ordering::Relaxed) {
            match write_run(file, &mut run, self.direct, true) {
                Ok(()) => return Ok(true),
                // Nothing was written: this kernel has no such write. Remembered, so it is asked once.
                Err(Stopped { done: 0, error: Some(error) }) if platform::no_write_through(&error) => {
                    self.write_through.store(false, Ordering::Relaxed);
                }
                Err(error) => return Err(stopped(error)),
            }
        }
        write_run(file, &mut run, self.direct, false).map_err(stopped)?;
        Ok(false)
    }

    /// Makes everything written before, and the length, durable.
    ///
    /// # Errors
    /// As [`storage_core::device::PageDevice::sync`].
    pub fn sync(&self) -> Result<()> {
        if self.read_only {
            return self.reading(Operation::Sync, |_, _| Ok(()));
        }
        let _one = self.syncing.lock();
        self.changing(
            Operation::Sync,
            || Ok(()),
            |file, _| file.sync_data().map_err(|error| self.site.io(Operation::Sync, error)),
        )?;
        self.poison.check()
    }

    /// Asks the kernel to read these pages into its cache; what lies out of bounds is left out.
    pub fn prefetch(&self, wanted: &[PageRun]) {
        if self.direct {
            return; // what the kernel's cache holds is of no use to direct reads
        }
        // Advice: there is nobody to tell of an error.
        let _ = self.reading(Operation::Read, |file, _| {
            for (offset, len) in self.byte_runs(wanted) {
                platform::will_need(file, offset, len);
            }
            Ok(())
        });
    }

    /// The parts of these runs that lie in the file, in bytes.
    pub fn byte_runs(&self, wanted: &[PageRun]) -> impl Iterator<Item = (u64, u64)> {
        let (end, bytes) = (self.page_count().get(), self.size.bytes() as u64);
        wanted.iter().filter_map(move |run| {
            let start = run.start.get();
            let count = end.checked_sub(start)?.min(run.count.get());
            (count > 0).then_some((start * bytes, count * bytes))
        })
    }

    /// Gives up the lock and the file. A second call finds nothing to do.
    ///
    /// # Errors
    /// What closing the file fails with; it is closed in any case.
    pub fn close(&self) -> Result<()> {
        self.length.close();
        let Some(handle) = self.handle.write().take() else { return Ok(()) };
        self.release(handle).map_err(|error| self.site.io(Operation::Close, error))
    }

    /// Unlocks by a call of its own: a ring or a mapping may keep the description alive for a while after the
    /// descriptor is closed, and with it the lock.
    fn release(&self, handle: Handle<T>) -> std::io::Result<()> {
        let Handle { with, file } = handle;
        drop(with);
        file.unlock()
    }

    /// Makes the next call of this operation fail with an I/O error, before the system is called.
    #[cfg(feature = "testing")]
    pub fn fail_next(&self, operation: Operation) {
        self.fault.arm(operation);
    }
}

impl<T> Drop for StoreFile<T> {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.get_mut().take() {
            // Closing the descriptor follows in any case.
            let _ = self.release(handle);
        }
    }
}
