//! The layout of a node page, codec 0, on bare bytes: no values are made here and no references.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 32 | 8 | first id |
//! | 40 | 4 | nodes: 1 to 65,536 |
//! | 44 | 2 | entries: 1 to nodes |
//! | 46 | 1 | width of a difference: 2, 4 or 8 |
//! | 47 | 1 | zero |
//! | 48 | entries × width | each entry's first id, less the page's first id; ascending |
//! | … | entries × 2 | each entry's offset within the page; ascending |
//! | … | to the used length | entries |
//!
//! An entry begins with a varint: the label × 4 + what it is:
//!
//! | | |
//! |---|---|
//! | 0 | a node without a key: properties |
//! | 1 | a node whose key is an integer: zigzag, properties |
//! | 2 | a node whose key is text: length (varint), UTF-8, properties |
//! | 3 | a run of plain nodes of the label: count − 1; then any number of times: missing ids − 1, count − 1 (varints) |
//!
//! So plain nodes in a row cost a few bytes altogether, and with gaps two bytes a gap. Properties: see `node::props`.

use crate::value::{Malformed, Reader};
use std::ops::Range;
use storage_core::page::HEADER_LEN;

pub(super) const CODEC: u8 = 0;
pub(super) const FIRST_ID: usize = HEADER_LEN;
pub(super) const NODES: usize = HEADER_LEN + 8;
pub(super) const ENTRIES: usize = HEADER_LEN + 12;
pub(super) const WIDTH: usize = HEADER_LEN + 14;
pub(super) const DELTAS: usize = HEADER_LEN + 16;

/// The most nodes of a page: bounds what reading or rewriting a page of runs takes.
pub(super) const MAX_NODES: u32 = 65_536;

pub(super) const NO_KEY: u64 = 0;
pub(super) const INT_KEY: u64 = 1;
pub(super) const TEXT_KEY: u64 = 2;
pub(super) const RUN: u64 = 3;

/// The bytes that a difference needs.
pub(super) fn width_of(delta: u64) -> usize {
    match delta {
        0..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// A page's header, checked, and its bytes in use.
#[derive(Copy, Clone, Debug)]
pub(super) struct Layout<'a> {
    bytes: &'a [u8],
    pub(super) first: u64,
    pub(super) nodes: u32,
    entries: usize,
    width: usize,
}

/// The fields of a page, checked: with them, a node is found without looking at the page's first bytes again.
#[derive(Copy, Clone, Debug)]
pub struct PageHead {
    first: u64,
    nodes: u32,
    entries: u16,
    width: u8,
    used: u32,
}

/// Plain nodes in a row, or one node with a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) label: u32,
    /// What kind of key, and where key and properties are; `None` for plain nodes.
    pub(super) body: Option<(u64, Range<usize>)>,
}

impl Span {
    fn last(&self) -> u64 {
        self.first + u64::from(self.count - 1)
    }
}

impl<'a> Layout<'a> {
    /// Checks the header of a page, given up to its used length.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.bytes(HEADER_LEN)?;
        let first = u64::from_le_bytes(reader.array()?);
        let nodes = u32::from_le_bytes(reader.array()?);
        let entries = usize::from(u16::from_le_bytes(reader.array()?));
        let width = usize::from(reader.u8()?);
        if reader.u8()? != 0 || !matches!(width, 2 | 4 | 8) {
            return Err(Malformed("unknown width of id differences"));
        }
        if entries == 0 || nodes > MAX_NODES || entries > nodes as usize {
            return Err(Malformed("counts of nodes and entries contradict each other"));
        }
        if DELTAS + entries * (width + 2) > bytes.len() {
            return Err(Malformed("more entries than the page has room for"));
        }
        Ok(Layout { bytes, first, nodes, entries, width })
    }

    /// What may be kept of the page.
    pub(super) fn kept(&self) -> PageHead {
        let Layout { first, nodes, .. } = *self;
        // As the page has them: a count in two bytes, a width in one, a length below 64 KiB.
        let (entries, width, used) = (self.entries as u16, self.width as u8, self.bytes.len() as u32);
        PageHead { first, nodes, entries, width, used }
    }

    /// The same page again.
    pub(super) fn again(page: &'a [u8], kept: &PageHead) -> Result<Self, Malformed> {
        let bytes = page.get(..kept.used as usize).ok_or(Malformed("the page is shorter than it was"))?;
        let (entries, width) = (kept.entries.into(), kept.width.into());
        Ok(Layout { bytes, first: kept.first, nodes: kept.nodes, entries, width })
    }

    fn delta(&self, entry: usize) -> u64 {
        let at = DELTAS + entry * self.width;
        let mut le = [0; 8];
        le[..self.width].copy_from_slice(&self.bytes[at..at + self.width]);
        u64::from_le_bytes(le)
    }

    fn offset(&self, entry: usize) -> usize {
        let at = DELTAS + self.entries * self.width + entry * 2;
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]).into()
    }

    /// Where an entry's bytes are.
    fn range(&self, entry: usize) -> Result<Range<usize>, Malformed> {
        let start = self.offset(entry);
        let end = if entry + 1 < self.entries { self.offset(entry + 1) } else { self.bytes.len() };
        let heap = DELTAS + self.entries * (self.width + 2);
        if start < heap || start >= end || end > self.bytes.len() {
            return Err(Malformed("an entry lies outside of the page"));
        }
        Ok(start..end)
    }

    /// The greatest entry that begins at or before `id`.
    fn entry_before(&self, id: u64) -> Option<usize> {
        let delta = id.checked_sub(self.first)?;
        let (mut low, mut high) = (0, self.entries);
        // Where ids follow each other and each node has an entry, it is this one.
        if let Ok(guess) = usize::try_from(delta)
            && guess < self.entries
            && self.delta(guess) == delta
        {
            return Some(guess);
        }
        while low < high {
            let middle = low.midpoint(high);
            if self.delta(middle) <= delta {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    /// The node `id` or the piece of a run that it is in.
    pub(super) fn find(&self, id: u64) -> Result<Option<Span>, Malformed> {
        let Some(entry) = self.entry_before(id) else { return Ok(None) };
        let mut cursor = Spans { entry, ..Spans::default() };
        while let Some(span) = cursor.within_entry(self)? {
            if id < span.first {
                return Ok(None);
            }
            if id <= span.last() {
                return Ok(Some(span));
            }
        }
        Ok(None)
    }
}

impl Layout<'_> {
    /// Gives all ids, as a first one and how many follow each other: those of [`Spans`], which looks at labels and bodies too.
    /// Damage, which is given as its words, may show after some were given.
    pub(super) fn runs<E>(
        &self,
        each: &mut impl FnMut(u64, u64) -> Result<(), E>,
        damage: impl Fn(Malformed) -> E,
    ) -> Result<(), E> {
        let (mut nodes, mut past) = (0, 0);
        let mut give = |first: u64, count: u64| {
            if first < past {
                return Err(damage(Malformed("ids do not ascend")));
            }
            (nodes, past) = (nodes + count, first + count);
            if nodes > u64::from(self.nodes) {
                return Err(damage(Malformed("more nodes than the page says")));
            }
            each(first, count)
        };
        for entry in 0..self.entries {
            let Begun { mut first, kind, mut reader, .. } = self.entry(entry).map_err(&damage)?;
            if kind != RUN {
                give(first, 1)?;
                continue;
            }
            loop {
                let next = run_end(first, &mut reader).map_err(&damage)?;
                give(first, next - first)?;
                if reader.is_empty() {
                    break;
                }
                first = run_begin(next, &mut reader).map_err(&damage)?;
            }
        }
        if nodes == u64::from(self.nodes) {
            Ok(())
        } else {
            Err(damage(Malformed("fewer nodes than the page says")))
        }
    }

    /// Reads how an entry begins.
    #[inline]
    fn entry(&self, entry: usize) -> Result<Begun<'_>, Malformed> {
        let range = self.range(entry)?;
        let first = self.first.checked_add(self.delta(entry)).filter(|id| *id != u64::MAX);
        let first = first.ok_or(Malformed("an id is out of range"))?;
        let mut reader = Reader::new(&self.bytes[range.clone()]);
        let head = reader.varint()?;
        let label = u32::try_from(head >> 2).map_err(|_| Malformed("a label is out of range"))?;
        Ok(Begun { first, label, kind: head & 3, range, reader })
    }

    /// How many nodes have ids from `low` to `high`. Reads the entries between them, of all but runs the first bytes.
    pub(super) fn count(&self, low: u64, high: u64) -> Result<u64, Malformed> {
        let mut count = 0;
        for entry in self.entry_before(low).unwrap_or(0)..self.entries {
            let mut cursor = Spans { entry, ..Spans::default() };
            while let Some(span) = cursor.within_entry(self)? {
                if span.first > high {
                    return Ok(count);
                }
                let (first, last) = (span.first.max(low), span.last().min(high));
                count += (last + 1).saturating_sub(first);
            }
        }
        Ok(count)
    }
}

/// How an entry begins.
struct Begun<'a> {
    first: u64,
    label: u32,
    kind: u64,
    /// Where the entry's bytes are, and what reads them behind the label.
    range: Range<usize>,
    reader: Reader<'a>,
}

/// Goes over a page's spans in order of id, and holds nothing but places: so it can be kept beside the page.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    entry: usize,
    /// Within a run: its label, the id after the last piece, and where the rest of it is.
    run: Option<(u32, u64, Range<usize>)>,
    nodes: u32,
    last: Option<u64>,
    ended: bool,
}

impl Spans {
    /// The next span; nothing after an error.
    pub(super) fn next(&mut self, layout: &Layout<'_>) -> Option<Result<Span, Malformed>> {
        if self.ended {
            return None;
        }
        let item = self.checked(layout).transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    fn checked(&mut self, layout: &Layout<'_>) -> Result<Option<Span>, Malformed> {
        loop {
            if let Some(span) = self.within_entry(layout)? {
                // Cannot overflow: a count is at most 65,536, and each is compared before the next is added.
                self.nodes += span.count;
                if self.last.is_some_and(|last| last >= span.first) {
                    return Err(Malformed("ids do not ascend"));
                }
                if self.nodes > layout.nodes {
                    return Err(Malformed("more nodes than the page says"));
                }
                self.last = Some(span.last());
                return Ok(Some(span));
            }
            self.entry += 1;
            if self.entry == layout.entries {
                let whole = self.nodes == layout.nodes;
                return if whole { Ok(None) } else { Err(Malformed("fewer nodes than the page says")) };
            }
        }
    }

    /// The next span of the entry that the cursor is in; `None` at the entry's end.
    fn within_entry(&mut self, layout: &Layout<'_>) -> Result<Option<Span>, Malformed> {
        match self.run.take() {
            Some((.., rest)) if rest.is_empty() => Ok(None),
            Some((label, next, rest)) => {
                let mut reader = Reader::new(&layout.bytes[rest.clone()]);
                let first = run_begin(next, &mut reader)?;
                self.piece(label, first, reader, rest).map(Some)
            }
            None => self.begin(layout).map(Some),
        }
    }

    fn begin(&mut self, layout: &Layout<'_>) -> Result<Span, Malformed> {
        let Begun { first, label, kind, range, reader } = layout.entry(self.entry)?;
        if kind == RUN {
            return self.piece(label, first, reader, range);
        }
        self.run = Some((label, first, range.end..range.end));
        let body = range.start + reader.position()..range.end;
        Ok(Span { first, count: 1, label, body: Some((kind, body)) })
    }

    /// A piece of a run from its count on; `range` is what the reader reads.
    fn piece(
        &mut self,
        label: u32,
        first: u64,
        mut reader: Reader<'_>,
        range: Range<usize>,
    ) -> Result<Span, Malformed> {
        let next = run_end(first, &mut reader)?;
        self.run = Some((label, next, range.start + reader.position()..range.end));
        // At most 65,536.
        Ok(Span { first, count: (next - first) as u32, label, body: None })
    }
}

/// Where a piece of a run begins, behind one that ended before `next`.
#[inline]
fn run_begin(next: u64, reader: &mut Reader<'_>) -> Result<u64, Malformed> {
    let first = next.checked_add(reader.varint()?).and_then(|id| id.checked_add(1));
    first.ok_or(Malformed("an id is out of range"))
}

/// The id after a piece of a run; there are at most [`MAX_NODES`] in it.
#[inline]
fn run_end(first: u64, reader: &mut Reader<'_>) -> Result<u64, Malformed> {
    let more = reader.varint_u32()?;
    // The id after the last must be a number, too: u64::MAX is no id.
    let next = first.checked_add(u64::from(more) + 1).filter(|_| more < MAX_NODES);
    next.ok_or(Malformed("a run is too long"))
}
