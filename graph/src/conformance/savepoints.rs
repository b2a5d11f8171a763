//! Savepoints: going back, again and again, with what was written early, with long values, beside a checkpoint.

use super::transactions::everything;
use super::{Fixture, Store};
use crate::{IndexOn, NodeId, Reader, Savepoint, Value, WriteError, WriteTransaction, props};
use storage_core::pager::Transaction;

const PERSON: IndexOn<'static> = IndexOn::Label("person");

fn now(tx: &WriteTransaction) -> Vec<String> {
    let reader: &Reader<Transaction> = tx;
    let mut all = everything(reader);
    all.extend(reader.labels().map(|(id, info)| format!("{id:?} {info:?}")));
    all.extend(reader.edge_types().map(|(id, info)| format!("{id:?} {info:?}")));
    all.extend(reader.property_names().map(|(id, name)| format!("{id:?} {name}")));
    all.extend(reader.indexes().map(|info| format!("{info:?}")));
    let old = reader.nodes("person").with("born", ..1900);
    all.extend(old.into_iter().map(|node| format!("old: {}", node.expect("an answer"))));
    all
}

/// `count` nodes more with keys, properties and an edge each, from `first` on.
fn more(tx: &mut WriteTransaction, first: i64, count: i64) {
    for i in first..first + count {
        let node = tx.add_node("n", i, props! { "v" => i, "pad" => "x".repeat(40) }).expect("a node");
        tx.add_edge(node, "e", node, props! { "w" => i }).expect("both ends are there");
    }
}

fn people(tx: &mut WriteTransaction) -> (NodeId, NodeId) {
    tx.create_index(PERSON, "born", false).expect("an index");
    let ada = tx.add_node("person", "ada", props! { "born" => 1815 }).expect("a node");
    let alan = tx.add_node("person", "alan", props! { "born" => 1912 }).expect("a node");
    tx.add_edge(ada, "knows", alan, props! { "since" => 1 }).expect("both ends are there");
    (ada, alan)
}

/// Everything that changed since is as it was: nodes, edges, keys, values, names, counts, entries of indexes.
pub fn a_rollback_leaves_what_was_there(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (ada, alan) = store.change(people);
    let mut tx = store.db.begin_write().expect("the only writer");
    tx.set(alan, "born", 1800).expect("a property");
    let kept = tx.add_node("person", "grace", props! {}).expect("a node");
    let before = (tx.savepoint(), now(&tx));
    for round in 0..3 {
        let new = tx.add_node("ghost", "g", props! { "boo" => round }).expect("a node");
        tx.add_edge(new, "haunts", ada, props! { "since" => 1 }).expect("both ends are there");
        tx.set(ada, "born", Value::Null).expect("a property");
        tx.create_index(IndexOn::Label("ghost"), "boo", true).expect("an index");
        tx.delete_node(alan, true).expect("detached");
        let inner = tx.savepoint();
        tx.delete_node(kept, true).expect("it is there");
        if round == 1 {
            tx.rollback_to(&inner).expect("it is there");
            assert!(tx.contains(kept).expect("an answer") && !tx.contains(alan).expect("an answer"));
        }
        tx.rollback_to(&before.0).expect("it is there");
        assert_eq!(now(&tx), before.1);
        assert!(matches!(tx.rollback_to(&inner), Err(WriteError::NoSavepoint(_))), "gone with the outer one");
    }
    let again = tx.add_node("ghost", "g", props! {}).expect("its key is free");
    assert_eq!(again.0, kept.0 + 1, "its id is given again");
    tx.commit().expect("a commit");
    store.settle(|snapshot| {
        assert_eq!((snapshot.node_count(), snapshot.edge_count()), (4, 1));
        assert_eq!(snapshot.get::<i64>(alan, "born").expect("an answer"), Some(1800));
        assert_eq!((snapshot.edge_type("haunts"), snapshot.property("boo")), (None, None));
        assert_eq!(snapshot.indexes().count(), 1);
    });
}

/// Released ones leave the changes; older ones still undo them.
pub fn a_released_savepoint_leaves_the_changes(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let mut tx = store.db.begin_write().expect("the only writer");
    let outer = tx.savepoint();
    more(&mut tx, 0, 5);
    let inner = tx.savepoint();
    more(&mut tx, 5, 5);
    let innermost = tx.savepoint();
    more(&mut tx, 10, 5);
    tx.release(inner).expect("it is there");
    assert!(matches!(tx.rollback_to(&innermost), Err(WriteError::NoSavepoint(_))), "it went with it");
    assert_eq!(tx.node_count(), 15);
    tx.rollback_to(&outer).expect("it is there");
    assert_eq!(tx.node_count(), 0);
    more(&mut tx, 0, 3);
    tx.release(outer).expect("it is there");
    tx.commit().expect("a commit");
    store.settle(|snapshot| assert_eq!((snapshot.node_count(), snapshot.edge_count()), (3, 3)));
}

/// Another transaction's, one that is gone: refused, and nothing is changed.
pub fn a_savepoint_that_is_not_there_is_refused(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let mut tx = store.db.begin_write().expect("the only writer");
    let foreign = tx.savepoint();
    drop(tx);
    let refused = |result: Result<(), WriteError>| {
        let error = result.expect_err("refused");
        assert!(matches!(error, WriteError::NoSavepoint(_)) && error.is_refusal(), "{error}");
    };
    let mut tx = store.db.begin_write().expect("the only writer");
    let own = tx.savepoint();
    more(&mut tx, 0, 2);
    refused(tx.rollback_to(&foreign));
    refused(tx.release(foreign));
    tx.nested(|tx| {
        refused(tx.rollback_to(&own));
        more(tx, 2, 1);
        Ok::<_, WriteError>(())
    })
    .expect("it went well");
    assert_eq!(tx.node_count(), 3);
    tx.rollback_to(&own).expect("outside again");
    more(&mut tx, 7, 4);
    tx.commit().expect("a commit, with a savepoint that was not released");
    store.settle(|snapshot| assert_eq!(snapshot.node_count(), 4));
}

/// Parts that fail, or panic, leave nothing; others stay; and so in each other.
pub fn a_nested_part_is_done_wholly_or_not_at_all(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let mut tx = store.db.begin_write().expect("the only writer");
    let mut errors = 0;
    for i in 0..6 {
        let done = tx.nested(|tx| {
            more(tx, i * 10, 2);
            let inner = tx.nested(|tx| {
                more(tx, i * 10 + 2, 3);
                if i % 2 == 0 { Err(WriteError::NoNode(NodeId(77))) } else { Ok(()) }
            });
            errors += i32::from(inner.is_err());
            match i % 3 {
                0 => tx.add_node("n", i * 10, props! {}).map(drop),
                _ => Ok(()),
            }
        });
        assert_eq!(done.is_err(), i % 3 == 0);
    }
    assert_eq!((errors, tx.node_count()), (3, 2 + 2 + 2 + 2 + 6));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        tx.nested(|tx| {
            more(tx, 1_000, 3);
            std::panic::resume_unwind(Box::new("on purpose"));
            #[allow(unreachable_code)]
            Ok::<(), WriteError>(())
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(tx.node_count(), 14);
    tx.commit().expect("a commit");
    store.settle(|snapshot| assert_eq!((snapshot.node_count(), snapshot.edge_count()), (14, 14)));
}

/// All was undone: no new version, also if pages were written meanwhile.
pub fn a_commit_of_what_was_undone_is_no_new_version(fixture: &dyn Fixture) {
    let store = Store::create_with(fixture, fixture.options().memory_budget(8 << 10));
    store.change(|tx| more(tx, 0, 20));
    let version = store.snapshot().version();
    for count in [1, 400] {
        let mut tx = store.db.begin_write().expect("the only writer");
        let start = tx.savepoint();
        more(&mut tx, 100, count);
        tx.rollback_to(&start).expect("it is there");
        assert_eq!(tx.pages().pages_written(), 0, "what was written is given back");
        assert_eq!(tx.commit().expect("a commit"), version);
        assert_eq!(store.snapshot().version(), version);
        store.assert_clean();
    }
    store.settle(|snapshot| assert_eq!(snapshot.node_count(), 20));
}

/// Between savepoints and before going back, pages are written early: over pages of the store, and over each other.
pub fn a_rollback_undoes_what_was_written_early(fixture: &dyn Fixture) {
    let store = Store::create_with(fixture, fixture.options().memory_budget(8 << 10));
    store.change(|tx| more(tx, 0, 300));
    let mut tx = store.db.begin_write().expect("the only writer");
    let mut stack: Vec<(Savepoint, Vec<String>)> = vec![(tx.savepoint(), now(&tx))];
    for level in 1..5 {
        more(&mut tx, level * 1_000, 120);
        for i in 0..40 {
            let node = tx.node("n", i * 7).expect("an answer").expect("it is there");
            tx.set(node, "v", level).expect("a property");
        }
        assert!(tx.pages().pages_written() > 0, "8 KiB cannot hold all this");
        stack.push((tx.savepoint(), now(&tx)));
    }
    // What is written early belongs to nothing yet.
    store.assert_clean();
    for (savepoint, seen) in stack.iter().skip(1).rev() {
        more(&mut tx, 10_000, 150);
        let gone: Vec<NodeId> =
            tx.all_nodes().take(90).map(|node| node.expect("a node").id).skip(1).collect();
        for node in gone {
            tx.delete_node(node, true).expect("detached");
        }
        for _ in 0..2 {
            tx.rollback_to(savepoint).expect("it is there");
            assert!(now(&tx) == *seen);
        }
    }
    assert_eq!(tx.node_count(), 420);
    let expected = now(&tx);
    tx.commit().expect("a commit");
    store.settle(|snapshot| {
        assert_eq!(everything(snapshot), expected[..everything(snapshot).len()]);
        assert_eq!(snapshot.node_count(), 420);
    });
}

fn long(salt: u8, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i as u8).wrapping_mul(31) ^ salt ^ (i >> 8) as u8).collect()
}

/// Values in pages of their own: the store's, and the transaction's from before the savepoint; freed since, and there
/// again, though others were written after them.
pub fn long_values_are_there_after_a_rollback(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (old, own) = store.change(|tx| {
        let old = tx.add_node("n", "old", props! { "text" => long(1, 50_000) }).expect("a node");
        (old, tx.add_node("n", "own", props! {}).expect("a node"))
    });
    let text = |tx: &WriteTransaction, node| tx.get::<Vec<u8>>(node, "text").expect("an answer");
    let mut tx = store.db.begin_write().expect("the only writer");
    tx.set(own, "text", long(2, 60_000)).expect("a property");
    let first = tx.savepoint();
    for round in 0..3 {
        tx.set(own, "text", Value::Null).expect("a property");
        tx.set(old, "text", long(3 + round, 70_000)).expect("a property");
        tx.add_node("n", i64::from(round), props! { "text" => long(9, 80_000) }).expect("a node");
        let second = tx.savepoint();
        tx.delete_node(old, true).expect("it is there");
        tx.set(own, "text", long(4, 40_000)).expect("a property");
        tx.rollback_to(&second).expect("it is there");
        assert!(text(&tx, old) == Some(long(3 + round, 70_000)) && text(&tx, own).is_none());
        tx.rollback_to(&first).expect("it is there");
        assert!(text(&tx, old) == Some(long(1, 50_000)) && text(&tx, own) == Some(long(2, 60_000)));
    }
    tx.set(own, "text", long(5, 10_000)).expect("a property");
    tx.release(first).expect("it is there");
    tx.add_node("n", "last", props! { "text" => long(6, 90_000) }).expect("a node");
    tx.commit().expect("a commit");
    store.settle(|snapshot| {
        let text = |key: &str| {
            let node = snapshot.node("n", key).expect("an answer").expect("it is there");
            snapshot.get::<Vec<u8>>(node, "text").expect("an answer").expect("it has one")
        };
        assert!(text("old") == long(1, 50_000) && text("own") == long(5, 10_000));
        assert!(text("last") == long(6, 90_000));
        assert_eq!(snapshot.node_count(), 3);
    });
}

/// A checkpoint ends between savepoint and rollback, and the transaction has to write early: what it goes back to stands on
/// the new root then.
pub fn savepoints_stand_on_the_root_of_a_checkpoint_beside(fixture: &dyn Fixture) {
    let options = fixture.options().memory_budget(128 << 10).background(false);
    let store = Store::create_with(fixture, options);
    store.change(|tx| {
        people(tx);
        more(tx, 0, 60);
    });
    for round in 1..4 {
        let first = round * 1_000;
        store.change(|tx| more(tx, first, 20));
        let checkpoint = store.db.begin_checkpoint().expect("begun").expect("there is something to do");
        // This thread has the checkpoint, so it must not wait for it.
        let begin = || store.db.try_begin_write().expect("an answer").expect("the only writer");
        let mut tx = begin();
        more(&mut tx, first + 100, 20);
        tx.commit().expect("a commit");
        let mut tx = begin();
        let start = (tx.savepoint(), now(&tx));
        more(&mut tx, first + 200, 10);
        tx.set(NodeId(0), "born", round).expect("a property");
        let middle = (tx.savepoint(), now(&tx));
        more(&mut tx, first + 300, 10);
        assert_eq!(tx.pages().pages_written(), 0, "nothing was written early yet");
        checkpoint.finish().expect("a checkpoint");
        more(&mut tx, first + 400, 500);
        assert!(tx.pages().pages_written() > 0, "128 KiB cannot hold all this");
        tx.rollback_to(&middle.0).expect("it is there");
        assert!(now(&tx) == middle.1, "round {round}");
        tx.delete_node(NodeId(1), true).expect("detached");
        more(&mut tx, first + 500, 500);
        tx.rollback_to(&start.0).expect("it is there");
        assert!(now(&tx) == start.1, "round {round}");
        more(&mut tx, first + 600, 5);
        tx.commit().expect("a commit");
        store.assert_clean();
    }
    store.settle(|snapshot| assert_eq!(snapshot.node_count(), 62 + 3 * 45));
}
