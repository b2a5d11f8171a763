//! A range of values: what a property is asked to lie in.
//!
//! Values come in one order over all types ([`crate::value::compare`]), but a range stays within the type of its ends:
//! what is above 1,800 is numbers, not texts. Integers and floats are one type, compared exactly as numbers; NaN comes
//! after all others. `..` is every value.

use crate::index::{KeyRange, value_bytes};
use crate::model::Value;
use crate::value::{compare, key_bytes};
use std::ops::{Bound, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

/// Values from one to another, or that begin with a text. Made from a value (equality), from any range of values, and by
/// [`ValueRange::starting_with`].
///
/// ```
/// use foliograph::ValueRange;
/// let exactly = ValueRange::from(1815);
/// let century = ValueRange::from(1801..=1900);
/// let late = ValueRange::from(1900..);
/// let before_c = ValueRange::from(.."c");
/// let a = ValueRange::starting_with("a");
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct ValueRange(Ends);

#[derive(Clone, PartialEq, Debug)]
enum Ends {
    Between(Bound<Value>, Bound<Value>),
    Prefix(String),
}

impl ValueRange {
    /// From one end to the other. An unbounded end reaches as far as there are values of the other end's type.
    pub fn new(from: Bound<Value>, to: Bound<Value>) -> Self {
        ValueRange(Ends::Between(from, to))
    }

    /// All texts that begin with this one.
    pub fn starting_with(prefix: impl Into<String>) -> Self {
        ValueRange(Ends::Prefix(prefix.into()))
    }

    /// Whether a value lies within.
    pub fn contains(&self, value: &Value) -> bool {
        match &self.0 {
            Ends::Prefix(prefix) => matches!(value, Value::Text(text) if text.starts_with(prefix)),
            Ends::Between(from, to) => {
                let of_type = |end: &Value| type_bytes(end) == type_bytes(value);
                let above = match from {
                    Bound::Included(end) => of_type(end) && compare(value, end).is_ge(),
                    Bound::Excluded(end) => of_type(end) && compare(value, end).is_gt(),
                    Bound::Unbounded => true,
                };
                let below = match to {
                    Bound::Included(end) => of_type(end) && compare(value, end).is_le(),
                    Bound::Excluded(end) => of_type(end) && compare(value, end).is_lt(),
                    Bound::Unbounded => true,
                };
                above && below && *value != Value::Null
            }
        }
    }

    /// The one value of an equality.
    pub(crate) fn is_equality(&self) -> bool {
        matches!(&self.0, Ends::Between(Bound::Included(from), Bound::Included(to)) if compare(from, to).is_eq())
    }

    /// The keys of an index that lie within; `None` if an end is no value that could be in an index as it is: then the
    /// records have to be asked.
    pub(crate) fn keys(&self) -> Option<KeyRange> {
        match &self.0 {
            Ends::Prefix(prefix) => {
                let mut from = Vec::new();
                key_bytes(&Value::Text(prefix.clone()), &mut from);
                // Without the two bytes that end it, it begins the bytes of every text that it begins.
                from.truncate(from.len() - 2);
                let fits = from.len() <= crate::index::MAX_INDEXED;
                let to = next_prefix(&from);
                let range = KeyRange { from: Bound::Included(from), to: Bound::Excluded(to) };
                fits.then_some(range)
            }
            Ends::Between(from, to) => {
                let bytes = |bound: &Bound<Value>| match bound {
                    Bound::Included(v) => value_bytes(v).map(Bound::Included),
                    Bound::Excluded(v) => value_bytes(v).map(Bound::Excluded),
                    Bound::Unbounded => Some(Bound::Unbounded),
                };
                let (mut low, mut high) = (bytes(from)?, bytes(to)?);
                if let (Bound::Unbounded, Bound::Included(end) | Bound::Excluded(end)) = (from, to) {
                    low = Bound::Included(type_bytes(end).0.to_vec());
                }
                if let (Bound::Included(end) | Bound::Excluded(end), Bound::Unbounded) = (from, to) {
                    high = Bound::Excluded(type_bytes(end).1.to_vec());
                }
                if let (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) =
                    (from, to)
                    && type_bytes(a) != type_bytes(b)
                {
                    // Nothing is of two types.
                    return Some(KeyRange {
                        from: Bound::Excluded(Vec::new()),
                        to: Bound::Excluded(Vec::new()),
                    });
                }
                Some(KeyRange::between(low, high))
            }
        }
    }
}

/// The bytes between which the keys of a value's type lie.
fn type_bytes(value: &Value) -> ([u8; 1], [u8; 1]) {
    let mut bytes = Vec::new();
    let sample = match value {
        Value::Bool(_) => Value::Bool(false),
        Value::Int(_) | Value::Float(_) => Value::Int(0),
        Value::Text(_) => Value::Text(String::new()),
        Value::Bytes(_) => Value::Bytes(Vec::new()),
        Value::List(_) => Value::List(Vec::new()),
        other => other.clone(),
    };
    key_bytes(&sample, &mut bytes);
    // Types are eight apart.
    ([bytes[0]], [bytes[0] + 8])
}

/// The least bytes above all that begin with these, which are a tag and more.
fn next_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut next = prefix.to_vec();
    while next.last() == Some(&0xff) {
        next.pop();
    }
    *next.last_mut().expect("a tag is no 255") += 1;
    next
}

impl From<RangeFull> for ValueRange {
    fn from(_: RangeFull) -> Self {
        ValueRange::new(Bound::Unbounded, Bound::Unbounded)
    }
}

macro_rules! ranges_of {
    ($($type:ty),*) => {$(
        impl From<$type> for ValueRange {
            fn from(v: $type) -> Self {
                let v = Value::from(v);
                ValueRange::new(Bound::Included(v.clone()), Bound::Included(v))
            }
        }
        impl From<Range<$type>> for ValueRange {
            fn from(r: Range<$type>) -> Self {
                ValueRange::new(Bound::Included(r.start.into()), Bound::Excluded(r.end.into()))
            }
        }
        impl From<RangeInclusive<$type>> for ValueRange {
            fn from(r: RangeInclusive<$type>) -> Self {
                let (from, to) = r.into_inner();
                ValueRange::new(Bound::Included(from.into()), Bound::Included(to.into()))
            }
        }
        impl From<RangeFrom<$type>> for ValueRange {
            fn from(r: RangeFrom<$type>) -> Self {
                ValueRange::new(Bound::Included(r.start.into()), Bound::Unbounded)
            }
        }
        impl From<RangeTo<$type>> for ValueRange {
            fn from(r: RangeTo<$type>) -> Self {
                ValueRange::new(Bound::Unbounded, Bound::Excluded(r.end.into()))
            }
        }
        impl From<RangeToInclusive<$type>> for ValueRange {
            fn from(r: RangeToInclusive<$type>) -> Self {
                ValueRange::new(Bound::Unbounded, Bound::Included(r.end.into()))
            }
        }
    )*};
}

ranges_of!(bool, i32, u32, i64, f64, &str, String, Vec<u8>, Vec<Value>, Value);
