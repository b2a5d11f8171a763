//! From a value to the text that `read` reads as the same value.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::types::{ColumnType, Scalar};
use crate::model::Value;
use crate::value::date::{print_date, print_timestamp};

/// Whether a value has its place in a column.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum TextFits {
    /// It was written.
    Written,
    /// It belongs to a column of another type; nothing was written.
    OtherColumn,
}

/// Appends `value` as a column of type `column` has it.
pub fn write_value(value: &Value, column: ColumnType, out: &mut String) -> TextFits {
    if ColumnType::of(value) != Some(column) {
        return TextFits::OtherColumn;
    }
    match value {
        Value::List(elements) => write_list(elements, column.scalar, out),
        scalar => write_scalar(scalar, out),
    }
    TextFits::Written
}

/// Appends a scalar's text; nothing for null and lists, which have none of their own.
pub fn write_scalar(value: &Value, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Null | Value::List(_) => Ok(()),
        Value::Bool(b) => write!(out, "{b}"),
        Value::Int(n) => write!(out, "{n}"),
        // {:?} is the shortest text that reads back as the same number, with `.0` on whole ones.
        Value::Float(x) => write!(out, "{x:?}"),
        Value::Text(s) => {
            out.push_str(s);
            Ok(())
        }
        Value::Bytes(bytes) => {
            STANDARD.encode_string(bytes, out);
            Ok(())
        }
        Value::Date(days) => out.write_str(&print_date(*days)),
        Value::Timestamp(micros) => out.write_str(&print_timestamp(*micros)),
    };
}

fn write_list(elements: &[Value], of: Scalar, out: &mut String) {
    let mut text = String::new();
    for (i, element) in elements.iter().enumerate() {
        if i > 0 {
            out.push(';');
        }
        let Some(scalar) = Scalar::of(element) else {
            out.push_str("\\N");
            continue;
        };
        text.clear();
        if of == Scalar::Any {
            text.push_str(scalar.name());
            text.push(':');
        }
        write_scalar(element, &mut text);
        if text.is_empty() {
            out.push_str("\\e");
        }
        for c in text.chars() {
            if matches!(c, ';' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::read_value;
    use super::*;

    #[test]
    fn what_is_written_reads_as_the_same_value() {
        let values = [
            Value::Float(0.1 + 0.2),
            Value::Float(-0.0),
            Value::Float(f64::MAX),
            Value::Float(f64::NEG_INFINITY),
            Value::from(";\\N;"),
            Value::List(vec![]),
            Value::List(vec![Value::Null]),
            Value::List(vec![
                "".into(),
                "\\e".into(),
                "\\".into(),
                ";".into(),
                "a\\;b".into(),
                "\\\\".into(),
            ]),
            Value::List(vec![1.into(), "1".into(), 1.0.into(), true.into(), Value::Null, Value::Date(-1)]),
            Value::List(vec![Value::Bytes(vec![]), Value::Bytes(vec![1, 2, 3])]),
            Value::Timestamp(-1),
        ];
        for value in values {
            let column = ColumnType::of(&value).unwrap();
            let mut text = String::new();
            assert_eq!(write_value(&value, column, &mut text), TextFits::Written);
            assert_eq!(format!("{:?}", read_value(&text, column)), format!("Ok({value:?})"), "{text}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_left_to_its_own_column() {
        let mut text = String::new();
        assert_eq!(write_value(&Value::Int(1), ColumnType::TEXT, &mut text), TextFits::OtherColumn);
        assert_eq!(write_value(&Value::Null, ColumnType::TEXT, &mut text), TextFits::OtherColumn);
        assert!(text.is_empty());
    }
}
