//! Packs node records, given in ascending order of id, into pages. Plain nodes of one label become runs, across gaps.
//!
//! Must always be true: before anything is added, the page with it is known to fit; so nothing is ever taken back.

use super::super::props::encode_in_page;
use super::super::record::NodeRecord;
use super::NodeLeaf;
use super::layout::{
    CODEC, DELTAS, ENTRIES, FIRST_ID, INT_KEY, MAX_NODES, NO_KEY, NODES, RUN, TEXT_KEY, WIDTH, width_of,
};
use crate::btree::{LeafPacker, PackedLeaf};
use crate::model::Key;
use crate::value::{put_varint, put_zigzag, varint_len};
use storage_core::page::{PageImage, PageKind, PageSize};

/// The most pieces of a run: a lookup goes through them one by one.
const MAX_PIECES: usize = 32;

/// What an entry takes beside its bytes, at most: an id's difference and an offset.
const ENTRY_OVERHEAD: usize = 8 + 2;

/// The most bytes of a record in a page: a quarter, but always a key of full length beside a reference.
pub fn record_limit(size: PageSize) -> usize {
    ((size.bytes() - DELTAS) / 4 - ENTRY_OVERHEAD).max(Key::MAX_LEN + 64)
}

/// Bytes that a record takes before its properties.
pub(in super::super) fn head_len(record: &NodeRecord) -> usize {
    // The label of any node takes at most five bytes, with the kind beside it.
    5 + match &record.key {
        None => 0,
        Some(Key::Int(_)) => 10,
        Some(Key::Text(s)) => varint_len(s.len() as u64) + s.len(),
    }
}

/// A run that may still grow.
#[derive(Debug)]
struct Run {
    first: u64,
    label: u32,
    /// All but the last piece's count.
    bytes: Vec<u8>,
    pieces: usize,
    last_count: u64,
    /// The id after the last.
    next: u64,
}

impl Run {
    fn new(first: u64, label: u32) -> Self {
        let mut bytes = Vec::new();
        put_varint(u64::from(label) << 2 | RUN, &mut bytes);
        Run { first, label, bytes, pieces: 1, last_count: 1, next: first + 1 }
    }

    fn len(&self) -> usize {
        self.bytes.len() + varint_len(self.last_count - 1)
    }

    /// How many bytes it has with `id` in it; `None` if the id must begin another.
    fn len_with(&self, id: u64, label: u32) -> Option<usize> {
        if label != self.label {
            return None;
        }
        if id == self.next {
            return Some(self.bytes.len() + varint_len(self.last_count));
        }
        (self.pieces < MAX_PIECES).then(|| self.len() + varint_len(id - self.next - 1) + 1)
    }

    fn add(&mut self, id: u64) {
        if id == self.next {
            self.last_count += 1;
        } else {
            put_varint(self.last_count - 1, &mut self.bytes);
            put_varint(id - self.next - 1, &mut self.bytes);
            self.pieces += 1;
            self.last_count = 1;
        }
        self.next = id + 1;
    }
}

/// Packs records into pages.
#[derive(Debug)]
pub struct NodePacker {
    size: PageSize,
    /// Bytes of a page that may be used; one entry always may.
    limit: usize,
    /// Each entry's id and its place in `heap`; the open run's not yet.
    entries: Vec<(u64, usize)>,
    heap: Vec<u8>,
    run: Option<Run>,
    nodes: u32,
    last: Option<u64>,
}

impl NodePacker {
    pub(super) fn new(size: PageSize, fill_percent: u8) -> Self {
        let body = size.bytes() - DELTAS;
        let limit = DELTAS + body * usize::from(fill_percent.clamp(1, 100)) / 100;
        NodePacker { size, limit, entries: Vec::new(), heap: Vec::new(), run: None, nodes: 0, last: None }
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.run.is_none()
    }

    fn first_id(&self) -> Option<u64> {
        self.entries.first().map(|(id, _)| *id).or(self.run.as_ref().map(|run| run.first))
    }

    /// Whether the page fits with `entries` entries, the last of which has this id, and a heap of `heap` bytes.
    fn fits(&self, entries: usize, last: u64, heap: usize) -> bool {
        let width = width_of(last - self.first_id().unwrap_or(last));
        DELTAS + entries * (width + 2) + heap <= self.limit
    }

    fn extend_run(&mut self, id: u64, label: u32) -> bool {
        let Some(run) = &self.run else { return false };
        let Some(len) = run.len_with(id, label) else { return false };
        if self.nodes == MAX_NODES || !self.fits(self.entries.len() + 1, run.first, self.heap.len() + len) {
            return false;
        }
        self.run.iter_mut().for_each(|run| run.add(id));
        self.nodes += 1;
        true
    }

    fn close_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.entries.push((run.first, self.heap.len()));
            self.heap.extend_from_slice(&run.bytes);
            put_varint(run.last_count - 1, &mut self.heap);
        }
    }

    /// Closes the page if an entry of `len` bytes does not fit any more.
    fn make_room(&mut self, id: u64, len: usize, out: &mut Vec<PackedLeaf>) {
        self.close_run();
        let fits = self.fits(self.entries.len() + 1, id, self.heap.len() + len);
        if !self.is_empty() && (self.nodes == MAX_NODES || !fits) {
            self.close_page(out);
        }
    }

    fn close_page(&mut self, out: &mut Vec<PackedLeaf>) {
        let Some((first, _)) = self.entries.first().copied() else { return };
        let (last, _) = self.entries[self.entries.len() - 1];
        let width = width_of(last - first);
        let mut image = PageImage::new(self.size, PageKind::Node, CODEC);
        let offsets = DELTAS + self.entries.len() * width;
        let heap = offsets + self.entries.len() * 2;
        let used = heap + self.heap.len();
        assert!(
            used <= self.size.bytes(),
            "a node's record is longer than a page: its long values were not moved out"
        );
        let page = image.bytes_mut();
        page[FIRST_ID..FIRST_ID + 8].copy_from_slice(&first.to_le_bytes());
        page[NODES..NODES + 4].copy_from_slice(&self.nodes.to_le_bytes());
        // An entry takes five bytes at least, so a page has fewer than 2^16 entries, and an offset is below that.
        page[ENTRIES..ENTRIES + 2].copy_from_slice(&(self.entries.len() as u16).to_le_bytes());
        page[WIDTH] = width as u8;
        for (i, (id, start)) in self.entries.iter().enumerate() {
            let delta = DELTAS + i * width;
            page[delta..delta + width].copy_from_slice(&(id - first).to_le_bytes()[..width]);
            let offset = offsets + i * 2;
            page[offset..offset + 2].copy_from_slice(&((heap + start) as u16).to_le_bytes());
        }
        page[heap..used].copy_from_slice(&self.heap);
        image.set_used(used);
        out.push(PackedLeaf { separator: first.to_be_bytes().to_vec(), count: self.nodes.into(), image });
        self.entries.clear();
        self.heap.clear();
        self.nodes = 0;
    }
}

fn encode_record(record: &NodeRecord) -> Vec<u8> {
    let mut out = Vec::new();
    let head = u64::from(record.label) << 2;
    match &record.key {
        None => put_varint(head | NO_KEY, &mut out),
        Some(Key::Int(n)) => {
            put_varint(head | INT_KEY, &mut out);
            put_zigzag(*n, &mut out);
        }
        Some(Key::Text(s)) => {
            put_varint(head | TEXT_KEY, &mut out);
            put_varint(s.len() as u64, &mut out);
            out.extend_from_slice(s.as_bytes());
        }
    }
    encode_in_page(&record.props, &mut out);
    out
}

impl LeafPacker<NodeLeaf> for NodePacker {
    fn push(&mut self, id: u64, record: NodeRecord, out: &mut Vec<PackedLeaf>) {
        assert!(id != u64::MAX && self.last.is_none_or(|last| last < id), "ids ascend, and u64::MAX is none");
        self.last = Some(id);
        if record.is_plain() {
            if !self.extend_run(id, record.label) {
                let run = Run::new(id, record.label);
                self.make_room(id, run.len(), out);
                self.run = Some(run);
                self.nodes += 1;
            }
            return;
        }
        let bytes = encode_record(&record);
        self.make_room(id, bytes.len(), out);
        self.entries.push((id, self.heap.len()));
        self.heap.extend_from_slice(&bytes);
        self.nodes += 1;
    }

    fn finish(mut self, out: &mut Vec<PackedLeaf>) {
        self.close_run();
        self.close_page(out);
    }
}
