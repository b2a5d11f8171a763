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
//! - **D8** `read_each` tells of every entry of its batch once, in any order, before it returns, and when the bytes are there,
//!   which do not change from then on. Where it ends in an error it may have told of some. Whoever is told must not call the
//!   device.
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
///
/// ```
/// use std::sync::Arc;
/// use storage_core::device::{PageDevice, PageDeviceExt, memory::MemoryDevice};
/// use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
///
/// let device: Arc<dyn PageDevice> = Arc::new(MemoryDevice::new(PageSize::K4));
/// assert_eq!(device.grow(PageCount::new(8))?, PageCount::new(8));
/// let mut page = PageBuf::zeroed(4096);
/// page[0] = 7;
/// device.write_page(PageId::new(3), &page)?;          // written
/// device.sync()?;                                     // durable
/// let mut read = PageBuf::zeroed(4096);
/// device.read_page(PageId::new(3), &mut read)?;
/// assert_eq!(read[0], 7);
/// assert!(device.read_page(PageId::new(8), &mut read).is_err());
/// device.close()?;
/// # Ok::<(), storage_core::device::DeviceError>(())
/// ```
pub trait PageDevice: Send + Sync + fmt::Debug {
    /// What this device is and can do. Cheap; the same for the device's whole life.
    fn info(&self) -> DeviceInfo;

    /// How many pages there are now (D4).
    fn page_count(&self) -> PageCount;

    /// Makes the device at least `pages` long, with the space reserved where [`DeviceInfo::growth`] says so; never
    /// shortens it. New pages read as zero. Returns the count after the call, which may be larger.
    ///
    /// # Errors
    /// `DiskFull`, which poisons nothing; `ReadOnly`, `Io`; after a failed write `Poisoned`, after closing `Closed`.
    fn grow(&self, pages: PageCount) -> Result<PageCount>;

    /// Cuts the device to `pages`. Only the pager calls it, after a durable root that reaches nothing beyond the new
    /// end, and while no page there is pinned or lent.
    ///
    /// # Errors
    /// `ReadOnly`, `Io`; after a failed write `Poisoned`, after closing `Closed`.
    fn shrink(&self, pages: PageCount) -> Result<()>;

    /// Reads a batch of whole pages, and tells `arrived` of each (D8), which may look at it while others are on their way. On
    /// an error the buffers hold anything.
    ///
    /// # Errors
    /// `OutOfBounds` and `InvalidRequest` before anything is read; `ShortFile`, `Io`; after a failed write `Poisoned`,
    /// after closing `Closed`.
    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()>;

    /// Writes a batch of whole pages: written, not yet durable (D2). The batch is one unit: the device may order,
    /// merge and overlap it. No page may be in a batch twice.
    ///
    /// # Errors
    /// `OutOfBounds` and `InvalidRequest` before anything is written; `ReadOnly`; `Io`, which poisons (D6); later
    /// `Poisoned`, after closing `Closed`.
    fn write(&self, batch: &[WritePage<'_>]) -> Result<()>;

    /// Writes parts of pages, whole 4 KiB blocks, and returns when exactly these are durable.
    ///
    /// # Errors
    /// As [`PageDevice::write`]; after a failure nothing is known of the blocks.
    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()>;

    /// Makes everything written before the call durable, and the length.
    ///
    /// # Errors
    /// `Io`, which poisons: what was written since the last one may be lost (D6). Later `Poisoned`, after closing
    /// `Closed`.
    fn sync(&self) -> Result<()>;

    /// Says that these pages will be read soon. Advice: an error would tell nobody anything, so there is none.
    /// Pages out of bounds are ignored.
    fn prefetch(&self, runs: &[PageRun]);

    /// A pointer at a page in a read-only mapping, if the device has one and `page` lies in it. See [`LentPage`] for
    /// what whoever turns it into a slice has to know.
    fn mapped(&self, page: PageId) -> Option<LentPage>;

    /// Gives up the lock and the handle; returns the last error there was to report. Later calls fail with `Closed`.
    /// It does not sync.
    ///
    /// # Errors
    /// The last error that the operating system reports for the handle; it is closed in any case.
    fn close(&self) -> Result<()>;
}

/// Whom [`PageDevice::read_each`] tells of a page: by its number and its bytes.
pub type Arrived<'a> = &'a mut dyn FnMut(PageId, &[u8]);

/// Conveniences over any device.
pub trait PageDeviceExt: PageDevice {
    /// Reads a batch of whole pages. On an error the buffers hold anything.
    ///
    /// # Errors
    /// Those of [`PageDevice::read_each`].
    fn read(&self, batch: &mut [ReadPage<'_>]) -> Result<()> {
        self.read_each(batch, &mut |_, _| ())
    }

    /// Reads one page.
    ///
    /// # Errors
    /// Those of [`PageDevice::read_each`].
    fn read_page(&self, page: PageId, buf: &mut [u8]) -> Result<()> {
        self.read(&mut [ReadPage { page, buf }])
    }

    /// Writes one page.
    ///
    /// # Errors
    /// Those of [`PageDevice::write`].
    fn write_page(&self, page: PageId, data: &[u8]) -> Result<()> {
        self.write(&[WritePage { page, data }])
    }
}

impl<D: PageDevice + ?Sized> PageDeviceExt for D {}
