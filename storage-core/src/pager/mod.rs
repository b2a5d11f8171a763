//! The pager: copy-on-write pages on one shared device (PAGER rules V, C, A, M, N).
//!
//! # What must always be true
//!
//! 1. A committed page never changes (V1); a page gets its id by being written (V2); only [`crate::page::Written`] names
//!    a page in a page, and only a write or a verified page gives one (V3, I1).
//! 2. The root record becomes durable after everything that it reaches (C1, I2).
//! 3. A page is written again only when the durable root does not reach it and nobody holds a version that does (A2).
//! 4. The durable map says exactly what is reachable from its root (A1, I4).
//! 5. An error is returned to whoever called; nothing is retried, nothing is taken for "not there" (M3).
//!
//! # The life of a page
//!
//! ```text
//!   PageImage ──Transaction::write──► Written ──commit──► committed ──free + commit──► quarantine
//!   (no id, V1)                       (V2)                (never changes)              (A2)
//!       ▲                               │ abort                                           │ no pin before v
//!       └────────── free ◄──────────────┴─────────────────────────────────────────────────┘
//! ```
//!
//! # Where things are
//!
//! | file | holds |
//! |---|---|
//! | `superblock.rs`, `meta.rs`, `map.rs` | formats, no I/O |
//! | `allocator.rs` | which pages may be used, in memory |
//! | `writer.rs` | what the one writer owns |
//! | `transaction.rs` | writing and freeing pages |
//! | `commit.rs` | the checkpoint that makes a version durable |
//! | `recovery.rs` | creating and opening a store |
//! | `snapshot.rs`, `page.rs` | reading pages of a version |
//! | `cache.rs`, `verified.rs` | pages in memory |
//! | `log/` | the log: groups of records, read back after a crash |
//! | `inspect.rs` | looking at a store that may be damaged |
//!
//! It is not: a tree, a record, a graph. It knows one root and the pages of its own map.

mod allocator;
mod cache;
mod commit;
mod error;
mod inspect;
// The log's writer comes next: until then only tests use all of it.
#[allow(dead_code, unused_imports)]
mod log;
mod map;
mod meta;
mod page;
mod recovery;
mod snapshot;
mod superblock;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_space;
mod transaction;
mod verified;
mod writer;

pub use error::{OpenError, PageError, WriteError};
pub use inspect::{Inspected, Inspector, MapCheck, references};
pub use log::{Extent, Group, LogError, LogReader};
pub use meta::{FIXED_PAGES, LogStart, Meta};
pub use page::Page;
pub use snapshot::{ReadPages, Snapshot};
pub use superblock::{FORMAT_VERSION, Superblock};
pub use transaction::Transaction;

use crate::device::PageDevice;
use crate::page::PageSize;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;

/// How a pager is set up.
#[derive(Clone, Debug)]
pub struct PagerOptions {
    /// Bytes of the page cache; at least 16 pages are kept whatever this says.
    pub cache_bytes: usize,
    /// Opens without writing anything; every transaction is refused.
    pub read_only: bool,
    /// Opens the older of the two root records, for saving what is left when the newer one is damaged. Read-only.
    pub older_root: bool,
    /// The identity of a new store; `None` takes a random one.
    pub uuid: Option<[u8; 16]>,
}

impl Default for PagerOptions {
    fn default() -> Self {
        PagerOptions { cache_bytes: 64 << 20, read_only: false, older_root: false, uuid: None }
    }
}

/// The pager over one device. Shared by every layer as `Arc<Pager>`.
pub struct Pager {
    device: Arc<dyn PageDevice>,
    page_size: PageSize,
    uuid: [u8; 16],
    read_only: bool,
    cache: cache::Cache,
    verified: verified::Verified,
    published: RwLock<Arc<snapshot::Version>>,
    writer: writer::WriterSeat,
    /// Held while the copies of a root record are written, or looked at.
    meta_writes: Mutex<()>,
}

/// Pages kept free for checkpoints, recovery and transactions that only delete (A5).
pub fn reserve_pages(page_count: u64) -> u64 {
    (page_count / 64).max(64)
}

/// Numbers for `stats`.
#[derive(Clone, Debug)]
pub struct PagerStats {
    /// The last root record.
    pub meta: Meta,
    /// Pages of the file.
    pub page_count: u64,
    /// Pages that may be handed out now, the reserve included.
    pub free_pages: u64,
    /// Pages of those that are kept in reserve.
    pub reserve_pages: u64,
    /// Pages freed that a held snapshot still needs.
    pub quarantined_pages: u64,
    /// The oldest version that a snapshot holds.
    pub oldest_snapshot: u64,
    /// Reads answered by the cache.
    pub cache_hits: u64,
    /// Reads that went to the device.
    pub cache_misses: u64,
    /// Pages in the cache.
    pub cache_pages: usize,
}

impl Pager {
    /// The device below: the one instance that every layer shares (I8).
    pub fn device(&self) -> &Arc<dyn PageDevice> {
        &self.device
    }

    /// Bytes of a page.
    pub fn page_size(&self) -> PageSize {
        self.page_size
    }

    /// The store's identity.
    pub fn uuid(&self) -> [u8; 16] {
        self.uuid
    }

    /// True if every transaction is refused.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Counters. Never waits: while a transaction runs, those of the space are as they were when it began.
    pub fn stats(&self) -> PagerStats {
        let (cache_hits, cache_misses, cache_pages) = self.cache.counters();
        let space = self.writer.numbers();
        PagerStats {
            meta: self.published.read().meta,
            page_count: space.page_count,
            free_pages: space.free,
            reserve_pages: space.reserve,
            quarantined_pages: space.quarantined,
            oldest_snapshot: space.oldest_held,
            cache_hits,
            cache_misses,
            cache_pages,
        }
    }

    /// Ends writing, gives free pages at the end of the file back to the disk, and closes the device. Waits for a
    /// running transaction.
    pub fn close(&self) -> Result<(), WriteError> {
        let mut writer = match self.writer.take() {
            Ok(writer) => writer,
            Err(WriteError::Closed) => return Ok(()),
            Err(e) => return Err(e),
        };
        let result = if self.read_only { Ok(()) } else { commit::trim(self, &mut writer) };
        self.writer.close();
        self.device.close()?;
        result
    }

    /// Cuts free pages off the end of the file, but for the reserve. Waits for a running transaction.
    pub fn trim(&self) -> Result<(), WriteError> {
        self.check_writable()?;
        let mut writer = self.writer.take()?;
        let result = commit::trim(self, &mut writer);
        self.writer.give_back(writer);
        result
    }

    fn check_writable(&self) -> Result<(), WriteError> {
        if self.read_only { Err(WriteError::ReadOnly) } else { Ok(()) }
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        // Nobody holds a snapshot any more. Whoever wants to see the error closes; after `close` this does nothing.
        let _ = self.close();
    }
}

impl std::fmt::Debug for Pager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pager({:?})", self.device)
    }
}
