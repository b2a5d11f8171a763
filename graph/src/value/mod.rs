//! Values as bytes and as text: how they are stored, how they are ordered, how dates are read and printed.
//!
//! - [`encode`] and [`decode`]: compact, self-describing bytes, for records.
//! - [`compare`] and [`key_bytes`]: the one total order over all values, and bytes whose `memcmp` order is that order.
//! - [`date`]: dates and timestamps as text.
//! - [`Reader`] and [`put_varint`]: bounds-checked bytes, shared by all formats.
//!
//! Must always be true: what is encoded decodes to the same value, bit by bit; decoding any bytes at all ends with a
//! value or an error, within memory in proportion to the bytes (I7).
//!
//! It is not: a type system. Whether a property may have a value is asked with [`check`], by whoever takes it in.

pub mod date;
mod encode;
mod order;
#[cfg(test)]
pub(crate) mod random;
#[cfg(test)]
mod tests;
mod varint;

pub use encode::{decode, decode_whole, encode, encoded_len, skip};
pub use order::{compare, decode_key, decode_last_key, key_bytes, last_key_bytes, node_key, node_key_bytes};
pub use varint::{Malformed, Reader, put_varint, put_zigzag, varint_len, zigzag_len};

use crate::model::Value;

/// Why a value can not be a property.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ValueError {
    /// A list inside a list.
    #[error("lists do not nest")]
    NestedList,
    /// A date or timestamp that no calendar text can name.
    #[error("{0} is outside the years -9999 to 9999")]
    OutOfCalendar(&'static str),
}

/// Whether `value` may be stored: lists do not nest, dates and timestamps lie within the calendar's years.
///
/// # Errors
/// [`ValueError`] says which of these is not so.
pub fn check(value: &Value) -> Result<(), ValueError> {
    match value {
        Value::Date(days) if !date::date_in_range(*days) => Err(ValueError::OutOfCalendar("date")),
        Value::Timestamp(micros) if !date::timestamp_in_range(*micros) => {
            Err(ValueError::OutOfCalendar("timestamp"))
        }
        Value::List(items) => items.iter().try_for_each(|item| match item {
            Value::List(_) => Err(ValueError::NestedList),
            other => check(other),
        }),
        _ => Ok(()),
    }
}

/// The word for a value's type, as messages and headers use it.
pub fn type_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Text(_) => "string",
        Value::Bytes(_) => "bytes",
        Value::Date(_) => "date",
        Value::Timestamp(_) => "timestamp",
        Value::List(_) => "list",
    }
}
