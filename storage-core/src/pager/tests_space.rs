//! Stories of the space: regions of the map, two levels of its index, trimming, and pages that a device has lent.

use super::map::{index_entries, region_pages};
use super::*;
use crate::device::memory::{MemoryDevice, MemoryStore};
use crate::device::{
    Arrived, BlockWrites, DeviceInfo, Growth, LentPage, OpenOptions, PageDevice, ReadPage,
    Result as DeviceResult, WriteBlock, WritePage,
};
use crate::page::{HEADER_LEN, PageCount, PageId, PageImage, PageKind, PageRun, PageSize, Written};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

const SIZE: PageSize = PageSize::K4;

/// Bytes that stay where they are for ever, so that a lent page may be looked at whatever the pager does meanwhile.
type Bytes = &'static [AtomicU8];

/// A device that keeps only pages that were written, lends them, and overwrites what is cut off: whoever still holds a
/// page that the pager had no right to give away sees it change.
#[derive(Debug, Default)]
struct Sparse {
    pages: Mutex<BTreeMap<u64, Bytes>>,
    count: AtomicU64,
}

impl Sparse {
    fn bytes(&self, page: PageId) -> Bytes {
        assert!(self.page_count().contains(page), "page {page} is out of bounds");
        let fresh = || &*Box::leak((0..SIZE.bytes()).map(|_| AtomicU8::new(0)).collect::<Box<[_]>>());
        self.pages.lock().entry(page.get()).or_insert_with(fresh)
    }

    fn put(&self, page: PageId, offset: usize, data: &[u8]) {
        for (to, from) in self.bytes(page)[offset..].iter().zip(data) {
            to.store(*from, Ordering::Relaxed);
        }
    }
}

impl PageDevice for Sparse {
    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            backend: "sparse",
            requested: None,
            fallback: None,
            path: None,
            page_size: SIZE,
            read_only: false,
            growth: Growth::Reserved,
            block_writes: BlockWrites::WriteThrough,
            direct_io: false,
            lends_pages: true,
            parallel_reads: false,
            persistent: false,
        }
    }

    fn page_count(&self) -> PageCount {
        PageCount::new(self.count.load(Ordering::Acquire))
    }

    fn grow(&self, pages: PageCount) -> DeviceResult<PageCount> {
        self.count.fetch_max(pages.get(), Ordering::AcqRel);
        Ok(self.page_count())
    }

    fn shrink(&self, pages: PageCount) -> DeviceResult<()> {
        for cut in self.pages.lock().split_off(&pages.get()).into_values() {
            cut.iter().for_each(|byte| byte.store(0xDD, Ordering::Relaxed));
        }
        self.count.store(pages.get(), Ordering::Release);
        Ok(())
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> DeviceResult<()> {
        for read in batch {
            for (to, from) in read.buf.iter_mut().zip(self.bytes(read.page)) {
                *to = from.load(Ordering::Relaxed);
            }
            arrived(read.page, read.buf);
        }
        Ok(())
    }

    fn write(&self, batch: &[WritePage<'_>]) -> DeviceResult<()> {
        batch.iter().for_each(|write| self.put(write.page, 0, write.data));
        Ok(())
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> DeviceResult<()> {
        blocks.iter().for_each(|block| self.put(block.page, block.offset, block.data));
        Ok(())
    }

    fn sync(&self) -> DeviceResult<()> {
        Ok(())
    }

    fn prefetch(&self, _: &[PageRun]) {}

    fn mapped(&self, page: PageId) -> Option<LentPage> {
        self.page_count().contains(page).then(|| {
            let bytes = self.bytes(page);
            LentPage::new(NonNull::from(bytes).cast(), bytes.len())
        })
    }

    fn close(&self) -> DeviceResult<()> {
        Ok(())
    }
}

fn options() -> PagerOptions {
    PagerOptions { cache_bytes: 0, ..PagerOptions::default() }
}

fn leaf(fill: u8) -> PageImage {
    let mut image = PageImage::new(SIZE, PageKind::Record, 0);
    image.bytes_mut()[HEADER_LEN..].fill(fill);
    image.set_used(SIZE.bytes());
    image
}

fn write(tx: &mut Transaction, pages: usize, fill: u8) -> Vec<Written> {
    let mut out = Vec::with_capacity(pages);
    while out.len() < pages {
        let batch = 256.min(pages - out.len());
        out.extend(tx.write((0..batch).map(|_| leaf(fill)).collect()).expect("written"));
    }
    out
}

/// Compares the durable map with what is reachable: the fixed pages, `pages`, and the map itself.
fn assert_map(pager: &Arc<Pager>, pages: &[Written]) {
    let map = pager.check_map(&pager.begin_read()).expect("the map is readable");
    let mut expected = vec![false; map.used.len()];
    let live = pages.iter().map(|page| page.page()).chain(map.map_pages.iter().map(Page::id));
    for page in (0..FIXED_PAGES).map(PageId::new).chain(live) {
        let seen = std::mem::replace(&mut expected[page.get() as usize], true);
        assert!(!seen, "page {page} has two owners");
    }
    let wrong: Vec<usize> = (0..expected.len()).filter(|page| map.used[*page] != expected[*page]).collect();
    assert!(
        wrong.is_empty(),
        "the map is wrong about {} pages: {:?} …",
        wrong.len(),
        &wrong[..wrong.len().min(8)]
    );
}

fn assert_filled(reader: &impl ReadPages, at: Written, fill: u8) {
    let page = reader.page(at, PageKind::Record).expect("readable");
    assert!(page[HEADER_LEN..].iter().all(|byte| *byte == fill));
}

/// A store that had shrunk back into fewer regions could not be opened any more: the entry of an empty region was taken
/// for damage.
#[test]
fn a_store_of_several_regions_is_emptied_and_opened_again() {
    let store = MemoryStore::new(Vec::new());
    let open = || {
        let device = MemoryDevice::open(&store, &OpenOptions::open()).expect("a store");
        Pager::open(Arc::new(device), &options()).expect("opens")
    };
    let device = MemoryDevice::open(&store, &OpenOptions::create(SIZE)).expect("empty");
    let pager = Pager::create(Arc::new(device), &options()).expect("created");
    let region = region_pages(SIZE);
    let mut tx = pager.begin_write().expect("begun");
    let mut pages = write(&mut tx, region as usize * 2 + 100, 1);
    assert!(pages.last().expect("some").page().get() > 2 * region, "the third region is in use");
    tx.commit(Some(pages[0])).expect("committed");
    assert_map(&pager, &pages);

    drop(pager);
    let pager = open();
    assert_map(&pager, &pages);
    // An abort over a region's boundary, then everything in the second and third region goes.
    drop(write(&mut pager.begin_write().expect("begun"), 1000, 2));
    let held = pager.begin_read();
    let mut tx = pager.begin_write().expect("begun");
    pages.split_off(50).into_iter().for_each(|page| tx.free(page));
    tx.commit(Some(pages[0])).expect("committed");
    assert_map(&pager, &pages);
    pager.trim(false).expect("nothing to trim while a snapshot holds the pages");
    assert!(pager.stats().page_count > 2 * region);
    drop(held);

    for fill in [4, 5] {
        // The map comes down to the lowest free pages, and then leaves the ones that it had.
        let mut tx = pager.begin_write().expect("begun");
        tx.free(pages.pop().expect("some are left"));
        pages.extend(write(&mut tx, 1, fill));
        tx.commit(Some(pages[0])).expect("committed");
    }
    pager.close().expect("closed");
    assert!(store.image().len() < 2000 * SIZE.bytes(), "the space is given back");
    drop(pager);
    let pager = open();
    assert_map(&pager, &pages);
    let mut tx = pager.begin_write().expect("begun");
    pages.extend(write(&mut tx, region as usize + 10, 3));
    tx.commit(Some(pages[0])).expect("committed");
    assert_map(&pager, &pages);
    assert_filled(&pager.begin_read(), pages[0], 1);
    drop(pager);
    assert_map(&open(), &pages);
}

/// 33 GiB of 4 KiB pages need a second level of the map's index. They are never written: the device is sparse.
#[test]
fn a_second_level_of_the_index_comes_with_the_size_and_stays() {
    let device = Arc::new(Sparse::default());
    let pager = Pager::create(device.clone(), &options()).expect("created");
    let mut tx = pager.begin_write().expect("begun");
    let mut pages = write(&mut tx, 3, 1);
    tx.commit(Some(pages[0])).expect("committed");
    assert_eq!(pager.durable_meta().map_levels, 1);
    std::mem::forget(pager); // not closed, as after a crash: nothing is trimmed

    let many = index_entries(SIZE) as u64 * region_pages(SIZE) + 1;
    device.grow(PageCount::new(many)).expect("grown");
    for round in 0..4 {
        let pager = Pager::open(device.clone(), &options()).expect("opens");
        let mut tx = pager.begin_write().expect("begun");
        let more = write(&mut tx, 5, 2);
        pages.extend(more);
        tx.free(pages.remove(1));
        tx.commit(Some(pages[0])).expect("committed");
        let meta = pager.durable_meta();
        assert_eq!(meta.map_levels, 2, "round {round}");
        assert_map(&pager, &pages);
        pager.close().expect("closed");
        assert!(device.page_count().get() < 1000, "the free end is cut off");
    }
}

/// What a snapshot holds is neither written anew nor cut off, however often the store is trimmed, nor when it is closed.
#[test]
fn lent_pages_of_a_held_snapshot_outlive_commits_trims_and_closing() {
    let device = Arc::new(Sparse::default());
    let pager = Pager::create(device.clone(), &options()).expect("created");
    let mut tx = pager.begin_write().expect("begun");
    let pages = write(&mut tx, 500, 7);
    tx.commit(Some(pages[0])).expect("committed");

    let snapshot = pager.begin_read();
    let lent: Vec<Page> =
        pages.iter().map(|at| snapshot.page(*at, PageKind::Record).expect("readable")).collect();
    let whole = || lent.iter().all(|page| page[HEADER_LEN..].iter().all(|byte| *byte == 7));
    let mut tx = pager.begin_write().expect("begun");
    pages.iter().for_each(|page| tx.free(*page));
    let mut root = write(&mut tx, 1, 8)[0];
    tx.commit(Some(root)).expect("committed");
    for fill in 9..30 {
        pager.trim(false).expect("trimmed");
        let mut tx = pager.begin_write().expect("begun");
        write(&mut tx, 40, fill);
        drop(tx);
        let mut tx = pager.begin_write().expect("begun");
        tx.free(root);
        root = write(&mut tx, 1, fill)[0];
        tx.commit(Some(root)).expect("committed");
        assert!(whole(), "a page changed under a snapshot");
    }
    drop(snapshot);
    pager.trim(false).expect("trimmed");
    assert!(whole(), "a page holds its version, also without the snapshot");
    assert!(device.page_count().get() > 500);
    pager.close().expect("closed");
    assert!(whole(), "closing cuts nothing that is held");
    drop(pager);
    drop(lent);

    let pager = Pager::open(device.clone(), &options()).expect("opens");
    assert_map(&pager, &[root]);
    for fill in [1, 2] {
        // Root and map come down to the lowest free pages, and then leave the ones that they had.
        let mut tx = pager.begin_write().expect("begun");
        tx.free(root);
        root = write(&mut tx, 1, fill)[0];
        tx.commit(Some(root)).expect("committed");
    }
    pager.close().expect("closed");
    assert!(device.page_count().get() < 200, "nobody holds it any more");
}

/// A region that cannot be read: what was taken before the damage showed must not stay taken.
#[test]
fn pages_taken_before_a_damaged_region_was_met_are_given_back() {
    let device = Arc::new(Sparse::default());
    let pager = Pager::create(device.clone(), &options()).expect("created");
    let region = region_pages(SIZE);
    let mut tx = pager.begin_write().expect("begun");
    let pages = write(&mut tx, region as usize + 100, 1);
    tx.commit(Some(pages[0])).expect("committed");
    let mut tx = pager.begin_write().expect("begun");
    pages[100..150].iter().for_each(|page| tx.free(*page));
    tx.commit(Some(pages[0])).expect("committed");
    let regions = pager.check_map(&pager.begin_read()).expect("readable").map_pages;
    let second = regions.iter().filter(|page| page.kind() == PageKind::MapRegion).nth(1).expect("two").id();
    drop(regions);
    std::mem::forget(pager);

    let byte = &device.bytes(second)[200];
    byte.fetch_xor(1, Ordering::Relaxed);
    let pager = Pager::open(device.clone(), &options()).expect("opens");
    let free = pager.stats().free_pages;
    let mut tx = pager.begin_write().expect("begun");
    let error = tx.write((0..60).map(|_| leaf(2)).collect()).expect_err("the second region is damaged");
    assert!(error.to_string().contains(&format!("page {second}")), "{error}");
    drop(tx);
    assert_eq!(pager.stats().free_pages, free);
    byte.fetch_xor(1, Ordering::Relaxed);
    let mut tx = pager.begin_write().expect("begun");
    tx.write((0..60).map(|_| leaf(2)).collect()).expect("written");
    drop(tx);
    assert_eq!(pager.stats().free_pages, free);
    std::mem::forget(pager);
}

/// A map whose checksum holds, but which does not keep the fixed pages: they would be handed out and overwritten.
#[test]
fn a_map_that_gives_the_superblock_away_is_damage() {
    let device = Arc::new(Sparse::default());
    let pager = Pager::create(device.clone(), &options()).expect("created");
    let mut tx = pager.begin_write().expect("begun");
    let pages = write(&mut tx, 3, 1);
    // A region's bits, sealed like any other: all pages in use but the first five.
    let map = pager.check_map(&pager.begin_read()).expect("readable");
    assert_eq!(map.map_pages.len(), 0);
    let mut forged = PageImage::new(SIZE, PageKind::MapRegion, 0);
    forged.bytes_mut()[HEADER_LEN] = 0xE0;
    forged.set_used(SIZE.bytes());
    let forged = tx.write(vec![forged]).expect("written")[0];
    tx.commit(Some(pages[0])).expect("committed");
    let error = space::load_region(&pager, 0, forged, 3).expect_err("the superblock is free");
    assert!(error.to_string().contains("superblock"), "{error}");
    assert!(space::load_region(&pager, 1, forged, 3).is_ok(), "only the first region has fixed pages");
}
