//! Lists of neighbours in batches: what traversals and algorithms are built on.
//!
//! Must always be true: lists are given in the order of the nodes, each node's whole; an error is never a short list.
//!
//! The nodes are taken in windows: the leaves of a whole window are looked up first, and the device is told of them in one
//! go before the first is read; so cold reads go to it together. Whoever stops early has had a window too many told. What
//! is in memory the processor fetches beforehand, with the window: where the directories say where lists begin, and where they
//! begin as far as is known. Nodes that share a leaf which is at hand need none of it.
//!
//! Memory: one list, 8 bytes an edge (24 where edges are asked for), and about 70 KiB for the window.

use super::follow::{Side, sides};
use super::{Reader, Way};
use crate::edge::{EdgeKey, Entry, Lists, edge_of};
use crate::error::ReadError;
use crate::model::{Edge, NodeId};
use storage_core::page::Written;
use storage_core::pager::{PageError, ReadPages};

/// How many nodes are looked up at a time.
pub(super) const WINDOW: usize = 512;

/// How many neighbours are given at once, at least, where it does not matter whose they are: what is near in memory.
const AT_ONCE: usize = 512;

/// So many nodes share a leaf, and where fewer did so many times one after the other, the others of a window are located.
const SHARED: usize = 4;
const ALONE: usize = 3;

/// An edge as the node sees it whose list it is in. The order is that of lists of neighbours.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Hop {
    /// The node at the other end.
    pub(crate) neighbor: u64,
    /// The edge's type.
    pub(crate) edge_type: u32,
    /// The edge ends at the node whose list it is in.
    pub(crate) into: bool,
    /// The edge's rank.
    pub(crate) rank: u32,
}

impl Hop {
    /// The edge, out of the list of `node`.
    pub(crate) fn edge(self, node: NodeId) -> Edge {
        let Hop { neighbor, edge_type, rank, into } = self;
        edge_of(EdgeKey { vertex: node.0, edge_type, neighbor, rank }, into)
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
        let mut both = Both::new(self, ways);
        for (first, window) in windows(nodes) {
            self.each_list_of(&mut both, window, first, &mut visit)?;
        }
        Ok(())
    }

    /// Gives the neighbours of all these nodes to `visit`, those of some lists at a time: as [`Reader::for_each_list`], where
    /// it does not matter whose they are.
    pub(crate) fn for_each_neighbor<E: From<ReadError>>(
        &self,
        nodes: &[NodeId],
        ways: &[Way],
        mut visit: impl FnMut(&[u64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut both = Both::new(self, ways);
        let mut some = Vec::with_capacity(2 * AT_ONCE);
        let (mut index, mut located, mut alone) = (0, 0..0, 0);
        while index < nodes.len() {
            let mut read = 0;
            if alone < ALONE {
                read = both.nearby(&nodes[index..], &mut some).map_err(ReadError::from)?;
                alone = if read < SHARED && some.len() < AT_ONCE { alone + 1 } else { 0 };
            }
            if read == 0 {
                if !located.contains(&index) {
                    located = index..nodes.len().min(index + WINDOW);
                    both.locate(self, &nodes[located.clone()]).map_err(ReadError::from)?;
                }
                both.targets(index - located.start, nodes[index], &mut some).map_err(ReadError::from)?;
                read = 1;
                if index + 1 == located.end {
                    alone = 0;
                }
            }
            index += read;
            if some.len() >= AT_ONCE {
                visit(&some)?;
                some.clear();
            }
        }
        visit(&some)
    }

    /// Gives the lists of a window of nodes, of which the first is in place `first`.
    pub(super) fn each_list_of<E: From<ReadError>>(
        &self,
        both: &mut Both<'_, R>,
        window: &[NodeId],
        first: usize,
        visit: &mut impl FnMut(usize, &[u64]) -> Result<(), E>,
    ) -> Result<(), E> {
        both.locate(self, window).map_err(ReadError::from)?;
        let mut list = std::mem::take(&mut both.list);
        for (index, node) in window.iter().enumerate() {
            list.clear();
            both.targets(index, *node, &mut list).map_err(ReadError::from)?;
            visit(first + index, &list)?;
        }
        both.list = list;
        Ok(())
    }

    /// As [`Reader::for_each_list`], with the edges' types and ranks: [`Hop::edge`] names the edge.
    pub(crate) fn for_each_hops<E: From<ReadError>>(
        &self,
        nodes: &[NodeId],
        ways: &[Way],
        mut visit: impl FnMut(usize, &[Hop]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut list = Vec::new();
        let mut both = Both::new(self, ways);
        for (first, window) in windows(nodes) {
            both.locate(self, window).map_err(ReadError::from)?;
            for (index, node) in window.iter().enumerate() {
                list.clear();
                both.hops(index, *node, &mut list).map_err(ReadError::from)?;
                visit(first + index, &list)?;
            }
        }
        Ok(())
    }

    /// Tells the device of the pages on which the lists of these nodes begin.
    pub(super) fn tell_ahead(
        &self,
        nodes: impl Iterator<Item = u64> + Clone,
        [out, into]: &[Option<Side>; 2],
    ) -> Result<(), PageError> {
        let mut pages = Vec::new();
        if out.is_some() {
            Lists::new(&self.graph.out, &self.pages).locate(nodes.clone(), &mut pages)?;
        }
        if into.is_some() {
            Lists::new(&self.graph.into, &self.pages).locate(nodes, &mut pages)?;
        }
        // One page is read at once.
        if pages.len() > 1 {
            self.pages.prefetch(&pages);
        }
        Ok(())
    }
}

/// The nodes in windows, each with its first node's place.
fn windows(nodes: &[NodeId]) -> impl Iterator<Item = (usize, &[NodeId])> {
    nodes.chunks(WINDOW).enumerate().map(|(number, window)| (number * WINDOW, window))
}

/// The lists of both trees, as far as they are wanted.
#[derive(Debug)]
pub(super) struct Both<'a, R: ReadPages> {
    out: Option<(Side, Lists<'a, false, R>)>,
    into: Option<(Side, Lists<'a, true, R>)>,
    pages: Vec<Written>,
    entries: Vec<Entry>,
    list: Vec<u64>,
}

impl<'a, R: ReadPages> Both<'a, R> {
    pub(super) fn new(reader: &'a Reader<R>, ways: &[Way]) -> Self {
        let [out, into] = sides(ways);
        Both {
            out: out.map(|side| (side, Lists::new(&reader.graph.out, &reader.pages))),
            into: into.map(|side| (side, Lists::new(&reader.graph.into, &reader.pages))),
            pages: Vec::new(),
            entries: Vec::new(),
            list: Vec::new(),
        }
    }

    /// Looks up a window, and tells the device of it.
    fn locate(&mut self, reader: &Reader<R>, window: &[NodeId]) -> Result<(), PageError> {
        self.pages.clear();
        if let Some((_, lists)) = &mut self.out {
            lists.locate(window.iter().map(|node| node.0), &mut self.pages)?;
        }
        if let Some((_, lists)) = &mut self.into {
            lists.locate(window.iter().map(|node| node.0), &mut self.pages)?;
        }
        if self.pages.len() > 1 {
            // One page is read at once.
            reader.pages.prefetch(&self.pages);
        }
        Ok(())
    }

    /// Appends the neighbours of the node that was located as number `index`.
    #[inline]
    fn targets(&mut self, index: usize, node: NodeId, out: &mut Vec<u64>) -> Result<(), PageError> {
        if let Some((side, lists)) = &mut self.out {
            side.each(|edge_type, _| lists.targets(index, edge_type, out))?;
        }
        if let Some((side, lists)) = &mut self.into {
            side.each(|edge_type, loops_seen| {
                let from = out.len();
                lists.targets(index, edge_type, out)?;
                leave_out_loops(loops_seen, node, from, out);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Appends the neighbours of some nodes, the first of these, up to [`AT_ONCE`], where they share a leaf that is at hand.
    /// Returns how many were read, none where each has to be located.
    fn nearby(&mut self, nodes: &[NodeId], out: &mut Vec<u64>) -> Result<usize, PageError> {
        // In one tree alone no self-loop was seen before.
        match (&mut self.out, &mut self.into) {
            (Some(alone), None) => nearby(alone, nodes, out),
            (None, Some(alone)) => nearby(alone, nodes, out),
            _ => Ok(0),
        }
    }

    /// Appends the neighbours of a node that was not located before.
    #[inline]
    pub(super) fn targets_at_once(&mut self, node: NodeId, out: &mut Vec<u64>) -> Result<(), PageError> {
        if let Some((side, lists)) = &mut self.out {
            side.each(|edge_type, _| lists.targets_at_once(node.0, edge_type, out))?;
        }
        if let Some((side, lists)) = &mut self.into {
            side.each(|edge_type, loops_seen| {
                let from = out.len();
                lists.targets_at_once(node.0, edge_type, out)?;
                leave_out_loops(loops_seen, node, from, out);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn hops(&mut self, index: usize, node: NodeId, out: &mut Vec<Hop>) -> Result<(), PageError> {
        let entries = &mut self.entries;
        let hop = |into| move |(edge_type, neighbor, rank)| Hop { neighbor, edge_type, into, rank };
        if let Some((side, lists)) = &mut self.out {
            side.each(|edge_type, _| lists.entries(index, edge_type, entries))?;
            out.extend(entries.drain(..).map(hop(false)));
        }
        if let Some((side, lists)) = &mut self.into {
            side.each(|edge_type, loops_seen| {
                lists.entries(index, edge_type, entries)?;
                let new = entries.drain(..).filter(|(_, n, _)| !loops_seen || *n != node.0);
                out.extend(new.map(hop(true)));
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Appends the neighbours of some nodes, if one type is wanted, or all; returns of how many.
fn nearby<const IN: bool, R: ReadPages>(
    (side, lists): &mut (Side, Lists<'_, IN, R>),
    nodes: &[NodeId],
    out: &mut Vec<u64>,
) -> Result<usize, PageError> {
    let Some(edge_type) = side.one() else { return Ok(0) };
    lists.targets_nearby(NodeId::numbers(nodes), edge_type, AT_ONCE, out)
}

/// Self-loops among what was appended from `from` on were seen in the other tree: they go.
fn leave_out_loops(loops_seen: bool, node: NodeId, from: usize, out: &mut Vec<u64>) {
    if loops_seen && out[from..].contains(&node.0) {
        let mut at = 0..;
        out.retain(|target| at.next().is_some_and(|at| at < from) || *target != node.0);
    }
}
