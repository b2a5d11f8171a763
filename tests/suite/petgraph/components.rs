//! Order and groups: topological order, strongly connected components.

use super::{Case, for_each_graph};
use foliograph::NodeId;
use petgraph::algo::{is_cyclic_directed, kosaraju_scc, tarjan_scc, toposort};
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use std::collections::{BTreeSet, HashMap};

fn groups(case: &Case, groups: Vec<Vec<NodeIndex>>) -> BTreeSet<Vec<NodeId>> {
    let ids = |group: Vec<NodeIndex>| {
        let mut ids: Vec<NodeId> = group.into_iter().map(|node| case.id(node)).collect();
        ids.sort_unstable();
        ids
    };
    groups.into_iter().map(ids).collect()
}

#[test]
fn strongly_connected_components_are_tarjans_and_kosarajus() {
    for_each_graph(|case| {
        let tarjan = groups(case, tarjan_scc(&case.reference));
        assert_eq!(groups(case, kosaraju_scc(&case.reference)), tarjan, "petgraph agrees with itself");
        let components = case.snapshot.strongly_connected().run().expect("read");
        let mut found: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        for (node, least) in components.iter() {
            assert_eq!(components.get(node), Some(least));
            found.entry(least).or_default().push(node);
        }
        assert!(
            found.iter().all(|(least, group)| group[0] == *least),
            "a group is called by its smallest id"
        );
        assert_eq!(found.into_values().collect::<BTreeSet<_>>(), tarjan);
        let large = case.snapshot.strongly_connected().groups().expect("read");
        assert!(large.is_sorted_by_key(|group| (usize::MAX - group.len(), group[0])));
        assert!(large.into_iter().collect::<BTreeSet<_>>().is_subset(&tarjan));
    });
}

#[test]
fn there_is_an_order_where_petgraph_finds_one_and_a_cycle_where_it_does_not() {
    let (mut orders, mut cycles) = (0, 0);
    for_each_graph(|case| {
        let found = case.snapshot.topological_order().run().expect("read");
        assert_eq!(found.is_err(), is_cyclic_directed(&case.reference));
        assert_eq!(found.is_err(), toposort(&case.reference, None).is_err());
        match found {
            Ok(order) => {
                orders += 1;
                let places: HashMap<NodeId, usize> = order.iter().copied().zip(0..).collect();
                assert_eq!((order.len(), places.len()), (case.sketch.ids.len(), case.sketch.ids.len()));
                for edge in case.reference.edge_references() {
                    assert!(places[&case.id(edge.source())] < places[&case.id(edge.target())]);
                }
            }
            Err(cycle) => {
                cycles += 1;
                let mut round = cycle.nodes.clone();
                assert_eq!(round.iter().collect::<BTreeSet<_>>().len(), round.len(), "each node once");
                assert_eq!(round.iter().min(), round.first());
                round.push(round[0]);
                assert!(case.weigh(&round).is_some(), "{cycle:?} is none");
            }
        }
    });
    eprintln!("{orders} orders, {cycles} cycles");
}
