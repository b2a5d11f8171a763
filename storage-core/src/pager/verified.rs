//! Which lent pages have had their checksum compared: one check per page, so that a mapped page is summed once.
//!
//! Must always be true: an entry equals the check of the page's current life, or is empty. Writing a page empties it
//! first (A6); only reads of a snapshot set it, and a snapshot's page is not written while it is held.

use crate::page::{PageId, Written};
use crate::planted::{Bug, armed};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Entries of the first chunk; each one after it has twice as many.
const FIRST: u64 = 1 << 14;

/// So many chunks are for 2⁶⁴ pages and more.
const CHUNKS: usize = 51;

/// Checks by page id, in chunks made on demand that never move: 4 bytes a page that was ever lent nearby. Looking one up
/// takes no lock.
pub(crate) struct Verified {
    chunks: [OnceLock<Box<[AtomicU32]>>; CHUNKS],
}

impl Default for Verified {
    fn default() -> Self {
        Verified { chunks: [const { OnceLock::new() }; CHUNKS] }
    }
}

impl Verified {
    /// Chunk *k* begins with entry FIRST × (2ᵏ − 1).
    #[inline]
    fn place(page: PageId) -> (usize, usize) {
        let chunk = (page.get() / FIRST + 1).ilog2();
        (chunk as usize, (page.get() - FIRST * ((1 << chunk) - 1)) as usize)
    }

    #[inline]
    fn entry(&self, page: PageId) -> Option<&AtomicU32> {
        let (chunk, slot) = Self::place(page);
        self.chunks[chunk].get()?.get(slot)
    }

    /// True if this very life of the page was verified. Check 0 stands for "not", so such a page is summed each time.
    #[inline]
    pub(crate) fn contains(&self, at: Written) -> bool {
        let check = self.entry(at.page()).map_or(0, |entry| entry.load(Ordering::Acquire));
        check != 0 && check == at.check()
    }

    /// Remembers that the page was verified. Called only for pages below the device's length.
    pub(crate) fn insert(&self, at: Written) {
        let (chunk, slot) = Self::place(at.page());
        let fresh = || (0..FIRST << chunk).map(|_| AtomicU32::new(0)).collect();
        self.chunks[chunk].get_or_init(fresh)[slot].store(at.check(), Ordering::Release);
    }

    /// Forgets the page: it is about to be written anew.
    pub(crate) fn forget(&self, page: PageId) {
        if !armed(Bug::StaleCache)
            && let Some(entry) = self.entry(page)
        {
            entry.store(0, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_a_place_of_its_own() {
        let mut next = (0, 0);
        for page in 0..FIRST * 20 {
            let place = Verified::place(PageId::new(page));
            assert_eq!(place, next);
            let end = place.1 as u64 + 1 == FIRST << place.0;
            next = if end { (place.0 + 1, 0) } else { (place.0, place.1 + 1) };
        }
        assert!(Verified::place(PageId::new(u64::MAX)).0 < CHUNKS);
    }
}
