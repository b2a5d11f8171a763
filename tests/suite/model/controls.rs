//! The comparison notices what it is there to notice: a graph that differs in one thing is another graph.

use super::ask::named;
use super::compare::compare;
use super::graph::{Graph, LABELS, Refusal, TYPES};
use super::indexes::{Has, Index, On};
use crate::harness::{Bench, Device};
use foliograph::{Key, NewNode, NodeId, PageSize, Snapshot, Value, props};

const INDEXES: [Index; 2] = [
    Index { on: On::Label(0), property: 0, unique: true },
    Index { on: On::Type(0), property: 1, unique: false },
];

/// Three nodes, three edges, an index over each, in a store and in memory.
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
        let edge = tx.add_edge(NodeId(from), TYPES[0], NodeId(to), props! { "b" => 1 }).expect("both ends");
        assert_eq!(graph.link((from, 0, to), None, props! { "b" => 1 }), Ok(edge.rank));
    }
    for index in INDEXES {
        tx.create_index(named(index.on), index.name(), index.unique).expect("an index");
        assert_eq!(graph.create_index(index), Ok(()));
    }
    tx.commit().expect("a commit");
    (db.begin_read().expect("a snapshot"), graph)
}

#[test]
fn a_graph_that_differs_in_one_thing_is_noticed() {
    type Change = fn(&mut Graph) -> Result<(), Refusal>;
    let changes: [(&str, Change); 15] = [
        ("a node is missing", |g| g.delete(1, true).map(drop)),
        ("a node is too many", |g| g.add(1, NewNode::default()).map(drop)),
        ("a property of a node differs", |g| g.set(1, props! { "a" => 1.0 })),
        ("a property of a node is missing", |g| g.set(1, props! { "a" => Value::Null })),
        ("an edge is missing", |g| g.unlink((0, 0, 1, 1))),
        ("an edge is too many", |g| g.link((1, 0, 1), None, vec![]).map(drop)),
        ("an edge has another rank", |g| {
            g.unlink((0, 0, 1, 1))?;
            g.link((0, 0, 1), Some(2), props! { "b" => 1 }).map(drop)
        }),
        ("a property of an edge differs", |g| g.set_edge((2, 0, 0, 0), props! { "b" => 2 })),
        ("only the incoming list lacks an edge", |g| {
            assert!(g.into.remove(&(1, 0, 0, 0)));
            Ok(())
        }),
        ("a type is undirected", |g| {
            g.undirected[0] = true;
            Ok(())
        }),
        ("there is an index more", |g| {
            g.create_index(Index { on: On::Label(1), property: 0, unique: false })
        }),
        ("there is an index less", |g| g.drop_index(On::Type(0), 1)),
        ("an index is not unique", |g| {
            g.indexes[0].unique = false;
            Ok(())
        }),
        ("an index came before another", |g| {
            g.indexes.reverse();
            Ok(())
        }),
        ("a value is another number's twin", |g| g.set(0, props! { "a" => -0.0 })),
    ];
    let (snapshot, graph) = both();
    assert_eq!(compare(&snapshot, &graph), Ok(()));
    for (what, change) in changes {
        let mut other = graph.clone();
        change(&mut other).expect("the change is one");
        assert!(compare(&snapshot, &other).is_err(), "not noticed: {what}");
    }
}

/// What the graph in memory refuses, and in which words.
#[test]
fn a_unique_index_of_the_graph_in_memory_lets_nobody_have_what_another_has() {
    let (_, mut graph) = both();
    let before = graph.clone();
    let taken = Err(Refusal::NotUnique("node 2".into()));
    assert_eq!(graph.set(1, props! { "a" => 2.0 }), taken);
    assert_eq!(graph.add(0, NewNode { props: props! { "a" => 2 }, ..NewNode::default() }).map(drop), taken);
    assert_eq!(graph.upsert(0, Key::Int(0), props! { "a" => 2 }).map(drop), taken);
    assert_eq!(graph.set(1, props! { "a" => "x".repeat(1022) }), Err(Refusal::TooLong));
    assert_eq!(graph.create_index(INDEXES[0]), Err(Refusal::IndexExists));
    assert_eq!(graph.drop_index(On::Label(0), 1), Err(Refusal::NoIndex));
    let twice = Index { on: On::Type(0), property: 1, unique: true };
    assert_eq!(graph.drop_index(twice.on, twice.property), Ok(()));
    let holder = Has::Edge((0, 0, 1, 0)).words();
    assert_eq!(holder, "0 -knows-> 1 (rank 0)");
    assert_eq!(graph.create_index(twice), Err(Refusal::NotUnique(holder)));
    assert_eq!(graph.create_index(INDEXES[1]), Ok(()));
    assert!(graph == before, "what is refused changes nothing");
    assert_eq!(graph.set(1, props! { "a" => 1.0 }), Ok(()), "its own");
    assert_eq!(graph.add(1, NewNode { props: props! { "a" => 2 }, ..NewNode::default() }), Ok(3), "no city");
}
