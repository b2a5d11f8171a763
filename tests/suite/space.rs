//! The file does not grow when the same data is written again and again, and gives space back when data goes (A4).

use crate::harness::{Bench, Device};
use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::{Database, NodeId, PageSize, Value, props};
use std::collections::BTreeMap;

fn pages(db: &Database) -> u64 {
    db.pager().device().page_count().get()
}

fn text(rng: &mut Rng, len: usize) -> String {
    (0..len).map(|_| char::from(b'a' + rng.below(26) as u8)).collect()
}

/// Long values, records and lists lie all over the file; most are deleted; what is left is moved down at close.
#[test]
fn closing_moves_what_is_left_down_and_cuts_the_file() {
    let bench = Bench::new(Device::Memory, PageSize::K4, 64);
    let db = bench.create();
    let mut rng = Rng::new(5);
    let mut kept = BTreeMap::new();
    let mut tx = db.begin_write().expect("begun");
    for i in 0..4000u64 {
        let long = if i % 50 == 0 { text(&mut rng, 9000) } else { text(&mut rng, 40) };
        let node = tx.add_node("n", i as i64, props! { "text" => long.clone() }).expect("added");
        if i >= 3600 {
            kept.insert(node, long);
        }
    }
    for i in 0..4000u64 {
        let (a, b) = (NodeId(i), NodeId(rng.below(4000)));
        tx.add_edge(a, "e", b, props! { "why" => text(&mut rng, if i % 200 == 0 { 3000 } else { 8 }) })
            .expect("added");
    }
    tx.commit().expect("committed");
    let full = pages(&db);
    let mut tx = db.begin_write().expect("begun");
    for i in 0..3600u64 {
        tx.delete_node(NodeId(i), true).expect("deleted");
    }
    tx.commit().expect("committed");
    let edges: Vec<_> = db.begin_read().expect("begun").edges().collect::<Result<_, _>>().expect("read");
    db.close().expect("closed");

    let db = bench.open();
    let stats = db.stats().expect("counted");
    let (left, live) = (pages(&db), pages(&db) - stats.free_pages);
    assert!(
        left < full / 2 && left <= live + stats.reserve_pages + live / 4 + 16,
        "{full} pages became {left}, {live} in use"
    );
    assert_eq!(db.check().expect("readable").findings, []);
    let snapshot = db.begin_read().expect("begun");
    for (node, text) in &kept {
        assert_eq!(snapshot.get::<String>(*node, "text").expect("read").as_ref(), Some(text));
    }
    assert_eq!(snapshot.node_count(), kept.len() as u64);
    let after: Vec<_> = snapshot.edges().collect::<Result<_, _>>().expect("read");
    assert_eq!(after, edges);
    assert!(after.iter().all(|e| matches!(snapshot.get_edge::<Value>(*e, "why"), Ok(Some(Value::Text(_))))));
}

/// What a snapshot holds stays where it is, whatever is asked for.
#[test]
fn a_checkpoint_beside_a_snapshot_moves_nothing_from_under_it() {
    let bench = Bench::new(Device::Memory, PageSize::K4, 16);
    let db = bench.create();
    let mut tx = db.begin_write().expect("begun");
    for i in 0..5000i64 {
        tx.add_node("n", i, props! { "i" => i }).expect("added");
    }
    tx.commit().expect("committed");
    let snapshot = db.begin_read().expect("begun");
    let mut tx = db.begin_write().expect("begun");
    for i in 0..4900u64 {
        tx.delete_node(NodeId(i), false).expect("deleted");
    }
    tx.commit().expect("committed");
    let before = pages(&db);
    db.checkpoint().expect("checkpoint");
    for i in (0..5000i64).step_by(37) {
        assert_eq!(snapshot.get::<i64>(NodeId(i as u64), "i").expect("read"), Some(i));
    }
    drop(snapshot);
    db.checkpoint().expect("checkpoint");
    assert!(pages(&db) < before, "{before} pages, {} after", pages(&db));
    assert_eq!(db.check().expect("readable").findings, []);
}

#[test]
fn the_same_data_written_again_and_again_does_not_grow_the_file() {
    let bench = Bench::new(Device::Simulated, PageSize::K4, 16);
    let db = bench.create();
    let mut tx = db.begin_write().expect("begun");
    for i in 0..500i64 {
        tx.add_node("n", i, props! { "round" => -1i64 }).expect("added");
    }
    tx.commit().expect("committed");
    let mut sizes = Vec::new();
    for round in 0..300i64 {
        let mut tx = db.begin_write().expect("begun");
        for i in 0..500u64 {
            tx.set(NodeId(i), "round", round).expect("set");
        }
        tx.commit().expect("committed");
        sizes.push(pages(&db));
    }
    assert_eq!(sizes[10], sizes[299], "the file grew from round 10 to round 299");
    assert_eq!(db.check().expect("readable").findings, []);
}
