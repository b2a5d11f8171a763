//! Snapshots that are held: they see what they saw, whatever is committed, made durable and compacted meanwhile; their
//! pages are not used again; `stats` shows the oldest, and when it is gone so are its pages.

use super::{Place, commit, expect_whole, nodes, quiet, story};
use crate::history::{Contents, SMALL, change, contents, difference};
use foliograph::{Database, Snapshot};

fn expect_same(snapshot: &Snapshot, before: &Contents, when: &str) {
    let found = contents(snapshot).expect("every page is there");
    if let Some(difference) = difference(&found, before) {
        panic!("{when}, version {}: {difference}", snapshot.version());
    }
}

fn step(db: &Database, n: u64) {
    let mut tx = db.begin_write().expect("begun");
    change(&mut tx, n, SMALL).expect("changed");
    tx.commit().expect("committed");
}

/// A checkpoint of what is durable now.
fn beside(db: &Database) {
    if let Some(checkpoint) = db.begin_checkpoint().expect("begun") {
        checkpoint.finish().expect("durable");
    }
}

#[test]
fn held_snapshots_pin_their_pages_over_checkpoints_and_compaction() {
    story(|| {
        let (place, db) = Place::create(&quiet());
        let mut held: Vec<(Snapshot, Contents)> = Vec::new();
        for n in 0..40 {
            step(&db, n);
            match n % 4 {
                1 => beside(&db),
                3 if n % 8 == 3 => db.checkpoint().expect("durable"),
                3 => drop(db.compact().expect("compacted")),
                _ => {}
            }
            if n % 3 == 0 {
                let snapshot = db.begin_read().expect("a snapshot");
                let now = contents(&snapshot).expect("readable");
                held.push((snapshot, now));
            }
            let stats = db.stats().expect("counted");
            assert_eq!(stats.oldest_snapshot, held[0].0.version());
            assert!(n < 8 || stats.quarantined_pages > 0, "freed pages wait for snapshots");
        }
        for (snapshot, before) in &held {
            expect_same(snapshot, before, "held");
        }
        // They are read by threads of their own while more is committed, made durable and compacted.
        std::thread::scope(|scope| {
            for (snapshot, before) in &held {
                scope.spawn(move || (0..3).for_each(|_| expect_same(snapshot, before, "beside a writer")));
            }
            for n in 40..50 {
                step(&db, n);
                db.checkpoint().expect("durable");
            }
            db.compact().expect("compacted");
        });
        while !held.is_empty() {
            let (oldest, before) = held.remove(0);
            expect_same(&oldest, &before, "the oldest");
            drop(oldest);
            let next = held.first().map(|(snapshot, _)| snapshot.version());
            assert!(next.is_none_or(|next| db.pager().stats().oldest_snapshot == next));
        }
        commit(&db, -5).expect("committed");
        db.checkpoint().expect("durable");
        let stats = db.pager().stats();
        assert_eq!(stats.quarantined_pages, 0, "nobody needs them any more");
        assert_eq!(stats.oldest_snapshot, db.begin_read().expect("a snapshot").version());
        assert_eq!(db.check().expect("checked").findings, []);
        drop(place);
    });
}

#[test]
fn a_snapshot_outlives_the_store_that_was_dropped() {
    story(|| {
        let (place, db) = Place::create(&quiet());
        step(&db, 0);
        let snapshot = db.begin_read().expect("a snapshot");
        let before = contents(&snapshot).expect("readable");
        step(&db, 1);
        let after = contents(&db.begin_read().expect("a snapshot")).expect("readable");
        drop(db);
        expect_same(&snapshot, &before, "after the last checkpoint");
        let killed = place.killed();
        expect_same(&killed.begin_read().expect("a snapshot"), &after, "as a kill would leave it");
        drop(snapshot);
        assert!(!nodes_of(&place).is_empty());
    });
}

fn nodes_of(place: &Place) -> Contents {
    contents(&place.killed().begin_read().expect("a snapshot")).expect("readable")
}

#[test]
fn snapshots_are_taken_and_read_while_every_commit_is_a_checkpoint_beside_others() {
    story(|| {
        let (place, db) = Place::create(&quiet());
        commit(&db, 0).expect("committed");
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let mut last = 0;
                        // Until the writer has come to its end: each snapshot is as new as the one before, and whole.
                        while last < 300 {
                            let found = nodes(&db);
                            assert!(found.iter().copied().eq(0..found.len() as i64));
                            assert!(found.len() >= last);
                            last = found.len();
                        }
                    })
                })
                .collect();
            for key in 1..300 {
                commit(&db, key).expect("committed");
                if key % 3 == 0 {
                    beside(&db);
                }
            }
            readers.into_iter().for_each(|reader| reader.join().expect("no panic"));
        });
        expect_whole(place.killed());
    });
}
