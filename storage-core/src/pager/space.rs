//! Which pages may be used: allocator, quarantine, pages promised to the next checkpoint, and what committed versions
//! changed that no durable root has (A1, A2, A5).
//!
//! Must always be true: a page that was freed is in exactly one of three places: with its running transaction, with the
//! commit that waits for a checkpoint ([`Change`]), or in quarantine. It leaves quarantine when every version that was
//! made before the one which no longer needs it has been dropped. Versions are counted by *epoch*: one more with every
//! [`Version`] that is made, be it a new commit or an old one over a newer base.
//!
//! It is locked for moments: readers never come here.

use super::allocator::Allocator;
use super::error::{PageError, WriteError};
use super::map::{decode_region, max_pages};
use super::meta::FIXED_PAGES;
use super::snapshot::Version;
use super::{Pager, reserve_pages};
use crate::device::DeviceErrorKind;
use crate::page::{PageCount, PageId, PageKind, PageRun, Written};
use crate::planted::{Bug, armed};
use std::collections::VecDeque;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Weak};

/// Pages that a committed version wrote and freed, until a checkpoint holds it.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) born: Vec<PageId>,
    pub(crate) freed: Vec<PageId>,
}

/// A version that somebody may hold.
struct Held {
    epoch: u64,
    number: u64,
    version: Weak<Version>,
}

pub(crate) struct Space {
    pub(crate) alloc: Allocator,
    /// Pages that only versions of earlier epochs need. Ascending.
    quarantine: VecDeque<(u64, Vec<PageId>)>,
    /// How many pages that is: counted as it changes, for a held snapshot may let versions pile up.
    quarantined: u64,
    held: VecDeque<Held>,
    last_epoch: u64,
    /// Commits that no durable root holds, oldest first.
    changes: VecDeque<Change>,
    /// Pages that the next checkpoint was promised (A5).
    promised: u64,
}

impl Space {
    pub(crate) fn new(alloc: Allocator) -> Self {
        Space {
            alloc,
            quarantine: VecDeque::new(),
            quarantined: 0,
            held: VecDeque::new(),
            last_epoch: 0,
            changes: VecDeque::new(),
            promised: 0,
        }
    }

    /// Gives a version its epoch and watches over it.
    pub(crate) fn register(&mut self, mut version: Version) -> Arc<Version> {
        self.last_epoch += 1;
        version.epoch = self.last_epoch;
        let (epoch, number) = (version.epoch, version.number);
        let version = Arc::new(version);
        self.held.push_back(Held { epoch, number, version: Arc::downgrade(&version) });
        version
    }

    /// What a commit changed, for the checkpoint that will hold it.
    pub(crate) fn keep(&mut self, change: Change) {
        if !change.born.is_empty() || !change.freed.is_empty() {
            self.changes.push_back(change);
        }
    }

    /// All that versions up to `version` wrote and freed since the last durable root.
    pub(crate) fn changes_until(&self, version: u64) -> impl Iterator<Item = &Change> {
        self.changes.iter().take_while(move |change| change.version <= version)
    }

    /// They are in a durable root now.
    pub(crate) fn forget_changes_until(&mut self, version: u64) {
        while self.changes.front().is_some_and(|change| change.version <= version) {
            self.changes.pop_front();
        }
    }

    /// Keeps pages from being used until every version of an earlier epoch is gone (A2).
    pub(crate) fn quarantine(&mut self, epoch: u64, freed: Vec<PageId>) {
        debug_assert!(self.quarantine.back().is_none_or(|(before, _)| *before <= epoch));
        self.quarantined += freed.len() as u64;
        self.quarantine.push_back((epoch, freed));
    }

    /// Drops what nobody holds from the list of versions. The newest one is always held by the pager.
    fn forget_dropped(&mut self) {
        while self.held.len() > 1 {
            let front = &self.held[0];
            if front.version.strong_count() > 0 && !armed(Bug::PinsIgnored) {
                return;
            }
            // The count is read relaxed: what readers of this version did comes before what is written now.
            fence(Ordering::Acquire);
            self.held.pop_front();
        }
    }

    /// Gives back what nobody needs any more.
    pub(crate) fn reclaim(&mut self) {
        self.forget_dropped();
        let Some(oldest) = self.held.front().map(|held| held.epoch) else { return };
        while self.quarantine.front().is_some_and(|(epoch, _)| *epoch <= oldest) {
            let (_, pages) = self.quarantine.pop_front().expect("looked at above");
            self.quarantined -= pages.len() as u64;
            self.alloc.give_back(pages);
        }
    }

    /// How many pages stay free for checkpoints, recovery and deletes (A5).
    pub(crate) fn reserve(&self) -> u64 {
        reserve_pages(self.alloc.page_count())
    }

    /// Pages that an ordinary transaction must leave alone: the reserve, and what the next checkpoint was promised.
    pub(crate) fn keep_free(&self) -> u64 {
        self.reserve() + self.promised
    }

    /// Promises the next checkpoint so many pages; grows the device if need be (A5).
    pub(crate) fn promise(&mut self, pager: &Pager, pages: u64, keep: u64) -> Result<(), WriteError> {
        self.make_free(pager, pages + keep)?;
        self.promised = pages;
        Ok(())
    }

    /// The checkpoint that pages were promised to is durable.
    pub(crate) fn keep_promises(&mut self) {
        self.promised = 0;
    }

    /// Takes `want` pages, growing the device if the free total is short (A4, A5). `keep` pages stay free.
    pub(crate) fn take(&mut self, pager: &Pager, want: usize, keep: u64) -> Result<Vec<PageId>, WriteError> {
        self.make_free(pager, want as u64 + keep)?;
        let load = |r: usize, at: Written, used: u32| load_region(pager, r, at, used);
        let pages = self.alloc.take(want, &load)?;
        if pages.len() < want {
            self.alloc.give_back(pages);
            let root = pager.durable_meta().map_root;
            return Err(PageError::damage(
                root.map_or(PageId::new(1), |r| r.page()),
                PageKind::MapIndex,
                "the map counts more free pages than there are",
            )
            .into());
        }
        Ok(pages)
    }

    /// Takes neighbouring pages.
    pub(crate) fn take_run(&mut self, pager: &Pager, pages: u32, keep: u64) -> Result<PageRun, WriteError> {
        let want = u64::from(pages);
        self.make_free(pager, want + keep)?;
        loop {
            let load = |r: usize, at: Written, used: u32| load_region(pager, r, at, used);
            if let Some(start) = self.alloc.take_run(want, &load)? {
                return Ok(PageRun { start, count: PageCount::new(want) });
            }
            // Free pages enough, but nowhere together: at the end of the file they are.
            let free = self.alloc.free();
            self.grow(pager, free + want)?;
        }
    }

    fn make_free(&mut self, pager: &Pager, needed: u64) -> Result<(), WriteError> {
        if self.alloc.free() < needed {
            self.reclaim();
        }
        if self.alloc.free() < needed {
            self.grow(pager, needed)?;
        }
        Ok(())
    }

    /// Grows in steps of an eighth of the file, so that growing is rare and small stores stay small.
    fn grow(&mut self, pager: &Pager, needed: u64) -> Result<(), WriteError> {
        let now = self.alloc.page_count();
        let short = needed - self.alloc.free();
        let limit = max_pages(pager.page_size);
        if now + short > limit {
            return Err(WriteError::TooLarge { limit: PageCount::new(limit) });
        }
        // 256 MiB at most a step.
        let step = (now / 8).clamp(16, (256 << 20) / pager.page_size.bytes() as u64);
        let generous = (now + short.max(step)).min(limit);
        for target in [generous, now + short] {
            match pager.device.grow(PageCount::new(target)) {
                Ok(count) => {
                    self.alloc.set_page_count(count.get().min(limit));
                    return Ok(());
                }
                Err(e) if e.kind() == DeviceErrorKind::DiskFull && target != now + short => {}
                Err(e) if e.kind() == DeviceErrorKind::DiskFull => {
                    return Err(WriteError::DiskFull { needed: short, cause: e });
                }
                Err(e) => return Err(e.into()),
            }
        }
        unreachable!("the second target returns")
    }

    pub(crate) fn numbers(&mut self) -> SpaceNumbers {
        self.forget_dropped();
        SpaceNumbers {
            page_count: self.alloc.page_count(),
            free: self.alloc.free(),
            reserve: self.reserve().min(self.alloc.free()),
            quarantined: self.quarantined,
            oldest_held: self.held.front().map_or(0, |held| held.number),
        }
    }
}

/// How the space is used, for `stats`.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct SpaceNumbers {
    pub(crate) page_count: u64,
    pub(crate) free: u64,
    pub(crate) reserve: u64,
    pub(crate) quarantined: u64,
    pub(crate) oldest_held: u64,
}

/// Reads the bits of a map region, compared with the count in its entry. The first region must keep the fixed pages:
/// else the next transaction would be given the superblock to write on.
pub(crate) fn load_region(pager: &Pager, r: usize, at: Written, used: u32) -> Result<Vec<u64>, PageError> {
    let page = pager.load(at, &[PageKind::MapRegion])?;
    let bits = decode_region(&page, used)?;
    if r == 0 && !(0..FIXED_PAGES).all(|fixed| super::allocator::get(&bits, fixed)) {
        return Err(page.damage("superblock or root records are marked free"));
    }
    Ok(bits)
}
