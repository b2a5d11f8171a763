//! GraphML (<http://graphml.graphdrawing.org>): one file of nodes and edges, for programs that draw and analyse graphs.
//!
//! Nodes are `n` and their id. Labels, keys, types and ranks are data called `:LABEL`, `:KEY`, `:TYPE` and `:RANK`;
//! properties are data of their names, with a `<key>` for each type that they have. Directed and undirected edges may
//! stand side by side. What XML's types have no word for (dates, timestamps, bytes, lists) is lost as such and written as
//! text; characters that XML cannot hold are lost. Neither is done unless the caller allows it.

use std::borrow::Cow;
use std::io::{BufWriter, Write};

use super::losses::{Loss, Losses};
use super::source::{EdgeOut, ExportError, NodeOut, Source, Written};
use crate::model::{Key, Props, Value};
use crate::text::ColumnType;
use crate::text::write::write_value;

/// What a `<data>` holds, as `attr.type` calls it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum DataType {
    Boolean,
    Long,
    Double,
    String,
}

impl DataType {
    fn of(value: &Value) -> DataType {
        match value {
            Value::Bool(_) => DataType::Boolean,
            Value::Int(_) => DataType::Long,
            Value::Float(_) => DataType::Double,
            _ => DataType::String,
        }
    }

    fn name(self) -> &'static str {
        match self {
            DataType::Boolean => "boolean",
            DataType::Long => "long",
            DataType::Double => "double",
            DataType::String => "string",
        }
    }
}

/// The data that nodes, or edges, have: the number of each is its place.
#[derive(Default)]
struct Columns {
    columns: Vec<(String, DataType)>,
    numbers: std::collections::HashMap<String, Vec<usize>>,
}

impl Columns {
    fn find(&self, name: &str, of: DataType) -> Option<usize> {
        self.numbers.get(name)?.iter().copied().find(|&number| self.columns[number].1 == of)
    }

    fn add(&mut self, name: &str, of: DataType) {
        if self.find(name, of).is_none() {
            self.numbers.entry(name.to_owned()).or_default().push(self.columns.len());
            self.columns.push((name.to_owned(), of));
        }
    }

    fn add_props(&mut self, props: &Props, losses: &mut Losses) {
        for (name, value) in props {
            self.add(name, DataType::of(value));
            losses.add(Loss::Characters, u64::from(!is_xml(name)));
            match value {
                Value::Text(text) => losses.add(Loss::Characters, u64::from(!is_xml(text))),
                Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
                _ => losses.add(Loss::ValueTypes, 1),
            }
        }
    }
}

const LABEL: &str = ":LABEL";
const KEY: &str = ":KEY";
const TYPE: &str = ":TYPE";
const RANK: &str = ":RANK";

/// What has to be known before the first node.
struct Survey {
    nodes: Columns,
    edges: Columns,
    undirected: bool,
    losses: Losses,
}

fn survey<S: Source>(source: &S, with_edges: bool) -> Result<Survey, ExportError<S::Error>> {
    let mut losses = Losses::new("GraphML");
    let (mut nodes, mut edges) = (Columns::default(), Columns::default());
    nodes.add(LABEL, DataType::String);
    for node in source.nodes() {
        let NodeOut { label, key, props, .. } = node.map_err(ExportError::Read)?;
        losses.add(Loss::Characters, u64::from(!is_xml(label)));
        match &key {
            None => {}
            Some(Key::Int(_)) => nodes.add(KEY, DataType::Long),
            Some(Key::Text(text)) => {
                losses.add(Loss::Characters, u64::from(!is_xml(text)));
                nodes.add(KEY, DataType::String);
            }
        }
        nodes.add_props(&props, &mut losses);
    }
    let (mut directed, mut undirected) = (false, false);
    if with_edges {
        edges.add(TYPE, DataType::String);
        for edge in source.edges() {
            let edge = edge.map_err(ExportError::Read)?;
            losses.add(Loss::Characters, u64::from(!is_xml(edge.edge_type)));
            directed |= !edge.undirected;
            undirected |= edge.undirected;
            if edge.rank != 0 {
                edges.add(RANK, DataType::Long);
            }
            edges.add_props(&edge.props, &mut losses);
        }
    }
    Ok(Survey { nodes, edges, undirected: undirected && !directed, losses })
}

/// Writes all nodes, and with `with_edges` all edges. If something is to be left out and `lossy` is false, nothing is
/// written and it is an error.
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
/// let written = foliograph::export::write_graphml(&snapshot, true, true, &mut out)?;
/// assert_eq!((written.nodes, written.edges), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The graph cannot be read, the output not be written, or something would be lost.
pub fn write_graphml<S: Source>(
    source: &S,
    with_edges: bool,
    lossy: bool,
    out: impl Write,
) -> Result<Written, ExportError<S::Error>> {
    let survey = survey(source, with_edges)?;
    if !survey.losses.is_empty() && !lossy {
        return Err(ExportError::Loses(survey.losses));
    }
    let mut xml = Xml { out: BufWriter::with_capacity(256 << 10, out), text: String::new() };
    xml.head(&survey)?;
    let (mut nodes, mut edges) = (0, 0);
    for node in source.nodes() {
        xml.node(&node.map_err(ExportError::Read)?, &survey.nodes)?;
        nodes += 1;
    }
    if with_edges {
        for edge in source.edges() {
            xml.edge(&edge.map_err(ExportError::Read)?, &survey)?;
            edges += 1;
        }
    }
    xml.out.write_all(b"  </graph>\n</graphml>\n")?;
    xml.out.flush()?;
    Ok(Written { nodes, edges, losses: survey.losses })
}

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"#;

/// A document while it is written.
struct Xml<W> {
    out: W,
    text: String,
}

impl<W: Write> Xml<W> {
    fn head(&mut self, survey: &Survey) -> std::io::Result<()> {
        self.out.write_all(HEAD.as_bytes())?;
        for (of, letter, columns) in [("node", 'v', &survey.nodes), ("edge", 'e', &survey.edges)] {
            for (number, (name, data)) in columns.columns.iter().enumerate() {
                let (name, data) = (escaped(name), data.name());
                writeln!(
                    self.out,
                    "  <key id=\"{letter}{number}\" for=\"{of}\" attr.name=\"{name}\" attr.type=\"{data}\"/>"
                )?;
            }
        }
        let default = if survey.undirected { "undirected" } else { "directed" };
        writeln!(self.out, "  <graph id=\"G\" edgedefault=\"{default}\">")
    }

    fn node(&mut self, node: &NodeOut<'_>, columns: &Columns) -> std::io::Result<()> {
        write!(self.out, "    <node id=\"n{}\">", node.id)?;
        self.data('v', columns.find(LABEL, DataType::String), node.label)?;
        match &node.key {
            None => {}
            Some(Key::Int(n)) => self.data('v', columns.find(KEY, DataType::Long), &n.to_string())?,
            Some(Key::Text(text)) => self.data('v', columns.find(KEY, DataType::String), text)?,
        }
        self.props('v', columns, &node.props)?;
        self.out.write_all(b"</node>\n")
    }

    fn edge(&mut self, edge: &EdgeOut<'_>, survey: &Survey) -> std::io::Result<()> {
        let EdgeOut { source, target, .. } = edge;
        write!(self.out, "    <edge source=\"n{source}\" target=\"n{target}\"")?;
        if edge.undirected != survey.undirected {
            write!(self.out, " directed=\"{}\"", !edge.undirected)?;
        }
        self.out.write_all(b">")?;
        let columns = &survey.edges;
        self.data('e', columns.find(TYPE, DataType::String), edge.edge_type)?;
        if edge.rank != 0 {
            self.data('e', columns.find(RANK, DataType::Long), &edge.rank.to_string())?;
        }
        self.props('e', columns, &edge.props)?;
        self.out.write_all(b"</edge>\n")
    }

    fn props(&mut self, letter: char, columns: &Columns, props: &Props) -> std::io::Result<()> {
        for (name, value) in props {
            let mut text = std::mem::take(&mut self.text);
            text.clear();
            match value {
                Value::Float(x) if x.is_infinite() => text.push_str(if *x > 0.0 { "INF" } else { "-INF" }),
                Value::Null => continue,
                other => {
                    let column = ColumnType::of(other).unwrap_or(ColumnType::TEXT);
                    write_value(other, column, &mut text);
                }
            }
            self.data(letter, columns.find(name, DataType::of(value)), &text)?;
            self.text = text;
        }
        Ok(())
    }

    /// One `<data>`; the survey has a column for each.
    fn data(&mut self, letter: char, column: Option<usize>, text: &str) -> std::io::Result<()> {
        let Some(column) = column else { return Ok(()) };
        write!(self.out, "<data key=\"{letter}{column}\">")?;
        self.out.write_all(escaped(text).as_bytes())?;
        self.out.write_all(b"</data>")
    }
}

/// Whether XML 1.0 can hold the character, in whatever form.
pub(super) fn is_xml_char(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

pub(super) fn is_xml(text: &str) -> bool {
    text.chars().all(is_xml_char)
}

/// Text for an element or an attribute in double quotes. Line ends and tabs are written as numbers: readers make blanks
/// or other line ends of them otherwise.
fn escaped(text: &str) -> Cow<'_, str> {
    let plain = |c: char| is_xml_char(c) && !matches!(c, '&' | '<' | '>' | '"' | '\t' | '\n' | '\r');
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c if is_xml_char(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    Cow::Owned(out)
}
