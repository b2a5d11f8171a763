//! From plain rows to both adjacency trees: the short way of `linker.rs`.
//!
//! Plain edges that are parallel differ in nothing but their ranks, which count from 0 in both directions. So neither
//! direction needs to know of the other: each is its words, sorted, list by list put into pages.
//!
//! ```text
//! rows ──> by source ──> pages ──┐
//!      └─> by target ──> pages ──┴──> written: those by source first
//! ```
//!
//! Must always be true: the pages are those that `linker.rs` makes of the same rows, whether or not words fit into memory and
//! whether or not other threads sort and pack; only the thread that holds the transaction writes.

use super::error::{BulkError, End, RowProblem};
use super::linker::{Edges, Plan, Tools};
use super::log::Name;
use super::options::{Phase, Ticker};
use super::parts::{PartWriter, Parts, Room};
use super::plain::{PlainRows, Split, WORD};
use super::resolve::{Ends, NOBODY};
use super::runs::IdSpool;
use super::spill::SpillError;
use super::words::{BUCKET, Buckets, Counts, MANY, PART};
use crate::btree::format::{LeafFormat, LeafPacker};
use crate::btree::{PackedLeaf, Tree, TreeBuilder};
use crate::edge::page::{EdgeLeaf, Packer};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle, scope};
use storage_core::pager::Transaction;

/// Batches of pages that wait to be written: one that is being written, and one.
const QUEUE: usize = 2;
/// A longer list comes in pieces, so that its pages can be written one batch after the other.
const PIECE: usize = 1 << 16;

/// Builds the trees of all edges.
pub(super) fn build(
    rows: PlainRows,
    mut ends: Ends,
    plan: &Plan,
    tools: Tools<'_>,
    tx: &mut Transaction,
) -> Result<Edges, BulkError> {
    let split = rows.split();
    let mut way = Way { edge_type: rows.edge_type(), split, threads: rows.len() >= MANY as u64, edges: 0 };
    let whole = (rows.len() as usize).saturating_mul(2 * WORD) <= plan.whole;
    let bits = if whole { BUCKET } else { PART };
    let mut counts = [split, split.turned()].map(|split| Counts::new(split.bits(), bits));
    let (labels, rejects, ticker) = tools;
    way.edges = link(&rows, &mut ends, (split, &mut counts), (labels, rejects, ticker))?;
    if whole {
        let mut by_source = Buckets::new(&counts[0]);
        linked(&rows, &mut ends, |from, to| {
            by_source.put(split.word(from, to));
            Ok(())
        })?;
        // What the rows took is for the other direction: so the words are in memory twice and no more.
        let memory = rows.into_memory();
        let by_source = if way.threads { by_source.sorted_by_two(0)? } else { by_source.sorted(0) };
        let by_source = by_source.as_slice();
        let by_target = |give: Give<'_>| give(&turned(by_source, split, Buckets::over(memory, &counts[1])));
        return way.write(|give| give(by_source), by_target, plan, ticker, tx);
    }
    let [by_source, by_target] = parts(rows, &mut ends, split, counts, plan)?;
    way.write(|give| by_source.each(give), |give| by_target.each(give), plan, ticker, tx)
}

/// Asks for the ends of all rows, and counts those whose ends are nodes.
fn link(
    rows: &PlainRows,
    ends: &mut Ends,
    (split, counts): (Split, &mut [Counts; 2]),
    (labels, rejects, ticker): Tools<'_>,
) -> Result<u64, BulkError> {
    let (total, mut edges) = (rows.len(), 0);
    rows.replay(|mut row, some| -> Result<(), BulkError> {
        ticker.tick_many(Phase::Linking, some.len(), total)?;
        for (from, to) in some {
            let (source, target) = ends.next(Name::Int(from), Name::Int(to))?;
            if source == NOBODY || target == NOBODY {
                let (end, id) = if source == NOBODY { (End::Source, from) } else { (End::Target, to) };
                let name = super::resolve::shown(Name::Int(id), labels);
                rejects.reject(rows.place(row), RowProblem::UnknownEnd { end, name })?;
            } else {
                counts[0].count(split.word(from, to));
                counts[1].count(split.turned().word(to, from));
                edges += 1;
            }
            row += 1;
        }
        Ok(())
    })?;
    Ok(edges)
}

/// The rows whose ends are nodes; of the others was told.
fn linked(
    rows: &PlainRows,
    ends: &mut Ends,
    mut each: impl FnMut(u64, u64) -> Result<(), SpillError>,
) -> Result<(), SpillError> {
    rows.replay(|_, some| {
        for (from, to) in some {
            let (source, target) = ends.next(Name::Int(from), Name::Int(to))?;
            if source != NOBODY && target != NOBODY {
                each(source, target)?;
            }
        }
        Ok(())
    })
}

/// Words by source, turned round and sorted by target.
fn turned(words: &[u64], split: Split, mut buckets: Buckets) -> Vec<u64> {
    let turned = split.turned();
    for word in words {
        let (source, target) = split.ends(*word);
        buckets.put(turned.word(target, source));
    }
    // Stably, so sources stay in order.
    buckets.sorted(turned.low)
}

/// Rows in parts, by source and by target.
fn parts(
    rows: PlainRows,
    ends: &mut Ends,
    split: Split,
    counts: [Counts; 2],
    plan: &Plan,
) -> Result<[Parts; 2], BulkError> {
    // Both directions are sorted at the same time, each with its part twice.
    let room = Room { most: plan.whole / (6 * WORD), blocks: plan.whole / 8, scratch: plan.scratch.clone() };
    let [by_source, by_target] = counts;
    let mut by_source = PartWriter::new(by_source, &room)?;
    let mut by_target = PartWriter::new(by_target, &room)?;
    linked(&rows, ends, |from, to| {
        by_source.put(split.word(from, to))?;
        by_target.put(split.turned().word(to, from))
    })?;
    Ok([by_source.finish()?, by_target.finish()?])
}

/// Takes some words, which come in order.
type Give<'a> = &'a mut dyn FnMut(&[u64]) -> Result<(), BulkError>;
/// Takes leaves, which come in order.
type Hand<'a> = &'a mut dyn FnMut(Vec<PackedLeaf>) -> Result<(), BulkError>;

/// How words are written.
struct Way {
    edge_type: u32,
    split: Split,
    /// Other threads pack.
    threads: bool,
    edges: u64,
}

impl Way {
    /// Writes both directions.
    fn write(
        self,
        by_source: impl FnOnce(Give<'_>) -> Result<(), BulkError> + Send,
        by_target: impl FnOnce(Give<'_>) -> Result<(), BulkError> + Send,
        plan: &Plan,
        ticker: &mut Ticker,
        tx: &mut Transaction,
    ) -> Result<Edges, BulkError> {
        let mut out = Tree::<EdgeLeaf<false>>::builder(plan.size, plan.fill_percent);
        let mut into = Tree::<EdgeLeaf<true>>::builder(plan.size, plan.fill_percent);
        let sources = self.lists(&out, self.split, plan);
        let targets = self.lists(&into, self.split.turned(), plan);
        let mut writer = Writer { total: self.edges, ticker, tx };
        let (sources, targets) = if self.threads {
            scope(|scope| {
                let (hand, leaves) = sync_channel(QUEUE);
                let sources = spawn(scope, move || sources.run(by_source, |some| queue(&hand, some)))?;
                let (hand, more_leaves) = sync_channel(QUEUE);
                let targets = spawn(scope, move || targets.run(by_target, |some| queue(&hand, some)))?;
                leaves.iter().try_for_each(|leaves| writer.write(Phase::Out, &mut out, leaves))?;
                let sources = join(sources)?;
                more_leaves.iter().try_for_each(|leaves| writer.write(Phase::In, &mut into, leaves))?;
                Ok::<_, BulkError>((sources, join(targets)?))
            })?
        } else {
            let sources = sources.run(by_source, |leaves| writer.write(Phase::Out, &mut out, leaves))?;
            (sources, targets.run(by_target, |leaves| writer.write(Phase::In, &mut into, leaves))?)
        };
        let mut counts = vec![0; plan.types];
        if let Some(count) = counts.get_mut(self.edge_type as usize) {
            *count = self.edges;
        }
        let ends = sources.zip(targets).map(|(sources, targets)| [sources, targets]);
        let (out, into) = (out.finish(tx)?, into.finish(tx)?);
        Ok(Edges { out, into, props: Tree::empty(), counts, ends })
    }

    fn lists<const IN: bool>(
        &self,
        tree: &TreeBuilder<EdgeLeaf<IN>>,
        split: Split,
        plan: &Plan,
    ) -> Lists<IN> {
        Lists {
            edge_type: self.edge_type,
            split,
            packer: tree.packer(),
            ids: plan.implied.then(|| IdSpool::new(plan.budget / 16, &plan.scratch)),
            leaves: Vec::new(),
            batch: tree.batch(),
        }
    }
}

/// Writes leaves that come in order.
struct Writer<'a> {
    total: u64,
    ticker: &'a mut Ticker,
    tx: &'a mut Transaction,
}

impl Writer<'_> {
    fn write<F: LeafFormat>(
        &mut self,
        phase: Phase,
        tree: &mut TreeBuilder<F>,
        leaves: Vec<PackedLeaf>,
    ) -> Result<(), BulkError> {
        let edges = leaves.iter().map(|leaf| leaf.count as usize).sum();
        self.ticker.tick_many(phase, edges, self.total)?;
        Ok(tree.push_leaves(self.tx, leaves)?)
    }
}

/// Hands leaves over to whoever writes. If nobody does any more, it has failed and says why.
fn queue(hand: &SyncSender<Vec<PackedLeaf>>, leaves: Vec<PackedLeaf>) -> Result<(), BulkError> {
    hand.send(leaves).map_err(|_| BulkError::Cancelled)
}

type Ids = Result<Option<IdSpool>, BulkError>;

fn spawn<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    work: impl FnOnce() -> Ids + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, Ids>, BulkError> {
    Builder::new().name("foliograph bulk".into()).spawn_scoped(scope, work).map_err(BulkError::Thread)
}

/// What a thread came to.
fn join(thread: ScopedJoinHandle<'_, Ids>) -> Ids {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Puts lists into pages.
struct Lists<const IN: bool> {
    edge_type: u32,
    split: Split,
    packer: Packer<IN>,
    /// The vertices, where they are wanted.
    ids: Option<IdSpool>,
    leaves: Vec<PackedLeaf>,
    batch: usize,
}

impl<const IN: bool> Lists<IN> {
    /// All words, from where they come to where their pages go.
    fn run(
        mut self,
        words: impl FnOnce(Give<'_>) -> Result<(), BulkError>,
        mut hand: impl FnMut(Vec<PackedLeaf>) -> Result<(), BulkError>,
    ) -> Ids {
        words(&mut |words| self.take(words, &mut hand))?;
        self.packer.finish(&mut self.leaves);
        hand(self.leaves)?;
        Ok(self.ids)
    }

    fn take(&mut self, words: &[u64], hand: Hand<'_>) -> Result<(), BulkError> {
        let low = self.split.low;
        for list in words.chunk_by(|a, b| a >> low == b >> low) {
            let vertex = self.split.ends(list[0]).0;
            if let Some(ids) = &mut self.ids {
                ids.push(vertex)?;
            }
            for piece in list.chunks(PIECE) {
                let neighbors = piece.iter().map(|word| self.split.ends(*word).1);
                let ranks = u64::from(u32::MAX) + 1;
                let too_many = BulkError::TooMany { what: "ranks of parallel edges", max: ranks };
                self.packer.push_list(vertex, self.edge_type, neighbors, &mut self.leaves).ok_or(too_many)?;
                if self.leaves.len() >= self.batch {
                    hand(std::mem::take(&mut self.leaves))?;
                }
            }
        }
        Ok(())
    }
}
