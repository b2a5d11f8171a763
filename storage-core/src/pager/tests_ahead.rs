//! Stories of pages that are read ahead, from a device that reads a batch in parallel: they come in any order, some of them
//! damaged, or not all of them.

use super::*;
use crate::device::memory::MemoryDevice;
use crate::device::{
    Arrived, DeviceError, DeviceErrorKind, DeviceInfo, LentPage, Operation, PageDevice, PageDeviceExt,
    ReadPage, Result as DeviceResult, WriteBlock, WritePage,
};
use crate::page::{HEADER_LEN, PageCount, PageId, PageImage, PageKind, PageRun, PageSize, Written};

const SIZE: PageSize = PageSize::K4;

/// Tells of the last page first.
#[derive(Debug)]
struct Parallel {
    inner: MemoryDevice,
    /// A byte of this page comes wrong.
    flipped: Mutex<Option<PageId>>,
    /// A batch ends in an error when so many pages were told of.
    ends: Mutex<Option<usize>>,
}

impl PageDevice for Parallel {
    fn info(&self) -> DeviceInfo {
        DeviceInfo { parallel_reads: true, ..self.inner.info() }
    }
    fn page_count(&self) -> PageCount {
        self.inner.page_count()
    }
    fn grow(&self, pages: PageCount) -> DeviceResult<PageCount> {
        self.inner.grow(pages)
    }
    fn shrink(&self, pages: PageCount) -> DeviceResult<()> {
        self.inner.shrink(pages)
    }
    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> DeviceResult<()> {
        self.inner.read(batch)?;
        let (flipped, ends) = (*self.flipped.lock(), *self.ends.lock());
        for (told, read) in batch.iter_mut().rev().enumerate() {
            if ends == Some(told) {
                let error = std::io::Error::other("the disk is gone");
                return Err(DeviceError::from_io(Operation::Read, "parallel", error));
            }
            if flipped == Some(read.page) {
                read.buf[HEADER_LEN] ^= 1;
            }
            arrived(read.page, read.buf);
        }
        Ok(())
    }
    fn write(&self, batch: &[WritePage<'_>]) -> DeviceResult<()> {
        self.inner.write(batch)
    }
    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> DeviceResult<()> {
        self.inner.write_durable(blocks)
    }
    fn sync(&self) -> DeviceResult<()> {
        self.inner.sync()
    }
    fn prefetch(&self, runs: &[PageRun]) {
        self.inner.prefetch(runs);
    }
    fn mapped(&self, _: PageId) -> Option<LentPage> {
        None
    }
    fn close(&self) -> DeviceResult<()> {
        self.inner.close()
    }
}

/// A store of so many pages, of which none is in memory.
fn store(pages: u8) -> (Arc<Parallel>, Arc<Pager>, Vec<Written>) {
    let device = Arc::new(Parallel {
        inner: MemoryDevice::new(SIZE),
        flipped: Mutex::default(),
        ends: Mutex::default(),
    });
    let pager = Pager::create(device.clone(), &PagerOptions::default()).expect("created");
    let mut tx = pager.begin_write().expect("begun");
    let image = |n| {
        let mut image = PageImage::new(SIZE, PageKind::Record, 0);
        image.bytes_mut()[HEADER_LEN] = n;
        image.set_used(HEADER_LEN + 1);
        image
    };
    let written = tx.write((0..pages).map(image).collect()).expect("written");
    tx.commit(Some(written[0])).expect("committed");
    (device, pager, written)
}

/// Which of these pages are in memory, each with what it should hold.
fn held(pager: &Pager, pages: &[Written]) -> Vec<usize> {
    let found = |(n, at): (usize, &Written)| {
        let page = pager.cache.get(*at, &[PageKind::Record], None)?;
        assert_eq!(usize::from(page[HEADER_LEN]), n, "the page under its own name");
        Some(n)
    };
    pages.iter().enumerate().filter_map(found).collect()
}

#[test]
fn pages_that_come_in_any_order_are_kept_under_their_own_names() {
    let (_, pager, pages) = store(40);
    assert_eq!(held(&pager, &pages), [0; 0], "what is written is not kept");
    // Asked for in any order, and one of them twice.
    let mut some: Vec<Written> = pages.iter().rev().copied().collect();
    some.push(pages[7]);
    pager.begin_read().prefetch(&some);
    assert_eq!(held(&pager, &pages), (0..40).collect::<Vec<_>>());
}

#[test]
fn a_page_that_comes_damaged_is_not_kept_and_the_others_are() {
    let (device, pager, pages) = store(40);
    *device.flipped.lock() = Some(pages[5].page());
    let snapshot = pager.begin_read();
    snapshot.prefetch(&pages);
    assert_eq!(held(&pager, &pages), (0..40).filter(|n| *n != 5).collect::<Vec<_>>());
    let error = snapshot.page(pages[5], PageKind::Record).expect_err("it still comes damaged");
    assert!(matches!(&error, PageError::Damage { .. }), "{error}");
    *device.flipped.lock() = None;
    assert_eq!(snapshot.page(pages[5], PageKind::Record).expect("readable")[HEADER_LEN], 5);
}

#[test]
fn of_a_batch_that_fails_nothing_is_kept_and_who_asks_again_learns_why() {
    for ends in [0, 1, 20] {
        let (device, pager, pages) = store(40);
        *device.ends.lock() = Some(ends);
        let snapshot = pager.begin_read();
        snapshot.prefetch(&pages);
        assert_eq!(held(&pager, &pages), [0; 0], "after {ends}");
        *device.ends.lock() = Some(0);
        let error = snapshot.page(pages[3], PageKind::Record).expect_err("the device fails");
        assert!(matches!(&error, PageError::Device(e) if e.kind() == DeviceErrorKind::Io), "{error}");
        *device.ends.lock() = None;
        assert_eq!(snapshot.page(pages[3], PageKind::Record).expect("readable")[HEADER_LEN], 3);
    }
}
