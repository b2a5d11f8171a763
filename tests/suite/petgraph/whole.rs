//! Computations over the whole graph: distances, ranks, components, communities, clustering.

use super::{Case, for_each_graph};
use foliograph::NodeId;
use foliograph::algo::NodeValues;
use petgraph::algo::{connected_components, dijkstra, page_rank};
use petgraph::graph::NodeIndex;
use petgraph::unionfind::UnionFind;
use petgraph::visit::EdgeRef;
use std::collections::{BTreeMap, BTreeSet};

/// Values in the order of ids, each for the node that it should be for.
fn column<T>(case: &Case, values: &NodeValues<T>) -> Vec<T> {
    assert!(values.iter().map(|(node, _)| node.0).eq(case.sketch.ids.iter().copied()));
    values.iter().map(|(_, value)| value).collect()
}

fn close(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    let apart = found.iter().zip(wanted).find(|(a, b)| (*a - *b).abs() > 1e-9);
    assert!(apart.is_none(), "{found:?}, {wanted:?}");
}

#[test]
fn distances_to_all_nodes_are_petgraphs() {
    for_each_graph(|case| {
        for start in case.starts() {
            let wanted = dijkstra(&case.reference, start, None, |_| 1u64);
            let wanted: Vec<_> =
                case.reference.node_indices().map(|node| wanted.get(&node).copied()).collect();
            for limits in [(15, 18), (0, 0), (u64::MAX, u64::MAX)] {
                let question = case.snapshot.bfs_distances(case.id(start)).switching(limits.0, limits.1);
                assert_eq!(column(case, &question.run().expect("read")), wanted);
            }
        }
    });
}

/// For petgraph a node behind an endless edge is infinitely far away; here it is not reached.
#[test]
fn least_sums_to_all_nodes_are_petgraphs() {
    for_each_graph(|case| {
        for start in case.starts() {
            let wanted = dijkstra(&case.reference, start, None, |edge| edge.weight().1);
            let wanted = case.reference.node_indices().map(|node| wanted.get(&node).copied());
            let wanted: Vec<_> = wanted.map(|sum| sum.filter(|sum| sum.is_finite())).collect();
            let found = column(case, &case.snapshot.sssp(case.id(start), "w").run().expect("read"));
            let found: Vec<_> = found.into_iter().map(|sum| sum.map(|sum| sum.as_f64())).collect();
            assert_eq!(found, wanted);
        }
    });
}

#[test]
fn weakly_connected_components_are_petgraphs() {
    for_each_graph(|case| {
        let found = column(case, &case.snapshot.weakly_connected().run().expect("read"));
        let mut sets = UnionFind::new(case.sketch.ids.len());
        for edge in case.reference.edge_references() {
            sets.union(edge.source().index(), edge.target().index());
        }
        let of = sets.into_labeling();
        let least = |at: usize| of.iter().position(|label| *label == of[at]).expect("itself");
        let wanted: Vec<NodeId> = (0..of.len()).map(|at| case.id(NodeIndex::new(least(at)))).collect();
        assert_eq!(found, wanted);
        let count = found.iter().collect::<BTreeSet<_>>().len();
        assert_eq!(count, connected_components(&case.reference));
    });
}

/// petgraph's definition is another one: a node gives nothing of its random jumps to those it links to, parallel edges count
/// in degrees but give once, and ranks are divided by their sum. With damping 1, and without parallel edges, both are the
/// same.
#[test]
fn ranks_are_petgraphs_where_the_definitions_meet() {
    let mut compared = 0;
    for_each_graph(|case| {
        let ends = case.reference.edge_references().map(|edge| (edge.source(), edge.target()));
        if ends.collect::<BTreeSet<_>>().len() < case.reference.edge_count() {
            return;
        }
        compared += 1;
        for iterations in [1, 2, 7] {
            let wanted = page_rank(&case.reference, 1.0, iterations);
            let found =
                case.snapshot.page_rank().damping(1.0).iterations(iterations as u64).run().expect("read");
            close(&column(case, &found), &wanted);
        }
    });
    eprintln!("{compared} graphs without parallel edges");
}

#[test]
fn ranks_are_those_of_the_definition() {
    for_each_graph(|case| {
        let graph = &case.reference;
        let count = graph.node_count() as f64;
        let mut ranks = vec![1.0 / count; graph.node_count()];
        for _ in 0..5 {
            let mut next = vec![0.15 / count; ranks.len()];
            for node in graph.node_indices() {
                let part = 0.85 * ranks[node.index()];
                match graph.edges(node).count() {
                    0 => next.iter_mut().for_each(|rank| *rank += part / count),
                    degree => graph.neighbors(node).for_each(|to| next[to.index()] += part / degree as f64),
                }
            }
            ranks = next;
        }
        let found = case.snapshot.page_rank().damping(0.85).iterations(5).run().expect("read");
        close(&column(case, &found), &ranks);
    });
}

#[test]
fn communities_are_those_of_the_definition() {
    for_each_graph(|case| {
        let mut labels = case.sketch.ids.clone();
        for _ in 0..4 {
            let mut votes = vec![BTreeMap::<u64, u64>::new(); labels.len()];
            for (from, _, to, _) in &case.sketch.edges {
                *votes[*from].entry(labels[*to]).or_default() += 1;
                if from != to {
                    *votes[*to].entry(labels[*from]).or_default() += 1;
                }
            }
            for (label, votes) in labels.iter_mut().zip(votes) {
                // The first of several that have most is the smallest.
                let most = votes.values().max().copied();
                *label = votes.into_iter().find(|(_, count)| Some(*count) == most).map_or(*label, |(l, _)| l);
            }
        }
        let found = column(case, &case.snapshot.cdlp().iterations(4).run().expect("read"));
        assert!(found.iter().map(|label| label.0).eq(labels.iter().copied()), "{found:?}, {labels:?}");
    });
}

#[test]
fn clustering_and_triangles_are_those_of_the_definition() {
    for_each_graph(|case| {
        let edges = case.reference.edge_references().map(|edge| (edge.source(), edge.target()));
        let arcs: BTreeSet<_> = edges.filter(|(from, to)| from != to).collect();
        let linked = |a, b| arcs.contains(&(a, b)) || arcs.contains(&(b, a));
        let (mut coefficients, mut corners) = (Vec::new(), Vec::new());
        for node in case.reference.node_indices() {
            let around: Vec<_> = case.reference.node_indices().filter(|other| linked(node, *other)).collect();
            let pairs = || around.iter().flat_map(|a| around.iter().map(|b| (*a, *b)));
            let inside = pairs().filter(|pair| arcs.contains(pair)).count() as f64;
            let degree = around.len() as f64;
            coefficients.push(if around.len() < 2 { 0.0 } else { inside / (degree * (degree - 1.0)) });
            corners.push(pairs().filter(|(a, b)| a < b && linked(*a, *b)).count() as u64);
        }
        close(&column(case, &case.snapshot.lcc().run().expect("read")), &coefficients);
        let found = case.snapshot.triangles().run().expect("read");
        assert_eq!(found.total * 3, corners.iter().sum::<u64>());
        assert_eq!(column(case, &found.corners), corners);
    });
}
