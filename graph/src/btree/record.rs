//! Leaves of byte keys and records: the catalog, key and property indexes, properties of edges.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 32 | 2 | count of entries, at least 1 |
//! | 34 | 2 | length of the prefix that all keys share |
//! | 36 | 4 | zero |
//! | 40 | prefix length | the prefix |
//! | … | 2 × count | where each entry begins, in bytes from the page's begin |
//! | … | … | the entries, one right behind the other, the last one ends at the used length |
//!
//! An entry: three lengths as LEB128 (key behind the prefix, bytes, references), the key behind the prefix, the bytes,
//! 12 bytes per reference. Keys ascend strictly by `memcmp`.
//!
//! A key is at most [`MAX_KEY_LEN`] bytes, bytes and references together at most [`max_value_len`], a quarter of the
//! page's body or 1,100; so a page holds at least one entry: 42 + 9 + 1,100 + 1,100 bytes of 4,096. The layers guarantee
//! it.
//!
//! It does not know what a record means.

use super::format::{LeafFormat, LeafPacker, PackedLeaf};
use super::samples::RecordHead;
use super::{MAX_KEY_LEN, lcp, shortest_separator};
use std::cmp::Ordering;
use std::ops::Bound;
use storage_core::page::{HEADER_LEN, PageImage, PageKind, PageSize, REFERENCE_LEN, Written};
use storage_core::pager::{Page, PageError};

const FIXED_END: usize = HEADER_LEN + 8;

/// A value: bytes, and pages that belong to it (overflow pages, roots of other trees).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Record {
    /// What the layer above wrote.
    pub bytes: Vec<u8>,
    /// Pages that the record names.
    pub refs: Vec<Written>,
}

impl Record {
    /// A record that names no page.
    pub fn of_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Record { bytes: bytes.into(), refs: Vec::new() }
    }

    /// Bytes that it takes of [`max_value_len`].
    pub fn len(&self) -> usize {
        self.bytes.len() + self.refs.len() * REFERENCE_LEN
    }

    /// True if there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The most bytes that a record may take: a quarter of a page's body, and in the smallest page a little more, for the
/// catalog's longest names must fit.
pub const fn max_value_len(size: PageSize) -> usize {
    max_value_len_of(size.bytes())
}

const fn max_value_len_of(page_len: usize) -> usize {
    let quarter = (page_len - HEADER_LEN) / 4;
    if quarter < MAX_KEY_LEN { MAX_KEY_LEN } else { quarter }
}

/// The leaf format of records. See [the module](self).
#[derive(Copy, Clone, Debug)]
pub enum RecordLeaf {}

impl LeafFormat for RecordLeaf {
    const KIND: PageKind = PageKind::Record;
    type Key = Vec<u8>;
    type Value = Record;
    type Packer = RecordPacker;
    type Entries = RecordEntries;
    type Head = RecordHead;
    const HEAD_HEAP: usize = RecordHead::HEAP;

    fn head(page: &Page) -> Result<RecordHead, PageError> {
        RecordHead::of(page)
    }

    fn with_bytes<T>(key: &Vec<u8>, with: impl FnOnce(&[u8]) -> T) -> T {
        with(key)
    }

    fn entries(page: Page) -> Result<RecordEntries, PageError> {
        let view = RecordPage::open(&page)?;
        let (count, at) = (view.count, view.heap);
        Ok(RecordEntries { page, count, next: 0, at })
    }

    fn find(page: &Page, key: &Vec<u8>) -> Result<Option<Record>, PageError> {
        let view = RecordPage::open(page)?;
        match view.place(key)? {
            Ok(at) => view.entry(at)?.record(page).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn count(page: &Page, from: Bound<&Vec<u8>>, to: Bound<&Vec<u8>>) -> Result<u64, PageError> {
        let view = RecordPage::open(page)?;
        let begin = match from {
            Bound::Unbounded => 0,
            Bound::Included(key) => view.place(key)?.unwrap_or_else(|at| at),
            Bound::Excluded(key) => view.place(key)?.map_or_else(|at| at, |at| at + 1),
        };
        let end = match to {
            Bound::Unbounded => view.count,
            Bound::Included(key) => view.place(key)?.map_or_else(|at| at, |at| at + 1),
            Bound::Excluded(key) => view.place(key)?.unwrap_or_else(|at| at),
        };
        Ok(end.saturating_sub(begin) as u64)
    }

    fn packer(size: PageSize, fill_percent: u8) -> RecordPacker {
        let body = size.bytes() - HEADER_LEN;
        RecordPacker {
            size,
            limit: HEADER_LEN + body * usize::from(fill_percent.clamp(1, 100)) / 100,
            entries: Vec::new(),
            prefix: 0,
            bytes: 0,
            last: None,
        }
    }

    fn weight(key: &Vec<u8>, value: Option<&Record>) -> usize {
        let record = value.map_or(0, |record| record.bytes.len() + record.refs.len() * size_of::<Written>());
        key.len() + record + 104
    }
}

/// A page of records, read in place.
pub(super) struct RecordPage<'p> {
    page: &'p Page,
    used: &'p [u8],
    count: usize,
    prefix: &'p [u8],
    slots: &'p [u8],
    /// Where the entries begin.
    heap: usize,
}

/// An entry in its page.
pub(super) struct EntryView<'p> {
    pub key: &'p [u8],
    pub bytes: &'p [u8],
    refs_at: usize,
    pub refs: usize,
    end: usize,
}

impl EntryView<'_> {
    fn record(&self, page: &Page) -> Result<Record, PageError> {
        let reference = |index| page.reference(self.refs_at + index * REFERENCE_LEN);
        let refs = (0..self.refs).map(reference).collect::<Result<_, _>>()?;
        Ok(Record { bytes: self.bytes.to_vec(), refs })
    }
}

impl<'p> RecordPage<'p> {
    pub fn open(page: &'p Page) -> Result<Self, PageError> {
        Self::parse(page).map_err(|what| page.damage(what))
    }

    fn parse(page: &'p Page) -> Result<Self, &'static str> {
        if page.kind() != PageKind::Record || page.codec() != 0 {
            return Err("not a record page of a known layout");
        }
        let used: &'p [u8] = page.get(..page.used()).ok_or("used length beyond the page")?;
        let fixed = used.get(HEADER_LEN..FIXED_END).ok_or("too short for a record page")?;
        let field = |at: usize| usize::from(u16::from_le_bytes([fixed[at], fixed[at + 1]]));
        let (count, prefix_len) = (field(0), field(2));
        if count == 0 {
            return Err("no entries");
        }
        if fixed[4..] != [0; 4] {
            return Err("reserved bytes are not zero");
        }
        let slots_at = FIXED_END + prefix_len;
        let prefix = used.get(FIXED_END..slots_at).ok_or("prefix beyond the page")?;
        let heap = slots_at + 2 * count;
        let slots = used.get(slots_at..heap).ok_or("offsets beyond the page")?;
        Ok(RecordPage { page, used, count, prefix, slots, heap })
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// What all keys begin with.
    pub fn prefix(&self) -> &'p [u8] {
        self.prefix
    }

    /// Where the entry of this key stands, or else where it would.
    fn place(&self, key: &[u8]) -> Result<Result<usize, usize>, PageError> {
        let (head, rest) = key.split_at(key.len().min(self.prefix.len()));
        match head.cmp(self.prefix) {
            Ordering::Less => return Ok(Err(0)),
            Ordering::Greater => return Ok(Err(self.count)),
            Ordering::Equal => {}
        }
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.entry(middle)?.key.cmp(rest) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(Ok(middle)),
            }
        }
        Ok(Err(low))
    }

    fn slot(&self, index: usize) -> Option<usize> {
        let two = self.slots.get(index * 2..index * 2 + 2)?;
        Some(usize::from(u16::from_le_bytes([two[0], two[1]])))
    }

    pub fn entry(&self, index: usize) -> Result<EntryView<'p>, PageError> {
        let found = entry_at(self.used, (self.prefix.len(), self.count), self.page.len(), index);
        found.ok_or_else(|| self.page.damage(OUTSIDE))
    }
}

/// Said of an entry that cannot be.
pub(super) const OUTSIDE: &str = "an entry lies outside of the page, or is too long";

/// Entry number `index` of a page that has so many bytes of prefix and so many entries, by its used bytes.
#[inline]
pub(super) fn entry_at(
    used: &[u8],
    (prefix, count): (usize, usize),
    page_len: usize,
    index: usize,
) -> Option<EntryView<'_>> {
    let slots = FIXED_END + prefix;
    let two = used.get(slots + 2 * index..slots + 2 * index + 2)?;
    let mut at = usize::from(u16::from_le_bytes([two[0], two[1]]));
    if index >= count || at < slots + 2 * count {
        return None;
    }
    let key_len = leb(used, &mut at)?;
    let bytes_len = leb(used, &mut at)?;
    let refs = leb(used, &mut at)?;
    let key = used.get(at..at + key_len)?;
    let bytes_at = at + key_len;
    let refs_at = bytes_at + bytes_len;
    let bytes = used.get(bytes_at..refs_at)?;
    let end = refs_at + refs * REFERENCE_LEN;
    let fits = end <= used.len()
        && prefix + key_len <= MAX_KEY_LEN
        && bytes_len + refs * REFERENCE_LEN <= max_value_len_of(page_len);
    fits.then_some(EntryView { key, bytes, refs_at, refs, end })
}

/// A number of at most 21 bits.
fn leb(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0;
    for shift in [0, 7, 14] {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn leb_len(value: usize) -> usize {
    1 + usize::from(value >= 1 << 7) + usize::from(value >= 1 << 14)
}

fn put_leb(page: &mut [u8], at: &mut usize, mut value: usize) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        page[*at] = if value == 0 { low } else { low | 0x80 };
        *at += 1;
        if value == 0 {
            return;
        }
    }
}

/// The entries of a page of records, in order.
#[derive(Debug)]
pub struct RecordEntries {
    page: Page,
    count: usize,
    next: usize,
    /// Where the next entry must begin: entries leave no gaps and share no bytes.
    at: usize,
}

impl RecordEntries {
    fn step(&mut self) -> Result<(Vec<u8>, Record), PageError> {
        let view = RecordPage::open(&self.page)?;
        if view.slot(self.next) != Some(self.at) {
            return Err(self.page.damage("entries do not follow each other"));
        }
        let entry = view.entry(self.next)?;
        let last = self.next + 1 == self.count;
        if last && entry.end != view.used.len() {
            return Err(self.page.damage("entries do not end where the page does"));
        }
        let mut key = Vec::with_capacity(view.prefix.len() + entry.key.len());
        key.extend_from_slice(view.prefix);
        key.extend_from_slice(entry.key);
        let record = entry.record(&self.page)?;
        (self.at, self.next) = (entry.end, self.next + 1);
        Ok((key, record))
    }
}

impl Iterator for RecordEntries {
    type Item = Result<(Vec<u8>, Record), PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.count {
            return None;
        }
        let item = self.step();
        if item.is_err() {
            self.next = self.count;
        }
        Some(item)
    }
}

/// Packs records into pages.
#[derive(Debug)]
pub struct RecordPacker {
    size: PageSize,
    limit: usize,
    /// What goes into the next page, and the prefix that the keys share.
    entries: Vec<(Vec<u8>, Record)>,
    prefix: usize,
    /// The entries' bytes with their slots, as if there were no prefix.
    bytes: usize,
    /// The last key of the page before.
    last: Option<Vec<u8>>,
}

impl RecordPacker {
    fn close(&mut self, out: &mut Vec<PackedLeaf>) {
        let entries = std::mem::take(&mut self.entries);
        let Some((first, _)) = entries.first() else { return };
        let separator = self.last.take().map_or(Vec::new(), |last| shortest_separator(&last, first).to_vec());
        let image = encode(self.size, &first[..self.prefix], &entries);
        out.push(PackedLeaf { separator, count: entries.len() as u64, image });
        self.last = entries.into_iter().next_back().map(|(key, _)| key);
        self.bytes = 0;
    }
}

impl LeafPacker<RecordLeaf> for RecordPacker {
    fn push(&mut self, key: Vec<u8>, value: Record, out: &mut Vec<PackedLeaf>) {
        debug_assert!(key.len() <= MAX_KEY_LEN, "a key of {} bytes", key.len());
        debug_assert!(value.len() <= max_value_len(self.size), "a record of {} bytes", value.len());
        let lengths = leb_len(key.len()) + leb_len(value.bytes.len()) + leb_len(value.refs.len());
        let bytes = 2 + lengths + key.len() + value.len();
        let mut prefix = key.len();
        if let (Some((first, _)), Some((last, _))) = (self.entries.first(), self.entries.last()) {
            assert!(*last < key, "keys ascend");
            prefix = lcp(&first[..self.prefix], &key);
            // Each entry leaves the prefix out, and it stands there once.
            let total = FIXED_END + prefix + self.bytes + bytes - (self.entries.len() + 1) * prefix;
            if total > self.limit {
                self.close(out);
                prefix = key.len();
            }
        }
        self.prefix = prefix;
        self.bytes += bytes;
        self.entries.push((key, value));
    }

    fn finish(mut self, out: &mut Vec<PackedLeaf>) {
        self.close(out);
    }
}

fn encode(size: PageSize, prefix: &[u8], entries: &[(Vec<u8>, Record)]) -> PageImage {
    let short =
        |value: usize| u16::try_from(value).expect("what lies in a page is below 64 KiB").to_le_bytes();
    let mut image = PageImage::new(size, PageKind::Record, 0);
    let slots = FIXED_END + prefix.len();
    let page = image.bytes_mut();
    page[32..34].copy_from_slice(&short(entries.len()));
    page[34..36].copy_from_slice(&short(prefix.len()));
    page[FIXED_END..slots].copy_from_slice(prefix);
    let mut at = slots + 2 * entries.len();
    for (index, (key, record)) in entries.iter().enumerate() {
        let page = image.bytes_mut();
        page[slots + 2 * index..slots + 2 * index + 2].copy_from_slice(&short(at));
        let rest = &key[prefix.len()..];
        for len in [rest.len(), record.bytes.len(), record.refs.len()] {
            put_leb(page, &mut at, len);
        }
        for bytes in [rest, &record.bytes] {
            page[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        }
        for reference in &record.refs {
            image.put_reference(at, *reference);
            at += REFERENCE_LEN;
        }
    }
    image.set_used(at);
    image
}
