//! Degrees: how many edges a node has.

use super::Reader;
use crate::error::ReadError;
use crate::model::{Direction, NodeId, TypeId};
use storage_core::pager::ReadPages;

/// A question for a degree; [`Degree::count`] answers it.
#[derive(Debug)]
#[must_use]
pub struct Degree<'a, R> {
    reader: &'a Reader<R>,
    node: NodeId,
    direction: Option<Direction>,
    types: Option<Vec<TypeId>>,
}

impl<R: ReadPages> Reader<R> {
    /// The degree of a node: outgoing edges of all types, unless it is told otherwise.
    pub fn degree(&self, node: NodeId) -> Degree<'_, R> {
        Degree { reader: self, node, direction: None, types: None }
    }
}

impl<R: ReadPages> Degree<'_, R> {
    /// Counts this way only.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = Some(direction);
        self
    }

    /// Counts edges of this type (may be said several times). A name that is not known counts none.
    pub fn of_type(mut self, name: &str) -> Self {
        let known = self.reader.edge_type(name);
        self.types.get_or_insert_default().extend(known);
        self
    }

    /// The number of edges. With both directions a self-loop counts once.
    pub fn count(self) -> Result<u64, ReadError> {
        let r = self.reader;
        let direction =
            self.direction.unwrap_or_else(|| r.default_direction(self.types.as_deref().unwrap_or(&[])));
        let types: Vec<Option<TypeId>> = match self.types {
            None => vec![None],
            Some(mut types) => {
                types.sort_unstable();
                types.dedup();
                types.into_iter().map(Some).collect()
            }
        };
        let mut count = 0;
        for t in types {
            if direction != Direction::In {
                count += r.layers.edge.degree(&r.graph.out, &r.pages, (self.node, t))?;
            }
            if direction != Direction::Out {
                count += r.layers.edge.degree(&r.graph.into, &r.pages, (self.node, t))?;
            }
            if direction == Direction::Both {
                let mut targets = Vec::new();
                r.layers.edge.targets(&r.graph.out, &r.pages, (self.node, t), &mut targets)?;
                count -= targets.iter().filter(|n| **n == self.node.0).count() as u64;
            }
        }
        Ok(count)
    }
}
