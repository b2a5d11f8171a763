//! A snapshot as a petgraph, and back.

use super::{Case, for_each_graph, sketch};
use foliograph::petgraph::{NewEdge, from_petgraph};
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::{
    Database, Edge, NewNode, NodeId, Options, PageSize, Props, ReadError, Snapshot, WriteError, props,
};
use petgraph::graph::{DiGraph, Graph, UnGraph};
use petgraph::visit::EdgeRef;
use std::collections::BTreeMap;
use std::sync::Arc;

fn empty() -> Database {
    Options::new().create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("created")
}

fn sorted(mut edges: Vec<(NodeId, NodeId, usize, u64)>) -> Vec<(NodeId, NodeId, usize, u64)> {
    edges.sort_unstable();
    edges
}

#[test]
fn a_copy_is_the_graph_that_was_drawn() {
    for_each_graph(|case| {
        let types: Vec<_> = sketch::TYPES.iter().map(|name| case.snapshot.edge_type(name)).collect();
        let question = case.snapshot.to_petgraph().undirected_twice();
        let copy: DiGraph<NodeId, (usize, f64)> = question
            .edges_as(|reader, edge| {
                let weight = reader.get_edge::<foliograph::Value>(edge, "w")?.expect("each has one");
                let of_type = types.iter().position(|id| *id == Some(edge.edge_type)).expect("it is known");
                Ok((of_type, sketch::number(&weight)))
            })
            .build()
            .expect("read");
        assert!(copy.node_weights().eq(case.reference.node_weights()), "nodes in the order of ids");
        let edges = |graph: &DiGraph<NodeId, (usize, f64)>| {
            let all = graph.edge_references().map(|edge| {
                let (of_type, weight) = edge.weight();
                (graph[edge.source()], graph[edge.target()], *of_type, weight.to_bits())
            });
            sorted(all.collect())
        };
        assert_eq!(edges(&copy), edges(&case.reference));
        let once: UnGraph<NodeId, Edge> =
            case.snapshot.to_petgraph().undirected_twice().build().expect("read");
        let all: Vec<Edge> = case.snapshot.all_edges().collect::<Result<_, _>>().expect("read");
        assert_eq!(once.edge_weights().copied().collect::<Vec<_>>(), all, "once, in order");
    });
}

#[test]
fn a_part_is_what_the_filters_leave() {
    for_each_graph(|case| {
        let part: DiGraph<NodeId, Edge> = case
            .snapshot
            .to_petgraph()
            .of_label("odd")
            .of_type("a")
            .of_type("c")
            .filter_nodes(|reader, node| Ok(reader.get::<i64>(node, "n")? != Some(5)))
            .filter_edges(|reader, edge| Ok(reader.get_edge::<i64>(edge, "n")?.is_some_and(|n| n % 4 != 0)))
            .build()
            .expect("read");
        let taken = |number: usize| number % 2 == 1 && number != 5;
        let nodes = case.sketch.ids.iter().enumerate().filter(|(number, _)| taken(*number));
        assert!(part.node_weights().map(|id| id.0).eq(nodes.map(|(_, id)| *id)));
        let wanted = case.sketch.edges.iter().enumerate().filter(|(at, (from, of_type, to, _))| {
            taken(*from) && taken(*to) && *of_type != 1 && at % 4 != 0
        });
        assert_eq!(part.edge_count(), wanted.count());
        for edge in part.edge_references() {
            assert_eq!(
                (part[edge.source()], part[edge.target()]),
                (edge.weight().source, edge.weight().target)
            );
        }
        let few: Vec<NodeId> = case.sketch.ids.iter().rev().step_by(2).map(|id| NodeId(*id)).collect();
        let only: DiGraph<NodeId, Edge> =
            case.snapshot.to_petgraph().only(few.iter().chain(&few).copied()).build().expect("read");
        assert!(only.node_weights().eq(few.iter().rev()));
        let between = case.sketch.edges.iter().filter(|(from, _, to, _)| {
            [from, to].iter().all(|end| few.contains(&NodeId(case.sketch.ids[**end])))
        });
        assert_eq!(only.edge_count(), between.count());
    });
}

/// Everything that is in a store.
fn contents(snapshot: &Snapshot) -> (Vec<String>, Vec<String>) {
    let nodes = snapshot.all_nodes().map(|view| {
        let view = view.expect("read");
        let label = snapshot.label_name(view.label);
        format!("{} {label} {:?} {:?}", view.id, view.key, named(snapshot.props_of(&view).expect("read")))
    });
    let edges = snapshot.all_edges().map(|edge| {
        let edge = edge.expect("read");
        let name = snapshot.type_name(edge.edge_type);
        let props = named(snapshot.edge_props(edge).expect("read"));
        format!("{} {name} {} {} {props:?}", edge.source, edge.target, edge.rank)
    });
    let (mut nodes, mut edges): (Vec<_>, Vec<_>) = (nodes.collect(), edges.collect());
    nodes.sort_unstable();
    edges.sort_unstable();
    (nodes, edges)
}

fn named(props: Props) -> BTreeMap<String, String> {
    props.into_iter().map(|(name, value)| (name, format!("{value:?}"))).collect()
}

fn there_and_back(case: &Case) -> Snapshot {
    let names = &case.snapshot;
    let copy: DiGraph<(String, NewNode), NewEdge> = names
        .to_petgraph()
        .nodes_as(|reader, view| {
            let (key, props) = (view.key.clone(), reader.props_of(view)?);
            Ok((reader.label_name(view.label).to_owned(), NewNode { id: Some(view.id), key, props }))
        })
        .edges_as(|reader, edge| {
            let edge_type = reader.type_name(edge.edge_type).to_owned();
            Ok(NewEdge { edge_type, rank: Some(edge.rank), props: reader.edge_props(edge)? })
        })
        .build()
        .expect("read");
    let db = empty();
    let mut tx = db.begin_write().expect("begun");
    let rows = from_petgraph(&copy).nodes_as(|_, row| row.clone()).edges_as(|_, row| row.clone());
    let ids = rows.write(&mut tx).expect("written");
    assert!(ids.iter().map(|id| id.0).eq(case.sketch.ids.iter().copied()), "ids are kept where asked");
    tx.commit().expect("committed");
    db.begin_read().expect("begun")
}

#[test]
fn there_and_back_everything_is_as_it_was() {
    for_each_graph(|case| assert_eq!(contents(&there_and_back(case)), contents(&case.snapshot)));
}

#[test]
fn an_undirected_petgraph_makes_undirected_types_where_they_are_new() {
    let mut graph: UnGraph<&str, u32> = UnGraph::new_undirected();
    let [a, b, c] = ["a", "b", "c"].map(|name| graph.add_node(name));
    graph.add_edge(b, a, 0);
    graph.add_edge(b, c, 1);
    let db = empty();
    let mut tx = db.begin_write().expect("begun");
    let apart = tx.add_node("town", "apart", props! {}).expect("added");
    tx.add_edge(apart, "pipe", apart, props! {}).expect("added");
    let rows = from_petgraph(&graph)
        .nodes_as(|_, name| ("town".into(), NewNode { key: Some((*name).into()), ..NewNode::default() }))
        .edges_as(|_, which| NewEdge::new(["road", "pipe"][*which as usize], props! {}));
    let ids = rows.write(&mut tx).expect("written");
    let reached = |name, from: usize| {
        let levels = tx.bfs(ids[from]).of_type(name).collect_levels().expect("walked");
        levels.into_iter().flatten().collect::<Vec<_>>()
    };
    assert_eq!(reached("road", 0), [ids[0], ids[1]]);
    assert_eq!((reached("pipe", 1), reached("pipe", 2)), (vec![ids[1], ids[2]], vec![ids[2]]));
    assert_eq!(tx.node("town", "c").expect("read"), Some(ids[2]));
}

#[test]
fn without_a_word_nodes_and_edges_are_called_so() {
    let graph: DiGraph<(), ()> = DiGraph::from_edges([(0, 1), (1, 2), (0, 1)]);
    let db = empty();
    let mut tx = db.begin_write().expect("begun");
    let ids = from_petgraph(&graph).write(&mut tx).expect("written");
    let (nodes, edges) =
        (tx.labels().next().expect("one").1.clone(), tx.edge_types().next().expect("one").1.clone());
    assert_eq!((nodes.name.as_str(), nodes.nodes, edges.name.as_str(), edges.edges), ("node", 3, "edge", 3));
    assert_eq!(ids, [0, 1, 2].map(NodeId));
}

#[test]
fn what_the_store_refuses_is_an_error() {
    let graph: DiGraph<u64, ()> = Graph::from_edges([(0, 1)]);
    let graph = graph.map(|index, _| index.index() as u64 / 2, |_, ()| ());
    let db = empty();
    let mut tx = db.begin_write().expect("begun");
    let rows = from_petgraph(&graph)
        .nodes_as(|_, id| ("n".into(), NewNode { id: Some(NodeId(*id)), ..NewNode::default() }));
    assert!(matches!(rows.write(&mut tx), Err(WriteError::NodeExists(NodeId(0)))));
}

#[test]
fn what_does_not_fit_is_an_error_and_no_panic() {
    let db = empty();
    let mut tx = db.begin_write().expect("begun");
    let nodes: Vec<NodeId> = (0..256).map(|_| tx.add_anonymous("n", props! {}).expect("added")).collect();
    for to in &nodes {
        tx.add_edge(nodes[0], "t", *to, props! {}).expect("added");
    }
    let narrow = |question: foliograph::petgraph::ToPetgraph<'_, _>| {
        question.build::<petgraph::Directed, u8>().map(|graph| (graph.node_count(), graph.edge_count()))
    };
    assert!(matches!(narrow(tx.to_petgraph()), Err(ReadError::TooLarge("nodes"))));
    assert_eq!(narrow(tx.to_petgraph().only(nodes[..255].iter().copied())).expect("read"), (255, 255));
    tx.add_edge(nodes[0], "t", nodes[1], props! {}).expect("added");
    let error = narrow(tx.to_petgraph().only(nodes[..255].iter().copied())).expect_err("one too many");
    assert_eq!(error.to_string(), "there are more edges than the graph's index type can count");
    assert!(error.hint().is_some());
    let missing = tx.to_petgraph().only([NodeId(999)]).build::<petgraph::Directed, u32>();
    assert!(matches!(missing, Err(ReadError::NoNode(NodeId(999)))));
    let stop = std::sync::atomic::AtomicBool::new(true);
    let control = foliograph::algo::Control::new().cancelled_by(&stop);
    let stopped = tx.to_petgraph().control(control).build::<petgraph::Directed, u32>();
    assert!(matches!(stopped, Err(ReadError::Cancelled)));
    let failing = tx.to_petgraph().edges_as(|reader, edge| reader.get_edge::<i64>(edge, "x").map(|_| ()));
    assert_eq!(failing.build::<petgraph::Directed, u32>().expect("read").edge_count(), 257);
}
