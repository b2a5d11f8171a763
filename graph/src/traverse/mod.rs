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
use crate::model::{Direction, NodeId, TypeId};
use crate::reader::Reader;
use storage_core::pager::ReadPages;

/// Which edges a walk follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps {
    direction: Option<Direction>,
    types: Option<Vec<TypeId>>,
}

impl Steps {
    fn of_type<R: ReadPages>(&mut self, reader: &Reader<R>, name: &str) {
        let types = self.types.get_or_insert_default();
        types.extend(reader.edge_type(name));
        types.sort_unstable();
        types.dedup();
    }

    fn resolve<R: ReadPages>(&self, reader: &Reader<R>) -> Direction {
        self.direction.unwrap_or_else(|| reader.default_direction(self.types.as_deref().unwrap_or(&[])))
    }

    /// The ends of the edges of `node` that the walk follows.
    fn targets<R: ReadPages>(
        &self,
        reader: &Reader<R>,
        node: NodeId,
        direction: Direction,
        out: &mut Vec<u64>,
    ) -> Result<(), ReadError> {
        out.clear();
        match &self.types {
            None => reader.targets(node, direction, None, out),
            Some(types) => types.iter().try_for_each(|t| reader.targets(node, direction, Some(*t), out)),
        }
    }
}

pub(crate) fn reverse(direction: Direction) -> Direction {
    match direction {
        Direction::Out => Direction::In,
        Direction::In => Direction::Out,
        Direction::Both => Direction::Both,
    }
}

pub(crate) fn require<R: ReadPages>(reader: &Reader<R>, node: NodeId) -> Result<(), ReadError> {
    if reader.contains(node)? { Ok(()) } else { Err(ReadError::NoNode(node)) }
}
