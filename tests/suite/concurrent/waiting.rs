//! Who waits for whom: readers for nobody; a writer for a checkpoint only where log or memory are tight, or where its own
//! changes outgrow their budget; closing for whoever is at work.

use super::gate::BACKGROUND;
use super::{Place, commit, expect_whole, nodes, quiet, story, until, with_node};
use foliograph::storage_core::device::Operation;
use foliograph::storage_core::pager;
use foliograph::{Database, Options, WriteError, props};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::Scope;
use std::time::Duration;

const CHECKPOINTER: &str = "checkpointer";

/// A checkpoint in a thread of its own that has written its pages and stands before its sync.
fn stuck<'scope>(scope: &'scope Scope<'scope, '_>, db: &'scope Database, place: &Place) {
    place.gates.shut_for(Operation::Sync, CHECKPOINTER);
    let run = || {
        let checkpoint = db.begin_checkpoint().expect("begun").expect("there is something to do");
        checkpoint.finish().expect("durable");
    };
    std::thread::Builder::new().name(CHECKPOINTER.into()).spawn_scoped(scope, run).expect("a thread");
    place.gates.until_waiting(Operation::Sync, 1);
}

#[test]
fn readers_wait_neither_for_a_group_nor_for_a_checkpoint() {
    story(|| {
        let (place, db) = Place::create(&quiet());
        for key in 0..200 {
            commit(&db, key).expect("committed");
        }
        let held = db.begin_read().expect("a snapshot");
        std::thread::scope(|scope| {
            stuck(scope, &db, &place);
            assert_eq!(nodes(&db).len(), 200);
            place.gates.shut(Operation::WriteDurable);
            let writer = scope.spawn(|| commit(&db, 200));
            place.gates.until_waiting(Operation::WriteDurable, 1);
            // With both of them stuck: new snapshots, old ones, in several threads, and the counters.
            std::thread::scope(|readers| {
                for _ in 0..4 {
                    readers.spawn(|| assert_eq!(nodes(&db).len(), 200));
                }
            });
            assert_eq!(held.node_count(), 200);
            assert_eq!(db.pager().stats().oldest_snapshot, held.version());
            place.gates.open(Operation::WriteDurable);
            writer.join().expect("no panic").expect("committed");
            assert_eq!(nodes(&db).len(), 201, "the commit did not wait for the checkpoint");
            place.gates.open(Operation::Sync);
        });
        assert_eq!(nodes(&db).len(), 201);
        expect_whole(place.killed());
    });
}

#[test]
fn commits_go_on_beside_a_checkpoint_that_is_stuck() {
    story(|| {
        let (place, db) = Place::create(&quiet());
        commit(&db, 0).expect("committed");
        std::thread::scope(|scope| {
            stuck(scope, &db, &place);
            let root = db.pager().durable_meta().lsn;
            for key in 1..100 {
                commit(&db, key).expect("committed");
            }
            assert_eq!(db.pager().durable_meta().lsn, root, "the checkpoint is still stuck");
            assert_eq!(nodes(&place.killed()).len(), 100, "all of them are durable all the same");
            let aborted = with_node(&db, 100).expect("begun");
            drop(aborted);
            place.gates.open(Operation::Sync);
        });
        for key in 100..120 {
            commit(&db, key).expect("committed");
        }
        assert_eq!(nodes(&place.killed()).len(), 120);
        expect_whole(place.killed());
        assert_eq!(db.check().expect("checked").findings, []);
    });
}

/// Commits beside a background checkpoint that is stuck, until beginning waits; then lets the checkpoint go on.
fn tight(options: &Options, size: usize) {
    let (place, db) = Place::create(options);
    let (committed, opened) = (AtomicI64::new(0), AtomicBool::new(false));
    let add = |key: i64| {
        let (used, limit) = db.pager().log_pressure();
        let mut tx = db.begin_write().expect("begun");
        assert!(used <= limit / 4 * 3 || opened.load(Ordering::SeqCst), "the log is tight, and it began");
        tx.add_node("n", key, props! { "n" => key, "text" => "x".repeat(size) }).expect("added");
        tx.commit().expect("committed");
        committed.store(key + 1, Ordering::SeqCst);
    };
    add(0);
    place.gates.shut_for(Operation::Sync, BACKGROUND);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for key in 1.. {
                add(key);
                if opened.load(Ordering::SeqCst) {
                    return;
                }
                // Log and memory hold a few thousand of them at most: without waiting this would not end.
                assert!(key < 20_000, "nothing holds up the writer");
            }
        });
        place.gates.until_waiting(Operation::Sync, 1);
        // Looking too early would only mean that nobody has to wait.
        let mut last = 0;
        until("the writer waits", || {
            let before = std::mem::replace(&mut last, committed.load(Ordering::SeqCst));
            std::thread::sleep(Duration::from_millis(50));
            before == last
        });
        opened.store(true, Ordering::SeqCst);
        place.gates.open(Operation::Sync);
        writer.join().expect("no panic");
    });
    let count = committed.load(Ordering::SeqCst) as usize;
    assert_eq!(nodes(&db).len(), count);
    assert_eq!(nodes(&place.killed()).len(), count);
    expect_whole(place.killed());
    assert_eq!(db.check().expect("checked").findings, []);
}

#[test]
fn beginning_waits_for_a_checkpoint_only_where_the_log_is_tight() {
    story(|| tight(&Options::new().log_limit(512 << 10).checkpoint_interval(None), 10));
}

#[test]
fn beginning_waits_for_a_checkpoint_only_where_memory_is_tight() {
    story(|| {
        tight(&Options::new().memory_budget(512 << 10).log_limit(1 << 30).checkpoint_interval(None), 500)
    });
}

/// Adds nodes in one transaction until it writes pages; says how many that took.
fn outgrow(db: &Database, step: impl Fn(i64)) -> i64 {
    let mut tx = db.begin_write().expect("begun");
    let mut added = 0;
    for key in 1_000.. {
        step(key - 1_000);
        let before = db.pager().stats().free_pages;
        tx.add_node("n", key, props! { "n" => key, "text" => "x".repeat(300) }).expect("added");
        added += 1;
        if db.pager().stats().free_pages != before {
            break;
        }
    }
    for key in 500..600 {
        tx.add_node("n", key, props! { "n" => key }).expect("it goes on");
    }
    tx.commit().expect("committed");
    added
}

#[test]
fn a_transaction_that_outgrows_its_budget_waits_for_the_checkpoint_and_goes_on() {
    story(|| {
        let options = quiet().memory_budget(128 << 10);
        let fill = |db: &Database| {
            (0..20).for_each(|key| assert!(commit(db, key).is_ok()));
        };
        let (_, rehearsal) = Place::create(&options);
        fill(&rehearsal);
        let wanted = outgrow(&rehearsal, |_| ());
        let (place, db) = Place::create(&options);
        fill(&db);
        let (reached, opened) = (AtomicI64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            stuck(scope, &db, &place);
            let root = db.pager().durable_meta().lsn;
            let writer = scope.spawn(|| {
                // Pages are written by the transaction only after the gate was opened.
                let added = outgrow(&db, |n| reached.store(n, Ordering::SeqCst));
                assert!(opened.load(Ordering::SeqCst), "it did not wait");
                added
            });
            until("the transaction is about to outgrow its budget", || {
                reached.load(Ordering::SeqCst) >= wanted - 1
            });
            assert_eq!(db.pager().durable_meta().lsn, root);
            assert_eq!(nodes(&db).len(), 20, "readers go on");
            opened.store(true, Ordering::SeqCst);
            place.gates.open(Operation::Sync);
            writer.join().expect("no panic");
        });
        assert!(nodes(&db).len() > 120);
        assert_eq!(nodes(&place.killed()), nodes(&db), "it is durable: a checkpoint");
        assert_eq!(db.check().expect("checked").findings, []);
        expect_whole(place.killed());
    });
}

#[test]
fn dropping_the_store_waits_for_the_checkpoint_that_runs() {
    story(|| {
        let options = Options::new().log_limit(512 << 10).checkpoint_interval(None);
        let (place, db) = Place::create(&options);
        commit(&db, 0).expect("the log begins");
        place.gates.shut_for(Operation::Sync, BACKGROUND);
        let mut key = 0;
        while db.pager().log_pressure().0 <= (512 << 10) / 2 {
            key += 1;
            commit(&db, key).expect("committed");
        }
        place.gates.until_waiting(Operation::Sync, 1);
        let opened = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (opened, db) = (&opened, db);
            scope.spawn(move || {
                drop(db);
                assert!(opened.load(Ordering::SeqCst), "it did not wait");
            });
            assert_eq!(nodes(&place.killed()).len() as i64, key + 1);
            opened.store(true, Ordering::SeqCst);
            place.gates.open(Operation::Sync);
        });
        let killed = place.killed();
        assert!(killed.pager().durable_meta().log.extents.is_empty(), "dropped: nothing is left in a log");
        assert_eq!(nodes(&killed).len() as i64, key + 1);
        expect_whole(killed);
    });
}

fn is_closed(error: &WriteError) -> bool {
    matches!(error, WriteError::Pager(pager::WriteError::Closed))
}

#[test]
fn who_waits_to_write_while_the_store_closes_is_told_that_it_is_closed() {
    story(|| {
        let (place, db) = Place::create(&Options::new());
        commit(&db, 0).expect("committed");
        let running = with_node(&db, 1).expect("begun");
        std::thread::scope(|scope| {
            let waiters: Vec<_> = (0..4)
                .map(|_| {
                    let db = db.clone();
                    scope.spawn(move || {
                        // It may still get its turn before the store closes, but not for ever.
                        loop {
                            match db.begin_write() {
                                Ok(tx) => tx.abort(),
                                Err(e) => return e,
                            }
                        }
                    })
                })
                .collect();
            let closing = scope.spawn({
                let db = db.clone();
                move || db.close()
            });
            running.commit().expect("closing waits for it");
            closing.join().expect("no panic").expect("closed");
            for waiter in waiters {
                let error = waiter.join().expect("no panic");
                assert!(is_closed(&error), "{error}");
            }
        });
        assert_eq!(nodes(&place.killed()), [0, 1].into());
        expect_whole(place.killed());
    });
}

#[test]
fn closing_among_committing_threads_loses_nothing_that_was_acknowledged() {
    for _ in 0..20 {
        story(|| {
            let (place, db) = Place::create(&Options::new().log_limit(512 << 10));
            let commits = AtomicI64::new(0);
            let acknowledged: Vec<Vec<i64>> = std::thread::scope(|scope| {
                let write = |thread: i64| {
                    let mut acknowledged = Vec::new();
                    for key in thread * 1_000_000.. {
                        let Ok(tx) = with_node(&db, key) else { break };
                        if tx.commit().is_err() {
                            break;
                        }
                        acknowledged.push(key);
                        commits.fetch_add(1, Ordering::SeqCst);
                    }
                    acknowledged
                };
                let threads: Vec<_> = (0..8).map(|thread| scope.spawn(move || write(thread))).collect();
                until("they are at work", || commits.load(Ordering::SeqCst) > 100);
                db.clone().close().expect("closed");
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
            });
            let found = nodes(&place.killed());
            assert!(acknowledged.iter().flatten().all(|key| found.contains(key)));
            expect_whole(place.killed());
        });
    }
}
