//! From edge rows to both adjacency trees and the tree of edge properties.
//!
//! Each row gets its ends, is sorted by source, ranked and written, turned round, sorted by target and written again.
//! Where all edges fit into memory both sorts work on the same rows.

use super::edges::{EdgeItem, PropsItem, RankedItem, Ranks, turn};
use super::error::{BulkError, End, Rejects, RowProblem};
use super::log::{self, EdgeEntry, EdgeLog};
use super::names::Names;
use super::options::{Phase, Ticker};
use super::resolve::{self, Ends, NOBODY};
use super::runs::IdSpool;
use super::sorter::{Sorted, SortedIter, Sorter};
use super::spill::{Scratch, SpillError};
use crate::btree::{RecordLeaf, Tree, TreeBuilder};
use crate::edge::EdgeKey;
use crate::edge::page::EdgeLeaf;
use crate::node::{Stored, encode_props, place_props, record_props_limit};
use crate::value::Malformed;
use storage_core::page::PageSize;
use storage_core::pager::Transaction;

/// How much memory the steps may take, and what there is to do.
pub(super) struct Plan {
    pub budget: usize,
    /// What plain edges may take, those that wait included.
    pub whole: usize,
    pub scratch: Scratch,
    pub size: PageSize,
    pub fill_percent: u8,
    pub types: usize,
    /// Rows have properties.
    pub props: bool,
    /// Rows give ranks.
    pub ranks: bool,
    /// Ends become nodes: their ids are wanted.
    pub implied: bool,
}

/// What comes of it.
pub(super) struct Edges {
    pub out: Tree<EdgeLeaf<false>>,
    pub into: Tree<EdgeLeaf<true>>,
    pub props: Tree<RecordLeaf>,
    /// Edges of each type.
    pub counts: Vec<u64>,
    /// Sources and targets in order, where they are wanted.
    pub ends: Option<[IdSpool; 2]>,
}

/// Edges on their way to the sorters.
struct Linked {
    edges: Sorter<EdgeItem>,
    props: Sorter<PropsItem>,
    ranked: Sorter<RankedItem>,
    /// What a second sorter may take where the first one spills.
    turn_budget: usize,
}

/// What the load as a whole keeps.
pub(super) type Tools<'a> = (&'a Names, &'a mut Rejects, &'a mut Ticker);

/// Builds the trees of all edges.
pub(super) fn build(
    rows: EdgeLog,
    ends: Ends,
    plan: &Plan,
    (labels, rejects, ticker): Tools<'_>,
    tx: &mut Transaction,
) -> Result<Edges, BulkError> {
    let mut linked = plan.sorters(rows.len());
    link(&rows, ends, &mut linked, (labels, rejects, ticker))?;
    drop(rows);
    reject_twice_ranked(linked.ranked, rejects)?;
    let mut writer = Writer::new(plan, linked.props.finish()?.into_iter(), linked.edges.len());
    match linked.edges.finish()? {
        Sorted::Memory(mut rows) => {
            let mut kept = 0;
            for at in 0..rows.len() {
                if let Some(edge) = writer.out(rows[at], ticker, tx)? {
                    rows[kept] = edge;
                    kept += 1;
                }
            }
            rows.truncate(kept);
            turn(&mut rows);
            rows.iter().try_for_each(|edge| writer.turned(*edge, ticker, tx))?;
        }
        merge @ Sorted::Merge(_) => {
            let mut turned = Sorter::new(linked.turn_budget, 0, &plan.scratch);
            for edge in merge {
                if let Some(edge) = writer.out(edge?, ticker, tx)? {
                    turned.push(edge.turned())?;
                }
            }
            for edge in turned.finish()? {
                writer.turned(edge?, ticker, tx)?;
            }
        }
    }
    writer.finish(tx)
}

impl Plan {
    /// Shares the budget among the sorters.
    fn sorters(&self, rows: u64) -> Linked {
        let props = if self.props { self.budget / 4 } else { 0 };
        let ranked = if self.ranks { self.budget / 8 } else { 0 };
        let left = self.budget - props - ranked;
        // An edge, and the second copy that sorting takes.
        let fits = rows.saturating_mul(2 * size_of::<EdgeItem>() as u64) <= left as u64;
        let share = if fits { left } else { left / 2 };
        Linked {
            edges: Sorter::new(share, rows, &self.scratch),
            props: Sorter::new(props, 0, &self.scratch),
            ranked: Sorter::new(ranked, 0, &self.scratch),
            turn_budget: left / 2,
        }
    }
}

/// Gives rows their ends, in input order.
fn link(
    rows: &EdgeLog,
    mut ends: Ends,
    linked: &mut Linked,
    (labels, rejects, ticker): Tools<'_>,
) -> Result<(), BulkError> {
    let total = rows.len();
    rows.replay(|row| {
        ticker.tick(Phase::Linking, total)?;
        let (vertex, neighbor) = ends.next(row.from.1, row.to.1)?;
        if vertex == NOBODY || neighbor == NOBODY {
            return rejects.reject(row.place, unknown_end(&row, vertex == NOBODY, labels));
        }
        let edge = EdgeItem::new(vertex, row.edge_type, neighbor, row.rank, !row.props.is_empty());
        if row.rank.is_some() {
            linked.ranked.push(RankedItem { key: edge.key(), place: row.place })?;
        }
        if !row.props.is_empty() {
            linked.props.push(PropsItem { edge, props: row.props.into() })?;
        }
        Ok(linked.edges.push(edge)?)
    })
}

fn unknown_end(row: &EdgeEntry<'_>, source: bool, labels: &Names) -> RowProblem {
    let (end, name) = if source { (End::Source, row.from.1) } else { (End::Target, row.to.1) };
    RowProblem::UnknownEnd { end, name: resolve::shown(name, labels) }
}

/// Finds rows that give the same edge the same rank; the first one stays.
fn reject_twice_ranked(ranked: Sorter<RankedItem>, rejects: &mut Rejects) -> Result<(), BulkError> {
    let mut last = None;
    for item in ranked.finish()? {
        let RankedItem { key, place } = item?;
        if last == Some(key) {
            let EdgeKey { vertex: source_id, neighbor: target_id, rank, .. } = key;
            rejects.note(place, RowProblem::DuplicateEdge { source_id, target_id, rank });
        }
        last = Some(key);
    }
    rejects.stop()
}

/// Writes edges that come in order.
struct Writer {
    size: PageSize,
    total: u64,
    ranks: Ranks,
    sorted_props: SortedIter<PropsItem>,
    out: TreeBuilder<EdgeLeaf<false>>,
    into: TreeBuilder<EdgeLeaf<true>>,
    props: TreeBuilder<RecordLeaf>,
    counts: Vec<u64>,
    ends: Option<[IdSpool; 2]>,
}

impl Writer {
    fn new(plan: &Plan, sorted_props: SortedIter<PropsItem>, total: u64) -> Self {
        let ids = || IdSpool::new(plan.budget / 16, &plan.scratch);
        Writer {
            size: plan.size,
            total,
            ranks: Ranks::default(),
            sorted_props,
            out: Tree::builder(plan.size, plan.fill_percent),
            into: Tree::builder(plan.size, plan.fill_percent),
            props: Tree::builder(plan.size, plan.fill_percent),
            counts: vec![0; plan.types],
            ends: plan.implied.then(|| [ids(), ids()]),
        }
    }

    /// Writes the next edge by source, ranked; `None` if it is one too many.
    fn out(
        &mut self,
        edge: EdgeItem,
        ticker: &mut Ticker,
        tx: &mut Transaction,
    ) -> Result<Option<EdgeItem>, BulkError> {
        ticker.tick(Phase::Out, self.total)?;
        let ranked = self.ranks.rank(edge)?;
        if edge.has_props() {
            self.write_props(&edge, ranked, tx)?;
        }
        if let Some(edge) = ranked {
            let key = edge.key();
            self.out.push(tx, key, ())?;
            self.counts[key.edge_type as usize] += 1;
            if let Some([sources, _]) = &mut self.ends {
                sources.push(key.vertex)?;
            }
        }
        Ok(ranked)
    }

    /// Properties meet their edge: both come in the same order.
    fn write_props(
        &mut self,
        edge: &EdgeItem,
        ranked: Option<EdgeItem>,
        tx: &mut Transaction,
    ) -> Result<(), BulkError> {
        let item = self.sorted_props.next().transpose()?;
        let Some(item) = item.filter(|item| item.edge.is_same(edge)) else {
            return Err(SpillError::Garbled(Malformed("an edge has lost its properties")).into());
        };
        let Some(edge) = ranked else { return Ok(()) };
        let values = log::props(&item.props).map_err(SpillError::from)?;
        let stored = values.into_iter().map(|(number, value)| (number, Stored::Inline(value))).collect();
        let placed = place_props(tx, &[], stored, 0, record_props_limit(self.size))?;
        Ok(self.props.push(tx, edge.key().to_bytes().to_vec(), encode_props(&placed))?)
    }

    /// Writes the next edge by target.
    fn turned(&mut self, edge: EdgeItem, ticker: &mut Ticker, tx: &mut Transaction) -> Result<(), BulkError> {
        ticker.tick(Phase::In, self.total)?;
        let key = edge.key();
        if let Some([_, targets]) = &mut self.ends {
            targets.push(key.vertex)?;
        }
        Ok(self.into.push(tx, key, ())?)
    }

    fn finish(self, tx: &mut Transaction) -> Result<Edges, BulkError> {
        Ok(Edges {
            out: self.out.finish(tx)?,
            into: self.into.finish(tx)?,
            props: self.props.finish(tx)?,
            counts: self.counts,
            ends: self.ends,
        })
    }
}
