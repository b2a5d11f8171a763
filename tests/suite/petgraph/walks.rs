//! Walks from a node: levels, k hops, filters.

use super::{Case, for_each_graph, sketch};
use foliograph::{Direction, NodeId};
use petgraph::algo::dijkstra;
use petgraph::graph::NodeIndex;
use petgraph::visit::{Data, EdgeFiltered, EdgeRef, GraphBase, IntoEdges, NodeFiltered, Reversed, Visitable};
use std::collections::BTreeMap;

/// Distances in edges, by node.
fn levels<G>(graph: G, start: NodeIndex, case: &Case) -> BTreeMap<u64, Vec<NodeId>>
where
    G: IntoEdges + Visitable + GraphBase<NodeId = NodeIndex> + Data,
{
    let mut levels: BTreeMap<u64, Vec<NodeId>> = BTreeMap::new();
    for (node, distance) in dijkstra(graph, start, None, |_| 1u64) {
        levels.entry(distance).or_default().push(case.id(node));
    }
    levels.values_mut().for_each(|level| level.sort_unstable());
    levels
}

#[test]
fn levels_are_petgraphs_distances() {
    for_each_graph(|case| {
        for start in case.starts() {
            let forth = levels(&case.reference, start, case);
            let found = case.snapshot.bfs(case.id(start)).collect_levels().expect("walked");
            assert!(found.iter().eq(forth.values()), "{found:?}, {forth:?}");
            let depth = found.len() as u64 / 2;
            let near = forth.range(..=depth).flat_map(|(_, level)| level).copied();
            let mut near: Vec<NodeId> = near.filter(|node| *node != case.id(start)).collect();
            near.sort_unstable();
            assert_eq!(case.snapshot.k_hop(case.id(start), depth).expect("walked"), near);
        }
    });
}

/// Without undirected types, for those are not turned round by a direction.
#[test]
fn levels_against_the_edges_are_those_of_the_graph_turned_round() {
    for_each_graph(|case| {
        if case.sketch.undirected.contains(&true) {
            return;
        }
        for start in case.starts() {
            let back = levels(Reversed(&case.reference), start, case);
            let bfs = case.snapshot.bfs(case.id(start)).direction(Direction::In);
            let found = bfs.collect_levels().expect("walked");
            assert!(found.iter().eq(back.values()), "{found:?}, {back:?}");
        }
    });
}

#[test]
fn one_type_is_a_graph_of_its_own() {
    for_each_graph(|case| {
        for (number, name) in sketch::TYPES.iter().enumerate() {
            let of_type = EdgeFiltered::from_fn(&case.reference, |edge| edge.weight().0 == number);
            for start in case.starts() {
                let wanted = levels(&of_type, start, case);
                let found = case.snapshot.bfs(case.id(start)).of_type(name).collect_levels().expect("walked");
                assert!(found.iter().eq(wanted.values()), "{name}: {found:?}, {wanted:?}");
            }
        }
    });
}

#[test]
fn filters_leave_the_graph_that_petgraphs_filters_leave() {
    for_each_graph(|case| {
        let light = EdgeFiltered::from_fn(&case.reference, |edge| edge.weight().1 <= 1.0);
        for start in case.starts() {
            let bfs = || case.snapshot.bfs(case.id(start));
            let wanted = levels(&light, start, case);
            let found = bfs().filter_edges(|reader, edge| {
                let weight = reader.get_edge::<foliograph::Value>(edge, "w")?;
                Ok(weight.is_some_and(|weight| sketch::number(&weight) <= 1.0))
            });
            let found = found.collect_levels().expect("walked");
            assert!(found.iter().eq(wanted.values()), "edges: {found:?}, {wanted:?}");
            let allowed = |node: NodeIndex| node == start || node.index() % 3 != 0;
            let thirds = NodeFiltered::from_fn(&case.reference, allowed);
            let wanted = levels(&thirds, start, case);
            let found = bfs()
                .filter_nodes(|reader, node| Ok(reader.get::<i64>(node, "n")?.is_some_and(|n| n % 3 != 0)));
            let found = found.collect_levels().expect("walked");
            assert!(found.iter().eq(wanted.values()), "nodes: {found:?}, {wanted:?}");
        }
    });
}

/// Reaching a node is reaching it over some edge: neighbours are petgraph's, one for each edge.
#[test]
fn neighbours_and_degrees_are_petgraphs() {
    for_each_graph(|case| {
        for node in case.reference.node_indices() {
            let mut wanted: Vec<NodeId> =
                case.reference.edges(node).map(|edge| case.id(edge.target())).collect();
            wanted.sort_unstable();
            let found = case.snapshot.neighbors(case.id(node)).into_iter().map(|n| n.expect("read").id);
            let mut found: Vec<NodeId> = found.collect();
            found.sort_unstable();
            assert_eq!(found, wanted);
            assert_eq!(case.snapshot.degree(case.id(node)).count().expect("read"), wanted.len() as u64);
        }
    });
}
