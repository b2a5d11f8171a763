//! Degrees: how many edges a node has.

use super::{Follow, Reader};
use crate::error::ReadError;
use crate::model::{Direction, NodeId, TypeId};
use storage_core::pager::ReadPages;

/// So many edges are read to find the self-loops among them; of more, those of each type are counted.
const FEW: u64 = 256;

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
    /// use foliograph::Direction;
    /// assert_eq!(snapshot.degree(charles).count()?, 0);
    /// assert_eq!(snapshot.degree(charles).direction(Direction::In).of_type("knows").count()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    ///
    /// Takes as long for a hub as for any node: the trees count what is below each page, so that two pages of each level
    /// are read at most, and beside them the pages of this node's edges that commits have changed since the last
    /// checkpoint. Followed both ways without a word of types, a hub's self-loops are counted type by type.
    ///
    /// # Errors
    /// [`ReadError::NoNode`]; and [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn count(self) -> Result<u64, ReadError> {
        let r = self.reader;
        let mut count = 0;
        for (edge_type, direction) in self.follow.ways(r) {
            let of = (self.node, edge_type);
            let mut found = 0;
            if direction != Direction::In {
                found = r.layers.edge.degree(&r.graph.out, &r.pages, of)?;
            }
            if direction == Direction::Both && found > 0 {
                // They stand in both trees.
                found = found.saturating_sub(self.loops(edge_type, found)?);
            }
            if direction != Direction::Out {
                found = found.saturating_add(r.layers.edge.degree(&r.graph.into, &r.pages, of)?);
            }
            count = found.saturating_add(count);
        }
        if count == 0 && !r.contains(self.node)? {
            return Err(ReadError::NoNode(self.node));
        }
        Ok(count)
    }

    /// How many of the node's outgoing edges, of which there are `edges`, go to itself.
    fn loops(&self, edge_type: Option<TypeId>, edges: u64) -> Result<u64, ReadError> {
        let r = self.reader;
        if edges <= FEW {
            let mut targets = Vec::new();
            r.layers.edge.targets(&r.graph.out, &r.pages, (self.node, edge_type), &mut targets)?;
            return Ok(targets.iter().filter(|n| **n == self.node.0).count() as u64);
        }
        let of = |edge_type| r.layers.edge.loops(&r.graph.out, &r.pages, (self.node, edge_type));
        if let Some(edge_type) = edge_type {
            return Ok(of(edge_type)?);
        }
        let used = r.edge_types().filter(|(_, info)| info.edges > 0);
        used.map(|(edge_type, _)| of(edge_type)).try_fold(0u64, |sum, loops| Ok(sum.saturating_add(loops?)))
    }
}
