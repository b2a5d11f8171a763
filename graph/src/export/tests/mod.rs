//! What is exported reads back as the same; what an edge list cannot hold is refused or named.

mod drawn;
mod round_trip;
mod stores;

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::*;
use crate::IndexInfo;
use crate::bulk::row::{EdgeRow, NodeRow, RowId};
use crate::import::{Dialect, EdgeList, EdgeListOptions, Guess, Row, Spaces, Table, TableOptions};
use crate::model::{Key, Props, Value};
use crate::props;
use storage_core::device::sim::Rng;

#[derive(Clone, PartialEq, Debug)]
struct Node(u64, String, Option<Key>, Props);

#[derive(Clone, PartialEq, Debug)]
struct Edge(u64, u64, String, bool, u32, Props);

#[derive(Default, Debug)]
struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

impl Source for Graph {
    type Error = Infallible;

    fn nodes(&self) -> impl Iterator<Item = Result<NodeOut<'_>, Infallible>> {
        let out = |n: &'_ Node| NodeOut { id: n.0, label: "", key: n.2.clone(), props: n.3.clone() };
        self.nodes.iter().map(move |n| Ok(NodeOut { label: &n.1, ..out(n) }))
    }

    fn edges(&self) -> impl Iterator<Item = Result<EdgeOut<'_>, Infallible>> {
        self.edges.iter().map(|e| {
            let Edge(source, target, edge_type, undirected, rank, props) = e;
            let (source, target, undirected, rank) = (*source, *target, *undirected, *rank);
            Ok(EdgeOut { source, target, edge_type, undirected, rank, props: props.clone() })
        })
    }

    fn edge_types(&self) -> impl Iterator<Item = TypeOut<'_>> {
        let types: BTreeMap<&str, bool> = self.edges.iter().map(|e| (e.2.as_str(), e.3)).collect();
        types.into_iter().map(|(name, undirected)| TypeOut { name, undirected, edges: 1 })
    }

    fn indexes(&self) -> impl Iterator<Item = IndexInfo<'_>> {
        std::iter::empty()
    }

    fn key(&self, id: u64) -> Result<Option<Key>, Infallible> {
        Ok(self.nodes.iter().find(|n| n.0 == id).and_then(|n| n.2.clone()))
    }
}

/// Random graphs; the same for a seed on every machine.
struct Random(Rng);

impl Random {
    fn new(seed: u64) -> Self {
        Random(Rng::new(seed))
    }

    fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0.below(n)
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 24] = [
            "", "a", "B", "7", " ", "\"", "\"\"", "'", ",", ";", "\t", "\n", "\r\n", "\r", "\0", "\\", "\\e",
            "\\N", "\\t", "🦀", "é", "\u{feff}", "#", ":",
        ];
        (0..self.below(5)).map(|_| PIECES[self.below(24) as usize]).collect()
    }

    fn scalar(&mut self) -> Value {
        match self.below(7) {
            0 => Value::Bool(self.below(2) == 0),
            1 => Value::Int(self.next() as i64),
            2 => {
                let float = f64::from_bits(self.next());
                Value::Float(if float.is_nan() { f64::NEG_INFINITY } else { float })
            }
            3 => Value::Bytes((0..self.below(5)).map(|_| self.next() as u8).collect()),
            4 => Value::Date(self.below(1_000_000) as i32 - 500_000),
            5 => Value::Timestamp(self.next() as i64 / 100),
            _ => Value::Text(self.text()),
        }
    }

    fn value(&mut self) -> Value {
        match self.below(6) {
            0 => Value::List((0..self.below(4)).map(|_| self.scalar()).collect()),
            1 => Value::List(
                (0..self.below(4))
                    .map(|_| if self.below(3) == 0 { Value::Null } else { Value::Text(self.text()) })
                    .collect(),
            ),
            _ => self.scalar(),
        }
    }

    fn props(&mut self) -> Props {
        const NAMES: [&str; 6] = ["name", "a:b", "f(x)", "with \"quotes\", and\ttabs", "ID", "\\e"];
        let some: BTreeMap<_, _> =
            (0..self.below(5)).map(|_| (NAMES[self.below(6) as usize], self.value())).collect();
        some.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn graph(&mut self) -> Graph {
        const WORDS: [&str; 4] = ["node", "per;son", "with \\ and \\;", "🦀 label"];
        let word = |n: u64| WORDS[n as usize % 4].to_owned();
        let nodes = (0..20)
            .map(|id| {
                let key = match self.below(3) {
                    0 => None,
                    1 => Some(Key::Int(self.next() as i64)),
                    _ => Some(Key::Text(self.text())),
                };
                Node(id * 7 + self.below(7), word(self.next()), key, self.props())
            })
            .collect();
        let edges = (0..30)
            .map(|_| {
                let of = self.below(4);
                let (source, target, rank) = (self.next() >> 1, self.below(100), self.below(3) as u32);
                Edge(source, target, word(of), of < 2, rank, self.props())
            })
            .collect();
        Graph { nodes, edges }
    }
}

fn id(name: RowId) -> u64 {
    match name {
        RowId::Int(n) => n,
        other => panic!("{other} is no id"),
    }
}

fn node(row: NodeRow) -> Node {
    Node(id(row.id.expect("an id")), row.label.to_string(), row.key, sorted(row.props))
}

fn edge(row: EdgeRow) -> Edge {
    let (from, to, edge_type) = (id(row.from.1), id(row.to.1), row.edge_type.to_string());
    Edge(from, to, edge_type, row.undirected, row.rank.unwrap_or(0), sorted(row.props))
}

fn sorted(mut props: Props) -> Props {
    props.sort_by(|a, b| a.0.cmp(&b.0));
    props
}

fn read(bytes: &[u8], dialect: Dialect) -> Vec<Row> {
    let options = TableOptions {
        file: 0,
        dialect,
        guess: Guess::default(),
        default_name: "default".into(),
        undirected: false,
    };
    let table = Table::new(bytes, options, &mut Spaces::default()).expect("a good header");
    table.map(|row| row.unwrap_or_else(|e| panic!("{e}:\n{}", String::from_utf8_lossy(bytes)))).collect()
}

fn round_trip(graph: &Graph, dialect: Dialect) {
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    assert_eq!(write_nodes(graph, dialect, &mut nodes).unwrap(), graph.nodes.len() as u64);
    assert_eq!(write_edges(graph, dialect, &mut edges).unwrap(), graph.edges.len() as u64);
    let rows = read(&nodes, dialect).into_iter().chain(read(&edges, dialect));
    let mut back = Graph::default();
    for row in rows {
        match row {
            Row::Node(row) => back.nodes.push(node(row)),
            Row::Edge(row) => back.edges.push(edge(row)),
        }
    }
    let wanted: Vec<_> =
        graph.nodes.iter().map(|n| Node(n.0, n.1.clone(), n.2.clone(), sorted(n.3.clone()))).collect();
    assert_eq!(back.nodes, wanted);
    let wanted: Vec<_> =
        graph.edges.iter().map(|e| Edge(e.0, e.1, e.2.clone(), e.3, e.4, sorted(e.5.clone()))).collect();
    assert_eq!(back.edges, wanted);
}

#[test]
fn random_graphs_come_back_from_csv_and_tsv_with_everything_they_hold() {
    for seed in 0..300 {
        println!("seed {seed}");
        let graph = Random::new(seed).graph();
        for dialect in [Dialect::Csv(b','), Dialect::Csv(b';'), Dialect::Tsv] {
            round_trip(&graph, dialect);
        }
    }
}

#[test]
fn an_empty_graph_is_two_headers() {
    let graph = Graph::default();
    round_trip(&graph, Dialect::Tsv);
    let mut out = Vec::new();
    write_edges(&graph, Dialect::Csv(b','), &mut out).unwrap();
    assert_eq!(out, b":START_ID,:END_ID,:TYPE\n");
}

fn plain_edge(source: u64, target: u64, rank: u32, props: Props) -> Edge {
    Edge(source, target, "edge".into(), false, rank, props)
}

#[test]
fn an_edge_list_holds_ids_and_weights() {
    let nodes = [1, 2, 9].map(|id| Node(id, "node".into(), None, props! {})).to_vec();
    let edges = vec![
        plain_edge(1, 2, 0, props! { "weight" => 0.5 }),
        plain_edge(1, 2, 1, props! {}),
        plain_edge(9, 9, 0, props! { "weight" => f64::INFINITY }),
    ];
    let mut out = Vec::new();
    let (count, losses) = write_edge_list(&Graph { nodes, edges }, false, &mut out).unwrap();
    assert!((count, losses.is_empty()) == (3, true));
    assert_eq!(String::from_utf8_lossy(&out), "1\t2\t0.5\n1\t2\n9\t9\tinf\n");
    assert_eq!(EdgeList::new(&out[..], EdgeListOptions::default()).filter_map(Result::ok).count(), 3);
}

#[test]
fn an_edge_list_names_nodes_by_keys_where_all_have_words() {
    let named = |id, key: &str| Node(id, "node".into(), Some(key.into()), props! {});
    let edges = vec![plain_edge(0, 1, 0, props! {})];
    let graph = Graph { nodes: vec![named(0, "ada"), named(1, "7")], edges: edges.clone() };
    let mut out = Vec::new();
    write_edge_list(&graph, false, &mut out).unwrap();
    assert_eq!(out, b"ada\t7\n");

    let graph = Graph { nodes: vec![named(0, "ada l"), named(1, "7")], edges };
    let error = write_edge_list(&graph, false, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "an edge list cannot hold keys (2)");
}

#[test]
fn what_an_edge_list_cannot_hold_is_refused_or_named() {
    let graph = Graph {
        nodes: vec![
            Node(1, "person".into(), Some(Key::Int(5)), props! { "a" => 1, "b" => 2 }),
            Node(2, "node".into(), None, props! {}),
            Node(3, "node".into(), None, props! {}),
        ],
        edges: vec![
            Edge(1, 2, "knows".into(), true, 0, props! { "weight" => "heavy", "since" => 1 }),
            plain_edge(1, 2, 3, props! { "weight" => 1 }),
            plain_edge(2, 2, 0, props! { "weight" => 1.5 }),
        ],
    };
    let mut out = Vec::new();
    assert!(matches!(write_edge_list(&graph, false, &mut out), Err(ExportError::Loses(_))));
    assert!(out.is_empty());
    let (count, losses) = write_edge_list(&graph, true, &mut out).unwrap();
    assert_eq!(count, 3);
    let expected = [
        (Loss::Labels, 1),
        (Loss::Keys, 1),
        (Loss::NodeProps, 2),
        (Loss::LonelyNodes, 1),
        (Loss::Types, 1),
        (Loss::Undirected, 1),
        (Loss::Ranks, 1),
        (Loss::EdgeProps, 2),
        (Loss::MixedWeights, 1),
    ];
    assert_eq!(losses.iter().collect::<Vec<_>>(), expected);
    assert!(losses.to_string().contains("nodes without edges (1)"));
}

#[test]
fn a_full_disk_is_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let graph = Random::new(1).graph();
    assert!(matches!(write_nodes(&graph, Dialect::Tsv, Full), Err(ExportError::Write(_))));
    assert!(matches!(write_edge_list(&graph, true, Full), Err(ExportError::Write(_))));
}
