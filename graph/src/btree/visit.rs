//! Every page of a tree, for `check`, statistics, and whoever frees a tree.
//!
//! Must always be true: parents come before children; what only a whole pass can see is checked here: separators that
//! ascend and keep to the bounds of the parent, and, for `check`, the numbers of entries below children (T11). Entries of
//! leaves are the leaf format's to check.

use super::LeafFormat;
use super::inner::InnerPage;
use super::node::{Child, Node, Tree};
use super::read::{load, load_root};
use std::ops::Bound;
use storage_core::page::Written;
use storage_core::pager::{Page, PageError, ReadPages};

/// How many pages are asked for ahead.
const AHEAD: usize = 32;

type Visitor<'v> = &'v mut dyn FnMut(Written, &Page) -> Result<(), PageError>;

impl<F: LeafFormat> Tree<F> {
    /// Calls `visit` with every page of the tree, parents before children, in key order. Of a changed tree these are
    /// the pages that the changes build on. The first error ends it.
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged; what `visit` fails with.
    pub fn visit(&self, pages: &impl ReadPages, visit: Visitor<'_>) -> Result<(), PageError> {
        self.visit_all(Visit { pages, visit, wrong: None })
    }

    /// As [`Tree::visit`], and compares the numbers of entries that inner pages say are below their children with what is
    /// there (T11). Each that is wrong, and each leaf whose entries cannot be counted, is given to `wrong`, in no order,
    /// and ends nothing.
    ///
    /// # Errors
    /// Those of [`Tree::visit`].
    pub fn visit_counted(
        &self,
        pages: &impl ReadPages,
        visit: Visitor<'_>,
        wrong: &mut dyn FnMut(PageError),
    ) -> Result<(), PageError> {
        self.visit_all(Visit { pages, visit, wrong: Some(wrong) })
    }

    fn visit_all(&self, mut visit: Visit<'_, impl ReadPages>) -> Result<(), PageError> {
        match &self.root {
            None => Ok(()),
            Some(root) => visit.child::<F>(root.as_child(), None).map(drop),
        }
    }
}

struct Visit<'v, R> {
    pages: &'v R,
    visit: Visitor<'v>,
    /// Whom to tell of wrong numbers; nobody, and nothing is counted.
    wrong: Option<&'v mut dyn FnMut(PageError)>,
}

/// What the parent says of a child's keys.
type Bounds<'b> = (&'b [u8], Option<&'b [u8]>);

impl<R: ReadPages> Visit<'_, R> {
    /// The number of entries in the pages of a child; `None` if nobody asks, or they cannot be counted.
    fn child<F: LeafFormat>(
        &mut self,
        child: Child<'_, F>,
        level: Option<u8>,
    ) -> Result<Option<u64>, PageError> {
        let node = match child {
            Child::Page(at, _) => {
                let (page, level) = match level {
                    Some(level) => (load::<F>(self.pages, at, level)?, level),
                    None => load_root::<F>(self.pages, at)?,
                };
                return self.page::<F>(at, &page, level, (&[], None));
            }
            Child::Changed(node) => node,
        };
        match &**node {
            Node::Leaf(leaf) => match leaf.base {
                Some(base) => self.page::<F>(base, &self.pages.page(base, F::KIND)?, 0, (&[], None)),
                None => Ok(None),
            },
            Node::Inner(inner) => {
                let page = load::<F>(self.pages, inner.base, inner.level)?;
                (self.visit)(inner.base, &page)?;
                let mut sum = Some(0);
                for index in 0..inner.count() {
                    let found = self.child::<F>(inner.child(index), Some(inner.level - 1))?;
                    let old = inner.old(index);
                    sum = self.compare(sum, found, &page, old.page, old.count);
                }
                Ok(sum)
            }
        }
    }

    /// A page and all below it. The recursion is as deep as the level, which falls (T5).
    fn page<F: LeafFormat>(
        &mut self,
        at: Written,
        page: &Page,
        level: u8,
        (lower, upper): Bounds<'_>,
    ) -> Result<Option<u64>, PageError> {
        (self.visit)(at, page)?;
        if level == 0 {
            return Ok(self.leaf::<F>(page));
        }
        let inner = InnerPage::at_level(page, level)?;
        inner.validate(lower, upper)?;
        let (mut own, mut next) = (lower.to_vec(), Vec::new());
        let mut sum = Some(0);
        for index in 0..inner.count() {
            if index % AHEAD == 0 {
                let ahead = index..(index + AHEAD).min(inner.count());
                self.pages.prefetch(&ahead.map(|index| inner.child(index)).collect::<Result<Vec<_>, _>>()?);
            }
            next.clear();
            let last = index + 1 == inner.count();
            if !last {
                inner.separator(index + 1, &mut next)?;
            }
            let bounds = (own.as_slice(), if last { upper } else { Some(next.as_slice()) });
            let child = inner.child(index)?;
            let below = load::<F>(self.pages, child, level - 1)?;
            let found = self.page::<F>(child, &below, level - 1, bounds)?;
            sum = self.compare(sum, found, page, child, inner.below(index));
            std::mem::swap(&mut own, &mut next);
        }
        Ok(sum)
    }

    fn leaf<F: LeafFormat>(&mut self, page: &Page) -> Option<u64> {
        let wrong = self.wrong.as_mut()?;
        F::count(page, Bound::Unbounded, Bound::Unbounded).map_err(wrong).ok()
    }

    /// Compares what `page` says of `child` with what was found, and adds that to the sum.
    fn compare(
        &mut self,
        sum: Option<u64>,
        found: Option<u64>,
        page: &Page,
        child: Written,
        said: u64,
    ) -> Option<u64> {
        if let (Some(wrong), Some(found)) = (&mut self.wrong, found)
            && found != said
        {
            let child = child.page();
            wrong(page.damage(format!("counts {said} entries below page {child}, there are {found}")));
        }
        Some(sum?.saturating_add(found?))
    }
}
