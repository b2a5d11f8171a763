//! A tree, page by page: what cannot be read is reported and passed over, its siblings go on.
//!
//! Must always be true: it ends, whatever the pages say. Levels fall by one from parent to child, and a page that was
//! named before is not gone into again.

use super::orphans::{Class, Use};
use super::source::damage;
use super::{Job, SalvageError};
use crate::btree::{InnerPage, LeafFormat};
use storage_core::page::{PageKind, Written};
use storage_core::pager::Page;

/// How many pages are asked for ahead.
const AHEAD: usize = 32;

/// What is known of a tree's root.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Root {
    /// The tree is empty.
    Empty,
    /// It is lost with a part of the catalog.
    Lost,
    /// Here.
    At(Written),
}

/// A tree: its root, its name for the report, and what its leaves are.
pub(super) type Planted = (Root, &'static str, Class);

type Each<'e, 'p, F> = &'e mut dyn FnMut(
    &mut Job<'p>,
    <F as LeafFormat>::Key,
    <F as LeafFormat>::Value,
) -> Result<(), SalvageError>;

impl<'p> Job<'p> {
    /// Every entry that can be reached: first by the tree, then, if pages are lost that leaves hang below, of leaves that
    /// nothing names any more.
    pub(super) fn tree<F: LeafFormat>(
        &mut self,
        (root, owner, class): Planted,
        each: Each<'_, 'p, F>,
    ) -> Result<(), SalvageError> {
        let whole = match root {
            Root::Empty => true,
            Root::Lost => false,
            Root::At(at) => self.below::<F>((at, None), owner, each)?,
        };
        if whole {
            return Ok(());
        }
        for orphan in self.orphans_of(class)? {
            if orphan.usage != Use::Free
                && let Some(page) = self.orphan(orphan)?
            {
                self.entries::<F>(page, owner, &mut *each)?;
            }
        }
        Ok(())
    }

    /// A page and all below it. False if a page that may have had others below it is lost. The recursion is as deep as
    /// the level, which falls.
    fn below<F: LeafFormat>(
        &mut self,
        (at, level): (Written, Option<u8>),
        owner: &'static str,
        each: Each<'_, 'p, F>,
    ) -> Result<bool, SalvageError> {
        let kinds: &[PageKind] = match level {
            None => &[PageKind::Inner, F::KIND],
            Some(0) => &[F::KIND],
            Some(_) => &[PageKind::Inner],
        };
        if !self.source.see(at.page()) {
            self.report.unreadable(at.page(), owner, "named twice");
            return Ok(true);
        }
        let page = match self.source.page(at, kinds)? {
            Ok(page) => page,
            Err(what) => {
                self.report.unreadable(at.page(), owner, what);
                return Ok(level == Some(0));
            }
        };
        if page.kind() == F::KIND {
            self.entries::<F>(page, owner, each)?;
            return Ok(true);
        }
        let inner = match level {
            None => InnerPage::open(&page),
            Some(level) => InnerPage::at_level(&page, level),
        };
        let inner = match inner {
            Ok(inner) => inner,
            Err(e) => {
                self.report.unreadable(at.page(), owner, damage(e).1);
                return Ok(false);
            }
        };
        let mut whole = true;
        for index in 0..inner.count() {
            if index % AHEAD == 0 {
                let ahead = index..(index + AHEAD).min(inner.count());
                self.source.prefetch(ahead.filter_map(|index| inner.child(index).ok()));
            }
            match inner.child(index) {
                Ok(child) => whole &= self.below::<F>((child, Some(inner.level() - 1)), owner, &mut *each)?,
                Err(e) => {
                    self.report.unreadable(at.page(), owner, damage(e).1);
                    whole = false;
                }
            }
        }
        Ok(whole)
    }

    /// The entries of a leaf, up to the first that cannot be read.
    fn entries<F: LeafFormat>(
        &mut self,
        page: Page,
        owner: &'static str,
        each: Each<'_, 'p, F>,
    ) -> Result<(), SalvageError> {
        let id = page.id();
        let entries = match F::entries(page) {
            Ok(entries) => entries,
            Err(e) => {
                self.report.unreadable(id, owner, damage(e).1);
                return Ok(());
            }
        };
        for entry in entries {
            match entry {
                Ok((key, value)) => each(self, key, value)?,
                Err(e) => {
                    self.report.unreadable(id, owner, damage(e).1);
                    break;
                }
            }
        }
        Ok(())
    }
}
