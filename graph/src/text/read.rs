//! From a field's text and its column's type to a value.
//!
//! Lists are separated by `;`. Inside, `\;` is a semicolon and `\\` a backslash, any other backslash stands for itself;
//! an element that is exactly `\N` is null, `\e` the empty string. The empty text is the empty list.
//! Text within the text is never trimmed: ` 1` is no integer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::types::{ColumnType, Scalar};
use crate::model::Value;
use crate::value::date::{parse_date, parse_timestamp};

/// The text is not of the column's type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotOfType {
    /// The text, shortened.
    pub text: String,
    /// What it should have been.
    pub expected: Scalar,
}

impl NotOfType {
    fn new(text: &str, expected: Scalar) -> Self {
        let mut shown: String = text.chars().take(40).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        NotOfType { text: shown, expected }
    }

    /// What such a text looks like.
    pub fn hint(&self) -> &'static str {
        match self.expected {
            Scalar::Bool => "write `true` or `false`",
            Scalar::Int => "an int is a whole number from -9223372036854775808 to 9223372036854775807",
            Scalar::Float => "write a number such as `1.5`, `-2e10`, `inf` or `nan`",
            Scalar::Text => "a string is UTF-8",
            Scalar::Date => "write `YYYY-MM-DD`",
            Scalar::Timestamp => {
                "write `YYYY-MM-DDTHH:MM:SSZ`, with at most six digits of a second's fraction"
            }
            Scalar::Bytes => "write base64 with padding",
            Scalar::Any => "each element of an `any[]` names its type: `int:1;string:a`",
        }
    }
}

impl std::fmt::Display for NotOfType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no {}", self.text, self.expected.name())
    }
}

/// The value of `text` in a column of type `of`. Never [`Value::Null`], but inside a list.
///
/// # Errors
/// [`NotOfType`], with what it should have been.
pub fn read_value(text: &str, of: ColumnType) -> Result<Value, NotOfType> {
    if of.list { read_list(text, of.scalar) } else { read_scalar(text, of.scalar) }
}

fn read_scalar(text: &str, of: Scalar) -> Result<Value, NotOfType> {
    let value = match of {
        Scalar::Bool => match text {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        Scalar::Int => text.parse().ok().map(Value::Int),
        Scalar::Float => text.parse().ok().map(Value::Float),
        Scalar::Text => Some(Value::Text(text.to_owned())),
        Scalar::Date => parse_date(text).ok().map(Value::Date),
        Scalar::Timestamp => parse_timestamp(text).ok().map(Value::Timestamp),
        Scalar::Bytes => STANDARD.decode(text).ok().map(Value::Bytes),
        Scalar::Any => return read_tagged(text),
    };
    value.ok_or_else(|| NotOfType::new(text, of))
}

/// An element that names its type.
fn read_tagged(text: &str) -> Result<Value, NotOfType> {
    let wrong = || NotOfType::new(text, Scalar::Any);
    let (tag, rest) = text.split_once(':').ok_or_else(wrong)?;
    match Scalar::parse(tag) {
        None | Some(Scalar::Any) => Err(wrong()),
        Some(scalar) => read_scalar(rest, scalar),
    }
}

fn read_list(text: &str, of: Scalar) -> Result<Value, NotOfType> {
    let mut elements = Vec::new();
    let mut rest = (!text.is_empty()).then_some(text);
    let mut element = String::new();
    while let Some(from) = rest {
        element.clear();
        let len = unescape_element(from, &mut element);
        elements.push(match &from[..len] {
            "\\N" => Value::Null,
            "\\e" => read_scalar("", of)?,
            _ => read_scalar(&element, of)?,
        });
        rest = from.get(len + 1..);
    }
    Ok(Value::List(elements))
}

/// Appends the first element's text to `out`, without its escapes, and says how many bytes of `text` it took.
fn unescape_element(text: &str, out: &mut String) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b';', _) => break,
            (b'\\', Some(b';' | b'\\')) => {
                out.push_str(&text[copied..at]);
                copied = at + 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    out.push_str(&text[copied..at]);
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, of: &str) -> Result<Value, NotOfType> {
        read_value(text, ColumnType::parse(of).unwrap())
    }

    #[test]
    fn scalars_read_by_their_type() {
        assert_eq!(read("true", "boolean"), Ok(Value::Bool(true)));
        assert_eq!(read("-9223372036854775808", "long"), Ok(Value::Int(i64::MIN)));
        assert_eq!(read("1", "double"), Ok(Value::Float(1.0)));
        assert_eq!(read("-inf", "float"), Ok(Value::Float(f64::NEG_INFINITY)));
        assert!(matches!(read("NaN", "float"), Ok(Value::Float(f)) if f.is_nan()));
        assert_eq!(read("1969-12-31", "date"), Ok(Value::Date(-1)));
        assert_eq!(read("1970-01-01T00:00:01Z", "datetime"), Ok(Value::Timestamp(1_000_000)));
        assert_eq!(read("AP8=", "bytes"), Ok(Value::Bytes(vec![0, 255])));
        assert_eq!(read("", "bytes"), Ok(Value::Bytes(vec![])));
        assert_eq!(read("", "string"), Ok(Value::from("")));
    }

    #[test]
    fn a_wrong_text_says_what_it_is_not() {
        for (text, of) in [
            ("True", "boolean"),
            ("9223372036854775808", "int"),
            (" 1", "int"),
            ("", "int"),
            ("1,5", "float"),
            ("31.12.2026", "date"),
            ("AP8", "bytes"),
            ("1;x", "int[]"),
            ("1;", "int[]"),
            ("1", "any[]"),
            ("any:1", "any[]"),
        ] {
            let error = read(text, of).unwrap_err();
            assert!(!error.hint().is_empty());
            assert!(error.to_string().contains(error.expected.name()), "{error}");
        }
    }

    #[test]
    fn lists_have_escapes_nulls_and_empty_strings() {
        let list = |values: &[&str]| Value::List(values.iter().map(|v| Value::from(*v)).collect());
        assert_eq!(read("a;b", "string[]"), Ok(list(&["a", "b"])));
        assert_eq!(read(r"a\;b;\\;C:\dir", "string[]"), Ok(list(&["a;b", r"\", r"C:\dir"])));
        assert_eq!(read("", "string[]"), Ok(list(&[])));
        assert_eq!(read(r"\e", "string[]"), Ok(list(&[""])));
        assert_eq!(read("a;", "string[]"), Ok(list(&["a", ""])));
        assert_eq!(read(r"\\N;\\e", "string[]"), Ok(list(&[r"\N", r"\e"])));
        assert_eq!(read(r"1;\N;3", "int[]"), Ok(Value::List(vec![1.into(), Value::Null, 3.into()])));
        assert_eq!(
            read(r"int:1;string:a:b;\N", "any[]"),
            Ok(Value::List(vec![1.into(), "a:b".into(), Value::Null]))
        );
    }
}
