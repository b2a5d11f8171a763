//! Degrees: how many edges a node has.

use super::{Follow, Reader};
use crate::error::ReadError;
use crate::model::{Direction, NodeId, TypeId};
use storage_core::pager::ReadPages;

/// A question for a degree; [`Degree::count`] answers it.
#[derive(Debug)]
#[must_use]
pub struct Degree<'a, R> {
    reader: &'a Reader<R>,
    node: NodeId,
    follow: Follow,
}

impl<R: ReadPages> Reader<R> {
    /// The degree of a node: its outgoing edges, and the incoming ones of undirected types, unless it is told otherwise.
    pub fn degree(&self, node: NodeId) -> Degree<'_, R> {
        Degree { reader: self, node, follow: Follow::default() }
    }
}

impl<R: ReadPages> Degree<'_, R> {
    /// Counts this way only.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.follow.direction = Some(direction);
        self
    }

    /// Counts edges of this type (may be said several times). A name that is not known counts none.
    pub fn of_type(mut self, name: &str) -> Self {
        self.follow.add_type(self.reader, name);
        self
    }

    /// Counts edges of these types, and of those named before. No types at all count none.
    pub fn of_types(mut self, types: &[TypeId]) -> Self {
        self.follow.add_types(types);
        self
    }

    /// The number of edges. Followed both ways, a self-loop counts once. A node that is not there is an error.
    pub fn count(self) -> Result<u64, ReadError> {
        let r = self.reader;
        let mut count = 0;
        for (edge_type, direction) in self.follow.ways(r) {
            let of = (self.node, edge_type);
            if direction != Direction::In {
                count += r.layers.edge.degree(&r.graph.out, &r.pages, of)?;
            }
            if direction != Direction::Out {
                count += r.layers.edge.degree(&r.graph.into, &r.pages, of)?;
            }
            if direction == Direction::Both {
                let mut targets = Vec::new();
                r.layers.edge.targets(&r.graph.out, &r.pages, of, &mut targets)?;
                count -= targets.iter().filter(|n| **n == self.node.0).count() as u64;
            }
        }
        if count == 0 && !r.contains(self.node)? {
            return Err(ReadError::NoNode(self.node));
        }
        Ok(count)
    }
}
