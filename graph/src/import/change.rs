//! Changes: what a line of `apply`, which is a line of a JSON-lines file, says.
//!
//! Strict: an unknown operation, an unknown or a missing field, a field twice or of the wrong type is an error, for a
//! misspelt field that is silently ignored loses data.

use crate::IndexOn;
use crate::model::{Key, NodeId, Props};
use crate::text::json::Json;

/// How a change names a node.
#[derive(Clone, PartialEq, Debug)]
pub enum NodeRef {
    /// By label and key.
    Named(String, Key),
    /// By id.
    Id(u64),
}

impl std::fmt::Display for NodeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NodeRef::Named(label, key) => write!(f, "{label}/{key}"),
            NodeRef::Id(id) => write!(f, "@{id}"),
        }
    }
}

/// An edge, by its ends, type and rank.
#[derive(Clone, PartialEq, Debug)]
pub struct EdgeRef {
    /// Where it begins.
    pub from: NodeRef,
    /// Its type.
    pub edge_type: String,
    /// Where it ends.
    pub to: NodeRef,
    /// Its rank; a new edge is given one where there is none, of others 0 is meant.
    pub rank: Option<u32>,
}

/// What a property index is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IndexTarget {
    /// The nodes of a label.
    Label(String),
    /// The edges of a type.
    EdgeType(String),
}

impl<'a> From<&'a IndexTarget> for IndexOn<'a> {
    fn from(target: &'a IndexTarget) -> Self {
        match target {
            IndexTarget::Label(name) => IndexOn::Label(name),
            IndexTarget::EdgeType(name) => IndexOn::EdgeType(name),
        }
    }
}

/// A change.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are what they are called")]
pub enum Change {
    /// A new node. Without an id the store gives one.
    AddNode { label: String, key: Option<Key>, id: Option<u64>, props: Props },
    /// A node that is added, or given these properties where it is there.
    UpsertNode { label: String, key: Key, props: Props },
    /// A new edge. Without a rank it is one more beside those that are there.
    AddEdge { edge: EdgeRef, props: Props },
    /// Properties of a node; null removes one.
    SetNode { node: NodeRef, props: Props },
    /// Properties of an edge; null removes one.
    SetEdge { edge: EdgeRef, props: Props },
    /// An edge is deleted.
    DeleteEdge(EdgeRef),
    /// A node is deleted, with `detach` its edges as well.
    DeleteNode { node: NodeRef, detach: bool },
    /// An edge type is made, and is undirected or not.
    EdgeType { edge_type: String, undirected: bool },
    /// A property index is made.
    CreateIndex { on: IndexTarget, property: String, unique: bool },
    /// A property index is dropped.
    DropIndex { on: IndexTarget, property: String },
}

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct BadLine {
    /// The column, from 1; 0 where it is about the whole line.
    pub column: u64,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl BadLine {
    fn new(what: impl Into<String>) -> Self {
        BadLine { column: 0, what: what.into(), hint: "" }
    }
}

const OPERATIONS: &str = "there are add_node, upsert_node, add_edge, set, delete_edge, delete_node, edge_type, \
                          create_index and drop_index";

/// Reads a line.
pub(super) fn parse_change(line: &str) -> Result<Change, BadLine> {
    let json = Json::parse(line).map_err(|(column, what)| BadLine { column, what, hint: "" })?;
    let mut fields = Fields::of(json, "a change")?;
    let op = fields.text("op")?;
    let change = match op.as_str() {
        "add_node" => {
            let (label, key) = (fields.text("label")?, fields.optional("key", key)?);
            let id = fields.optional("id", |json| node_id(&json))?;
            Change::AddNode { label, key, id, props: fields.props()? }
        }
        "upsert_node" => {
            let (label, key) = (fields.text("label")?, fields.required("key", key)?);
            Change::UpsertNode { label, key, props: fields.props()? }
        }
        "add_edge" => Change::AddEdge { edge: fields.edge()?, props: fields.props()? },
        "set" => set(&mut fields)?,
        "delete_edge" => Change::DeleteEdge(fields.edge()?),
        "delete_node" => {
            let detach = fields.optional("detach", boolean)?.unwrap_or(false);
            Change::DeleteNode { node: fields.required("node", node_ref)?, detach }
        }
        "edge_type" => Change::EdgeType {
            edge_type: fields.text("type")?,
            undirected: fields.optional("undirected", boolean)?.unwrap_or(false),
        },
        "create_index" | "drop_index" => {
            let (on, property) = (fields.index_target()?, fields.text("property")?);
            let unique = fields.optional("unique", boolean)?.unwrap_or(false);
            match op.as_str() {
                "create_index" => Change::CreateIndex { on, property, unique },
                _ => Change::DropIndex { on, property },
            }
        }
        other => {
            let shown: String = other.chars().take(64).collect();
            return Err(BadLine { hint: OPERATIONS, ..BadLine::new(format!("`{shown}` is no operation")) });
        }
    };
    fields.end(&op)?;
    Ok(change)
}

fn set(fields: &mut Fields) -> Result<Change, BadLine> {
    let node = fields.optional("node", node_ref)?;
    let edge = fields.optional("edge", |json| {
        let mut fields = Fields::of(json, "`edge`")?;
        let edge = fields.edge()?;
        fields.end("edge").map(|()| edge)
    })?;
    let props = fields.props()?;
    match (node, edge) {
        (Some(node), None) => Ok(Change::SetNode { node, props }),
        (None, Some(edge)) => Ok(Change::SetEdge { edge, props }),
        _ => Err(BadLine::new("`set` takes a `node` or an `edge`")),
    }
}

/// The fields of an object, taken out one by one.
struct Fields(Vec<(String, Json)>);

impl Fields {
    fn of(json: Json, what: &str) -> Result<Self, BadLine> {
        match json {
            Json::Object(fields) => Ok(Fields(fields)),
            other => Err(BadLine::new(format!("{what} is an object, not {}", other.kind()))),
        }
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Json) -> Result<T, BadLine>,
    ) -> Result<Option<T>, BadLine> {
        let in_field = |bad: BadLine| BadLine { what: format!("`{name}`: {}", bad.what), ..bad };
        self.take(name).map(|json| read(json).map_err(in_field)).transpose()
    }

    fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Json) -> Result<T, BadLine>,
    ) -> Result<T, BadLine> {
        self.optional(name, read)?.ok_or_else(|| BadLine::new(format!("the field `{name}` is missing")))
    }

    fn text(&mut self, name: &str) -> Result<String, BadLine> {
        self.required(name, text)
    }

    fn props(&mut self) -> Result<Props, BadLine> {
        let props = self.optional("props", |json| {
            let value = |(name, json): (String, Json)| match json.into_value() {
                Ok(value) => Ok((name, value)),
                Err(what) => {
                    let shown: String = name.chars().take(64).collect();
                    Err(BadLine::new(format!("`{shown}`: {what}")))
                }
            };
            Fields::of(json, "it")?.0.into_iter().map(value).collect()
        })?;
        Ok(props.unwrap_or_default())
    }

    fn edge(&mut self) -> Result<EdgeRef, BadLine> {
        Ok(EdgeRef {
            from: self.required("from", node_ref)?,
            edge_type: self.text("type")?,
            to: self.required("to", node_ref)?,
            rank: self.optional("rank", rank)?,
        })
    }

    fn index_target(&mut self) -> Result<IndexTarget, BadLine> {
        match (self.optional("label", text)?, self.optional("type", text)?) {
            (Some(label), None) => Ok(IndexTarget::Label(label)),
            (None, Some(edge_type)) => Ok(IndexTarget::EdgeType(edge_type)),
            _ => Err(BadLine::new("an index is over a `label` or a `type`")),
        }
    }

    fn end(self, of: &str) -> Result<(), BadLine> {
        match self.0.first() {
            Some((name, _)) => {
                let shown: String = name.chars().take(64).collect();
                Err(BadLine::new(format!("`{of}` has no field `{shown}`")))
            }
            None => Ok(()),
        }
    }
}

fn not_a(what: &str, json: &Json) -> BadLine {
    BadLine::new(format!("it is {what}, not {}", json.kind()))
}

fn text(json: Json) -> Result<String, BadLine> {
    match json {
        Json::Text(text) => Ok(text),
        other => Err(not_a("a string", &other)),
    }
}

fn boolean(json: Json) -> Result<bool, BadLine> {
    match json {
        Json::Bool(b) => Ok(b),
        other => Err(not_a("true or false", &other)),
    }
}

fn key(json: Json) -> Result<Key, BadLine> {
    match json {
        Json::Text(text) => Ok(Key::Text(text)),
        Json::Int(n) => Ok(Key::Int(n)),
        Json::Large(n) => {
            Err(BadLine::new(format!("{n} is beyond 9223372036854775807, the largest integer key")))
        }
        other => Err(not_a("a string or an integer", &other)),
    }
}

fn node_id(json: &Json) -> Result<u64, BadLine> {
    match json {
        Json::Int(n) if *n >= 0 => Ok(*n as u64),
        Json::Large(n) if *n <= NodeId::MAX.0 => Ok(*n),
        Json::Int(_) | Json::Large(_) => {
            Err(BadLine::new(format!("it is an integer from 0 to {}", NodeId::MAX)))
        }
        other => Err(not_a("an integer", other)),
    }
}

fn rank(json: Json) -> Result<u32, BadLine> {
    match json {
        Json::Int(n) => {
            u32::try_from(n).map_err(|_| BadLine::new(format!("it is an integer from 0 to {}", u32::MAX)))
        }
        other => Err(not_a("an integer", &other)),
    }
}

fn node_ref(json: Json) -> Result<NodeRef, BadLine> {
    let mut fields = Fields::of(json, "a node")?;
    let id = fields.optional("id", |json| node_id(&json))?;
    let label = fields.optional("label", text)?;
    let key = fields.optional("key", key)?;
    fields.end("node")?;
    match (id, label, key) {
        (Some(id), None, None) => Ok(NodeRef::Id(id)),
        (None, Some(label), Some(key)) => Ok(NodeRef::Named(label, key)),
        _ => Err(BadLine::new("a node is named by `label` and `key`, or by `id`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;
    use crate::props;

    fn ada() -> NodeRef {
        NodeRef::Named("person".into(), "ada".into())
    }

    #[test]
    fn every_operation_reads() {
        let edge = |rank| EdgeRef { from: ada(), edge_type: "knows".into(), to: NodeRef::Id(7), rank };
        let cases = [
            (
                r#"{"op":"add_node","label":"person","key":"ada","props":{"born":1815}}"#,
                Change::AddNode {
                    label: "person".into(),
                    key: Some("ada".into()),
                    id: None,
                    props: props! { "born" => 1815 },
                },
            ),
            (
                r#"{"op":"add_node","label":"person","id":18446744073709551614}"#,
                Change::AddNode {
                    label: "person".into(),
                    key: None,
                    id: Some(u64::MAX - 1),
                    props: props! {},
                },
            ),
            (
                r#"{"op":"upsert_node","label":"person","key":-1,"props":{}}"#,
                Change::UpsertNode { label: "person".into(), key: Key::Int(-1), props: props! {} },
            ),
            (
                r#"{"op":"add_edge","from":{"label":"person","key":"ada"},"type":"knows","to":{"id":7},"props":{"since":1833}}"#,
                Change::AddEdge { edge: edge(None), props: props! { "since" => 1833 } },
            ),
            (
                r#"{"op":"set","node":{"label":"person","key":"ada"},"props":{"born":null,"name":"Ada"}}"#,
                Change::SetNode {
                    node: ada(),
                    props: vec![("born".into(), Value::Null), ("name".into(), "Ada".into())],
                },
            ),
            (
                r#"{"op":"set","edge":{"from":{"label":"person","key":"ada"},"type":"knows","to":{"id":7},"rank":2},"props":{}}"#,
                Change::SetEdge { edge: edge(Some(2)), props: props! {} },
            ),
            (
                r#"{"op":"delete_edge","from":{"label":"person","key":"ada"},"type":"knows","to":{"id":7},"rank":0}"#,
                Change::DeleteEdge(edge(Some(0))),
            ),
            (
                r#"{"op":"delete_node","node":{"label":"person","key":"ada"},"detach":true}"#,
                Change::DeleteNode { node: ada(), detach: true },
            ),
            (
                r#"{"op":"edge_type","type":"knows","undirected":true}"#,
                Change::EdgeType { edge_type: "knows".into(), undirected: true },
            ),
            (
                r#"{"op":"create_index","label":"person","property":"name","unique":true}"#,
                Change::CreateIndex {
                    on: IndexTarget::Label("person".into()),
                    property: "name".into(),
                    unique: true,
                },
            ),
            (
                r#"{"op":"drop_index","type":"knows","property":"since"}"#,
                Change::DropIndex { on: IndexTarget::EdgeType("knows".into()), property: "since".into() },
            ),
        ];
        for (line, change) in cases {
            assert_eq!(parse_change(line), Ok(change), "{line}");
        }
    }

    #[test]
    fn every_bad_line_says_what_is_wrong() {
        for (line, part) in [
            ("", "EOF"),
            ("{", "EOF"),
            ("[]", "a change is an object, not a list"),
            (r#"{"label":"a"}"#, "`op` is missing"),
            (r#"{"op":"addnode"}"#, "no operation"),
            (r#"{"op":"add_node","label":"a","key":"x"} x"#, "trailing"),
            (r#"{"op":"add_node","label":"a","label":"b"}"#, "twice"),
            (r#"{"op":"add_node","label":"a","prosp":{}}"#, "no field `prosp`"),
            (r#"{"op":"add_node","key":"a"}"#, "`label` is missing"),
            (r#"{"op":"add_node","label":1}"#, "`label`: it is a string, not an integer"),
            (r#"{"op":"add_node","label":"a","key":1.5}"#, "`key`"),
            (r#"{"op":"add_node","label":"a","id":-1}"#, "`id`"),
            (r#"{"op":"add_node","label":"a","id":18446744073709551615}"#, "`id`"),
            (r#"{"op":"add_node","label":"a","id":99999999999999999999}"#, "64 bits"),
            (r#"{"op":"add_node","label":"a","props":{"b":{"c":1}}}"#, "`props`: `b`"),
            (r#"{"op":"add_node","label":"a","props":{"b":[[1]]}}"#, "nest"),
            (r#"{"op":"add_node","label":"a","props":[]}"#, "`props`: it is an object, not a list"),
            (r#"{"op":"upsert_node","label":"a"}"#, "`key` is missing"),
            (r#"{"op":"set","props":{}}"#, "a `node` or an `edge`"),
            (r#"{"op":"delete_node","node":{"id":1,"key":"x"}}"#, "by `label` and `key`, or by `id`"),
            (r#"{"op":"delete_node","node":{"id":1},"detach":1}"#, "`detach`"),
            (r#"{"op":"add_edge","from":{"id":1},"to":{"id":2}}"#, "`type` is missing"),
            (r#"{"op":"add_edge","from":{"id":1},"type":"t","to":{"id":2},"rank":4294967296}"#, "`rank`"),
            (r#"{"op":"create_index","property":"b"}"#, "a `label` or a `type`"),
            (r#"{"op":"create_index","label":"a","type":"t","property":"b"}"#, "a `label` or a `type`"),
            (r#"{"op":"drop_index","label":"a"}"#, "`property` is missing"),
        ] {
            let bad = parse_change(line).unwrap_err();
            assert!(bad.what.contains(part), "{line}: {bad:?}");
        }
        assert_eq!(parse_change(r#"{"op":x"#).unwrap_err().column, 7);
    }
}
