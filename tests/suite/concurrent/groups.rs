//! Commits of many threads: durable together by one durable write, acknowledged each for itself, failing together.

use super::gate::Gates;
use super::{Place, commit, expect_whole, nodes, quiet, story, until, with_node};
use crate::harness::{Bench, Device};
use foliograph::storage_core::device::Operation;
use foliograph::storage_core::device::faults::{Fault, FaultRule, Faults};
use foliograph::storage_core::device::faulty::FaultyDevice;
use foliograph::{CommitError, Database, Durability, Options, PageSize};
use rstest::rstest;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, mpsc};

const THREADS: i64 = 8;

/// Eight threads commit a node each time; each says what was acknowledged.
fn eight_threads(db: &Database, each: i64, acknowledged: &Mutex<Vec<(u64, i64)>>) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for n in 0..each {
                    let key = thread * 1_000_000 + n;
                    let version = commit(db, key).expect("committed");
                    acknowledged.lock().expect("whole").push((version, key));
                }
            });
        }
    });
}

/// Each thread commits its keys in order: what is there of it has no gap.
fn expect_no_gaps(found: &BTreeSet<i64>) {
    for thread in 0..THREADS {
        let own: Vec<i64> = found.range(thread * 1_000_000..(thread + 1) * 1_000_000).copied().collect();
        let last = thread * 1_000_000 + own.len() as i64;
        assert!(own.iter().copied().eq(thread * 1_000_000..last), "thread {thread} has {own:?}");
    }
}

#[test]
fn what_eight_threads_were_acknowledged_survives_a_kill_at_any_moment() {
    story(|| {
        let options = Options::new().log_limit(512 << 10).memory_budget(256 << 10).cache_pages(16);
        let (place, db) = Place::create(&options);
        let (acknowledged, each) = (Mutex::new(Vec::new()), 300);
        std::thread::scope(|scope| {
            let writers = scope.spawn(|| eight_threads(&db, each, &acknowledged));
            let mut last = false;
            while !last {
                last = writers.is_finished();
                // First who was told, then the copy.
                let told: Vec<(u64, i64)> = acknowledged.lock().expect("whole").clone();
                let killed = place.killed();
                let found = nodes(&killed);
                assert!(told.iter().all(|(_, key)| found.contains(key)), "acknowledged, and gone");
                expect_no_gaps(&found);
                expect_whole(killed);
            }
        });
        let acknowledged = acknowledged.into_inner().expect("whole");
        let versions: BTreeSet<u64> = acknowledged.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions.len() as i64, THREADS * each, "every commit has a version of its own");
        assert!(db.pager().durable_meta().lsn > 0, "checkpoints were made beside them");
        db.close().expect("closed");
        expect_whole(place.killed());
    });
}

#[rstest]
fn eight_threads_on_a_disk_each_commit_is_there_after_a_kill(
    #[values(Device::File, Device::Mmap, Device::Uring)] device: Device,
) {
    if !device.runs_here() {
        return;
    }
    story(move || {
        let mut bench = Bench::new(device, PageSize::K4, 16);
        bench.options = bench.options.clone().log_limit(512 << 10);
        let db = bench.create();
        let (acknowledged, each) = (Mutex::new(Vec::new()), 40);
        eight_threads(&db, each, &acknowledged);
        let acknowledged = acknowledged.into_inner().expect("whole");
        let versions: BTreeSet<u64> = acknowledged.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions.len() as i64, THREADS * each);
        // What the file holds now is what a kill would leave.
        let copy = Bench::new(device, PageSize::K4, 16);
        std::fs::copy(bench.path(), copy.path()).expect("copied");
        let killed = copy.open();
        assert_eq!(nodes(&killed), acknowledged.iter().map(|(_, key)| *key).collect());
        expect_whole(killed);
        db.close().expect("closed");
    });
}

/// Commits node 0, then holds up node 1's group and queues nodes 2 to 8 behind it, each waited for in its thread. Then
/// `decide` opens the gate. What each commit came to, in order, from node 1 on.
fn held_up(db: &Database, gates: &Gates, decide: impl FnOnce()) -> Vec<Result<u64, CommitError>> {
    commit(db, 0).expect("the log begins");
    gates.shut(Operation::WriteDurable);
    let (queued, is_queued) = mpsc::channel();
    std::thread::scope(|scope| {
        let mut threads = vec![scope.spawn(|| commit(db, 1))];
        gates.until_waiting(Operation::WriteDurable, 1);
        for key in 2..=THREADS {
            let queued = queued.clone();
            threads.push(scope.spawn(move || {
                let commit = with_node(db, key).expect("nobody waits for the group to begin").submit()?;
                queued.send(()).expect("somebody counts");
                commit.wait()
            }));
            is_queued.recv().expect("it is queued");
        }
        decide();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

#[test]
fn what_queues_behind_a_slow_write_goes_with_the_next_one() {
    story(|| {
        let (place, db) = Place::create(&quiet());
        let before = db.pager().stats().log;
        let seen_while_held = Mutex::new(BTreeSet::new());
        let results = held_up(&db, &place.gates, || {
            *seen_while_held.lock().expect("whole") = nodes(&db);
            assert!(db.pager().stats().log.waiting > 0);
            place.gates.open(Operation::WriteDurable);
        });
        let versions: BTreeSet<u64> = results.into_iter().map(|r| r.expect("committed")).collect();
        assert_eq!(versions.len() as i64, THREADS);
        assert_eq!(seen_while_held.into_inner().expect("whole"), [0].into(), "not durable, not seen");
        let after = db.pager().stats().log;
        assert_eq!(after.commits - before.commits, 9);
        assert_eq!(after.groups - before.groups, 3, "0, then 1, then 2 to 8 together");
        assert_eq!(nodes(&place.killed()), (0..=THREADS).collect());
        expect_whole(place.killed());
    });
}

#[test]
fn a_group_that_fails_fails_for_all_that_it_carries_and_for_all_after_it() {
    // The group of node 1 gets through, that of the other seven does not; or already the first does not.
    for (passes, survivors) in [(1, 2), (0, 1)] {
        for fault in [Fault::Io, Fault::Short, Fault::DiskFull] {
            story(move || {
                let faults = Arc::new(Faults::new(passes + 7));
                let wrap = |device| Arc::new(FaultyDevice::new(device, faults.clone())) as _;
                let (place, db) = Place::create_over(&quiet(), wrap);
                let results = held_up(&db, &place.gates, || {
                    faults.add(FaultRule::once(Operation::WriteDurable, passes + 1, fault));
                    place.gates.open(Operation::WriteDurable);
                });
                let fine = results.iter().filter(|r| r.is_ok()).count() as u64;
                assert_eq!(fine, passes, "{results:?}");
                assert_eq!(faults.injected(), 1);
                let published = db.begin_read().expect("reading goes on").version();
                assert_eq!(nodes(&db), (0..survivors).collect(), "nothing that failed is published");
                assert!(with_node(&db, 99).is_err(), "only reopening goes on");
                assert!(db.checkpoint().is_err() && db.flush().is_err());
                assert_eq!(db.begin_read().expect("read").version(), published);
                // What failed may be there in part, from the first on: nobody was told that it is not.
                let killed = place.killed();
                let found = nodes(&killed);
                assert!(found.len() as i64 >= survivors && found.iter().copied().eq(0..found.len() as i64));
                expect_whole(killed);
                drop(db);
                assert_eq!(nodes(&place.killed()), found, "closing changes nothing any more");
            });
        }
    }
}

#[test]
fn nobody_sees_a_relaxed_commit_over_a_full_one_that_is_not_durable() {
    story(|| {
        let (place, db) = Place::create(&quiet());
        commit(&db, 0).expect("the log begins");
        place.gates.shut(Operation::WriteDurable);
        std::thread::scope(|scope| {
            let full = scope.spawn(|| commit(&db, 1));
            place.gates.until_waiting(Operation::WriteDurable, 1);
            let mut relaxed = with_node(&db, 2).expect("begun");
            relaxed.set_durability(Durability::Relaxed);
            relaxed.commit().expect("it waits for nobody");
            assert_eq!(nodes(&db), [0].into());
            place.gates.open(Operation::WriteDurable);
            full.join().expect("no panic").expect("committed");
        });
        assert_eq!(nodes(&db), [0, 1, 2].into());
        assert_eq!(nodes(&place.killed()), [0, 1].into(), "nobody has made it durable yet");
        db.flush().expect("flushed");
        assert_eq!(nodes(&place.killed()), [0, 1, 2].into());
    });
}

#[test]
fn the_thread_makes_relaxed_commits_durable_though_nobody_asks() {
    story(|| {
        let (place, db) = Place::create(&Options::new().durability(Durability::Relaxed));
        for key in 0..100 {
            commit(&db, key).expect("committed");
        }
        until("all are durable", || db.pager().stats().log.commits == 100);
        until("none waits", || db.pager().stats().log.waiting == 0);
        assert_eq!(nodes(&place.killed()).len(), 100);
        expect_whole(place.killed());
    });
}

/// Each commit that waits in memory is promised blocks of its own. A thousand filled half of the log with promises, and made a
/// checkpoint, where a few groups carry them all: those that nobody waits for, and those that are waited for later.
#[rstest]
#[case::usual(4 << 20)]
#[case::small(2 << 20)]
fn commits_without_end_make_groups_and_no_checkpoints(#[case] limit: u64) {
    story(move || {
        let (place, db) = Place::create(&quiet().log_limit(limit));
        commit(&db, 0).expect("the log begins");
        let begun = db.pager().stats();
        for key in 1..2000 {
            let mut tx = with_node(&db, key).expect("begun");
            if key % 2 == 0 {
                tx.set_durability(Durability::Relaxed);
            }
            drop(tx.submit().expect("queued"));
        }
        let stats = db.pager().stats();
        assert_eq!(stats.meta.generation, begun.meta.generation, "a root was written");
        // Two blocks for each, of which an eighth of the log has so many.
        let together = limit / 8 / (2 * 4096);
        let groups = stats.log.groups - begun.log.groups;
        assert!((2000 / (together + 3)..=2000 / together).contains(&groups), "{:?}", stats.log);
        assert!(nodes(&place.killed()).len() as u64 >= 2000 - together - 3, "all but the last are durable");
        db.flush().expect("flushed");
        assert_eq!(nodes(&place.killed()).len(), 2000);
        expect_whole(place.killed());
    });
}

/// What waits is written by whoever begins to write. If that fails he says so, and all after him; what was durable is there.
#[test]
fn who_begins_to_write_says_that_what_waits_could_not_be_written() {
    story(|| {
        let faults = Arc::new(Faults::new(7));
        let wrap = |device| Arc::new(FaultyDevice::new(device, faults.clone())) as _;
        let options = quiet().durability(Durability::Relaxed).log_limit(512 << 10);
        let (place, db) = Place::create_over(&options, wrap);
        commit(&db, 0).expect("the log begins");
        db.flush().expect("durable");
        faults.add(FaultRule::once(Operation::WriteDurable, 1, Fault::Io));
        let mut told = None;
        for key in 1..40 {
            match with_node(&db, key) {
                Ok(tx) => drop(tx.commit().expect("it waits for nobody")),
                Err(error) => {
                    told = Some(error);
                    break;
                }
            }
        }
        assert!(told.is_some() && faults.injected() == 1, "{told:?}");
        assert!(with_node(&db, 99).is_err() && db.flush().is_err(), "only reopening goes on");
        assert!(nodes(&place.killed()).contains(&0));
        expect_whole(place.killed());
        assert!(db.close().is_err());
    });
}

/// Found by reading: the log ended while a commit was queued that had been promised room in it.
#[test]
fn the_log_does_not_end_below_a_commit_that_is_queued() {
    story(|| {
        let (place, db) = Place::create(&quiet());
        commit(&db, 0).expect("the log begins");
        let checkpoint = db.begin_checkpoint().expect("begun").expect("there is something to do");
        checkpoint.finish().expect("durable");
        let queued = with_node(&db, 1).expect("begun").submit().expect("queued");
        db.pager().trim(true).expect("trimmed");
        queued.wait().expect("committed");
        assert_eq!(nodes(&place.killed()), [0, 1].into());
        commit(&db, 2).expect("committed");
        assert_eq!(nodes(&place.killed()), [0, 1, 2].into());
        expect_whole(place.killed());
    });
}
