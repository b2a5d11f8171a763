//! One page in the making.
//!
//! Must always be true: what was added fits under the limit, whichever type becomes the main one and whichever form the
//! directory gets; both are chosen when the page is closed.

use super::directory::{Form, Head};
use super::list::{TYPES, encode};
use super::measure::Fit;
use super::{CODEC, DIRECTORY, EDGES_A_BYTE, PAD};
use std::collections::BTreeMap;
use storage_core::page::{PageImage, PageKind, PageSize};

/// One list that goes into the page.
pub(super) struct NewList<'a> {
    pub edge_type: u32,
    pub neighbors: &'a [u64],
    pub ranks: &'a [u32],
    pub fit: Fit,
}

/// Bytes of a table of `count` types, the greatest of which is `last`.
pub(super) fn table_len(count: usize, last: u32) -> usize {
    2 + if count < 64 { 0 } else { 2 } + count * (type_len(last) + 2)
}

fn type_len(last: u32) -> usize {
    match last {
        ..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 4,
    }
}

struct Vertex {
    id: u64,
    /// Its lists: up to here in `lists`.
    lists: usize,
}

/// A page in the making.
pub(super) struct Builder {
    kind: PageKind,
    size: PageSize,
    limit: usize,
    vertices: Vec<Vertex>,
    /// Each list's type, and where its bytes end.
    lists: Vec<(u32, usize)>,
    bytes: Vec<u8>,
    /// Bytes of type tables, as if there were no main type.
    tables: usize,
    /// What each type would save if it were the main type; the most of it.
    savings: BTreeMap<u32, usize>,
    saved: usize,
    edges: usize,
}

impl Builder {
    /// An empty page that is full at `fill_percent`.
    pub fn new(kind: PageKind, size: PageSize, fill_percent: u8) -> Self {
        let fill = size.bytes() * usize::from(fill_percent.clamp(25, 100)) / 100;
        Builder {
            kind,
            size,
            limit: fill.min(size.bytes() - PAD),
            vertices: Vec::new(),
            lists: Vec::new(),
            bytes: Vec::new(),
            tables: 0,
            savings: BTreeMap::new(),
            saved: 0,
            edges: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.vertices.is_empty()
    }

    /// The bytes up to which the page is filled.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many edges more the page may hold.
    pub fn edges_left(&self) -> usize {
        EDGES_A_BYTE * self.size.bytes() - self.edges
    }

    /// Bytes left for the lists and the type table of `vertex`, which is greater than all others; `None` if not even its
    /// directory entry fits.
    pub fn room(&self, vertex: u64) -> Option<usize> {
        let (span, count) = (vertex - self.first(vertex), self.vertices.len() + 1);
        let directory = Form::Dense.len(span, count).min(Form::sparse_for(span).len(span, count));
        self.limit.checked_sub(directory.saturating_add(DIRECTORY + self.content()))
    }

    /// Whether adding `vertex` would make a well-filled dense page a sparse one: then the next page better begins there.
    pub fn better_ends_before(&self, vertex: u64) -> bool {
        let Some(last) = self.vertices.last() else { return false };
        let (first, count) = (self.first(vertex), self.vertices.len());
        let span = last.id - first;
        self.form(span, count) == Form::Dense
            && self.form(vertex - first, count + 1) != Form::Dense
            && 4 * (DIRECTORY + Form::Dense.len(span, count) + self.content()) > 3 * self.limit
    }

    /// The form of a directory of `count` vertices up to `first + span`.
    fn form(&self, span: u64, count: usize) -> Form {
        let sparse = Form::sparse_for(span);
        let dense = Form::Dense.len(span, count);
        let waste = dense.saturating_sub(sparse.len(span, count));
        let fits = dense.saturating_add(DIRECTORY + self.content()) <= self.limit;
        if waste <= self.size.bytes() / 16 && fits { Form::Dense } else { sparse }
    }

    fn first(&self, or: u64) -> u64 {
        self.vertices.first().map_or(or, |vertex| vertex.id)
    }

    /// Bytes of all lists and tables.
    fn content(&self) -> usize {
        self.bytes.len() + self.tables - self.saved
    }

    /// Adds a vertex, greater than all others, with at least one list.
    pub fn add(&mut self, vertex: u64, lists: &[NewList<'_>]) {
        for list in lists {
            let from = self.bytes.len();
            encode(&mut self.bytes, vertex, list.neighbors, list.ranks, list.fit.form);
            debug_assert_eq!(self.bytes.len() - from, list.fit.bytes, "a list takes what was measured");
            self.lists.push((list.edge_type, self.bytes.len()));
            self.edges += list.neighbors.len();
        }
        let last = lists.last().expect("a vertex in a page has edges").edge_type;
        let table = table_len(lists.len(), last);
        self.tables += table;
        if lists.len() == 1 {
            let savings = self.savings.entry(last).or_default();
            *savings += table;
            self.saved = self.saved.max(*savings);
        }
        self.vertices.push(Vertex { id: vertex, lists: self.lists.len() });
    }

    /// The finished page and how many edges it holds; the builder is empty again.
    pub fn close(&mut self) -> (PageImage, usize) {
        let next = Builder { limit: self.limit, ..Builder::new(self.kind, self.size, 100) };
        let edges = self.edges;
        (std::mem::replace(self, next).finish(), edges)
    }

    fn finish(self) -> PageImage {
        let first = self.first(0);
        let span = self.vertices.last().map_or(0, |last| last.id - first);
        let form = self.form(span, self.vertices.len());
        let slots = if form == Form::Dense { span as usize + 1 } else { self.vertices.len() };
        let head = Head { first, slots, form, main_type: self.main_type() };

        let mut image = PageImage::new(self.size, self.kind, CODEC);
        let page = image.bytes_mut();
        let (mut out, mut from, mut list) = (head.end(), 0, 0);
        let mut offsets = Vec::with_capacity(self.vertices.len());
        for vertex in &self.vertices {
            offsets.push((vertex.id, out));
            let lists = &self.lists[list..vertex.lists];
            list = vertex.lists;
            let end = lists[lists.len() - 1].1;
            if lists.len() > 1 || lists[0].0 != head.main_type {
                let table = write_table(lists, out, from);
                page[out..out + table.len()].copy_from_slice(&table);
                out += table.len();
            }
            page[out..out + end - from].copy_from_slice(&self.bytes[from..end]);
            out += end - from;
            from = end;
        }
        head.write(page, offsets.into_iter());
        assert!(out <= self.limit, "a page is filled beyond its limit");
        image.set_used(out);
        image
    }

    /// The type that saves most, or any that is here.
    fn main_type(&self) -> u32 {
        let best = self.savings.iter().max_by_key(|(_, saved)| **saved);
        best.map_or(self.lists[0].0, |(edge_type, _)| *edge_type)
    }
}

/// A type table at `at` of the page, for lists whose bytes begin at `from` of the builder's.
fn write_table(lists: &[(u32, usize)], at: usize, from: usize) -> Vec<u8> {
    let last = lists[lists.len() - 1].0;
    let (len, type_len) = (table_len(lists.len(), last), type_len(last));
    let mut table = Vec::with_capacity(len);
    let few = if lists.len() < 64 { lists.len() as u8 } else { 0 };
    table.extend([TYPES, few << 2 | type_len.ilog2() as u8]);
    if few == 0 {
        table.extend(u16::try_from(lists.len()).expect("a page has at most 64 KiB").to_le_bytes());
    }
    for (edge_type, _) in lists {
        table.extend_from_slice(&edge_type.to_le_bytes()[..type_len]);
    }
    let starts = std::iter::once(from).chain(lists.iter().map(|(_, end)| *end));
    for start in starts.take(lists.len()) {
        let offset = u16::try_from(at + len + start - from).expect("a page has at most 64 KiB");
        table.extend(offset.to_le_bytes());
    }
    table
}
