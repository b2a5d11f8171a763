//! JSON lines: the lines of `apply`, from which import makes an equal store.
//!
//! Nodes and edges are named by their ids, so that reading them back needs no look at keys. Every edge type has a line of
//! its own before the first edge: types without edges stay, and undirected ones are known as such. Indexes come last: they
//! are made of what is there. A line is put together in memory before it is written.

use std::io::{BufWriter, Write};

use super::source::{ExportError, Source, bounded};
use crate::model::Props;
use crate::text::json::{JsonKey, JsonProps};
use crate::{IndexInfo, IndexOn};
use serde_core::Serialize;

/// A line while it is put together.
struct Line(Vec<u8>);

impl Line {
    fn begin(&mut self, op: &str) {
        self.0.clear();
        self.raw(&format!("{{\"op\":\"{op}\""));
    }

    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn field(&mut self, name: &str, value: &impl Serialize) {
        self.raw(&format!(",\"{name}\":"));
        // Memory takes everything, and what is written has a form in JSON.
        let written = serde_json::to_writer(&mut self.0, value);
        debug_assert!(written.is_ok(), "{written:?}");
    }

    fn props(&mut self, props: &Props) {
        if !props.is_empty() {
            self.field("props", &JsonProps(props));
        }
    }

    fn end(&mut self, out: &mut impl Write) -> std::io::Result<usize> {
        let len = self.0.len() + 1;
        self.raw("}\n");
        out.write_all(&self.0)?;
        Ok(len)
    }
}

fn buffered(out: impl Write) -> BufWriter<impl Write> {
    BufWriter::with_capacity(256 << 10, out)
}

/// Writes the property indexes of nodes, or of edges.
fn indexes<S: Source>(
    source: &S,
    of_nodes: bool,
    line: &mut Line,
    out: &mut impl Write,
) -> std::io::Result<()> {
    for IndexInfo { on, property, unique, .. } in source.indexes() {
        let (field, name) = match on {
            IndexOn::Label(name) if of_nodes => ("label", name),
            IndexOn::EdgeType(name) if !of_nodes => ("type", name),
            _ => continue,
        };
        line.begin("create_index");
        line.field(field, &name);
        line.field("property", &property);
        line.field("unique", &unique);
        line.end(out)?;
    }
    Ok(())
}

/// Writes all nodes, a line each, and indexes over them; returns how many nodes.
///
/// ```
/// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
/// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
/// # let mut tx = db.begin_write()?;
/// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
/// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
/// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
/// # tx.commit()?;
/// # let snapshot = db.begin_read()?;
/// use foliograph::export::{write_json_edges, write_json_nodes};
/// let mut out = Vec::new();
/// assert_eq!(write_json_nodes(&snapshot, &mut out)?, 2);
/// assert_eq!(write_json_edges(&snapshot, &mut out)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The graph cannot be read, the output not be written, or a line is longer than import takes.
pub fn write_json_nodes<S: Source>(source: &S, out: impl Write) -> Result<u64, ExportError<S::Error>> {
    let mut out = buffered(out);
    let (mut line, mut count) = (Line(Vec::new()), 0);
    for node in source.nodes() {
        let node = node.map_err(ExportError::Read)?;
        line.begin("add_node");
        line.field("label", &node.label);
        if let Some(key) = &node.key {
            line.field("key", &JsonKey(key));
        }
        line.field("id", &node.id);
        line.props(&node.props);
        bounded(line.end(&mut out)?, format_args!("node {}", node.id))?;
        count += 1;
    }
    indexes(source, true, &mut line, &mut out)?;
    out.flush()?;
    Ok(count)
}

/// Writes all edge types and all edges, a line each, and indexes over edges; returns how many edges.
///
/// # Errors
/// The graph cannot be read, the output not be written, or a line is longer than import takes.
pub fn write_json_edges<S: Source>(source: &S, out: impl Write) -> Result<u64, ExportError<S::Error>> {
    let mut out = buffered(out);
    let (mut line, mut count) = (Line(Vec::new()), 0);
    for edge_type in source.edge_types() {
        line.begin("edge_type");
        line.field("type", &edge_type.name);
        line.field("undirected", &edge_type.undirected);
        line.end(&mut out)?;
    }
    for edge in source.edges() {
        let edge = edge.map_err(ExportError::Read)?;
        line.begin("add_edge");
        line.raw(&format!(",\"from\":{{\"id\":{}}}", edge.source));
        line.field("type", &edge.edge_type);
        line.raw(&format!(",\"to\":{{\"id\":{}}},\"rank\":{}", edge.target, edge.rank));
        line.props(&edge.props);
        bounded(line.end(&mut out)?, format_args!("an edge of node {}", edge.source))?;
        count += 1;
    }
    indexes(source, false, &mut line, &mut out)?;
    out.flush()?;
    Ok(count)
}
