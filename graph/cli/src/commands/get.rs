//! `get`: a node's label, key, id, properties and degrees.

use foliograph::text::write::write_scalar;
use foliograph::{Direction, ReadError, Value};
use serde_json::json;

use super::{Context, snapshot};
use crate::args::NodeArgs;
use crate::failure::Failure;
use crate::json::{key_to_json, props_to_json, value_to_json};
use crate::naming::resolve;
use crate::output::thousands;

/// Runs `get`.
pub fn run(args: &NodeArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let snapshot = snapshot(context, &args.store)?;
    let id = resolve(&snapshot, &args.node)?;
    let view = snapshot.view(id)?.ok_or(ReadError::NoNode(id))?;
    let props = snapshot.props_of(&view)?;
    let label = snapshot.label_name(view.label);
    let out = snapshot.degree(id).direction(Direction::Out).count()?;
    let into = snapshot.degree(id).direction(Direction::In).count()?;
    if context.out.is_json() {
        return context.out.object(&json!({
            "id": id.0,
            "label": label,
            "key": key_to_json(view.key.as_ref()),
            "props": props_to_json(&props),
            "degree": { "out": out, "in": into },
        }));
    }
    let mut rows = vec![("label".to_owned(), label.to_owned())];
    if let Some(key) = &view.key {
        rows.push(("key".into(), shown(&key.to_string())));
    }
    rows.push(("id".into(), id.to_string()));
    rows.push(("degree out".into(), thousands(out)));
    rows.push(("degree in".into(), thousands(into)));
    rows.extend(props.iter().map(|(name, value)| (format!(".{name}"), shown_value(value))));
    context.out.table(&rows)
}

/// A value as people read it: one line.
pub fn shown_value(value: &Value) -> String {
    match value {
        Value::Text(text) => shown(text),
        Value::List(_) | Value::Null => value_to_json(value).to_string(),
        scalar => {
            let mut text = String::new();
            write_scalar(scalar, &mut text);
            text
        }
    }
}

/// Text on one line: with control characters it is shown as a JSON string.
pub fn shown(text: &str) -> String {
    if text.chars().any(char::is_control) { json!(text).to_string() } else { text.to_owned() }
}
