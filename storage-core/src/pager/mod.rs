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
//! | `space.rs` | the allocator, quarantine, and what committed versions changed since the durable root |
//! | `seat.rs` | what one thread has at a time: the writer's seat and the checkpointer's |
//! | `transaction.rs` | writing and freeing pages; commits through the log |
//! | `own.rs` | which pages those are, and going back to a mark |
//! | `commit.rs` | the checkpoint that makes a version durable |
//! | `log/` | groups of records, and who waits for them |
//! | `recovery.rs`, `replay.rs` | creating and opening a store; what its log says beyond its root |
//! | `snapshot.rs`, `page.rs` | reading pages of a version |
//! | `cache.rs`, `verified.rs` | pages in memory |
//! | `quota.rs` | memory for what the layers above decode of pages |
//! | `copy.rs` | a durable root, copied to another device |
//! | `inspect.rs` | looking at a store that may be damaged |
//!
//! It is not: a tree, a record, a graph. It knows one root and the pages of its own map.

mod allocator;
mod cache;
mod commit;
mod copy;
mod error;
mod inspect;
mod log;
mod map;
mod meta;
mod own;
mod page;
mod quota;
mod recovery;
mod replay;
mod seat;
mod snapshot;
mod space;
mod superblock;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_ahead;
#[cfg(test)]
mod tests_log;
#[cfg(test)]
mod tests_space;
mod transaction;
mod verified;

pub use cache::Near;
pub use copy::{Copied, CopyError, write_roots};
pub use error::{OpenError, PageError, WriteError};
pub use inspect::{Inspected, Inspector, MapCheck, references};
pub use log::{
    BLOCK, Extent, Group, GroupHead, LOG_LIMITS, LOG_USUAL, LogEnd, LogError, LogReader, LogStart, LogStats,
};
pub use meta::{FIXED_PAGES, Meta};
pub use page::{AtHand, Page};
pub use quota::{Quota, Taken};
pub use replay::Unreplayed;
pub use snapshot::{ReadPages, Snapshot, State, Version};
pub use superblock::{FORMAT_VERSION, Superblock};
pub use transaction::{Commit, Reserved, Transaction};

use crate::device::PageDevice;
use crate::page::{BufferPool, PageId, PageSize, Written};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
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
    /// Takes a damaged log for its end, for saving what is left: commits that were acknowledged may be missing.
    pub tolerate_log: bool,
    /// Opens the root as it is, read-only, whatever the log says beyond it: for looking at pages.
    pub root_only: bool,
    /// The identity of a new store; `None` takes a random one.
    pub uuid: Option<[u8; 16]>,
    /// The most bytes that the log's extents take together, within [`LOG_LIMITS`]; `None`: as many as the store takes besides,
    /// within [`LOG_USUAL`].
    pub log_bytes: Option<u64>,
}

impl Default for PagerOptions {
    fn default() -> Self {
        PagerOptions {
            cache_bytes: 64 << 20,
            read_only: false,
            older_root: false,
            tolerate_log: false,
            root_only: false,
            uuid: None,
            log_bytes: None,
        }
    }
}

/// The pager over one device. Shared by every layer as `Arc<Pager>`.
pub struct Pager {
    device: Arc<dyn PageDevice>,
    /// The device lends pages: those are not cached.
    lends: bool,
    /// The device reads a batch in parallel: what will be needed is read ahead.
    parallel: bool,
    page_size: PageSize,
    uuid: [u8; 16],
    read_only: bool,
    cache: cache::Cache,
    /// Where pages that are read go.
    buffers: Arc<BufferPool>,
    /// Memory for decoded nodes of trees.
    decoded: Quota,
    verified: verified::Verified,
    /// The newest acknowledged version: what readers get.
    published: ArcSwap<Version>,
    writer: seat::Seat<transaction::Writer>,
    checkpointer: seat::Seat<transaction::Checkpointer>,
    space: Mutex<space::Space>,
    log: log::Log,
    /// The last durable root record. Only whoever has the checkpointer's seat writes one.
    durable: Mutex<Meta>,
    /// Held while the copies of a root record are written, or looked at.
    meta_writes: Mutex<()>,
    flushed: Mutex<Option<Arc<Flushed>>>,
    unreplayed: Mutex<Option<Unreplayed>>,
}

/// A version that a checkpoint beside the writer made durable. The newest version stands on an older root until the
/// writer has put it onto this one: see [`Transaction::rebase`].
pub struct Flushed {
    version: Arc<Version>,
    root: Option<Written>,
    meta: Arc<Meta>,
    state: Option<State>,
    /// Pages that the new root does not reach.
    freed: Mutex<Vec<PageId>>,
}

impl Flushed {
    /// The version as it was committed, over the old root.
    pub fn version(&self) -> &Arc<Version> {
        &self.version
    }

    /// The state that the checkpoint gave to the version over the new root, if it is a `T`.
    pub fn state<T: 'static>(&self) -> Option<&T> {
        self.state.as_ref()?.downcast_ref()
    }

    /// The new root.
    pub fn root(&self) -> Option<Written> {
        self.root
    }
}

impl std::fmt::Debug for Flushed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flushed({:?})", self.version)
    }
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
    /// Reads that looked for a page in the cache's table and found it. Reads that remembered where it is are not counted.
    pub cache_hits: u64,
    /// Reads that went to the device.
    pub cache_misses: u64,
    /// Pages in the cache.
    pub cache_pages: usize,
    /// The log.
    pub log: LogStats,
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

    /// Memory for decoded nodes of trees: an eighth of the cache; all of it where the device lends its pages.
    pub fn decoded(&self) -> &Quota {
        &self.decoded
    }

    /// The store's identity.
    pub fn uuid(&self) -> [u8; 16] {
        self.uuid
    }

    /// True if every transaction is refused.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Counters. Waits for no transaction and no checkpoint.
    pub fn stats(&self) -> PagerStats {
        let (cache_hits, cache_misses, cache_pages) = self.cache.counters();
        let space = self.space.lock().numbers();
        PagerStats {
            meta: self.durable_meta(),
            page_count: space.page_count,
            free_pages: space.free,
            reserve_pages: space.reserve,
            quarantined_pages: space.quarantined,
            oldest_snapshot: space.oldest_held,
            cache_hits,
            cache_misses,
            cache_pages,
            log: self.log.stats(self.page_size),
        }
    }

    /// Makes everything durable that was committed without waiting (Relaxed).
    ///
    /// # Errors
    /// The log could not be written: then no later commit can be. The store is closed.
    pub fn flush_log(&self) -> Result<(), WriteError> {
        self.log.flush(self)
    }

    /// The longest record, in bytes, that goes into the log (L6).
    pub fn longest_record(&self) -> usize {
        self.log.longest_record()
    }

    /// True while the newest version stands on an older root than the durable one.
    pub fn is_flushed(&self) -> bool {
        self.flushed.lock().is_some()
    }

    /// Bytes of the log that are promised to commits which wait in memory, beyond what they will take: each was promised as many
    /// blocks as it takes alone, of which a group of many uses few; and the most that the log may take.
    pub fn spare_promises(&self) -> (u64, u64) {
        self.log.spare_promises()
    }

    /// Bytes of the log that a crash would have to read, and the most that there may be; those promised count as well.
    pub fn log_pressure(&self) -> (u64, u64) {
        self.log.pressure()
    }

    /// The log's extents: pages that are in use though the map does not say so (A1).
    pub fn log_extents(&self) -> Vec<Extent> {
        self.log.extents()
    }

    /// Ends writing, and closes the device. Commits that nobody waited for are made durable; if a checkpoint holds all
    /// that the log says, the log ends, and free pages at the end of the file go back to the disk. Waits for a running
    /// transaction and a running checkpoint.
    ///
    /// # Errors
    /// The last error of writing the log, or of the device. It is closed in any case.
    pub fn close(&self) -> Result<(), WriteError> {
        let mut writer = match self.writer.take() {
            Ok(writer) => writer,
            Err(WriteError::Closed) => return Ok(()),
            Err(e) => return Err(e),
        };
        let result = if self.read_only || self.unreplayed.lock().is_some() {
            Ok(())
        } else {
            self.put_away(&mut writer)
        };
        self.writer.close();
        self.checkpointer.close();
        drop(writer);
        self.device.close()?;
        result
    }

    fn put_away(&self, writer: &mut transaction::Writer) -> Result<(), WriteError> {
        let checkpointer = self.checkpointer.take()?;
        let result = commit::trim(self, writer, true);
        self.checkpointer.give_back(checkpointer);
        result
    }

    /// Gives log extents beyond the fewest back, and cuts free pages off the end of the file, but for the reserve. With
    /// `end_log` the log goes altogether, if a checkpoint holds all that it says. Waits for a running transaction.
    ///
    /// # Errors
    /// The device failed, the store is read-only or closed.
    pub fn trim(&self, end_log: bool) -> Result<(), WriteError> {
        self.check_writable()?;
        let mut writer = self.writer.take()?;
        let result = match self.checkpointer.take() {
            Ok(checkpointer) => {
                let result = commit::trim(self, &mut writer, end_log);
                self.checkpointer.give_back(checkpointer);
                result
            }
            Err(e) => Err(e),
        };
        self.writer.give_back(writer);
        result
    }

    /// The last durable root record.
    pub fn durable_meta(&self) -> Meta {
        self.durable.lock().clone()
    }

    /// What new readers get from here on, unless they get a newer one already.
    fn publish(&self, version: &Arc<Version>) {
        // Called under the log's lock, which orders versions.
        if version.epoch > self.published.load().epoch {
            self.published.store(version.clone());
        }
    }

    /// The page is about to be written anew (A6).
    fn forget(&self, page: PageId) {
        self.cache.forget(page);
        self.verified.forget(page);
    }

    fn check_writable(&self) -> Result<(), WriteError> {
        if self.read_only {
            return Err(WriteError::ReadOnly);
        }
        if self.unreplayed.lock().is_some() {
            return Err(WriteError::NotReplayed);
        }
        self.log.check()
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
