//! Operations in words, a line each, for people who look into a log.
//!
//! Must always be true: a line stays short and one line, whatever the values are. Names are numbers: a record alone does
//! not know them.

use super::{Op, operations};
use crate::catalog::IndexOwner;
use crate::model::{Edge, Key, PropertyId, Value};
use crate::text::write::write_scalar;
use std::fmt;

/// So many properties are shown, and so many characters of a text.
const MOST_PROPS: usize = 8;
const MOST_CHARS: usize = 40;

/// The operations of a record in words; if it cannot be read to its end, the last line says why.
pub fn describe(record: &[u8]) -> impl Iterator<Item = String> {
    operations(record).map(|op| op.map_or_else(|e| format!("error: {e}"), |op| op.to_string()))
}

impl Op<'_> {
    /// What it does, in a word or two: `add node`.
    pub fn verb(&self) -> &'static str {
        match self {
            Op::Label { .. } => "name label",
            Op::EdgeType { .. } => "name edge type",
            Op::Property { .. } => "name property",
            Op::AddNode { .. } => "add node",
            Op::SetNode { .. } => "set node",
            Op::DeleteNode { .. } => "delete node",
            Op::AddEdge { .. } => "add edge",
            Op::SetEdge { .. } => "set edge",
            Op::DeleteEdge { .. } => "delete edge",
            Op::Undirected { .. } => "set direction of edge type",
            Op::RenameLabel { .. } => "rename label",
            Op::RenameEdgeType { .. } => "rename edge type",
            Op::RenameProperty { .. } => "rename property",
            Op::CreateIndex { .. } => "create index",
        }
    }
}

impl fmt::Display for Op<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())?;
        match self {
            Op::Label { id, name } => write!(f, " {} = {}", id.0, quoted(name)),
            Op::EdgeType { id, name } => write!(f, " {} = {}", id.0, quoted(name)),
            Op::Property { id, name } => write!(f, " {} = {}", id.0, quoted(name)),
            Op::AddNode { node, label, key, props } => {
                write!(f, " {node} label {}", label.0)?;
                match key.as_deref() {
                    None => {}
                    Some(Key::Int(n)) => write!(f, " key {n}")?,
                    Some(Key::Text(text)) => write!(f, " key {}", quoted(text))?,
                }
                write_props(props, f)
            }
            Op::SetNode { node, changes } => {
                write!(f, " {node}")?;
                write_props(changes, f)
            }
            Op::DeleteNode { node, detach: false } => write!(f, " {node}"),
            Op::DeleteNode { node, detach: true } => write!(f, " {node} and its edges"),
            Op::AddEdge { edge, props } => {
                write_edge(edge, f)?;
                write_props(props, f)
            }
            Op::SetEdge { edge, changes } => {
                write_edge(edge, f)?;
                write_props(changes, f)
            }
            Op::DeleteEdge { edge } => write_edge(edge, f),
            Op::Undirected { edge_type, undirected } => {
                write!(f, " {} = {}", edge_type.0, if *undirected { "undirected" } else { "directed" })
            }
            Op::RenameLabel { id, name } => write!(f, " {} = {}", id.0, quoted(name)),
            Op::RenameEdgeType { id, name } => write!(f, " {} = {}", id.0, quoted(name)),
            Op::RenameProperty { id, name } => write!(f, " {} = {}", id.0, quoted(name)),
            Op::CreateIndex { index, owner, property, unique } => {
                let (what, owner) = match owner {
                    IndexOwner::Label(label) => ("label", label.0),
                    IndexOwner::Type(edge_type) => ("edge type", edge_type.0),
                };
                let unique = if *unique { ", unique" } else { "" };
                write!(f, " {index} over {what} {owner} property {}{unique}", property.0)
            }
        }
    }
}

fn write_edge(edge: &Edge, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, " {} -{}-> {} (rank {})", edge.source, edge.edge_type.0, edge.target, edge.rank)
}

fn write_props(props: &[(PropertyId, Value)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, (id, value)) in props.iter().take(MOST_PROPS).enumerate() {
        write!(f, "{} {} = {}", if i == 0 { " properties" } else { "," }, id.0, short(value))?;
    }
    match props.len().saturating_sub(MOST_PROPS) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => "removed".to_owned(),
        Value::Text(text) => quoted(text),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::List(items) => format!("a list of {}", items.len()),
        scalar => {
            let mut out = String::new();
            write_scalar(scalar, &mut out);
            out
        }
    }
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}… ({} bytes)", &text[..end], text.len()),
    }
}
