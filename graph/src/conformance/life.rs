//! Creating, opening, closing; versions; read-only.

use super::{Fixture, Store};
use crate::{WriteError, props};
use std::sync::Arc;
use storage_core::device::read_only::ReadOnly;

/// Nothing is in it, whatever is asked for, and it can be closed and opened again as it is.
pub fn a_new_store_is_empty(fixture: &dyn Fixture) {
    Store::create(fixture).settle(|snapshot| {
        assert_eq!((snapshot.node_count(), snapshot.edge_count(), snapshot.keyed_count()), (0, 0, 0));
        assert_eq!(
            snapshot.labels().len() + snapshot.edge_types().len() + snapshot.property_names().len(),
            0
        );
        assert_eq!(snapshot.all_nodes().count() + snapshot.all_edges().count(), 0);
        assert_eq!(snapshot.node("person", "ada").expect("an answer"), None);
    });
}

/// Many commits, each followed by reopening: every one of them is there at the end.
pub fn what_was_committed_is_there_after_reopening(fixture: &dyn Fixture) {
    let mut store = Store::create(fixture);
    for round in 0..4i64 {
        store.change(|tx| {
            for i in 0..100 {
                let key = round * 100 + i;
                let node = tx.add_node("thing", key, props! { "round" => round }).expect("a new key");
                if key > 0 {
                    let before = tx.node("thing", key - 1).expect("an answer").expect("added before");
                    tx.add_edge(before, "next", node, props! {}).expect("both ends are there");
                }
            }
        });
        store = store.reopen();
    }
    store.settle(|snapshot| {
        assert_eq!((snapshot.node_count(), snapshot.edge_count()), (400, 399));
        for key in 0..400i64 {
            let node = snapshot.node("thing", key).expect("an answer").expect("committed");
            assert_eq!(snapshot.get::<i64>(node, "round").expect("an answer"), Some(key / 100));
            assert_eq!(snapshot.degree(node).count().expect("a degree"), u64::from(key < 399));
        }
    });
}

/// The version number grows with each commit, never falls with opening, and ids that were given stay given.
pub fn versions_go_on_after_reopening(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let first = store.change(|tx| tx.add_anonymous("thing", props! {}).expect("a node"));
    let before = store.snapshot().version();
    let store = store.reopen();
    assert!(store.snapshot().version() >= before);
    let second = store.change(|tx| tx.add_anonymous("thing", props! {}).expect("a node"));
    assert_ne!(first, second);
    assert!(store.snapshot().version() > before);
    store.settle(|snapshot| assert_eq!(snapshot.node_count(), 2));
}

/// An empty transaction writes nothing and makes no version.
pub fn a_commit_without_changes_is_no_new_version(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(|tx| tx.add_anonymous("thing", props! {}).expect("a node"));
    let before = store.snapshot().version();
    store.change(|_| ());
    assert_eq!(store.snapshot().version(), before);
    store.settle(|snapshot| assert_eq!(snapshot.node_count(), 1));
}

/// A store that is opened read-only, on a device that refuses every change, is read and checked, and not written.
pub fn read_only_refuses_writes(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let ada = store.change(|tx| tx.add_node("person", "ada", props! { "born" => 1815 }).expect("a node"));
    store.db.close().expect("closing");
    let device = Arc::new(ReadOnly::new(fixture.open().expect("a device over the store")));
    let db = fixture.options().read_only(true).open_device(device).expect("reading needs no writing");
    assert!(matches!(db.begin_write(), Err(WriteError::Pager(_))));
    assert!(matches!(db.try_begin_write(), Err(WriteError::Pager(_))));
    let store = Store { fixture, db };
    assert_eq!(store.snapshot().get::<i64>(ada, "born").expect("an answer"), Some(1815));
    store.assert_clean();
    store.reopen().settle(|snapshot| assert_eq!(snapshot.node_count(), 1));
}
