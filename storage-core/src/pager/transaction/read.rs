//! Reading through a transaction: its base version's pages, and those that it wrote itself.
//!
//! Must always be true: a page that the transaction wrote is neither cached nor lent, for its place may be used again by
//! this very transaction (A6).

use super::Transaction;
use crate::page::{PageId, PageKind, Written};
use crate::pager::cache::Near;
use crate::pager::page::{AtHand, Page, decode_header};
use crate::pager::{PageError, Pager, ReadPages};
use std::sync::Arc;

impl ReadPages for Transaction {
    fn page_of(&self, at: Written, kinds: &[PageKind]) -> Result<Page, PageError> {
        if let Some((_, buf)) = self.late.iter().find(|(id, _)| *id == at.page()) {
            let header = decode_header(buf, at, kinds)?;
            return Ok(Page::owned(header, buf.clone()));
        }
        if self.own.contains(at.page()) {
            // Its place may be used again by this very transaction: neither cached nor lent (A6).
            return self.pager.load(at, kinds);
        }
        self.pager.read_pinned(&self.base, at, kinds, None)
    }

    fn page_near(&self, at: Written, kind: PageKind, near: &Near) -> Result<Page, PageError> {
        if self.is_own(at.page()) {
            return self.page(at, kind);
        }
        self.pager.read_pinned(&self.base, at, &[kind], Some(near))
    }

    fn at_hand(&self, at: Written, near: &Near) -> Option<AtHand<'_>> {
        if self.is_own(at.page()) { None } else { self.pager.at_hand(&self.base, at, near) }
    }

    fn prefetch(&self, pages: &[Written]) {
        self.pager.prefetch(pages);
    }

    fn pager(&self) -> &Arc<Pager> {
        &self.pager
    }
}

impl Transaction {
    /// Written by this very transaction: its place may be used again by it, so it is neither cached nor lent (A6).
    fn is_own(&self, page: PageId) -> bool {
        self.own.contains(page) || self.late.iter().any(|(id, _)| *id == page)
    }
}
