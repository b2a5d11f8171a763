//! Packs edges, in key order, into pages.
//!
//! Must always be true: memory is bounded, however many edges a vertex has: what waits is one page in the making, and of
//! one vertex about twice as many edges as a page may hold, at most.

use super::builder::{Builder, NewList, table_len};
use super::measure::{Fit, fit, fit_plain};
use super::{EDGES_A_BYTE, EdgeKey, EdgeLeaf};
use crate::btree::format::{LeafFormat, LeafPacker, PackedLeaf};
use crate::btree::{ChangeAt, Growth};
use crate::edge::Entry;
use storage_core::page::PageSize;
use storage_core::planted::{Bug, armed};

/// The packer of [`EdgeLeaf`].
pub struct Packer<const IN: bool> {
    size: PageSize,
    pending: Pending,
    builder: Builder,
    /// The last edge given, to see that keys ascend.
    last_key: Option<EdgeKey>,
    /// Where the page in the making begins.
    separator: Vec<u8>,
    /// The last vertex of the page before.
    page_before: Option<u64>,
}

/// Edges of one vertex that are not in a page yet.
#[derive(Default)]
struct Pending {
    vertex: u64,
    /// Types, and where their edges end.
    runs: Vec<(u32, usize)>,
    neighbors: Vec<u64>,
    ranks: Vec<u32>,
    /// The bits that ranks have: none, where no two edges have the same neighbour, as a rule.
    rank_bits: u32,
    /// Edges before this one are in pages.
    start: usize,
}

/// How much of the pending edges fits, type by type.
struct Part {
    lists: Vec<(u32, Fit)>,
    edges: usize,
    bytes: usize,
}

impl Pending {
    fn len(&self) -> usize {
        self.neighbors.len() - self.start
    }

    /// Adds an edge of its vertex.
    #[inline]
    fn push(&mut self, (edge_type, neighbor, rank): Entry) {
        self.neighbors.push(neighbor);
        self.ranks.push(rank);
        self.rank_bits |= rank;
        self.run(edge_type, self.neighbors.len());
    }

    /// Adds edges of its vertex, in order.
    fn extend_with(&mut self, edges: &[Entry]) {
        let mut end = self.neighbors.len();
        self.neighbors.extend(edges.iter().map(|(_, neighbor, _)| *neighbor));
        self.ranks.extend(edges.iter().map(|(.., rank)| *rank));
        self.rank_bits |= edges.iter().fold(0, |bits, (.., rank)| bits | rank);
        for run in edges.chunk_by(|one, other| one.0 == other.0) {
            end += run.len();
            self.run(run[0].0, end);
        }
    }

    /// The same with changes made to them.
    fn merge(&mut self, edges: &[Entry], changes: &[ChangeAt<'_, EdgeKey, ()>], growth: &mut Growth) {
        let forgets = armed(Bug::DeletedStays) && changes.last().is_some_and(|(_, change)| change.is_none());
        let mut edges = edges;
        for (key, change) in &changes[..changes.len() - usize::from(forgets)] {
            let changed = key.entry();
            while let Some((edge, behind)) = edges.split_first().filter(|(edge, _)| **edge < changed) {
                growth.keeps();
                self.push(*edge);
                edges = behind;
            }
            let there = edges.split_first().filter(|(edge, _)| **edge == changed);
            if let Some((_, behind)) = there {
                edges = behind;
            }
            if change.is_some() {
                if there.is_none() {
                    growth.adds();
                }
                self.push(changed);
            }
        }
        if !edges.is_empty() {
            growth.keeps();
            self.extend_with(edges);
        }
    }

    /// The key of an edge that is in no page yet.
    fn key_at(&self, index: usize) -> EdgeKey {
        let run = self.runs.partition_point(|(_, end)| *end <= index);
        let (edge_type, neighbor, rank) = (self.runs[run].0, self.neighbors[index], self.ranks[index]);
        EdgeKey { vertex: self.vertex, edge_type, neighbor, rank }
    }

    /// The edges up to `end` are of this type, from where the types before it end.
    fn run(&mut self, edge_type: u32, end: usize) {
        match self.runs.last_mut() {
            Some((last, run)) if *last == edge_type => *run = end,
            _ => self.runs.push((edge_type, end)),
        }
    }

    /// Adds edges to neighbours that ascend, of which one that comes again is another edge to it; there is at least one.
    /// `before` is the list's edge before, as neighbour and rank. Returns the last one; `None` if ranks have run out.
    fn extend(
        &mut self,
        edge_type: u32,
        neighbors: impl Iterator<Item = u64>,
        before: Option<(u64, u32)>,
    ) -> Option<(u64, u32)> {
        let from = self.neighbors.len();
        self.neighbors.extend(neighbors);
        let (end, new) = (self.neighbors.len(), &self.neighbors[from..]);
        let mut last = (*new.last()?, 0);
        let apart = before.is_none_or(|(neighbor, _)| neighbor < new[0]);
        if apart && new.is_sorted_by(|a, b| a < b) {
            self.ranks.resize(end, 0);
        } else {
            let mut before = before;
            for neighbor in new {
                let same = before.filter(|(before, _)| before == neighbor);
                assert!(before.is_none_or(|(before, _)| before <= *neighbor), "neighbours ascend");
                let rank = same.map_or(Some(0), |(_, rank)| rank.checked_add(1))?;
                self.ranks.push(rank);
                self.rank_bits |= rank;
                last = (*neighbor, rank);
                before = Some(last);
            }
        }
        self.run(edge_type, end);
        Some(last)
    }

    /// The longest prefix of at most `room` bytes, type table included, and `edges` edges.
    fn fit(&self, room: usize, edges: usize) -> Part {
        let mut part = Part { lists: Vec::new(), edges: 0, bytes: 0 };
        let mut lists = 0;
        let mut from = self.start;
        for (edge_type, end) in &self.runs {
            let table = table_len(part.lists.len() + 1, *edge_type);
            let Some(room) = room.checked_sub(table + lists) else { break };
            let (neighbors, ranks) = (&self.neighbors[from..*end], &self.ranks[from..*end]);
            let fit = match self.rank_bits {
                0 => fit_plain(self.vertex, neighbors, room, edges - part.edges),
                _ => fit(self.vertex, neighbors, ranks, room, edges - part.edges),
            };
            if fit.count == 0 {
                break;
            }
            part.lists.push((*edge_type, fit));
            part.edges += fit.count;
            lists += fit.bytes;
            part.bytes = table + lists;
            if fit.count < neighbors.len() {
                break;
            }
            from = *end;
        }
        part
    }

    fn add_to(&self, builder: &mut Builder, part: &Part) {
        let mut from = self.start;
        let lists: Vec<NewList<'_>> = part
            .lists
            .iter()
            .map(|(edge_type, fit)| {
                let edges = from..from + fit.count;
                from = edges.end;
                let (neighbors, ranks) = (&self.neighbors[edges.clone()], &self.ranks[edges]);
                NewList { edge_type: *edge_type, neighbors, ranks, fit: *fit }
            })
            .collect();
        builder.add(self.vertex, &lists);
    }

    /// Forgets the first `count` edges.
    fn drop_first(&mut self, count: usize) {
        self.start += count;
        let start = self.start;
        self.runs.drain(..self.runs.partition_point(|(_, end)| *end <= start));
        // Moved together only when most is gone: each edge is moved at most once.
        if 2 * start >= self.neighbors.len() {
            self.neighbors.drain(..start);
            self.ranks.drain(..start);
            self.runs.iter_mut().for_each(|(_, end)| *end -= start);
            self.start = 0;
        }
        if self.neighbors.is_empty() {
            self.rank_bits = 0;
        }
    }
}

impl<const IN: bool> Packer<IN> {
    pub(super) fn new(size: PageSize, fill_percent: u8) -> Self {
        Packer {
            size,
            pending: Pending::default(),
            builder: Builder::new(EdgeLeaf::<IN>::KIND, size, fill_percent),
            last_key: None,
            separator: Vec::new(),
            page_before: None,
        }
    }

    /// Adds edges of one vertex and type: the same pages as by single edges whose ranks count from 0 at each neighbour. What
    /// the last call had of this vertex and type goes on. `None` if there are more edges to a neighbour than ranks.
    ///
    /// # Panics
    /// If edges do not ascend.
    pub fn push_list(
        &mut self,
        vertex: u64,
        edge_type: u32,
        mut neighbors: impl ExactSizeIterator<Item = u64>,
        out: &mut Vec<PackedLeaf>,
    ) -> Option<()> {
        let same = self.last_key.filter(|last| (last.vertex, last.edge_type) == (vertex, edge_type));
        let mut last = same.map(|last| (last.neighbor, last.rank));
        let least = EdgeKey { vertex, edge_type, neighbor: 0, rank: 0 };
        assert!(same.is_some() || self.last_key < Some(least), "edges come in ascending order");
        self.begin_vertex(vertex, out);
        while neighbors.len() > 0 {
            // As many as one by one would wait before some of them go into a page.
            let some = EDGES_A_BYTE * self.size.bytes() - self.pending.len();
            last = Some(self.pending.extend(edge_type, neighbors.by_ref().take(some), last)?);
            self.settle(false, out);
        }
        if let Some((neighbor, rank)) = last {
            assert!(vertex < u64::MAX && neighbor < u64::MAX, "u64::MAX is no id");
            self.last_key = Some(EdgeKey { vertex, edge_type, neighbor, rank });
        }
        Some(())
    }

    /// Takes what comes next of a vertex: edges in order, at most a page's, and changes to them. Returns the last one that is
    /// left.
    ///
    /// # Panics
    /// If edges do not ascend: that they come behind those before is for the caller to see.
    pub(super) fn push_merged(
        &mut self,
        vertex: u64,
        edges: &[Entry],
        (changes, growth): (&[ChangeAt<'_, EdgeKey, ()>], &mut Growth),
        out: &mut Vec<PackedLeaf>,
    ) -> Option<EdgeKey> {
        self.begin_vertex(vertex, out);
        let from = self.pending.neighbors.len();
        self.pending.merge(edges, changes, growth);
        let last = self.pending.neighbors.len().checked_sub(1).filter(|last| *last >= from)?;
        let (first, last) = (self.pending.key_at(from), self.pending.key_at(last));
        assert!(self.last_key < Some(first), "edges come in ascending order");
        assert!(vertex < u64::MAX && last.neighbor < u64::MAX, "u64::MAX is no id");
        self.last_key = Some(last);
        self.settle(false, out);
        Some(last)
    }

    /// Edges of a vertex come next: those of another one are complete.
    fn begin_vertex(&mut self, vertex: u64, out: &mut Vec<PackedLeaf>) {
        if self.pending.vertex != vertex {
            self.settle(true, out);
            self.pending.vertex = vertex;
        }
    }

    /// Puts pending edges into pages: all of them if the vertex is `complete`, else until few enough are left.
    fn settle(&mut self, complete: bool, out: &mut Vec<PackedLeaf>) {
        let (vertex, quarter) = (self.pending.vertex, self.size.bytes() / 4);
        let most = EDGES_A_BYTE * self.size.bytes();
        while self.pending.len() > 0 && (complete || self.pending.len() >= most) {
            let room = match self.builder.room(vertex) {
                Some(room) if !self.builder.better_ends_before(vertex) => room,
                _ => {
                    self.close(out);
                    continue;
                }
            };
            let part = self.pending.fit(room, self.builder.edges_left());
            let fits = part.edges == self.pending.len();
            if !fits && !self.builder.is_empty() {
                let small = self.pending.fit(quarter, most).edges == self.pending.len();
                if part.edges == 0 || (small && complete) || room < self.builder.limit() / 16 {
                    self.close(out);
                    continue;
                }
            }
            assert!(part.edges > 0, "an edge fits into an empty page");
            if self.builder.is_empty() {
                self.begin();
            }
            self.pending.add_to(&mut self.builder, &part);
            self.pending.drop_first(part.edges);
            if !fits || !complete {
                self.page_before = Some(vertex);
                self.close(out);
            }
        }
    }

    /// Notes where the page begins that takes the pending edges.
    fn begin(&mut self) {
        let key = self.pending.key_at(self.pending.start).to_bytes();
        let goes_on = self.page_before == Some(self.pending.vertex);
        self.separator = if goes_on { key.to_vec() } else { key[..8].to_vec() };
    }

    fn close(&mut self, out: &mut Vec<PackedLeaf>) {
        let separator = std::mem::take(&mut self.separator);
        let (image, edges) = self.builder.close();
        out.push(PackedLeaf { separator, count: edges as u64, image });
    }
}

impl<const IN: bool> LeafPacker<EdgeLeaf<IN>> for Packer<IN> {
    fn push(&mut self, key: EdgeKey, (): (), out: &mut Vec<PackedLeaf>) {
        assert!(self.last_key < Some(key), "edges come in ascending order");
        assert!(key.vertex < u64::MAX && key.neighbor < u64::MAX, "u64::MAX is no id");
        self.last_key = Some(key);
        self.begin_vertex(key.vertex, out);
        self.pending.push(key.entry());
        self.settle(false, out);
    }

    fn finish(mut self, out: &mut Vec<PackedLeaf>) {
        self.settle(true, out);
        if !self.builder.is_empty() {
            self.close(out);
        }
    }
}

impl<const IN: bool> std::fmt::Debug for Packer<IN> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packer({} edges of vertex {} wait)", self.pending.len(), self.pending.vertex)
    }
}
