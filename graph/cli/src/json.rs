//! Values as JSON and back.
//!
//! `1` is an int and `1.0` a float; what JSON has no word for is an object with one key: `{"$float":"inf"}`,
//! `{"$date":"2026-01-31"}`, `{"$timestamp":"2026-01-31T12:00:00Z"}`, `{"$bytes":"base64"}`. Reading is strict: a key
//! that stands twice in an object is an error, and so is an integer beyond 64 bits.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use foliograph::value::date::{parse_date, parse_timestamp, print_date, print_timestamp};
use foliograph::{Key, Props, Value};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json, json};

/// A value as JSON.
pub fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => json!(b),
        Value::Int(n) => json!(n),
        Value::Float(x) if x.is_finite() => json!(x),
        Value::Float(x) if x.is_nan() => json!({ "$float": "nan" }),
        Value::Float(x) => json!({ "$float": if *x > 0.0 { "inf" } else { "-inf" } }),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => json!({ "$bytes": STANDARD.encode(bytes) }),
        Value::Date(days) => json!({ "$date": print_date(*days) }),
        Value::Timestamp(micros) => json!({ "$timestamp": print_timestamp(*micros) }),
        Value::List(values) => values.iter().map(value_to_json).collect(),
    }
}

/// Properties as a JSON object.
pub fn props_to_json(props: &Props) -> Json {
    Json::Object(
        props.iter().map(|(name, value)| (name.clone(), value_to_json(value))).collect::<Map<_, _>>(),
    )
}

/// A key as JSON.
pub fn key_to_json(key: Option<&Key>) -> Json {
    match key {
        None => Json::Null,
        Some(Key::Int(n)) => json!(n),
        Some(Key::Text(text)) => json!(text),
    }
}

/// JSON as it was read: keys in their order and none twice, integers apart from floats.
#[derive(Clone, PartialEq, Debug)]
pub enum Strict {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond `i64`.
    Large(u64),
    Float(f64),
    Text(String),
    List(Vec<Strict>),
    Object(Vec<(String, Strict)>),
}

impl Strict {
    /// Reads one line. An error has the column, from 1.
    pub fn parse(line: &str) -> Result<Strict, (usize, String)> {
        let parsed = serde_json::from_str(line).map_err(|error| {
            let text = error.to_string();
            // The line is always the first; the place is said by the caller.
            let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
            (error.column().max(1), what.to_owned())
        })?;
        match large_integer(line) {
            Some(at) => Err((at + 1, "an integer beyond 64 bits".to_owned())),
            None => Ok(parsed),
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Strict::Null => "null",
            Strict::Bool(_) => "a boolean",
            Strict::Int(_) | Strict::Large(_) => "an integer",
            Strict::Float(_) => "a float",
            Strict::Text(_) => "a string",
            Strict::List(_) => "a list",
            Strict::Object(_) => "an object",
        }
    }

    /// The value it stands for.
    pub fn into_value(self) -> Result<Value, String> {
        Ok(match self {
            Strict::Null => Value::Null,
            Strict::Bool(b) => Value::Bool(b),
            Strict::Int(n) => Value::Int(n),
            Strict::Large(n) => return Err(format!("{n} is beyond 9223372036854775807, the largest int")),
            Strict::Float(x) => Value::Float(x),
            Strict::Text(text) => Value::Text(text),
            Strict::List(items) => {
                let nested = |item: &Strict| matches!(item, Strict::List(_));
                if items.iter().any(nested) {
                    return Err("lists do not nest".to_owned());
                }
                Value::List(items.into_iter().map(Strict::into_value).collect::<Result<_, _>>()?)
            }
            Strict::Object(mut fields) => match fields.pop() {
                Some((name, Strict::Text(text))) if fields.is_empty() => tagged(&name, &text)?,
                _ => return Err(NO_OBJECT.to_owned()),
            },
        })
    }
}

const NO_OBJECT: &str = "an object as a value has one key, $float, $date, $timestamp or $bytes, and a string";

fn tagged(name: &str, text: &str) -> Result<Value, String> {
    match name {
        "$float" => match text {
            "inf" => Ok(Value::Float(f64::INFINITY)),
            "-inf" => Ok(Value::Float(f64::NEG_INFINITY)),
            "nan" => Ok(Value::Float(f64::NAN)),
            _ => Err(format!("`{text}` is no $float; it is `inf`, `-inf` or `nan`")),
        },
        "$date" => parse_date(text).map(Value::Date).map_err(|e| e.to_string()),
        "$timestamp" => parse_timestamp(text).map(Value::Timestamp).map_err(|e| e.to_string()),
        "$bytes" => {
            STANDARD.decode(text).map(Value::Bytes).map_err(|_| format!("`{text}` is no base64 with padding"))
        }
        _ => Err(NO_OBJECT.to_owned()),
    }
}

/// Where an integer stands that has more digits than 64 bits hold: the parser would make it a float. The text is known
/// to be JSON.
fn large_integer(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                let number = |b: &u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let len = bytes[at..].iter().take_while(|b| number(b)).count();
                let text = &line[at..at + len];
                let integer = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                if integer && text.parse::<i64>().is_err() && text.parse::<u64>().is_err() {
                    return Some(at);
                }
                at += len;
            }
            _ => at += 1,
        }
    }
    None
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict::Null)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Strict, E> {
        Ok(Strict::Bool(b))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Strict, E> {
        Ok(Strict::Int(n))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Strict, E> {
        Ok(i64::try_from(n).map_or(Strict::Large(n), Strict::Int))
    }
    fn visit_f64<E>(self, x: f64) -> Result<Strict, E> {
        Ok(Strict::Float(x))
    }
    fn visit_str<E>(self, text: &str) -> Result<Strict, E> {
        Ok(Strict::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Strict, E> {
        Ok(Strict::Text(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Strict::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Strict, A::Error> {
        let mut fields: Vec<(String, Strict)> = Vec::new();
        while let Some((name, value)) = entries.next_entry::<String, Strict>()? {
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format_args!("`{name}` stands twice in an object")));
            }
            fields.push((name, value));
        }
        Ok(Strict::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<Value, String> {
        Strict::parse(text).map_err(|(_, what)| what)?.into_value()
    }

    #[test]
    fn values_come_back_from_json() {
        for v in [
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(1.0),
            Value::Float(1e300),
            Value::Float(0.1),
            Value::Float(-0.0),
            Value::Float(f64::INFINITY),
            Value::Float(f64::NEG_INFINITY),
            Value::from("tab\t\"quote\" \\ \0 🦀 \u{2028}"),
            Value::Bytes(vec![0, 255]),
            Value::Date(-1),
            Value::Timestamp(-1),
            Value::List(vec![1.into(), Value::Null, "a".into(), Value::Date(0)]),
            Value::List(vec![]),
        ] {
            let text = value_to_json(&v).to_string();
            assert_eq!(format!("{:?}", value(&text)), format!("Ok({v:?})"), "{text}");
        }
        assert!(matches!(value(r#"{"$float":"nan"}"#), Ok(Value::Float(x)) if x.is_nan()));
        assert_eq!(value_to_json(&Value::Float(f64::NAN)).to_string(), r#"{"$float":"nan"}"#);
        assert_eq!(value("1"), Ok(Value::Int(1)));
        assert_eq!(value("1.0"), Ok(Value::Float(1.0)));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in [
            "[[1]]",
            "{}",
            r#"{"a":1}"#,
            r#"{"$date":"2026-02-30"}"#,
            r#"{"$date":1}"#,
            r#"{"$bytes":"x"}"#,
            r#"{"$float":"Infinity"}"#,
            r#"{"$date":"2026-01-01","$date":"2026-01-01"}"#,
            "9223372036854775808",
            "99999999999999999999",
            "-9223372036854775809",
            "1e999",
            "NaN",
            "01",
            "",
        ] {
            assert!(value(text).is_err(), "{text}");
        }
        assert_eq!(value("1e20"), Ok(Value::Float(1e20)));
        assert_eq!(value(r#""\"99999999999999999999""#), Ok(Value::from("\"99999999999999999999")));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        assert!(Strict::parse(&"[".repeat(1_000_000)).is_err());
    }
}
