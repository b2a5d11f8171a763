//! Readers: each snapshot is sound; some are held and must be the same later; none waits.

use super::bank::{expect_sound, notes};
use super::{Soak, count};
use foliograph::Snapshot;
use foliograph::storage_core::device::sim::Rng;
use std::collections::BTreeMap;
use std::collections::VecDeque;

type Seen = (Vec<(i64, i64, i64, i64)>, BTreeMap<i64, usize>);

fn see(snapshot: &Snapshot) -> Seen {
    (expect_sound(snapshot), notes(snapshot))
}

pub fn read(soak: &Soak, mut rng: Rng) {
    let mut held: VecDeque<(Snapshot, Seen)> = VecDeque::new();
    let mut last = 0;
    while soak.goes_on() {
        let snapshot = soak.db.begin_read().expect("a snapshot");
        assert!(snapshot.version() >= last, "versions do not go back");
        last = snapshot.version();
        if rng.chance(1, 4) {
            let seen = see(&snapshot);
            held.push_back((snapshot, seen));
        } else {
            expect_sound(&snapshot);
        }
        count(&soak.counts.snapshots);
        // Now and then one is held for hundreds of others.
        if held.len() > 8 || (!held.is_empty() && rng.chance(1, 6)) {
            let which = rng.index(held.len());
            let (snapshot, seen) = held.remove(which).expect("there is one");
            assert!(soak.db.pager().stats().oldest_snapshot <= snapshot.version(), "held, and not shown");
            assert!(see(&snapshot) == seen, "version {} has changed", snapshot.version());
            count(&soak.counts.again);
        }
    }
    for (snapshot, seen) in held {
        assert!(see(&snapshot) == seen, "version {} has changed", snapshot.version());
    }
}
