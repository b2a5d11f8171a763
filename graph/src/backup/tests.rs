//! Backups while the store is written, onto devices that fail or are full, of stores that are damaged, and cut short.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "tests look at the files from outside"
)]

use super::{BackupError, BackupProgress};
use crate::{Database, Durability, Edge, NewNode, NodeId, Options, Props, Snapshot, props};
use std::sync::Arc;
use storage_core::device::faults::{Fault, FaultRule, Faults};
use storage_core::device::faulty::FaultyDevice;
use storage_core::device::memory::{MemoryDevice, MemoryStore};
use storage_core::device::sim::{Rng, SimDevice};
use storage_core::device::{DeviceError, DeviceErrorKind, OpenMode, OpenOptions, PageDevice};
use storage_core::page::PageSize;
use storage_core::pager::CopyError;

const K4: PageSize = PageSize::K4;

type Contents = (Vec<(NodeId, String, Props)>, Vec<(Edge, Props)>);

fn contents(snapshot: &Snapshot) -> Contents {
    let node = |view: Result<crate::NodeView, _>| {
        let view = view.expect("readable");
        let name = snapshot.name_of(&view).expect("readable");
        (view.id, name, snapshot.props_of(&view).expect("readable"))
    };
    let edge = |edge: Result<Edge, _>| {
        let edge = edge.expect("readable");
        (edge, snapshot.edge_props(edge).expect("readable"))
    };
    (snapshot.all_nodes().map(node).collect(), snapshot.all_edges().map(edge).collect())
}

/// Whoever begins to write makes checkpoints: everything happens in one thread, in one order.
fn options() -> Options {
    Options::new().background(false).log_limit(512 << 10)
}

fn store(nodes: u64) -> (MemoryStore, Database) {
    let store = MemoryStore::new(Vec::new());
    let db = options().create_device(open(&store, OpenOptions::create(K4)).expect("free")).expect("created");
    for first in (0..nodes).step_by(100) {
        let mut tx = db.begin_write().expect("begun");
        for n in first..nodes.min(first + 100) {
            let props =
                props! { "n" => n as i64, "text" => "x".repeat(if n % 50 == 7 { 9000 } else { 700 }) };
            tx.insert_node("n", NewNode { id: Some(NodeId(n)), key: Some((n as i64).into()), props })
                .expect("added");
            if n > 0 {
                tx.add_edge(NodeId(n), "to", NodeId(n / 2), props! { "w" => n as i64 }).expect("added");
            }
        }
        tx.commit().expect("committed");
    }
    (store, db)
}

fn open(store: &MemoryStore, how: OpenOptions) -> Result<Arc<dyn PageDevice>, DeviceError> {
    Ok(Arc::new(MemoryDevice::open(store, &how)?))
}

/// An empty target and its bytes.
fn target() -> (MemoryStore, Arc<dyn PageDevice>) {
    let store = MemoryStore::new(Vec::new());
    let device = open(&store, OpenOptions::create(K4)).expect("new");
    (store, device)
}

/// The copy is sound, holds this, and can be written.
fn holds(image: Vec<u8>, expected: &Contents) {
    let device = MemoryDevice::open(&MemoryStore::new(image), &OpenOptions::open()).expect("a store");
    let db = options().open_device(Arc::new(device)).expect("opens");
    assert_eq!(db.check().expect("checked").findings, []);
    assert!(contents(&db.begin_read().expect("begun")) == *expected, "the copy holds something else");
    let mut tx = db.begin_write().expect("begun");
    tx.add_node("new", "after", props! {}).expect("added");
    tx.commit().expect("committed");
    assert_eq!(db.check().expect("checked").findings, []);
    db.close().expect("closed");
}

/// Changes a good part of the store: nodes go, come, and get other properties.
fn change(db: &Database, round: u64, durability: Durability) {
    let mut tx = db.begin_write().expect("begun");
    tx.set_durability(durability);
    for n in (round % 7..2000).step_by(13) {
        let id = NodeId(n);
        if tx.contains(id).expect("readable") {
            tx.set(id, "text", format!("{round} {}", "y".repeat(500))).expect("set");
        }
    }
    let gone = NodeId(1000 + round);
    if tx.contains(gone).expect("readable") {
        tx.delete_node(gone, true).expect("deleted");
    }
    tx.add_node("new", format!("{round}"), props! { "text" => "z".repeat(5000) }).expect("added");
    tx.commit().expect("committed");
}

#[test]
fn a_backup_holds_one_version_while_commits_and_checkpoints_come_between_its_batches() {
    for durability in [Durability::Full, Durability::Relaxed, Durability::Checkpoint] {
        let (_, db) = store(2000);
        change(&db, 100, durability);
        let (uuid, before) = (db.pager().uuid(), contents(&db.begin_read().expect("begun")));
        let version = db.begin_read().expect("begun").version();
        let (bytes, to) = target();
        let mut seen: Vec<BackupProgress> = Vec::new();
        let report = db.backup_device(&to, &mut |progress| {
            seen.push(progress);
            for round in 0..5 {
                change(&db, seen.len() as u64 * 5 + round, durability);
                if round == 2 {
                    db.checkpoint().expect("made");
                }
            }
            true
        });
        let report = report.expect("backed up");
        assert!(seen.len() > 3, "only {} batches", seen.len());
        assert!(seen.windows(2).all(|two| two[0].copied < two[1].copied), "{seen:?}");
        assert_eq!(seen.last().map(|last| last.copied), seen.first().map(|first| first.pages));
        assert_eq!((report.version, report.bytes), (version, bytes.image().len() as u64));
        to.close().expect("closed");
        let copy = MemoryDevice::open(&bytes, &OpenOptions::open()).expect("a store");
        let copy = options().read_only(true).open_device(Arc::new(copy)).expect("needs no recovery");
        assert_eq!((copy.pager().uuid(), copy.pager().log_extents()), (uuid, vec![]));
        drop(copy);
        holds(bytes.image(), &before);
        assert_eq!(db.check().expect("checked").findings, []);
        assert_eq!(db.stats().expect("counted").oldest_snapshot, db.begin_read().expect("begun").version());
    }
}

#[test]
fn pages_that_a_backup_still_has_to_copy_are_not_written_again() {
    let (_, db) = store(400);
    let (bytes, to) = target();
    let before = contents(&db.begin_read().expect("begun"));
    let mut held = None;
    let report = db.backup_device(&to, &mut |progress| {
        if progress.copied == 0 {
            held = Some(db.pager().stats().oldest_snapshot);
            let mut tx = db.begin_write().expect("begun");
            for n in 0..400 {
                tx.delete_node(NodeId(n), true).expect("deleted");
            }
            tx.commit().expect("committed");
            for round in 0..20 {
                change(&db, round, Durability::Checkpoint);
            }
            assert!(db.pager().stats().quarantined_pages > 0);
            db.compact().expect("compacted");
        }
        true
    });
    assert_eq!(held, Some(report.expect("backed up").version), "stats shows what a backup holds");
    holds(bytes.image(), &before);
    db.checkpoint().expect("made");
    assert_eq!(db.pager().stats().quarantined_pages, 0);
}

/// The newest version does not stand on the last root: a checkpoint ended while a transaction was running.
#[test]
fn commits_between_a_checkpoint_that_began_and_a_transaction_that_still_runs_are_in_the_backup() {
    let (_, db) = store(50);
    change(&db, 1, Durability::Full);
    let checkpoint = db.begin_checkpoint().expect("begun").expect("there is something to do");
    change(&db, 2, Durability::Full);
    let expected = contents(&db.begin_read().expect("begun"));
    let mut running = db.begin_write().expect("begun");
    running.add_node("late", 1, props! {}).expect("added");
    checkpoint.finish().expect("finished");
    let (bytes, to) = target();
    let other = db.clone();
    let backup = std::thread::spawn(move || other.backup_device(&to, &mut |_| true));
    drop(running);
    backup.join().expect("no panic").expect("backed up");
    holds(bytes.image(), &expected);
}

#[test]
fn an_empty_store_and_one_that_is_read_only_are_copied() {
    let (_, db) = store(0);
    let (bytes, to) = target();
    assert_eq!(db.backup_device(&to, &mut |_| true).expect("backed up").version, 0);
    holds(bytes.image(), &(vec![], vec![]));
    let (source, db) = store(30);
    let expected = contents(&db.begin_read().expect("begun"));
    db.close().expect("closed");
    let before = source.image();
    let read_only = OpenOptions { read_only: true, ..OpenOptions::open() };
    let db = options().read_only(true).open_device(open(&source, read_only).expect("free")).expect("opens");
    let (bytes, to) = target();
    db.backup_device(&to, &mut |_| true).expect("backed up");
    to.close().expect("closed");
    assert!(source.image() == before);
    holds(bytes.image(), &expected);
    // A copy of the copy is the copy.
    let device = MemoryDevice::open(&bytes, &OpenOptions::open()).expect("a store");
    let db = options().read_only(true).open_device(Arc::new(device)).expect("opens");
    let (again, to) = target();
    db.backup_device(&to, &mut |_| true).expect("backed up");
    holds(again.image(), &expected);
}

#[test]
fn a_target_without_room_or_with_a_store_or_with_other_pages_is_refused_and_the_store_goes_on() {
    let (_, db) = store(200);
    let expected = contents(&db.begin_read().expect("begun"));
    let small = MemoryStore::with_limit(Vec::new(), 20 * 4096);
    let to = open(&small, OpenOptions::create(K4)).expect("new");
    let error = db.backup_device(&to, &mut |_| true).expect_err("there is no room");
    assert!(
        matches!(&error, BackupError::Copy(CopyError::Target(e)) if e.kind() == DeviceErrorKind::DiskFull)
    );
    assert!(error.hint().is_some(), "{error}");
    let other: Arc<dyn PageDevice> = Arc::new(MemoryDevice::new(PageSize::K8));
    let error = db.backup_device(&other, &mut |_| true).expect_err("other pages");
    assert_eq!(error.to_string(), "pages of 8 KiB cannot hold a copy of pages of 4 KiB");
    let (bytes, to) = target();
    db.backup_device(&to, &mut |_| true).expect("backed up");
    let image = bytes.image();
    let error = db.backup_device(&to, &mut |_| true).expect_err("a store is there");
    assert!(
        matches!(&error, BackupError::Copy(CopyError::Target(e)) if e.kind() == DeviceErrorKind::AlreadyExists)
    );
    assert!(bytes.image() == image, "what is there is not touched");
    let (_, to) = target();
    let stopped = db.backup_device(&to, &mut |progress| progress.copied == 0).expect_err("cancelled");
    assert!(matches!(stopped, BackupError::Copy(CopyError::Cancelled)));
    change(&db, 1, Durability::Full);
    holds(image, &expected);
}

#[test]
fn every_page_that_is_damaged_stops_the_backup_and_is_named() {
    let (source, db) = store(60);
    db.checkpoint().expect("made");
    db.backup_device(&target().1, &mut |_| true).expect("backed up");
    let snapshot = db.pager().begin_read();
    let used = db.pager().check_map(&snapshot).expect("readable").used;
    let pages: Vec<usize> = (5..used.len()).filter(|page| used[*page]).collect();
    assert!(pages.len() > 20);
    for page in pages {
        for (at, what) in [(2000, 0x20), (9, 1)] {
            source.tamper(|bytes| bytes[page * 4096 + at] ^= what);
            let (bytes, to) = target();
            let error = db.backup_device(&to, &mut |_| true).expect_err("damaged");
            assert!(error.to_string().contains(&format!("page {page} ")), "page {page}: {error}");
            assert!(error.hint().is_some(), "{error}");
            assert!(unfinished(&bytes), "page {page}");
            source.tamper(|bytes| bytes[page * 4096 + at] ^= what);
        }
    }
    db.backup_device(&target().1, &mut |_| true).expect("whole again");
}

/// It is no store, and a store can be created there.
fn unfinished(bytes: &MemoryStore) -> bool {
    let image = MemoryStore::new(bytes.image());
    let Err(e) = MemoryDevice::open(&image, &OpenOptions::open()) else { return false };
    assert_eq!(e.kind(), DeviceErrorKind::Unfinished);
    MemoryDevice::open(&image, &OpenOptions::create(K4)).expect("it is begun afresh");
    true
}

#[test]
fn whichever_call_to_the_target_fails_what_is_left_is_no_store() {
    let (_, db) = store(300);
    let expected = contents(&db.begin_read().expect("begun"));
    for nth in 1.. {
        let bytes = MemoryStore::new(Vec::new());
        let faults = Arc::new(Faults::new(nth));
        let inner = open(&bytes, OpenOptions::create(K4)).expect("new");
        let to: Arc<dyn PageDevice> = Arc::new(FaultyDevice::new(inner.clone(), faults.clone()));
        faults.add(FaultRule::once(None, nth, Fault::Io));
        let done = db.backup_device(&to, &mut |_| true);
        inner.close().expect("closed");
        if faults.injected() == 0 {
            done.expect("no call failed");
            assert!(nth > 10, "only {nth} calls");
            return holds(bytes.image(), &expected);
        }
        assert!(matches!(done, Err(BackupError::Copy(CopyError::Target(_)))), "call {nth}: {done:?}");
        // The last call is the sync behind the superblock: what is there may be a store, then a whole one.
        if !unfinished(&bytes) {
            holds(bytes.image(), &expected);
        }
    }
}

#[test]
fn a_backup_that_a_crash_cuts_short_is_no_store_or_a_whole_one() {
    let (_, db) = store(40);
    let expected = contents(&db.begin_read().expect("begun"));
    let sim = Arc::new(SimDevice::new(K4, 1));
    let to: Arc<dyn PageDevice> = sim.clone();
    db.backup_device(&to, &mut |_| true).expect("backed up");
    let journal = sim.journal();
    let (mut stores, mut rng) = (0, Rng::new(7));
    for point in journal.points() {
        let state = journal.state(&point);
        let corners = state.corners().map(|outcome| state.land(&outcome));
        let torn: Vec<_> = (0..20).map(|_| state.random(&mut rng)).collect();
        for image in corners.chain(torn) {
            let bytes = image.to_bytes();
            match SimDevice::open_image(image.clone(), OpenMode::Open, 1) {
                Ok(_) => {
                    stores += 1;
                    holds(bytes, &expected);
                }
                Err(e) => {
                    assert_eq!(e.kind(), DeviceErrorKind::Unfinished, "{point:?}");
                    SimDevice::open_image(image, OpenMode::Create(K4), 1).expect("it is begun afresh");
                }
            }
        }
    }
    assert!(stores > 0, "the last state is a store");
}

#[test]
fn a_page_that_the_source_cannot_read_stops_the_backup() {
    let bytes = MemoryStore::new(Vec::new());
    let faults = Arc::new(Faults::new(1));
    let inner = open(&bytes, OpenOptions::create(K4)).expect("new");
    let device: Arc<dyn PageDevice> = Arc::new(FaultyDevice::new(inner, faults.clone()));
    let db = options().create_device(device).expect("created");
    let mut tx = db.begin_write().expect("begun");
    tx.add_node("n", 1, props! { "text" => "x".repeat(50_000) }).expect("added");
    tx.commit().expect("committed");
    db.checkpoint().expect("made");
    for nth in 1.. {
        faults.clear();
        let before = faults.injected();
        faults.add(FaultRule::once(storage_core::device::Operation::Read, nth, Fault::Io));
        let done = db.backup_device(&target().1, &mut |_| true);
        if faults.injected() == before {
            assert!(nth > 3, "only {nth} reads");
            return assert!(done.is_ok(), "{done:?}");
        }
        assert!(matches!(done, Err(BackupError::Copy(CopyError::Source(_)))), "read {nth}: {done:?}");
    }
}
