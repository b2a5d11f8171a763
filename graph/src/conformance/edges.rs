//! Edges: ranks, loops, types, both directions, order, degrees, hubs.

use super::{Fixture, Store, around};
use crate::{Direction, Edge, NodeId, WriteError, WriteTransaction, props};

fn plain(tx: &mut WriteTransaction, count: usize) -> Vec<NodeId> {
    (0..count).map(|_| tx.add_anonymous("n", props! {}).expect("a node")).collect()
}

fn link(tx: &mut WriteTransaction, from: NodeId, edge_type: &str, to: NodeId) -> Edge {
    tx.add_edge(from, edge_type, to, props! {}).expect("both ends are there")
}

/// Ranks ascend from 0 for each (source, type, target); a given rank is kept, a taken one refused.
pub fn parallel_edges_have_ranks(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (a, b) = store.change(|tx| {
        let ends = plain(tx, 2);
        let (a, b) = (ends[0], ends[1]);
        let ranks: Vec<u32> = (0..40).map(|_| link(tx, a, "e", b).rank).collect();
        assert_eq!(ranks, (0..40).collect::<Vec<_>>());
        assert_eq!(link(tx, b, "e", a).rank, 0, "the other way is another edge");
        assert_eq!(link(tx, a, "f", b).rank, 0, "so is another type");
        let far = tx.insert_edge((a, "e", b), Some(1_000_000), props! {}).expect("a free rank");
        assert_eq!(far.rank, 1_000_000);
        let taken = tx.insert_edge((a, "e", b), Some(7), props! {});
        assert!(matches!(taken, Err(WriteError::EdgeExists(_))), "{taken:?}");
        (a, b)
    });
    store.change(|tx| {
        let edge_type = tx.edge_type("e").expect("known");
        for rank in (0..40).step_by(2) {
            tx.delete_edge(Edge { source: a, edge_type, target: b, rank }).expect("it is there");
        }
    });
    store.settle(|snapshot| {
        let mut wanted: Vec<u32> = (1..40).step_by(2).collect();
        wanted.push(1_000_000);
        for (node, direction) in [(a, Direction::Out), (b, Direction::In)] {
            let found = around(snapshot, node, direction, Some("e"));
            assert_eq!(found.iter().map(|(_, e)| e.rank).collect::<Vec<_>>(), wanted);
        }
        assert_eq!(snapshot.edge_count(), 23);
    });
}

/// It is seen once in each direction, and once when both are asked for.
pub fn a_self_loop_is_one_edge(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (node, edges) = store.change(|tx| {
        let node = plain(tx, 1)[0];
        let edges = [link(tx, node, "self", node), link(tx, node, "self", node)];
        (node, edges.map(|e| (node, e)))
    });
    store.settle(|snapshot| {
        for direction in [Direction::Out, Direction::In, Direction::Both] {
            assert_eq!(around(snapshot, node, direction, None), edges);
            assert_eq!(snapshot.degree(node).direction(direction).count().expect("a degree"), 2);
        }
        assert_eq!(snapshot.edge_count(), 2);
    });
}

/// A list with a wrong edge changes nothing; the same list without it gives the ranks that its edges would get one by one.
pub fn lists_of_edges_are_added_and_deleted_wholly_or_not(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let nodes = store.change(|tx| plain(tx, 90));
    let nobody = NodeId(1 << 40);
    let pairs: Vec<_> = (0..20_000).map(|i| (nodes[i * i % 89], nodes[i % 31])).collect();
    let (added, before) = store.change(|tx| {
        let before = link(tx, nodes[0], "e", nodes[0]);
        let wrong: Vec<_> = pairs.iter().copied().chain([(nodes[1], nobody)]).collect();
        let refused = tx.add_edges("e", &wrong);
        assert!(matches!(refused, Err(WriteError::NoNode(node)) if node == nobody), "{refused:?}");
        assert_eq!(tx.edge_count(), 1);
        (tx.add_edges("e", &pairs).expect("all ends are there"), before)
    });
    let mut ranks = std::collections::BTreeMap::from([((nodes[0], nodes[0]), 1)]);
    for (pair, edge) in pairs.iter().zip(&added) {
        let rank = ranks.entry(*pair).or_insert(0);
        assert_eq!((edge.source, edge.target, edge.rank), (pair.0, pair.1, *rank));
        *rank += 1;
    }
    store.change(|tx| {
        // Lists are taken by thousands, in the order of edges: much of this one was deleted when it comes to the last.
        let twice: Vec<_> = added.iter().chain(added.iter().max()).copied().collect();
        let refused = tx.delete_each(&twice);
        assert!(matches!(refused, Err(WriteError::NoEdge(_))), "{refused:?}");
        assert_eq!(tx.edge_count(), 20_001);
        tx.delete_each(&added[500..]).expect("they are there");
    });
    store.settle(|snapshot| {
        let mut wanted: Vec<Edge> = added[..500].iter().copied().chain([before]).collect();
        wanted.sort_unstable_by_key(|edge| (edge.source, edge.target, edge.rank));
        let found: Vec<Edge> = snapshot.all_edges().map(|edge| edge.expect("an edge")).collect();
        assert_eq!(found, wanted);
        let into: usize =
            nodes.iter().map(|node| around(snapshot, *node, Direction::In, Some("e")).len()).sum();
        assert_eq!(into, wanted.len());
    });
}

/// Out, in and both; of one type, of several, of all, of an unknown one; ascending by neighbour, type, rank.
pub fn neighbors_are_typed_directed_and_in_order(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let n = store.change(|tx| {
        let n = plain(tx, 6);
        let links = [
            (0, "b", 5),
            (0, "a", 3),
            (0, "b", 1),
            (0, "a", 1),
            (4, "a", 0),
            (2, "b", 0),
            (1, "c", 0),
            (0, "a", 1),
        ];
        for (from, edge_type, to) in links {
            link(tx, n[from], edge_type, n[to]);
        }
        n
    });
    store.settle(|snapshot| {
        let list = |direction, edge_type| -> Vec<(u64, String, u32)> {
            let found = around(snapshot, n[0], direction, edge_type);
            found.iter().map(|(id, e)| (id.0, snapshot.type_name(e.edge_type).to_owned(), e.rank)).collect()
        };
        let words = |list: &[(u64, &str, u32)]| -> Vec<(u64, String, u32)> {
            list.iter().map(|(id, name, rank)| (n[*id as usize].0, (*name).to_owned(), *rank)).collect()
        };
        // Types are ordered by when they were first used: b, a, c.
        let out = words(&[(1, "b", 0), (1, "a", 0), (1, "a", 1), (3, "a", 0), (5, "b", 0)]);
        assert_eq!(list(Direction::Out, None), out);
        assert_eq!(list(Direction::Out, Some("a")), words(&[(1, "a", 0), (1, "a", 1), (3, "a", 0)]));
        assert_eq!(list(Direction::In, None), words(&[(1, "c", 0), (2, "b", 0), (4, "a", 0)]));
        assert_eq!(list(Direction::In, Some("b")), words(&[(2, "b", 0)]));
        assert_eq!(list(Direction::Both, Some("b")), words(&[(1, "b", 0), (2, "b", 0), (5, "b", 0)]));
        assert_eq!(list(Direction::Both, None).len(), 8);
        assert_eq!(list(Direction::Both, Some("unknown")), words(&[]));
        let two = snapshot.neighbors(n[0]).of_type("a").of_type("b");
        assert_eq!(
            two.into_iter().map(|x| x.expect("a neighbour").id.0).collect::<Vec<_>>(),
            out.iter().map(|(id, ..)| *id).collect::<Vec<_>>()
        );
        let missing = snapshot.neighbors(NodeId(999)).into_iter().next().expect("an item");
        assert!(missing.is_err(), "a node that is not there is an error, not an empty list");
    });
}

/// Over nodes with no, one and many edges, of several types, a batch of lists included.
pub fn degrees_agree_with_lists(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let nodes = store.change(|tx| {
        let nodes = plain(tx, 120);
        for (i, from) in nodes.iter().enumerate() {
            for j in 0..i % 17 {
                let to = nodes[(i * 7 + j * j) % nodes.len()];
                link(tx, *from, ["x", "y", "z"][(i + j) % 3], to);
            }
        }
        nodes
    });
    store.settle(|snapshot| {
        let mut total = 0;
        for node in &nodes {
            for direction in [Direction::Out, Direction::In, Direction::Both] {
                let all = snapshot.degree(*node).direction(direction).count().expect("a degree");
                assert_eq!(all, around(snapshot, *node, direction, None).len() as u64);
                let y = snapshot.degree(*node).direction(direction).of_type("y").count().expect("a degree");
                assert_eq!(y, around(snapshot, *node, direction, Some("y")).len() as u64);
            }
            total += snapshot.degree(*node).count().expect("a degree");
        }
        assert_eq!(total, snapshot.edge_count());
        let mut batch = Vec::new();
        let x = snapshot.edge_type("x").expect("known");
        let lists = snapshot.neighbors_of(&nodes).direction(Direction::In).of_type(x);
        lists.for_each(|node, targets| batch.push((node, targets.len()))).expect("lists");
        let single = |node: &NodeId| (*node, around(snapshot, *node, Direction::In, Some("x")).len());
        assert_eq!(batch, nodes.iter().map(single).collect::<Vec<_>>());
    });
}

/// A type that was declared undirected is followed both ways unless a direction is asked for.
pub fn undirected_types_are_followed_both_ways(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let n = store.change(|tx| {
        let n = plain(tx, 3);
        tx.set_undirected("road", true).expect("a type");
        link(tx, n[0], "road", n[1]);
        link(tx, n[2], "road", n[1]);
        n
    });
    store.settle(|snapshot| {
        let ids = |node| -> Vec<NodeId> {
            snapshot.neighbors(node).into_iter().map(|x| x.expect("a neighbour").id).collect()
        };
        assert_eq!(ids(n[1]), [n[0], n[2]]);
        assert_eq!(ids(n[0]), [n[1]]);
        assert_eq!(snapshot.degree(n[1]).direction(Direction::Out).count().expect("a degree"), 0);
        let path = snapshot.shortest_path(n[0], n[2]).find().expect("an answer").expect("a path");
        assert_eq!(path.nodes, [n[0], n[1], n[2]]);
    });
}

/// Source, type, target, rank; across many pages.
pub fn edges_come_in_order(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let mut wanted: Vec<Edge> = store.change(|tx| {
        let n = plain(tx, 64);
        let pairs = (0..4_000u64).map(|i| (i * 2_654_435_761 % 64, i * 40_503 % 64));
        pairs.map(|(a, b)| link(tx, n[a as usize], ["p", "q"][(a ^ b) as usize % 2], n[b as usize])).collect()
    });
    let gone: Vec<Edge> = wanted.iter().copied().step_by(5).collect();
    store.change(|tx| gone.iter().for_each(|edge| tx.delete_edge(*edge).expect("it is there")));
    wanted.retain(|edge| !gone.contains(edge));
    wanted.sort_unstable_by_key(|e| (e.source, e.edge_type, e.target, e.rank));
    store.settle(|snapshot| {
        let found: Vec<Edge> = snapshot.all_edges().map(|e| e.expect("an edge")).collect();
        assert_eq!(found, wanted);
    });
}

/// Neither end lists it, it does not exist, its properties are gone, deleting it again is refused.
pub fn a_deleted_edge_is_gone_in_both_directions(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (a, b, edge) = store.change(|tx| {
        let n = plain(tx, 2);
        (n[0], n[1], tx.add_edge(n[0], "e", n[1], props! { "w" => 0.5 }).expect("both ends are there"))
    });
    assert!(store.snapshot().edge_exists(edge).expect("an answer"));
    store.change(|tx| {
        tx.delete_edge(edge).expect("it is there");
        assert!(matches!(tx.delete_edge(edge), Err(WriteError::NoEdge(_))));
    });
    store.change(|tx| assert_eq!(link(tx, a, "e", b), edge, "the rank is free again"));
    let snapshot = store.snapshot();
    assert_eq!(snapshot.edge_props(edge).expect("an answer"), props! {}, "and brings no old properties back");
    drop(snapshot);
    store.change(|tx| tx.delete_edge(edge).expect("it is there"));
    store.settle(|snapshot| {
        assert!(!snapshot.edge_exists(edge).expect("an answer"));
        assert_eq!(around(snapshot, a, Direction::Both, None), []);
        assert_eq!(around(snapshot, b, Direction::Both, None), []);
        assert_eq!(snapshot.edge_count(), 0);
    });
}

/// 5,000 neighbours in each direction, grown over commits, thinned out, then detached: lists stay whole.
pub fn a_hub_spans_many_pages(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (hub, leaves) = store.change(|tx| {
        let nodes = plain(tx, 5_001);
        (nodes[2_500], [&nodes[..2_500], &nodes[2_501..]].concat())
    });
    for part in leaves.chunks(2_000) {
        store.change(|tx| {
            for leaf in part {
                link(tx, hub, "out", *leaf);
                link(tx, *leaf, "in", hub);
            }
        });
    }
    let snapshot = store.snapshot();
    for direction in [Direction::Out, Direction::In] {
        let list: Vec<NodeId> =
            around(&snapshot, hub, direction, None).into_iter().map(|(id, _)| id).collect();
        assert_eq!(list, leaves);
    }
    drop(snapshot);
    store.change(|tx| {
        let edge_type = tx.edge_type("out").expect("known");
        for target in leaves.iter().copied().filter(|leaf| leaf.0 % 10 != 0) {
            tx.delete_edge(Edge { source: hub, edge_type, target, rank: 0 }).expect("it is there");
        }
    });
    let kept: Vec<NodeId> = leaves.iter().copied().filter(|leaf| leaf.0 % 10 == 0).collect();
    let snapshot = store.snapshot();
    let list = around(&snapshot, hub, Direction::Out, Some("out"));
    assert_eq!(list.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), kept);
    assert_eq!(snapshot.degree(hub).direction(Direction::In).count().expect("a degree"), 5_000);
    drop(snapshot);
    store.assert_clean();
    let gone = store.change(|tx| tx.delete_node(hub, true).expect("detached"));
    assert_eq!(gone, 5_000 + kept.len() as u64);
    store.settle(|snapshot| {
        assert_eq!((snapshot.node_count(), snapshot.edge_count()), (5_000, 0));
        assert_eq!(snapshot.all_edges().count(), 0);
    });
}
