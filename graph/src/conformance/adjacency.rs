//! Adjacency as an API: ranges, orders, places to go on from, lists that meet, deletes by question.

use super::{Fixture, Store};
use crate::{Direction, Edge, NodeId, ReadError, Snapshot, TypeId, WriteTransaction, props};

fn plain(tx: &mut WriteTransaction, count: usize) -> Vec<NodeId> {
    (0..count).map(|_| tx.add_anonymous("n", props! {}).expect("a node")).collect()
}

fn link(tx: &mut WriteTransaction, from: NodeId, edge_type: &str, to: NodeId) -> Edge {
    tx.add_edge(from, edge_type, to, props! {}).expect("both ends are there")
}

/// A hub in the midst of 4,000 nodes: of type `x` to all behind it, of type `y` to every third node, and back from every
/// fifth one.
fn hub(store: &Store<'_>) -> (NodeId, Vec<NodeId>) {
    store.change(|tx| {
        let nodes = plain(tx, 4_000);
        let hub = nodes[1_000];
        for (i, node) in nodes.iter().enumerate() {
            if i >= 1_000 {
                link(tx, hub, "x", *node);
            }
            if i % 3 == 0 {
                link(tx, hub, "y", *node);
            }
            if i % 5 == 0 && *node != hub {
                link(tx, *node, "x", hub);
            }
        }
        (hub, nodes)
    })
}

/// What a list must be, from the edges themselves.
fn wanted(snapshot: &Snapshot, hub: NodeId) -> Vec<(NodeId, TypeId, bool, u32)> {
    let mut list = Vec::new();
    for edge in snapshot.all_edges().map(|edge| edge.expect("an edge")) {
        if edge.source == hub {
            list.push((edge.target, edge.edge_type, false, edge.rank));
        } else if edge.target == hub {
            list.push((edge.source, edge.edge_type, true, edge.rank));
        }
    }
    list.sort_unstable();
    list
}

/// In both orders, whole and cut to a range of neighbours.
pub fn lists_come_in_ranges_and_both_orders(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (hub, nodes) = hub(&store);
    store.settle(|snapshot| {
        let all = wanted(snapshot, hub);
        let list = |question: crate::Neighbors<'_, _>| -> Vec<_> {
            let item = |n: Result<crate::Neighbor<'_, _>, ReadError>| {
                let n = n.expect("a neighbour");
                (n.id, n.edge.edge_type, n.edge.source != hub, n.edge.rank)
            };
            question.into_iter().map(item).collect()
        };
        let both = || snapshot.neighbors(hub).direction(Direction::Both);
        assert_eq!(list(both()), all);
        let reversed: Vec<_> = all.iter().rev().copied().collect();
        assert_eq!(list(both().descending()), reversed);
        for (from, to) in [(0, 1), (900, 1_100), (3_990, 4_000), (500, 500)] {
            let range = nodes[from]..nodes.get(to).copied().unwrap_or(NodeId::MAX);
            let cut: Vec<_> = all.iter().filter(|(id, ..)| range.contains(id)).copied().collect();
            assert_eq!(list(both().between(range.clone())), cut);
            assert_eq!(both().between(range).count().expect("a count"), cut.len() as u64);
        }
        let types = [snapshot.edge_type("y").expect("known"), TypeId(1_000)];
        let of_type: Vec<_> = all.iter().filter(|(_, id, ..)| *id == types[0]).copied().collect();
        assert_eq!(list(both().of_types(&types)), of_type);
        assert_eq!(list(both().of_types(&[])), []);
    });
}

/// Pages of a list, each from the place where the one before ended, while edges come and go: also that one.
pub fn a_place_in_a_list_outlives_its_edge(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (hub, nodes) = hub(&store);
    let always: Vec<NodeId> = nodes.iter().copied().skip(1_000).filter(|node| node.0 % 7 != 0).collect();
    let mut seen = Vec::new();
    let mut place: Option<String> = None;
    loop {
        let snapshot = store.snapshot();
        let mut question = snapshot.neighbors(hub).of_type("x").outgoing();
        if let Some(text) = &place {
            question = question.after(text.parse().expect("it came from a place"));
        }
        let page: Result<Vec<_>, ReadError> = question.into_iter().take(700).collect();
        let page = page.expect("a page");
        seen.extend(page.iter().map(|n| n.id));
        let Some(last) = page.last() else { break };
        place = Some(last.cursor().to_string());
        let gone: Vec<Edge> = page.iter().filter(|n| n.id.0 % 7 == 0).map(|n| n.edge).collect();
        let last = last.edge;
        store.change(|tx| {
            for edge in gone.into_iter().filter(|edge| *edge != last).chain([last]) {
                tx.delete_edge(edge).expect("it is there");
            }
            // Before the place: nobody comes back for it.
            link(tx, hub, "x", nodes[3]);
        });
    }
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "nothing comes twice");
    seen.retain(|node| node.0 % 7 != 0);
    assert_eq!(seen, always);
    store.assert_clean();
}

/// Neighbours in common, edges between sets, parallel edges: the same as from the edges one by one.
pub fn lists_meet(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (hub, nodes) = hub(&store);
    let small = store.change(|tx| {
        let small = plain(tx, 1)[0];
        for at in [0, 3, 999, 1_000, 1_001, 3_998, 3_999] {
            link(tx, small, "x", nodes[at]);
            link(tx, small, "x", nodes[at]);
        }
        small
    });
    store.settle(|snapshot| {
        let common = |of_type: Option<&str>| -> Vec<NodeId> {
            let mut question = snapshot.common_neighbors(small, hub);
            if let Some(name) = of_type {
                question = question.of_type(name);
            }
            question.into_iter().map(|node| node.expect("a node")).collect()
        };
        assert_eq!(common(None), [0, 3, 999, 1_000, 1_001, 3_998, 3_999].map(|at| nodes[at]));
        assert_eq!(common(Some("x")), [1_000, 1_001, 3_998, 3_999].map(|at| nodes[at]));
        let parallel = snapshot.parallel_edges(small, nodes[3]).of_type("x").into_iter();
        let ranks: Vec<u32> = parallel.map(|n| n.expect("an edge").edge.rank).collect();
        assert_eq!(ranks, [0, 1]);
        let edge = snapshot.edge(small, "x", nodes[3]).expect("an answer").expect("it is there");
        assert_eq!((edge.rank, snapshot.edge_exists(edge).expect("an answer")), (0, true));
        assert_eq!(snapshot.edge(small, "y", nodes[3]).expect("an answer"), None);
        let (few, many) = ([hub, small], &nodes[990..1_010]);
        for sets in [[&few[..], many], [many, &few[..]], [&few, &few]] {
            for direction in [Direction::Out, Direction::In, Direction::Both] {
                let question = snapshot.edges_between(sets[0], sets[1]).direction(direction);
                let mut found: Vec<Edge> = question.into_iter().map(|e| e.expect("an edge")).collect();
                found.sort_unstable();
                let between = |from: &[NodeId], to: &[NodeId], edge: &Edge| {
                    from.contains(&edge.source) && to.contains(&edge.target)
                };
                let all = snapshot.all_edges().map(|e| e.expect("an edge"));
                let mut wanted: Vec<Edge> = all
                    .filter(|edge| {
                        direction != Direction::In && between(sets[0], sets[1], edge)
                            || direction != Direction::Out && between(sets[1], sets[0], edge)
                    })
                    .collect();
                wanted.sort_unstable();
                assert_eq!(found, wanted, "{direction:?}");
            }
        }
    });
}

/// What a question finds goes, with its properties, and nothing else; a node that is not there is refused.
pub fn edges_are_deleted_by_question(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (hub, nodes) = hub(&store);
    let before = store.snapshot().edge_count();
    let gone = store.change(|tx| {
        assert!(tx.delete_edges(NodeId(1 << 40)).run().is_err_and(|e| e.is_refusal()));
        let out = tx.delete_edges(hub).of_type("x").between(nodes[2_000]..).run().expect("deleted");
        assert_eq!(out, 2_000);
        let back = tx.delete_edges(hub).incoming().between(..nodes[1_000]).run().expect("deleted");
        assert_eq!(back, 200);
        assert_eq!(tx.delete_parallel(hub, "y", nodes[3]).expect("deleted"), 1);
        assert_eq!(tx.delete_edges(hub).of_type("unknown").run().expect("nothing to do"), 0);
        out + back + 1
    });
    store.settle(|snapshot| {
        assert_eq!(snapshot.edge_count(), before - gone);
        let degree = |direction, name| {
            snapshot.degree(hub).direction(direction).of_type(name).count().expect("a degree")
        };
        assert_eq!((degree(Direction::Out, "x"), degree(Direction::Out, "y")), (1_000, 1_333));
        assert_eq!(degree(Direction::In, "x"), 600);
        assert!(!snapshot.edges_between(&[hub], &nodes[2_000..]).of_type("x").into_iter().any(|_| true));
    });
}
