//! Adding and deleting many edges in one call: faster than one by one, for what they will touch in memory is asked for some
//! edges ahead.
//!
//! Must always be true: all of it or nothing; otherwise it is what the same calls one by one would be, also in the log, deletes
//! in the order of their sources.

use super::WriteTransaction;
use crate::edge::SOON;
use crate::error::WriteError;
use crate::model::{Edge, NodeId, Props};
use storage_core::planted::{Bug, armed};

impl WriteTransaction {
    /// Adds edges of one type without properties, in this order, and gives them back; where one is refused, none is added.
    /// The same as [`WriteTransaction::add_edge`] for each, but faster from some hundred edges on. Takes 24 bytes of memory
    /// for each edge; and what the transaction had changed before, up to the memory budget, is held until the call ends.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// let edges = tx.add_edges("knows", &[(ada, charles), (charles, ada), (ada, charles)])?;
    /// assert_eq!(edges[2].rank, 1);  // parallel to the first
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`WriteTransaction::insert_edge`].
    pub fn add_edges(
        &mut self,
        edge_type: &str,
        pairs: &[(NodeId, NodeId)],
    ) -> Result<Vec<Edge>, WriteError> {
        self.whole(|tx| {
            let mut edges = Vec::with_capacity(pairs.len());
            for some in pairs.chunks(SOON) {
                // The first edge of a new type has nothing to find.
                if let Some(edge_type) = tx.edge_type(edge_type) {
                    let edge = |&(source, target): &_| Edge { source, edge_type, target, rank: 0 };
                    tx.soon(some.iter().map(edge));
                }
                for &(source, target) in some {
                    edges.push(tx.add_edge(source, edge_type, target, Props::new())?);
                }
            }
            Ok(edges)
        })
    }

    /// Deletes these edges and their properties; where one is not there, or is named twice, none is deleted. The same as
    /// [`WriteTransaction::delete_edge`] for each in the order of sources, but faster from some hundred edges on. Takes 24 bytes
    /// of memory for each edge; and what the transaction had changed before, up to the memory budget, is held until the call
    /// ends, as are pages that it had written early: on a full disk edges one by one may go where a list does not.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// let edges = tx.add_edges("knows", &[(ada, charles), (charles, ada)])?;
    /// tx.delete_each(&edges)?;
    /// assert_eq!(tx.edge_count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`WriteTransaction::delete_edge`].
    pub fn delete_each(&mut self, edges: &[Edge]) -> Result<(), WriteError> {
        // Edges of one source are in one list, or near each other.
        let mut edges = edges.to_vec();
        edges.sort_unstable();
        self.whole(|tx| {
            for some in edges.chunks(SOON) {
                tx.soon(some.iter().copied());
                some.iter().try_for_each(|edge| tx.delete_edge(*edge))?;
            }
            Ok(())
        })
    }

    /// All of `body` or nothing.
    fn whole<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, WriteError>) -> Result<T, WriteError> {
        if armed(Bug::HalfOfAList) { body(self) } else { self.nested(body) }
    }

    /// Asks the processor for what these edges touch.
    fn soon(&self, edges: impl Iterator<Item = Edge> + Clone) {
        self.layers.edge.soon((&self.graph.out, &self.graph.into), &self.pages, edges);
    }
}
