//! Shortest and lightest paths between two nodes, one and all.

use super::{Case, Reference, for_each_graph, sketch};
use foliograph::storage_core::device::sim::Rng;
use foliograph::traverse::{Path, WeightedPath};
use foliograph::{NodeId, ReadError};
use petgraph::algo::{all_simple_paths, astar, dijkstra};
use petgraph::graph::NodeIndex;
use petgraph::visit::{EdgeFiltered, EdgeRef, Reversed};
use std::collections::{BTreeSet, HashMap};

/// Pairs of nodes: each start with every fourth end or so.
fn pairs(case: &Case) -> impl Iterator<Item = (NodeIndex, NodeIndex)> {
    let starts = case.starts();
    let step = 1.max(case.sketch.ids.len() / 5);
    let ends: Vec<NodeIndex> = case.reference.node_indices().rev().step_by(step).collect();
    starts.into_iter().flat_map(move |start| ends.clone().into_iter().map(move |end| (start, end)))
}

fn paths(found: impl Iterator<Item = Result<Path, ReadError>>, most: usize) -> Vec<Vec<NodeId>> {
    found.take(most).map(|path| path.expect("read").nodes).collect()
}

#[test]
fn the_shortest_path_is_as_long_as_petgraph_says() {
    for_each_graph(|case| {
        for (start, end) in pairs(case) {
            let wanted = dijkstra(&case.reference, start, Some(end), |_| 1usize).get(&end).copied();
            let (from, to) = (case.id(start), case.id(end));
            let found = case.snapshot.shortest_path(from, to).find().expect("walked");
            assert_eq!(found.as_ref().map(Path::edge_count), wanted);
            if let Some(Path { nodes }) = found {
                assert!(case.weigh(&nodes).is_some(), "{nodes:?} is no walk");
                assert_eq!((nodes[0], nodes[nodes.len() - 1]), (from, to));
            }
        }
    });
}

#[test]
fn the_shortest_path_keeps_to_filters_as_petgraph_does() {
    for_each_graph(|case| {
        let some = EdgeFiltered::from_fn(&case.reference, |edge| edge.weight().1 != 0.0);
        for (start, end) in pairs(case) {
            let wanted = dijkstra(&some, start, Some(end), |_| 1usize).get(&end).copied();
            let question = case.snapshot.shortest_path(case.id(start), case.id(end));
            let question = question.filter_edges(|reader, edge| {
                let weight = reader.get_edge::<foliograph::Value>(edge, "w")?;
                Ok(weight.is_some_and(|weight| sketch::number(&weight) != 0.0))
            });
            assert_eq!(question.find().expect("walked").map(|path| path.edge_count()), wanted);
        }
    });
}

/// Every walk that comes one nearer to the end with each step, told from the distances.
fn nearer(
    graph: &Reference,
    trail: &mut Vec<NodeIndex>,
    distances: &HashMap<NodeIndex, usize>,
    found: &mut BTreeSet<Vec<NodeIndex>>,
) {
    let last = trail[trail.len() - 1];
    let left = distances[&last];
    if left == 0 {
        found.insert(trail.clone());
    }
    for next in graph.neighbors(last).filter(|next| distances.get(next).is_some_and(|d| d + 1 == left)) {
        if found.len() < 500 {
            trail.push(next);
            nearer(graph, trail, distances, found);
            trail.pop();
        }
    }
}

#[test]
fn all_shortest_paths_are_found_each_once() {
    for_each_graph(|case| {
        for (start, end) in pairs(case) {
            let to_end = dijkstra(Reversed(&case.reference), end, None, |_| 1usize);
            let mut wanted = BTreeSet::new();
            if to_end.contains_key(&start) {
                nearer(&case.reference, &mut vec![start], &to_end.into_iter().collect(), &mut wanted);
            }
            let all = case.snapshot.shortest_path(case.id(start), case.id(end)).all();
            let found = paths(all, 500);
            assert!(found.is_sorted());
            if wanted.len() < 500 {
                let wanted: Vec<Vec<NodeId>> =
                    wanted.iter().map(|path| path.iter().map(|node| case.id(*node)).collect()).collect();
                assert_eq!(found, wanted);
            }
        }
    });
}

fn weight(found: Option<&WeightedPath>) -> Option<f64> {
    found.map(|found| sketch::number(&found.weight))
}

#[test]
fn the_lightest_path_weighs_what_petgraph_says() {
    for_each_graph(|case| {
        for start in case.starts() {
            let wanted = dijkstra(&case.reference, start, None, |edge| edge.weight().1);
            for end in case.reference.node_indices() {
                let question = case.snapshot.shortest_path(case.id(start), case.id(end));
                let found = question.weighted_by("w").find().expect("walked");
                assert_eq!(weight(found.as_ref()), wanted.get(&end).copied());
                if let Some(found) = found {
                    assert_eq!(case.weigh(&found.path.nodes), weight(Some(&found)), "{:?}", found.path);
                }
            }
        }
    });
}

/// Estimates below what is true, and inconsistent: some say nothing, some half of it, some all.
#[test]
fn an_estimate_finds_what_petgraphs_a_star_finds() {
    for_each_graph(|case| {
        for (start, end) in pairs(case) {
            let left = dijkstra(Reversed(&case.reference), end, None, |edge| edge.weight().1);
            let estimate = |node: NodeIndex| match left.get(&node) {
                Some(left) if left.is_finite() => left * [0.0, 0.25, 0.5, 1.0][node.index() % 4],
                // Nothing leads to the end, or over an endless edge only: anything is too little.
                _ => [0.0, 7.0][node.index() % 2],
            };
            let cost = |edge: petgraph::graph::EdgeReference<'_, (usize, f64)>| edge.weight().1;
            let wanted = astar(&case.reference, start, |node| node == end, cost, estimate);
            let question = case.snapshot.shortest_path(case.id(start), case.id(end)).weighted_by("w");
            let found = question.guided_by(|node| Ok(estimate(case.index(node)))).find().expect("walked");
            assert_eq!(weight(found.as_ref()), wanted.map(|(weight, _)| weight));
            if let Some(found) = found {
                assert_eq!(case.weigh(&found.path.nodes), weight(Some(&found)), "{:?}", found.path);
            }
        }
    });
}

#[test]
fn all_lightest_paths_are_the_lightest_of_all_simple_ones() {
    for_each_graph(|case| {
        if case.sketch.ids.len() > 9 || case.sketch.edges.len() > 20 {
            return;
        }
        for (start, end) in pairs(case).filter(|(start, end)| start != end) {
            let simple = all_simple_paths::<Vec<_>, _, std::collections::hash_map::RandomState>(
                &case.reference,
                start,
                end,
                0,
                None,
            );
            let ids = |path: Vec<NodeIndex>| path.into_iter().map(|node| case.id(node)).collect::<Vec<_>>();
            let all: BTreeSet<Vec<NodeId>> = simple.map(ids).collect();
            let least = all.iter().filter_map(|path| case.weigh(path)).reduce(f64::min);
            let mut lightest: Vec<_> = all.into_iter().filter(|path| case.weigh(path) == least).collect();
            let question = || case.snapshot.shortest_path(case.id(start), case.id(end)).weighted_by("w");
            let found = paths(question().all(), usize::MAX);
            if least.is_some_and(f64::is_infinite) {
                // Any path over an endless edge is as light: the one that is found is one of them.
                assert!(found.len() == 1 && lightest.contains(&found[0]));
                lightest.retain(|path| *path == found[0]);
            }
            assert_eq!(found, lightest);
        }
    });
}

/// The same over half the nodes only, and with an estimate: what may be gone through is asked before what it weighs.
#[test]
fn lightest_paths_keep_to_filters_as_petgraph_does() {
    for_each_graph(|case| {
        let rng = &mut Rng::new(case.sketch.ids.len() as u64);
        for (start, end) in pairs(case) {
            let odd = rng.below(2) as usize;
            let allowed = |node: NodeIndex| node == start || node == end || node.index() % 2 == odd;
            let half = petgraph::visit::NodeFiltered::from_fn(&case.reference, allowed);
            let wanted = dijkstra(&half, start, Some(end), |edge| edge.weight().1).get(&end).copied();
            let question = case.snapshot.shortest_path(case.id(start), case.id(end));
            let question = question.filter_nodes(|_, node| Ok(case.index(node).index() % 2 == odd));
            let found = question.weighted_by("w").find().expect("walked");
            assert_eq!(weight(found.as_ref()), wanted);
        }
    });
}
