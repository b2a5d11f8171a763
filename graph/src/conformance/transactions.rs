//! Transactions and snapshots.

use super::{Fixture, Store, around};
use crate::{Direction, NodeId, Reader, Value, WriteError, props};
use storage_core::pager::ReadPages;

/// Everything that a reader shows, to be compared with itself later.
pub(super) fn everything<R: ReadPages>(snapshot: &Reader<R>) -> Vec<String> {
    let mut all = vec![format!("{} {}", snapshot.node_count(), snapshot.edge_count())];
    for view in snapshot.all_nodes() {
        let view = view.expect("a node");
        let label = snapshot.label_name(view.label);
        all.push(format!(
            "{} {label} {:?} {:?}",
            view.id,
            view.key,
            snapshot.props_of(&view).expect("values")
        ));
        for (id, edge) in around(snapshot, view.id, Direction::In, None) {
            all.push(format!("from {id}: {edge:?}"));
        }
    }
    for edge in snapshot.all_edges() {
        let edge = edge.expect("an edge");
        all.push(format!("{edge:?} {:?}", snapshot.edge_props(edge).expect("values")));
    }
    all
}

/// By `abort` and by dropping: no node, no name, no key, no page.
pub fn abort_leaves_nothing(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let ada = store.change(|tx| tx.add_node("person", "ada", props! { "born" => 1815 }).expect("a node"));
    let before = everything(&store.snapshot());
    for explicit in [true, false] {
        let mut tx = store.db.begin_write().expect("the only writer");
        let node = tx.add_node("ghost", "g", props! { "boo" => vec![1u8; 100_000] }).expect("a node");
        tx.add_edge(node, "haunts", ada, props! { "since" => 1 }).expect("both ends are there");
        tx.set(ada, "born", 0).expect("a property");
        tx.delete_node(ada, true).expect("detached");
        if explicit {
            tx.abort()
        } else {
            drop(tx)
        }
        assert_eq!(everything(&store.snapshot()), before);
        store.assert_clean();
    }
    store.settle(|snapshot| {
        assert_eq!(everything(snapshot), before);
        assert_eq!(
            (snapshot.label("ghost"), snapshot.edge_type("haunts"), snapshot.property("boo")),
            (None, None, None)
        );
    });
}

/// Counts, keys, lists, degrees, properties, walks: before the commit as after it; and nobody else sees them.
pub fn a_transaction_reads_its_own_writes(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let old = store.change(|tx| tx.add_node("n", "old", props! { "v" => 1 }).expect("a node"));
    let mut tx = store.db.begin_write().expect("the only writer");
    let new = tx.add_node("n", "new", props! { "v" => 2 }).expect("a node");
    let edge = tx.add_edge(old, "e", new, props! { "w" => 3 }).expect("both ends are there");
    tx.set(old, "v", 10).expect("a property");
    assert_eq!((tx.node_count(), tx.edge_count()), (2, 1));
    assert_eq!(tx.node("n", "new").expect("an answer"), Some(new));
    assert_eq!(around(&*tx, new, Direction::In, Some("e")), [(old, edge)]);
    assert_eq!(tx.degree(old).count().expect("a degree"), 1);
    assert_eq!(tx.get::<i64>(old, "v").expect("an answer"), Some(10));
    assert_eq!(tx.get_edge::<i64>(edge, "w").expect("an answer"), Some(3));
    assert_eq!(tx.k_hop(old, 1).expect("a walk"), [new]);
    assert_eq!(tx.all_nodes().count(), 2);
    assert_eq!(tx.all_edges().count(), 1);
    let outside = store.snapshot();
    assert_eq!((outside.node_count(), outside.edge_count(), outside.edge_type("e")), (1, 0, None));
    assert_eq!(outside.get::<i64>(old, "v").expect("an answer"), Some(1));
    drop(outside);
    tx.delete_edge(edge).expect("it is there");
    assert_eq!(around(&*tx, new, Direction::Both, None), []);
    tx.commit().expect("a commit");
    store.settle(|snapshot| {
        assert_eq!((snapshot.node_count(), snapshot.edge_count()), (2, 0));
        assert_eq!(snapshot.get::<i64>(old, "v").expect("an answer"), Some(10));
    });
}

/// Held across commits that change, delete and add everywhere, with a cache that cannot keep its pages.
pub fn a_snapshot_never_changes(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(|tx| {
        for i in 0..300i64 {
            tx.add_node("n", i, props! { "v" => i, "pad" => "x".repeat(i as usize % 90) }).expect("a node");
        }
        for i in 0..900u64 {
            let (from, to) = (NodeId(i % 300), NodeId(i * i % 300));
            tx.add_edge(from, "e", to, props! { "i" => i as i64 }).expect("both ends are there");
        }
    });
    let mut held = Vec::new();
    for round in 0..5u64 {
        let snapshot = store.snapshot();
        let seen = everything(&snapshot);
        held.push((snapshot, seen));
        store.change(|tx| {
            for i in 0..60 {
                let node = NodeId((round * 50 + i) % 300);
                if tx.contains(node).expect("an answer") {
                    tx.set(node, "v", Value::Text(format!("round {round}"))).expect("a property");
                }
            }
            let gone = NodeId(round * 31 + 5);
            tx.delete_node(gone, true).expect("it is there until now");
            tx.add_node("n", 1_000 + round as i64, props! { "long" => vec![round as u8; 20_000] })
                .expect("a node");
        });
    }
    for (snapshot, seen) in &held {
        assert!(everything(snapshot) == *seen, "version {} has changed", snapshot.version());
    }
    let threads: Vec<_> = held
        .into_iter()
        .map(|(snapshot, seen)| std::thread::spawn(move || assert!(everything(&snapshot) == seen)))
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("the same from another thread"));
    store.settle(|snapshot| assert_eq!(snapshot.node_count(), 300));
}

/// Every kind of refusal, in between changes that count: only those are there afterwards.
pub fn a_refused_change_leaves_the_transaction_usable(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (a, b) = store.change(|tx| {
        let a = tx.add_node("n", "a", props! { "v" => 1 }).expect("a node");
        let b = tx.add_node("n", "b", props! {}).expect("a node");
        let edge = tx.add_edge(a, "e", b, props! {}).expect("both ends are there");
        let nowhere = NodeId(77);
        let refused: Vec<WriteError> = vec![
            tx.add_node("new label", "a", props! { "twice" => 1, "twice" => 2 })
                .expect_err("a name given twice"),
            tx.add_node("n", "a", props! { "new name" => 1 }).expect_err("a taken key"),
            tx.add_node("", "x", props! {}).expect_err("an empty label"),
            tx.add_node("a/b", "x", props! {}).expect_err("a slash in a label"),
            tx.add_node("n", "k".repeat(2_000), props! {}).expect_err("a key that is too long"),
            tx.add_node("n", "x", props! { "" => 1 }).expect_err("an empty property name"),
            tx.add_node("n", "x", props! { "l" => vec![Value::List(vec![])] }).expect_err("a list of lists"),
            tx.add_edge(a, "e", nowhere, props! {}).expect_err("a target that is not there"),
            tx.add_edge(nowhere, "new type", a, props! {}).expect_err("a source that is not there"),
            tx.insert_edge((a, "e", b), Some(0), props! {}).expect_err("a taken rank"),
            tx.set(nowhere, "v", 1).expect_err("a node that is not there"),
            tx.delete_node(a, false).expect_err("it has edges"),
            tx.delete_node(nowhere, true).expect_err("a node that is not there"),
            tx.delete_edge(crate::Edge { rank: 5, ..edge }).expect_err("an edge that is not there"),
            tx.set_edge(crate::Edge { rank: 5, ..edge }, "v", 1).expect_err("an edge that is not there"),
        ];
        for error in refused {
            assert!(error.is_refusal(), "{error}");
        }
        tx.set(b, "v", 2).expect("the transaction goes on");
        (a, b)
    });
    store.settle(|snapshot| {
        assert_eq!((snapshot.node_count(), snapshot.edge_count()), (2, 1));
        assert_eq!(snapshot.get::<i64>(a, "v").expect("an answer"), Some(1));
        assert_eq!(snapshot.get::<i64>(b, "v").expect("an answer"), Some(2));
        assert_eq!(
            snapshot.labels().len() + snapshot.edge_types().len() + snapshot.property_names().len(),
            3
        );
    });
}

/// A second writer gets nothing while the first one runs, and its turn afterwards; readers do not wait.
pub fn there_is_one_writer(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let mut tx = store.db.begin_write().expect("the only writer");
    assert!(store.db.try_begin_write().expect("an answer").is_none());
    tx.add_anonymous("n", props! {}).expect("a node");
    assert_eq!(store.snapshot().node_count(), 0);
    let other = store.db.clone();
    let waiting = std::thread::spawn(move || {
        let mut tx = other.begin_write().expect("its turn comes");
        tx.add_anonymous("n", props! {}).expect("a node");
        tx.commit().expect("a commit");
    });
    tx.commit().expect("a commit");
    waiting.join().expect("the second writer");
    assert!(store.db.try_begin_write().expect("an answer").is_some());
    store.settle(|snapshot| assert_eq!(snapshot.node_count(), 2));
}

/// A transaction that outgrows its budget by far writes pages before it commits; aborted ones leave none behind.
pub fn a_small_budget_writes_early(fixture: &dyn Fixture) {
    let store = Store::create_with(fixture, fixture.options().memory_budget(32 << 10));
    for commit in [false, true] {
        let mut tx = store.db.begin_write().expect("the only writer");
        for i in 0..1_500i64 {
            let node = tx.add_node("n", i, props! { "v" => i }).expect("a node");
            let to = tx.node("n", i * 7 % (i + 1)).expect("an answer").expect("added before");
            tx.add_edge(node, "e", to, props! { "w" => i }).expect("both ends are there");
        }
        for i in (0..1_500i64).step_by(10) {
            let node = tx.node("n", i).expect("an answer").expect("added before");
            tx.set(node, "v", -i).expect("a property");
        }
        assert!(tx.pages().pages_written() > 0, "32 KiB cannot hold all this");
        // What is written early belongs to nothing yet; checking waits for no writer.
        store.assert_clean();
        if commit {
            tx.commit().expect("a commit");
        } else {
            tx.abort();
        }
        store.assert_clean();
    }
    store.settle(|snapshot| {
        assert_eq!((snapshot.node_count(), snapshot.edge_count()), (1_500, 1_500));
        for i in 0..1_500i64 {
            let node = snapshot.node("n", i).expect("an answer").expect("committed");
            let wanted = if i % 10 == 0 { -i } else { i };
            assert_eq!(snapshot.get::<i64>(node, "v").expect("an answer"), Some(wanted));
            let list = around(snapshot, node, Direction::Out, None);
            assert_eq!(list.len(), 1);
            assert_eq!(snapshot.get_edge::<i64>(list[0].1, "w").expect("an answer"), Some(i));
        }
    });
}
