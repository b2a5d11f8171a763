//! The one order over all values, and bytes that have it. Part of the file format: indexes are sorted by it.
//!
//! - By type: null, boolean, number, text, bytes, date, timestamp, list.
//! - false before true. Text and bytes by their bytes. Dates and timestamps by time. Lists by their first different
//!   item, a list before its continuations.
//! - Integers and floats are one type, compared exactly as numbers: 2⁵³ + 1 comes after 2⁵³ whatever holds them, and
//!   an integer *equals* a float of the same number. -0.0 equals 0.0. All NaNs are equal, and come after +∞.
//!
//! [`key_bytes`] makes bytes whose `memcmp` order is this order: equal bytes exactly for equal values. They delimit
//! themselves, so that more may follow them in a key (a node id), and no value's bytes begin another value's. A
//! number comes back from its bytes as *a* number that is equal: as an integer where it is one, else as a float.
//!
//! A number is the greatest float not above it, as eight big-endian bytes with the sign turned round; where floats lie
//! more than one apart (from 2⁵³ to 2⁶³, either sign), two bytes more hold its distance from that float, below 1024.
//! Text and bytes end with 0 0, and a 0 within them is 0 255. A list ends with 0, below every tag.

use super::varint::{Malformed, Reader};
use crate::model::{Key, Value};
use std::cmp::Ordering;

const END: u8 = 0;
const NULL: u8 = 0x08;
const FALSE: u8 = 0x10;
const TRUE: u8 = 0x11;
const NUMBER: u8 = 0x18;
const TEXT: u8 = 0x20;
const BYTES: u8 = 0x28;
const DATE: u8 = 0x30;
const TIMESTAMP: u8 = 0x38;
const LIST: u8 = 0x40;

/// After a 0 within text: it was one. Anything smaller ends the text.
const ESCAPED: u8 = 0xff;
const TWO_53: f64 = 9_007_199_254_740_992.0;
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// Compares two values in the order of this module.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => compare_floats(*a, *b),
        (Value::Int(a), Value::Float(b)) => compare_mixed(*a, *b),
        (Value::Float(a), Value::Int(b)) => compare_mixed(*b, *a).reverse(),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => {
            let first = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
            first.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => NULL,
        Value::Bool(_) => FALSE,
        Value::Int(_) | Value::Float(_) => NUMBER,
        Value::Text(_) => TEXT,
        Value::Bytes(_) => BYTES,
        Value::Date(_) => DATE,
        Value::Timestamp(_) => TIMESTAMP,
        Value::List(_) => LIST,
    }
}

fn compare_floats(a: f64, b: f64) -> Ordering {
    // Only a NaN compares with nothing; of two, neither is first.
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn compare_mixed(a: i64, b: f64) -> Ordering {
    if b.is_nan() || b >= TWO_63 {
        return Ordering::Less;
    }
    if b < -TWO_63 {
        return Ordering::Greater;
    }
    let floor = b.floor();
    // Within the bounds just checked the floor is an i64 exactly.
    a.cmp(&(floor as i64)).then(if b > floor { Ordering::Less } else { Ordering::Equal })
}

/// Appends bytes that delimit themselves and whose `memcmp` order is [`compare`].
pub fn key_bytes(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(b) => out.push(if *b { TRUE } else { FALSE }),
        Value::Int(n) => put_int(*n, out),
        Value::Float(x) => put_float(*x, out),
        Value::Text(s) => put_escaped(TEXT, s.as_bytes(), out),
        Value::Bytes(b) => put_escaped(BYTES, b, out),
        Value::Date(days) => {
            out.push(DATE);
            out.extend_from_slice(&(*days as u32 ^ 1 << 31).to_be_bytes());
        }
        Value::Timestamp(micros) => {
            out.push(TIMESTAMP);
            out.extend_from_slice(&(*micros as u64 ^ 1 << 63).to_be_bytes());
        }
        Value::List(items) => {
            out.push(LIST);
            for item in items {
                key_bytes(item, out);
            }
            out.push(END);
        }
    }
}

/// As [`key_bytes`], for the last part of a key: text and bytes stand as they are, with no end and no escapes. The
/// order among such keys is the same; the two forms do not mix.
pub fn last_key_bytes(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Text(s) => put_plain(TEXT, s.as_bytes(), out),
        Value::Bytes(b) => put_plain(BYTES, b, out),
        other => key_bytes(other, out),
    }
}

/// [`last_key_bytes`] of a node's key: at most [`Key::MAX_LEN`] + 1 bytes.
pub fn node_key_bytes(key: &Key, out: &mut Vec<u8>) {
    match key {
        Key::Int(n) => put_int(*n, out),
        Key::Text(s) => put_plain(TEXT, s.as_bytes(), out),
    }
}

fn put_plain(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn put_escaped(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 3);
    out.push(tag);
    for (index, run) in bytes.split(|byte| *byte == END).enumerate() {
        if index > 0 {
            out.extend_from_slice(&[END, ESCAPED]);
        }
        out.extend_from_slice(run);
    }
    out.extend_from_slice(&[END, END]);
}

fn put_int(n: i64, out: &mut Vec<u8>) {
    let nearest = n as f64;
    let floor = if nearest as i128 > i128::from(n) { nearest.next_down() } else { nearest };
    let above = i128::from(n) - floor as i128;
    put_number(floor, above as u16, out);
}

fn put_float(x: f64, out: &mut Vec<u8>) {
    let canonical = if x.is_nan() {
        f64::from_bits(0x7ff8 << 48)
    } else if x == 0.0 {
        0.0
    } else {
        x
    };
    put_number(canonical, 0, out);
}

fn put_number(floor: f64, above: u16, out: &mut Vec<u8>) {
    let bits = floor.to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    out.push(NUMBER);
    out.extend_from_slice(&ordered.to_be_bytes());
    if has_distance(floor) {
        out.extend_from_slice(&above.to_be_bytes());
    }
}

fn has_distance(floor: f64) -> bool {
    (TWO_53..TWO_63).contains(&floor) || (-TWO_63..=-TWO_53).contains(&floor)
}

/// Reads what [`key_bytes`] wrote, and leaves the reader behind it.
///
/// # Errors
/// [`Malformed`]: the bytes are none.
pub fn decode_key(reader: &mut Reader<'_>) -> Result<Value, Malformed> {
    match reader.u8()? {
        LIST => {
            let mut items = Vec::new();
            loop {
                match reader.u8()? {
                    END => return Ok(Value::List(items)),
                    tag => items.push(key_scalar(tag, reader)?),
                }
            }
        }
        tag => key_scalar(tag, reader),
    }
}

fn key_scalar(tag: u8, reader: &mut Reader<'_>) -> Result<Value, Malformed> {
    Ok(match tag {
        NULL => Value::Null,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        NUMBER => number(reader)?,
        TEXT => text(unescape(reader)?)?,
        BYTES => Value::Bytes(unescape(reader)?),
        DATE => Value::Date((u32::from_be_bytes(reader.array()?) ^ 1 << 31) as i32),
        TIMESTAMP => Value::Timestamp((u64::from_be_bytes(reader.array()?) ^ 1 << 63) as i64),
        _ => return Err(Malformed("unknown type in a key")),
    })
}

fn text(bytes: Vec<u8>) -> Result<Value, Malformed> {
    String::from_utf8(bytes).map(Value::Text).map_err(|_| Malformed("text is not UTF-8"))
}

fn unescape(reader: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let mut bytes = Vec::new();
    loop {
        bytes.extend_from_slice(reader.until(END)?);
        match reader.u8()? {
            END => return Ok(bytes),
            ESCAPED => bytes.push(END),
            _ => return Err(Malformed("unknown escape in a key")),
        }
    }
}

fn number(reader: &mut Reader<'_>) -> Result<Value, Malformed> {
    let ordered = u64::from_be_bytes(reader.array()?);
    let floor = f64::from_bits(if ordered >> 63 == 1 { ordered ^ 1 << 63 } else { !ordered });
    let above = if has_distance(floor) { u16::from_be_bytes(reader.array()?) } else { 0 };
    if (-TWO_63..TWO_63).contains(&floor) && floor.trunc() == floor {
        let n = (floor as i64).checked_add(above.into());
        return n.map(Value::Int).ok_or(Malformed("an integer in a key is out of range"));
    }
    Ok(Value::Float(floor))
}

/// Reads what [`last_key_bytes`] wrote: all of `bytes`.
///
/// # Errors
/// [`Malformed`]: the bytes are none.
pub fn decode_last_key(bytes: &[u8]) -> Result<Value, Malformed> {
    match bytes {
        [TEXT, rest @ ..] => text(rest.to_vec()),
        [BYTES, rest @ ..] => Ok(Value::Bytes(rest.to_vec())),
        _ => {
            let mut reader = Reader::new(bytes);
            let value = decode_key(&mut reader)?;
            if reader.is_empty() { Ok(value) } else { Err(Malformed("bytes after a key")) }
        }
    }
}

/// Reads what [`node_key_bytes`] wrote: all of `bytes`.
///
/// # Errors
/// [`Malformed`]: the bytes are none.
pub fn node_key(bytes: &[u8]) -> Result<Key, Malformed> {
    match decode_last_key(bytes)? {
        Value::Int(n) => Ok(Key::Int(n)),
        Value::Text(s) => Ok(Key::Text(s)),
        _ => Err(Malformed("a node's key is neither integer nor text")),
    }
}
