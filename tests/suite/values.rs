//! Values as a reader of the documentation would compare them: the one order over all types, equality bit by bit, what is
//! too long for an index; and awkward values to draw from.
//!
//! Must always be true: nothing here asks the library, so that the library can be compared with it.

use foliograph::Value;
use std::cmp::Ordering;

const TWO_53: f64 = 9_007_199_254_740_992.0;
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// The type's place in the order. Integers and floats are one type.
pub fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) => 2,
        Value::Text(_) => 3,
        Value::Bytes(_) => 4,
        Value::Date(_) => 5,
        Value::Timestamp(_) => 6,
        Value::List(_) => 7,
    }
}

/// The order: by type, numbers exactly as numbers, -0.0 is 0.0, every NaN is the same and comes last of them.
pub fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Int(a), Value::Float(b)) => int_and_float(*a, *b),
        (Value::Float(a), Value::Int(b)) => int_and_float(*b, *a).reverse(),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => {
            let different = a.iter().zip(b).map(|(a, b)| order(a, b)).find(|order| order.is_ne());
            different.unwrap_or(a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn int_and_float(a: i64, b: f64) -> Ordering {
    if b.is_nan() {
        return Ordering::Less;
    }
    // Without its fraction; what is far outside stays far outside.
    let whole = b as i128;
    i128::from(a).cmp(&whole).then_with(|| 0.0.partial_cmp(&b.fract()).unwrap_or(Ordering::Equal))
}

/// The same value, bit by bit: NaN is itself, -0.0 is not 0.0, 1 is not 1.0.
pub fn identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical(a, b))
        }
        _ => a == b,
    }
}

/// The bytes of a value in an index, by the words of the documentation of the order.
pub fn key_len(value: &Value) -> usize {
    let zeros = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == 0).count();
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Int(n) => 9 + 2 * usize::from(*n >= 1 << 53 || *n <= -(1 << 53)),
        Value::Float(x) => {
            let wide = (TWO_53..TWO_63).contains(x) || (-TWO_63..=-TWO_53).contains(x);
            9 + 2 * usize::from(wide)
        }
        Value::Text(text) => 3 + text.len() + zeros(text.as_bytes()),
        Value::Bytes(bytes) => 3 + bytes.len() + zeros(bytes),
        Value::Date(_) => 5,
        Value::Timestamp(_) => 9,
        Value::List(items) => 2 + items.iter().map(key_len).sum::<usize>(),
    }
}

/// Whether an index can hold it. Null is no value.
pub fn fits_index(value: &Value) -> bool {
    *value != Value::Null && key_len(value) <= foliograph::index::MAX_INDEXED
}

/// Values of every type, many of them equal to another one or just beside it.
pub fn awkward() -> Vec<Value> {
    let (text, list) = (Value::from("a"), |items: &[Value]| Value::List(items.to_vec()));
    let numbers = [1 << 53, (1 << 53) + 1, -(1 << 53), -(1 << 53) - 1, i64::MAX, i64::MIN, 0, 1, -1];
    let floats = [0.0, -0.0, 1.0, -1.0, 0.5, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let wide = [5e-324, TWO_53, -TWO_53 - 2.0, TWO_63, -TWO_63, f64::MAX];
    let texts = ["", "a", "a\0", "a\0b", "ab", "grün", "😀", "\u{10ffff}", "\u{10ffff}x"];
    let bytes = [&b""[..], b"\0", b"\0\xff", b"\xff\xff", b"a"];
    let mut all = vec![Value::Bool(false), Value::Bool(true)];
    all.extend(numbers.map(Value::Int));
    all.extend(floats.into_iter().chain(wide).map(Value::Float));
    all.extend(texts.map(Value::from));
    all.extend(bytes.map(|bytes| Value::Bytes(bytes.to_vec())));
    all.extend([-4_000_000, -719_163, -1, 0, 1].map(Value::Date));
    all.extend([-62_135_596_800_000_001, -1, 0, 1].map(Value::Timestamp));
    all.extend([
        list(&[]),
        list(&[Value::Null]),
        list(&[Value::Null, Value::Int(1)]),
        list(&[Value::Null, Value::Float(1.0)]),
        list(&[Value::Int(1), Value::Null]),
        list(&[text.clone(), Value::Bytes(vec![0])]),
        list(&[text, Value::Date(-1), Value::Bool(true)]),
    ]);
    // The longest that an index takes, and the shortest that it does not.
    all.extend([1021, 1022].map(|len| Value::Text("l".repeat(len))));
    all.extend([510, 511].map(|len| Value::Bytes(vec![0; len])));
    all
}

#[test]
fn the_awkward_values_meet_each_other() {
    let all = awkward();
    let mut equal = 0;
    for (i, a) in all.iter().enumerate() {
        assert!(identical(a, a) && order(a, a).is_eq());
        for b in &all[..i] {
            assert!(!identical(a, b), "{a:?} is there twice");
            assert_eq!(order(a, b), order(b, a).reverse());
            equal += usize::from(order(a, b).is_eq());
        }
    }
    assert!(equal >= 8, "{equal} pairs are equal and differ in their bits");
    assert!(all.iter().any(|value| !fits_index(value)));
}
