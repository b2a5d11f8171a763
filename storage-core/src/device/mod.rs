//! The contract between the pager and whatever stores pages.
//!
//! # What a device promises
//!
//! - **D1** Pages are read and written whole, at `page id × page size`. What a completed `write` wrote is what a later
//!   `read` returns, from any thread.
//! - **D2** Nothing is durable until `sync` (everything written before it, and the length) or `write_durable` (exactly
//!   its own blocks; it says nothing of other pages) has returned.
//! - **D3** A page at or past `page_count` is refused with `OutOfBounds` before any system call. A garbage id never
//!   makes a file grow.
//! - **D4** `page_count` grows only through `grow` and falls only through `shrink`. Concurrent `grow`s never cut each
//!   other: the count any thread sees never falls.
//! - **D5** Short transfers, EINTR and EAGAIN are looped over. Zero bytes is an error, never a loop. A file shorter
//!   than its `page_count` is `ShortFile`.
//! - **D6** A full disk is reported by `grow` as `DiskFull` and poisons nothing. After a failed write, write_durable or
//!   sync the device is poisoned: every later call but `close` fails with the first cause, because the kernel may have
//!   dropped the dirty pages and a second sync would report success.
//! - **D7** One open handle, one exclusive lock (shared for read-only), held from open to `close` or drop.
//!
//! # What it is not
//!
//! It knows nothing of checksums, headers or allocation. It has no cache that the pager could see, and it never retries
//! after an error.

mod error;
mod poison;
mod probe;
mod types;

pub mod batch;
pub mod faults;
pub mod faulty;
pub mod memory;
pub mod metered;
pub mod overlay;
pub mod read_only;
pub mod recorded;
pub mod sim;
pub mod traced;

pub use error::{DeviceError, DeviceErrorKind, Operation};
pub use poison::Poison;
pub use probe::{
    Admitted, Found, META_MAGIC, PROBE_LEN, Probe, ReadAt, SUPERBLOCK_MAGIC, admit, probe_file,
    probe_meta_page_size, probe_superblock,
};
pub use types::{
    BlockWrites, DeviceInfo, Growth, LentPage, OpenMode, OpenOptions, ReadPage, WriteBlock, WritePage,
};

use crate::page::{PageCount, PageId, PageRun};
use std::fmt;

/// Shorthand for a device's results.
pub type Result<T> = std::result::Result<T, DeviceError>;

/// Block in bytes of [`PageDevice::write_durable`].
pub const BLOCK_LEN: usize = 4096;

/// Where pages live. One instance is opened and shared, as `Arc<dyn PageDevice>`, by every layer (I8).
///
/// Blocking and batched. No method has a default body: a wrapper that forgets one does not compile.
pub trait PageDevice: Send + Sync + fmt::Debug {
    /// What this device is and can do. Cheap; the same for the device's whole life.
    fn info(&self) -> DeviceInfo;

    /// How many pages there are now (D4).
    fn page_count(&self) -> PageCount;

    /// Makes the device at least `pages` long, with the space reserved where [`DeviceInfo::growth`] says so; never
    /// shortens it. New pages read as zero. Returns the count after the call, which may be larger.
    ///
    /// Errors: `DiskFull` (no poison), `ReadOnly`, `Poisoned`, `Io`.
    fn grow(&self, pages: PageCount) -> Result<PageCount>;

    /// Cuts the device to `pages`. Only the pager calls it, after a durable root that reaches nothing beyond the new
    /// end, and while no page there is pinned or lent.
    fn shrink(&self, pages: PageCount) -> Result<()>;

    /// Reads a batch of whole pages. On an error the buffers hold anything.
    fn read(&self, batch: &mut [ReadPage<'_>]) -> Result<()>;

    /// Writes a batch of whole pages: written, not yet durable (D2). The batch is one unit: the device may order,
    /// merge and overlap it. No page may be in a batch twice.
    fn write(&self, batch: &[WritePage<'_>]) -> Result<()>;

    /// Writes parts of pages, whole 4 KiB blocks, and returns when exactly these are durable.
    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()>;

    /// Makes everything written before the call durable, and the length.
    fn sync(&self) -> Result<()>;

    /// Says that these pages will be read soon. Advice: an error would tell nobody anything, so there is none.
    /// Pages out of bounds are ignored.
    fn prefetch(&self, runs: &[PageRun]);

    /// A pointer at a page in a read-only mapping, if the device has one and `page` lies in it. See [`LentPage`] for
    /// what whoever turns it into a slice has to know.
    fn mapped(&self, page: PageId) -> Option<LentPage>;

    /// Gives up the lock and the handle; returns the last error there was to report. Later calls fail with `Closed`.
    /// It does not sync.
    fn close(&self) -> Result<()>;
}

/// Conveniences over any device.
pub trait PageDeviceExt: PageDevice {
    /// Reads one page.
    fn read_page(&self, page: PageId, buf: &mut [u8]) -> Result<()> {
        self.read(&mut [ReadPage { page, buf }])
    }

    /// Writes one page.
    fn write_page(&self, page: PageId, data: &[u8]) -> Result<()> {
        self.write(&[WritePage { page, data }])
    }
}

impl<D: PageDevice + ?Sized> PageDeviceExt for D {}
