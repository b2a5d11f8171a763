//! Stories of the catalog: names of every length, counts of any kind, and when a change is one.

use crate::model::Value;
use crate::{NodeId, Options, props};
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::page::PageSize;

/// On the smallest pages a name of 1,024 bytes was written, and then the store could not be opened any more.
#[test]
fn the_longest_names_fit_the_smallest_pages() {
    let name = |letter: &str| letter.repeat(crate::txn::MAX_NAME);
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let db = Options::new().create_device(device.clone()).expect("created");
    for letter in ["a", "b", "c"] {
        let mut tx = db.begin_write().expect("begun");
        let node = tx.add_node(&name(letter), name(letter).as_str(), props! {}).expect("added");
        tx.set_all(node, vec![(name(letter), Value::Int(7))]).expect("set");
        let edge = tx.add_edge(node, &name(letter), node, props! {}).expect("added");
        tx.set_edge(edge, &name(letter), 8).expect("set");
        tx.commit().expect("committed");
    }
    db.close().expect("closed");
    let device = Arc::new(MemoryDevice::from_image(device.image(), None).expect("a store"));
    let db = Options::new().open_device(device).expect("opens");
    assert_eq!(db.check().expect("checked").findings, []);
    let snapshot = db.begin_read().expect("begun");
    let node = snapshot.node(&name("b"), name("b").as_str()).expect("read");
    assert_eq!(node, Some(NodeId(1)));
    assert_eq!(snapshot.get::<i64>(NodeId(1), &name("b")).expect("read"), Some(7));
    assert!(snapshot.edge_type(&name("c")).is_some());
}

/// All that a transaction did was to empty a tree, and an early flush had done it: the commit saw no change.
#[test]
fn a_tree_emptied_by_an_early_flush_is_a_change() {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let db = Options::new().memory_budget(1).create_device(device).expect("created");
    let mut tx = db.begin_write().expect("begun");
    let node = tx.add_anonymous("n", props! {}).expect("added");
    let edge = tx.add_edge(node, "t", node, props! { "weight" => 1 }).expect("added");
    tx.commit().expect("committed");
    let mut tx = db.begin_write().expect("begun");
    tx.set_edge(edge, "weight", Value::Null).expect("removed");
    tx.commit().expect("committed");
    let snapshot = db.begin_read().expect("begun");
    assert_eq!(snapshot.edge_props(edge).expect("read"), []);
    assert_eq!(db.check().expect("checked").findings, []);
}

/// A bit for each id that a damaged catalog claims would have taken all memory.
#[test]
fn counts_that_cannot_be_take_no_memory_and_do_not_overflow() {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let db = Options::new().create_device(device).expect("created");
    let mut tx = db.begin_write().expect("begun");
    let node = tx.add_node("n", 1, props! {}).expect("added");
    let catalog = tx.catalog_mut();
    (catalog.node_count, catalog.edge_count, catalog.next_node) = (u64::MAX, u64::MAX, u64::MAX);
    let label = catalog.labels.get_mut(0).expect("there is one");
    (label.nodes, label.keyed) = (u64::MAX, u64::MAX);
    tx.commit().expect("committed");
    let mut tx = db.begin_write().expect("begun");
    assert_eq!(tx.bfs(node).summary().expect("walked").reached, 1);
    tx.insert_node("n", crate::NewNode { id: Some(NodeId(7)), key: Some(2.into()), props: props! {} })
        .expect("added");
    tx.add_edge(node, "t", NodeId(7), props! {}).expect("added");
    tx.add_node("m", 2, props! {}).expect_err("no id is left");
    assert_eq!(tx.bfs(node).summary().expect("walked").reached, 2);
    tx.commit().expect("committed");
    assert!(!db.check().expect("checked").findings.is_empty());
}

#[test]
fn a_name_that_is_there_already_is_not_added_and_keeps_its_number() {
    let mut names = super::Names::<String>::default();
    assert_eq!((names.push("a".into()), names.push("b".into())), (Some(0), Some(1)));
    let before = names.clone();
    assert_eq!(names.push("a".into()), None);
    assert_eq!(names, before);
}
