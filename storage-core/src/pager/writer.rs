//! What the one writer owns: allocator, quarantine, the last root record, and the list of versions that may be held.
//!
//! Must always be true: there is exactly one [`Writer`] a pager; whoever has it is the one writer (V4). A transaction
//! takes it and brings it back, also when it panics.

use super::allocator::Allocator;
use super::error::{PageError, WriteError};
use super::map::decode_region;
use super::meta::{FIXED_PAGES, Meta};
use super::snapshot::Version;
use super::{Pager, reserve_pages};
use crate::device::DeviceErrorKind;
use crate::page::{PageCount, PageId, PageKind, Written};
use crate::planted::{Bug, armed};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Weak};

pub(crate) struct Writer {
    pub(crate) alloc: Allocator,
    /// The last durable root record.
    pub(crate) meta: Meta,
    /// Index pages of the map, bottom level first, the root last.
    pub(crate) map_index: Vec<Written>,
    /// Pages freed by a version, until no reader needs them (A2). Ascending by version.
    quarantine: VecDeque<(u64, Vec<PageId>)>,
    /// How many pages that is: counted as it changes, for a held snapshot may let versions pile up.
    quarantined: u64,
    /// Versions that somebody may still hold, oldest first.
    pub(crate) versions: VecDeque<(u64, Weak<Version>)>,
}

impl Writer {
    /// The writer of a store that was just opened at `newest`.
    pub(crate) fn new(alloc: Allocator, map_index: Vec<Written>, newest: &Arc<Version>) -> Self {
        Writer {
            alloc,
            meta: newest.meta,
            map_index,
            quarantine: VecDeque::new(),
            quarantined: 0,
            versions: VecDeque::from([(newest.number, Arc::downgrade(newest))]),
        }
    }

    /// Keeps the pages that a version freed from being used, until nobody needs them (A2).
    pub(crate) fn quarantine(&mut self, version: u64, freed: Vec<PageId>) {
        self.quarantined += freed.len() as u64;
        self.quarantine.push_back((version, freed));
    }

    /// The oldest version that anybody holds; the newest one is always held by the pager.
    pub(crate) fn oldest_held(&mut self) -> u64 {
        while let Some((number, version)) = self.versions.front() {
            if version.strong_count() > 0 && !armed(Bug::PinsIgnored) {
                return *number;
            }
            if self.versions.len() == 1 {
                return *number;
            }
            // The count is read relaxed: what readers of this version did comes before what is written now.
            fence(Ordering::Acquire);
            self.versions.pop_front();
        }
        self.meta.lsn
    }

    /// Pages freed by v may be used again once no pin is before v (A2). That v is durable and published holds for
    /// everything in quarantine: it gets there after both.
    pub(crate) fn reclaim(&mut self) {
        let oldest = self.oldest_held();
        while self.quarantine.front().is_some_and(|(version, _)| *version <= oldest) {
            let (_, pages) = self.quarantine.pop_front().expect("looked at above");
            self.quarantined -= pages.len() as u64;
            self.alloc.give_back(pages);
        }
    }

    /// Takes `want` pages, growing the device if the free total is short (A4, A5). `keep` pages stay in reserve.
    pub(crate) fn take(&mut self, pager: &Pager, want: usize, keep: u64) -> Result<Vec<PageId>, WriteError> {
        let needed = want as u64 + keep;
        if self.alloc.free() < needed {
            self.reclaim();
        }
        if self.alloc.free() < needed {
            self.grow(pager, needed)?;
        }
        let load = |r: usize, at: Written, used: u32| load_region(pager, r, at, used);
        let pages = self.alloc.take(want, &load)?;
        if pages.len() < want {
            self.alloc.give_back(pages);
            return Err(PageError::damage(
                self.meta.map_root.map_or(PageId::new(1), |r| r.page()),
                PageKind::MapIndex,
                "the map counts more free pages than there are",
            )
            .into());
        }
        Ok(pages)
    }

    /// Grows in steps of an eighth of the file, so that growing is rare and small stores stay small.
    fn grow(&mut self, pager: &Pager, needed: u64) -> Result<(), WriteError> {
        let now = self.alloc.page_count();
        let short = needed - self.alloc.free();
        let limit = super::map::max_pages(pager.page_size);
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

    fn numbers(&mut self) -> SpaceNumbers {
        SpaceNumbers {
            page_count: self.alloc.page_count(),
            free: self.alloc.free(),
            reserve: self.reserve().min(self.alloc.free()),
            quarantined: self.quarantined,
            oldest_held: self.oldest_held(),
        }
    }

    /// How many pages stay free for checkpoints, recovery and deletes (A5).
    pub(crate) fn reserve(&self) -> u64 {
        reserve_pages(self.alloc.page_count())
    }
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

/// The place where the writer waits for its next transaction.
pub(crate) struct WriterSeat {
    seat: Mutex<Seat>,
    free: Condvar,
    /// As they were when the last transaction ended.
    numbers: Mutex<SpaceNumbers>,
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

enum Seat {
    Free(Box<Writer>),
    Taken,
    Closed,
}

impl WriterSeat {
    pub(crate) fn new(writer: Writer) -> Self {
        let mut writer = Box::new(writer);
        let numbers = Mutex::new(writer.numbers());
        WriterSeat { seat: Mutex::new(Seat::Free(writer)), free: Condvar::new(), numbers }
    }

    /// A seat that nobody can take.
    pub(crate) fn closed() -> Self {
        WriterSeat { seat: Mutex::new(Seat::Closed), free: Condvar::new(), numbers: Mutex::default() }
    }

    /// The numbers of now, or, while a transaction runs, of when it began. Never waits for it.
    pub(crate) fn numbers(&self) -> SpaceNumbers {
        if let Seat::Free(writer) = &mut *self.seat.lock() {
            *self.numbers.lock() = writer.numbers();
        }
        *self.numbers.lock()
    }

    /// Waits for the other writer to finish.
    pub(crate) fn take(&self) -> Result<Box<Writer>, WriteError> {
        let mut seat = self.seat.lock();
        loop {
            match std::mem::replace(&mut *seat, Seat::Taken) {
                Seat::Free(writer) => return Ok(writer),
                Seat::Taken => self.free.wait(&mut seat),
                Seat::Closed => {
                    *seat = Seat::Closed;
                    self.free.notify_one();
                    return Err(WriteError::Closed);
                }
            }
        }
    }

    /// The writer, if nobody has it.
    pub(crate) fn try_take(&self) -> Result<Option<Box<Writer>>, WriteError> {
        let mut seat = self.seat.lock();
        match std::mem::replace(&mut *seat, Seat::Taken) {
            Seat::Free(writer) => Ok(Some(writer)),
            Seat::Taken => Ok(None),
            Seat::Closed => {
                *seat = Seat::Closed;
                Err(WriteError::Closed)
            }
        }
    }

    pub(crate) fn give_back(&self, mut writer: Box<Writer>) {
        *self.numbers.lock() = writer.numbers();
        *self.seat.lock() = Seat::Free(writer);
        self.free.notify_one();
    }

    pub(crate) fn close(&self) {
        *self.seat.lock() = Seat::Closed;
        self.free.notify_all();
    }
}

/// Registers a new version as the newest.
pub(crate) fn publish(pager: &Pager, writer: &mut Writer, version: Version) {
    let version = Arc::new(version);
    writer.versions.push_back((version.number, Arc::downgrade(&version)));
    *pager.published.write() = version;
}
