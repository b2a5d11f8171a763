//! csv and tsv, a file of nodes and a file of edges, with headers from which import makes an equal store.
//!
//! A property has a column for each type that its values have; the columns stand in the order in which they first
//! appear. Columns for keys and ranks are written where there are any.

use std::collections::HashMap;
use std::io::{BufWriter, Write};

use super::field::Fields;
use super::losses::{Loss, Losses};
use super::source::{ExportError, Source, bounded};
use crate::import::Dialect;
use crate::model::{Key, Props};
use crate::text::{ColumnType, write_value};

/// The columns of properties.
#[derive(Default, Debug)]
struct Columns {
    columns: Vec<(String, ColumnType)>,
    /// Where the columns of a name are; almost always there is one.
    of_name: HashMap<String, Vec<usize>>,
}

impl Columns {
    fn add(&mut self, props: &Props) {
        for (name, value) in props {
            let Some(of) = ColumnType::of(value) else { continue };
            match self.of_name.get_mut(name) {
                Some(known) if known.iter().any(|&i| self.columns[i].1 == of) => continue,
                Some(known) => known.push(self.columns.len()),
                None => drop(self.of_name.insert(name.clone(), vec![self.columns.len()])),
            }
            self.columns.push((name.clone(), of));
        }
    }

    fn header<W: Write>(&self, fields: &mut Fields<W>) -> std::io::Result<()> {
        for (name, of) in &self.columns {
            fields.field(Some(&format!("{name}:{of}")))?;
        }
        Ok(())
    }

    /// The texts of a row's properties, by column, in `texts`.
    fn texts(&self, props: &Props, texts: &mut Vec<Option<String>>) {
        texts.clear();
        texts.resize(self.columns.len(), None);
        for (name, value) in props {
            let of = ColumnType::of(value);
            let columns = self.of_name.get(name).into_iter().flatten();
            for &column in columns.filter(|&&i| Some(self.columns[i].1) == of) {
                let mut text = String::new();
                write_value(value, self.columns[column].1, &mut text);
                texts[column] = Some(text);
            }
        }
    }
}

/// Writes all nodes; returns how many.
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
/// use foliograph::export::{write_edges, write_nodes};
/// use foliograph::import::Dialect;
/// let (mut nodes, mut edges) = (Vec::new(), Vec::new());
/// write_nodes(&snapshot, Dialect::Csv(b','), &mut nodes)?;
/// write_edges(&snapshot, Dialect::Csv(b','), &mut edges)?;
/// assert!(nodes.starts_with(b":ID,:LABEL,:KEY,born:int\n0,person,ada,1815\n"));
/// assert!(edges.starts_with(b":START_ID,:END_ID,:TYPE,since:int\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ExportError`]: the graph cannot be read, the output not be written, or a line is longer than import takes.
pub fn write_nodes<S: Source>(
    source: &S,
    dialect: Dialect,
    out: impl Write,
) -> Result<u64, ExportError<S::Error>> {
    let mut columns = Columns::default();
    let (mut text_keys, mut int_keys) = (false, false);
    for node in source.nodes() {
        let node = node.map_err(ExportError::Read)?;
        columns.add(&node.props);
        text_keys |= matches!(node.key, Some(Key::Text(_)));
        int_keys |= matches!(node.key, Some(Key::Int(_)));
    }
    let mut fields = Fields::new(BufWriter::with_capacity(256 << 10, out), dialect);
    fields.field(Some(":ID"))?;
    fields.field(Some(":LABEL"))?;
    if text_keys {
        fields.field(Some(":KEY"))?;
    }
    if int_keys {
        fields.field(Some(":KEY(int)"))?;
    }
    columns.header(&mut fields)?;
    fields.end()?;
    let (mut count, mut texts) = (0, Vec::new());
    for node in source.nodes() {
        let node = node.map_err(ExportError::Read)?;
        fields.field(Some(&node.id.to_string()))?;
        fields.field(Some(&escape_label(node.label)))?;
        if text_keys {
            fields.field(
                node.key
                    .as_ref()
                    .and_then(|key| if let Key::Text(t) = key { Some(t.as_str()) } else { None }),
            )?;
        }
        if int_keys {
            let text =
                node.key.as_ref().and_then(|k| if let Key::Int(n) = k { Some(n.to_string()) } else { None });
            fields.field(text.as_deref())?;
        }
        columns.texts(&node.props, &mut texts);
        texts.iter().try_for_each(|text| fields.field(text.as_deref()))?;
        bounded(fields.end()?, format_args!("node {}", node.id))?;
        count += 1;
    }
    fields.flush()?;
    Ok(count)
}

/// A semicolon in a label would separate two labels.
fn escape_label(label: &str) -> String {
    label.replace('\\', "\\\\").replace(';', "\\;")
}

/// Writes all edges; returns how many.
///
/// # Errors
/// [`ExportError`]: the graph cannot be read, the output not be written, or a line is longer than import takes.
pub fn write_edges<S: Source>(
    source: &S,
    dialect: Dialect,
    out: impl Write,
) -> Result<u64, ExportError<S::Error>> {
    let mut columns = Columns::default();
    let (mut directed, mut undirected, mut ranks) = (false, false, false);
    for edge in source.edges() {
        let edge = edge.map_err(ExportError::Read)?;
        columns.add(&edge.props);
        directed |= !edge.undirected;
        undirected |= edge.undirected;
        ranks |= edge.rank != 0;
    }
    let mut fields = Fields::new(BufWriter::with_capacity(256 << 10, out), dialect);
    fields.field(Some(":START_ID"))?;
    fields.field(Some(":END_ID"))?;
    if directed || !undirected {
        fields.field(Some(":TYPE"))?;
    }
    if undirected {
        fields.field(Some(":TYPE(undirected)"))?;
    }
    if ranks {
        fields.field(Some(":RANK"))?;
    }
    columns.header(&mut fields)?;
    fields.end()?;
    let (mut count, mut texts) = (0, Vec::new());
    for edge in source.edges() {
        let edge = edge.map_err(ExportError::Read)?;
        fields.field(Some(&edge.source.to_string()))?;
        fields.field(Some(&edge.target.to_string()))?;
        if directed {
            fields.field((!edge.undirected).then_some(edge.edge_type))?;
        }
        if undirected {
            fields.field(edge.undirected.then_some(edge.edge_type))?;
        }
        if ranks {
            fields.field(Some(&edge.rank.to_string()))?;
        }
        columns.texts(&edge.props, &mut texts);
        texts.iter().try_for_each(|text| fields.field(text.as_deref()))?;
        bounded(fields.end()?, format_args!("an edge of node {}", edge.source))?;
        count += 1;
    }
    fields.flush()?;
    Ok(count)
}

/// What csv and tsv of all nodes and edges do not hold.
pub fn table_losses<S: Source>(source: &S) -> Losses {
    let mut losses = Losses::new("a table");
    let empty = source.edge_types().filter(|edge_type| edge_type.undirected && edge_type.edges == 0);
    losses.add(Loss::EmptyTypes, empty.count() as u64);
    losses.add(Loss::Indexes, source.indexes().count() as u64);
    losses
}
