//! Many edges at once, by two threads: each looks half of them up; then one changes the lists of edges that leave, and the
//! other those of edges that enter. Most of what that costs is waiting for memory, and the two directions share none of it.
//!
//! Must always be true: nothing is changed before all edges were looked up, so what is refused has changed nothing; the one
//! that is refused is the first that would be one by one, and for the same reason. Whoever looks edges up changes nothing, and
//! each tree is changed by one thread, in order. A call returns when both have ended: both directions have the same edges (I5).
//! After an I/O error they may not, and the transaction can only be dropped (M3).
//!
//! It is not: that all of a list or nothing is done, and how many edges come between two looks at the memory budget
//! ([`super::many`]).

use super::WriteTransaction;
use super::edges::RANKS;
use super::record::Op;
use crate::edge::SOON;
use crate::error::WriteError;
use crate::model::{Edge, NodeId, TypeId};
use crate::reader::Reader;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::thread::{self, Builder};
use storage_core::planted::{self, Bug, armed};

/// From so many edges on a second thread is worth its beginning, which takes what ten or twenty edges do.
const TWO: usize = 256;

impl WriteTransaction {
    /// Adds edges without properties, in this order.
    pub(super) fn add_both_ways(
        &mut self,
        edge_type: TypeId,
        pairs: &[(NodeId, NodeId)],
    ) -> Result<Vec<Edge>, WriteError> {
        let new = |&(source, target): &_| Edge { source, edge_type, target, rank: 0 };
        let new: Vec<Edge> = pairs.iter().map(new).collect();
        let (mut edges, stopped) = self.look_up(&new, |tx, edge| {
            tx.ends_are_there(edge.source, edge.target)?;
            tx.free_rank(*edge, None)
        });
        // Of some that are parallel to each other all were given the rank of the first.
        let mut ranks = HashMap::with_capacity(edges.len());
        for edge in &mut edges {
            match ranks.entry((edge.source, edge.target)) {
                Entry::Vacant(first) => drop(first.insert(edge.rank)),
                Entry::Occupied(mut last) => {
                    let next = last.get().checked_add(1);
                    edge.rank = next.ok_or(WriteError::Exhausted(RANKS))?;
                    last.insert(edge.rank);
                }
            }
        }
        stopped?;
        drop((new, ranks));
        for edge in &edges {
            self.ops.push(&Op::AddEdge { edge: *edge, props: [].as_slice().into() });
        }
        // No two are the same: any order leaves the same trees.
        let mut leaving = edges.clone();
        leaving.sort_unstable();
        self.change_both_ways(&leaving, true)?;
        self.more_edges(edge_type, edges.len() as u64);
        Ok(edges)
    }

    /// Deletes edges in this order, which is theirs, with properties and entries of indexes.
    pub(super) fn remove_both_ways(&mut self, edges: &[Edge]) -> Result<(), WriteError> {
        let (there, stopped) = self.look_up(edges, |tx, edge| Ok(tx.edge_exists(*edge)?));
        let mut before = None;
        for (edge, there) in edges.iter().zip(there) {
            if !there || before == Some(edge) {
                return Err(WriteError::NoEdge(self.describe(*edge)));
            }
            before = Some(edge);
        }
        stopped?;
        self.change_both_ways(edges, false)?;
        for edge in edges {
            self.drop_edge_entries(*edge)?;
            self.drop_edge_props(*edge)?;
            self.ops.push(&Op::DeleteEdge { edge: *edge });
            self.one_edge_less(edge.edge_type);
            self.changed(false)?;
        }
        Ok(())
    }

    /// What `look` says of each edge, in order, up to the first error, which is given with it.
    fn look_up<T: Send>(
        &self,
        edges: &[Edge],
        look: impl Fn(&Self, &Edge) -> Result<T, WriteError> + Sync,
    ) -> (Vec<T>, Result<(), WriteError>) {
        let all = |edges: &[Edge]| {
            let mut found = Vec::with_capacity(edges.len());
            for some in edges.chunks(SOON) {
                self.layers.edge.soon(&self.graph.out, &self.pages, some.iter().copied(), true);
                for edge in some {
                    match look(self, edge) {
                        Ok(one) => found.push(one),
                        Err(error) => return (found, Err(error)),
                    }
                }
            }
            (found, Ok(()))
        };
        let (one, other) = edges.split_at(edges.len() / 2);
        let ((mut found, stopped), (more, after)) = in_two(edges.len(), || all(one), || all(other));
        if stopped.is_err() {
            return (found, stopped);
        }
        found.extend(more);
        (found, after)
    }

    /// Puts edges into both trees, or takes them out of both. They are in the order of the tree of those that leave, and enter in
    /// that of the other: there some that share a leaf come one after the other.
    fn change_both_ways(&mut self, edges: &[Edge], put: bool) -> Result<(), WriteError> {
        let Reader { pages, graph, layers } = &mut self.reader;
        let (pages, layer, out, into) = (&*pages, &layers.edge, &mut graph.out, &mut graph.into);
        let entering = edges.len() - usize::from(armed(Bug::LastOneEntersNowhere));
        let leave = || layer.change_all(out, pages, edges, put);
        let enter = || {
            let mut edges = edges[..entering].to_vec();
            edges.sort_unstable_by_key(|edge| (edge.target, edge.edge_type, edge.source));
            layer.change_all(into, pages, &edges, put)
        };
        let (left, entered) = in_two(edges.len(), leave, enter);
        left?;
        Ok(entered?)
    }
}

/// Does both; `second` on a thread of its own, if there are so many edges that it is worth one, and one is to be had.
fn in_two<A, B: Send, S: FnOnce() -> B + Send>(edges: usize, first: impl FnOnce() -> A, second: S) -> (A, B) {
    let mut second = Some(second);
    let take = |second: &mut Option<S>| second.take().expect("done once")();
    if edges < TWO {
        return (first(), take(&mut second));
    }
    let (one, other) = thread::scope(|scope| {
        let work = planted::carried(|| take(&mut second));
        let other = Builder::new().name("foliograph edges".into()).spawn_scoped(scope, work);
        // Some kernels begin a thread where the one that made it runs, and move it only when that waits.
        thread::yield_now();
        (first(), other.ok().map(|other| other.join()))
    });
    let other = other.map(|other| other.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    (one, other.unwrap_or_else(|| take(&mut second)))
}
