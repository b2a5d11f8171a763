//! A wrapper that counts: calls, pages, bytes, batches and errors by operation, and the pages that were lent.
//!
//! Must always be true: whatever reaches the device below is counted, also a page that is lent and then read without
//! a further call. It changes nothing. Counters are independent: a reading taken amid traffic may see a call's pages
//! before its bytes.

use super::{Arrived, DeviceInfo, LentPage, PageDevice, ReadPage, Result, WriteBlock, WritePage};
use crate::page::{PageCount, PageId, PageRun};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was counted of one operation.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Calls, failed ones included.
    pub calls: u64,
    /// Pages asked for (blocks for durable writes; pages that came or went for grow and shrink).
    pub pages: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Calls with more than one page.
    pub batches: u64,
    /// Calls that failed.
    pub errors: u64,
}

/// What was counted of all of them.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)] // the methods of the device
pub struct Meters {
    pub read: Tally,
    pub write: Tally,
    pub write_durable: Tally,
    pub sync: Tally,
    pub grow: Tally,
    pub shrink: Tally,
    pub prefetch: Tally,
    /// Pages lent by `mapped`; a call that lends nothing counts as a call without pages.
    pub lent: Tally,
    pub close: Tally,
}

#[derive(Debug, Default)]
struct Counter {
    calls: AtomicU64,
    pages: AtomicU64,
    bytes: AtomicU64,
    batches: AtomicU64,
    errors: AtomicU64,
}

impl Counter {
    fn count(&self, pages: u64, bytes: u64) {
        self.calls.fetch_add(1, Relaxed);
        self.pages.fetch_add(pages, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
        if pages > 1 {
            self.batches.fetch_add(1, Relaxed);
        }
    }

    fn outcome<T>(&self, result: Result<T>) -> Result<T> {
        if result.is_err() {
            self.errors.fetch_add(1, Relaxed);
        }
        result
    }

    fn fields(&self) -> [&AtomicU64; 5] {
        [&self.calls, &self.pages, &self.bytes, &self.batches, &self.errors]
    }

    fn tally(&self) -> Tally {
        let [calls, pages, bytes, batches, errors] = self.fields().map(|field| field.load(Relaxed));
        Tally { calls, pages, bytes, batches, errors }
    }
}

#[derive(Debug, Default)]
struct Counters {
    read: Counter,
    write: Counter,
    write_durable: Counter,
    sync: Counter,
    grow: Counter,
    shrink: Counter,
    prefetch: Counter,
    lent: Counter,
    close: Counter,
}

/// A device that counts.
///
/// ```
/// use std::sync::Arc;
/// use storage_core::device::{PageDevice, memory::MemoryDevice, metered::Metered};
/// use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
///
/// let below = Arc::new(MemoryDevice::new(PageSize::K4));
/// let device = Metered::new(below);
/// device.grow(PageCount::new(4))?;
/// device.sync()?;
/// let meters = device.meters();
/// assert_eq!((meters.grow.pages, meters.sync.calls, meters.read.calls), (4, 1, 0));
/// # Ok::<(), storage_core::device::DeviceError>(())
/// ```
#[derive(Debug)]
pub struct Metered {
    inner: Arc<dyn PageDevice>,
    page_bytes: u64,
    counters: Counters,
}

impl Metered {
    /// Wraps `inner`; all counters are 0.
    pub fn new(inner: Arc<dyn PageDevice>) -> Self {
        let page_bytes = inner.info().page_size.bytes() as u64;
        Metered { inner, page_bytes, counters: Counters::default() }
    }

    /// What was counted so far.
    pub fn meters(&self) -> Meters {
        let c = &self.counters;
        Meters {
            read: c.read.tally(),
            write: c.write.tally(),
            write_durable: c.write_durable.tally(),
            sync: c.sync.tally(),
            grow: c.grow.tally(),
            shrink: c.shrink.tally(),
            prefetch: c.prefetch.tally(),
            lent: c.lent.tally(),
            close: c.close.tally(),
        }
    }

    /// Sets all counters to 0.
    pub fn reset(&self) {
        let c = &self.counters;
        let all = [
            &c.read,
            &c.write,
            &c.write_durable,
            &c.sync,
            &c.grow,
            &c.shrink,
            &c.prefetch,
            &c.lent,
            &c.close,
        ];
        for field in all.into_iter().flat_map(Counter::fields) {
            field.store(0, Relaxed);
        }
    }
}

impl PageDevice for Metered {
    fn info(&self) -> DeviceInfo {
        self.inner.info()
    }

    fn page_count(&self) -> PageCount {
        self.inner.page_count()
    }

    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        let more = pages.get().saturating_sub(self.inner.page_count().get());
        self.counters.grow.count(more, more.saturating_mul(self.page_bytes));
        self.counters.grow.outcome(self.inner.grow(pages))
    }

    fn shrink(&self, pages: PageCount) -> Result<()> {
        let less = self.inner.page_count().get().saturating_sub(pages.get());
        self.counters.shrink.count(less, less.saturating_mul(self.page_bytes));
        self.counters.shrink.outcome(self.inner.shrink(pages))
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        let bytes = batch.iter().map(|read| read.buf.len() as u64).sum();
        self.counters.read.count(batch.len() as u64, bytes);
        self.counters.read.outcome(self.inner.read_each(batch, arrived))
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        let bytes = batch.iter().map(|write| write.data.len() as u64).sum();
        self.counters.write.count(batch.len() as u64, bytes);
        self.counters.write.outcome(self.inner.write(batch))
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        let bytes = blocks.iter().map(|block| block.data.len() as u64).sum();
        self.counters.write_durable.count(blocks.len() as u64, bytes);
        self.counters.write_durable.outcome(self.inner.write_durable(blocks))
    }

    fn sync(&self) -> Result<()> {
        self.counters.sync.count(0, 0);
        self.counters.sync.outcome(self.inner.sync())
    }

    fn prefetch(&self, runs: &[PageRun]) {
        let pages = runs.iter().fold(0u64, |sum, run| sum.saturating_add(run.count.get()));
        self.counters.prefetch.count(pages, pages.saturating_mul(self.page_bytes));
        self.inner.prefetch(runs);
    }

    fn mapped(&self, page: PageId) -> Option<LentPage> {
        let lent = self.inner.mapped(page);
        let pages = u64::from(lent.is_some());
        self.counters.lent.count(pages, pages * self.page_bytes);
        lent
    }

    fn close(&self) -> Result<()> {
        self.counters.close.count(0, 0);
        self.counters.close.outcome(self.inner.close())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::PageDeviceExt;
    use crate::device::memory::MemoryDevice;
    use crate::page::PageSize;

    #[test]
    fn calls_pages_bytes_batches_and_errors_are_counted_by_operation() {
        let device = Metered::new(Arc::new(MemoryDevice::new(PageSize::K8)));
        device.grow(PageCount::new(3)).unwrap();
        let page = vec![1; 8192];
        let write = |n| WritePage { page: PageId::new(n), data: &page };
        device.write(&[write(0), write(2)]).unwrap();
        device.write_page(PageId::new(9), &page).unwrap_err();
        device.read_page(PageId::new(0), &mut page.clone()).unwrap();
        let block = WriteBlock { page: PageId::new(1), offset: 4096, data: &page[..4096] };
        device.write_durable(&[block]).unwrap();
        device.sync().unwrap();
        device.prefetch(&[PageRun { start: PageId::new(0), count: PageCount::new(2) }]);
        assert!(device.mapped(PageId::new(0)).is_none());
        let m = device.meters();
        assert_eq!(m.grow, Tally { calls: 1, pages: 3, bytes: 3 * 8192, batches: 1, errors: 0 });
        assert_eq!(m.write, Tally { calls: 2, pages: 3, bytes: 3 * 8192, batches: 1, errors: 1 });
        assert_eq!(m.read, Tally { calls: 1, pages: 1, bytes: 8192, batches: 0, errors: 0 });
        assert_eq!(m.write_durable, Tally { calls: 1, pages: 1, bytes: 4096, batches: 0, errors: 0 });
        assert_eq!((m.sync.calls, m.prefetch.pages, m.lent.calls, m.lent.pages), (1, 2, 1, 0));
        device.reset();
        assert_eq!(device.meters(), Meters::default());
    }
}
