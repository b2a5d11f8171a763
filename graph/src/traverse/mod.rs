//! Walking the graph from a node: breadth-first search, k hops, shortest and lightest paths, one or all.
//!
//! Must always be true: an I/O error ends a walk with that error; it never looks like "no neighbours". A walk goes level by
//! level, each frontier in id order, so that neighbours in the store are read from neighbouring pages.
//!
//! Every walk may be narrowed by closures over edges and nodes (`filter_edges`, `filter_nodes`), watched and stopped
//! ([`Control`](crate::algo::Control)), and says how much memory it takes.

mod all;
mod bfs;
mod path;
mod rules;
mod search;
mod set;
#[cfg(test)]
mod tests;
mod weighted;

pub use all::AllPaths;
pub use bfs::{Bfs, BfsSummary};
pub use path::{Path, ShortestPath};
pub use weighted::{GuidedPath, LightestPath, WeightedPath};

use crate::error::ReadError;
use crate::model::NodeId;
use crate::reader::Reader;
use storage_core::pager::ReadPages;

pub(crate) fn require<R: ReadPages>(reader: &Reader<R>, node: NodeId) -> Result<(), ReadError> {
    if reader.contains(node)? { Ok(()) } else { Err(ReadError::NoNode(node)) }
}
