//! Moving a tree's pages down, so that the end of the file can be cut off (A4).
//!
//! Must always be true: what a page holds does not change, only where it is; its parents up to the root are written anew,
//! for they name it (V3). Pages go where the allocator puts every page: to the lowest free places.

use super::LeafFormat;
use super::inner::{InnerPage, encode};
use super::node::Tree;
use super::read::{load, load_root};
use storage_core::page::{PageId, PageImage, Written};
use storage_core::pager::{ReadPages, Transaction, WriteError};

/// How many leaves are read and written in one batch.
const BATCH: usize = 64;

impl<F: LeafFormat> Tree<F> {
    /// Moves the pages at or past `limit`. Long values that its leaves name stay where they are. Returns how many pages
    /// were written.
    ///
    /// # Errors
    /// [`WriteError`]: a page could not be read or written, or is damaged; the disk is full.
    ///
    /// # Panics
    /// If the tree has changes that were not flushed.
    pub fn move_down(&mut self, tx: &mut Transaction, limit: PageId) -> Result<u64, WriteError> {
        let root = self.root().expect("pages are moved in a clean tree");
        let Some(root) = root else { return Ok(0) };
        let (_, level) = load_root::<F>(tx, root)?;
        let mut written = 0;
        if let Some(moved) = move_page::<F>(tx, root, level, limit, &mut written)? {
            *self = Tree::open(Some(moved));
        }
        Ok(written)
    }
}

/// The page's new name, if it or a page below it was moved. The recursion is as deep as the level, which falls (T5).
fn move_page<F: LeafFormat>(
    tx: &mut Transaction,
    at: Written,
    level: u8,
    limit: PageId,
    written: &mut u64,
) -> Result<Option<Written>, WriteError> {
    if level == 0 {
        if at.page() < limit {
            return Ok(None);
        }
        let copies = move_leaves::<F>(tx, &[at])?;
        *written += 1;
        return Ok(copies.first().copied());
    }
    let page = load::<F>(tx, at, level)?;
    let mut entries = InnerPage::at_level(&page, level)?.entries(&[], None)?;
    let mut changed = at.page() >= limit;
    if level == 1 {
        let far: Vec<usize> = (0..entries.len()).filter(|i| entries[*i].page.page() >= limit).collect();
        for batch in far.chunks(BATCH) {
            let old: Vec<Written> = batch.iter().map(|i| entries[*i].page).collect();
            for (i, moved) in batch.iter().zip(move_leaves::<F>(tx, &old)?) {
                entries[*i].page = moved;
            }
        }
        changed |= !far.is_empty();
        *written += far.len() as u64;
    } else {
        for entry in &mut entries {
            if let Some(moved) = move_page::<F>(tx, entry.page, level - 1, limit, written)? {
                entry.page = moved;
                changed = true;
            }
        }
    }
    if !changed {
        return Ok(None);
    }
    let moved = tx.write(vec![encode(page_size(tx), level, &entries)])?[0];
    tx.free(at);
    *written += 1;
    Ok(Some(moved))
}

fn move_leaves<F: LeafFormat>(tx: &mut Transaction, leaves: &[Written]) -> Result<Vec<Written>, WriteError> {
    let copy = |at: &Written| Ok(PageImage::copy_of(&tx.page(*at, F::KIND)?));
    let images = leaves.iter().map(copy).collect::<Result<Vec<_>, WriteError>>()?;
    let written = tx.write(images)?;
    for at in leaves {
        tx.free(*at);
    }
    Ok(written)
}

fn page_size(tx: &Transaction) -> storage_core::page::PageSize {
    tx.pager().page_size()
}
