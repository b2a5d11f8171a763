//! The types a column may have.
//!
//! A type is a scalar or a list of one. `any[]` holds lists of several types: each element names its own
//! (`int:1;string:a`). There is no scalar column of any type: a property of several types has a column for each.

use std::fmt;

use crate::model::Value;

/// What a field, or an element of a list, holds.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scalar {
    /// `true` or `false`.
    Bool,
    /// A 64-bit integer.
    Int,
    /// A 64-bit float.
    Float,
    /// Text.
    Text,
    /// Days.
    Date,
    /// Microseconds.
    Timestamp,
    /// Bytes, in base64.
    Bytes,
    /// Each element says what it is; only in lists.
    Any,
}

impl Scalar {
    /// All of them under the name that is written.
    const NAMES: [(Scalar, &'static str); 8] = [
        (Scalar::Bool, "boolean"),
        (Scalar::Int, "int"),
        (Scalar::Float, "float"),
        (Scalar::Text, "string"),
        (Scalar::Date, "date"),
        (Scalar::Timestamp, "timestamp"),
        (Scalar::Bytes, "bytes"),
        (Scalar::Any, "any"),
    ];

    /// The name that headers give it.
    pub fn name(self) -> &'static str {
        Scalar::NAMES.iter().find(|(s, _)| *s == self).map_or("any", |(_, name)| name)
    }

    /// The scalar of that name, also by the names that other importers use.
    pub fn parse(name: &str) -> Option<Scalar> {
        Some(match name {
            "boolean" | "bool" => Scalar::Bool,
            "int" | "long" | "integer" | "short" => Scalar::Int,
            "float" | "double" => Scalar::Float,
            "string" | "char" => Scalar::Text,
            "date" => Scalar::Date,
            "timestamp" | "datetime" | "localdatetime" => Scalar::Timestamp,
            "bytes" => Scalar::Bytes,
            "any" => Scalar::Any,
            _ => return None,
        })
    }

    /// What a value is; `None` for nulls and lists.
    pub fn of(value: &Value) -> Option<Scalar> {
        Some(match value {
            Value::Bool(_) => Scalar::Bool,
            Value::Int(_) => Scalar::Int,
            Value::Float(_) => Scalar::Float,
            Value::Text(_) => Scalar::Text,
            Value::Date(_) => Scalar::Date,
            Value::Timestamp(_) => Scalar::Timestamp,
            Value::Bytes(_) => Scalar::Bytes,
            Value::Null | Value::List(_) => return None,
        })
    }
}

/// The type of a column.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ColumnType {
    /// Of the field, or of a list's elements.
    pub scalar: Scalar,
    /// Whether it is a list.
    pub list: bool,
}

impl ColumnType {
    /// What columns without a type hold.
    pub const TEXT: ColumnType = ColumnType { scalar: Scalar::Text, list: false };

    /// The type of that name: `int`, `string[]`, …
    pub fn parse(name: &str) -> Option<ColumnType> {
        let (scalar, list) = name.strip_suffix("[]").map_or((name, false), |scalar| (scalar, true));
        let scalar = Scalar::parse(scalar)?;
        (list || scalar != Scalar::Any).then_some(ColumnType { scalar, list })
    }

    /// The column that holds a value; `None` for null, which no column holds. A list whose elements are all of one
    /// type (or null) is a list of that type, any other is `any[]`, and one without any is `string[]`.
    pub fn of(value: &Value) -> Option<ColumnType> {
        let Value::List(elements) = value else {
            return Some(ColumnType { scalar: Scalar::of(value)?, list: false });
        };
        let mut scalars = elements.iter().filter_map(Scalar::of);
        let first = scalars.next().unwrap_or(Scalar::Text);
        let scalar = if scalars.all(|s| s == first) { first } else { Scalar::Any };
        Some(ColumnType { scalar, list: true })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.scalar.name(), if self.list { "[]" } else { "" })
    }
}
