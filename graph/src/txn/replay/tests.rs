//! Stories of replaying: a history done again from its records is the same history, and nothing else passes for one.
//! Property indexes are in all of them; what is about them alone is in `indexes.rs`.

mod indexes;
mod nothing;

use crate::btree::{RecordLeaf, Tree};
use crate::error::WriteError;
use crate::model::{Edge, Key, NodeId, TypeId, Value};
use crate::txn::record::{Op, ReplayError, operations};
use crate::value::{self, random};
use crate::{Database, IndexOn, NewNode, Options, Props, WriteTransaction, props};
use std::sync::Arc;
use storage_core::device::Operation;
use storage_core::device::faults::{Fault, FaultRule, Faults};
use storage_core::device::faulty::FaultyDevice;
use storage_core::device::memory::{MemoryDevice, MemoryStore};
use storage_core::device::sim::Rng;
use storage_core::device::{OpenOptions, PageDevice};
use storage_core::page::PageSize;

fn store(options: &Options) -> Database {
    options.create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("a new store")
}

fn begin(db: &Database) -> WriteTransaction {
    db.begin_write().expect("nobody else writes")
}

/// Commits, and returns the record.
fn commit(tx: WriteTransaction) -> Vec<u8> {
    assert!(!tx.ops.is_dropped());
    let record = tx.ops.bytes().to_vec();
    tx.commit().expect("committed");
    record
}

fn replay(db: &Database, records: &[Vec<u8>]) {
    let mut tx = begin(db);
    for record in records {
        tx.replay(record).expect("what was done can be done again");
        assert!(tx.ops.is_dropped(), "a replay is no record of its own");
    }
    tx.commit().expect("committed");
}

fn encoded(props: &Props) -> Vec<(String, Vec<u8>)> {
    let encode = |v: &Value| {
        let mut out = Vec::new();
        value::encode(v, &mut out);
        out
    };
    props.iter().map(|(name, value)| (name.clone(), encode(value))).collect()
}

/// All that a store holds must be the same: names and their numbers, counts, the next id, nodes, edges.
fn assert_same(a: &Database, b: &Database, context: &str) {
    let (a, b) = (a.begin_read().expect("a snapshot"), b.begin_read().expect("a snapshot"));
    assert_eq!(a.catalog(), b.catalog(), "{context}");
    let (mut left, mut right) = (a.all_nodes(), b.all_nodes());
    loop {
        let (x, y) = (left.next().transpose().expect("read"), right.next().transpose().expect("read"));
        let Some((x, y)) = x.as_ref().zip(y.as_ref()) else {
            assert!(x.is_none() && y.is_none(), "{context}: {x:?} is not {y:?}");
            break;
        };
        assert_eq!((x.id, x.label, &x.key), (y.id, y.label, &y.key), "{context}");
        let (x, y) = (a.props_of(x).expect("read"), b.props_of(y).expect("read"));
        assert_eq!(encoded(&x), encoded(&y), "{context}");
    }
    let edges = a.all_edges().map(|e| e.expect("read")).collect::<Vec<_>>();
    assert_eq!(edges, b.all_edges().map(|e| e.expect("read")).collect::<Vec<_>>(), "{context}");
    for edge in edges {
        let (x, y) = (a.edge_props(edge).expect("read"), b.edge_props(edge).expect("read"));
        assert_eq!(encoded(&x), encoded(&y), "{context}");
        if let Some(key) = a.view(edge.source).expect("read").expect("an end").key {
            let found = |s: &crate::Snapshot| s.nodes_by_key(&key).expect("read");
            assert_eq!(found(&a), found(&b), "{context}");
        }
    }
    for (index, tree) in &a.graph.indexes {
        let entries = |s: &crate::Snapshot, tree: &Tree<RecordLeaf>| {
            let keys = tree.range(&s.pages, ..).map(|entry| entry.expect("read").0);
            keys.collect::<Vec<_>>()
        };
        let other = b.graph.indexes.get(index).expect("the catalogs are the same");
        assert_eq!(entries(&a, tree), entries(&b, other), "{context}");
    }
}

const LABELS: [&str; 3] = ["person", "stadt", "🦀"];
const TYPES: [&str; 3] = ["knows", "liebt", "ÿ"];
const NAMES: [&str; 5] = ["a", "born", "Größe", "x y", "list"];

fn key(rng: &mut Rng) -> Key {
    let n = rng.below(40) as i64;
    if rng.chance(1, 2) { Key::Int(n - 20) } else { Key::Text(n.to_string()) }
}

/// Properties; some of them are refused.
fn some_props(rng: &mut Rng) -> Props {
    let mut names = NAMES;
    rng.shuffle(&mut names);
    let count = rng.index(names.len());
    let mut props: Props =
        names[..count].iter().map(|name| ((*name).to_owned(), random::value(rng))).collect();
    match rng.below(40) {
        0 => props.push(("long".into(), "0123456789".repeat(900).into())),
        1 => props.push((String::new(), 1.into())),
        2 => props.push(("twice".into(), 1.into())),
        _ => {}
    }
    if rng.chance(1, 60) {
        props.push(("twice".into(), 2.into()));
    }
    if rng.chance(1, 60) {
        props.extend((0..30).map(|i| (format!("many {i}"), Value::Int(i))));
    }
    props
}

/// Any node, hubs more often; some are not there.
fn node(rng: &mut Rng) -> NodeId {
    NodeId(if rng.chance(1, 2) { rng.below(3) } else { rng.below(120) })
}

fn any_edge(tx: &WriteTransaction, rng: &mut Rng) -> Edge {
    let edges: Vec<Edge> = tx.all_edges().map(|e| e.expect("read")).collect();
    if edges.is_empty() || rng.chance(1, 10) {
        let ends = (node(rng), node(rng));
        return Edge { source: ends.0, edge_type: TypeId(rng.below(4) as u32), target: ends.1, rank: 9 };
    }
    edges[rng.index(edges.len())]
}

/// One change of an application; it may be refused.
fn step(tx: &mut WriteTransaction, rng: &mut Rng) -> Result<(), WriteError> {
    let label = LABELS[rng.index(3)];
    let edge_type = TYPES[rng.index(3)];
    match rng.below(38) {
        0..=3 => tx.add_node(label, key(rng), some_props(rng)).map(drop),
        4..=5 => tx.add_anonymous(label, some_props(rng)).map(drop),
        6..=7 => {
            let key = rng.chance(1, 2).then(|| key(rng));
            let id = if rng.chance(1, 100) { u64::MAX - rng.below(2) } else { rng.below(200) };
            tx.insert_node(label, NewNode { id: Some(NodeId(id)), key, props: some_props(rng) }).map(drop)
        }
        8 => tx.upsert_node(label, key(rng), some_props(rng)).map(drop),
        9 => tx.set(node(rng), NAMES[rng.index(5)], random::value(rng)),
        10 => tx.set(node(rng), "never used", Value::Null),
        11..=12 => tx.set_all(node(rng), some_props(rng)),
        13..=19 => tx.add_edge(node(rng), edge_type, node(rng), some_props(rng)).map(drop),
        20..=21 => {
            let rank = if rng.chance(1, 8) { u32::MAX } else { rng.below(6) as u32 };
            let new = format!("type {}", rng.below(30));
            let edge_type = if rng.chance(1, 4) { &new } else { edge_type };
            tx.insert_edge((node(rng), edge_type, node(rng)), Some(rank), some_props(rng)).map(drop)
        }
        22..=24 => tx.set_edge_all(any_edge(tx, rng), some_props(rng)),
        25..=26 => tx.delete_edge(any_edge(tx, rng)),
        27..=28 => tx.delete_node(node(rng), rng.chance(1, 2)).map(drop),
        29 => tx.set_undirected(edge_type, rng.chance(1, 2)),
        30 => tx.create_index(IndexOn::Label(label), NAMES[rng.index(5)], rng.chance(1, 4)),
        31 => tx.create_index(IndexOn::EdgeType(edge_type), NAMES[rng.index(5)], rng.chance(1, 4)),
        32 => tx.add_node("no/label", 1, props! { "new" => 1 }).map(drop),
        33 => tx.rename_label(label, &format!("label {}", rng.below(5))),
        34 => tx.rename_edge_type(edge_type, &format!("type {}", rng.below(30))),
        35 => tx.rename_property(NAMES[rng.index(5)], &format!("name {}", rng.below(5))),
        36 => tx.rename_label(&format!("label {}", rng.below(5)), label),
        _ => tx.add_edge(node(rng), "", node(rng), props! {}).map(drop),
    }
}

/// A change that is made is one operation, names apart; one that is refused is none, and names nothing.
fn observed_step(tx: &mut WriteTransaction, rng: &mut Rng, context: &str) {
    let (before, catalog) = (tx.ops.len(), tx.catalog().clone());
    match step(tx, rng) {
        Ok(()) => {
            let added = &tx.ops.bytes()[before..];
            let bytes = [&[crate::record::VERSION], added].concat();
            let ops: Vec<Op<'_>> = operations(&bytes).map(|op| op.expect("an operation")).collect();
            let is_name =
                |op: &Op<'_>| matches!(op, Op::Label { .. } | Op::EdgeType { .. } | Op::Property { .. });
            assert_eq!(ops.iter().filter(|op| !is_name(op)).count(), 1, "{context}: {ops:?}");
            assert!(!is_name(ops.last().expect("one")), "{context}: names come first: {ops:?}");
        }
        Err(e) => {
            assert!(e.is_refusal(), "{context}: {e}");
            assert_eq!(tx.ops.len(), before.max(1), "{context}: {e}");
            assert_eq!(tx.catalog(), &catalog, "{context}: {e}");
        }
    }
}

#[test]
fn a_history_done_again_from_its_records_is_the_same_history() {
    for seed in 0..12 {
        let rng = &mut Rng::new(seed);
        let original = store(&Options::new());
        let one_by_one = store(&Options::new());
        // Several records in one transaction, which also has to write pages early.
        let together = store(&Options::new().memory_budget(8192));
        let mut waiting = Vec::new();
        for round in 0..60 {
            let context = format!("seed {seed}, transaction {round}");
            let mut tx = begin(&original);
            assert_eq!(tx.ops.bytes(), [crate::record::VERSION]);
            for _ in 0..1 + rng.below(20) {
                observed_step(&mut tx, rng, &context);
            }
            if rng.chance(1, 6) {
                tx.abort();
                continue;
            }
            let record = commit(tx);
            replay(&one_by_one, std::slice::from_ref(&record));
            assert_same(&original, &one_by_one, &context);
            waiting.push(record);
            if rng.chance(1, 4) {
                replay(&together, &std::mem::take(&mut waiting));
                assert_same(&original, &together, &context);
            }
        }
        replay(&together, &waiting);
        assert_same(&original, &together, &format!("seed {seed}"));
        for db in [original, one_by_one, together] {
            assert_eq!(db.check().expect("checked").findings, [], "seed {seed}");
        }
    }
}

#[test]
fn deleting_a_hub_is_one_operation() {
    let (original, copy) = (store(&Options::new()), store(&Options::new()));
    let mut tx = begin(&original);
    let hub = tx.add_node("n", "hub", props! {}).expect("added");
    for i in 0..5000 {
        let leaf = tx.add_node("n", i, props! {}).expect("added");
        tx.add_edge(hub, "t", leaf, props! {}).expect("added");
        tx.add_edge(leaf, "t", hub, props! { "i" => i }).expect("added");
        tx.add_edge(hub, "t", hub, props! {}).expect("added");
    }
    replay(&copy, &[commit(tx)]);
    assert_same(&original, &copy, "with the hub");
    let mut tx = begin(&original);
    assert_eq!(tx.delete_node(hub, true).expect("deleted"), 15_000);
    assert_eq!(tx.ops.len(), 4, "version, code, id, flag");
    replay(&copy, &[commit(tx)]);
    assert_same(&original, &copy, "without the hub");
    assert_eq!(copy.check().expect("checked").findings, []);
}

/// What a refusal says, of one record that is replayed a second time.
fn second_time(
    first: impl FnOnce(&mut WriteTransaction),
    change: impl FnOnce(&mut WriteTransaction),
) -> String {
    let (original, copy) = (store(&Options::new()), store(&Options::new()));
    let mut tx = begin(&original);
    first(&mut tx);
    replay(&copy, &[commit(tx)]);
    let mut tx = begin(&original);
    change(&mut tx);
    let record = commit(tx);
    replay(&copy, std::slice::from_ref(&record));
    assert_same(&original, &copy, "the first time");
    let mut tx = begin(&copy);
    match tx.replay(&record).expect_err("it was done already") {
        ReplayError::Corrupt { what } => {
            tx.commit().expect_err("it can only be dropped");
            assert_same(&original, &copy, "the second time");
            what
        }
        other => panic!("{other:?}"),
    }
}

fn two_nodes(tx: &mut WriteTransaction) {
    for i in 0..2 {
        tx.add_node("n", i, props! { "p" => i }).expect("added");
    }
    tx.add_edge(NodeId(0), "t", NodeId(1), props! {}).expect("added");
}

const EDGE: Edge = Edge { source: NodeId(0), edge_type: TypeId(0), target: NodeId(1), rank: 0 };

#[test]
fn a_record_that_was_replayed_already_is_corruption() {
    let what = second_time(two_nodes, |tx| {
        tx.add_node("n", 2, props! {}).expect("added");
    });
    assert_eq!(what, "operation 1 (add node): there is a node 2 already");
    let parallel = |tx: &mut WriteTransaction| {
        tx.set(NodeId(0), "p", 7).expect("set");
        tx.add_edge(NodeId(0), "t", NodeId(1), props! {}).expect("added");
    };
    let what = second_time(two_nodes, parallel);
    let there = "there is an edge of that rank already: 0 -t-> 1 (rank 1)";
    assert_eq!(what, format!("operation 2 (add edge): {there}"));
    let what = second_time(two_nodes, |tx| tx.delete_edge(EDGE).expect("deleted"));
    assert_eq!(what, "operation 1 (delete edge): there is no such edge: 0 -t-> 1 (rank 0)");
    let what = second_time(two_nodes, |tx| {
        tx.delete_node(NodeId(1), true).expect("deleted");
    });
    assert_eq!(what, "operation 1 (delete node): there is no node 1");
    let what = second_time(two_nodes, |tx| tx.set_undirected("new", true).expect("set"));
    assert_eq!(what, "operation 1 (name edge type): `new` has the number 1 already");
    let what = second_time(two_nodes, |tx| tx.set(NodeId(1), "q", 1).expect("set"));
    assert_eq!(what, "operation 1 (name property): `q` has the number 1 already");
    let what = second_time(|_| (), two_nodes);
    assert_eq!(what, "operation 1 (name label): `n` has the number 0 already");
}

#[test]
fn a_record_that_does_not_follow_on_the_state_is_corruption() {
    let corrupt = |record: &[u8]| {
        let db = store(&Options::new());
        let mut tx = begin(&db);
        two_nodes(&mut tx);
        let ReplayError::Corrupt { what } = tx.replay(record).expect_err("no record for this") else {
            panic!("not corrupt");
        };
        what
    };
    assert_eq!(corrupt(&[]), "the record is empty: it has no version");
    assert!(corrupt(&[2]).contains("version 2"));
    assert!(corrupt(&[1, 99]).contains("operation 1 (byte 1) has the code 99"));
    let number = "operation 1 (name label): `m` has the number 2 here, and would get 1";
    assert_eq!(corrupt(&[1, 1, 2, 1, b'm']), number);
    assert!(corrupt(&[1, 1, 1, 0]).starts_with("operation 1 (name label): `` is no label"));
    assert_eq!(corrupt(&[1, 4, 9, 5, 0, 0]), "operation 1 (add node): there is no label 5");
    assert_eq!(corrupt(&[1, 5, 0, 1, 6, 0x81]), "operation 1 (set node): there is no property 6");
    assert_eq!(corrupt(&[1, 10, 3, 1]), "operation 1 (set direction of edge type): there is no edge type 3");
    assert_eq!(corrupt(&[1, 11, 3, 1, b'x']), "operation 1 (rename label): there is no label 3");
    assert_eq!(corrupt(&[1, 12, 3, 1, b'x']), "operation 1 (rename edge type): there is no edge type 3");
    assert_eq!(corrupt(&[1, 13, 3, 1, b'x']), "operation 1 (rename property): there is no property 3");
    assert!(corrupt(&[1, 11, 0, 1, b'/']).starts_with("operation 1 (rename label): `/` is no label"));
    let taken = "operation 2 (rename label): there is a label `m` already";
    assert_eq!(corrupt(&[1, 1, 1, 1, b'm', 11, 0, 1, b'm']), taken);
    assert_eq!(corrupt(&[1, 6, 0, 0]), "operation 1 (delete node): node 0 has edges");
    assert_eq!(corrupt(&[1, 7, 0, 0, 9, 0, 0]), "operation 1 (add edge): there is no node 9");
}

#[test]
fn records_with_turned_bytes_are_replayed_or_refused_and_leave_a_whole_store() {
    for seed in 0..150 {
        let rng = &mut Rng::new(seed);
        let (original, copy) = (store(&Options::new()), store(&Options::new()));
        let mut tx = begin(&original);
        for _ in 0..30 {
            observed_step(&mut tx, rng, &format!("seed {seed}"));
        }
        let mut record = commit(tx);
        for _ in 0..1 + rng.below(3) {
            let at = rng.index(record.len());
            record[at] = if rng.chance(1, 2) { rng.next_u64() as u8 } else { rng.below(8) as u8 };
        }
        let mut tx = begin(&copy);
        match tx.replay(&record) {
            Ok(()) => drop(tx.commit().expect("committed")),
            Err(ReplayError::Corrupt { .. }) => drop(tx.commit().expect_err("it can only be dropped")),
            Err(other) => panic!("seed {seed}: {other}"),
        }
        assert_eq!(copy.check().expect("checked").findings, [], "seed {seed}");
    }
}

#[test]
fn a_device_that_fails_during_a_replay_is_not_corruption() {
    let options = Options::new().cache_pages(16).memory_budget(1 << 14);
    let bytes = MemoryStore::new(Vec::new());
    let faults = Arc::new(Faults::new(1));
    let device = |open: OpenOptions| -> Arc<dyn PageDevice> {
        Arc::new(FaultyDevice::new(
            Arc::new(MemoryDevice::open(&bytes, &open).expect("opens")),
            faults.clone(),
        ))
    };
    let original = store(&Options::new());
    let copy = options.create_device(device(OpenOptions::create(PageSize::K4))).expect("created");
    let mut tx = begin(&original);
    for i in 0..3000 {
        tx.add_node("n", i, props! { "text" => "x".repeat(100) }).expect("added");
    }
    replay(&copy, &[commit(tx)]);
    let mut tx = begin(&original);
    for i in 0..300 {
        tx.set(NodeId(i * 7), "text", "y").expect("set");
        tx.add_edge(NodeId(i * 7), "t", NodeId(i * 3), props! {}).expect("added");
    }
    let record = commit(tx);
    let mut failed = 0;
    for (on, nth) in
        [(Operation::Read, 1), (Operation::Read, 40), (Operation::Write, 1), (Operation::Write, 9)]
    {
        faults.add(FaultRule::once(on, nth, Fault::Io));
        let mut tx = begin(&copy);
        match tx.replay(&record) {
            Err(ReplayError::Write(WriteError::Pager(_) | WriteError::Read(_))) => failed += 1,
            other => panic!("{on:?} {nth}: {other:?}"),
        }
        let again = tx.replay(&record).expect_err("it can only be dropped");
        assert!(matches!(again, ReplayError::Write(_)), "{again:?}");
        drop(tx);
        faults.clear();
    }
    assert_eq!(failed, 4);
    // A write that failed may have poisoned the store for writing: what is there is read anew.
    copy.close().ok();
    let copy = options.open_device(device(OpenOptions::open())).expect("opens");
    replay(&copy, &[record]);
    assert_same(&original, &copy, "after all");
    assert_eq!(copy.check().expect("checked").findings, []);
}

#[test]
fn what_is_on_pages_before_the_commit_has_no_record() {
    let db = store(&Options::new().memory_budget(4096));
    let mut tx = begin(&db);
    tx.add_node("n", 1, props! {}).expect("added");
    assert!(!tx.ops.is_dropped());
    for i in 2..200 {
        tx.add_node("n", i, props! { "text" => "x".repeat(50) }).expect("added");
    }
    assert!(tx.ops.is_dropped(), "pages were written early (L6)");
    tx.commit().expect("committed");

    let db = store(&Options::new());
    let mut tx = begin(&db);
    tx.add_node("n", 1, props! { "large" => vec![7; 4 << 20] }).expect("added");
    assert!(tx.ops.is_dropped(), "longer than a record may be");
    tx.commit().expect("committed");
    assert_eq!(begin(&db).ops.bytes(), [crate::record::VERSION], "the next transaction begins anew");
}

#[test]
fn a_refused_edge_names_no_type() {
    let db = store(&Options::new());
    let mut tx = begin(&db);
    tx.add_node("n", 1, props! {}).expect("added");
    tx.add_edge(NodeId(0), "new", NodeId(1), props! { "p" => 1 }).expect_err("there is no node 1");
    assert_eq!((tx.edge_type("new"), tx.property("p")), (None, None));
    tx.insert_edge((NodeId(0), "new", NodeId(0)), Some(u32::MAX), props! {}).expect("added");
    tx.add_edge(NodeId(0), "new", NodeId(0), props! { "p" => 1 }).expect_err("no rank is left");
    assert_eq!(tx.property("p"), None);
}
