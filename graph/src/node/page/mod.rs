//! Node pages: records in order of id, plain nodes in runs.
//!
//! Must always be true: ids ascend strictly through a page; a page holds at most 65,536 nodes; a record takes at most
//! [`record_limit`] bytes, so that several fit into any page (longer values lie elsewhere, see `node::place`).
//!
//! Here is reading; the layout is in `layout.rs`, packing in `pack.rs`. A lookup is a binary search for the greatest
//! entry at or before the id. What a page says is checked where it is used, so a lookup need not read the whole page;
//! going through all entries checks them all.

mod layout;
mod pack;
#[cfg(test)]
mod tests;

pub(super) use pack::head_len;
pub use pack::{NodePacker, record_limit};

use super::props::{PropReader, RawStored, RefForm};
use super::record::{NodeRecord, Stored, StoredProps, props_weight};
use crate::btree::LeafFormat;
use crate::model::{Key, Value};
use crate::value::{self, Malformed, Reader};
pub(crate) use layout::PageHead;
use layout::{INT_KEY, Layout, NO_KEY, Span, Spans, TEXT_KEY};
use std::ops::{Bound, Range};
use storage_core::page::{PageImage, PageKind, PageSize, Written};
use storage_core::pager::{Page, PageError};

/// The leaf format of the tree of nodes.
#[derive(Debug)]
pub enum NodeLeaf {}

impl LeafFormat for NodeLeaf {
    const KIND: PageKind = PageKind::Node;
    type Key = u64;
    type Value = NodeRecord;
    type Packer = NodePacker;
    type Entries = NodeEntries;
    type Head = PageHead;

    fn head(page: &Page) -> Result<PageHead, PageError> {
        Ok(layout(page)?.kept())
    }

    fn with_bytes<T>(key: &u64, with: impl FnOnce(&[u8]) -> T) -> T {
        with(&key.to_be_bytes())
    }

    fn entries(page: Page) -> Result<NodeEntries, PageError> {
        layout(&page)?;
        Ok(NodeEntries { page, spans: Spans::default(), run: 0..0, label: 0 })
    }

    fn find(page: &Page, key: &u64) -> Result<Option<NodeRecord>, PageError> {
        match find_span(page, *key)? {
            Some(span) => record(page, &span).map(Some),
            None => Ok(None),
        }
    }

    fn count(page: &Page, from: Bound<&u64>, to: Bound<&u64>) -> Result<u64, PageError> {
        let low = match from {
            Bound::Unbounded => Some(0),
            Bound::Included(id) => Some(*id),
            Bound::Excluded(id) => id.checked_add(1),
        };
        let high = match to {
            Bound::Unbounded => Some(u64::MAX),
            Bound::Included(id) => Some(*id),
            Bound::Excluded(id) => id.checked_sub(1),
        };
        let (Some(low), Some(high)) = (low, high) else { return Ok(0) };
        let layout = layout(page)?;
        if (low, high) != (0, u64::MAX) {
            return layout.count(low, high).map_err(|e| page.damage(e.0));
        }
        // All of them: the header says it, and whether that is so is seen on the way.
        let mut spans = Spans::default();
        while let Some(span) = spans.next(&layout) {
            span.map_err(|e| page.damage(e.0))?;
        }
        Ok(layout.nodes.into())
    }

    fn held<'k>(page: &Page, keys: impl Iterator<Item = &'k u64>) -> Result<u64, PageError> {
        let mut held = 0;
        for key in keys {
            held += u64::from(contains(page, *key)?);
        }
        Ok(held)
    }

    fn packer(size: PageSize, fill_percent: u8) -> NodePacker {
        NodePacker::new(size, fill_percent)
    }

    fn fill(image: &PageImage) -> usize {
        // A page of runs is full when it has its number of nodes, in however few bytes.
        let nodes = image.bytes()[layout::NODES..layout::NODES + 4].try_into().expect("4 bytes");
        let share =
            u64::from(u32::from_le_bytes(nodes)) * image.bytes().len() as u64 / u64::from(layout::MAX_NODES);
        image.used().max(share as usize)
    }

    fn weight(_: &u64, value: Option<&NodeRecord>) -> usize {
        let heap = |record: &NodeRecord| {
            let key = if let Some(Key::Text(s)) = &record.key { s.capacity() } else { 0 };
            key + props_weight(&record.props)
        };
        size_of::<(u64, Option<NodeRecord>)>() + value.map_or(0, heap)
    }
}

fn layout(page: &Page) -> Result<Layout<'_>, PageError> {
    if page.codec() != layout::CODEC {
        return Err(page.damage(format!("unknown layout {} of a node page", page.codec())));
    }
    Layout::parse(&page[..page.used()]).map_err(|e| page.damage(e.0))
}

fn find_span(page: &Page, id: u64) -> Result<Option<Span>, PageError> {
    layout(page)?.find(id).map_err(|e| page.damage(e.0))
}

/// Whether the page holds the node.
///
/// # Errors
/// The page is damaged.
pub fn contains(page: &Page, id: u64) -> Result<bool, PageError> {
    Ok(find_span(page, id)?.is_some())
}

/// The label of a node, if the page holds it.
///
/// # Errors
/// The page is damaged.
pub fn label(page: &Page, id: u64) -> Result<Option<u32>, PageError> {
    Ok(find_span(page, id)?.map(|span| span.label))
}

/// As [`label`], of a page at hand with its fields. Damage is said in words, for whoever knows the page.
pub(crate) fn label_again(page: &[u8], head: &PageHead, id: u64) -> Result<Option<u32>, &'static str> {
    let found = Layout::again(page, head).and_then(|layout| layout.find(id));
    found.map(|span| span.map(|span| span.label)).map_err(|e| e.0)
}

/// Label and key of a node, if the page holds it; its properties are not looked at.
///
/// # Errors
/// The page is damaged.
pub fn name(page: &Page, id: u64) -> Result<Option<(u32, Option<Key>)>, PageError> {
    let Some(span) = find_span(page, id)? else { return Ok(None) };
    Ok(Some((span.label, key(page, &span)?.0)))
}

/// How many nodes the page holds, as its header says.
///
/// # Errors
/// The page is damaged.
pub fn node_count(page: &Page) -> Result<u32, PageError> {
    Ok(layout(page)?.nodes)
}

/// Where the properties of a node are: behind its key, which is passed over.
fn behind_key(page: &[u8], span: &Span) -> Result<Range<usize>, Malformed> {
    let Some((kind, body)) = &span.body else { return Ok(0..0) };
    let mut reader =
        Reader::new(page.get(body.clone()).ok_or(Malformed("an entry lies outside of the page"))?);
    match *kind {
        NO_KEY => {}
        INT_KEY => drop(reader.zigzag()?),
        TEXT_KEY => drop(reader.counted()?),
        _ => return Err(Malformed("unknown kind of entry")),
    }
    Ok(body.start + reader.position()..body.end)
}

/// Reads the key, and says where the properties are.
fn key(page: &Page, span: &Span) -> Result<(Option<Key>, Range<usize>), PageError> {
    let Some((kind, body)) = &span.body else { return Ok((None, 0..0)) };
    let mut reader = Reader::new(&page[body.clone()]);
    let key = match *kind {
        NO_KEY => Ok(None),
        INT_KEY => reader.zigzag().map(|n| Some(Key::Int(n))),
        TEXT_KEY => text_key(&mut reader).map(Some),
        _ => Err(Malformed("unknown kind of entry")),
    };
    Ok((key.map_err(|e| page.damage(e.0))?, body.start + reader.position()..body.end))
}

fn text_key(reader: &mut Reader<'_>) -> Result<Key, Malformed> {
    let text = reader.counted()?;
    if text.len() > Key::MAX_LEN {
        return Err(Malformed("a key is too long"));
    }
    let text = std::str::from_utf8(text).map_err(|_| Malformed("a key is not UTF-8"))?;
    Ok(Key::Text(text.to_owned()))
}

fn record(page: &Page, span: &Span) -> Result<NodeRecord, PageError> {
    let (key, body) = key(page, span)?;
    Ok(NodeRecord { label: span.label, key, props: props(page, body)? })
}

fn props(page: &Page, body: Range<usize>) -> Result<StoredProps, PageError> {
    let read = PropReader::new(&page[body.clone()], RefForm::InPage);
    read.map(|item| {
        let (property, raw) = item.map_err(|e| page.damage(e.0))?;
        Ok((property, resolve(page, body.start, raw)?))
    })
    .collect()
}

/// Makes the value, or the name of the page where it is. The properties begin at `start` of the page.
fn resolve(page: &Page, start: usize, raw: RawStored<'_>) -> Result<Stored, PageError> {
    match raw {
        RawStored::Inline(bytes) => {
            value::decode_whole(bytes).map(Stored::Inline).map_err(|e| page.damage(e.0))
        }
        RawStored::Overflow { kind, len, at } => {
            Ok(Stored::Overflow { kind, len, root: page.reference(start + at)? })
        }
    }
}

/// One stored property of a node: `None` if the page does not hold the node, `Some(None)` if the node does not have it.
/// A record's rest, where there is one, is given instead of a property that may be in it.
///
/// # Errors
/// The page is damaged.
pub fn property(page: &Page, id: u64, property: u32) -> Result<Option<Option<Stored>>, PageError> {
    let damage = |e: Malformed| page.damage(e.0);
    let Some(span) = find_span(page, id)? else { return Ok(None) };
    match raw_property(page, behind_key(page, &span).map_err(damage)?, property).map_err(damage)? {
        Some((start, raw)) => Ok(Some(Some(resolve(page, start, raw)?))),
        None => Ok(Some(None)),
    }
}

/// A property among those in a part of a page, or the rest that it may be in; and where the part begins.
fn raw_property(
    page: &[u8],
    body: Range<usize>,
    property: u32,
) -> Result<Option<(usize, RawStored<'_>)>, Malformed> {
    let start = body.start;
    for item in PropReader::new(&page[body], RefForm::InPage) {
        let (found, raw) = item?;
        if found == property || found == super::record::REST {
            return Ok(Some((start, raw)));
        }
        if found > property {
            break;
        }
    }
    Ok(None)
}

/// As [`property`], of a page at hand with its fields. The innermost `None` is a value that is not in the page.
pub(crate) fn property_again(
    page: &[u8],
    head: &PageHead,
    id: u64,
    property: u32,
) -> Result<Option<Option<Option<Value>>>, &'static str> {
    let read = || {
        let Some(span) = Layout::again(page, head)?.find(id)? else { return Ok(None) };
        match raw_property(page, behind_key(page, &span)?, property)? {
            None => Ok(Some(None)),
            Some((_, RawStored::Inline(bytes))) => Ok(Some(Some(Some(value::decode_whole(bytes)?)))),
            Some((_, RawStored::Overflow { .. })) => Ok(Some(Some(None))),
        }
    };
    read().map_err(|e: Malformed| e.0)
}

/// The pages that a node page names: the roots of its long values.
///
/// # Errors
/// The page is damaged.
pub fn references(page: &Page) -> Result<Vec<(Written, u64)>, PageError> {
    let layout = layout(page)?;
    let mut spans = Spans::default();
    let mut out = Vec::new();
    while let Some(span) = spans.next(&layout) {
        let span = span.map_err(|e| page.damage(e.0))?;
        let (_, body) = key(page, &span)?;
        for item in PropReader::new(&page[body.clone()], RefForm::InPage) {
            if let (_, RawStored::Overflow { len, at, .. }) = item.map_err(|e| page.damage(e.0))? {
                out.push((page.reference(body.start + at)?, len));
            }
        }
    }
    Ok(out)
}

/// Nodes in a row that have one label, as a scan sees them: neither keys nor properties are read.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct NodeSpan {
    /// The first id.
    pub first: u64,
    /// How many ids follow each other, the first included.
    pub count: u32,
    /// The label of all of them.
    pub label: u32,
    /// Whether they have neither key nor properties.
    pub plain: bool,
}

/// All nodes of a page by spans.
///
/// # Errors
/// The page is damaged.
pub fn scan(page: Page) -> Result<NodeScan, PageError> {
    layout(&page)?;
    Ok(NodeScan { page, spans: Spans::default() })
}

/// Gives the page's ids, ascending, as a first one and how many follow each other. Damage may show after some were given.
pub(crate) fn runs<E: From<PageError>>(
    page: &Page,
    each: &mut impl FnMut(u64, u64) -> Result<(), E>,
) -> Result<(), E> {
    layout(page)?.runs(each, |e| page.damage(e.0).into())
}

/// See [`scan`].
#[derive(Debug)]
pub struct NodeScan {
    page: Page,
    spans: Spans,
}

fn next_span(page: &Page, spans: &mut Spans) -> Option<Result<Span, PageError>> {
    // The header was checked when the iterator was made, and a page does not change.
    match layout(page) {
        Ok(layout) => spans.next(&layout).map(|span| span.map_err(|e| page.damage(e.0))),
        Err(error) => Some(Err(error)),
    }
}

impl Iterator for NodeScan {
    type Item = Result<NodeSpan, PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        let span = next_span(&self.page, &mut self.spans)?;
        Some(span.map(|span| NodeSpan {
            first: span.first,
            count: span.count,
            label: span.label,
            plain: span.body.is_none(),
        }))
    }
}

/// The entries of a page, runs taken apart. Nothing comes after an error.
#[derive(Debug)]
pub struct NodeEntries {
    page: Page,
    spans: Spans,
    /// What is left of a run, and its label.
    run: Range<u64>,
    label: u32,
}

impl Iterator for NodeEntries {
    type Item = Result<(u64, NodeRecord), PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(id) = self.run.next() {
            return Some(Ok((id, NodeRecord::plain(self.label))));
        }
        let span = match next_span(&self.page, &mut self.spans)? {
            Ok(span) => span,
            Err(error) => return Some(Err(error)),
        };
        let first = span.first;
        if span.body.is_none() {
            self.run = first + 1..first + u64::from(span.count);
            self.label = span.label;
            return Some(Ok((first, NodeRecord::plain(span.label))));
        }
        let record = record(&self.page, &span);
        if record.is_err() {
            self.spans.end();
        }
        Some(record.map(|record| (first, record)))
    }
}
