//! Pages in memory: the reference that the other devices are compared with.
//!
//! [`MemoryStore`] stands for the file: bytes that outlive a device, with a lock. [`MemoryDevice`] stands for the
//! open file. It goes through the same probe, the same checks and the same errors as a device over a real file;
//! what a write wrote is there at once, and `sync` has nothing to do.
//!
//! It is not a model of crashes: that is [`super::sim`].

use super::batch::{Site, block_parts, read_parts, tell, write_parts};
use super::probe::{Admitted, admit, probe_file};
use super::{
    Arrived, BlockWrites, DeviceErrorKind, DeviceInfo, Growth, LentPage, OpenMode, OpenOptions, Operation,
    PageDevice, ReadPage, Result, WriteBlock, WritePage,
};
use crate::page::{PageCount, PageId, PageRun, PageSize};
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const SITE: Site = Site { backend: "memory", path: None };

/// Bytes that a store in memory may have unless it was told otherwise.
const DEFAULT_LIMIT: u64 = 8 << 30;

/// The bytes of a store, as a file would hold them. Clones share them.
///
/// ```
/// use std::sync::Arc;
/// use storage_core::device::{OpenOptions, PageDevice, memory::{MemoryDevice, MemoryStore}};
/// use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
///
/// let bytes = MemoryStore::new(Vec::new());
/// let device = MemoryDevice::open(&bytes, &OpenOptions::create(PageSize::K4))?;
/// assert!(MemoryDevice::open(&bytes, &OpenOptions::open()).is_err());     // it is locked
/// device.grow(PageCount::new(2))?;
/// device.close()?;
/// assert_eq!(bytes.image().len(), 8192);
/// # Ok::<(), storage_core::device::DeviceError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    bytes: RwLock<Vec<u8>>,
    holders: Mutex<Holders>,
    limit: u64,
}

#[derive(Default)]
struct Holders {
    writer: bool,
    readers: usize,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.bytes.read().len())
    }
}

impl MemoryStore {
    /// A store with these bytes; anything, as a file could hold it.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self::with_limit(bytes, DEFAULT_LIMIT)
    }

    /// A store that reports a full disk beyond `limit` bytes.
    pub fn with_limit(bytes: Vec<u8>, limit: u64) -> Self {
        MemoryStore(Arc::new(Shared { bytes: RwLock::new(bytes), holders: Mutex::default(), limit }))
    }

    /// A copy of the bytes.
    pub fn image(&self) -> Vec<u8> {
        self.0.bytes.read().clone()
    }

    /// Changes the bytes behind the back of whoever has the store open: damage, a cut.
    pub fn tamper(&self, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.0.bytes.write());
    }

    fn lock(&self, read_only: bool) -> Result<Lock> {
        let mut holders = self.0.holders.lock();
        if holders.writer || (holders.readers > 0 && !read_only) {
            return Err(SITE.error(DeviceErrorKind::Locked, Operation::Open));
        }
        if read_only {
            holders.readers += 1;
        } else {
            holders.writer = true;
        }
        Ok(Lock { store: self.clone(), read_only })
    }
}

/// The lock on a store, given up when dropped.
#[derive(Debug)]
struct Lock {
    store: MemoryStore,
    read_only: bool,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut holders = self.store.0.holders.lock();
        if self.read_only {
            holders.readers -= 1;
        } else {
            holders.writer = false;
        }
    }
}

/// An open [`MemoryStore`].
///
/// ```
/// use std::sync::Arc;
/// use storage_core::device::{PageDevice, memory::MemoryDevice};
/// use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
///
/// let device = MemoryDevice::new(PageSize::K16);
/// device.grow(PageCount::new(1))?;
/// assert_eq!(device.image().len(), 16 << 10);
/// # Ok::<(), storage_core::device::DeviceError>(())
/// ```
#[derive(Debug)]
pub struct MemoryDevice {
    store: MemoryStore,
    size: PageSize,
    read_only: bool,
    /// Changed under the write lock of the bytes only.
    pages: AtomicU64,
    /// Changed under the write lock of the bytes only.
    closed: AtomicBool,
    lock: Mutex<Option<Lock>>,
}

impl MemoryDevice {
    /// A new, empty device.
    pub fn new(size: PageSize) -> Self {
        let store = MemoryStore::new(Vec::new());
        Self::open(&store, &OpenOptions::create(size)).expect("nobody else has a new, empty store")
    }

    /// A device over the bytes of an earlier one. Without a size it is probed like a file; with one it is believed.
    ///
    /// # Errors
    /// Without a size, those of [`MemoryDevice::open`].
    pub fn from_image(image: Vec<u8>, size: Option<PageSize>) -> Result<Self> {
        let store = MemoryStore::new(image);
        match size {
            None => Self::open(&store, &OpenOptions::open()),
            Some(size) => {
                let lock = store.lock(false)?;
                Ok(Self::over(lock, size))
            }
        }
    }

    /// Opens or creates over shared bytes, with the lock and the probe that a file device has.
    ///
    /// # Errors
    /// `Locked` while another device has it; `AlreadyExists`, `Unfinished`, `ShortFile` or `NotAStore`, by what the bytes
    /// are and what was wanted; `ReadOnly` if a store is to be created without writing.
    pub fn open(store: &MemoryStore, options: &OpenOptions) -> Result<Self> {
        if options.read_only && matches!(options.mode, OpenMode::Create(_)) {
            return Err(SITE.error(DeviceErrorKind::ReadOnly, Operation::Open));
        }
        let lock = store.lock(options.read_only)?;
        let mut bytes = store.0.bytes.write();
        let mut read = |offset: u64, buf: &mut [u8]| {
            let rest = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
            let got = rest.len().min(buf.len());
            buf[..got].copy_from_slice(&rest[..got]);
            Ok(got)
        };
        let len = bytes.len() as u64;
        let found = probe_file(len, &mut read).map_err(|e| SITE.io(Operation::Open, e))?;
        let admitted = admit(found, options.mode).map_err(|kind| SITE.error(kind, Operation::Open))?;
        let size = match admitted {
            Admitted::Existing(size) => size,
            Admitted::Fresh(size) => {
                bytes.clear();
                size
            }
        };
        drop(bytes);
        Ok(Self::over(lock, size))
    }

    fn over(lock: Lock, size: PageSize) -> Self {
        let store = lock.store.clone();
        let pages = store.0.bytes.read().len() / size.bytes();
        MemoryDevice {
            size,
            read_only: lock.read_only,
            pages: AtomicU64::new(pages as u64),
            closed: AtomicBool::new(false),
            lock: Mutex::new(Some(lock)),
            store,
        }
    }

    /// The bytes behind the device: to open them again, or to change them behind its back.
    pub fn store(&self) -> &MemoryStore {
        &self.store
    }

    /// A copy of all bytes; also after `close`.
    pub fn image(&self) -> Vec<u8> {
        self.store.image()
    }

    fn usable(&self, operation: Operation) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(SITE.error(DeviceErrorKind::Closed, operation));
        }
        Ok(())
    }

    fn changeable(&self, operation: Operation) -> Result<()> {
        self.usable(operation)?;
        if self.read_only {
            return Err(SITE.error(DeviceErrorKind::ReadOnly, operation));
        }
        Ok(())
    }

    fn short(&self, operation: Operation, offset: u64) -> super::DeviceError {
        let page = PageId::new(offset / self.size.bytes() as u64);
        SITE.error(DeviceErrorKind::ShortFile, operation).at(page, 1)
    }

    fn put(
        &self,
        operation: Operation,
        parts: Vec<(u64, std::io::IoSlice<'_>)>,
        bytes: &mut [u8],
    ) -> Result<()> {
        for (offset, data) in parts {
            let at = offset as usize;
            bytes
                .get_mut(at..at + data.len())
                .ok_or_else(|| self.short(operation, offset))?
                .copy_from_slice(&data);
        }
        Ok(())
    }
}

impl PageDevice for MemoryDevice {
    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            backend: SITE.backend,
            requested: None,
            fallback: None,
            path: None,
            page_size: self.size,
            read_only: self.read_only,
            growth: Growth::Reserved,
            block_writes: BlockWrites::WriteThrough,
            direct_io: false,
            lends_pages: false,
            parallel_reads: false,
            persistent: false,
        }
    }

    fn page_count(&self) -> PageCount {
        PageCount::new(self.pages.load(Ordering::Acquire))
    }

    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        let mut bytes = self.store.0.bytes.write();
        self.changeable(Operation::Grow)?;
        let now = self.page_count();
        if pages <= now {
            return Ok(now);
        }
        let full = || SITE.error(DeviceErrorKind::DiskFull, Operation::Grow);
        let len = pages.bytes(self.size).filter(|len| *len <= self.store.0.limit).ok_or_else(full)?;
        let len = usize::try_from(len).map_err(|_| full())?;
        // What a partial last page holds is not part of the store: new pages read as zero.
        bytes.truncate(now.get() as usize * self.size.bytes());
        let more = len.saturating_sub(bytes.len());
        bytes.try_reserve(more).map_err(|_| full())?;
        bytes.resize(len, 0);
        self.pages.store(pages.get(), Ordering::Release);
        Ok(pages)
    }

    fn shrink(&self, pages: PageCount) -> Result<()> {
        let mut bytes = self.store.0.bytes.write();
        self.changeable(Operation::Shrink)?;
        if pages > self.page_count() {
            return Err(SITE
                .error(DeviceErrorKind::InvalidRequest, Operation::Shrink)
                .detail("beyond the end"));
        }
        self.pages.store(pages.get(), Ordering::Release);
        bytes.truncate(pages.get() as usize * self.size.bytes());
        Ok(())
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        let bytes = self.store.0.bytes.read();
        self.usable(Operation::Read)?;
        SITE.check_reads(batch, self.size, self.page_count())?;
        for (offset, mut buf) in read_parts(batch, self.size) {
            let at = offset as usize;
            let page = bytes.get(at..at + buf.len()).ok_or_else(|| self.short(Operation::Read, offset))?;
            buf.copy_from_slice(page);
        }
        drop(bytes);
        tell(batch, arrived);
        Ok(())
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        let mut bytes = self.store.0.bytes.write();
        self.changeable(Operation::Write)?;
        SITE.check_writes(batch, self.size, self.page_count())?;
        self.put(Operation::Write, write_parts(batch, self.size), &mut bytes)
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        let mut bytes = self.store.0.bytes.write();
        self.changeable(Operation::WriteDurable)?;
        SITE.check_blocks(blocks, self.size, self.page_count())?;
        self.put(Operation::WriteDurable, block_parts(blocks, self.size), &mut bytes)
    }

    fn sync(&self) -> Result<()> {
        self.usable(Operation::Sync)
    }

    fn prefetch(&self, _: &[PageRun]) {}

    fn mapped(&self, _: PageId) -> Option<LentPage> {
        None
    }

    fn close(&self) -> Result<()> {
        let _bytes = self.store.0.bytes.write();
        self.closed.store(true, Ordering::Release);
        self.lock.lock().take();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Capability, Fixture};
    use std::sync::OnceLock;

    #[derive(Default)]
    struct InMemory(OnceLock<MemoryStore>);

    impl InMemory {
        fn store(&self) -> &MemoryStore {
            self.0.get_or_init(|| MemoryStore::new(Vec::new()))
        }
    }

    impl Fixture for InMemory {
        fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>> {
            Ok(Arc::new(MemoryDevice::open(self.store(), &OpenOptions::create(size))?))
        }

        fn open(&self, read_only: bool) -> Result<Arc<dyn PageDevice>> {
            let options = OpenOptions { read_only, ..OpenOptions::open() };
            Ok(Arc::new(MemoryDevice::open(self.store(), &options)?))
        }

        fn offers(&self, what: Capability) -> bool {
            what != Capability::Faults // memory does not fail
        }

        fn cut(&self, bytes: u64) {
            self.store().tamper(|all| all.truncate(bytes as usize));
        }
    }

    crate::device_tests!(InMemory);

    #[test]
    fn an_image_is_probed_like_a_file() {
        let kind = |image: &[u8]| MemoryDevice::from_image(image.to_vec(), None).map_err(|e| e.kind()).err();
        let store = super::super::probe::samples::store(PageSize::K16);
        assert_eq!(kind(&store), None);
        assert_eq!(kind(&store[..PageSize::K16.bytes() * 4 + 9]), Some(DeviceErrorKind::ShortFile));
        assert_eq!(kind(&[]), Some(DeviceErrorKind::Unfinished));
        assert_eq!(kind(b"somebody else's"), Some(DeviceErrorKind::NotAStore));
        let believed = MemoryDevice::from_image(vec![9; 4096 * 3 + 5], Some(PageSize::K4)).unwrap();
        assert_eq!(believed.page_count(), PageCount::new(3));
        let reopened =
            MemoryDevice::from_image(MemoryDevice::from_image(store.clone(), None).unwrap().image(), None);
        assert_eq!(reopened.unwrap().image(), store);
    }
}
