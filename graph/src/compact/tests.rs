//! Compacting keeps what the store holds, makes it small, and can be stopped anywhere.

mod stopped;

use super::*;
use crate::{Edge, NodeId, Options, Props, Snapshot, Value, props};
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::device::sim::Rng;
use storage_core::page::PageSize;

fn store() -> (Arc<MemoryDevice>, Database) {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let db = Options::new().create_device(device.clone()).expect("created");
    (device, db)
}

/// `nodes` nodes with keys and properties, some of them long, and three edges from each, in small transactions that
/// come in no order, so that pages are half empty.
fn fill(db: &Database, nodes: u64, rng: &mut Rng) {
    let mut order: Vec<u64> = (0..nodes).collect();
    rng.shuffle(&mut order);
    for some in order.chunks(50) {
        let mut tx = db.begin_write().expect("begun");
        for id in some {
            let long = if id.is_multiple_of(40) { 9_000 } else { 30 };
            let props = props! { "n" => *id as i64, "text" => "x".repeat(long) };
            let node = crate::NewNode { id: Some(NodeId(*id)), key: Some((*id as i64).into()), props };
            tx.insert_node("n", node).expect("added");
        }
        tx.commit().expect("committed");
    }
    for some in order.chunks(50) {
        let mut tx = db.begin_write().expect("begun");
        for id in some {
            for step in [1, 7, 7] {
                let (from, to) = (NodeId(*id), NodeId((id + step) % nodes));
                tx.add_edge(from, "next", to, props! { "step" => step as i64 }).expect("added");
            }
        }
        tx.commit().expect("committed");
    }
}

type Contents = (Vec<(u64, String, Props)>, Vec<(Edge, Props)>);

fn contents(snapshot: &Snapshot) -> Contents {
    let node = |view: Result<crate::NodeView, _>| {
        let view = view.expect("readable");
        let name = snapshot.name_of(&view).expect("readable");
        (view.id.0, name, snapshot.props_of(&view).expect("readable"))
    };
    let edge = |edge: Result<Edge, _>| {
        let edge = edge.expect("readable");
        (edge, snapshot.edge_props(edge).expect("readable"))
    };
    (snapshot.all_nodes().map(node).collect(), snapshot.all_edges().map(edge).collect())
}

fn sound(db: &Database) {
    assert_eq!(db.check().expect("checked").findings, []);
}

#[test]
fn a_store_of_which_little_is_left_becomes_small_and_holds_the_same() {
    let (device, db) = store();
    let mut rng = Rng::new(7);
    fill(&db, 2_000, &mut rng);
    for some in (0..2_000).filter(|id| id % 20 != 3).collect::<Vec<u64>>().chunks(300) {
        let mut tx = db.begin_write().expect("begun");
        for id in some {
            tx.delete_node(NodeId(*id), true).expect("deleted");
        }
        tx.commit().expect("committed");
    }
    let before = contents(&db.begin_read().expect("begun"));
    assert_eq!(before.0.len(), 100);
    let done = db.compact().expect("compacted");
    assert!(done.after * 3 < done.before, "{done:?}");
    assert_eq!(done.after, device.image().len() as u64);
    assert!(contents(&db.begin_read().expect("begun")) == before);
    sound(&db);
    db.close().expect("closed");
    let device = Arc::new(MemoryDevice::from_image(device.image(), None).expect("a store"));
    let db = Options::new().open_device(device).expect("opens");
    assert!(contents(&db.begin_read().expect("begun")) == before);
    sound(&db);
}

#[test]
fn half_empty_pages_become_full_ones_and_the_store_goes_on() {
    let (_, db) = store();
    let mut rng = Rng::new(11);
    fill(&db, 1_500, &mut rng);
    let before = contents(&db.begin_read().expect("begun"));
    let pages = |db: &Database| db.pages().expect("readable").len();
    let scattered = pages(&db);
    db.compact().expect("compacted");
    assert!(pages(&db) < scattered, "{} pages of {scattered}", pages(&db));
    assert!(contents(&db.begin_read().expect("begun")) == before);
    let dense = pages(&db);
    for _ in 0..3 {
        let again = db.compact().expect("compacted");
        assert!(pages(&db) <= dense && again.after <= again.before, "{again:?}");
    }
    let mut tx = db.begin_write().expect("begun");
    let new = tx.add_node("n", 5_000, props! { "text" => "y" }).expect("added");
    tx.add_edge(new, "next", NodeId(3), props! {}).expect("added");
    tx.set(NodeId(40), "text", Value::Null).expect("set");
    tx.delete_node(NodeId(80), true).expect("deleted");
    tx.commit().expect("committed");
    sound(&db);
}

#[test]
fn a_snapshot_held_meanwhile_sees_what_it_saw() {
    let (_, db) = store();
    fill(&db, 400, &mut Rng::new(3));
    let held = db.begin_read().expect("begun");
    let before = contents(&held);
    db.compact().expect("compacted");
    db.compact().expect("compacted");
    assert!(contents(&held) == before);
    assert!(contents(&db.begin_read().expect("begun")) == before);
    drop(held);
    let done = db.compact().expect("compacted");
    assert!(done.after < done.before, "what the snapshot needed is given back: {done:?}");
    sound(&db);
}

#[test]
fn an_empty_store_can_be_compacted() {
    let (_, db) = store();
    db.compact().expect("compacted");
    sound(&db);
    assert_eq!(db.begin_read().expect("begun").node_count(), 0);
}
