//! When the thread makes checkpoints: by the log's size, by memory, by time, at closing. And a store has one owner.

use super::{Place, commit, expect_whole, nodes, story, until};
use crate::harness::{Bench, Device};
use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::device::{DeviceErrorKind, OpenOptions};
use foliograph::{Database, Durability, Options, PageSize, props};
use rstest::rstest;
use std::sync::Arc;
use std::time::Duration;

const LOG: u64 = 512 << 10;

fn root(db: &Database) -> u64 {
    db.pager().durable_meta().lsn
}

#[test]
fn a_checkpoint_is_due_when_the_log_is_half_full() {
    story(|| {
        let (place, db) = Place::create(&Options::new().log_limit(LOG).checkpoint_interval(None));
        let before = root(&db);
        let mut key = 0;
        while db.pager().log_pressure().0 <= LOG / 2 - (16 << 10) {
            commit(&db, key).expect("committed");
            key += 1;
        }
        assert!(key > 20);
        assert_eq!(root(&db), before, "not yet");
        while db.pager().log_pressure().0 <= LOG / 2 && root(&db) == before {
            commit(&db, key).expect("committed");
            key += 1;
        }
        until("the log was half full, and the thread has made a checkpoint", || root(&db) > before);
        assert_eq!(nodes(&db).len() as i64, key);
        expect_whole(place.killed());
    });
}

#[test]
fn a_checkpoint_is_due_when_changes_fill_half_of_their_memory() {
    story(|| {
        let options = Options::new().log_limit(1 << 30).memory_budget(256 << 10).checkpoint_interval(None);
        let (place, db) = Place::create(&options);
        let before = root(&db);
        for key in 0..400 {
            let mut tx = db.begin_write().expect("begun");
            let props = props! { "n" => key, "text" => "x".repeat(1000) };
            tx.add_node("n", key, props).expect("added");
            tx.commit().expect("committed");
        }
        until("400 KB of changes were too much, and the thread has made a checkpoint", || root(&db) > before);
        assert!(db.pager().log_pressure().0 < (1 << 30) / 2);
        expect_whole(place.killed());
    });
}

#[rstest]
fn a_checkpoint_is_due_when_time_has_passed_with_something_to_do(
    #[values(Durability::Full, Durability::Relaxed)] durability: Durability,
) {
    story(move || {
        let options = Options::new().checkpoint_interval(Some(Duration::from_millis(1)));
        let (place, db) = Place::create(&options.durability(durability));
        for key in 0..5 {
            let before = root(&db);
            let version = commit(&db, key).expect("committed");
            until("the thread has made a checkpoint of it", || root(&db) >= version);
            assert!(root(&db) > before);
        }
        expect_whole(place.killed());
    });
}

#[rstest]
fn closing_and_dropping_make_a_last_checkpoint_and_leave_no_log(#[values(true, false)] by_drop: bool) {
    story(move || {
        let (place, db) = Place::create(&Options::new().checkpoint_interval(None));
        let version = (0..10).fold(0, |_, key| commit(&db, key).expect("committed"));
        assert!(root(&db) < version);
        if by_drop {
            drop(db);
        } else {
            db.close().expect("closed");
        }
        let memory = MemoryStore::new(place.store.image());
        let device = MemoryDevice::open(&memory, &OpenOptions::open()).expect("a store");
        // Read-only: there is nothing to recover.
        let db = Options::new().read_only(true).open_device(Arc::new(device)).expect("opens");
        assert_eq!(root(&db), version);
        assert!(db.pager().durable_meta().log.extents.is_empty());
        assert_eq!(nodes(&db).len(), 10);
        expect_whole(place.killed());
    });
}

#[test]
fn making_a_checkpoint_and_compacting_come_to_an_end_among_writers() {
    story(|| {
        let (place, db) = Place::create(&Options::new().log_limit(LOG));
        let end = std::sync::atomic::AtomicBool::new(false);
        let written: i64 = std::thread::scope(|scope| {
            let write = |thread: i64| {
                let mut count = 0;
                while !end.load(std::sync::atomic::Ordering::SeqCst) {
                    commit(&db, thread * 1_000_000 + count).expect("committed");
                    count += 1;
                }
                count
            };
            let threads: Vec<_> = (0..4).map(|thread| scope.spawn(move || write(thread))).collect();
            for _ in 0..5 {
                db.checkpoint().expect("durable");
                db.compact().expect("compacted");
            }
            end.store(true, std::sync::atomic::Ordering::SeqCst);
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(nodes(&db).len() as i64, written);
        assert_eq!(db.check().expect("checked").findings, []);
        assert_eq!(nodes(&place.killed()).len() as i64, written);
        expect_whole(place.killed());
    });
}

#[rstest]
fn a_second_writer_is_refused_at_once_and_told_why(
    #[values(Device::File, Device::Mmap, Device::Uring, Device::Memory)] device: Device,
) {
    if !device.runs_here() {
        return;
    }
    story(move || {
        let bench = Bench::new(device, PageSize::K4, 16);
        let db = bench.create();
        commit(&db, 0).expect("committed");
        for read_only in [false, true] {
            let options = OpenOptions { read_only, ..OpenOptions::open() };
            let refused = bench.device_as(&options).expect_err("the store has an owner");
            assert_eq!(refused.kind(), DeviceErrorKind::Locked, "{refused}");
            assert!(refused.to_string().contains("open"), "{refused}");
        }
        commit(&db, 1).expect("the owner goes on");
        db.close().expect("closed");
        let again = bench.open();
        assert_eq!(nodes(&again), [0, 1].into());
    });
}
