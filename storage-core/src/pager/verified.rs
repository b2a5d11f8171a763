//! Which lent pages have had their checksum compared: one check per page, so that a mapped page is summed once.
//!
//! Must always be true: an entry equals the check of the page's current life, or is empty. Writing a page empties it
//! first (A6); only reads of a snapshot set it, and a snapshot's page is not written while it is held.

use crate::page::{PageId, Written};
use crate::planted::{Bug, armed};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const CHUNK: u64 = 1 << 14;
type Chunk = Arc<[AtomicU32]>;

/// Checks by page id, in chunks made on demand: 4 bytes a page that was ever lent nearby.
#[derive(Default)]
pub(crate) struct Verified {
    chunks: RwLock<Vec<Option<Chunk>>>,
}

impl Verified {
    fn place(page: PageId) -> (usize, usize) {
        ((page.get() / CHUNK) as usize, (page.get() % CHUNK) as usize)
    }

    /// True if this very life of the page was verified. Check 0 stands for "not", so such a page is summed each time.
    pub(crate) fn contains(&self, at: Written) -> bool {
        let (chunk, slot) = Self::place(at.page());
        let chunks = self.chunks.read();
        let found = chunks.get(chunk).and_then(Option::as_ref).map(|c| c[slot].load(Ordering::Acquire));
        found.is_some_and(|check| check != 0 && check == at.check())
    }

    /// Remembers that the page was verified. Called only for pages below the device's length.
    pub(crate) fn insert(&self, at: Written) {
        let (chunk, slot) = Self::place(at.page());
        if let Some(Some(c)) = self.chunks.read().get(chunk) {
            c[slot].store(at.check(), Ordering::Release);
            return;
        }
        let mut chunks = self.chunks.write();
        if chunks.len() <= chunk {
            chunks.resize(chunk + 1, None);
        }
        let c = chunks[chunk].get_or_insert_with(|| (0..CHUNK).map(|_| AtomicU32::new(0)).collect());
        c[slot].store(at.check(), Ordering::Release);
    }

    /// Forgets the page: it is about to be written anew.
    pub(crate) fn forget(&self, page: PageId) {
        if armed(Bug::StaleCache) {
            return;
        }
        let (chunk, slot) = Self::place(page);
        if let Some(Some(c)) = self.chunks.read().get(chunk) {
            c[slot].store(0, Ordering::Release);
        }
    }
}
