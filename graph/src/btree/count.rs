//! How many entries lie between two keys, without going through them (T11).
//!
//! Must always be true: what is told is exact as long as the pages are whole. On the way to either end a page of each
//! level is read; of the children in between that were not changed nothing is read, for their parent says how many
//! entries are below them. Of a leaf that was changed since the last flush, its page is read, and what the changes come
//! to is counted. One page at a time is held.
//!
//! It does not see whether a page says the truth about what is below it: `check` does. Sums saturate.

use super::LeafFormat;
use super::inner::InnerPage;
use super::node::{Child, Inner, Leaf, Node, Tree};
use super::range::Ends;
use super::read::{load, load_root};
use std::ops::{Bound, Range, RangeBounds};
use storage_core::page::Written;
use storage_core::pager::{Page, PageError, ReadPages};

impl<F: LeafFormat> Tree<F> {
    /// How many entries lie within `bounds`, changes included. Reads at most two pages of each level, and one for each
    /// leaf within the bounds that was changed since the last flush, however many entries there are.
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged.
    pub fn count(&self, pages: &impl ReadPages, bounds: impl RangeBounds<F::Key>) -> Result<u64, PageError> {
        let ends = Ends::of::<F>(&bounds);
        match &self.root {
            Some(root) if !ends.is_empty() => {
                Count { pages, ends: &ends }.child(root.as_child(), None, Sides { from: true, to: true })
            }
            _ => Ok(0),
        }
    }
}

/// Which ends of the range lie within a node. Where neither does, all of it is in the range.
#[derive(Copy, Clone)]
struct Sides {
    from: bool,
    to: bool,
}

/// What of a node's children is in the range.
enum Cut {
    /// Only a part of this one.
    One(usize),
    /// All these, a part of the one before if the range begins in it, and a part of the one behind if it ends there.
    Some { before: Option<usize>, whole: Range<usize>, behind: Option<usize> },
}

struct Count<'a, F: LeafFormat, R> {
    pages: &'a R,
    ends: &'a Ends<F::Key>,
}

impl<F: LeafFormat, R: ReadPages> Count<'_, F, R> {
    /// The entries of a child. The recursion is as deep as the level, which falls (T5).
    fn child(&self, child: Child<'_, F>, level: Option<u8>, sides: Sides) -> Result<u64, PageError> {
        match child {
            Child::Page(at, _) => self.page(at, level, sides),
            Child::Changed(node) => match &**node {
                Node::Leaf(leaf) => self.changed_leaf(leaf, sides),
                Node::Inner(inner) => self.changed_inner(inner, sides),
            },
        }
    }

    fn page(&self, mut at: Written, mut level: Option<u8>, sides: Sides) -> Result<u64, PageError> {
        loop {
            let (page, found) = match level {
                Some(level) => (load::<F>(self.pages, at, level)?, level),
                None => load_root::<F>(self.pages, at)?,
            };
            if found == 0 {
                return self.leaf(&page, sides);
            }
            let inner = InnerPage::open(&page)?;
            let first = |key: &[u8]| inner.search(key);
            let last = |from, key: &[u8]| inner.search_from(from, key);
            let (before, whole, behind) = match self.cut(inner.count(), sides, first, last)? {
                Cut::One(index) => {
                    (at, level) = (inner.child(index)?, Some(found - 1));
                    continue;
                }
                Cut::Some { before, whole, behind } => (before, whole, behind),
            };
            let child = |index: Option<usize>| index.map(|index| inner.child(index)).transpose();
            let (before, behind) = (child(before)?, child(behind)?);
            let mut count = inner.below_all(whole);
            drop(page);
            let below = Some(found - 1);
            if let Some(at) = before {
                count = count.saturating_add(self.page(at, below, Sides { from: true, to: false })?);
            }
            if let Some(at) = behind {
                count = count.saturating_add(self.page(at, below, Sides { from: false, to: true })?);
            }
            return Ok(count);
        }
    }

    /// A node of which children were changed: for those the page's number does not hold any more.
    fn changed_inner(&self, inner: &Inner<F>, sides: Sides) -> Result<u64, PageError> {
        let below = Some(inner.level - 1);
        let first = |key: &[u8]| Ok(inner.search(key));
        let last = |_, key: &[u8]| Ok(inner.search(key));
        let (before, whole, behind) = match self.cut(inner.count(), sides, first, last)? {
            Cut::One(index) => return self.child(inner.child(index), below, sides),
            Cut::Some { before, whole, behind } => (before, whole, behind),
        };
        let mut count = inner.below_all(whole.clone());
        for (index, node) in inner.changed.within(whole) {
            let now = self.child(Child::Changed(node), below, Sides { from: false, to: false })?;
            count = count.saturating_sub(inner.old(index).count).saturating_add(now);
        }
        let parts = [(before, Sides { from: true, to: false }), (behind, Sides { from: false, to: true })];
        for (index, sides) in parts {
            if let Some(index) = index {
                count = count.saturating_add(self.child(inner.child(index), below, sides)?);
            }
        }
        Ok(count)
    }

    /// What of a node's `count` children is in the range; `first` says which covers a key, `last` the same of one that
    /// this child covers or one behind it.
    fn cut(
        &self,
        count: usize,
        sides: Sides,
        first: impl Fn(&[u8]) -> Result<usize, PageError>,
        last: impl Fn(usize, &[u8]) -> Result<usize, PageError>,
    ) -> Result<Cut, PageError> {
        let from = self.ends.from_bytes.as_deref().filter(|_| sides.from);
        let to = self.ends.to_bytes.as_deref().filter(|_| sides.to);
        let before = from.map(first).transpose()?;
        let behind = to.map(|to| last(before.unwrap_or(0), to)).transpose()?;
        if let (Some(before), Some(behind)) = (before, behind)
            && before >= behind
        {
            return Ok(Cut::One(before));
        }
        let whole = before.map_or(0, |index| index + 1)..behind.unwrap_or(count);
        Ok(Cut::Some { before, whole, behind })
    }

    fn bounds(&self, sides: Sides) -> (Bound<&F::Key>, Bound<&F::Key>) {
        let from = if sides.from { self.ends.from.as_ref() } else { Bound::Unbounded };
        let to = if sides.to { self.ends.to.as_ref() } else { Bound::Unbounded };
        (from, to)
    }

    fn leaf(&self, page: &Page, sides: Sides) -> Result<u64, PageError> {
        let (from, to) = self.bounds(sides);
        F::count(page, from, to)
    }

    /// The entries of the page, less those that were changed, and those that are there now.
    fn changed_leaf(&self, leaf: &Leaf<F>, sides: Sides) -> Result<u64, PageError> {
        let page = leaf.base.map(|base| self.pages.page(base, F::KIND)).transpose()?;
        let mut count = page.as_ref().map_or(Ok(0), |page| self.leaf(page, sides))?;
        let changes = || leaf.delta.range(self.bounds(sides));
        if let Some(page) = &page {
            count = count.saturating_sub(F::held(page, changes().map(|(key, _)| key))?);
        }
        Ok(count.saturating_add(changes().filter(|(_, change)| change.is_some()).count() as u64))
    }
}
