//! Edge lists: `source target [weight]`.
//!
//! Nodes are written by their ids; by their keys where every node has one that an edge list reads back as a key. What
//! cannot be held is counted first, and refused unless losses are allowed.

use std::io::{BufWriter, Write};

use super::losses::{CountedRanks, EDGE_LIST, Loss, Losses};
use super::source::{EdgeOut, ExportError, NodeOut, Source};
use crate::import::{DEFAULT_LABEL, DEFAULT_TYPE, WEIGHT};
use crate::model::{Key, Value};

/// Writes all edges; returns how many, and what was left out. If something is to be left out and `lossy` is false,
/// nothing is written and it is an error.
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
/// use foliograph::export::{ExportError, write_edge_list};
/// let mut out = Vec::new();
/// let refused = write_edge_list(&snapshot, false, &mut out);
/// assert!(matches!(refused, Err(ExportError::Loses(_))));             // labels, properties
/// let (edges, losses) = write_edge_list(&snapshot, true, &mut out)?;
/// assert_eq!((edges, out.as_slice()), (1, b"0\t1\n".as_slice()));
/// println!("{losses}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ExportError`]: the graph cannot be read, the output not be written, or something would be lost.
pub fn write_edge_list<S: Source>(
    source: &S,
    lossy: bool,
    out: impl Write,
) -> Result<(u64, Losses), ExportError<S::Error>> {
    let (by_key, losses) = survey(source)?;
    if !losses.is_empty() && !lossy {
        return Err(ExportError::Loses(losses));
    }
    let mut out = BufWriter::with_capacity(256 << 10, out);
    let mut count = 0;
    for edge in source.edges() {
        let edge = edge.map_err(ExportError::Read)?;
        for (end, before) in [(edge.source, ""), (edge.target, "\t")] {
            match if by_key { source.key(end).map_err(ExportError::Read)? } else { None } {
                Some(key) => write!(out, "{before}{key}")?,
                None => write!(out, "{before}{end}")?,
            }
        }
        match weight(&edge) {
            Some(Value::Int(n)) => writeln!(out, "\t{n}")?,
            Some(Value::Float(x)) => writeln!(out, "\t{x:?}")?,
            _ => writeln!(out)?,
        }
        count += 1;
    }
    out.flush()?;
    Ok((count, losses))
}

fn weight<'a>(edge: &'a EdgeOut<'_>) -> Option<&'a Value> {
    let numeric = |value: &&Value| matches!(value, Value::Int(_) | Value::Float(_));
    edge.props.iter().find(|(name, _)| name == WEIGHT).map(|(_, value)| value).filter(numeric)
}

/// Whether nodes are written by their keys, and what would be lost.
fn survey<S: Source>(source: &S) -> Result<(bool, Losses), ExportError<S::Error>> {
    let mut losses = Losses::new(EDGE_LIST);
    let (mut nodes, mut keys, mut some_word) = (0u64, Keys::default(), false);
    for node in source.nodes() {
        let node = node.map_err(ExportError::Read)?;
        nodes += 1;
        losses.add(Loss::Labels, u64::from(node.label != DEFAULT_LABEL));
        losses.add(Loss::NodeProps, node.props.len() as u64);
        some_word |= keys.add(&node);
    }
    let by_key = some_word && keys.usable == nodes && losses.count(Loss::Labels) == 0;
    losses.add(Loss::Keys, if by_key { 0 } else { keys.any });
    let mut edges = Edges::default();
    for edge in source.edges() {
        edges.add(&edge.map_err(ExportError::Read)?, &mut losses);
    }
    losses.add(Loss::MixedWeights, if edges.float_weights > 0 { edges.int_weights } else { 0 });
    losses.add(Loss::LonelyNodes, lonely(source)?);
    Ok((by_key, losses))
}

/// Nodes that are no edge's end, by merging ids with sources, and asking for each other one among the targets.
fn lonely<S: Source>(source: &S) -> Result<u64, ExportError<S::Error>> {
    let mut linked = Vec::new();
    for edge in source.edges() {
        let edge = edge.map_err(ExportError::Read)?;
        linked.extend([edge.source, edge.target]);
        // Sorted now and then, so that memory is that of the nodes, not of the edges.
        if linked.len() >= 1 << 20 && linked.len() == linked.capacity() {
            linked.sort_unstable();
            linked.dedup();
        }
    }
    linked.sort_unstable();
    let mut lonely = 0;
    for node in source.nodes() {
        let node = node.map_err(ExportError::Read)?;
        lonely += u64::from(linked.binary_search(&node.id).is_err());
    }
    Ok(lonely)
}

#[derive(Default)]
struct Keys {
    any: u64,
    usable: u64,
}

impl Keys {
    /// Whether the node's key is a word, which makes all names of the list keys.
    fn add(&mut self, node: &NodeOut<'_>) -> bool {
        let Some(key) = &node.key else { return false };
        self.any += 1;
        let Key::Text(text) = key else { return false };
        let separates = |c: char| matches!(c, ' ' | '\t' | ',' | '\n' | '\r');
        let usable =
            !text.is_empty() && !text.contains(separates) && !text.starts_with(['#', '%', '\u{feff}']);
        self.usable += u64::from(usable);
        // Digits alone could be taken for an id; one name that cannot makes all of them keys.
        usable && !text.bytes().all(|b| b.is_ascii_digit())
    }
}

/// What was seen of edges.
#[derive(Default)]
struct Edges {
    int_weights: u64,
    float_weights: u64,
    ranks: CountedRanks,
}

impl Edges {
    fn add(&mut self, edge: &EdgeOut<'_>, losses: &mut Losses) {
        losses.add(Loss::Types, u64::from(edge.edge_type != DEFAULT_TYPE));
        losses.add(Loss::Undirected, u64::from(edge.undirected));
        let weight = weight(edge);
        losses.add(Loss::EdgeProps, edge.props.len() as u64 - u64::from(weight.is_some()));
        match weight {
            Some(Value::Int(_)) => self.int_weights += 1,
            Some(_) => self.float_weights += 1,
            None => {}
        }
        losses.add(Loss::Ranks, u64::from(!self.ranks.is_counted(edge)));
    }
}
