//! Typed reading of properties.

use crate::model::Value;
use crate::value::type_word;

/// A type that a property can be read as.
pub trait FromValue: Sized {
    /// What it is called in errors.
    const TYPE: &'static str;
    /// The value as this type; the value back if it is another one.
    ///
    /// # Errors
    /// The value itself, if it is of another type.
    fn from_value(value: Value) -> Result<Self, Value>;
}

macro_rules! from_value {
    ($($type:ty, $word:literal, $pattern:pat => $out:expr;)*) => {$(
        impl FromValue for $type {
            const TYPE: &'static str = $word;
            fn from_value(value: Value) -> Result<Self, Value> {
                match value {
                    $pattern => Ok($out),
                    other => Err(other),
                }
            }
        }
    )*};
}

from_value! {
    bool, "bool", Value::Bool(v) => v;
    i64, "int", Value::Int(v) => v;
    f64, "float", Value::Float(v) => v;
    String, "string", Value::Text(v) => v;
    Vec<u8>, "bytes", Value::Bytes(v) => v;
    Vec<Value>, "list", Value::List(v) => v;
}

impl FromValue for Value {
    const TYPE: &'static str = "value";
    fn from_value(value: Value) -> Result<Self, Value> {
        Ok(value)
    }
}

/// Reads a value as `T`, or says which type it has.
pub(crate) fn typed<T: FromValue>(property: &str, value: Value) -> Result<T, crate::error::ReadError> {
    T::from_value(value).map_err(|value| crate::error::ReadError::WrongType {
        property: property.to_owned(),
        wanted: T::TYPE,
        found: type_word(&value),
    })
}
