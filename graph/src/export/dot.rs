//! DOT, the language of Graphviz: nodes and edges to be drawn.
//!
//! Nodes are `n` and their id. What is shown of a node is its label and key (`person/ada`; without a key its id,
//! `person @7`), of an edge its type; `node` and `edge`, which all have where nobody says anything else, are left out.
//! A graph with directed and undirected edges is a directed one, in which undirected edges have no arrowhead. Properties
//! are not written, for Graphviz would take some of them for instructions (`shape`, `image`, …); they are lost, and so are
//! ranks with gaps, and control characters. None of that is done unless the caller allows it.

use std::io::{BufWriter, Write};

use super::graphml::is_xml;
use super::losses::{CountedRanks, Loss, Losses};
use super::source::{ExportError, NodeOut, Source, Written};
use crate::import::{DEFAULT_LABEL, DEFAULT_TYPE};
use crate::model::Key;

/// Whether all edges are undirected, and what is lost.
fn survey<S: Source>(source: &S, with_edges: bool) -> Result<(bool, Losses), ExportError<S::Error>> {
    let mut losses = Losses::new("DOT");
    for node in source.nodes() {
        let node = node.map_err(ExportError::Read)?;
        let in_key = matches!(&node.key, Some(Key::Text(text)) if !is_xml(text));
        losses.add(Loss::Characters, u64::from(!is_xml(node.label)) + u64::from(in_key));
        losses.add(Loss::NodeProps, node.props.len() as u64);
    }
    let (mut directed, mut undirected) = (false, false);
    let mut ranks = CountedRanks::default();
    for edge in source.edges().take_while(|_| with_edges) {
        let edge = edge.map_err(ExportError::Read)?;
        losses.add(Loss::Characters, u64::from(!is_xml(edge.edge_type)));
        losses.add(Loss::EdgeProps, edge.props.len() as u64);
        losses.add(Loss::Ranks, u64::from(!ranks.is_counted(&edge)));
        directed |= !edge.undirected;
        undirected |= edge.undirected;
    }
    Ok((undirected && !directed, losses))
}

/// Writes all nodes, and with `with_edges` all edges. If something is to be left out and `lossy` is false, nothing is written and it is an error.
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
/// let mut out = Vec::new();
/// foliograph::export::write_dot(&snapshot, true, true, &mut out)?;
/// assert!(out.starts_with(b"digraph {"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The graph cannot be read, the output not be written, or something would be lost.
pub fn write_dot<S: Source>(
    source: &S,
    with_edges: bool,
    lossy: bool,
    out: impl Write,
) -> Result<Written, ExportError<S::Error>> {
    let (undirected, losses) = survey(source, with_edges)?;
    if !losses.is_empty() && !lossy {
        return Err(ExportError::Loses(losses));
    }
    let mut out = BufWriter::with_capacity(256 << 10, out);
    let (graph, arrow) = if undirected { ("graph", "--") } else { ("digraph", "->") };
    writeln!(out, "{graph} {{")?;
    let (mut nodes, mut edges) = (0, 0);
    for node in source.nodes() {
        let node = node.map_err(ExportError::Read)?;
        writeln!(out, "  n{} [label={}];", node.id, quoted(&title(&node)))?;
        nodes += 1;
    }
    for edge in source.edges().take_while(|_| with_edges) {
        let edge = edge.map_err(ExportError::Read)?;
        write!(out, "  n{} {arrow} n{}", edge.source, edge.target)?;
        match (edge.edge_type != DEFAULT_TYPE, edge.undirected && !undirected) {
            (false, false) => {}
            (true, false) => write!(out, " [label={}]", quoted(edge.edge_type))?,
            (false, true) => write!(out, " [dir=none]")?,
            (true, true) => write!(out, " [label={}, dir=none]", quoted(edge.edge_type))?,
        }
        writeln!(out, ";")?;
        edges += 1;
    }
    writeln!(out, "}}")?;
    out.flush()?;
    Ok(Written { nodes, edges, losses })
}

/// What is shown of a node.
fn title(node: &NodeOut<'_>) -> String {
    let plain = node.label == DEFAULT_LABEL;
    match &node.key {
        // A key with a slash must not look like a label and a key.
        Some(key) if plain && !key.to_string().contains('/') => key.to_string(),
        Some(key) => format!("{}/{key}", node.label),
        None if plain => format!("@{}", node.id),
        None => format!("{} @{}", node.label, node.id),
    }
}

/// A text in quotes, so that Graphviz shows it as it is: it knows escapes by backslash, and XML's entities.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            '\n' => out.push_str("\\n"),
            // A carriage return by itself would end a line here and nowhere else.
            '\r' => out.push_str("&#13;"),
            c if super::graphml::is_xml_char(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out.push('"');
    out
}
