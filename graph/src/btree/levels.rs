//! The new children of one level's nodes while they are written: images wait for their batch, and become entries by
//! being written (T3).
//!
//! Must always be true: entries come out in the order in which they went in, list by list; at most one batch of images
//! is in memory; an entry without a written page never leaves this file.

use super::inner::Entry;
use super::node::Old;
use super::pack::Packed;
use storage_core::page::{PageImage, PageSize, Written};
use storage_core::pager::{Transaction, WriteError};

/// How many pages a batch has: about a mebibyte.
pub(super) fn batch_pages(size: PageSize) -> usize {
    (1 << 20) / size.bytes()
}

/// A child in its place: written, or waiting to be.
struct Place {
    separator: Box<[u8]>,
    count: u64,
    page: Option<Written>,
}

/// Lists of children, one for each parent of the level, in order.
pub(super) struct Lists {
    lists: Vec<Vec<Place>>,
    images: Vec<PageImage>,
    /// Where the images belong: list, place.
    waiting: Vec<(usize, usize)>,
    batch: usize,
}

impl Lists {
    pub fn new(size: PageSize) -> Self {
        Lists { lists: Vec::new(), images: Vec::new(), waiting: Vec::new(), batch: batch_pages(size) }
    }

    /// Begins the next parent's list.
    pub fn begin(&mut self) {
        self.lists.push(Vec::new());
    }

    fn push(&mut self, separator: Box<[u8]>, count: u64, page: Option<Written>) -> (usize, usize) {
        let at = self.lists.len() - 1;
        self.lists[at].push(Place { separator, count, page });
        (at, self.lists[at].len() - 1)
    }

    /// A child that is written already.
    pub fn push_written(&mut self, separator: Box<[u8]>, old: Old) {
        self.push(separator, old.count, Some(old.page));
    }

    /// A child that is to be written; a full batch is.
    pub fn push_packed(&mut self, tx: &mut Transaction, packed: Packed) -> Result<(), WriteError> {
        let place = self.push(packed.separator, packed.count, None);
        self.waiting.push(place);
        self.images.push(packed.image);
        if self.images.len() >= self.batch { self.write(tx) } else { Ok(()) }
    }

    fn write(&mut self, tx: &mut Transaction) -> Result<(), WriteError> {
        let written = tx.write(std::mem::take(&mut self.images))?;
        debug_assert_eq!(written.len(), self.waiting.len());
        for ((list, place), page) in self.waiting.drain(..).zip(written) {
            self.lists[list][place].page = Some(page);
        }
        Ok(())
    }

    /// Writes what still waits.
    pub fn finish(mut self, tx: &mut Transaction) -> Result<Vec<Vec<Entry>>, WriteError> {
        self.write(tx)?;
        let entry = |place: Place| {
            let page = place.page.expect("every batch of the level was written");
            Entry { separator: place.separator, page, count: place.count }
        };
        Ok(self.lists.into_iter().map(|list| list.into_iter().map(entry).collect()).collect())
    }
}
