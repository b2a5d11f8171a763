//! [`NodeStore`]: reading and changing records in a tree of nodes, long values included.

use super::page::{self, NodeLeaf, NodeScan, NodeSpan, head_len, record_limit};
use super::place::{free_props, place_props, value_of, whole_props};
use super::record::{LongKind, NodeRecord, Stored, stored};
use crate::btree::{LeafView, Leaves, Spot, Tree};
use crate::model::{Key, Value};
use std::sync::Arc;
use storage_core::pager::{Page, PageError, Pager, ReadPages, Transaction, WriteError};

/// The tree of nodes.
pub type NodeTree = Tree<NodeLeaf>;

/// The node layer. Holds the shared pager and nothing else.
#[derive(Clone, Debug)]
pub struct NodeStore {
    pager: Arc<Pager>,
}

/// Where a node is found, or that it is not there.
enum Found<'a> {
    Nowhere,
    Changed(&'a NodeRecord),
    Within(Page),
}

impl NodeStore {
    /// The layer over a pager.
    pub fn new(pager: Arc<Pager>) -> Self {
        NodeStore { pager }
    }

    /// The pager that all layers share.
    pub fn pager(&self) -> &Arc<Pager> {
        &self.pager
    }

    fn seek<'a>(
        &self,
        tree: &'a NodeTree,
        pages: &'a impl ReadPages,
        id: u64,
    ) -> Result<Found<'a>, PageError> {
        let Some((page, delta)) = tree.leaf(pages, &id.to_be_bytes())? else { return Ok(Found::Nowhere) };
        Ok(match (delta.and_then(|delta| delta.get(&id)), page) {
            (Some(Some(record)), _) => Found::Changed(record),
            (Some(None), _) | (None, None) => Found::Nowhere,
            (None, Some(page)) => Found::Within(page),
        })
    }

    /// Whether there is a node.
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged.
    pub fn contains(&self, tree: &NodeTree, pages: &impl ReadPages, id: u64) -> Result<bool, PageError> {
        Ok(self.label(tree, pages, id)?.is_some())
    }

    /// A node's label.
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged.
    pub fn label(&self, tree: &NodeTree, pages: &impl ReadPages, id: u64) -> Result<Option<u32>, PageError> {
        if let Some(label) = at_hand(tree, pages, id, |bytes, head| page::label_again(bytes, head, id))? {
            return Ok(label);
        }
        match self.seek(tree, pages, id)? {
            Found::Nowhere => Ok(None),
            Found::Changed(record) => Ok(Some(record.label)),
            Found::Within(page) => page::label(&page, id),
        }
    }

    /// A node's label and key.
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged.
    pub fn name(
        &self,
        tree: &NodeTree,
        pages: &impl ReadPages,
        id: u64,
    ) -> Result<Option<(u32, Option<Key>)>, PageError> {
        match self.seek(tree, pages, id)? {
            Found::Nowhere => Ok(None),
            Found::Changed(record) => Ok(Some((record.label, record.key.clone()))),
            Found::Within(page) => page::name(&page, id),
        }
    }

    /// A node's record. Long values stay where they are: see [`NodeStore::value`].
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged.
    pub fn get(
        &self,
        tree: &NodeTree,
        pages: &impl ReadPages,
        id: u64,
    ) -> Result<Option<NodeRecord>, PageError> {
        let Some(mut record) = tree.get(pages, &id)? else { return Ok(None) };
        record.props = whole_props(pages, record.props)?;
        Ok(Some(record))
    }

    /// A value of a record, read whole.
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged.
    pub fn value(&self, pages: &impl ReadPages, stored: &Stored) -> Result<Value, PageError> {
        value_of(pages, stored)
    }

    /// One property of a node, read whole: `None` if there is no such node, `Some(None)` if it does not have the property.
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged.
    pub fn property(
        &self,
        tree: &NodeTree,
        pages: &impl ReadPages,
        id: u64,
        property: u32,
    ) -> Result<Option<Option<Value>>, PageError> {
        let again = at_hand(tree, pages, id, |bytes, head| page::property_again(bytes, head, id, property))?;
        match again {
            Some(None) => return Ok(None),
            Some(Some(None)) => return Ok(Some(None)),
            Some(Some(Some(value @ Some(_)))) => return Ok(Some(value)),
            // Not at hand, or the value is elsewhere.
            None | Some(Some(Some(None))) => {}
        }
        let found = match self.seek(tree, pages, id)? {
            Found::Nowhere => return Ok(None),
            Found::Changed(record) => match record.props.last() {
                Some((_, rest @ Stored::Overflow { kind: LongKind::Rest, .. })) => Some(rest.clone()),
                _ => record.stored(property).cloned(),
            },
            Found::Within(page) => match page::property(&page, id, property)? {
                None => return Ok(None),
                Some(found) => found,
            },
        };
        let value = match found {
            None => None,
            Some(rest @ Stored::Overflow { kind: LongKind::Rest, .. }) => {
                let props = whole_props(pages, vec![(super::REST, rest)])?;
                stored(&props, property).map(|stored| value_of(pages, stored)).transpose()?
            }
            Some(stored) => Some(value_of(pages, &stored)?),
        };
        Ok(Some(value))
    }

    /// A record as it goes into a tree of pages of this store: long values are written and named.
    ///
    /// # Errors
    /// [`WriteError`]: a page could not be read or written, or is damaged; the disk is full.
    pub fn prepare(&self, tx: &mut Transaction, record: NodeRecord) -> Result<NodeRecord, WriteError> {
        self.prepare_over(tx, &[], record)
    }

    fn prepare_over(
        &self,
        tx: &mut Transaction,
        old: &[(u32, Stored)],
        mut record: NodeRecord,
    ) -> Result<NodeRecord, WriteError> {
        let (head, limit) = (head_len(&record), record_limit(self.pager.page_size()));
        record.props = place_props(tx, old, record.props, head, limit)?;
        Ok(record)
    }

    /// Adds a node that is not there.
    ///
    /// # Errors
    /// [`WriteError`]: a page could not be read or written, or is damaged; the disk is full.
    pub fn add(
        &self,
        tree: &mut NodeTree,
        tx: &mut Transaction,
        id: u64,
        record: NodeRecord,
    ) -> Result<(), WriteError> {
        let record = self.prepare(tx, record)?;
        Ok(tree.put(tx, id, record)?)
    }

    /// Replaces a node's record; `false` if there is no such node. Long values that [`NodeStore::get`] gave and that
    /// are in the new record stay; the others are freed.
    ///
    /// # Errors
    /// [`WriteError`]: a page could not be read or written, or is damaged; the disk is full.
    pub fn update(
        &self,
        tree: &mut NodeTree,
        tx: &mut Transaction,
        id: u64,
        record: NodeRecord,
    ) -> Result<bool, WriteError> {
        let Some(old) = tree.get(tx, &id)? else { return Ok(false) };
        let record = self.prepare_over(tx, &old.props, record)?;
        tree.put(tx, id, record)?;
        Ok(true)
    }

    /// Removes a node; `false` if there is none.
    ///
    /// # Errors
    /// [`WriteError`]: a page could not be read or written, or is damaged; the disk is full.
    pub fn remove(&self, tree: &mut NodeTree, tx: &mut Transaction, id: u64) -> Result<bool, WriteError> {
        let Some(old) = tree.get(tx, &id)? else { return Ok(false) };
        free_props(tx, &old.props)?;
        tree.delete(tx, id)?;
        Ok(true)
    }

    /// Ids and labels from `from` on, without keys or properties: as spans of nodes that follow each other.
    pub fn spans<'a, R: ReadPages>(&self, tree: &'a NodeTree, pages: &'a R, from: u64) -> Spans<'a, R> {
        Spans { leaves: tree.leaves(pages, &from.to_be_bytes()), leaf: None, from, failed: false }
    }

    /// Gives all ids, ascending, as a first one and how many follow each other: faster than [`NodeStore::spans`]. A run may
    /// be given in several parts.
    pub(crate) fn runs<R: ReadPages, E: From<PageError>>(
        &self,
        tree: &NodeTree,
        pages: &R,
        mut each: impl FnMut(u64, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        // The id after those that were given.
        let mut next = 0;
        for view in tree.leaves(pages, &[]) {
            let view = view?;
            if let (Some(page), None) = (&view.page, view.delta) {
                page::runs(page, &mut |first, count| {
                    if first < next {
                        return Err(page.damage("leaves do not ascend").into());
                    }
                    // An id is below u64::MAX, so the one after it is a number.
                    next = first + count;
                    each(first, count)
                })?;
                continue;
            }
            let scan = view.page.clone().map(page::scan).transpose()?;
            let mut leaf = LeafSpans { view, scan, ahead: None };
            while let Some(span) = leaf.next(next)? {
                next = span.first + u64::from(span.count);
                each(span.first, span.count.into())?;
            }
        }
        Ok(())
    }
}

/// The short way to a node, for what is in memory: what `read` finds in its page, if that is at hand and the node was not
/// changed since.
#[inline]
fn at_hand<T>(
    tree: &NodeTree,
    pages: &impl ReadPages,
    id: u64,
    read: impl FnOnce(&[u8], &page::PageHead) -> Result<T, &'static str>,
) -> Result<Option<T>, PageError> {
    let Some(Spot { slot: Some(slot), delta, .. }) = tree.quick(&id.to_be_bytes()).map(|found| found.spot)
    else {
        return Ok(None);
    };
    if delta.is_some_and(|delta| delta.contains_key(&id)) {
        return Ok(None);
    }
    slot.again(pages, read).transpose()
}

/// The nodes of a tree in order of id: see [`NodeStore::spans`]. Ends after the first error.
pub struct Spans<'a, R: ReadPages> {
    leaves: Leaves<'a, NodeLeaf, R>,
    leaf: Option<LeafSpans<'a>>,
    from: u64,
    failed: bool,
}

/// What is left of a leaf: its page's spans, and the changes among them.
struct LeafSpans<'a> {
    view: LeafView<'a, NodeLeaf>,
    scan: Option<NodeScan>,
    /// The page's next span, cut off in front where it was used.
    ahead: Option<NodeSpan>,
}

impl LeafSpans<'_> {
    /// The next span at or after `from`.
    fn next(&mut self, from: u64) -> Result<Option<NodeSpan>, PageError> {
        let mut from = from;
        loop {
            let base = self.base(from)?;
            let change = self.view.delta.and_then(|delta| delta.range(from..).next());
            match (base, change) {
                (None, None) => return Ok(None),
                (Some(span), None) => return Ok(Some(span)),
                (Some(span), Some((id, _))) if span.first < *id => {
                    let count = u64::from(span.count).min(id - span.first) as u32;
                    return Ok(Some(NodeSpan { count, ..span }));
                }
                (_, Some((id, Some(record)))) => {
                    let (label, plain) = (record.label, record.is_plain());
                    return Ok(Some(NodeSpan { first: *id, count: 1, label, plain }));
                }
                (_, Some((id, None))) => from = id + 1,
            }
        }
    }

    /// What the page has at or after `from`.
    fn base(&mut self, from: u64) -> Result<Option<NodeSpan>, PageError> {
        loop {
            if let Some(span) = &mut self.ahead {
                let passed = from.saturating_sub(span.first);
                if passed < u64::from(span.count) {
                    span.first += passed;
                    span.count -= passed as u32;
                    return Ok(Some(*span));
                }
            }
            self.ahead = self.scan.as_mut().and_then(Iterator::next).transpose()?;
            if self.ahead.is_none() {
                return Ok(None);
            }
        }
    }
}

impl<R: ReadPages> Spans<'_, R> {
    fn step(&mut self) -> Result<Option<NodeSpan>, PageError> {
        loop {
            if let Some(leaf) = &mut self.leaf
                && let Some(span) = leaf.next(self.from)?
            {
                // An id is below u64::MAX, so the one after it is a number.
                self.from = span.first + u64::from(span.count);
                return Ok(Some(span));
            }
            let Some(view) = self.leaves.next().transpose()? else { return Ok(None) };
            let scan = view.page.clone().map(page::scan).transpose()?;
            self.leaf = Some(LeafSpans { view, scan, ahead: None });
        }
    }
}

impl<R: ReadPages> Iterator for Spans<'_, R> {
    type Item = Result<NodeSpan, PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = self.step().transpose();
        self.failed = matches!(item, Some(Err(_)));
        item
    }
}

impl<R: ReadPages> std::fmt::Debug for Spans<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spans(from {})", self.from)
    }
}
