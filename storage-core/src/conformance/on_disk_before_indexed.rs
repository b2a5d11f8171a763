//! On disk before indexed, through the real pager with a cache of 16 pages (I1, I2, A2): what the pager asks of a
//! device, in which order, and that the device then gives back what was written.
//!
//! The tree is made by hand: leaves of random bytes, and pages above that hold nothing but references. It has more pages
//! than the cache, and every change rewrites the path from a leaf to the root, as a real tree does.
//!
//! Must always be true: these cases hold for every device that keeps D1 to D8; the pager's part is the same for all.

use super::watch::{Breach, OrderWatch};
use super::{Fixture, pattern};
use crate::device::PageDevice;
use crate::device::recorded::RecordedDevice;
use crate::device::sim::Rng;
use crate::page::{HEADER_LEN, PageId, PageImage, PageKind, PageSize, REFERENCE_LEN, Written};
use crate::pager::{self, Page, PageError, Pager, PagerOptions, ReadPages, Transaction};
use std::sync::Arc;

/// Children of a page; three levels of pages above the leaves, about five times the cache.
const FAN_OUT: usize = 4;
const LEAVES: usize = FAN_OUT * FAN_OUT * FAN_OUT;
const LEVELS: u32 = 3;

/// The smallest cache there is, in bytes.
fn options(size: PageSize) -> PagerOptions {
    PagerOptions { cache_bytes: 16 * size.bytes(), ..PagerOptions::default() }
}

fn leaf(size: PageSize, seed: u64) -> PageImage {
    let mut image = PageImage::new(size, PageKind::Record, 0);
    image.bytes_mut()[HEADER_LEN..].copy_from_slice(&pattern(size, seed)[HEADER_LEN..]);
    image.set_used(size.bytes());
    image
}

fn inner(size: PageSize, children: &[Written]) -> PageImage {
    let mut image = PageImage::new(size, PageKind::Inner, 0);
    for (n, child) in children.iter().enumerate() {
        image.put_reference(HEADER_LEN + n * REFERENCE_LEN, *child);
    }
    image.set_used(HEADER_LEN + children.len() * REFERENCE_LEN);
    image
}

fn children(page: &Page) -> Result<Vec<Written>, PageError> {
    (HEADER_LEN..page.used()).step_by(REFERENCE_LEN).map(|at| page.reference(at)).collect()
}

/// The pages that a page of this tree, or of the allocation map, names.
fn references(page: &Page) -> Result<Vec<PageId>, PageError> {
    match page.kind() {
        PageKind::Inner => Ok(children(page)?.into_iter().map(|child| child.page()).collect()),
        _ => pager::references(page),
    }
}

/// Builds the tree from the leaves up, a level a batch.
fn build(tx: &mut Transaction, seeds: &[u64]) -> Written {
    let size = tx.pager().page_size();
    let leaves = seeds.iter().map(|seed| leaf(size, *seed)).collect();
    let mut level = tx.write(leaves).expect("leaves are written");
    while level.len() > 1 {
        let above = level.chunks(FAN_OUT).map(|children| inner(size, children)).collect();
        level = tx.write(above).expect("a level is written");
    }
    level[0]
}

/// Replaces one leaf, and every page above it.
fn replace(tx: &mut Transaction, at: Written, level: u32, index: usize, seed: u64) -> Written {
    let size = tx.pager().page_size();
    let image = if level == 0 {
        leaf(size, seed)
    } else {
        let page = tx.page(at, PageKind::Inner).expect("an inner page reads back");
        let mut children = children(&page).expect("it holds references");
        let below = FAN_OUT.pow(level - 1);
        let child = index / below;
        children[child] = replace(tx, children[child], level - 1, index % below, seed);
        inner(size, &children)
    };
    tx.free(at);
    tx.write(vec![image]).expect("a page is written")[0]
}

/// Every leaf holds the bytes of its seed.
fn expect_tree(pages: &impl ReadPages, root: Written, seeds: &[u64]) {
    fn visit(pages: &impl ReadPages, at: Written, level: u32, leaves: &mut Vec<Page>) {
        if level == 0 {
            leaves.push(pages.page(at, PageKind::Record).expect("a leaf that is indexed is on the device"));
            return;
        }
        let page = pages.page(at, PageKind::Inner).expect("a page that is indexed is on the device");
        for child in children(&page).expect("it holds references") {
            visit(pages, child, level - 1, leaves);
        }
    }
    let mut leaves = Vec::new();
    visit(pages, root, LEVELS, &mut leaves);
    assert_eq!(leaves.len(), seeds.len());
    let size = pages.pager().page_size();
    for (n, (leaf, seed)) in leaves.iter().zip(seeds).enumerate() {
        assert!(leaf[HEADER_LEN..] == pattern(size, *seed)[HEADER_LEN..], "leaf {n} holds what was written");
    }
}

/// One life of a store: built, changed leaf by leaf over several commits, with an abort in between and a snapshot held
/// meanwhile. Returns what the leaves hold.
fn live(pager: &Arc<Pager>) -> Vec<u64> {
    let mut rng = Rng::new(0x0d15_c0be);
    let mut seeds: Vec<u64> = (0..LEAVES as u64).collect();
    let mut tx = pager.begin_write().expect("a new store can be written");
    let root = build(&mut tx, &seeds);
    expect_tree(&tx, root, &seeds);
    tx.commit(Some(root)).expect("committed");
    let held = (pager.begin_read(), seeds.clone());
    for commit in 0..8 {
        let mut tx = pager.begin_write().expect("begun");
        let mut root = tx.root().expect("there is a tree");
        let mut changed = seeds.clone();
        for _ in 0..1 + rng.index(6) {
            let (index, seed) = (rng.index(LEAVES), rng.next_u64());
            root = replace(&mut tx, root, LEVELS, index, seed);
            changed[index] = seed;
        }
        expect_tree(&tx, root, &changed);
        if commit % 3 == 1 {
            continue; // dropped: nothing of it remains
        }
        tx.commit(Some(root)).expect("committed");
        seeds = changed;
        let now = pager.begin_read();
        expect_tree(&now, now.root().expect("committed"), &seeds);
    }
    expect_tree(&held.0, held.0.root().expect("committed"), &held.1);
    seeds
}

/// Runs the history over a recorded device, and returns the breaches of the rules that `which` picks.
fn breaches(fixture: &dyn Fixture, size: PageSize, which: fn(&Breach) -> bool) -> Vec<Breach> {
    let device = Arc::new(RecordedDevice::new(fixture.create(size).expect("a new store"), true));
    device.keep_contents_of_reads(false);
    let pager = Pager::create(device.clone(), &options(size)).expect("a new store is created");
    live(&pager);
    pager.close().expect("closed");
    let mut watch = OrderWatch::new(&references);
    watch.see(&device.take());
    let seen = watch.seen();
    assert!(seen.roots >= 14 && seen.names >= 300 && seen.durable >= 600, "too little was seen: {seen:?}");
    watch.breaches().iter().filter(|breach| which(breach)).cloned().collect()
}

/// I1: a page that another one names, or a root record, was written before that.
pub fn every_page_is_written_before_it_is_named(fixture: &dyn Fixture, size: PageSize) {
    let is_i1 = |b: &Breach| matches!(b, Breach::NamedFirst { .. } | Breach::Unreadable { .. });
    assert_eq!(breaches(fixture, size, is_i1), []);
}

/// I2: all that a root record reaches was synced before the record was written.
pub fn what_a_root_reaches_is_durable_before_the_root(fixture: &dyn Fixture, size: PageSize) {
    assert_eq!(breaches(fixture, size, |b| matches!(b, Breach::NotDurable { .. })), []);
}

/// A2: what the durable root reaches is neither written nor cut off.
pub fn no_page_is_written_while_the_durable_root_reaches_it(fixture: &dyn Fixture, size: PageSize) {
    assert_eq!(breaches(fixture, size, |b| matches!(b, Breach::LivePage { .. })), []);
}

/// I1, as it was once broken: a page left the small cache before it was on disk, and its id was in the index already.
pub fn an_indexed_page_is_on_the_device_whatever_the_cache_drops(fixture: &dyn Fixture, size: PageSize) {
    let device: Arc<dyn PageDevice> = fixture.create(size).expect("a new store");
    let pager = Pager::create(device, &options(size)).expect("a new store is created");
    let seeds: Vec<u64> = (500..500 + LEAVES as u64).collect();
    let mut tx = pager.begin_write().expect("begun");
    let root = build(&mut tx, &seeds);
    // Before the commit, by the writer; after it, by many readers that fight for the 16 frames.
    for _ in 0..3 {
        expect_tree(&tx, root, &seeds);
    }
    tx.commit(Some(root)).expect("committed");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let snapshot = pager.begin_read();
                (0..3).for_each(|_| expect_tree(&snapshot, root, &seeds));
            });
        }
    });
    pager.close().expect("closed");
}

/// What was committed is there when the store is opened again, and can be changed again.
pub fn a_tree_is_found_again_whole(fixture: &dyn Fixture, size: PageSize) {
    let device = fixture.create(size).expect("a new store");
    let pager = Pager::create(device, &options(size)).expect("a new store is created");
    let mut seeds = live(&pager);
    pager.close().expect("closed");
    drop(pager);
    for round in 0..3 {
        let device = fixture.open(false).expect("the store opens again");
        let pager = Pager::open(device, &options(size)).expect("it is whole");
        let snapshot = pager.begin_read();
        let root = snapshot.root().expect("the tree was committed");
        expect_tree(&snapshot, root, &seeds);
        let mut tx = pager.begin_write().expect("begun");
        let (index, seed) = (7 * round + 1, 9000 + round as u64);
        let root = replace(&mut tx, root, LEVELS, index, seed);
        tx.commit(Some(root)).expect("committed");
        seeds[index] = seed;
        drop(snapshot);
        pager.close().expect("closed");
    }
}
