//! Walking the graph: breadth-first search, k hops, shortest paths.
//!
//! Must always be true: an I/O error ends a walk with that error; it never looks like "no neighbours". A walk goes level by
//! level, each frontier in id order, so that neighbours in the store are read from neighbouring pages.
//!
//! Memory: a bit a node (or 16 bytes a visited node, where ids are far apart), and 8 bytes a node of the frontier.

mod bfs;
mod path;
mod set;
mod weighted;

pub use bfs::{Bfs, BfsSummary};
pub use path::{Path, ShortestPath};
pub use weighted::{LightestPath, WeightedPath};

use crate::error::ReadError;
use crate::model::NodeId;
use crate::reader::{Reader, Way};
use storage_core::pager::ReadPages;

/// The ends of the edges of `node` that a walk follows.
fn targets<R: ReadPages>(
    reader: &Reader<R>,
    node: NodeId,
    ways: &[Way],
    out: &mut Vec<u64>,
) -> Result<(), ReadError> {
    out.clear();
    ways.iter().try_for_each(|(edge_type, direction)| reader.targets(node, *direction, *edge_type, out))
}

pub(crate) fn require<R: ReadPages>(reader: &Reader<R>, node: NodeId) -> Result<(), ReadError> {
    if reader.contains(node)? { Ok(()) } else { Err(ReadError::NoNode(node)) }
}
