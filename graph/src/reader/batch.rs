//! Neighbours of many nodes.

use super::{Follow, Reader};
use crate::error::ReadError;
use crate::model::{Direction, NodeId, TypeId};
use storage_core::pager::ReadPages;

/// A question for the neighbours of many nodes.
#[derive(Debug)]
#[must_use]
pub struct NeighborsOf<'a, R> {
    reader: &'a Reader<R>,
    nodes: &'a [NodeId],
    follow: Follow,
}

impl<R: ReadPages> Reader<R> {
    /// The neighbours of many nodes, in one batch: see [`NeighborsOf::for_each`].
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
    /// let knows = snapshot.edge_type("knows").expect("there is one");
    /// let mut found = Vec::new();
    /// snapshot.neighbors_of(&[ada, charles]).of_type(knows).for_each(|source, targets| {
    ///     found.push((source, targets.to_vec()));
    /// })?;
    /// assert_eq!(found, [(ada, vec![charles]), (charles, vec![])]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn neighbors_of<'a>(&'a self, nodes: &'a [NodeId]) -> NeighborsOf<'a, R> {
        NeighborsOf { reader: self, nodes, follow: Follow::default() }
    }
}

impl<R: ReadPages> NeighborsOf<'_, R> {
    /// Follows edges this way. Else outgoing edges are followed, and those of undirected types both ways.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.follow.direction = Some(direction);
        self
    }

    /// Follows edges of this type (may be said several times).
    pub fn of_type(self, edge_type: TypeId) -> Self {
        self.of_types(&[edge_type])
    }

    /// Follows edges of these types, and of those named before. No types at all find nothing.
    pub fn of_types(mut self, types: &[TypeId]) -> Self {
        self.follow.add_types(types);
        self
    }

    /// Calls back with each node and its neighbours, one for each edge, in the order of the nodes. The list is one
    /// buffer, filled again for each node; a node without edges, or that is not there, comes with an empty one. Followed
    /// both ways, a neighbour that is linked both ways comes twice, and a self-loop once.
    ///
    /// Fastest where the nodes ascend: what is in the page at hand is not looked up again. The device is told of the
    /// pages of some hundred nodes at once before they are read. Takes 16 bytes of memory for each edge of one node.
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn for_each(self, mut visit: impl FnMut(NodeId, &[NodeId])) -> Result<(), ReadError> {
        let ways = self.follow.ways(self.reader);
        let mut targets = Vec::new();
        self.reader.for_each_list(self.nodes, &ways, |index, list| {
            targets.clear();
            targets.extend(list.iter().copied().map(NodeId));
            visit(self.nodes[index], &targets);
            Ok::<(), ReadError>(())
        })
    }
}
