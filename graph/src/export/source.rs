//! What is exported, and what can go wrong.

use std::io;

use super::edgelist::Losses;
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

/// A graph that can be read from the start as often as one likes, and is the same each time.
pub trait Source {
    /// Why reading failed.
    type Error: std::error::Error;

    /// All nodes, ascending by id.
    fn nodes(&self) -> impl Iterator<Item = Result<NodeOut<'_>, Self::Error>>;

    /// All edges, ascending by source, type, target and rank.
    fn edges(&self) -> impl Iterator<Item = Result<EdgeOut<'_>, Self::Error>>;

    /// The key of a node.
    fn key(&self, id: u64) -> Result<Option<Key>, Self::Error>;
}

/// An export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E: std::error::Error> {
    /// The graph could not be read.
    #[error("{0}")]
    Read(E),
    /// The output could not be written.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    /// The format cannot hold all of it.
    #[error("an edge list cannot hold {0}")]
    Loses(Losses),
}
