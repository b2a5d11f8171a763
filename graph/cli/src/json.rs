//! Values, properties and keys as JSON, in what `--json` prints: see `foliograph::text::json`.

use foliograph::text::json::{JsonKey, JsonProps, JsonValue};
use foliograph::{Key, Props, Value};
use serde_json::Value as Json;

/// A value as JSON.
pub fn value_to_json(value: &Value) -> Json {
    serde_json::to_value(JsonValue(value)).unwrap_or(Json::Null)
}

/// Properties as a JSON object.
pub fn props_to_json(props: &Props) -> Json {
    serde_json::to_value(JsonProps(props)).unwrap_or(Json::Null)
}

/// A key as JSON.
pub fn key_to_json(key: Option<&Key>) -> Json {
    key.and_then(|key| serde_json::to_value(JsonKey(key)).ok()).unwrap_or(Json::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use foliograph::props;
    use serde_json::json;

    #[test]
    fn properties_keep_their_order_and_types() {
        let props =
            props! { "b" => 1, "a" => 1.0, "nan" => f64::NAN, "list" => vec![Value::Date(0), Value::Null] };
        let json = r#"{"b":1,"a":1.0,"nan":{"$float":"nan"},"list":[{"$date":"1970-01-01"},null]}"#;
        assert_eq!(props_to_json(&props).to_string(), json);
        assert_eq!(key_to_json(Some(&Key::Int(-1))), json!(-1));
        assert_eq!(key_to_json(Some(&"1".into())), json!("1"));
        assert_eq!(key_to_json(None), json!(null));
    }
}
