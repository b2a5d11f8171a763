//! Lines of `apply`: one change each.
//!
//! Strict: an unknown operation, an unknown or a missing field, a field twice or of the wrong type is an error, for a
//! misspelt field that is silently ignored loses data.

use foliograph::{Key, Props};

use crate::json::Strict;

/// How a change names a node.
#[derive(Clone, PartialEq, Debug)]
pub enum NodeRef {
    /// By label and key.
    Named(String, Key),
    /// By id.
    Id(u64),
}

/// An edge, by its ends, type and rank.
#[derive(Clone, PartialEq, Debug)]
pub struct EdgeRef {
    pub from: NodeRef,
    pub edge_type: String,
    pub to: NodeRef,
    pub rank: Option<u32>,
}

/// A change.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    AddNode { label: String, key: Option<Key>, id: Option<u64>, props: Props },
    UpsertNode { label: String, key: Key, props: Props },
    AddEdge { edge: EdgeRef, props: Props },
    SetNode { node: NodeRef, props: Props },
    SetEdge { edge: EdgeRef, props: Props },
    DeleteEdge(EdgeRef),
    DeleteNode { node: NodeRef, detach: bool },
    EdgeType { edge_type: String, undirected: bool },
}

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadLine {
    /// The column, from 1; 0 where it is about the whole line.
    pub column: usize,
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

const OPERATIONS: &str =
    "there are add_node, upsert_node, add_edge, set, delete_edge, delete_node and edge_type";

/// Reads a line.
pub fn parse_change(line: &str) -> Result<Change, BadLine> {
    let json = Strict::parse(line).map_err(|(column, what)| BadLine { column, what, hint: "" })?;
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
            return Err(BadLine::new(format!("`{op}` is not supported by this version")));
        }
        other => {
            return Err(BadLine { hint: OPERATIONS, ..BadLine::new(format!("`{other}` is no operation")) });
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
struct Fields(Vec<(String, Strict)>);

impl Fields {
    fn of(json: Strict, what: &str) -> Result<Self, BadLine> {
        match json {
            Strict::Object(fields) => Ok(Fields(fields)),
            other => Err(BadLine::new(format!("{what} is an object, not {}", other.kind()))),
        }
    }

    fn take(&mut self, name: &str) -> Option<Strict> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Strict) -> Result<T, BadLine>,
    ) -> Result<Option<T>, BadLine> {
        let in_field = |bad: BadLine| BadLine { what: format!("`{name}`: {}", bad.what), ..bad };
        self.take(name).map(|json| read(json).map_err(in_field)).transpose()
    }

    fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Strict) -> Result<T, BadLine>,
    ) -> Result<T, BadLine> {
        self.optional(name, read)?.ok_or_else(|| BadLine::new(format!("the field `{name}` is missing")))
    }

    fn text(&mut self, name: &str) -> Result<String, BadLine> {
        self.required(name, text)
    }

    fn props(&mut self) -> Result<Props, BadLine> {
        let props = self.optional("props", |json| {
            let value = |(name, json): (String, Strict)| match json.into_value() {
                Ok(value) => Ok((name, value)),
                Err(what) => Err(BadLine::new(format!("`{name}`: {what}"))),
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

    fn end(self, of: &str) -> Result<(), BadLine> {
        match self.0.first() {
            Some((name, _)) => Err(BadLine::new(format!("`{of}` has no field `{name}`"))),
            None => Ok(()),
        }
    }
}

fn not_a(what: &str, json: &Strict) -> BadLine {
    BadLine::new(format!("it is {what}, not {}", json.kind()))
}

fn text(json: Strict) -> Result<String, BadLine> {
    match json {
        Strict::Text(text) => Ok(text),
        other => Err(not_a("a string", &other)),
    }
}

fn boolean(json: Strict) -> Result<bool, BadLine> {
    match json {
        Strict::Bool(b) => Ok(b),
        other => Err(not_a("true or false", &other)),
    }
}

fn key(json: Strict) -> Result<Key, BadLine> {
    match json {
        Strict::Text(text) => Ok(Key::Text(text)),
        Strict::Int(n) => Ok(Key::Int(n)),
        Strict::Large(n) => {
            Err(BadLine::new(format!("{n} is beyond 9223372036854775807, the largest integer key")))
        }
        other => Err(not_a("a string or an integer", &other)),
    }
}

fn node_id(json: &Strict) -> Result<u64, BadLine> {
    match json {
        Strict::Int(n) if *n >= 0 => Ok(*n as u64),
        Strict::Large(n) if *n <= foliograph::NodeId::MAX.0 => Ok(*n),
        Strict::Int(_) | Strict::Large(_) => {
            Err(BadLine::new(format!("it is an integer from 0 to {}", foliograph::NodeId::MAX)))
        }
        other => Err(not_a("an integer", other)),
    }
}

fn rank(json: Strict) -> Result<u32, BadLine> {
    match json {
        Strict::Int(n) => {
            u32::try_from(n).map_err(|_| BadLine::new(format!("it is an integer from 0 to {}", u32::MAX)))
        }
        other => Err(not_a("an integer", &other)),
    }
}

fn node_ref(json: Strict) -> Result<NodeRef, BadLine> {
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
    use foliograph::{Value, props};

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
            (r#"{"op":"create_index","label":"a","property":"b"}"#, "not supported"),
        ] {
            let bad = parse_change(line).unwrap_err();
            assert!(bad.what.contains(part), "{line}: {bad:?}");
        }
        assert_eq!(parse_change(r#"{"op":x"#).unwrap_err().column, 7);
    }
}
