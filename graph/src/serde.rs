//! How the words of [`model`](crate::model) are written by `serde`. Behind the feature `serde`.
//!
//! In formats that people read (JSON, YAML, TOML, …) everything has the form in which the command line reads and writes it:
//!
//! | | |
//! |---|---|
//! | ids | the number |
//! | [`Key`] | `7`, or `"ada"` |
//! | [`Direction`](crate::Direction) | `"out"`, `"in"`, `"both"` |
//! | [`Edge`](crate::Edge) | `{"source": 1, "edge_type": 0, "target": 2, "rank": 0}` |
//! | [`Value`]: null, bool, string | `null`, `true`, `"text"` |
//! | int, float | `1`, `1.0`: a number with a point or an exponent is a float |
//! | +∞, −∞, NaN | `{"$float": "inf"}`, `{"$float": "-inf"}`, `{"$float": "nan"}` |
//! | date, timestamp | `{"$date": "2026-01-31"}`, `{"$timestamp": "2026-01-31T12:00:00Z"}` |
//! | bytes | `{"$bytes": "base64"}` |
//! | list | `[1, "a", null]` |
//!
//! In others (`postcard`, CBOR, …) a value is its type and its content. Nothing is guessed either way: what is read back is
//! equal, and a float stays a float (of NaNs the bits are not kept). [`props`] writes properties as a map.
//!
//! Must always be true: what is read is bounded by what is there to read; lists do not nest, so nothing recurses.
//!
//! Caveats. `serde_json` reads floats exactly only with its feature `float_roundtrip`, and makes floats of integers beyond
//! 64 bits. A date or timestamp outside the years −9999 to 9999 cannot be stored, and is refused here too, in forms that
//! people read. `Option<Value>` reads null as `None`. JSON writes the key `7` of a map as `"7"`, so a map by [`Key`] does not
//! come back from it.

use crate::model::{Key, Value};
use crate::value::date::{
    date_in_range, parse_date, parse_timestamp, print_date, print_timestamp, timestamp_in_range,
};
use ::serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use ::serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::fmt;

const NESTED: &str = "lists do not nest";

/// Properties as a map from names to values: `#[serde(with = "foliograph::serde::props")]`.
///
/// ```
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Person {
///     id: foliograph::NodeId,
///     #[serde(with = "foliograph::serde::props")]
///     props: foliograph::Props,
/// }
/// ```
pub mod props {
    use crate::model::{Props, Value};
    use ::serde::de::{Deserializer, Error as _, MapAccess, Visitor};
    use ::serde::ser::{SerializeMap, Serializer};
    use std::collections::HashSet;
    use std::fmt;

    /// Writes them as a map, in their order.
    ///
    /// # Errors
    /// What the format refuses, and a value that cannot be written.
    pub fn serialize<S: Serializer>(props: &Props, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(props.len()))?;
        props.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }

    /// Reads them from a map, in its order.
    ///
    /// # Errors
    /// What is no map of values, and a name that stands there twice.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Props, D::Error> {
        deserializer.deserialize_map(Named)
    }

    struct Named;

    impl<'de> Visitor<'de> for Named {
        type Value = Props;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map from names to values")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Props, A::Error> {
            let (mut props, mut names) = (Props::new(), HashSet::new());
            while let Some((name, value)) = map.next_entry::<String, Value>()? {
                if !names.insert(name.clone()) {
                    return Err(A::Error::custom(format_args!("`{name}` is given twice")));
                }
                props.push((name, value));
            }
            Ok(props)
        }
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self, serializer.is_human_readable()) {
            (Key::Int(n), true) => serializer.serialize_i64(*n),
            (Key::Text(text), true) => serializer.serialize_str(text),
            (Key::Int(n), false) => Scalar::Int(*n).serialize(serializer),
            (Key::Text(text), false) => Scalar::Text(text.into()).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scalar = match deserializer.is_human_readable() {
            true => deserializer.deserialize_any(Plain { lists: false })?,
            false => Scalar::deserialize(deserializer)?.into(),
        };
        match scalar {
            Value::Int(n) => Ok(Key::Int(n)),
            Value::Text(text) => Ok(Key::Text(text)),
            other => {
                let what = crate::value::type_word(&other);
                Err(de::Error::custom(format_args!("a key is an integer or a string, not a {what}")))
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return Packed::of(self).ok_or_else(|| S::Error::custom(NESTED))?.serialize(serializer);
        }
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(b) => serializer.serialize_bool(*b),
            Value::Int(n) => serializer.serialize_i64(*n),
            Value::Float(x) if x.is_finite() => serializer.serialize_f64(*x),
            Value::Float(x) if x.is_nan() => tagged(serializer, "$float", "nan"),
            Value::Float(x) => tagged(serializer, "$float", if *x > 0.0 { "inf" } else { "-inf" }),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => tagged(serializer, "$bytes", &STANDARD.encode(bytes)),
            Value::Date(days) if date_in_range(*days) => tagged(serializer, "$date", &print_date(*days)),
            Value::Timestamp(micros) if timestamp_in_range(*micros) => {
                tagged(serializer, "$timestamp", &print_timestamp(*micros))
            }
            Value::Date(_) | Value::Timestamp(_) => {
                Err(S::Error::custom("it is outside the years -9999 to 9999"))
            }
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    if matches!(item, Value::List(_)) {
                        return Err(S::Error::custom(NESTED));
                    }
                    list.serialize_element(item)?;
                }
                list.end()
            }
        }
    }
}

fn tagged<S: Serializer>(serializer: S, tag: &str, text: &str) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, text)?;
    map.end()
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.is_human_readable() {
            true => deserializer.deserialize_any(Plain { lists: true }),
            false => Packed::deserialize(deserializer).map(Value::from),
        }
    }
}

/// Reads a value in the form that people read.
struct Plain {
    lists: bool,
}

/// An item of a list.
struct Item(Value);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Plain { lists: false }).map(Item)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a boolean, a number, a string, or one of $float, $date, $timestamp and $bytes")?;
        f.write_str(if self.lists { ", or a list of these" } else { "" })
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Int(n))
    }
    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Value, E> {
        let beyond = || E::custom(format_args!("{n} is beyond 9223372036854775807, the largest int"));
        i64::try_from(n).map(Value::Int).map_err(|_| beyond())
    }
    fn visit_f64<E>(self, x: f64) -> Result<Value, E> {
        Ok(Value::Float(x))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }
    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.to_vec()))
    }
    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Bytes(bytes))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        if !self.lists {
            return Err(de::Error::custom(NESTED));
        }
        let mut list = Vec::new();
        while let Some(Item(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let wrong = || de::Error::custom(format_args!("an object is no value; {}", Expected));
        let (tag, text) = map.next_entry::<String, String>()?.ok_or_else(wrong)?;
        if map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            return Err(wrong());
        }
        match (tag.as_str(), text.as_str()) {
            ("$float", "nan") => Ok(Value::Float(f64::NAN)),
            ("$float", "inf") => Ok(Value::Float(f64::INFINITY)),
            ("$float", "-inf") => Ok(Value::Float(f64::NEG_INFINITY)),
            ("$date", text) => parse_date(text).map(Value::Date).map_err(de::Error::custom),
            ("$timestamp", text) => parse_timestamp(text).map(Value::Timestamp).map_err(de::Error::custom),
            ("$bytes", text) => STANDARD.decode(text).map(Value::Bytes).map_err(de::Error::custom),
            _ => Err(wrong()),
        }
    }
}

/// What an object may be.
struct Expected;

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one with a single key is: $float with `inf`, `-inf` or `nan`, $date, $timestamp or $bytes, and a string")
    }
}

/// A value as formats for machines have it: what is no list.
#[derive(::serde::Serialize, ::serde::Deserialize)]
enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    Date(i32),
    Timestamp(i64),
}

/// A value as formats for machines have it.
#[derive(::serde::Serialize, ::serde::Deserialize)]
enum Packed<'a> {
    One(Scalar<'a>),
    List(Vec<Scalar<'a>>),
}

impl<'a> Scalar<'a> {
    /// `None` for a list.
    fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => Scalar::Null,
            Value::Bool(b) => Scalar::Bool(*b),
            Value::Int(n) => Scalar::Int(*n),
            Value::Float(x) => Scalar::Float(*x),
            Value::Text(text) => Scalar::Text(text.into()),
            Value::Bytes(bytes) => Scalar::Bytes(bytes.into()),
            Value::Date(days) => Scalar::Date(*days),
            Value::Timestamp(micros) => Scalar::Timestamp(*micros),
            Value::List(_) => return None,
        })
    }
}

impl<'a> Packed<'a> {
    /// `None` for a list of lists.
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::List(items) => items.iter().map(Scalar::of).collect::<Option<_>>().map(Packed::List),
            one => Scalar::of(one).map(Packed::One),
        }
    }
}

impl From<Scalar<'_>> for Value {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(b) => Value::Bool(b),
            Scalar::Int(n) => Value::Int(n),
            Scalar::Float(x) => Value::Float(x),
            Scalar::Text(text) => Value::Text(text.into_owned()),
            Scalar::Bytes(bytes) => Value::Bytes(bytes.into_owned()),
            Scalar::Date(days) => Value::Date(days),
            Scalar::Timestamp(micros) => Value::Timestamp(micros),
        }
    }
}

impl From<Packed<'_>> for Value {
    fn from(packed: Packed<'_>) -> Self {
        match packed {
            Packed::One(one) => one.into(),
            Packed::List(items) => Value::List(items.into_iter().map(Value::from).collect()),
        }
    }
}
