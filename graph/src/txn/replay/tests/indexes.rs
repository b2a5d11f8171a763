//! Stories of replaying what makes property indexes, and what is refused because of them.

use super::*;
use crate::bulk::SpillError;
use crate::model::{LabelId, PropertyId};
use crate::txn::record::IndexOwner;

const N: IndexOn<'static> = IndexOn::Label("n");

fn created(tx: &mut WriteTransaction, on: IndexOn<'_>, property: &str, unique: bool) {
    tx.create_index(on, property, unique).expect("an index");
}

/// A change before the record.
type Change = fn(&mut WriteTransaction);

/// Changes before and behind it in one record, over nodes and edges, new names and old ones.
#[test]
fn an_index_is_made_in_the_middle_of_a_record() {
    let (original, copy) = (store(&Options::new()), store(&Options::new().memory_budget(0)));
    let mut tx = begin(&original);
    two_nodes(&mut tx);
    created(&mut tx, N, "p", true);
    tx.set(NodeId(0), "p", 1).expect_err("node 1 has it");
    tx.set(NodeId(1), "p", Value::Null).expect("removed");
    tx.set(NodeId(0), "p", 1).expect("free");
    tx.set_edge(EDGE, "w", f64::NAN).expect("set");
    created(&mut tx, IndexOn::EdgeType("t"), "w", false);
    created(&mut tx, IndexOn::EdgeType("new type"), "new property", true);
    tx.add_edge(NodeId(0), "t", NodeId(1), props! { "w" => -0.0 }).expect("added");
    tx.delete_node(NodeId(1), true).expect("deleted, with its edges");
    let record = commit(tx);
    let verbs: Vec<String> = crate::record::describe(&record).filter(|line| line.contains("index")).collect();
    let index = |n: u32, over: &str| format!("create index {n} over {over}");
    assert_eq!(
        verbs,
        [
            index(0, "label 0 property 0, unique"),
            index(1, "edge type 0 property 1"),
            index(2, "edge type 1 property 2, unique")
        ]
    );
    replay(&copy, std::slice::from_ref(&record));
    assert_same(&original, &copy, "after one record");
    let mut tx = begin(&copy);
    tx.replay(&record).expect_err("it was done already");
    drop(tx);
    assert_eq!(copy.check().expect("checked").findings, []);
}

/// The numbers that a later index gets depend on which were dropped, and that is in no record: the checkpoint has it.
#[test]
fn an_index_after_one_that_was_dropped_gets_the_same_number_again() {
    let (original, copy) = (store(&Options::new()), store(&Options::new()));
    for db in [&original, &copy] {
        let mut tx = begin(db);
        two_nodes(&mut tx);
        ["p", "q", "r"].into_iter().for_each(|property| created(&mut tx, N, property, false));
        tx.commit().expect("committed");
        for gone in ["p", "r"] {
            let mut tx = begin(db);
            tx.drop_index(N, gone).expect("dropped");
            assert!(tx.ops.is_dropped(), "what drops an index is a checkpoint");
            tx.commit().expect("committed");
        }
    }
    let mut tx = begin(&original);
    created(&mut tx, N, "p", true);
    created(&mut tx, N, "r", false);
    let record = commit(tx);
    let lines: Vec<String> = crate::record::describe(&record).collect();
    assert!(lines[0].starts_with("create index 2 over") && lines[1].starts_with("create index 3 over"));
    replay(&copy, &[record]);
    assert_same(&original, &copy, "two indexes more");
}

#[test]
fn a_record_that_makes_an_index_on_another_state_is_corruption() {
    let what = second_time(two_nodes, |tx| created(tx, N, "p", false));
    assert_eq!(what, "operation 1 (create index): there is an index over n.p already");

    let corrupt = |prepare: fn(&mut WriteTransaction), op: Op<'_>| {
        let db = store(&Options::new());
        let mut tx = begin(&db);
        prepare(&mut tx);
        let mut ops = crate::txn::record::Ops::new(1 << 20);
        ops.push(&op);
        match tx.replay(ops.bytes()).expect_err("no record for this") {
            ReplayError::Corrupt { what } => {
                what.strip_prefix("operation 1 (create index): ").map(str::to_owned)
            }
            other => panic!("not corrupt: {other}"),
        }
        .expect("it says which operation")
    };
    let op = |index, owner, property, unique| Op::CreateIndex {
        index,
        owner,
        property: PropertyId(property),
        unique,
    };
    let label = |id| IndexOwner::Label(LabelId(id));
    assert_eq!(corrupt(two_nodes, op(0, label(5), 0, false)), "there is no label 5");
    let edges = IndexOwner::Type(TypeId(5));
    assert_eq!(corrupt(two_nodes, op(0, edges, 0, false)), "there is no edge type 5");
    assert_eq!(corrupt(two_nodes, op(0, label(0), 9, false)), "there is no property 9");
    let other = "index 3 here would be another one: Some(0)";
    assert_eq!(corrupt(two_nodes, op(3, label(0), 0, false)), other);
    let twins = |tx: &mut WriteTransaction| {
        two_nodes(tx);
        tx.set(NodeId(1), "p", 0.0).expect("set");
    };
    assert_eq!(corrupt(twins, op(0, label(0), 0, true)), "n.p is unique, and node 0 has 0 already");
    let long = |tx: &mut WriteTransaction| {
        two_nodes(tx);
        tx.set(NodeId(1), "p", "x".repeat(2000)).expect("set");
    };
    let too_long = "property `p`: it is indexed, and too long for that (1 KiB)";
    assert_eq!(corrupt(long, op(0, label(0), 0, false)), too_long);
}

/// A change that a unique index of this state refuses was made on another one.
#[test]
fn a_record_that_gives_a_value_to_a_second_is_corruption() {
    let (original, copy) = (store(&Options::new()), store(&Options::new()));
    for (db, unique) in [(&original, false), (&copy, true)] {
        let mut tx = begin(db);
        two_nodes(&mut tx);
        created(&mut tx, N, "p", unique);
        created(&mut tx, IndexOn::EdgeType("t"), "w", unique);
        tx.set_edge(EDGE, "w", 7).expect("set");
        tx.commit().expect("committed");
    }
    let changes: [(Change, &str); 4] = [
        (|tx| tx.set(NodeId(1), "p", 0).expect("set"), "(set node): n.p is unique, and node 0"),
        (
            |tx| assert_eq!(tx.add_node("n", 7, props! { "p" => 1 }).expect("added").0, 2),
            "(add node): n.p is unique, and node 1",
        ),
        (
            |tx| {
                assert_eq!(
                    tx.add_edge(NodeId(1), "t", NodeId(1), props! { "w" => 7 }).expect("added").rank,
                    0
                )
            },
            "(add edge): t.w is unique, and 0 -t-> 1 (rank 0)",
        ),
        (
            |tx| {
                tx.insert_edge((NodeId(0), "t", NodeId(1)), Some(9), props! {}).expect("added");
                tx.set_edge(Edge { rank: 9, ..EDGE }, "w", 7.0).expect("set");
            },
            "(set edge): t.w is unique, and 0 -t-> 1 (rank 0)",
        ),
    ];
    for (change, wanted) in changes {
        let mut tx = begin(&original);
        change(&mut tx);
        let record = tx.ops.bytes().to_vec();
        tx.abort();
        let mut tx = begin(&copy);
        match tx.replay(&record) {
            Err(ReplayError::Corrupt { what }) => assert!(what.contains(wanted), "{what}"),
            other => panic!("{wanted}: {other:?}"),
        }
    }
    assert_eq!(copy.check().expect("checked").findings, []);
}

/// A temporary file that could not be written was taken for a damaged log, and the log could be cut there.
#[test]
fn a_temporary_file_that_fails_during_a_replay_is_not_corruption() {
    let failed = || WriteError::Sort(Arc::new(SpillError::Full { dir: "there".into(), written: 7 }));
    assert!(failed().is_refusal(), "the transaction can go on");
    assert!(matches!(ReplayError::from(failed()), ReplayError::Write(WriteError::Sort(_))));
    let opening = crate::OpenError::of_write(failed());
    assert!(!opening.is_damage() && opening.to_string().contains("no space left for a temporary file"));
}
