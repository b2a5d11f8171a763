//! The comparison notices what it is there to notice: a graph that differs in one thing is another graph.

use super::compare::compare;
use super::graph::{Graph, LABELS, Refusal, TYPES};
use crate::harness::{Bench, Device};
use foliograph::{Key, NewNode, NodeId, PageSize, Snapshot, Value, props};

/// Three nodes, three edges, in a store and in memory.
fn both() -> (Snapshot, Graph) {
    let db = Bench::new(Device::Memory, PageSize::K4, 16).create();
    let mut graph = Graph::default();
    let mut tx = db.begin_write().expect("the only writer");
    for n in 0..3i64 {
        let new = NewNode { id: None, key: Some(Key::Int(n)), props: props! { "a" => n } };
        let id = tx.insert_node(LABELS[0], new.clone()).expect("a node");
        assert_eq!(graph.add(0, new), Ok(id.0));
    }
    for (from, to) in [(0, 1), (0, 1), (2, 0)] {
        let edge = tx.add_edge(NodeId(from), TYPES[0], NodeId(to), props! { "w" => 1 }).expect("both ends");
        assert_eq!(graph.link((from, 0, to), None, props! { "w" => 1 }), Ok(edge.rank));
    }
    tx.commit().expect("a commit");
    (db.begin_read().expect("a snapshot"), graph)
}

#[test]
fn a_graph_that_differs_in_one_thing_is_noticed() {
    type Change = fn(&mut Graph) -> Result<(), Refusal>;
    let changes: [(&str, Change); 10] = [
        ("a node is missing", |g| g.delete(1, true).map(drop)),
        ("a node is too many", |g| g.add(1, NewNode::default()).map(drop)),
        ("a property of a node differs", |g| g.set(1, props! { "a" => 1.0 })),
        ("a property of a node is missing", |g| g.set(1, props! { "a" => Value::Null })),
        ("an edge is missing", |g| g.unlink((0, 0, 1, 1))),
        ("an edge is too many", |g| g.link((1, 0, 1), None, vec![]).map(drop)),
        ("an edge has another rank", |g| {
            g.unlink((0, 0, 1, 1))?;
            g.link((0, 0, 1), Some(2), props! { "w" => 1 }).map(drop)
        }),
        ("a property of an edge differs", |g| g.set_edge((2, 0, 0, 0), props! { "w" => 2 })),
        ("only the incoming list lacks an edge", |g| {
            assert!(g.into.remove(&(1, 0, 0, 0)));
            Ok(())
        }),
        ("a type is undirected", |g| {
            g.undirected[0] = true;
            Ok(())
        }),
    ];
    let (snapshot, graph) = both();
    assert_eq!(compare(&snapshot, &graph), Ok(()));
    for (what, change) in changes {
        let mut other = graph.clone();
        change(&mut other).expect("the change is one");
        assert!(compare(&snapshot, &other).is_err(), "not noticed: {what}");
    }
}
