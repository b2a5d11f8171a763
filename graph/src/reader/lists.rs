//! Lists of neighbours in batches: what traversals and algorithms are built on.
//!
//! Must always be true: lists are given in the order of the nodes, each node's whole; an error is never a short list.
//!
//! Memory: one list, 8 bytes an edge (24 where edges are asked for).

use super::{Reader, Way};
use crate::edge::edge_of;
use crate::error::ReadError;
use crate::model::{Direction, Edge, NodeId};
use storage_core::pager::ReadPages;

/// An edge as the node sees it whose list it is in.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Hop {
    /// The node at the other end.
    pub(crate) neighbor: u64,
    /// The edge's type.
    pub(crate) edge_type: u32,
    /// The edge's rank.
    pub(crate) rank: u32,
    /// The edge ends at the node whose list it is in.
    pub(crate) into: bool,
}

impl Hop {
    /// The edge, out of the list of `node`.
    pub(crate) fn edge(self, node: NodeId) -> Edge {
        let Hop { neighbor, edge_type, rank, into } = self;
        edge_of(crate::edge::EdgeKey { vertex: node.0, edge_type, neighbor, rank }, into)
    }
}

impl<R: ReadPages> Reader<R> {
    /// Gives the list of each node to `visit`, in the order of the nodes, with the node's place: the ids at the other ends,
    /// one for each edge, in no particular order. A node without such edges, or that is not there, has an empty list. A
    /// neighbour that is linked both ways stands there twice, if both are asked for; a self-loop once.
    ///
    /// Fastest where nodes ascend. An error of `visit` ends it: this is how to stop and to cancel.
    pub(crate) fn for_each_list<E: From<ReadError>>(
        &self,
        nodes: &[NodeId],
        ways: &[Way],
        mut visit: impl FnMut(usize, &[u64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut list = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            list.clear();
            for (edge_type, direction) in ways {
                self.targets(*node, *direction, *edge_type, &mut list)?;
            }
            visit(index, &list)?;
        }
        Ok(())
    }

    /// As [`Reader::for_each_list`], with the edges' types and ranks: [`Hop::edge`] names the edge.
    pub(crate) fn for_each_hops<E: From<ReadError>>(
        &self,
        nodes: &[NodeId],
        ways: &[Way],
        mut visit: impl FnMut(usize, &[Hop]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut list, mut entries) = (Vec::new(), Vec::new());
        for (index, node) in nodes.iter().enumerate() {
            list.clear();
            for (into, against) in [(false, Direction::In), (true, Direction::Out)] {
                entries.clear();
                self.entries(*node, into, &mut entries)?;
                for (edge_type, neighbor, rank) in entries.drain(..) {
                    let of_type = |(t, _): &&Way| t.is_none_or(|t| t.0 == edge_type);
                    let Some((_, direction)) = ways.iter().find(of_type) else { continue };
                    // Followed both ways, a self-loop was seen among the outgoing edges.
                    let again = into && *direction == Direction::Both && neighbor == node.0;
                    if *direction != against && !again {
                        list.push(Hop { neighbor, edge_type, rank, into });
                    }
                }
            }
            visit(index, &list)?;
        }
        Ok(())
    }
}
