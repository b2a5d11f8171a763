//! Nodes: adding, finding, deleting; keys and ids.

use super::{Fixture, Store};
use crate::{Key, NewNode, NodeId, Reader, WriteError, props};
use storage_core::pager::ReadPages;

fn ids<R: ReadPages>(reader: &Reader<R>) -> Vec<u64> {
    reader.all_nodes().map(|view| view.expect("a node").id.0).collect()
}

/// Found by id and by key, listed in id order, counted by label; gone when deleted.
pub fn nodes_are_added_found_and_deleted(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let nodes: Vec<NodeId> = store.change(|tx| {
        let keyed = (0..300i64).map(|i| tx.add_node("even", 2 * i, props! { "i" => i }).expect("a new key"));
        keyed.collect()
    });
    let gone = store.change(|tx| {
        for node in nodes.iter().step_by(3) {
            assert_eq!(tx.delete_node(*node, false).expect("no edges"), 0);
            assert!(matches!(tx.delete_node(*node, false), Err(WriteError::NoNode(_))));
        }
        nodes.iter().step_by(3).copied().collect::<Vec<_>>()
    });
    store.settle(|snapshot| {
        let kept: Vec<u64> = nodes.iter().filter(|n| !gone.contains(n)).map(|n| n.0).collect();
        assert_eq!(ids(snapshot), kept);
        let from_middle: Vec<u64> =
            snapshot.all_nodes_from(nodes[150]).map(|view| view.expect("a node").id.0).collect();
        assert_eq!(from_middle, kept.iter().copied().filter(|n| *n >= nodes[150].0).collect::<Vec<_>>());
        assert_eq!(snapshot.labels().map(|(_, l)| (l.nodes, l.keyed)).collect::<Vec<_>>(), [(200, 200)]);
        for (i, node) in nodes.iter().enumerate() {
            let there = !gone.contains(node);
            assert_eq!(snapshot.contains(*node).expect("an answer"), there);
            let found = snapshot.node("even", 2 * i as i64).expect("an answer");
            assert_eq!(found, there.then_some(*node));
            let view = snapshot.view(*node).expect("an answer");
            assert_eq!(view.and_then(|v| v.key), there.then_some(Key::Int(2 * i as i64)));
        }
    });
}

/// The same key is refused under one label and welcome under another; an integer and a string are different keys.
pub fn keys_are_unique_within_a_label(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let [text, int, other] = store.change(|tx| {
        let text = tx.add_node("a", "7", props! {}).expect("a new key");
        let again = tx.add_node("a", "7", props! {});
        assert!(matches!(again, Err(WriteError::KeyExists { id, .. }) if id == text), "{again:?}");
        let int = tx.add_node("a", 7, props! {}).expect("an integer is another key");
        let other = tx.add_node("b", "7", props! {}).expect("another label");
        [text, int, other]
    });
    let mut tx = store.db.begin_write().expect("the only writer");
    let committed = tx.add_node("a", 7, props! {});
    assert!(matches!(committed, Err(WriteError::KeyExists { id, .. }) if id == int), "{committed:?}");
    tx.abort();
    store.settle(|snapshot| {
        assert_eq!(snapshot.node("a", "7").expect("an answer"), Some(text));
        assert_eq!(snapshot.node("a", 7).expect("an answer"), Some(int));
        assert_eq!(snapshot.node("b", "7").expect("an answer"), Some(other));
        assert_eq!(snapshot.node("b", 7).expect("an answer"), None);
        assert_eq!(snapshot.nodes_by_key(&Key::from("7")).expect("an answer").len(), 2);
    });
}

/// Delete and add again, within one transaction and over two.
pub fn a_deleted_key_is_free_again(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let long = "k".repeat(Key::MAX_LEN);
    let first = store.change(|tx| tx.add_node("a", long.as_str(), props! {}).expect("a new key"));
    let second = store.change(|tx| {
        tx.delete_node(first, false).expect("no edges");
        assert_eq!(tx.node("a", long.as_str()).expect("an answer"), None);
        tx.add_node("a", long.as_str(), props! { "second" => true }).expect("free again")
    });
    store.change(|tx| tx.delete_node(second, false).expect("no edges"));
    let third = store.change(|tx| tx.add_node("a", long.as_str(), props! {}).expect("free again"));
    assert_eq!([first < second, second < third], [true, true], "an id is not given twice");
    store.settle(|snapshot| {
        assert_eq!(snapshot.node("a", long.as_str()).expect("an answer"), Some(third));
        assert_eq!(ids(snapshot), [third.0]);
    });
}

/// Sparse, extreme, in any order; the store's own ids go on behind the largest.
pub fn ids_can_be_given(fixture: &dyn Fixture) {
    let wanted = [1 << 40, 0, 7, u64::from(u32::MAX), (1 << 40) + 1, 1 << 63, u64::MAX - 2];
    let new = |id| NewNode { id: Some(NodeId(id)), ..NewNode::default() };
    let store = Store::create(fixture);
    store.change(|tx| {
        for id in wanted {
            assert_eq!(tx.insert_node("n", new(id)).expect("a new id"), NodeId(id));
            assert!(matches!(tx.insert_node("n", new(id)), Err(WriteError::NodeExists(_))));
        }
        assert!(matches!(tx.insert_node("n", new(u64::MAX)), Err(WriteError::BadId(u64::MAX))));
        assert_eq!(tx.add_anonymous("n", props! {}).expect("one id is left"), NodeId::MAX);
        assert!(matches!(tx.add_anonymous("n", props! {}), Err(WriteError::Exhausted(_))));
        tx.add_edge(NodeId(0), "far", NodeId::MAX, props! {}).expect("both ends are there");
    });
    store.settle(|snapshot| {
        let mut all = wanted.to_vec();
        all.push(u64::MAX - 1);
        all.sort_unstable();
        assert_eq!(ids(snapshot), all);
        assert!(!snapshot.contains(NodeId(u64::MAX)).expect("an answer"));
        let path = snapshot.shortest_path(NodeId(0), NodeId::MAX).find().expect("an answer");
        assert_eq!(path.map(|p| p.nodes), Some(vec![NodeId(0), NodeId::MAX]));
    });
}

/// Plain nodes lie in runs; a property in the middle, a hole, another label break one, and taking it back mends it.
pub fn runs_of_plain_nodes_break_and_mend(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(|tx| {
        for _ in 0..5_000 {
            tx.add_anonymous("n", props! {}).expect("a node");
        }
    });
    store.change(|tx| {
        tx.set(NodeId(2_500), "odd", true).expect("a property");
        tx.delete_node(NodeId(1_000), false).expect("no edges");
        tx.delete_node(NodeId(4_999), false).expect("no edges");
        tx.insert_node("m", NewNode { id: Some(NodeId(1_000)), ..NewNode::default() }).expect("free again");
    });
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get::<bool>(NodeId(2_500), "odd").expect("an answer"), Some(true));
    assert_eq!(snapshot.view(NodeId(1_000)).expect("an answer").map(|v| v.label), snapshot.label("m"));
    drop(snapshot);
    store.change(|tx| tx.set(NodeId(2_500), "odd", crate::Value::Null).expect("a property"));
    store.settle(|snapshot| {
        assert_eq!(ids(snapshot), (0..4_999).collect::<Vec<_>>());
        assert_eq!(snapshot.node_props(NodeId(2_500)).expect("an answer"), props! {});
        let counts: Vec<u64> = snapshot.labels().map(|(_, l)| l.nodes).collect();
        assert_eq!(counts, [4_998, 1]);
    });
}

/// Refused, and nothing has changed; then with `detach`, and the other ends know nothing of it.
pub fn a_node_with_edges_goes_only_with_detach(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let [hub, a, b] = store.change(|tx| {
        let nodes = ["hub", "a", "b"].map(|key| tx.add_node("n", key, props! {}).expect("a new key"));
        let [hub, a, b] = nodes;
        for (from, to) in [(hub, a), (hub, a), (b, hub), (hub, hub), (a, b)] {
            tx.add_edge(from, "e", to, props! { "w" => 1 }).expect("both ends are there");
        }
        nodes
    });
    store.change(|tx| {
        assert!(matches!(tx.delete_node(hub, false), Err(WriteError::HasEdges(_))));
        assert_eq!(tx.edge_count(), 5);
        assert_eq!(tx.delete_node(hub, true).expect("detached"), 4);
    });
    store.settle(|snapshot| {
        assert_eq!((snapshot.node_count(), snapshot.edge_count()), (2, 1));
        assert_eq!(snapshot.node("n", "hub").expect("an answer"), None);
        assert_eq!(snapshot.degree(a).direction(crate::Direction::In).count().expect("a degree"), 0);
        assert_eq!(snapshot.degree(b).direction(crate::Direction::Out).count().expect("a degree"), 0);
        assert_eq!(snapshot.edge_types().map(|(_, t)| t.edges).collect::<Vec<_>>(), [1]);
    });
}

/// The first one adds, the second sets what it names and keeps the rest.
pub fn upsert_adds_or_changes(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let ada = store.change(|tx| {
        let (id, added) = tx.upsert_node("p", "ada", props! { "born" => 1815, "x" => 1 }).expect("an upsert");
        assert!(added);
        id
    });
    let again = store.change(|tx| tx.upsert_node("p", "ada", props! { "x" => 2 }).expect("an upsert"));
    assert_eq!(again, (ada, false));
    store.settle(|snapshot| {
        assert_eq!(snapshot.node_count(), 1);
        assert_eq!(snapshot.node_props(ada).expect("an answer"), props! { "born" => 1815, "x" => 2 });
    });
}
