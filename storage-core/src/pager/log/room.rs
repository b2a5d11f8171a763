//! Room in the log: new extents, the first root record that names them, and giving them back (L3, L4, A5).
//!
//! Must always be true: an extent is zero-filled, and it and the file's length are durable, before a group or a root
//! record names it; the log runs only after a root record with a new salt names its start, so what an earlier life left
//! behind the end never comes back (R1). Room is made by the writer, before a commit is queued: a full disk or a full log
//! is met there, where the commit can still be made a checkpoint.

use super::extents::Extents;
use super::frame::{self, Extent, LogStart};
use super::queue::{Log, SLACK};
use crate::device::WritePage;
use crate::page::{PageBuf, PageId};
use crate::pager::commit::write_meta;
use crate::pager::meta::Meta;
use crate::pager::{Pager, WriteError};
use crate::planted::{Bug, armed};
use std::sync::atomic::Ordering;
use twox_hash::XxHash3_64;

/// Bytes of the smallest extent, and of the largest.
const SMALLEST: u64 = 256 << 10;
const LARGEST: u64 = 4 << 20;
/// The most extents that are made at a time.
const MOST_AT_ONCE: u64 = 16;
/// Extents that a log begins with.
pub(crate) const FEWEST: u64 = 2;

/// The least and the most that the log's extents may take together.
pub const LOG_LIMITS: (u64, u64) = (FEWEST * SMALLEST, 1 << 30);

/// The same where nobody said how much, in between it is what the store takes. A checkpoint after changes at random places
/// writes most of the store anew: what that costs a commit stays the same if the log that it ends grows with the store.
pub const LOG_USUAL: (u64, u64) = (16 << 20, 64 << 20);

impl Log {
    /// The most that the log's extents may take together.
    pub(super) fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// A durable root says what the store takes: its map does not count the log. A log that is longer than that gives nothing
    /// back before it ends, but takes no more.
    pub(crate) fn see_store(&self, root: &Meta) {
        if self.said.is_none() {
            let store = root.used_count.saturating_mul(root.page_size.bytes() as u64);
            self.limit.store(store.clamp(LOG_USUAL.0, LOG_USUAL.1), Ordering::Relaxed);
        }
    }

    /// Pages of an extent of a log that may take so many bytes.
    fn extent_pages(pager: &Pager, limit: u64) -> u32 {
        let bytes = (limit / 64).clamp(SMALLEST, LARGEST);
        (bytes / pager.page_size().bytes() as u64) as u32
    }

    /// The longest record that goes into the log (L6).
    pub(crate) fn longest_record(&self) -> usize {
        (self.limit() / 4) as usize
    }

    /// Makes room for a record of so many bytes. Returns the blocks that it was promised; `None` if there is no room
    /// within the limit or on the disk: then the commit has to be a checkpoint.
    pub(crate) fn make_room(&self, pager: &Pager, bytes: usize) -> Result<Option<u64>, WriteError> {
        if bytes > self.longest_record() {
            return Ok(None);
        }
        // It may need a group of its own to link extents.
        let needed = frame::blocks_for(1, bytes, 1) as u64 + 1;
        // Asked once: a checkpoint beside this may move it.
        let limit = self.limit();
        let extent = Self::extent_pages(pager, limit);
        loop {
            let new = {
                let mut state = self.state.lock();
                let room = state.extents.room() + state.extents.blocks_to_come();
                let pages = state.extents.pages();
                let enough = room >= state.promised + needed + SLACK;
                if enough && state.alive {
                    state.promised += needed;
                    return Ok(Some(needed));
                }
                // Twice as many each time: a sync for each extent would be a tenth of what 64 commits cost.
                let (extent, most) = (u64::from(extent), limit / pager.page_size().bytes() as u64);
                let left = most.saturating_sub(pages) / extent;
                if !enough && left == 0 {
                    return Ok(None);
                }
                if enough { 0 } else { left.min((pages / extent).clamp(1, MOST_AT_ONCE)) }
            };
            let made = if new == 0 { self.begin_life(pager) } else { self.add_extents(pager, extent, new) };
            match made {
                Err(WriteError::DiskFull { .. }) => return Ok(None),
                other => other?,
            }
        }
    }

    /// A commit that was promised room is not queued after all.
    pub(crate) fn break_promise(&self, blocks: u64) {
        self.state.lock().promised -= blocks;
    }

    /// New extents: pages that are free in the durable root, zeroed and durable with the file's length.
    fn add_extents(&self, pager: &Pager, pages: u32, count: u64) -> Result<(), WriteError> {
        let mut extents = Vec::new();
        let taken = (0..count).try_for_each(|_| {
            let mut space = pager.space.lock();
            let keep = space.keep_free();
            let run = space.take_run(pager, pages, keep)?;
            extents.push(Extent { first: run.start, pages });
            Ok(())
        });
        let filled = match taken {
            // What was found before the disk was full is enough for now.
            Err(WriteError::DiskFull { .. }) if !extents.is_empty() => fill(pager, &extents),
            Err(e) => Err(e),
            Ok(()) => fill(pager, &extents),
        };
        if let Err(e) = filled {
            pager.space.lock().alloc.give_back(extents.into_iter().flat_map(pages_of));
            return Err(e);
        }
        let mut state = self.state.lock();
        extents.into_iter().for_each(|extent| state.extents.add_spare(extent));
        Ok(())
    }

    /// The first append after an opening: a new salt, and a root record that names the start (R1).
    fn begin_life(&self, pager: &Pager) -> Result<(), WriteError> {
        // A checkpoint that runs has chosen its log start already, and would undo this one.
        let checkpointer = pager.checkpointer.take()?;
        let result = self.begin_life_with(pager);
        pager.checkpointer.give_back(checkpointer);
        result
    }

    fn begin_life_with(&self, pager: &Pager) -> Result<(), WriteError> {
        let root = pager.durable_meta();
        let (next, extents) = {
            let state = self.state.lock();
            (state.next, state.extents.spares().to_vec())
        };
        let generation = root.generation + 1;
        let end = extents.iter().map(|e| e.first.get() + u64::from(e.pages)).max().unwrap_or(0);
        let salt = if armed(Bug::SaltKept) { 0 } else { salt(pager, generation) };
        let log = LogStart { group: next, previous_check: 0, salt, block: 0, extents: extents.clone() };
        let meta = Meta { generation, page_count: root.page_count.max(end), log, ..root };
        if !armed(Bug::LifeWithoutRoot) {
            write_meta(pager, meta)?;
        }
        let mut state = self.state.lock();
        state.extents.begin(extents);
        (state.alive, state.salt, state.previous_check) = (true, salt, 0);
        Ok(())
    }

    /// A durable root starts at `start`: extents before it are spare. A root without a log ends it, and all extents are
    /// free.
    pub(crate) fn started_at(&self, pager: &Pager, start: &LogStart) {
        self.see_store(&pager.durable_meta());
        let mut state = self.state.lock();
        if start.extents.is_empty() {
            state.alive = false;
            let all = state.extents.end();
            drop(state);
            let pages = all.into_iter().flat_map(pages_of);
            pager.space.lock().alloc.give_back(pages);
        } else {
            state.extents.recycle(start);
        }
    }

    /// Gives spare extents back, but for the fewest that a log has.
    pub(crate) fn release(&self, pager: &Pager) {
        let mut state = self.state.lock();
        let keep = if state.extents.is_live() { state.extents.extent_blocks() } else { 0 };
        let some = state.extents.drop_spares(keep);
        drop(state);
        pager.space.lock().alloc.give_back(some.into_iter().flat_map(pages_of));
    }

    /// What a store that was opened has of a log: extents to begin the next life in.
    pub(crate) fn adopt(&self, extents: &[Extent]) {
        let mut state = self.state.lock();
        extents.iter().for_each(|extent| state.extents.add_spare(*extent));
    }
}

/// The pages of an extent.
pub(crate) fn pages_of(extent: Extent) -> impl Iterator<Item = PageId> {
    (0..u64::from(extent.pages)).map(move |n| extent.first.plus(n))
}

fn fill(pager: &Pager, extents: &[Extent]) -> Result<(), WriteError> {
    let zero = PageBuf::zeroed(pager.page_size().bytes());
    for extent in extents {
        let pages: Vec<PageId> = pages_of(*extent).collect();
        for page in &pages {
            pager.forget(*page);
        }
        let batch: Vec<WritePage<'_>> =
            pages.iter().map(|page| WritePage { page: *page, data: &zero }).collect();
        pager.device().write(&batch)?;
    }
    if !armed(Bug::LengthNotDurable) {
        pager.sync()?;
    }
    Ok(())
}

/// Never the same twice in a store, for no two root records have the same generation.
fn salt(pager: &Pager, generation: u64) -> u64 {
    XxHash3_64::oneshot_with_seed(generation, &pager.uuid())
}

impl Extents {
    /// Blocks of the extents that a log begins with, beyond the first.
    fn extent_blocks(&self) -> u64 {
        self.extents().next().map_or(0, |e| self.blocks_of(*e) * (FEWEST - 1))
    }
}
