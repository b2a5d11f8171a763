//! What is exported, and what can go wrong.

use std::io;

use super::losses::Losses;
use crate::IndexInfo;
use crate::import::MAX_LINE_BYTES;
use crate::model::{Key, Props};

/// A node as export writes it.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeOut<'a> {
    /// Its id.
    pub id: u64,
    /// Its label.
    pub label: &'a str,
    /// Its key.
    pub key: Option<Key>,
    /// Its properties.
    pub props: Props,
}

/// An edge as export writes it.
#[derive(Clone, PartialEq, Debug)]
pub struct EdgeOut<'a> {
    /// Where it begins.
    pub source: u64,
    /// Where it ends.
    pub target: u64,
    /// Its type.
    pub edge_type: &'a str,
    /// Whether its type is undirected.
    pub undirected: bool,
    /// Its rank.
    pub rank: u32,
    /// Its properties.
    pub props: Props,
}

/// An edge type as export writes it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct TypeOut<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether its edges have no direction.
    pub undirected: bool,
    /// How many edges it has.
    pub edges: u64,
}

/// How much was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// Nodes.
    pub nodes: u64,
    /// Edges.
    pub edges: u64,
    /// What was left out.
    pub losses: Losses,
}

/// A graph that can be read from the start as often as one likes, and is the same each time.
pub trait Source {
    /// Why reading failed.
    type Error: std::error::Error;

    /// All nodes, ascending by id.
    fn nodes(&self) -> impl Iterator<Item = Result<NodeOut<'_>, Self::Error>>;

    /// All edges, ascending by source, type, target and rank.
    fn edges(&self) -> impl Iterator<Item = Result<EdgeOut<'_>, Self::Error>>;

    /// All edge types, in the order of their numbers; also those without edges.
    fn edge_types(&self) -> impl Iterator<Item = TypeOut<'_>>;

    /// All property indexes.
    fn indexes(&self) -> impl Iterator<Item = IndexInfo<'_>>;

    /// The key of a node.
    ///
    /// # Errors
    /// What reading the graph fails with.
    fn key(&self, id: u64) -> Result<Option<Key>, Self::Error>;
}

/// An export failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError<E: std::error::Error> {
    /// The graph could not be read.
    #[error("{0}")]
    Read(E),
    /// The output could not be written.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    /// The format cannot hold all of it.
    #[error("{format} cannot hold {0}", format = .0.format())]
    Loses(Losses),
    /// A node or an edge takes a line that is longer than import takes: nothing reads it back.
    #[error("{what} takes a line of {bytes} bytes; import takes at most {MAX_LINE_BYTES}")]
    TooLong {
        /// Which.
        what: String,
        /// How long it is.
        bytes: u64,
    },
}

/// Refuses a line, or a row over several lines, that import would refuse.
pub(super) fn bounded<E: std::error::Error>(
    bytes: usize,
    what: impl std::fmt::Display,
) -> Result<(), ExportError<E>> {
    match bytes {
        ..=MAX_LINE_BYTES => Ok(()),
        _ => Err(ExportError::TooLong { what: what.to_string(), bytes: bytes as u64 }),
    }
}
