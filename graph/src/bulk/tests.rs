//! Whole loads: the trees against a naive load that keeps everything in memory, bad rows, budgets, speed.

mod bad_rows;
mod naive;
mod plain;
mod speed;

use super::testing::{Random, dir};
use super::*;
use crate::edge::EdgeKey;
use crate::node::{NodeStore, decode_props, value_of, whole_props};
use crate::value::{Reader, node_key};
use naive::naive;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::page::PageSize;
use storage_core::pager::{Pager, PagerOptions, ReadPages};

/// A row of either kind.
#[derive(Clone, Debug)]
enum Row {
    Node(NodeRow),
    Edge(EdgeRow),
}

/// What a store holds, by names.
#[derive(PartialEq, Debug, Default)]
struct Dump {
    nodes: BTreeMap<u64, (String, Option<Key>, Props)>,
    keys: BTreeMap<(String, String), u64>,
    edges: BTreeMap<(u64, String, u64, u32), Props>,
    labels: BTreeMap<String, (u64, u64)>,
    types: BTreeMap<String, (u64, bool)>,
    rejected: Vec<Place>,
    rejected_count: u64,
    next_node_id: u64,
}

fn pager(size: PageSize) -> Arc<Pager> {
    let options = PagerOptions { cache_bytes: 1 << 20, ..PagerOptions::default() };
    Pager::create(Arc::new(MemoryDevice::new(size)), &options).unwrap()
}

fn options(budget: usize) -> BulkOptions {
    BulkOptions { memory_budget: budget, temp_dir: Some(dir()), ..BulkOptions::default() }
}

fn load(rows: &[Row], options: BulkOptions) -> Result<Dump, BulkError> {
    let pager = pager(PageSize::K4);
    let mut tx = pager.begin_write().unwrap();
    let mut bulk = Bulk::new(options);
    for row in rows.iter().cloned() {
        match row {
            Row::Node(row) => bulk.add_node(row)?,
            Row::Edge(row) => bulk.add_edge(row)?,
        }
    }
    let trees = bulk.finish(&mut tx)?;
    Ok(dump(&trees, &tx))
}

fn dump(trees: &BulkTrees, pages: &impl ReadPages) -> Dump {
    let mut dump = Dump { next_node_id: trees.next_node_id, ..Dump::default() };
    dump.rejected = trees.rejected.iter().map(|rejected| rejected.place).collect();
    dump.rejected_count = trees.rejected_count;
    let store = NodeStore::new(pages.pager().clone());
    let named = |props: Vec<(u32, crate::node::Stored)>| -> Props {
        let value =
            |(number, stored)| (trees.properties[number as usize].clone(), value_of(pages, &stored).unwrap());
        let mut props: Props = whole_props(pages, props).unwrap().into_iter().map(value).collect();
        props.sort_by(|a, b| a.0.cmp(&b.0));
        props
    };
    for node in trees.nodes.range(pages, ..) {
        let (id, _) = node.unwrap();
        let record = store.get(&trees.nodes, pages, id).unwrap().unwrap();
        let label = trees.labels[record.label as usize].name.clone();
        dump.nodes.insert(id, (label, record.key, named(record.props)));
    }
    for key in trees.keys.range(pages, ..) {
        let (key, record) = key.unwrap();
        let (label, key) = key.split_first_chunk::<4>().unwrap();
        let label = trees.labels[u32::from_be_bytes(*label) as usize].name.clone();
        let id = Reader::new(&record.bytes).varint().unwrap();
        dump.keys.insert((label, format!("{:?}", node_key(key).unwrap())), id);
    }
    let name = |number: u32| trees.edge_types[number as usize].name.clone();
    for edge in trees.out.range(pages, ..) {
        let EdgeKey { vertex, edge_type, neighbor, rank } = edge.unwrap().0;
        dump.edges.insert((vertex, name(edge_type), neighbor, rank), Props::new());
    }
    let mut into = Vec::new();
    for edge in trees.in_.range(pages, ..) {
        let EdgeKey { vertex, edge_type, neighbor, rank } = edge.unwrap().0;
        into.push((neighbor, name(edge_type), vertex, rank));
    }
    into.sort();
    assert!(into.iter().eq(dump.edges.keys()), "the in side mirrors the out side (I5)");
    for entry in trees.edge_props.range(pages, ..) {
        let (key, record) = entry.unwrap();
        let part = |from: usize, to: usize| key[from..to].iter().fold(0, |n, b| n << 8 | u64::from(*b));
        let edge = (part(0, 8), name(part(8, 12) as u32), part(12, 20), part(20, 24) as u32);
        *dump.edges.get_mut(&edge).expect("properties have an edge") = named(decode_props(&record).unwrap());
    }
    for label in trees.labels.iter().filter(|label| label.nodes > 0) {
        dump.labels.insert(label.name.clone(), (label.nodes, label.keyed));
    }
    for edge_type in trees.edge_types.iter().filter(|edge_type| edge_type.edges > 0) {
        dump.types.insert(edge_type.name.clone(), (edge_type.edges, edge_type.undirected));
    }
    assert_eq!(trees.node_count, dump.nodes.len() as u64);
    assert_eq!(trees.edge_count, dump.edges.len() as u64);
    dump
}

/// What kind of rows a test makes.
#[derive(Copy, Clone, Debug)]
struct Kind {
    seed: u64,
    nodes: u64,
    edges: u64,
    words: bool,
    implicit: bool,
    /// Ids lie far apart and come in any order.
    scattered: bool,
    /// One in so many rows repeats something that must not be, or names nobody. 0: none.
    bad: u64,
}

fn some_props(random: &mut Random) -> Props {
    let mut props = Props::new();
    match random.below(6) {
        0 | 1 => {}
        2 => props.push(("long".into(), Value::Text("x".repeat(random.below(9000) as usize)))),
        _ => {
            props.push(("b".into(), Value::Int(random.next() as i64)));
            props.push(("a".into(), Value::List(vec![Value::Null, Value::Text("æ".into())])));
            props.push(("nothing".into(), Value::Null));
        }
    }
    props
}

fn rows(kind: Kind) -> Vec<Row> {
    let mut random = Random::new(kind.seed);
    let random = &mut random;
    let bad = |random: &mut Random| kind.bad > 0 && random.below(kind.bad) == 0;
    let id = |n: u64| match (kind.words, kind.scattered) {
        (true, _) => RowId::Word(format!("w{}", n * 7919 % 100_003)),
        (false, true) => RowId::Int(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1),
        (false, false) => RowId::Int(n),
    };
    let (mut rows, mut keys) = (Vec::new(), Vec::new());
    for n in 0..kind.nodes {
        let n = if bad(random) { random.below(n + 1) } else { n };
        let key = match random.below(3) {
            0 => None,
            1 => Some(Key::Int(n as i64 - 50)),
            _ => Some(Key::Text(format!("key {}", if bad(random) { random.below(n + 1) } else { n }))),
        };
        let label: std::sync::Arc<str> = ["person", "place"][random.below(2) as usize].into();
        keys.extend(key.clone().map(|key| (label.clone(), key)));
        let id = if random.below(40) == 0 { None } else { Some(id(n)) };
        let props = if random.below(3) == 0 { some_props(random) } else { Props::new() };
        rows.push(Row::Node(NodeRow { space: 0, id, label, key, props, place: Place::default() }));
    }
    let ends = if kind.implicit { kind.nodes + 300 } else { kind.nodes };
    for _ in 0..kind.edges {
        let end = |random: &mut Random| {
            // Few ends, so that edges are parallel; and some hubs.
            let n = random.below(ends.max(1));
            if !keys.is_empty() && random.below(8) == 0 {
                let (label, key) = keys[random.below(keys.len() as u64) as usize].clone();
                return RowId::Key(label, key);
            }
            id(if random.below(4) == 0 { n % 7 } else { n } + if bad(random) { 1 << 40 } else { 0 })
        };
        let (from, to) = ((0, end(random)), (0, end(random)));
        let edge_type = ["knows", "likes", "is"][random.below(3) as usize].into();
        let rank =
            if random.below(9) == 0 { Some(u32::MAX - random.below(1 << 20) as u32 * 4095) } else { None };
        let props = if random.below(5) == 0 { some_props(random) } else { Props::new() };
        let place = Place::default();
        rows.push(Row::Edge(EdgeRow { from, to, edge_type, undirected: false, rank, props, place }));
    }
    if kind.scattered {
        for at in (1..rows.len()).rev() {
            rows.swap(at, random.below(at as u64 + 1) as usize);
        }
    }
    for (line, row) in rows.iter_mut().enumerate() {
        let place = Place { file: line as u32 / 5000, line: line as u64 % 5000 + 2 };
        match row {
            Row::Node(row) => row.place = place,
            Row::Edge(row) => row.place = place,
        }
    }
    rows
}

#[test]
fn every_kind_of_rows_gives_the_naive_graph_whatever_the_budget() {
    let mut seed = 0;
    for words in [false, true] {
        for implicit in [false, true] {
            for scattered in [false, true] {
                for (nodes, edges, bad) in [(0, 0, 0), (1, 3, 0), (700, 3000, 0), (900, 4000, 50)] {
                    seed += 1;
                    let bad = if implicit && words { 0 } else { bad };
                    let kind = Kind { seed, nodes, edges, words, implicit, scattered, bad };
                    let rows = rows(kind);
                    let expected = naive(&rows, implicit);
                    for budget in [64 << 10, 512 << 10, 64 << 20] {
                        let on_error = OnError::Skip;
                        let options = BulkOptions { implicit_nodes: implicit, on_error, ..options(budget) };
                        let got = load(&rows, options).unwrap();
                        assert_same(&got, &expected, &format!("budget {budget}, {kind:?}"));
                    }
                }
            }
        }
    }
}

/// As `assert_eq`, but says where dumps differ and no more.
fn assert_same(got: &Dump, expected: &Dump, what: &str) {
    fn first<K: PartialEq + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
        a: &BTreeMap<K, V>,
        b: &BTreeMap<K, V>,
    ) -> String {
        let at = a.iter().zip(b.iter()).find(|(a, b)| a != b);
        format!("{} and {} entries, first different: {at:?}", a.len(), b.len()).chars().take(600).collect()
    }
    assert!(got.nodes == expected.nodes, "nodes, {what}: {}", first(&got.nodes, &expected.nodes));
    assert!(got.keys == expected.keys, "keys, {what}: {}", first(&got.keys, &expected.keys));
    assert!(got.edges == expected.edges, "edges, {what}: {}", first(&got.edges, &expected.edges));
    assert_eq!((&got.labels, &got.types), (&expected.labels, &expected.types), "{what}");
    let rejected = |dump: &Dump| (dump.rejected_count, dump.rejected.clone(), dump.next_node_id);
    assert_eq!(rejected(got), rejected(expected), "{what}");
}
