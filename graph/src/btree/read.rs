//! Looking a key up, and walking over leaves.
//!
//! Must always be true: pages are read in place (nothing is copied but the answer), and changes in memory are seen.

use super::LeafFormat;
use super::cursor::{Above, Cursor};
use super::decoded::{Decoded, Slot};
use super::delta::Delta;
use super::finger::Spot;
use super::inner::InnerPage;
use super::merge::Merged;
use super::node::{Child, Node, Root, Tree};
use std::ops::Bound;
use storage_core::page::{PageKind, Written};
use storage_core::pager::{Page, PageError, ReadPages};

/// A leaf as it is now.
pub struct LeafView<'a, F: LeafFormat> {
    /// The page, if the leaf has one.
    pub page: Option<Page>,
    /// What was changed since, if anything was: `None` for a key deletes it.
    pub(crate) delta: Option<&'a Delta<F>>,
    /// No key of the leaf is smaller, as key bytes; empty for the first leaf.
    pub lower: Vec<u8>,
    /// Every key of the leaf is smaller, as key bytes; `None` for the last leaf.
    pub upper: Option<Vec<u8>>,
}

impl<'a, F: LeafFormat> LeafView<'a, F> {
    /// What the leaf holds, changes applied, in key order.
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged.
    pub fn entries(&self) -> Result<Merged<'a, F>, PageError> {
        Merged::new(self.page.clone(), self.delta, Bound::Unbounded)
    }
}

impl<F: LeafFormat> std::fmt::Debug for LeafView<'_, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let page = self.page.as_ref().map(Page::id);
        write!(f, "LeafView({page:?}, {} changes)", self.delta.map_or(0, |delta| delta.len()))
    }
}

/// Loads a root: nobody says which level it has, so its kind and its own level byte do.
pub(super) fn load_root<F: LeafFormat>(pages: &impl ReadPages, at: Written) -> Result<(Page, u8), PageError> {
    let page = pages.page_of(at, &[PageKind::Inner, F::KIND])?;
    let level = if page.kind() == F::KIND { 0 } else { InnerPage::open(&page)?.level() };
    Ok((page, level))
}

/// Loads a page of a level that the parent knows (T5).
pub(super) fn load<F: LeafFormat>(pages: &impl ReadPages, at: Written, level: u8) -> Result<Page, PageError> {
    if level == 0 {
        return pages.page(at, F::KIND);
    }
    let page = pages.page(at, PageKind::Inner)?;
    InnerPage::at_level(&page, level)?;
    Ok(page)
}

/// A leaf: its page, and what was changed since.
type PageAndDelta<'a, F> = (Option<Page>, Option<&'a Delta<F>>);

/// A page on the way down.
pub(super) enum Loaded<'a, F: LeafFormat> {
    Leaf(Page),
    /// An inner page, and its level.
    Inner(Above<'a, F>, u8),
}

/// Opens a page of a level that the parent knows; of a root nobody knows it. An inner page is kept in its slot, if there
/// is memory for it.
pub(super) fn open<'a, F: LeafFormat>(
    pages: &impl ReadPages,
    at: Written,
    slot: Option<&'a Slot<F>>,
    level: Option<u8>,
) -> Result<Loaded<'a, F>, PageError> {
    if let Some(node) =
        slot.and_then(Slot::inner).filter(|node| level.is_none_or(|level| level == node.level))
    {
        return Ok(Loaded::Inner(Above::Kept(node, at), node.level));
    }
    let (page, level) = match level {
        Some(level) => (load::<F>(pages, at, level)?, level),
        None => load_root::<F>(pages, at)?,
    };
    if level == 0 {
        return Ok(Loaded::Leaf(page));
    }
    let kept = match slot {
        Some(slot) => {
            Decoded::kept(&InnerPage::open(&page)?, pages.pager().decoded()).and_then(|node| slot.keep(node))
        }
        None => None,
    };
    Ok(Loaded::Inner(kept.map_or(Above::Page(page), |node| Above::Kept(node, at)), level))
}

impl<F: LeafFormat> Tree<F> {
    /// The value under `key`, if there is one.
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged.
    pub fn get(&self, pages: &impl ReadPages, key: &F::Key) -> Result<Option<F::Value>, PageError> {
        F::with_bytes(key, |bytes| match self.quick(bytes).map(|found| found.spot) {
            Some(spot) => spot.get(pages, key),
            None => self.get_slowly(pages, key, bytes),
        })
    }

    /// The same where the way there is not in memory.
    fn get_slowly(
        &self,
        pages: &impl ReadPages,
        key: &F::Key,
        bytes: &[u8],
    ) -> Result<Option<F::Value>, PageError> {
        let Some(mut child) = self.root.as_ref().map(Root::as_child) else { return Ok(None) };
        let mut level = None;
        loop {
            let node = match child {
                Child::Page(_, Some(slot)) if level == Some(0) => {
                    return F::find(&slot.read(pages)?, key);
                }
                Child::Page(at, slot) => match open(pages, at, slot, level)? {
                    Loaded::Leaf(page) => return F::find(&page, key),
                    Loaded::Inner(Above::Kept(node, _), _) => node,
                    Loaded::Inner(Above::Page(page), above) => {
                        let inner = InnerPage::open(&page)?;
                        child = Child::Page(inner.child(inner.search(bytes)?)?, None);
                        level = Some(above - 1);
                        continue;
                    }
                    Loaded::Inner(Above::Changed(_), _) => unreachable!("a page is not a changed node"),
                },
                Child::Changed(node) => match &**node {
                    Node::Leaf(leaf) => {
                        let spot = Spot::<F> { page: leaf.base, delta: Some(&leaf.delta), slot: None };
                        return spot.get(pages, key);
                    }
                    Node::Inner(inner) => {
                        level = Some(inner.level - 1);
                        child = inner.child(inner.search(bytes));
                        continue;
                    }
                },
            };
            let slot = node.child(node.search(bytes));
            (child, level) = (Child::Page(slot.page, Some(slot)), Some(node.level - 1));
        }
    }

    /// The leaf that covers the key bytes, as a page and what was changed since; `None` in an empty tree.
    pub(crate) fn leaf<'a>(
        &'a self,
        pages: &'a impl ReadPages,
        key: &[u8],
    ) -> Result<Option<PageAndDelta<'a, F>>, PageError> {
        let Some(found) = self.quick(key) else {
            let leaf = self.leaves(pages, key).next().transpose()?;
            return Ok(leaf.map(|leaf| (leaf.page, leaf.delta)));
        };
        Ok(Some((found.spot.read(pages)?, found.spot.delta)))
    }

    /// The leaves in key order, from the one that covers the key bytes `from` on.
    pub fn leaves<'a, R: ReadPages>(&'a self, pages: &'a R, from: &[u8]) -> Leaves<'a, F, R> {
        let mut cursor = Cursor::new(self, pages);
        let failed = cursor.seek(Some(from)).err();
        Leaves { cursor, failed, done: false }
    }
}

/// The leaves of a tree in key order: see [`Tree::leaves`]. Ends after the first error.
pub struct Leaves<'a, F: LeafFormat, R: ReadPages> {
    cursor: Cursor<'a, F, R>,
    failed: Option<PageError>,
    done: bool,
}

impl<'a, F: LeafFormat, R: ReadPages> Iterator for Leaves<'a, F, R> {
    type Item = Result<LeafView<'a, F>, PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = match self.failed.take() {
            Some(error) => Some(Err(error)),
            None => self.cursor.next().transpose(),
        };
        self.done = !matches!(item, Some(Ok(_)));
        item
    }
}

impl<F: LeafFormat, R: ReadPages> std::fmt::Debug for Leaves<'_, F, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Leaves(done: {})", self.done)
    }
}
