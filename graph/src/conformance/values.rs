//! Properties: every type, every length, on nodes and edges.

use super::{Fixture, Store};
use crate::{NodeId, Props, ReadError, Value, WriteError, props};

/// A value of each type, with its extremes.
fn samples() -> Props {
    let list =
        vec![Value::Null, Value::Bool(true), Value::Int(-1), Value::Text("ä".into()), Value::Float(0.25)];
    props! {
        "true" => true,
        "false" => false,
        "int" => -7,
        "smallest" => i64::MIN,
        "largest" => i64::MAX,
        "float" => 0.1,
        "infinite" => f64::NEG_INFINITY,
        "tiny" => f64::MIN_POSITIVE,
        "text" => "Grüße, 世界",
        "empty text" => "",
        "bytes" => vec![0u8, 255, 0, 13, 10],
        "no bytes" => Vec::<u8>::new(),
        "date" => Value::Date(-1),
        "timestamp" => Value::Timestamp(-62_135_596_800_000_000),
        "list" => list,
        "empty list" => Vec::<Value>::new(),
    }
}

/// Bit for bit, on a node and on an edge, one by one and all at once.
pub fn every_type_comes_back(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (node, edge) = store.change(|tx| {
        let node = tx.add_node("n", "a", samples()).expect("a node");
        tx.set(node, "nan", f64::from_bits(0x7ff8_0000_0000_1234)).expect("a property");
        tx.set(node, "minus zero", -0.0).expect("a property");
        (node, tx.add_edge(node, "e", node, samples()).expect("both ends are there"))
    });
    store.settle(|snapshot| {
        for (name, value) in samples() {
            assert_eq!(snapshot.get::<Value>(node, &name).expect("an answer"), Some(value.clone()), "{name}");
            assert_eq!(snapshot.get_edge::<Value>(edge, &name).expect("an answer"), Some(value), "{name}");
        }
        assert_eq!(snapshot.edge_props(edge).expect("an answer"), samples());
        assert_eq!(snapshot.node_props(node).expect("an answer").len(), samples().len() + 2);
        let bits = |name| snapshot.get::<f64>(node, name).expect("an answer").map(f64::to_bits);
        assert_eq!(bits("nan"), Some(0x7ff8_0000_0000_1234));
        assert_eq!(bits("minus zero"), Some((-0.0f64).to_bits()));
        assert_eq!(snapshot.get::<i64>(node, "unknown").expect("an answer"), None);
    });
}

/// Bytes that repeat nowhere near: a page that is swapped, lost or doubled shows.
fn long(len: usize, salt: u64) -> Vec<u8> {
    let word = |i: u64| (i ^ salt << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
    (0..len as u64 / 8 + 1).flat_map(word).take(len).collect()
}

/// Lengths around a page and of megabytes, replaced by longer and shorter ones, and their pages given back.
pub fn values_of_megabytes_come_back(fixture: &dyn Fixture) {
    let lengths = [3_000, 4_064, 4_097, 65_536, 70_001, 3 << 20];
    let store = Store::create(fixture);
    let (node, edge) = store.change(|tx| {
        let node = tx.add_node("n", "long", props! {}).expect("a node");
        let edge = tx.add_edge(node, "e", node, props! {}).expect("both ends are there");
        for (i, len) in lengths.into_iter().enumerate() {
            tx.set(node, &format!("v{i}"), long(len, i as u64)).expect("a property");
            tx.set_edge(edge, &format!("v{i}"), long(len + 1, i as u64)).expect("a property");
        }
        (node, edge)
    });
    let hold = |store: &Store<'_>, salt: u64, extra: usize| {
        let snapshot = store.snapshot();
        for (i, len) in lengths.into_iter().enumerate() {
            let name = format!("v{i}");
            let value = snapshot.get::<Vec<u8>>(node, &name).expect("an answer").expect("set");
            assert!(value == long(len + extra, i as u64 + salt), "{name} of the node, {len} bytes");
            let value = snapshot.get_edge::<Vec<u8>>(edge, &name).expect("an answer").expect("set");
            assert!(value == long(len + extra + 1, i as u64 + salt), "{name} of the edge, {len} bytes");
        }
    };
    hold(&store, 0, 0);
    store.assert_clean();
    store.change(|tx| {
        for (i, len) in lengths.into_iter().enumerate() {
            tx.set(node, &format!("v{i}"), long(len + 1_000, i as u64 + 9)).expect("a property");
            tx.set_edge(edge, &format!("v{i}"), long(len + 1_001, i as u64 + 9)).expect("a property");
        }
        let text = "é".repeat(600_000);
        tx.set(node, "text", text.as_str()).expect("a property");
        assert_eq!(tx.get::<String>(node, "text").expect("an answer"), Some(text), "before the commit");
        tx.set(node, "text", "short").expect("a property");
    });
    let store = store.reopen();
    hold(&store, 9, 1_000);
    assert_eq!(store.snapshot().get::<String>(node, "text").expect("an answer").as_deref(), Some("short"));
    store.assert_clean();
    store.change(|tx| tx.delete_node(node, true).expect("detached"));
    store.settle(|snapshot| assert_eq!(snapshot.node_count(), 0));
}

/// Among parallel edges each has its own; many edges with properties span many pages.
pub fn edges_have_properties_too(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (a, b) = store.change(|tx| {
        let a = tx.add_node("n", "a", props! {}).expect("a node");
        let b = tx.add_node("n", "b", props! {}).expect("a node");
        for i in 0..1_500 {
            let given = if i % 3 == 0 {
                props! {}
            } else {
                props! { "i" => i, "name" => format!("edge {i}") }
            };
            tx.add_edge(a, ["x", "y"][i as usize % 2], b, given).expect("both ends are there");
        }
        (a, b)
    });
    store.settle(|snapshot| {
        for node in [a, b] {
            let direction = if node == a { crate::Direction::Out } else { crate::Direction::In };
            let mut seen = 0;
            for neighbor in snapshot.neighbors(node).direction(direction) {
                let neighbor = neighbor.expect("a neighbour");
                let i = i64::from(neighbor.edge.rank) * 2
                    + i64::from(snapshot.type_name(neighbor.edge.edge_type) == "y");
                let wanted = (i % 3 != 0).then_some(i);
                assert_eq!(neighbor.get::<i64>("i").expect("an answer"), wanted);
                assert_eq!(neighbor.props().expect("an answer").len(), if wanted.is_some() { 2 } else { 0 });
                seen += 1;
            }
            assert_eq!(seen, 1_500);
        }
    });
}

/// Setting one keeps the others; null removes; a value may change its type.
pub fn properties_are_set_and_removed(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let (node, edge) = store.change(|tx| {
        let node = tx.add_node("n", "a", props! { "a" => 1, "b" => 2, "c" => 3 }).expect("a node");
        let edge = tx.add_edge(node, "e", node, props! { "a" => 1, "b" => 2 }).expect("both ends are there");
        (node, edge)
    });
    store.change(|tx| {
        tx.set(node, "b", "two").expect("a property");
        tx.set_all(node, props! { "a" => Value::Null, "d" => 4.5, "never" => Value::Null })
            .expect("properties");
        tx.set_edge(edge, "a", Value::Null).expect("a property");
        tx.set_edge_all(edge, props! { "b" => Value::Null }).expect("properties");
        assert!(matches!(tx.set(NodeId(99), "a", 1), Err(WriteError::NoNode(_))));
    });
    store.settle(|snapshot| {
        let wanted = props! { "b" => "two", "c" => 3, "d" => 4.5 };
        assert_eq!(snapshot.node_props(node).expect("an answer"), wanted);
        assert_eq!(snapshot.edge_props(edge).expect("an answer"), props! {});
        assert_eq!(snapshot.property("never"), None, "removing makes no name");
    });
}

/// Not a silent `None`, not a conversion: an error that says what is there.
pub fn a_wrong_type_is_an_error(fixture: &dyn Fixture) {
    let store = Store::create(fixture);
    let node = store.change(|tx| tx.add_node("n", "a", props! { "born" => 1815 }).expect("a node"));
    store.settle(|snapshot| {
        let wrong = snapshot.get::<String>(node, "born");
        assert!(matches!(wrong, Err(ReadError::WrongType { .. })), "{wrong:?}");
        assert!(matches!(snapshot.get::<i64>(NodeId(99), "born"), Err(ReadError::NoNode(_))));
    });
}
