//! Random graphs as stores, drawn by proptest so that a failing one shrinks; and what a store holds, to compare.
//!
//! `FOLIOGRAPH_SEED` replays a run, `FOLIOGRAPH_FORMAT_CASES` asks for more graphs.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use storage_core::device::memory::MemoryDevice;
use storage_core::page::PageSize;

use crate::error::WriteError;
use crate::model::{Key, NodeId, Props, Value};
use crate::txn::NewNode;
use crate::{Database, IndexOn, Options};

/// A graph to be made. Ends of edges count the nodes that were made.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub nodes: Vec<(String, Option<Key>, Option<u64>, Props)>,
    pub edges: Vec<(usize, String, usize, Option<u32>, Props)>,
    pub undirected: Vec<String>,
    /// Over the nodes of a label, or over the edges of a type; of which property; unique.
    pub indexes: Vec<(bool, String, String, bool)>,
}

/// Runs `test` with graphs of a seed that is printed; a failing one is shrunk and printed as Rust has it.
pub fn with_graphs(cases: u32, default_seed: u64, test: impl Fn(&Plan) -> Result<(), String>) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let cases = number("FOLIOGRAPH_FORMAT_CASES").map_or(cases, |cases| cases as u32);
    let seed = number("FOLIOGRAPH_SEED").unwrap_or(default_seed);
    eprintln!("seed {seed} (FOLIOGRAPH_SEED={seed} replays it)");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    let run = |plan: Plan| test(&plan).map_err(TestCaseError::fail);
    match TestRunner::new_with_rng(config, rng).run(&plans(), run) {
        Ok(()) => {}
        Err(TestError::Fail(why, plan)) => panic!("seed {seed}: {why}\n{plan:#?}"),
        Err(abort) => panic!("seed {seed}: {abort}"),
    }
}

/// What formats stumble over.
const PIECES: &[&str] = &[
    "",
    "a",
    "B",
    "7",
    "-0",
    " ",
    "\"",
    "\"\"",
    "'",
    ",",
    ";",
    ":",
    "|",
    "/",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\0",
    "\x01",
    "\x1b",
    "\x7f",
    "\\",
    "\\e",
    "\\N",
    "\\t",
    "\\n",
    "🦀",
    "é",
    "e\u{301}",
    "\u{feff}",
    "\u{2028}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{10ffff}",
    "\u{202e}",
    "#",
    "%",
    "@1",
    "(",
    ")",
    "[]",
    "{",
    "}",
    "<",
    ">",
    "&",
    "]]>",
    "--",
    "$float",
    ":ID",
    ":LABEL",
    ":START_ID",
    ":END_ID",
    ":TYPE(undirected)",
    ":int",
    ":IGNORE",
    "null",
    "true",
    "NaN",
    "2026-01-31",
    "label",
    "id",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => vec(select(PIECES), 0..5).prop_map(|pieces| pieces.concat()),
        2 => vec(any::<char>(), 0..12).prop_map(|chars| chars.into_iter().collect()),
    ]
}

/// Text of some mebibytes, now and then: its value is stored elsewhere, and its line is long.
fn long_text() -> impl Strategy<Value = String> {
    (select(PIECES), 1usize..(3 << 20)).prop_map(|(piece, len)| {
        let piece = if piece.is_empty() { "x" } else { piece };
        piece.repeat(len / piece.len() + 1)
    })
}

fn name() -> impl Strategy<Value = String> {
    text().prop_map(|text| if text.is_empty() { "n".to_owned() } else { text })
}

fn int() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), select(&[0, -1, i64::MIN, i64::MAX][..])]
}

fn float() -> impl Strategy<Value = f64> {
    let special =
        [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e21];
    prop_oneof![any::<u64>().prop_map(f64::from_bits), select(special.to_vec())]
}

/// The calendar's ends: -9999-01-01 and 9999-12-31, and what a timestamp can name of those years.
const DATES: [i32; 2] = [-4_371_587, 2_932_896];
const TIMESTAMPS: [i64; 2] = [-377_705_023_201_000_000, 253_402_207_200_000_000];

#[test]
fn the_calendars_ends_are_what_the_random_values_have() {
    use crate::value::date::{date_in_range, timestamp_in_range};
    let ends = |first: bool, beyond: bool| assert!(first && !beyond);
    ends(date_in_range(DATES[0]), date_in_range(DATES[0] - 1));
    ends(date_in_range(DATES[1]), date_in_range(DATES[1] + 1));
    ends(timestamp_in_range(TIMESTAMPS[0]), timestamp_in_range(TIMESTAMPS[0] - 1));
    ends(timestamp_in_range(TIMESTAMPS[1]), timestamp_in_range(TIMESTAMPS[1] + 1));
}

fn scalar() -> BoxedStrategy<Value> {
    prop_oneof![
        4 => text().prop_map(Value::Text),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => int().prop_map(Value::Int),
        1 => float().prop_map(Value::Float),
        1 => vec(any::<u8>(), 0..6).prop_map(Value::Bytes),
        1 => prop_oneof![DATES[0]..=DATES[1], select(&[DATES[0], DATES[1], -1, 0][..])].prop_map(Value::Date),
        1 => prop_oneof![TIMESTAMPS[0]..=TIMESTAMPS[1], select(&[TIMESTAMPS[0], TIMESTAMPS[1], -1, 0][..])]
            .prop_map(Value::Timestamp),
    ]
    .boxed()
}

fn value() -> impl Strategy<Value = Value> {
    let nulls = || prop_oneof![1 => Just(Value::Null), 3 => scalar()];
    prop_oneof![
        600 => scalar(),
        60 => vec(nulls(), 0..4).prop_map(Value::List),
        60 => vec(prop_oneof![Just(Value::Null), text().prop_map(Value::Text)], 0..4).prop_map(Value::List),
        60 => vec(int().prop_map(Value::Int), 0..4).prop_map(Value::List),
        1 => long_text().prop_map(Value::Text),
        1 => (0usize..1 << 20).prop_map(|len| Value::Bytes((0..len).map(|n| (n * 7) as u8).collect())),
        1 => vec(long_text().prop_map(Value::Text), 0..2).prop_map(Value::List),
    ]
}

fn props(names: Vec<String>) -> impl Strategy<Value = Props> {
    vec((select(names), value()), 0..4).prop_map(|props: Props| {
        let mut once = Props::new();
        for (name, value) in props {
            if once.iter().all(|(known, _)| *known != name) {
                once.push((name, value));
            }
        }
        once
    })
}

/// Names are drawn first: rows that share them are what columns are about.
fn plans() -> impl Strategy<Value = Plan> {
    let labels = vec(name().prop_map(|name| name.replace('/', "|")), 1..4);
    let names = || vec(name(), 1..4);
    (labels, names(), names()).prop_flat_map(|(labels, types, names)| {
        let key = prop_oneof![
            Just(None),
            int().prop_map(|n| Some(Key::Int(n))),
            text().prop_map(|text| Some(Key::Text(text))),
        ];
        let id = prop_oneof![8 => Just(None), 1 => (0u64..40).prop_map(Some), 1 => Just(Some(NodeId::MAX.0))];
        let rank = prop_oneof![8 => Just(None), 1 => (0u32..4).prop_map(Some), 1 => Just(Some(u32::MAX))];
        let nodes = vec((select(labels.clone()), key, id, props(names.clone())), 0..12);
        let ends = || 0usize..12;
        let edges = vec((ends(), select(types.clone()), ends(), rank, props(names.clone())), 0..16);
        let undirected = proptest::sample::subsequence(types.clone(), 0..=types.len());
        let of_nodes = (Just(true), select(labels), select(names.clone()), any::<bool>());
        let of_edges = (Just(false), select(types), select(names), any::<bool>());
        let indexes = vec(prop_oneof![of_nodes, of_edges], 0..3);
        let plan = |(nodes, edges, undirected, indexes)| Plan { nodes, edges, undirected, indexes };
        (nodes, edges, undirected, indexes).prop_map(plan)
    })
}

/// A store in memory.
pub fn empty() -> Database {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    Options::new().background(false).create_device(device).expect("a store in memory is created")
}

/// A store with what the plan says; what cannot be (a key twice, an id that is taken) is left out.
pub fn store(plan: &Plan) -> Database {
    fn refused<T>(result: Result<T, WriteError>) -> Option<T> {
        match result {
            Err(e) if e.is_refusal() => None,
            other => Some(other.expect("a device in memory does not fail")),
        }
    }
    let db = empty();
    let mut tx = db.begin_write().expect("begun");
    let mut made = Vec::new();
    for (label, key, id, props) in &plan.nodes {
        let node = NewNode { id: id.map(NodeId), key: key.clone(), props: props.clone() };
        made.extend(refused(tx.insert_node(label, node)));
    }
    for (from, edge_type, to, rank, props) in &plan.edges {
        if let (false, count) = (made.is_empty(), made.len().max(1)) {
            let ends = (made[from % count], edge_type.as_str(), made[to % count]);
            refused(tx.insert_edge(ends, *rank, props.clone()));
        }
    }
    for edge_type in &plan.undirected {
        refused(tx.set_undirected(edge_type, true));
    }
    for (of_nodes, name, property, unique) in &plan.indexes {
        let on = if *of_nodes { IndexOn::Label(name) } else { IndexOn::EdgeType(name) };
        refused(tx.create_index(on, property, *unique));
    }
    tx.commit().expect("committed");
    db
}

/// The indexes of a store, a line each.
fn indexes(db: &Database) -> Vec<String> {
    let snapshot = db.begin_read().expect("begun");
    let mut lines: Vec<_> = snapshot.indexes().map(|index| format!("{index:?}")).collect();
    lines.sort();
    lines
}

/// All that a store holds but for indexes, a line each: equal texts are equal stores, bit for bit but for the payload of a
/// NaN.
pub fn dump(db: &Database) -> Vec<String> {
    let snapshot = db.begin_read().expect("begun");
    let sorted = |mut props: Props| {
        props.sort_by(|a, b| a.0.cmp(&b.0));
        format!("{props:?}")
    };
    let mut lines = Vec::new();
    for view in snapshot.all_nodes() {
        let view = view.expect("read");
        let props = sorted(snapshot.props_of(&view).expect("read"));
        let found = view.key.clone().map(|key| snapshot.node(snapshot.label_name(view.label), key));
        let found = found.transpose().expect("read");
        assert!(found.is_none_or(|id| id == Some(view.id)), "the key index finds the node");
        lines.push(format!("node {} {:?} {:?} {props}", view.id, snapshot.label_name(view.label), view.key));
    }
    for edge in snapshot.all_edges() {
        let edge = edge.expect("read");
        let (of, props) =
            (snapshot.type_name(edge.edge_type), sorted(snapshot.edge_props(edge).expect("read")));
        lines.push(format!("edge {} {of:?} {} {} {props}", edge.source, edge.target, edge.rank));
    }
    let used = |info: &crate::TypeInfo| info.edges > 0;
    let mut types: Vec<_> =
        snapshot.edge_types().filter(|(_, info)| used(info)).map(|(_, info)| info).collect();
    types.sort_by(|a, b| a.name.cmp(&b.name));
    lines.extend(types.iter().map(|info| format!("type {info:?}")));
    let mut labels: Vec<_> = snapshot.labels().map(|(_, info)| info).filter(|info| info.nodes > 0).collect();
    labels.sort_by(|a, b| a.name.cmp(&b.name));
    lines.extend(labels.iter().map(|info| format!("label {info:?}")));
    // Edges come in the order of the numbers of their types, which are not the same in a copy.
    lines.sort();
    lines
}

/// Whether a copy holds the same, with or without indexes, and is sound.
pub fn same(db: &Database, copy: &Database, with_indexes: bool) -> Result<(), String> {
    let all = |db| if with_indexes { [dump(db), indexes(db)].concat() } else { dump(db) };
    let (wanted, got) = (all(db), all(copy));
    let shown = |line: Option<&String>| line.map(|line| line.chars().take(400).collect::<String>());
    if let Some(at) = (0..wanted.len().max(got.len())).find(|&at| wanted.get(at) != got.get(at)) {
        return Err(format!("{:?}\nis not\n{:?}", shown(got.get(at)), shown(wanted.get(at))));
    }
    let report = copy.check().map_err(|e| e.to_string())?;
    if report.findings.is_empty() { Ok(()) } else { Err(format!("check: {:?}", report.findings)) }
}
