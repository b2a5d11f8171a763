//! A bulk load's trees become the graph of an empty store, or its rows are added to one that holds something.

use super::WriteTransaction;
use super::append::Append;
use crate::bulk::{
    Added, Bulk, BulkError, BulkTrees, KEPT, OnDuplicate, OnError, Place, Rejected, RowProblem, WantedIndex,
};
use crate::catalog::Names;
use crate::error::{ReadError, WriteError};
use crate::reader::Reader;
use crate::settle::Moving;
use storage_core::page::PageId;

/// What a bulk load did.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Nodes that it added.
    pub nodes: u64,
    /// Edges that it added.
    pub edges: u64,
    /// Rows that were left out.
    pub rejected: u64,
    /// The first ten of them.
    pub first_rejected: Vec<Rejected>,
    /// Rows about what was there already that were passed over ([`OnDuplicate::Skip`]).
    pub skipped: u64,
    /// Rows whose properties were set on what was there already ([`OnDuplicate::Update`]).
    pub updated: u64,
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
    /// Writes what was gathered in a bulk load, and commits.
    ///
    /// Into a store without nodes, edges and names, which it has to be unless [`BulkOptions::on_duplicate`] is said, it is
    /// one checkpoint, so that a load that is killed half-way leaves the store empty as it was. To any other the rows are
    /// added as single changes: in the order nodes, edges, indexes, all of them or nothing, and like any transaction that
    /// outgrows its memory it writes pages early.
    ///
    /// What is there already: a node with the id of a row, or with its label and key; an edge with the rank that a row
    /// gives. Ends of edges are nodes by the rows' ids, or by words: rows that bear them, else the one node with that key.
    ///
    /// [`BulkOptions::on_duplicate`]: crate::bulk::BulkOptions::on_duplicate
    ///
    /// # Errors
    /// A row that can not be taken, unless such rows are left out; a failure of the store, or of temporary files. Nothing
    /// is committed then.
    ///
    /// # Panics
    /// If the store is not empty, and has to be.
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
    pub fn load(self, bulk: Bulk) -> Result<LoadReport, BulkError> {
        let on_duplicate = bulk.options().on_duplicate;
        match on_duplicate {
            // Every row is one that only adds: an empty store takes them the fast way.
            None | Some(OnDuplicate::Error) if self.is_pristine() => self.load_trees(bulk),
            None => panic!("a bulk load is for an empty store"),
            Some(on_duplicate) => self.add_rows(bulk, on_duplicate),
        }
    }

    fn load_trees(mut self, bulk: Bulk) -> Result<LoadReport, BulkError> {
        self.begin_flush()?;
        let mut trees = bulk.finish(&mut self.reader.pages)?;
        let mut report = LoadReport {
            nodes: trees.node_count,
            edges: trees.edge_count,
            rejected: trees.rejected_count,
            first_rejected: trees.rejected.clone(),
            ..LoadReport::default()
        };
        let (indexes, on_error) = (std::mem::take(&mut trees.indexes), trees.on_error);
        self.adopt(trees);
        self.wanted_indexes(indexes, on_error, &mut report)?;
        self.commit()?;
        Ok(report)
    }

    fn add_rows(mut self, bulk: Bulk, on_duplicate: OnDuplicate) -> Result<LoadReport, BulkError> {
        let before = (self.node_count(), self.edge_count());
        let mut append = Append::new(&mut self, on_duplicate, bulk.options());
        let Added { mut indexes, on_error, rejected, rejected_count } = bulk.add_to(&mut append)?;
        let (skipped, updated) = (append.skipped, append.updated);
        let mut report = LoadReport {
            nodes: self.node_count() - before.0,
            edges: self.edge_count() - before.1,
            rejected: rejected_count,
            first_rejected: rejected,
            skipped,
            updated,
        };
        // One that is there as it is wanted is no mistake.
        indexes.retain(|wanted| {
            let known = self.index_def((&wanted.on).into(), &wanted.property);
            known.is_none_or(|(_, def)| def.unique != wanted.unique)
        });
        self.wanted_indexes(indexes, on_error, &mut report)?;
        self.commit()?;
        Ok(report)
    }

    fn wanted_indexes(
        &mut self,
        indexes: Vec<WantedIndex>,
        on_error: OnError,
        report: &mut LoadReport,
    ) -> Result<(), BulkError> {
        for WantedIndex { on, property, unique, place } in indexes {
            let made = self.create_index((&on).into(), &property, unique);
            match made.map_err(|e| index_problem(e, place)) {
                Err(BulkError::Row { place, problem }) if on_error == OnError::Skip => {
                    report.reject(Rejected { place, problem });
                }
                made => made?,
            }
        }
        Ok(())
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
