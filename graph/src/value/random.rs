//! Random values for tests: many awkward ones among them.

use crate::model::Value;
use storage_core::device::sim::Rng;

/// Integers of all sizes, often beside a power of two where floats lie wider than integers.
pub(crate) fn integer(rng: &mut Rng) -> i64 {
    let near = [0, 1 << 53, -(1 << 53), i64::MAX, i64::MIN, 1 << 62, -(1 << 62), 128, 1 << 54][rng.index(9)];
    let away = rng.below(2100) as i64;
    match rng.below(3) {
        0 => rng.next_u64() as i64 >> rng.below(64),
        1 => near + if near > 0 { -away } else { away },
        _ => (near / 2 + away * 2 - 2100).saturating_mul(2),
    }
}

/// Floats: the special ones, any bits, integers and quarters.
pub(crate) fn float(rng: &mut Rng) -> f64 {
    let special = [
        0.0,
        -0.0,
        f64::NAN,
        -f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        -5e-324,
        0.5,
        -0.5,
        1.5,
        0.1,
    ];
    match rng.below(4) {
        0 => special[rng.index(special.len())],
        1 => f64::from_bits(rng.next_u64()),
        2 => integer(rng) as f64,
        _ => integer(rng) as f64 + rng.below(8) as f64 / 4.0,
    }
}

/// Bytes, mostly short, with many zeros and 255s.
pub(crate) fn bytes(rng: &mut Rng) -> Vec<u8> {
    let len = if rng.chance(1, 8) { rng.below(300) } else { rng.below(5) };
    (0..len).map(|_| [0, 1, 0xff, b'a', rng.next_u64() as u8][rng.index(5)]).collect()
}

/// Text, mostly short, with zeros and characters of every length.
pub(crate) fn text(rng: &mut Rng) -> String {
    let len = if rng.chance(1, 8) { rng.below(150) } else { rng.below(5) };
    (0..len).map(|_| ['\0', 'a', 'é', '\u{1}', '😀', '\u{7f}'][rng.index(6)]).collect()
}

/// Any value but a list.
pub(crate) fn scalar(rng: &mut Rng) -> Value {
    match rng.below(12) {
        0 => Value::Null,
        1 => Value::Bool(rng.chance(1, 2)),
        2..=4 => Value::Int(integer(rng)),
        5..=6 => Value::Float(float(rng)),
        7..=8 => Value::Text(text(rng)),
        9 => Value::Bytes(bytes(rng)),
        10 => Value::Date(integer(rng) as i32),
        _ => Value::Timestamp(integer(rng) / 1_000_000 * [1, 1_000_000][rng.index(2)]),
    }
}

/// Any value.
pub(crate) fn value(rng: &mut Rng) -> Value {
    match rng.below(6) {
        0 => Value::List((0..rng.below(4)).map(|_| scalar(rng)).collect()),
        _ => scalar(rng),
    }
}

/// Equal bit by bit: NaN is itself, -0.0 is not 0.0.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}
