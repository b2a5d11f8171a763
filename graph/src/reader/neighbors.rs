//! Neighbours of one node, and of many.

use super::value::FromValue;
use super::{Follow, Reader};
use crate::edge::Entry;
use crate::error::ReadError;
use crate::model::{Direction, Edge, NodeId, Props, TypeId};
use storage_core::pager::ReadPages;

/// A question for the neighbours of one node. Iterating over it answers it: ascending by neighbour id, and for the same
/// neighbour by type and rank.
#[derive(Debug)]
#[must_use]
pub struct Neighbors<'a, R> {
    reader: &'a Reader<R>,
    node: NodeId,
    follow: Follow,
}

/// A neighbour and the edge that leads to it.
#[derive(Debug)]
pub struct Neighbor<'a, R> {
    reader: &'a Reader<R>,
    /// The node at the other end.
    pub id: NodeId,
    /// The edge.
    pub edge: Edge,
}

impl<R: ReadPages> Reader<R> {
    /// The neighbours of a node: along its outgoing edges, and both ways along those of undirected types, unless it is
    /// told otherwise. A node that is not there is an error.
    ///
    /// Takes 24 bytes of memory for each edge of the node while it is iterated over.
    pub fn neighbors(&self, node: NodeId) -> Neighbors<'_, R> {
        Neighbors { reader: self, node, follow: Follow::default() }
    }

    /// The neighbours of many nodes, in one batch: see [`NeighborsOf::for_each`].
    pub fn neighbors_of<'a>(&'a self, nodes: &'a [NodeId]) -> NeighborsOf<'a, R> {
        NeighborsOf { reader: self, nodes, follow: Follow::default() }
    }

    /// The entries of a node's list in one direction, as the tree has them.
    pub(crate) fn entries(&self, node: NodeId, into: bool, out: &mut Vec<Entry>) -> Result<(), ReadError> {
        let (edge, graph) = (&self.layers.edge, &self.graph);
        match into {
            false => edge.entries(&graph.out, &self.pages, node, out)?,
            true => edge.entries(&graph.into, &self.pages, node, out)?,
        }
        Ok(())
    }

    /// The ids at the other ends of a node's edges of one type, or of all, one for each edge. Both ways gives a neighbour
    /// that is linked both ways twice, and a self-loop once.
    pub(crate) fn targets(
        &self,
        node: NodeId,
        direction: Direction,
        edge_type: Option<TypeId>,
        out: &mut Vec<u64>,
    ) -> Result<(), ReadError> {
        let (edge, graph) = (&self.layers.edge, &self.graph);
        if direction != Direction::In {
            edge.targets(&graph.out, &self.pages, (node, edge_type), out)?;
        }
        if direction != Direction::Out {
            let outgoing = out.len();
            edge.targets(&graph.into, &self.pages, (node, edge_type), out)?;
            if direction == Direction::Both {
                // A self-loop was seen among the outgoing edges.
                let mut at = 0..;
                out.retain(|target| at.next().is_some_and(|at| at < outgoing) || *target != node.0);
            }
        }
        Ok(())
    }
}

impl<'a, R: ReadPages> Neighbors<'a, R> {
    /// Follows edges from source to target.
    pub fn outgoing(self) -> Self {
        self.direction(Direction::Out)
    }

    /// Follows edges from target to source.
    pub fn incoming(self) -> Self {
        self.direction(Direction::In)
    }

    /// Follows edges this way.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.follow.direction = Some(direction);
        self
    }

    /// Follows edges of this type (may be said several times). A name that is not known finds none.
    pub fn of_type(mut self, name: &str) -> Self {
        self.follow.add_type(self.reader, name);
        self
    }

    fn find(self) -> Result<Vec<Edge>, ReadError> {
        let r = self.reader;
        if !r.contains(self.node)? {
            return Err(ReadError::NoNode(self.node));
        }
        let ways = self.follow.ways(r);
        let mut found = Vec::new();
        r.for_each_hops(&[self.node], &ways, |_, hops| {
            found.extend(hops.iter().map(|hop| hop.edge(self.node)));
            Ok::<(), ReadError>(())
        })?;
        let node = self.node;
        found.sort_unstable_by_key(|e| (other_end(e, node), e.edge_type, e.source != node, e.rank));
        Ok(found)
    }
}

fn other_end(edge: &Edge, node: NodeId) -> NodeId {
    if edge.source == node { edge.target } else { edge.source }
}

impl<'a, R: ReadPages> IntoIterator for Neighbors<'a, R> {
    type Item = Result<Neighbor<'a, R>, ReadError>;
    type IntoIter = NeighborsIter<'a, R>;

    fn into_iter(self) -> Self::IntoIter {
        let (reader, node) = (self.reader, self.node);
        match self.find() {
            Ok(edges) => NeighborsIter { reader, node, edges: edges.into_iter(), error: None },
            Err(e) => NeighborsIter { reader, node, edges: Vec::new().into_iter(), error: Some(e) },
        }
    }
}

/// The answer to [`Neighbors`]. An error is an item, never a short list.
#[derive(Debug)]
pub struct NeighborsIter<'a, R> {
    reader: &'a Reader<R>,
    node: NodeId,
    edges: std::vec::IntoIter<Edge>,
    error: Option<ReadError>,
}

impl<'a, R: ReadPages> Iterator for NeighborsIter<'a, R> {
    type Item = Result<Neighbor<'a, R>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        let edge = self.edges.next()?;
        Some(Ok(Neighbor { reader: self.reader, id: other_end(&edge, self.node), edge }))
    }
}

impl<R: ReadPages> Neighbor<'_, R> {
    /// A property of the edge.
    pub fn get<T: FromValue>(&self, property: &str) -> Result<Option<T>, ReadError> {
        self.reader.get_edge(self.edge, property)
    }

    /// All properties of the edge.
    pub fn props(&self) -> Result<Props, ReadError> {
        self.reader.edge_props(self.edge)
    }
}

/// A question for the neighbours of many nodes.
#[derive(Debug)]
#[must_use]
pub struct NeighborsOf<'a, R> {
    reader: &'a Reader<R>,
    nodes: &'a [NodeId],
    follow: Follow,
}

impl<R: ReadPages> NeighborsOf<'_, R> {
    /// Follows edges this way. Else outgoing edges are followed, and those of undirected types both ways.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.follow.direction = Some(direction);
        self
    }

    /// Follows edges of this type only.
    pub fn of_type(mut self, edge_type: TypeId) -> Self {
        self.follow.types = Some(vec![edge_type]);
        self
    }

    /// Calls back with each node and its neighbours, one for each edge, in the order of the nodes. The list is one
    /// buffer, filled again for each node; a node without edges, or that is not there, comes with an empty one.
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
