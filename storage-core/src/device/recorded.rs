//! [`RecordedDevice`]: any device, with a record of every call and its contents; and questions about order.
//!
//! Must always be true: calls are numbered at their start and at their end by one clock, so that of two calls of any
//! threads it can be said whether one had ended before the other began. Calls that overlap have no order.

use super::{Arrived, DeviceInfo, LentPage, PageDevice, ReadPage, Result, WriteBlock, WritePage};
use crate::page::{PageCount, PageId, PageRun};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A block as it was asked to be written durably.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedBlock {
    /// The page.
    pub page: PageId,
    /// Byte offset within it.
    pub offset: usize,
    /// The bytes.
    pub data: Arc<[u8]>,
}

/// What was called, with its contents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// `grow` to this count; with the count it returned, if it succeeded.
    Grow(PageCount, Option<PageCount>),
    /// `shrink` to this count.
    Shrink(PageCount),
    /// `read`: pages and what came back; empty contents if it failed.
    Read(Vec<(PageId, Arc<[u8]>)>),
    /// `write`: pages and their new contents.
    Write(Vec<(PageId, Arc<[u8]>)>),
    /// `write_durable`.
    WriteDurable(Vec<RecordedBlock>),
    /// `sync`.
    Sync,
    /// `prefetch`.
    Prefetch(Vec<PageRun>),
    /// `mapped`; `ok` says whether a page was lent.
    Mapped(PageId),
    /// `close`.
    Close,
}

/// One call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// What was called.
    pub call: Call,
    /// Whether it succeeded.
    pub ok: bool,
    /// When it began, by the clock of the device.
    pub began: u64,
    /// When it ended.
    pub ended: u64,
}

impl Record {
    /// True if this call had ended before the other began.
    pub fn before(&self, other: &Record) -> bool {
        self.ended < other.began
    }

    /// True if the call wrote `page`, or a part of it, and succeeded.
    pub fn wrote(&self, page: PageId) -> bool {
        self.ok
            && match &self.call {
                Call::Write(pages) => pages.iter().any(|(id, _)| *id == page),
                Call::WriteDurable(blocks) => blocks.iter().any(|block| block.page == page),
                _ => false,
            }
    }

    /// True if the call read or borrowed `page`, and succeeded.
    pub fn read(&self, page: PageId) -> bool {
        self.ok
            && match &self.call {
                Call::Read(pages) => pages.iter().any(|(id, _)| *id == page),
                Call::Mapped(id) => *id == page,
                _ => false,
            }
    }

    /// True if what `write` wrote was durable when this call ended: it is a sync that began after the write had ended,
    /// or it is the write itself and that is a durable one.
    pub fn makes_durable(&self, write: &Record) -> bool {
        let itself = self.began == write.began && matches!(self.call, Call::WriteDurable(_));
        self.ok && (itself || (self.call == Call::Sync && write.before(self)))
    }
}

/// The newest write of `page` that had ended before `records[at]` began.
pub fn last_write_before(records: &[Record], page: PageId, at: usize) -> Option<usize> {
    let earlier = |n: &usize| records[*n].wrote(page) && records[*n].before(&records[at]);
    (0..records.len()).filter(earlier).max_by_key(|n| records[*n].ended)
}

/// True if what `records[write]` wrote was durable before `records[at]` began.
pub fn durable_before(records: &[Record], write: usize, at: usize) -> bool {
    records.iter().any(|sync| sync.makes_durable(&records[write]) && sync.before(&records[at]))
}

/// A device that records what is asked of it.
///
/// ```
/// use std::sync::Arc;
/// use storage_core::device::{PageDevice, PageDeviceExt, memory::MemoryDevice, recorded::{RecordedDevice, durable_before}};
/// use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
///
/// let below = Arc::new(MemoryDevice::new(PageSize::K4));
/// let device = RecordedDevice::new(below, false);
/// device.grow(PageCount::new(1))?;
/// device.write_page(PageId::new(0), &[1; 4096])?;
/// device.sync()?;
/// device.close()?;
/// let records = device.take();
/// assert!(records[1].wrote(PageId::new(0)) && durable_before(&records, 1, 3));
/// # Ok::<(), storage_core::device::DeviceError>(())
/// ```
#[derive(Debug)]
pub struct RecordedDevice {
    inner: Arc<dyn PageDevice>,
    lends: bool,
    contents_of_reads: AtomicBool,
    clock: AtomicU64,
    records: Mutex<Vec<Record>>,
}

impl RecordedDevice {
    /// Records `inner`. `lends` says whether pages of its mapping are lent, and recorded, or declined, so that every
    /// read is a `read`.
    pub fn new(inner: Arc<dyn PageDevice>, lends: bool) -> Self {
        RecordedDevice {
            inner,
            lends,
            contents_of_reads: AtomicBool::new(true),
            clock: AtomicU64::new(0),
            records: Mutex::default(),
        }
    }

    /// Whether reads are recorded with what came back; they are, unless this says no. For long runs.
    pub fn keep_contents_of_reads(&self, keep: bool) {
        self.contents_of_reads.store(keep, Ordering::Relaxed);
    }

    /// Takes what was recorded so far, in the order in which the calls began.
    pub fn take(&self) -> Vec<Record> {
        let mut records = std::mem::take(&mut *self.records.lock());
        records.sort_by_key(|record| record.began);
        records
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Runs a call between two ticks of the clock.
    fn record<T>(&self, run: impl FnOnce() -> T, about: impl FnOnce(&T) -> (Call, bool)) -> T {
        let began = self.tick();
        let out = run();
        let ended = self.tick();
        let (call, ok) = about(&out);
        self.records.lock().push(Record { call, ok, began, ended });
        out
    }
}

impl PageDevice for RecordedDevice {
    fn info(&self) -> DeviceInfo {
        let info = self.inner.info();
        DeviceInfo { lends_pages: info.lends_pages && self.lends, ..info }
    }

    fn page_count(&self) -> PageCount {
        self.inner.page_count()
    }

    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        let about = |out: &Result<PageCount>| (Call::Grow(pages, out.as_ref().ok().copied()), out.is_ok());
        self.record(|| self.inner.grow(pages), about)
    }

    fn shrink(&self, pages: PageCount) -> Result<()> {
        self.record(|| self.inner.shrink(pages), |out| (Call::Shrink(pages), out.is_ok()))
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        let keep = self.contents_of_reads.load(Ordering::Relaxed);
        let began = self.tick();
        let out = self.inner.read_each(batch, arrived);
        let ended = self.tick();
        let contents = |read: &ReadPage<'_>| -> Arc<[u8]> {
            if keep && out.is_ok() { Arc::from(&*read.buf) } else { Arc::default() }
        };
        let pages = batch.iter().map(|read| (read.page, contents(read))).collect();
        self.records.lock().push(Record { call: Call::Read(pages), ok: out.is_ok(), began, ended });
        out
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        let pages = batch.iter().map(|write| (write.page, Arc::from(write.data))).collect();
        self.record(|| self.inner.write(batch), |out| (Call::Write(pages), out.is_ok()))
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        let block =
            |b: &WriteBlock<'_>| RecordedBlock { page: b.page, offset: b.offset, data: b.data.into() };
        let call = Call::WriteDurable(blocks.iter().map(block).collect());
        self.record(|| self.inner.write_durable(blocks), |out| (call, out.is_ok()))
    }

    fn sync(&self) -> Result<()> {
        self.record(|| self.inner.sync(), |out| (Call::Sync, out.is_ok()))
    }

    fn prefetch(&self, runs: &[PageRun]) {
        self.record(|| self.inner.prefetch(runs), |()| (Call::Prefetch(runs.to_vec()), true));
    }

    fn mapped(&self, page: PageId) -> Option<LentPage> {
        if !self.lends {
            return None;
        }
        self.record(|| self.inner.mapped(page), |out| (Call::Mapped(page), out.is_some()))
    }

    fn close(&self) -> Result<()> {
        self.record(|| self.inner.close(), |out| (Call::Close, out.is_ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sim::SimDevice;
    use super::super::{DeviceErrorKind, PageDeviceExt};
    use super::*;
    use crate::page::PageSize;

    fn device() -> RecordedDevice {
        let device = RecordedDevice::new(Arc::new(SimDevice::new(PageSize::K4, 1)), true);
        device.grow(PageCount::new(4)).unwrap();
        device
    }

    #[test]
    fn every_call_is_recorded_in_order_with_contents_and_success() {
        let device = device();
        let (one, two) = (PageId::new(1), PageId::new(2));
        device.write_page(one, &[7; 4096]).unwrap();
        device.write_durable(&[WriteBlock { page: two, offset: 0, data: &[8; 4096] }]).unwrap();
        let error = device.write_page(PageId::new(4), &[0; 4096]).unwrap_err();
        assert_eq!(error.kind(), DeviceErrorKind::OutOfBounds);
        device.sync().unwrap();
        device.read_page(two, &mut [0; 4096]).unwrap();
        assert!(device.mapped(one).is_none());
        device.shrink(PageCount::new(3)).unwrap();
        device.close().unwrap();
        let page = |fill: u8| Arc::<[u8]>::from(vec![fill; 4096]);
        let calls: Vec<(Call, bool)> = device.take().into_iter().map(|r| (r.call, r.ok)).collect();
        let four = PageCount::new(4);
        let expected = [
            (Call::Grow(four, Some(four)), true),
            (Call::Write(vec![(one, page(7))]), true),
            (Call::WriteDurable(vec![RecordedBlock { page: two, offset: 0, data: page(8) }]), true),
            (Call::Write(vec![(PageId::new(4), page(0))]), false),
            (Call::Sync, true),
            (Call::Read(vec![(two, page(8))]), true),
            (Call::Mapped(one), false),
            (Call::Shrink(PageCount::new(3)), true),
            (Call::Close, true),
        ];
        assert_eq!(calls, expected);
        assert!(device.take().is_empty(), "taking empties the record");
    }

    #[test]
    fn the_record_tells_what_was_durable_before_what() {
        let device = device();
        let (leaf, root) = (PageId::new(1), PageId::new(2));
        device.take();
        device.sync().unwrap();
        device.write_page(leaf, &[0; 4096]).unwrap();
        device.write_page(root, &[0; 4096]).unwrap();
        assert!(!durable_before(&device.take(), 1, 2), "a sync says nothing of what is written after it");
        device.write_page(leaf, &[1; 4096]).unwrap(); // 0
        device.write_durable(&[WriteBlock { page: root, offset: 0, data: &[1; 4096] }]).unwrap(); // 1
        device.sync().unwrap(); // 2
        device.write_page(root, &[2; 4096]).unwrap(); // 3
        let records = device.take();
        assert_eq!(last_write_before(&records, leaf, 1), Some(0));
        assert_eq!(last_write_before(&records, leaf, 0), None);
        assert!(!durable_before(&records, 0, 1), "the root was written over an unsynced leaf");
        assert!(durable_before(&records, 0, 3) && durable_before(&records, 1, 2));
        assert_eq!(last_write_before(&records, root, 3), Some(1));
    }

    #[test]
    fn calls_of_two_threads_that_overlap_have_no_order() {
        let device = device();
        device.take();
        std::thread::scope(|scope| {
            for page in 0..2 {
                let device = &device;
                scope.spawn(move || {
                    (0..200).for_each(|n| device.write_page(PageId::new(page), &[n as u8; 4096]).unwrap());
                });
            }
        });
        let records = device.take();
        assert_eq!(records.len(), 400);
        for (n, record) in records.iter().enumerate() {
            assert!(record.began < record.ended);
            for other in &records[n + 1..] {
                assert!(!other.before(record), "records stand in the order in which calls began");
            }
        }
    }

    #[test]
    fn a_device_that_declines_to_lend_says_so() {
        let device = RecordedDevice::new(Arc::new(SimDevice::new(PageSize::K4, 1)), false);
        assert!(!device.info().lends_pages && device.mapped(PageId::new(0)).is_none());
        assert!(device.take().is_empty());
    }
}
