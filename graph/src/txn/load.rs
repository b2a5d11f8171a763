//! A bulk load's trees become the graph of an empty store.

use super::WriteTransaction;
use crate::bulk::{Bulk, BulkError, BulkTrees, KEPT, OnError, Place, Rejected, RowProblem};
use crate::catalog::Names;
use crate::error::{ReadError, WriteError};
use crate::reader::Reader;
use crate::settle::Moving;
use storage_core::page::PageId;

/// What a bulk load did.
#[derive(Clone, Debug)]
pub struct LoadReport {
    /// Nodes in the store.
    pub nodes: u64,
    /// Edges in the store.
    pub edges: u64,
    /// Rows that were left out.
    pub rejected: u64,
    /// The first ten of them.
    pub first_rejected: Vec<Rejected>,
}

impl LoadReport {
    pub(super) fn reject(&mut self, row: Rejected) {
        self.rejected += 1;
        if self.first_rejected.len() < KEPT {
            self.first_rejected.push(row);
        }
    }
}

/// An index that is refused is the fault of the line that asks for it.
fn index_problem(error: WriteError, place: Place) -> BulkError {
    match error {
        WriteError::Pager(e) => e.into(),
        WriteError::Read(ReadError::Page(e)) => e.into(),
        refused => BulkError::Row { place, problem: RowProblem::Index(refused.to_string()) },
    }
}

impl WriteTransaction {
    /// Writes what was gathered in a bulk load, and commits: one checkpoint, so that a load that is killed half-way leaves
    /// the store empty as it was. Only for a store without nodes, edges and names.
    ///
    /// # Panics
    /// If the store is not empty.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// use foliograph::bulk::{Bulk, BulkOptions, EdgeRow, NodeRow};
    /// let mut bulk = Bulk::new(BulkOptions::default());
    /// bulk.add_edge(EdgeRow::new("ada", "knows", "charles"))?;
    /// bulk.add_node(NodeRow::keyed("person", "ada"))?;
    /// bulk.add_node(NodeRow::keyed("person", "charles"))?;
    /// let report = db.begin_write()?.load(bulk)?;
    /// assert_eq!((report.nodes, report.edges), (2, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BulkError`]: a row cannot be taken, and the load was not told to pass over such; a temporary file failed;
    /// the store could not be written. The store is empty then.
    pub fn load(mut self, bulk: Bulk) -> Result<LoadReport, BulkError> {
        assert!(self.is_pristine(), "a bulk load is for an empty store");
        self.begin_flush()?;
        let mut trees = bulk.finish(&mut self.reader.pages)?;
        let mut report = LoadReport {
            nodes: trees.node_count,
            edges: trees.edge_count,
            rejected: trees.rejected_count,
            first_rejected: trees.rejected.clone(),
        };
        let (indexes, on_error) = (std::mem::take(&mut trees.indexes), trees.on_error);
        self.adopt(trees);
        for index in indexes {
            let made = self.create_index((&index.on).into(), &index.property, index.unique);
            match made.map_err(|e| index_problem(e, index.place)) {
                Err(BulkError::Row { place, problem }) if on_error == OnError::Skip => {
                    report.reject(Rejected { place, problem });
                }
                made => made?,
            }
        }
        self.commit()?;
        Ok(report)
    }

    /// True while the store holds nothing, not even a name.
    pub fn is_pristine(&self) -> bool {
        let catalog = self.catalog();
        catalog.node_count == 0
            && catalog.edge_count == 0
            && catalog.labels.iter().len() + catalog.types.iter().len() + catalog.properties.iter().len() == 0
            && !self.is_changed()
    }

    /// Moves pages down (A4): see [`crate::settle::move_graph`].
    pub(crate) fn move_down(
        &mut self,
        limits: &[PageId],
        long_values: bool,
        moving: &mut Moving<'_, '_>,
    ) -> Result<(), WriteError> {
        self.attempt(|tx| {
            tx.begin_flush()?;
            let Reader { pages, graph, .. } = &mut tx.reader;
            crate::settle::move_graph(graph, pages, (limits, long_values), moving)
        })
    }

    fn adopt(&mut self, trees: BulkTrees) {
        self.ops.drop_all();
        let catalog = self.catalog_mut();
        catalog.labels = Names::from_items(trees.labels);
        catalog.types = Names::from_items(trees.edge_types);
        catalog.properties = Names::from_items(trees.properties);
        catalog.node_count = trees.node_count;
        catalog.edge_count = trees.edge_count;
        catalog.next_node = trees.next_node_id;
        let graph = &mut self.reader.graph;
        graph.nodes = trees.nodes;
        graph.keys = trees.keys;
        graph.out = trees.out;
        graph.into = trees.in_;
        graph.edge_props = trees.edge_props;
    }
}
