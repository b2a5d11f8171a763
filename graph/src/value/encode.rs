//! Values as compact, self-describing bytes: a tag, then what the tag says.
//!
//! | tag | payload |
//! |---|---|
//! | 0 | null |
//! | 1, 2 | false, true |
//! | 3 | integer: zigzag |
//! | 4 | float: 8 bytes |
//! | 5 | float that is the same in 32 bits: 4 bytes |
//! | 6 | text: length, UTF-8 |
//! | 7 | bytes: length, bytes |
//! | 8 | date: zigzag days |
//! | 9 | timestamp: zigzag microseconds |
//! | 10 | timestamp of whole seconds: zigzag seconds |
//! | 11 | list: count, values that are no lists |
//! | 12 to 15 | a long value elsewhere: see `node::props`; never inside a list |
//! | 0x40 + n | text of n < 64 bytes |
//! | 0x80 + n | integer n < 128 |
//!
//! Lengths and counts are varints. The other tags are free; a reader refuses them.

use super::varint::{Malformed, Reader, put_varint, put_zigzag, varint_len, zigzag_len};
use crate::model::Value;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
const FLOAT_32: u8 = 5;
const TEXT: u8 = 6;
const BYTES: u8 = 7;
const DATE: u8 = 8;
const MICROS: u8 = 9;
const SECONDS: u8 = 10;
const LIST: u8 = 11;
const SHORT_TEXT: u8 = 0x40;
const SHORT_TEXT_END: usize = 0x40;
const SMALL_INT: u8 = 0x80;
const SMALL_INT_END: i64 = 0x80;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Appends the bytes of a value.
///
/// # Panics
/// If a list stands in a list: [`super::check`] refuses that where values are taken in.
pub fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(b) => out.push(if *b { TRUE } else { FALSE }),
        Value::Int(n) if (0..SMALL_INT_END).contains(n) => out.push(SMALL_INT + *n as u8),
        Value::Int(n) => put_signed(INT, *n, out),
        Value::Float(x) => match as_f32(*x) {
            Some(short) => put_bytes(FLOAT_32, &short.to_le_bytes(), out),
            None => put_bytes(FLOAT, &x.to_le_bytes(), out),
        },
        Value::Text(s) if s.len() < SHORT_TEXT_END => {
            put_bytes(SHORT_TEXT + s.len() as u8, s.as_bytes(), out)
        }
        Value::Text(s) => put_counted(TEXT, s.as_bytes(), out),
        Value::Bytes(b) => put_counted(BYTES, b, out),
        Value::Date(days) => put_signed(DATE, (*days).into(), out),
        Value::Timestamp(t) if t % MICROS_PER_SECOND == 0 => put_signed(SECONDS, t / MICROS_PER_SECOND, out),
        Value::Timestamp(t) => put_signed(MICROS, *t, out),
        Value::List(items) => {
            out.push(LIST);
            put_varint(items.len() as u64, out);
            for item in items {
                assert!(!matches!(item, Value::List(_)), "lists do not nest");
                encode(item, out);
            }
        }
    }
}

fn put_signed(tag: u8, n: i64, out: &mut Vec<u8>) {
    out.push(tag);
    put_zigzag(n, out);
}

fn put_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn put_counted(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// The same number in 32 bits, if there is one. Not for NaN: its payload must survive.
fn as_f32(x: f64) -> Option<f32> {
    let short = x as f32;
    (!x.is_nan() && f64::from(short).to_bits() == x.to_bits()).then_some(short)
}

/// How many bytes [`encode`] appends.
pub fn encoded_len(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Int(n) if (0..SMALL_INT_END).contains(n) => 1,
        Value::Int(n) => 1 + zigzag_len(*n),
        Value::Float(x) => match as_f32(*x) {
            Some(_) => 5,
            None => 9,
        },
        Value::Text(s) if s.len() < SHORT_TEXT_END => 1 + s.len(),
        Value::Text(s) => 1 + varint_len(s.len() as u64) + s.len(),
        Value::Bytes(b) => 1 + varint_len(b.len() as u64) + b.len(),
        Value::Date(days) => 1 + zigzag_len((*days).into()),
        Value::Timestamp(t) if t % MICROS_PER_SECOND == 0 => 1 + zigzag_len(t / MICROS_PER_SECOND),
        Value::Timestamp(t) => 1 + zigzag_len(*t),
        Value::List(items) => {
            1 + varint_len(items.len() as u64) + items.iter().map(encoded_len).sum::<usize>()
        }
    }
}

/// Reads one value.
///
/// # Errors
/// [`Malformed`]: the bytes are none.
pub fn decode(reader: &mut Reader<'_>) -> Result<Value, Malformed> {
    match reader.u8()? {
        LIST => {
            let count = list_count(reader)?;
            let mut items = Vec::with_capacity(count);
            for _ in 0..count {
                let tag = reader.u8()?;
                items.push(scalar(tag, reader)?);
            }
            Ok(Value::List(items))
        }
        tag => scalar(tag, reader),
    }
}

/// A list's count, which its bytes can hold: so that no count makes us reserve memory for what is not there.
fn list_count(reader: &mut Reader<'_>) -> Result<usize, Malformed> {
    match usize::try_from(reader.varint()?) {
        Ok(count) if count <= reader.remaining() => Ok(count),
        _ => Err(Malformed("a list is longer than its bytes")),
    }
}

fn scalar(tag: u8, reader: &mut Reader<'_>) -> Result<Value, Malformed> {
    Ok(match tag {
        NULL => Value::Null,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        INT => Value::Int(reader.zigzag()?),
        FLOAT => Value::Float(f64::from_le_bytes(reader.array()?)),
        FLOAT_32 => Value::Float(f32::from_le_bytes(reader.array()?).into()),
        TEXT => text(reader.counted()?)?,
        BYTES => Value::Bytes(reader.counted()?.to_vec()),
        DATE => Value::Date(date(reader)?),
        MICROS => Value::Timestamp(reader.zigzag()?),
        SECONDS => Value::Timestamp(seconds(reader)?),
        SMALL_INT.. => Value::Int((tag - SMALL_INT).into()),
        SHORT_TEXT.. => text(reader.bytes((tag - SHORT_TEXT).into())?)?,
        _ => return Err(Malformed("unknown value tag")),
    })
}

fn text(bytes: &[u8]) -> Result<Value, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed("text is not UTF-8"))?;
    Ok(Value::Text(text.to_owned()))
}

fn date(reader: &mut Reader<'_>) -> Result<i32, Malformed> {
    i32::try_from(reader.zigzag()?).map_err(|_| Malformed("a date is out of range"))
}

fn seconds(reader: &mut Reader<'_>) -> Result<i64, Malformed> {
    reader.zigzag()?.checked_mul(MICROS_PER_SECOND).ok_or(Malformed("a timestamp is out of range"))
}

/// Passes over one value without making it: its bounds are checked, its text is not.
///
/// # Errors
/// [`Malformed`]: the bytes are none.
pub fn skip(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    match reader.u8()? {
        LIST => {
            for _ in 0..list_count(reader)? {
                let tag = reader.u8()?;
                skip_scalar(tag, reader)?;
            }
            Ok(())
        }
        tag => skip_scalar(tag, reader),
    }
}

fn skip_scalar(tag: u8, reader: &mut Reader<'_>) -> Result<(), Malformed> {
    match tag {
        NULL | FALSE | TRUE | SMALL_INT.. => {}
        INT | DATE | MICROS | SECONDS => {
            reader.varint()?;
        }
        FLOAT => {
            reader.bytes(8)?;
        }
        FLOAT_32 => {
            reader.bytes(4)?;
        }
        TEXT | BYTES => {
            reader.counted()?;
        }
        SHORT_TEXT.. => {
            reader.bytes((tag - SHORT_TEXT).into())?;
        }
        _ => return Err(Malformed("unknown value tag")),
    }
    Ok(())
}

/// The value that all of `bytes` is.
///
/// # Errors
/// [`Malformed`]: the bytes are none.
pub fn decode_whole(bytes: &[u8]) -> Result<Value, Malformed> {
    let mut reader = Reader::new(bytes);
    let value = decode(&mut reader)?;
    if reader.is_empty() { Ok(value) } else { Err(Malformed("bytes after a value")) }
}
