//! Adding and deleting many edges in one call: faster than one by one, for what they will touch in memory is asked for some
//! edges ahead, and where there are many, two threads share the work ([`super::both`]).
//!
//! Must always be true: all of it or nothing; otherwise it is what the same calls one by one would be, also in the log, deletes
//! in the order of their sources.

use super::{WriteTransaction, check_name};
use crate::error::WriteError;
use crate::model::{Edge, NodeId};
use storage_core::planted::{Bug, armed};

impl WriteTransaction {
    /// Adds edges of one type without properties, in this order, and gives them back; where one is refused, none is added. The
    /// same as [`WriteTransaction::add_edge`] for each, but faster from some hundred edges on, with a second thread that ends
    /// before this returns. Takes 24 bytes of memory for each edge, and a MiB; and what the transaction had changed before, up to
    /// the memory budget, is held until the call ends.
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
            if pairs.is_empty() {
                return Ok(edges);
            }
            check_name(edge_type, "edge type")?;
            let edge_type = tx.intern_type(edge_type);
            for some in pairs.chunks(tx.round()) {
                edges.extend(tx.add_both_ways(edge_type, some)?);
                tx.changed(true)?;
            }
            Ok(edges)
        })
    }

    /// Deletes these edges and their properties; where one is not there, or is named twice, none is deleted. The same as
    /// [`WriteTransaction::delete_edge`] for each in the order of sources, but faster from some hundred edges on, with a second
    /// thread that ends before this returns. Takes 24 bytes of memory for each edge, and a MiB; and what the transaction had
    /// changed before, up to the memory budget, is held until the call ends, as are pages that it had written early: on a full
    /// disk edges one by one may go where a list does not.
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
            for some in edges.chunks(tx.round()) {
                tx.remove_both_ways(some)?;
            }
            Ok(())
        })
    }

    /// So many edges are changed between two looks at the memory budget. One takes 1.5 KiB at most, where it is the first in both
    /// its leaves: all of them a twentieth of the budget, unless that is tiny; and what inner nodes take that are changed for
    /// the first time.
    fn round(&self) -> usize {
        (self.db.inner.memory_budget >> 15).clamp(256, 8192)
    }

    /// All of `body` or nothing.
    fn whole<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, WriteError>) -> Result<T, WriteError> {
        let body = |tx: &mut Self| tx.attempt(body);
        if armed(Bug::HalfOfAList) { body(self) } else { self.nested(body) }
    }
}
