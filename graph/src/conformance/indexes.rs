//! Property indexes: made and dropped on data that is there, equality, ranges and prefixes both ways, uniqueness.

use super::{Fixture, Store};
use crate::{
    Edge, IndexOn, NodeId, ReadError, Snapshot, Value, ValueRange, WriteError, WriteTransaction, props,
};

const PERSON: IndexOn<'static> = IndexOn::Label("person");
const KNOWS: IndexOn<'static> = IndexOn::EdgeType("knows");

fn born(snapshot: &Snapshot, range: impl Into<ValueRange>) -> Vec<u64> {
    let found = snapshot.nodes("person").with("born", range);
    found.into_iter().map(|node| node.expect("an answer").0).collect()
}

fn people(tx: &mut WriteTransaction) {
    let years = [1815, 1791, 1912, 1815, 1906];
    for (key, year) in years.into_iter().enumerate() {
        let name = format!("person {key}");
        tx.add_node("person", key as i64, props! { "born" => year, "name" => name }).expect("a node");
    }
    tx.add_node("person", 5, props! {}).expect("nobody knows when");
    tx.add_node("person", 6, props! { "born" => "long ago" }).expect("a text");
    tx.add_node("person", 7, props! { "born" => 1815.5 }).expect("a float");
    tx.add_node("house", 0, props! { "born" => 1815 }).expect("another label");
}

/// The same answers with an index over what was there before, with one that was there first, and, but for their order,
/// without any.
pub fn an_index_answers_ranges_in_order(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(people);
    let plain = store.snapshot();
    assert_eq!(plain.nodes("person").with("born", ..).index(), None);
    assert_eq!(born(&plain, 1815), [0, 3]);
    assert_eq!(born(&plain, 1800..), [0, 2, 3, 4, 7], "by id where there is no index");
    store.change(|tx| tx.create_index(PERSON, "born", false).expect("an index"));
    assert_eq!(born(&plain, 1800..), [0, 2, 3, 4, 7], "the old snapshot has none");
    store.settle(|snapshot| {
        let question = snapshot.nodes("person").with("born", 1800..);
        let index = question.index().expect("it is there");
        assert_eq!((index.on, index.property, index.unique, index.entries), (PERSON, "born", false, 7));
        assert_eq!(born(snapshot, 1815), [0, 3]);
        assert_eq!(born(snapshot, 1815.0), [0, 3], "an integer equals a float of the same number");
        assert_eq!(born(snapshot, 1800..), [0, 3, 7, 4, 2], "by value, and no text");
        assert_eq!(born(snapshot, ..1815), [1]);
        assert_eq!(born(snapshot, ..=1815), [1, 0, 3]);
        assert_eq!(born(snapshot, 1815..1906), [0, 3, 7]);
        assert_eq!(born(snapshot, 1906..=1912), [4, 2]);
        assert_eq!(born(snapshot, "a".."z"), [6]);
        assert_eq!(born(snapshot, ..), [1, 0, 3, 7, 4, 2, 6]);
        let (late, early) = (1900, 1800);
        assert!(born(snapshot, late..early).is_empty(), "the wrong way round");
        let down = snapshot.nodes("person").with("born", 1800..=1912).descending();
        let down: Vec<u64> = down.into_iter().map(|n| n.expect("an answer").0).collect();
        assert_eq!(down, [2, 4, 7, 3, 0]);
        let ordered = |by| snapshot.nodes("person").starting_with("name", "person").ordered_by(by);
        let found: Vec<NodeId> = ordered("born").collect::<Result<_, _>>().expect("an answer");
        assert_eq!(found, [1, 0, 3, 4, 2].map(NodeId), "filtered by name, ordered by year");
        let error = ordered("name").first().expect_err("there is no index");
        assert!(matches!(error, ReadError::NoIndex(_)), "{error}");
        let both = snapshot.nodes("person").with("born", 1800..).starting_with("name", "person 3");
        assert_eq!(both.collect::<Result<Vec<_>, _>>().expect("an answer"), [NodeId(3)]);
        assert_eq!(snapshot.nodes("person").with("born", 1815).count().expect("counted"), 2);
        assert_eq!(snapshot.nodes("nobody").with("born", 1815).count().expect("counted"), 0);
        assert_eq!(snapshot.nodes("person").with("unknown", ..).count().expect("counted"), 0);
        assert_eq!(snapshot.nodes("person").count().expect("counted"), 8);
    });
}

/// Texts by prefix, with the characters that bytes are escaped for.
pub fn prefixes_are_found(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let words = ["", "a", "a\0", "a\0b", "ab", "b", "\u{10ffff}", "\u{10ffff}\u{10ffff}x", "zebra"];
    store.change(|tx| {
        tx.create_index(IndexOn::Label("word"), "text", true).expect("an index over nothing yet");
        for word in words {
            tx.add_anonymous("word", props! { "text" => word }).expect("a node");
        }
        tx.add_anonymous("word", props! { "text" => vec![b'a'] }).expect("bytes are no text");
    });
    store.settle(|snapshot| {
        for prefix in ["", "a", "a\0", "ab", "abc", "\u{10ffff}", "z"] {
            let found = snapshot.nodes("word").starting_with("text", prefix);
            assert!(found.index().is_some());
            let found = found.into_iter().map(|n| snapshot.get::<String>(n.expect("an answer"), "text"));
            let found: Vec<String> = found.map(|text| text.expect("read").expect("it has one")).collect();
            let mut wanted: Vec<&str> = words.into_iter().filter(|w| w.starts_with(prefix)).collect();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{prefix:?}");
        }
    });
}

/// Every change of a record changes the index with it: set, removed, deleted, of another type.
pub fn an_index_follows_every_change(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(|tx| tx.create_index(PERSON, "born", false).expect("an index"));
    store.change(people);
    store.change(|tx| {
        tx.set(NodeId(0), "born", 1700).expect("set");
        tx.set(NodeId(1), "born", Value::Null).expect("removed");
        tx.delete_node(NodeId(2), false).expect("deleted");
        tx.set(NodeId(3), "born", 1815.0).expect("the same number, stored otherwise");
        tx.set(NodeId(5), "born", "unknown").expect("set");
        tx.set(NodeId(4), "name", "somebody").expect("another property");
        tx.upsert_node("person", 6, props! { "born" => 1999 }).expect("set");
    });
    store.settle(|snapshot| {
        assert_eq!(born(snapshot, ..), [0, 3, 7, 4, 6, 5]);
        assert_eq!(snapshot.get::<Value>(NodeId(3), "born").expect("read"), Some(Value::Float(1815.0)));
        assert_eq!(snapshot.indexes().next().expect("one").entries, 6);
    });
}

/// What is refused changes nothing, neither in the record nor in the index; a value that went is free again.
pub fn a_unique_index_refuses_a_second(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    store.change(|tx| {
        people(tx);
        let twice = tx.create_index(PERSON, "born", true).expect_err("two were born in 1815");
        assert!(matches!(&twice, WriteError::NotUnique { index, value, .. } if index == "person.born" && value == "1815"));
        tx.create_index(PERSON, "name", true).expect("names differ");
        let again = tx.create_index(PERSON, "name", false).expect_err("there is one");
        assert!(matches!(again, WriteError::IndexExists(_)));
        let refused = tx.add_node("person", 100, props! { "name" => "person 0" }).expect_err("taken");
        assert!(matches!(&refused, WriteError::NotUnique { holder, .. } if holder == "node 0"), "{refused}");
        assert_eq!(tx.node("person", 100).expect("read"), None);
        let refused = tx.set_all(NodeId(1), props! { "x" => 1, "name" => "person 0" }).expect_err("taken");
        assert!(refused.is_refusal());
        assert_eq!(tx.get::<i64>(NodeId(1), "x").expect("read"), None);
        tx.set(NodeId(0), "name", "person 0").expect("its own");
        tx.set(NodeId(0), "name", "Ada").expect("free");
        tx.set(NodeId(1), "name", "person 0").expect("free now");
        tx.add_node("house", 1, props! { "name" => "Ada" }).expect("another label");
        let long = "x".repeat(5000);
        let refused = tx.set(NodeId(4), "name", long.as_str()).expect_err("too long to be indexed");
        assert!(matches!(refused, WriteError::BadValue { .. }), "{refused}");
        tx.set(NodeId(4), "text", long.as_str()).expect("not indexed");
        let refused = tx.create_index(PERSON, "text", false).expect_err("too long to be indexed");
        assert!(matches!(refused, WriteError::BadValue { .. }), "{refused}");
    });
    store.settle(|snapshot| {
        let named =
            |name: &str| snapshot.nodes("person").with("name", name.to_owned()).first().expect("read");
        assert_eq!(named("Ada"), Some(NodeId(0)));
        assert_eq!(named("person 0"), Some(NodeId(1)));
        assert_eq!(named("person 1"), None);
        assert_eq!(snapshot.indexes().count(), 1);
    });
}

/// Over the edges of a type, parallel ones and self-loops among them; deleting a node takes its edges out.
pub fn edges_are_indexed_too(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let edges = store.change(|tx| {
        let [a, b, c] = [1, 2, 3].map(|key| tx.add_node("person", key, props! {}).expect("a node"));
        let mut add = |from, to, since: i64| {
            tx.add_edge(from, "knows", to, props! { "since" => since }).expect("added")
        };
        let edges = vec![add(a, b, 1833), add(a, b, 1834), add(b, b, 1840), add(c, a, 1833), add(b, c, 1850)];
        tx.create_index(KNOWS, "since", false).expect("an index");
        tx.add_edge(c, "knows", b, props! {}).expect("without");
        edges
    });
    let since = |snapshot: &Snapshot, range: std::ops::RangeInclusive<i64>| {
        let found = snapshot.edges("knows").with("since", range);
        assert!(found.index().is_some());
        found.collect::<Result<Vec<Edge>, _>>().expect("an answer")
    };
    let [ab, ab1, bb, ca, bc] = edges[..] else { panic!("five") };
    assert_eq!(since(&store.snapshot(), 1830..=1845), [ab, ca, ab1, bb]);
    store.change(|tx| {
        tx.set_edge(ab, "since", 1900).expect("set");
        tx.delete_edge(ab1).expect("deleted");
        tx.delete_node(ca.source, true).expect("with its edges");
    });
    assert_eq!(since(&store.snapshot(), 1800..=2000), [bb, ab]);
    store.settle(|snapshot| {
        assert_eq!(since(snapshot, 1800..=2000), [bb, ab]);
        assert!(!snapshot.edge_exists(bc).expect("read"));
    });
}

/// A large index is sorted and built on pages; dropping it gives them back, and another one can be made in its place.
pub fn a_large_index_is_built_and_dropped(fixture: &dyn Fixture) {
    let options = fixture.options().memory_budget(64 << 10);
    let store = Store::create_with(fixture, options);
    const COUNT: i64 = 4000;
    store.change(|tx| {
        for key in 0..COUNT {
            let text = format!("{:060}", key * 7919 % COUNT);
            tx.add_node("n", key, props! { "text" => text, "half" => key / 2 }).expect("a node");
        }
    });
    let used = |store: &Store<'_>| store.db.pages().expect("read").len();
    let on = IndexOn::Label("n");
    let before = used(&store);
    store.change(|tx| {
        let refused = tx.create_index(on, "half", true).expect_err("each twice");
        assert!(matches!(refused, WriteError::NotUnique { .. }), "{refused}");
        tx.create_index(on, "text", true).expect("an index");
    });
    store.assert_clean();
    let least = (64 << 10) / store.db.pager().page_size().bytes();
    assert!(used(&store) > before + least, "{before} pages before, {} after", used(&store));
    let check = |snapshot: &Snapshot| {
        let text = format!("{:060}", 4);
        let found = snapshot.nodes("n").with("text", text.as_str()).first().expect("read").expect("there");
        assert_eq!(snapshot.get::<String>(found, "text").expect("read"), Some(text));
        let all = snapshot.nodes("n").with("text", ..).into_iter().map(|n| n.expect("an answer"));
        let texts: Vec<String> =
            all.map(|n| snapshot.get(n, "text").expect("read").expect("there")).collect();
        assert!(texts.is_sorted() && texts.len() == COUNT as usize);
    };
    check(&store.snapshot());
    let held = store.snapshot();
    store.change(|tx| {
        tx.set(NodeId(7), "text", "changed").expect("set");
        tx.drop_index(on, "text").expect("dropped");
        let refused = tx.drop_index(on, "text").expect_err("gone");
        assert!(matches!(refused, WriteError::NoIndex(_)));
        tx.set(NodeId(8), "text", "changed").expect("nothing is unique any more");
    });
    check(&held);
    drop(held);
    store.change(|tx| tx.create_index(on, "half", false).expect("another one"));
    store.db.compact().expect("compacted");
    store.settle(|snapshot| {
        assert_eq!(snapshot.nodes("n").with("half", 5).count().expect("counted"), 2);
        assert_eq!(snapshot.nodes("n").with("text", "changed").count().expect("counted"), 2);
    });
}
