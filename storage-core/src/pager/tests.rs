//! Stories of the pager that need no tree. What trees, crashes and damage make of it is told in package `tests`.

use super::*;
use crate::device::DeviceErrorKind;
use crate::device::OpenOptions;
use crate::device::memory::{MemoryDevice, MemoryStore};
use crate::page::{HEADER_LEN, PageImage, PageKind, PageSize, Written};

const SIZE: PageSize = PageSize::K4;

fn create(store: &MemoryStore) -> Arc<Pager> {
    let device = MemoryDevice::open(store, &OpenOptions::create(SIZE)).expect("empty");
    Pager::create(Arc::new(device), &PagerOptions::default()).expect("created")
}

fn open(store: &MemoryStore) -> Result<Arc<Pager>, OpenError> {
    let device = MemoryDevice::open(store, &OpenOptions::open()).expect("a store");
    Pager::open(Arc::new(device), &PagerOptions::default())
}

fn leaf(text: &str) -> PageImage {
    let mut image = PageImage::new(SIZE, PageKind::Record, 0);
    image.bytes_mut()[HEADER_LEN..HEADER_LEN + text.len()].copy_from_slice(text.as_bytes());
    image.set_used(HEADER_LEN + text.len());
    image
}

fn commit_leaf(pager: &Arc<Pager>, text: &str) -> Written {
    let mut tx = pager.begin_write().expect("begun");
    if let Some(old) = tx.root() {
        tx.free(old);
    }
    let root = tx.write(vec![leaf(text)]).expect("written")[0];
    tx.commit(Some(root)).expect("committed");
    root
}

fn text(reader: &impl ReadPages, at: Written) -> String {
    let page = reader.page(at, PageKind::Record).expect("readable");
    String::from_utf8(page[HEADER_LEN..page.used()].to_vec()).expect("text")
}

/// A store whose map could not be read was cut to a few pages when the half-open pager was dropped: it took the map
/// for empty.
#[test]
fn a_store_that_fails_to_open_is_left_as_it_is() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    commit_leaf(&pager, "kept");
    let map_root = pager.durable_meta().map_root.expect("there is a map").page();
    pager.close().expect("closed");
    drop(pager);
    store.tamper(|bytes| bytes[map_root.get() as usize * SIZE.bytes() + 100] ^= 1);
    let before = store.image();
    let error = open(&store).expect_err("the map is damaged");
    assert!(error.is_damage() && error.to_string().contains(&format!("page {map_root}")), "{error}");
    assert!(store.image() == before, "the file was changed");
}

/// A device over a store, brought by the caller, was made an empty store without a question.
#[test]
fn creating_over_a_store_is_refused_and_changes_nothing() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    let root = commit_leaf(&pager, "kept");
    pager.close().expect("closed");
    drop(pager);
    let before = store.image();
    let device = MemoryDevice::open(&store, &OpenOptions::open()).expect("a store");
    let error = Pager::create(Arc::new(device), &PagerOptions::default()).expect_err("it is there already");
    assert!(matches!(&error, OpenError::Device(e) if e.kind() == DeviceErrorKind::AlreadyExists), "{error}");
    assert!(store.image() == before, "the file was changed");
    assert_eq!(text(&open(&store).expect("opens").begin_read(), root), "kept");
}

/// Numbers that count on nothing, under a checksum that holds, are damage: neither a panic nor a file that is written to.
#[test]
fn root_records_that_contradict_themselves_are_damage() {
    let lies: [fn(&mut Meta); 4] = [
        |meta| meta.page_count = 0,
        |meta| meta.used_count = meta.page_count + 1,
        |meta| meta.lsn = u64::MAX,
        |meta| meta.generation = u64::MAX,
    ];
    for lie in lies {
        let store = MemoryStore::new(Vec::new());
        let pager = create(&store);
        commit_leaf(&pager, "kept");
        let mut meta = pager.durable_meta();
        pager.close().expect("closed");
        drop(pager);
        meta.generation += 2;
        lie(&mut meta);
        for page in meta::Slot::of(meta.generation).pages() {
            let at = page.get() as usize * SIZE.bytes();
            store.tamper(|bytes| meta.encode(page, &mut bytes[at..at + SIZE.bytes()]));
        }
        let before = store.image();
        assert!(open(&store).expect_err("damage").is_damage());
        assert!(store.image() == before, "the file was changed");
    }
}

#[test]
fn a_snapshot_reads_its_version_while_newer_ones_come_and_go() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    let first = commit_leaf(&pager, "first");
    let snapshot = pager.begin_read();
    for round in 0..20 {
        let root = commit_leaf(&pager, &format!("round {round}"));
        assert_ne!(root.page(), first.page(), "a page that a snapshot holds was used again");
        assert_eq!(text(&snapshot, first), "first");
    }
    assert_eq!(pager.stats().oldest_snapshot, snapshot.version());
    assert!(pager.stats().quarantined_pages >= 20, "each round freed a root at least");
    drop(snapshot);
    let places: Vec<_> = (0..20).map(|i| commit_leaf(&pager, &format!("later {i}")).page()).collect();
    assert!(places.contains(&first.page()), "nothing holds the page: it is used again");
    assert_eq!(pager.stats().quarantined_pages, 0);
}

#[test]
fn an_abort_gives_back_what_was_written_and_nothing_else() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    let root = commit_leaf(&pager, "kept");
    let free = pager.stats().free_pages;
    let mut tx = pager.begin_write().expect("begun");
    tx.free(root);
    tx.write((0..50).map(|_| leaf("gone")).collect()).expect("written");
    drop(tx);
    let grown = pager.stats().page_count;
    assert!(pager.stats().free_pages >= free && grown >= free);
    assert_eq!(text(&pager.begin_read(), root), "kept");
    pager.close().expect("closed");
    drop(pager);
    let pager = open(&store).expect("opens");
    assert_eq!(text(&pager.begin_read(), root), "kept");
}

/// 16 pages of cache, eight threads, 400 pages: slow, but nobody waits for a frame.
#[test]
fn a_cache_of_16_pages_serves_eight_threads() {
    let store = MemoryStore::new(Vec::new());
    drop(create(&store));
    let device = Arc::new(MemoryDevice::open(&store, &OpenOptions::open()).expect("a store"));
    let options = PagerOptions { cache_bytes: 0, ..PagerOptions::default() };
    let pager = Pager::open(device, &options).expect("opens");
    let mut tx = pager.begin_write().expect("begun");
    let pages = tx.write((0..400).map(|i| leaf(&format!("page {i}"))).collect()).expect("written");
    tx.commit(Some(pages[0])).expect("committed");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (snapshot, pages) = (pager.begin_read(), &pages);
            scope.spawn(move || {
                let held: Vec<Page> = (0..40)
                    .map(|i| snapshot.page(pages[(thread * 50 + i) % 400], PageKind::Record))
                    .map(|p| p.expect("readable"))
                    .collect();
                for i in 0..2000 {
                    let n = (i * 7 + thread * 31) % 400;
                    assert_eq!(text(&snapshot, pages[n]), format!("page {n}"));
                }
                assert_eq!(held.len(), 40);
            });
        }
    });
    assert!(pager.stats().cache_pages <= 16);
}

/// Space for 80 pages: the reserve of 64 is kept for deletes, and what was committed stays.
#[test]
fn a_full_disk_fails_one_commit_and_deleting_still_works() {
    let limit = 80 * SIZE.bytes() as u64;
    let store = MemoryStore::with_limit(Vec::new(), limit);
    let pager = create(&store);
    let root = commit_leaf(&pager, "kept");
    let mut tx = pager.begin_write().expect("begun");
    let full = tx.write((0..50).map(|_| leaf("too much")).collect()).expect_err("no room");
    assert!(matches!(full, WriteError::DiskFull { .. }), "{full}");
    assert!(matches!(tx.write(vec![leaf("more")]), Err(WriteError::Failed)), "it can only be dropped (M3)");
    drop(tx);
    let mut tx = pager.begin_write().expect("begun");
    tx.use_reserve(true);
    tx.free(root);
    let smaller = tx.write(vec![leaf("less")]).expect("out of the reserve")[0];
    tx.commit(Some(smaller)).expect("committed");
    assert_eq!(text(&pager.begin_read(), smaller), "less");
}

#[test]
fn a_closed_store_says_so() {
    let store = MemoryStore::new(Vec::new());
    let pager = create(&store);
    let root = commit_leaf(&pager, "kept");
    let snapshot = pager.begin_read();
    pager.close().expect("closed");
    assert!(matches!(pager.begin_write(), Err(WriteError::Closed)));
    match snapshot.page(root, PageKind::Record) {
        Ok(page) => assert_eq!(page.id(), root.page()),
        Err(PageError::Device(e)) => assert_eq!(e.kind(), DeviceErrorKind::Closed),
        Err(other) => panic!("{other}"),
    }
    pager.close().expect("closing twice is nothing");
}
