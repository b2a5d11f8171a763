//! Deleting many edges of a node at once.
//!
//! Must always be true: memory does not grow with what is deleted: edges are found and deleted in chunks, and between two
//! chunks changes that outgrow the budget are written early. Each edge's deletion stands in the record by itself.

use super::WriteTransaction;
use super::record::Op;
use crate::error::{ReadError, WriteError};
use crate::model::{Direction, Edge, NodeId, TypeId};
use crate::reader::{Cursor, Follow, Neighbors};
use std::ops::{Bound, RangeBounds};

/// How many edges are found at a time.
const CHUNK: usize = 4096;

/// A question which edges of a node to delete; [`DeleteEdges::run`] deletes them.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = foliograph::Database::open("people.folio")?;
/// # let ada = foliograph::NodeId(0);
/// let mut tx = db.begin_write()?;
/// let gone = tx.delete_edges(ada).outgoing().of_type("follows").run()?;
/// tx.commit()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct DeleteEdges<'a> {
    tx: &'a mut WriteTransaction,
    which: Which,
}

/// Which edges of a node.
#[derive(Debug)]
pub(super) struct Which {
    node: NodeId,
    follow: Follow,
    between: (Bound<NodeId>, Bound<NodeId>),
}

impl Which {
    /// All of them, both ways.
    pub fn all(node: NodeId) -> Self {
        let follow = Follow { direction: Some(Direction::Both), types: None };
        Which { node, follow, between: (Bound::Unbounded, Bound::Unbounded) }
    }
}

impl WriteTransaction {
    /// Deletes the edges of a node, with their properties, that [`Reader::neighbors`](crate::Reader::neighbors) finds with
    /// the same words: the outgoing ones, and those of undirected types both ways, unless it is told otherwise. A node
    /// that is not there is refused.
    pub fn delete_edges(&mut self, node: NodeId) -> DeleteEdges<'_> {
        DeleteEdges { tx: self, which: Which { follow: Follow::default(), ..Which::all(node) } }
    }

    /// Deletes all edges of this type from one node to another, whatever their ranks, and says how many there were. A type
    /// that is not known has none; a source that is not there is refused.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// tx.add_edge(ada, "knows", charles, props! {})?;
    /// assert_eq!(tx.delete_parallel(ada, "knows", charles)?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`DeleteEdges::run`].
    pub fn delete_parallel(
        &mut self,
        source: NodeId,
        edge_type: &str,
        target: NodeId,
    ) -> Result<u64, WriteError> {
        self.delete_edges(source).outgoing().of_type(edge_type).between(target..=target).run()
    }

    /// Deletes edges of a node and counts them; `recorded` puts each deletion into the record. What changes outgrow the
    /// budget is written in between.
    pub(super) fn remove_edges(&mut self, which: &Which, recorded: bool) -> Result<u64, WriteError> {
        let mut gone = 0;
        let mut last: Option<Cursor> = None;
        loop {
            let mut found: Vec<Edge> = Vec::new();
            let here = self.neighbors(which.node).follow(which.follow.clone()).between(which.between);
            for neighbor in last.into_iter().fold(here, Neighbors::after).into_iter().take(CHUNK) {
                let neighbor = neighbor.map_err(|e| match e {
                    ReadError::NoNode(node) => WriteError::NoNode(node),
                    other => other.into(),
                })?;
                last = Some(neighbor.cursor());
                found.push(neighbor.edge);
            }
            for edge in &found {
                self.remove_edge(*edge)?;
                if recorded {
                    self.ops.push(&Op::DeleteEdge { edge: *edge });
                }
            }
            gone += found.len() as u64;
            if found.len() < CHUNK {
                return Ok(gone);
            }
            self.changed(false)?;
        }
    }
}

impl DeleteEdges<'_> {
    /// Deletes edges that begin here.
    pub fn outgoing(self) -> Self {
        self.direction(Direction::Out)
    }

    /// Deletes edges that end here.
    pub fn incoming(self) -> Self {
        self.direction(Direction::In)
    }

    /// Deletes edges that lead this way.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.which.follow.direction = Some(direction);
        self
    }

    /// Deletes edges of this type (may be said several times). A name that is not known finds none.
    pub fn of_type(mut self, name: &str) -> Self {
        self.which.follow.add_type(self.tx, name);
        self
    }

    /// Deletes edges of these types, and of those named before. No types at all find nothing.
    pub fn of_types(mut self, types: &[TypeId]) -> Self {
        self.which.follow.add_types(types);
        self
    }

    /// Deletes edges to and from nodes whose ids lie in this range.
    pub fn between(mut self, ids: impl RangeBounds<NodeId>) -> Self {
        self.which.between = (ids.start_bound().cloned(), ids.end_bound().cloned());
        self
    }

    /// Deletes them, and says how many there were.
    ///
    /// # Errors
    /// Refused: [`WriteError::NoNode`]. An I/O error: the transaction can only be dropped then.
    pub fn run(self) -> Result<u64, WriteError> {
        let DeleteEdges { tx, which } = self;
        tx.attempt(|tx| {
            let gone = tx.remove_edges(&which, true)?;
            tx.changed(false)?;
            Ok(gone)
        })
    }
}
