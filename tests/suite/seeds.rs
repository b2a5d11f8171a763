//! The old bug, told as tests.
//!
//! An older store inserted 10,000 nodes without a log and failed with `UnexpectedEof: Failed to read page X`, at another
//! page each time: a node page lived only in a cache of 16 pages while its id was in the index already; the cache dropped
//! it, and the next descent read past the end of the file. And every component had a handle of its own and grew the
//! file with `set_len` to a length that it remembered.
//!
//! So: no log, pages of 4 KiB, a cache of 16 of them, and nodes with keys, batched and one commit each; afterwards the
//! store is opened again, every node is found by its key, and `check` finds nothing.
//!
//! # The campaign
//!
//! 100,000 nodes one commit each, five times on every device: each real device takes from some minutes to an hour, as fast
//! as the disk syncs. Nothing else should use the disk meanwhile. A part of the name picks one device, for example `Uring`:
//!
//! ```text
//! FOLIOGRAPH_CAMPAIGN=seeds cargo test -p tests --test suite seeds::campaign -- --nocapture
//! ```

use crate::harness::{self, Bench, Device};
use foliograph::storage_core::device::{DeviceErrorKind, PageDeviceExt};
use foliograph::storage_core::page::{PageBuf, PageCount, PageId};
use foliograph::storage_core::pager;
use foliograph::{Database, OpenError, Options, PageSize, props};
use rstest::rstest;
use std::time::Instant;

const CACHE: usize = 16;

/// A budget for changes so small that pages are written, dropped and read again within one transaction.
const TIGHT: usize = 256 << 10;

fn bench(device: Device) -> Bench {
    Bench::new(device, PageSize::K4, CACHE)
}

fn key(n: u64) -> String {
    format!("node-{n}")
}

fn insert_batched(db: &Database, nodes: u64) {
    let mut tx = db.begin_write().expect("begun");
    for n in 0..nodes {
        let id = tx.add_node("thing", key(n), props! { "n" => n as i64 }).expect("added");
        // The next descent, while the page may be in no cache any more.
        let before = n / 2;
        assert!(tx.node("thing", key(before)).expect("no page is missing").is_some(), "{before} after {id}");
    }
    tx.commit().expect("committed");
}

fn insert_one_by_one(bench: &Bench, db: &Database, nodes: u64) {
    for n in 0..nodes {
        let mut tx = db.begin_write().expect("begun");
        tx.add_node("thing", key(n), props! { "n" => n as i64 }).expect("added");
        tx.commit().expect("committed");
        if n % 500 == 0
            && let Some(sim) = bench.sim()
        {
            sim.restart_journal(); // nobody asks it for crash states here
        }
    }
}

/// Opens the store again: every node is there, found by its key, and `check` finds nothing.
fn expect_all(db: &Database, nodes: u64) {
    let snapshot = db.begin_read().expect("a snapshot");
    assert_eq!(snapshot.node_count(), nodes);
    for n in 0..nodes {
        let id = snapshot.node("thing", key(n)).expect("no page is missing");
        let id = id.unwrap_or_else(|| panic!("node {n} of {nodes} is gone"));
        assert_eq!(snapshot.get::<i64>(id, "n").expect("no page is missing"), Some(n as i64));
    }
    assert_eq!(db.check().expect("checked").findings, []);
}

fn batched(device: Device, options: fn(Options) -> Options, nodes: u64) {
    let since = Instant::now();
    let mut bench = bench(device);
    bench.options = options(bench.options);
    let db = bench.create();
    insert_batched(&db, nodes);
    db.close().expect("closed");
    let written = since.elapsed();
    let db = bench.open();
    expect_all(&db, nodes);
    eprintln!(
        "{device:?}: {nodes} nodes batched in {written:.2?}, found again after {:.2?}",
        since.elapsed()
    );
}

fn one_by_one(device: Device, nodes: u64) {
    let since = Instant::now();
    let bench = bench(device);
    let db = bench.create();
    insert_one_by_one(&bench, &db, nodes);
    db.close().expect("closed");
    let written = since.elapsed();
    let db = bench.open();
    expect_all(&db, nodes);
    eprintln!(
        "{device:?}: {nodes} nodes one by one in {written:.2?}, found again after {:.2?}",
        since.elapsed()
    );
}

#[rstest]
fn a_thousand_and_ten_thousand_nodes_in_one_transaction_five_times(
    #[values(Device::File, Device::Mmap, Device::Uring, Device::Memory, Device::Simulated)] device: Device,
) {
    if device.runs_here() {
        for round in 0..5 {
            let options = if round % 2 == 0 { |o| o } else { |o: Options| o.memory_budget(TIGHT) };
            batched(device, options, 1000);
            batched(device, options, 10_000);
        }
    }
}

#[rstest]
fn a_hundred_thousand_nodes_in_one_transaction(
    #[values(Device::File, Device::Mmap, Device::Uring, Device::Memory, Device::Simulated)] device: Device,
) {
    if device.runs_here() {
        batched(device, |o| o.memory_budget(4 << 20), 100_000);
    }
}

#[rstest]
fn a_thousand_and_ten_thousand_nodes_one_commit_each_five_times(
    #[values(Device::Memory, Device::Simulated)] device: Device,
) {
    for _ in 0..5 {
        one_by_one(device, 1000);
        one_by_one(device, 10_000);
    }
}

#[rstest]
fn ten_thousand_nodes_one_commit_each_on_a_real_disk(
    #[values(Device::File, Device::Mmap, Device::Uring)] device: Device,
) {
    if device.runs_here() {
        one_by_one(device, 10_000);
    }
}

/// See the head of this module.
#[rstest]
fn campaign(
    #[values(Device::File, Device::Mmap, Device::Uring, Device::Memory, Device::Simulated)] device: Device,
) {
    let wanted = harness::campaign("seeds");
    let (nodes, rounds) = if wanted { (100_000, 5) } else { (20, 1) };
    if device.runs_here() {
        (0..rounds).for_each(|_| one_by_one(device, nodes));
    }
}

/// Whoever grows the device to a length that he remembers, while another one has gone on, must not cut the other's page.
#[rstest]
fn two_threads_that_grow_at_once_never_see_the_length_fall_nor_lose_a_page(
    #[values(Device::File, Device::Mmap, Device::Uring, Device::Memory, Device::Simulated)] device: Device,
) {
    if !device.runs_here() {
        return;
    }
    const EACH: u64 = 300;
    let bench = bench(device);
    let shared = bench.create_device();
    let fill = |page: u64| vec![page as u8 ^ (page >> 8) as u8 | 1; 4096];
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (shared, fill) = (&shared, &fill);
            scope.spawn(move || {
                let mut seen = PageCount::default();
                for page in (0..EACH).map(|n| 2 * n + thread) {
                    let grown = shared.grow(PageCount::new(page + 1)).expect("there is room");
                    assert!(grown >= seen && grown.get() > page, "{grown} after {seen}, for page {page}");
                    shared.write_page(PageId::new(page), &fill(page)).expect("a page below the length");
                    seen = shared.page_count();
                    assert!(seen >= grown, "the length fell from {grown} to {seen}");
                    let mut buf = PageBuf::zeroed(4096);
                    shared.read_page(PageId::new(page), &mut buf).expect("nobody cut it off");
                    assert!(buf[..] == fill(page)[..], "page {page} is another one's");
                }
            });
        }
    });
    let mut buf = PageBuf::zeroed(4096);
    for page in 0..2 * EACH {
        shared.read_page(PageId::new(page), &mut buf).expect("it is there");
        assert!(buf[..] == fill(page)[..], "page {page} was lost");
    }
}

#[rstest]
fn a_read_beyond_the_end_is_out_of_bounds_and_a_cut_file_is_short(
    #[values(Device::File, Device::Mmap, Device::Uring, Device::Memory, Device::Simulated)] device: Device,
) {
    if !device.runs_here() {
        return;
    }
    let bench = bench(device);
    let db = bench.create();
    insert_batched(&db, 2000);
    let shared = db.pager().device().clone();
    let end = shared.page_count();
    let mut buf = PageBuf::zeroed(4096);
    for page in [end.get(), end.get() + 1, u64::MAX] {
        let error = shared.read_page(PageId::new(page), &mut buf).expect_err("no such page");
        assert_eq!(
            (error.kind(), error.page()),
            (DeviceErrorKind::OutOfBounds, Some(PageId::new(page))),
            "{error}"
        );
    }
    assert_eq!(shared.page_count(), end, "asking did not make it longer");
    db.close().expect("closed");
    drop(shared);

    if device != Device::Simulated {
        // While it is open: not the caller's mistake, but damage of the file.
        let open = bench.open_device();
        let last = PageId::new(open.page_count().get() - 1);
        bench.cut(last.get() * 4096);
        let error = open.read_page(last, &mut buf).expect_err("it was cut off");
        assert_eq!((error.kind(), error.page()), (DeviceErrorKind::ShortFile, Some(last)), "{error}");
        open.close().expect("closed");
    }
    for pages in [30, 6] {
        // While it is closed: opening says so.
        bench.cut(pages * 4096);
        match bench.options.open_device(bench.open_device()) {
            Err(OpenError::Pager(pager::OpenError::ShortFile { found, .. })) => {
                assert_eq!(found, PageCount::new(pages));
            }
            other => panic!("{device:?} cut to {pages} pages: {other:?}"),
        }
    }
}
