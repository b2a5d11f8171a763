//! A page device of one's own, under every layer of a store; and the suite that tells whether it keeps its promises. Run
//! with `cargo run -p foliograph --example your_own_device`.
//!
//! This one keeps pages in memory and counts what is read and written. Yours might encrypt them, put them into an object
//! store or a flash chip, or fail on purpose.

use foliograph::storage_core::conformance::{CASES, Capability, Fixture};
use foliograph::storage_core::device::batch::Site;
use foliograph::storage_core::device::{
    Arrived, BlockWrites, DeviceErrorKind, DeviceInfo, Growth, LentPage, Operation, PageDevice, ReadPage,
    Result, WriteBlock, WritePage,
};
use foliograph::storage_core::page::{PageCount, PageId, PageRun, PageSize};
use foliograph::{Options, props};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

/// Checks batches before any I/O, and puts the backend's name into errors.
const SITE: Site = Site { backend: "counting", path: None };

/// What it holds at most: more is a full disk, which is told before anything is taken.
const MOST_PAGES: u64 = 4096;

#[derive(Debug)]
struct CountingDevice {
    size: PageSize,
    pages: RwLock<Vec<Box<[u8]>>>,
    closed: AtomicBool,
    read: AtomicU64,
    written: AtomicU64,
}

impl CountingDevice {
    fn new(size: PageSize) -> Self {
        let (pages, closed) = (RwLock::default(), AtomicBool::new(false));
        CountingDevice { size, pages, closed, read: AtomicU64::new(0), written: AtomicU64::new(0) }
    }

    fn usable(&self, operation: Operation) -> Result<()> {
        match self.closed.load(Ordering::Acquire) {
            true => Err(SITE.error(DeviceErrorKind::Closed, operation)),
            false => Ok(()),
        }
    }
}

fn at(page: PageId) -> usize {
    page.get() as usize
}

impl PageDevice for CountingDevice {
    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            backend: "counting",
            requested: None,
            fallback: None,
            path: None,
            page_size: self.size,
            read_only: false,
            growth: Growth::Reserved,
            block_writes: BlockWrites::WriteThrough,
            direct_io: false,
            lends_pages: false,
            parallel_reads: false,
            persistent: false,
        }
    }

    fn page_count(&self) -> PageCount {
        PageCount::new(self.pages.read().expect("nobody panics").len() as u64)
    }

    fn grow(&self, wanted: PageCount) -> Result<PageCount> {
        self.usable(Operation::Grow)?;
        if wanted.get() > MOST_PAGES {
            return Err(SITE.error(DeviceErrorKind::DiskFull, Operation::Grow));
        }
        let mut pages = self.pages.write().expect("nobody panics");
        while (pages.len() as u64) < wanted.get() {
            pages.push(vec![0; self.size.bytes()].into());
        }
        Ok(PageCount::new(pages.len() as u64))
    }

    fn shrink(&self, wanted: PageCount) -> Result<()> {
        self.usable(Operation::Shrink)?;
        let mut pages = self.pages.write().expect("nobody panics");
        if wanted.get() > pages.len() as u64 {
            return Err(SITE.error(DeviceErrorKind::InvalidRequest, Operation::Shrink));
        }
        pages.truncate(wanted.get() as usize);
        Ok(())
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        self.usable(Operation::Read)?;
        let pages = self.pages.read().expect("nobody panics");
        SITE.check_reads(batch, self.size, PageCount::new(pages.len() as u64))?;
        for wanted in &mut *batch {
            wanted.buf.copy_from_slice(&pages[at(wanted.page)]);
            arrived(wanted.page, wanted.buf);
        }
        self.read.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        self.usable(Operation::Write)?;
        let mut pages = self.pages.write().expect("nobody panics");
        SITE.check_writes(batch, self.size, PageCount::new(pages.len() as u64))?;
        for given in batch {
            pages[at(given.page)].copy_from_slice(given.data);
        }
        self.written.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        self.usable(Operation::WriteDurable)?;
        let mut pages = self.pages.write().expect("nobody panics");
        SITE.check_blocks(blocks, self.size, PageCount::new(pages.len() as u64))?;
        for block in blocks {
            pages[at(block.page)][block.offset..][..block.data.len()].copy_from_slice(block.data);
        }
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.usable(Operation::Sync)
    }

    fn prefetch(&self, _: &[PageRun]) {}

    fn mapped(&self, _: PageId) -> Option<LentPage> {
        None
    }

    fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        Ok(())
    }
}

/// How the suite makes devices. In a crate of your own, `storage_core::device_tests!(MyFixture)` makes a `#[test]` of each
/// of its cases.
struct MyFixture;

impl Fixture for MyFixture {
    fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>> {
        Ok(Arc::new(CountingDevice::new(size)))
    }

    fn offers(&self, _: Capability) -> bool {
        false // it cannot be opened again, has no lock, and no way to cut it or to make it fail
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let kept = CASES.iter().filter(|case| case.run_if_offered(&MyFixture, PageSize::K4)).count();
    println!("{kept} promises kept; {} need what this device does not offer", CASES.len() - kept);

    // The one instance, shared by every layer.
    let device = Arc::new(CountingDevice::new(PageSize::K4));
    let db = Options::new().create_device(device.clone())?;
    let mut tx = db.begin_write()?;
    let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    let charles = tx.add_node("person", "charles", props! {})?;
    tx.add_edge(ada, "knows", charles, props! {})?;
    tx.commit()?;
    db.checkpoint()?;
    println!("ada's degree: {}", db.begin_read()?.degree(ada).count()?);
    println!("pages read: {}", device.read.load(Ordering::Relaxed));
    println!("pages written: {}", device.written.load(Ordering::Relaxed));
    db.close()?;
    Ok(())
}
