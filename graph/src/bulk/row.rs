//! Rows: what readers of input produce and the bulk loader takes.
//!
//! What holds of all rows of one load:
//!
//! - A [`RowId::Int`] is the node's id in the store. A [`RowId::Word`] only links rows: the node gets its id from the
//!   store. Within one load all names are of one kind: a reader that met integers first and then a word reports it
//!   ([`crate::import::RowError::restart_with`]) and is started again with the integers spelt as words, so the loader
//!   never has to turn one into the other.
//! - Integers come only where there is one ID space; with several, all names are words.
//! - A [`RowId::Key`] names the end of an edge by the node's label and key; rows of nodes are never called so.
//! - A word that is to be the node's key stands in [`NodeRow::key`] as well. Only a node that no row declares (an end
//!   in an edge list) gets its word as key from the loader.
//!
//! Rows know nothing of files: a [`Place`] has the file's number in a list that the caller keeps.

use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::model::{Key, Props};

/// How input names a node: an integer (its id) or a word, within an ID space.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RowId {
    /// The node's id in the store.
    Int(u64),
    /// A word that links rows.
    Word(String),
    /// The node with this label and key, whatever its row calls it. Only for ends of edges.
    Key(Arc<str>, Key),
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowId::Int(n) => write!(f, "{n}"),
            RowId::Word(w) => f.write_str(w),
            RowId::Key(label, key) => write!(f, "{label}/{key}"),
        }
    }
}

/// Where a row stood, for messages.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place {
    /// The file's number, by the caller's count.
    pub file: u32,
    /// The line, from 1; 0 where rows come from no file.
    pub line: u64,
}

/// A node as input has it.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeRow {
    /// The ID space of `id`: its number in [`crate::import::Spaces`]; 0 is the nameless one.
    pub space: u32,
    /// Its name for edges; without one no row can point at it, but by its key.
    pub id: Option<RowId>,
    /// Its label.
    pub label: Arc<str>,
    /// Its key, unique within the label.
    pub key: Option<Key>,
    /// Its properties; none is [`Value::Null`](crate::Value::Null), no name twice.
    pub props: Props,
    /// Where the row stood.
    pub place: Place,
}

/// An edge as input has it.
#[derive(Clone, PartialEq, Debug)]
pub struct EdgeRow {
    /// Source: ID space and name.
    pub from: (u32, RowId),
    /// Target: ID space and name.
    pub to: (u32, RowId),
    /// Its type.
    pub edge_type: Arc<str>,
    /// Whether its type is to be marked undirected in the catalog.
    pub undirected: bool,
    /// Its rank among parallel edges; given by the loader where there is none.
    pub rank: Option<u32>,
    /// Its properties; none is [`Value::Null`](crate::Value::Null), no name twice.
    pub props: Props,
    /// Where the row stood.
    pub place: Place,
}

impl From<u64> for RowId {
    fn from(id: u64) -> Self {
        RowId::Int(id)
    }
}

impl From<&str> for RowId {
    fn from(word: &str) -> Self {
        RowId::Word(word.to_owned())
    }
}

impl From<String> for RowId {
    fn from(word: String) -> Self {
        RowId::Word(word)
    }
}

impl NodeRow {
    /// A node that edges name so: by its id in the store, or by a word.
    pub fn new(label: &str, id: impl Into<RowId>) -> Self {
        let (id, label) = (Some(id.into()), label.into());
        NodeRow { space: 0, id, label, key: None, props: Props::new(), place: Place::default() }
    }

    /// A node that edges name by its key.
    pub fn keyed(label: &str, key: &str) -> Self {
        NodeRow { key: Some(key.into()), ..NodeRow::new(label, key) }
    }

    /// The same with these properties.
    pub fn with(self, props: Props) -> Self {
        NodeRow { props, ..self }
    }
}

impl EdgeRow {
    /// An edge between nodes that are named so.
    pub fn new(from: impl Into<RowId>, edge_type: &str, to: impl Into<RowId>) -> Self {
        EdgeRow::between(from.into(), edge_type.into(), to.into())
    }

    fn between(from: RowId, edge_type: Arc<str>, to: RowId) -> Self {
        let (from, to) = ((0, from), (0, to));
        EdgeRow {
            from,
            to,
            edge_type,
            undirected: false,
            rank: None,
            props: Props::new(),
            place: Place::default(),
        }
    }

    /// The same with these properties.
    pub fn with(self, props: Props) -> Self {
        EdgeRow { props, ..self }
    }
}

/// Source and target by id; the type is `edge`.
impl From<(u64, u64)> for EdgeRow {
    fn from((from, to): (u64, u64)) -> Self {
        // Made once: a row for each of millions of edges allocates nothing.
        static EDGE: LazyLock<Arc<str>> = LazyLock::new(|| "edge".into());
        EdgeRow::between(RowId::Int(from), EDGE.clone(), RowId::Int(to))
    }
}

/// Source, type and target.
impl<F: Into<RowId>, T: Into<RowId>> From<(F, &str, T)> for EdgeRow {
    fn from((from, edge_type, to): (F, &str, T)) -> Self {
        EdgeRow::new(from, edge_type, to)
    }
}
