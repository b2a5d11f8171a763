//! The words of the model through `serde`: JSON as people read it, and postcard as machines do.
//!
//! Random values are drawn from a seed that is printed: `FOLIOGRAPH_SEED` replays it.

use crate::harness::seed;
use foliograph::storage_core::device::sim::Rng;
use foliograph::traverse::Path;
use foliograph::value::{check, compare};
use foliograph::{Direction, Edge, Key, LabelId, NodeId, PropertyId, Props, TypeId, Value, props};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

fn json<T: Serialize + DeserializeOwned + Debug>(value: &T, text: &str) {
    assert_eq!(serde_json::to_string(value).expect("written"), text);
    let back: T = serde_json::from_str(text).expect("read");
    assert_eq!(format!("{back:?}"), format!("{value:?}"), "{text}");
    packed(value);
}

fn packed<T: Serialize + DeserializeOwned + Debug>(value: &T) {
    let bytes = postcard::to_stdvec(value).expect("written");
    let back: T = postcard::from_bytes(&bytes).expect("read");
    assert_eq!(format!("{back:?}"), format!("{value:?}"));
}

#[test]
fn each_word_has_its_natural_form() {
    json(&NodeId(7), "7");
    json(&NodeId::MAX, "18446744073709551614");
    json(&(LabelId(1), TypeId(2), PropertyId(3)), "[1,2,3]");
    json(&Key::Int(-7), "-7");
    json(&Key::from("7"), r#""7""#);
    json(&[Direction::Out, Direction::In, Direction::Both], r#"["out","in","both"]"#);
    let edge = Edge { source: NodeId(1), edge_type: TypeId(0), target: NodeId(2), rank: 3 };
    json(&edge, r#"{"source":1,"edge_type":0,"target":2,"rank":3}"#);
    json(&Path { nodes: vec![NodeId(1), NodeId(2)] }, r#"{"nodes":[1,2]}"#);
}

#[test]
fn each_value_says_what_it_is() {
    json(&Value::Null, "null");
    json(&Value::Bool(true), "true");
    json(&Value::Int(i64::MIN), "-9223372036854775808");
    json(&Value::Float(1.0), "1.0");
    json(&Value::Float(-0.0), "-0.0");
    json(&Value::Float(1e300), "1e+300");
    json(&Value::Float(f64::INFINITY), r#"{"$float":"inf"}"#);
    json(&Value::Float(f64::NEG_INFINITY), r#"{"$float":"-inf"}"#);
    json(&Value::Float(f64::NAN), r#"{"$float":"nan"}"#);
    json(&Value::from("inf"), r#""inf""#);
    json(&Value::Bytes(vec![0, 255]), r#"{"$bytes":"AP8="}"#);
    json(&Value::Date(-1), r#"{"$date":"1969-12-31"}"#);
    json(&Value::Timestamp(-1), r#"{"$timestamp":"1969-12-31T23:59:59.999999Z"}"#);
    let list = vec![1.into(), 1.0.into(), "1".into(), Value::Null, Value::Date(0)];
    json(&Value::List(list), r#"[1,1.0,"1",null,{"$date":"1970-01-01"}]"#);
    json(&Value::List(vec![]), "[]");
}

#[derive(Serialize, Deserialize, Debug)]
struct Person {
    key: Key,
    #[serde(with = "foliograph::serde::props")]
    props: Props,
}

#[test]
fn properties_are_a_map() {
    let person = Person { key: "ada".into(), props: props! { "name" => "Ada", "born" => 1815 } };
    json(&person, r#"{"key":"ada","props":{"name":"Ada","born":1815}}"#);
    let twice = serde_json::from_str::<Person>(r#"{"key":"a","props":{"a":1,"a":2}}"#);
    assert!(twice.expect_err("refused").to_string().contains("`a` is given twice"));
}

#[test]
fn what_is_no_value_is_refused() {
    let deep = "[".repeat(100_000);
    for text in [
        "[[1]]",
        "[[]]",
        "{}",
        r#"{"a":1}"#,
        r#"{"$date":"2026-02-30"}"#,
        r#"{"$date":1}"#,
        r#"{"$bytes":"x"}"#,
        r#"{"$float":"Infinity"}"#,
        r#"{"$date":"2026-01-01","a":1}"#,
        "9223372036854775808",
        &deep,
    ] {
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
    }
    for text in ["1.0", "null", "true", "[]", r#"{"$date":"2026-01-01"}"#] {
        assert!(serde_json::from_str::<Key>(text).is_err(), "{text}");
    }
    let nested = Value::List(vec![Value::List(vec![])]);
    assert!(serde_json::to_string(&nested).is_err() && postcard::to_stdvec(&nested).is_err());
    for outside in [Value::Date(i32::MAX), Value::Timestamp(i64::MIN)] {
        assert!(check(&outside).is_err() && serde_json::to_string(&outside).is_err());
    }
}

fn float(rng: &mut Rng) -> f64 {
    let special = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324, 0.1];
    match rng.below(4) {
        0 => special[rng.index(special.len())],
        1 => rng.next_u64() as i64 as f64 / 100.0,
        _ => f64::from_bits(rng.next_u64()),
    }
}

fn scalar(rng: &mut Rng) -> Value {
    let bits = rng.next_u64() as i64 >> rng.below(64);
    match rng.below(8) {
        0 => Value::Null,
        1 => Value::Bool(rng.chance(1, 2)),
        2 => Value::Int(bits),
        3 => Value::Float(float(rng)),
        4 => (0..rng.below(9))
            .map(|_| ['\0', '"', '\\', '\n', 'é', '😀', '$'][rng.index(7)])
            .collect::<String>()
            .into(),
        5 => Value::Bytes(bits.to_le_bytes()[..rng.index(9)].to_vec()),
        6 => Value::Date((bits % 2_900_000) as i32),
        _ => Value::Timestamp(bits % 250_000_000_000_000_000),
    }
}

fn value(rng: &mut Rng) -> Value {
    match rng.below(5) {
        0 => Value::List((0..rng.below(5)).map(|_| scalar(rng)).collect()),
        _ => scalar(rng),
    }
}

/// The same type and the same bits, but for NaN, which is one.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}

#[test]
fn every_value_comes_back_bit_by_bit() {
    let seed = seed(0x5e7de);
    let mut rng = Rng::new(seed);
    for _ in 0..20_000 {
        let value = value(&mut rng);
        let text = serde_json::to_string(&value).expect("written");
        let back: Value = serde_json::from_str(&text).expect("read");
        assert!(
            same(&value, &back) && compare(&value, &back).is_eq(),
            "seed {seed}: {value:?}, {text}, {back:?}"
        );
        let bytes = postcard::to_stdvec(&value).expect("written");
        let back: Value = postcard::from_bytes(&bytes).expect("read");
        assert!(same(&value, &back), "seed {seed}: {value:?}, {back:?}");
    }
}
