//! Packs edges, in key order, into pages.
//!
//! Must always be true: memory is bounded, however many edges a vertex has: what waits is one page in the making, and of
//! one vertex at most twice as many edges as a page may hold.

use super::builder::{Builder, NewList, table_len};
use super::measure::{Fit, fit};
use super::{EDGES_A_BYTE, EdgeKey, EdgeLeaf};
use crate::btree::format::{LeafFormat, LeafPacker, PackedLeaf};
use storage_core::page::PageSize;

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

    fn push(&mut self, key: EdgeKey) {
        self.vertex = key.vertex;
        self.neighbors.push(key.neighbor);
        self.ranks.push(key.rank);
        self.run(key.edge_type, self.neighbors.len());
    }

    /// Edges of its vertex, in order.
    fn extend(&mut self, edges: &[(u32, u64, u32)]) {
        let mut end = self.neighbors.len();
        self.neighbors.extend(edges.iter().map(|(_, neighbor, _)| *neighbor));
        self.ranks.extend(edges.iter().map(|(.., rank)| *rank));
        for run in edges.chunk_by(|one, other| one.0 == other.0) {
            end += run.len();
            self.run(run[0].0, end);
        }
    }

    /// The edges up to `end` are of this type, from where the types before it end.
    fn run(&mut self, edge_type: u32, end: usize) {
        match self.runs.last_mut() {
            Some((last, run)) if *last == edge_type => *run = end,
            _ => self.runs.push((edge_type, end)),
        }
    }

    fn first_key(&self) -> EdgeKey {
        let (neighbor, rank) = (self.neighbors[self.start], self.ranks[self.start]);
        EdgeKey { vertex: self.vertex, edge_type: self.runs[0].0, neighbor, rank }
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
            let fit = fit(self.vertex, neighbors, ranks, room, edges - part.edges);
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

    /// Takes what comes next of the vertex of the last edge, in order: at most a page's edges. Returns the last.
    pub(super) fn push_all(
        &mut self,
        vertex: u64,
        edges: &[(u32, u64, u32)],
        out: &mut Vec<PackedLeaf>,
    ) -> Option<EdgeKey> {
        let key = |&(edge_type, neighbor, rank): &_| EdgeKey { vertex, edge_type, neighbor, rank };
        let (first, last) = (edges.first().map(key)?, edges.last().map(key)?);
        assert!(self.last_key < Some(first), "edges come in ascending order");
        assert!(self.pending.vertex == vertex, "edges of the vertex that came last");
        self.last_key = Some(last);
        self.pending.extend(edges);
        self.settle(false, out);
        Some(last)
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
        let key = self.pending.first_key().to_bytes();
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
        if self.pending.vertex != key.vertex {
            self.settle(true, out);
        }
        self.pending.push(key);
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
