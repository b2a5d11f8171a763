//! Every page of a tree, for `check`, statistics, and whoever frees a tree.
//!
//! Must always be true: parents come before children; what only a whole pass can see is checked here: separators that
//! ascend and keep to the bounds of the parent. Entries of leaves are the leaf format's to check.

use super::LeafFormat;
use super::inner::InnerPage;
use super::node::{Child, Node, Tree};
use super::read::{load, load_root};
use storage_core::page::Written;
use storage_core::pager::{Page, PageError, ReadPages};

/// How many pages are asked for ahead.
const AHEAD: usize = 32;

type Visitor<'v> = &'v mut dyn FnMut(Written, &Page) -> Result<(), PageError>;

impl<F: LeafFormat> Tree<F> {
    /// Calls `visit` with every page of the tree, parents before children, in key order. Of a changed tree these are
    /// the pages that the changes build on. The first error ends it.
    pub fn visit(&self, pages: &impl ReadPages, visit: Visitor<'_>) -> Result<(), PageError> {
        match &self.root {
            None => Ok(()),
            Some(root) => visit_child(pages, root.as_child(), None, visit),
        }
    }
}

fn visit_child<F: LeafFormat>(
    pages: &impl ReadPages,
    child: Child<'_, F>,
    level: Option<u8>,
    visit: Visitor<'_>,
) -> Result<(), PageError> {
    let node = match child {
        Child::Page(at) => {
            let (page, level) = match level {
                Some(level) => (load::<F>(pages, at, level)?, level),
                None => load_root::<F>(pages, at)?,
            };
            return visit_page::<F>(pages, at, &page, level, (&[], None), visit);
        }
        Child::Changed(node) => node,
    };
    match &**node {
        Node::Leaf(leaf) => match leaf.base {
            Some(base) => visit(base, &pages.page(base, F::KIND)?),
            None => Ok(()),
        },
        Node::Inner(inner) => {
            visit(inner.base, &load::<F>(pages, inner.base, inner.level)?)?;
            let below = Some(inner.level - 1);
            (0..inner.count())
                .try_for_each(|index| visit_child(pages, inner.child(index), below, &mut *visit))
        }
    }
}

/// A page and all below it. The recursion is as deep as the level, which falls (T5).
fn visit_page<F: LeafFormat>(
    pages: &impl ReadPages,
    at: Written,
    page: &Page,
    level: u8,
    (lower, upper): (&[u8], Option<&[u8]>),
    visit: Visitor<'_>,
) -> Result<(), PageError> {
    visit(at, page)?;
    if level == 0 {
        return Ok(());
    }
    let inner = InnerPage::at_level(page, level)?;
    inner.validate(lower, upper)?;
    let (mut own, mut next) = (lower.to_vec(), Vec::new());
    for index in 0..inner.count() {
        if index % AHEAD == 0 {
            let ahead = index..(index + AHEAD).min(inner.count());
            pages.prefetch(&ahead.map(|index| inner.child(index)).collect::<Result<Vec<_>, _>>()?);
        }
        next.clear();
        let last = index + 1 == inner.count();
        if !last {
            inner.separator(index + 1, &mut next)?;
        }
        let bounds = (own.as_slice(), if last { upper } else { Some(next.as_slice()) });
        let child = inner.child(index)?;
        let below = load::<F>(pages, child, level - 1)?;
        visit_page::<F>(pages, child, &below, level - 1, bounds, &mut *visit)?;
        std::mem::swap(&mut own, &mut next);
    }
    Ok(())
}
