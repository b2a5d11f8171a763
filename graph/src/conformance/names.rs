//! Labels, edge types and properties get other names.

use super::{Fixture, Store, around};
use crate::{Direction, IndexOn, Value, WriteError, props};

const HUMAN: IndexOn<'static> = IndexOn::Label("human");
const PERSON: IndexOn<'static> = IndexOn::Label("person");

/// What has them is found by the new names, over pages and in what is changed since; the old names are free again.
pub fn names_are_changed_for_all_that_has_them(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (ada, alan, edge) = store.change(|tx| {
        tx.create_index(HUMAN, "year", false).expect("an index");
        let ada = tx.add_node("human", "ada", props! { "year" => 1815 }).expect("a node");
        let alan = tx.add_node("human", "alan", props! { "year" => 1912 }).expect("a node");
        (ada, alan, tx.add_edge(ada, "met", alan, props! { "year" => 1 }).expect("both ends are there"))
    });
    store.db.checkpoint().expect("all of it is on pages");
    let old = store.snapshot();
    store.change(|tx| {
        tx.rename_label("human", "person").expect("it is known, and the new one is free");
        tx.rename_edge_type("met", "knows").expect("it is known, and the new one is free");
        tx.rename_property("year", "born").expect("it is known, and the new one is free");
        assert_eq!(tx.node("person", "ada").expect("an answer"), Some(ada));
        tx.add_node("person", "grace", props! { "born" => 1906 }).expect("a node");
        tx.add_node("human", "ada", props! { "year" => 1 }).expect("the old names are free");
    });
    assert_eq!(old.node("human", "ada").expect("an answer"), Some(ada), "a snapshot never changes");
    assert_eq!((old.label("person"), old.get::<i64>(ada, "year").expect("an answer")), (None, Some(1815)));
    drop(old);
    store.settle(|snapshot| {
        assert_eq!(snapshot.node("person", "alan").expect("an answer"), Some(alan));
        assert_ne!(snapshot.node("human", "ada").expect("an answer"), Some(ada));
        assert_eq!(snapshot.get::<i64>(ada, "born").expect("an answer"), Some(1815));
        assert_eq!(snapshot.get::<i64>(ada, "year").expect("an answer"), None);
        assert_eq!(snapshot.get_edge::<i64>(edge, "born").expect("an answer"), Some(1));
        assert_eq!(around(snapshot, ada, Direction::Out, Some("knows")), [(alan, edge)]);
        assert_eq!(around(snapshot, ada, Direction::Out, Some("met")), []);
        let index = snapshot.indexes().next().expect("it is there");
        assert_eq!((index.on, index.property, index.entries), (PERSON, "born", 3));
        assert_eq!(snapshot.nodes("person").with("born", 1900..).count().expect("counted"), 2);
        let labels: Vec<&str> = snapshot.labels().map(|(_, label)| label.name.as_str()).collect();
        assert_eq!(labels, ["person", "human"]);
    });
}

/// Unknown, taken, bad: nothing is changed, and the transaction goes on. The name that it has is no change.
pub fn a_name_that_is_unknown_taken_or_bad_is_refused(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(|tx| {
        let a = tx.add_node("a", 1, props! { "p" => 1 }).expect("a node");
        let b = tx.add_node("b", 1, props! { "q" => 2 }).expect("a node");
        tx.add_edge(a, "x", b, props! {}).expect("both ends are there");
        tx.add_edge(a, "y", b, props! {}).expect("both ends are there");
    });
    let version = store.snapshot().version();
    let mut tx = store.db.begin_write().expect("the only writer");
    for old in ["", "c", "A"] {
        let unknown = |done| matches!(done, Err(WriteError::UnknownName { name, .. }) if name == old);
        assert!(unknown(tx.rename_label(old, "new")) && unknown(tx.rename_edge_type(old, "new")));
        assert!(unknown(tx.rename_property(old, "new")));
    }
    let taken = |done| matches!(done, Err(WriteError::NameTaken { .. }));
    assert!(taken(tx.rename_label("a", "b")) && taken(tx.rename_edge_type("x", "y")));
    assert!(taken(tx.rename_property("p", "q")));
    let long = "n".repeat(1_025);
    for bad in ["", &long] {
        let bad_name = |done| matches!(done, Err(WriteError::BadName { .. }));
        assert!(bad_name(tx.rename_label("a", bad)) && bad_name(tx.rename_edge_type("x", bad)));
        assert!(bad_name(tx.rename_property("p", bad)));
    }
    assert!(matches!(tx.rename_label("a", "a/b"), Err(WriteError::BadName { .. })));
    tx.rename_label("a", "a").expect("it has that name");
    tx.rename_edge_type("x", "x").expect("it has that name");
    tx.rename_property("p", "p").expect("it has that name");
    assert_eq!(tx.commit().expect("a commit"), version, "nothing was changed");
    store.settle(|snapshot| {
        assert_eq!(snapshot.labels().map(|(_, l)| l.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(snapshot.edge_types().map(|(_, t)| t.name.as_str()).collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(snapshot.property_names().map(|(_, name)| name).collect::<Vec<_>>(), ["p", "q"]);
    });
}

/// Names go round in a ring, in one transaction and over several, and come back when it is undone.
pub fn names_are_exchanged(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (a, b) = store.change(|tx| {
        let a = tx.add_node("a", 1, props! { "p" => "a" }).expect("a node");
        (a, tx.add_node("b", 1, props! { "q" => "b" }).expect("a node"))
    });
    for round in 0..3 {
        store.change(|tx| {
            tx.rename_label("a", "other").expect("free");
            tx.rename_label("b", "a").expect("free by now");
            tx.rename_label("other", "b").expect("free by now");
            let before = tx.savepoint();
            tx.rename_property("p", "other").expect("free");
            tx.set(a, "p", "new").expect("another property of that name");
            tx.rollback_to(&before).expect("it is there");
            assert_eq!(tx.get::<Value>(a, "p").expect("an answer"), Some("a".into()));
            assert_eq!(tx.property("other"), None);
        });
        let (first, second) = if round % 2 == 0 { (b, a) } else { (a, b) };
        let snapshot = store.snapshot();
        assert_eq!(snapshot.node("a", 1).expect("an answer"), Some(first));
        assert_eq!(snapshot.node("b", 1).expect("an answer"), Some(second));
    }
    store.settle(|snapshot| assert_eq!(snapshot.node("a", 1).expect("an answer"), Some(b)));
}
