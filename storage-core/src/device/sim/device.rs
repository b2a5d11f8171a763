//! [`SimDevice`]: the page device over the simulated disk.
//!
//! `read` sees the volatile image; every changing call is a [`Step`] that goes into the journal and into what is
//! unsynced. Faults strike in `inject.rs`; opening a crash state is in `open.rs`.

use super::image::is_zero;
use super::journal::{Block, Journal, Step};
use super::pending::Pending;
use super::{Image, Rng};
use crate::device::batch::{Site, tell};
use crate::device::faults::{Fault, Faults, Piece};
use crate::device::{
    Arrived, BLOCK_LEN, BlockWrites, DeviceErrorKind, DeviceInfo, Growth, LentPage, Operation, PageDevice,
    Poison, ReadPage, Result, WriteBlock, WritePage,
};
use crate::page::{PageCount, PageId, PageRun, PageSize};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

pub(super) const BACKEND: &str = "simulated";
pub(super) const SITE: Site = Site { backend: BACKEND, path: None };

/// Pages that a simulated disk holds unless it is told otherwise: a garbage length must not take all memory.
const CAPACITY: PageCount = PageCount::new(1 << 24);

/// A simulated disk; see the module.
///
/// ```
/// use std::sync::Arc;
/// use storage_core::device::{PageDevice, PageDeviceExt, sim::{Rng, SimDevice}};
/// use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
///
/// let device = SimDevice::new(PageSize::K4, 1);
/// device.grow(PageCount::new(1))?;
/// device.sync()?;
/// device.write_page(PageId::new(0), &[1; 4096])?;
/// // The power goes: what was not synced is there, or not, or a part of it is.
/// let left = device.crash(&mut Rng::new(2));
/// assert_eq!(left.page_count(), PageCount::new(1));
/// device.sync()?;
/// assert_eq!(device.crash(&mut Rng::new(2)).page(PageId::new(0)), Some([1; 4096].as_slice()));
/// # Ok::<(), storage_core::device::DeviceError>(())
/// ```
#[derive(Debug)]
pub struct SimDevice {
    size: PageSize,
    growth: Growth,
    capacity: Mutex<PageCount>,
    poison: Poison,
    poisons: AtomicBool,
    closed: AtomicBool,
    faults: Faults,
    zeros: Arc<[u8]>,
    pub(super) state: Mutex<Disk>,
}

#[derive(Debug)]
pub(super) struct Disk {
    pub volatile: Image,
    pub pending: Pending,
    pub journal: Journal,
}

impl Disk {
    /// Records a step and what it does to the disk; the volatile image is the caller's business.
    pub fn step(&mut self, step: Step) {
        self.pending.apply(&step);
        self.journal.push(step);
    }
}

/// A page of zeros, which all disks share.
fn zeros(size: PageSize) -> Arc<[u8]> {
    static ZEROS: [OnceLock<Arc<[u8]>>; 17] = [const { OnceLock::new() }; 17];
    ZEROS[size.bytes().ilog2() as usize].get_or_init(|| vec![0; size.bytes()].into()).clone()
}

impl SimDevice {
    /// An empty disk. The seed decides what faults leave open.
    pub fn new(size: PageSize, seed: u64) -> Self {
        Self::over(Image::new(size), seed)
    }

    /// A disk with these contents, all durable, whatever they are.
    pub(super) fn over(image: Image, seed: u64) -> Self {
        let pending = Pending::nothing(image.clone());
        SimDevice {
            size: image.page_size(),
            growth: Growth::Reserved,
            capacity: Mutex::new(CAPACITY),
            poison: Poison::default(),
            poisons: AtomicBool::new(true),
            closed: AtomicBool::new(false),
            faults: Faults::new(seed),
            zeros: zeros(image.page_size()),
            state: Mutex::new(Disk { volatile: image, journal: Journal::new(pending.clone()), pending }),
        }
    }

    /// How the disk grows; reserved unless said otherwise. With [`Growth::LengthOnly`] growth always succeeds, and a
    /// write to a page never written before finds the disk full instead.
    pub fn with_growth(mut self, growth: Growth) -> Self {
        self.growth = growth;
        self
    }

    /// Room for this many pages, from now on.
    pub fn set_capacity(&self, pages: PageCount) {
        *self.capacity.lock() = pages;
    }

    /// The faults that will strike.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Whether the device refuses everything after a failed write or sync (D6), as real ones do. Switched off, a
    /// second sync succeeds though the first lost data, and the caller has to have noticed.
    pub fn set_poisoning(&self, on: bool) {
        self.poisons.store(on, Ordering::SeqCst);
    }

    /// Puts a mark into the journal: "commit 3 started", "commit 3 acknowledged", in whatever numbers.
    pub fn mark(&self, mark: u64) {
        self.state.lock().step(Step::Mark(mark));
    }

    /// Everything that happened since the device was made, or since [`SimDevice::restart_journal`].
    pub fn journal(&self) -> Journal {
        self.state.lock().journal.clone()
    }

    /// Forgets the history: the journal begins anew with what is durable and what is unsynced now.
    pub fn restart_journal(&self) {
        let mut disk = self.state.lock();
        disk.journal = Journal::new(disk.pending.clone());
    }

    /// What would be there and what could be lost if the power went now.
    pub fn pending(&self) -> Pending {
        self.state.lock().pending.clone()
    }

    /// What `read` sees.
    pub fn volatile(&self) -> Image {
        self.state.lock().volatile.clone()
    }

    /// A random state that a power cut now could leave.
    pub fn crash(&self, rng: &mut Rng) -> Image {
        self.pending().random(rng)
    }

    /// The disk as the next process finds it after this one was killed and the power stayed: it reads what was
    /// written, and what was unsynced still is. Also a cheap copy to try something on. Without faults, poison and
    /// history.
    pub fn fork(&self, seed: u64) -> SimDevice {
        let disk = self.state.lock();
        let mut fork = Self::over(disk.volatile.clone(), seed).with_growth(self.growth);
        fork.set_capacity(*self.capacity.lock());
        let pending = disk.pending.clone();
        *fork.state.get_mut() =
            Disk { volatile: disk.volatile.clone(), journal: Journal::new(pending.clone()), pending };
        fork
    }

    /// Damage: bits of a durable page turn by themselves. A page that is unsynced is still read whole, until a crash.
    pub fn flip_at_rest(&self, page: PageId, byte: usize, mask: u8) {
        let mut disk = self.state.lock();
        let there = disk.pending.durable().page_count().contains(page);
        if there && disk.pending.units().iter().all(|unit| unit.page() != Some(page)) {
            disk.volatile.flip(page, byte, mask);
        }
        disk.step(Step::Flip { page, byte, mask });
    }

    fn enter(&self, operation: Operation) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(SITE.error(DeviceErrorKind::Closed, operation));
        }
        if self.poisons.load(Ordering::SeqCst) { self.poison.check() } else { Ok(()) }
    }

    fn guard(&self, result: Result<()>) -> Result<()> {
        if self.poisons.load(Ordering::SeqCst) { self.poison.guard(result) } else { result }
    }

    /// A copy; all pages of zeros are one, for many are written where space is made ready.
    fn bytes_of(&self, data: &[u8]) -> Arc<[u8]> {
        if is_zero(data) { self.zeros.clone() } else { Arc::from(data) }
    }

    /// A fault of a call that can only fail.
    fn may_fail(&self, operation: Operation) -> Result<()> {
        self.faults.next(operation).map_or(Ok(()), |struck| Err(struck.error(BACKEND)))
    }

    /// With growth that reserves nothing, a write may find the disk full.
    fn check_room(
        &self,
        disk: &Disk,
        operation: Operation,
        pages: impl Iterator<Item = PageId>,
    ) -> Result<()> {
        if self.growth == Growth::Reserved {
            return Ok(());
        }
        let new = pages.filter(|page| !disk.volatile.is_stored(*page)).count() as u64;
        if new > 0 && disk.volatile.stored() + new > self.capacity.lock().get() {
            return Err(SITE.error(DeviceErrorKind::DiskFull, operation));
        }
        Ok(())
    }
}

/// Splits checked durable writes into blocks.
fn block_pieces(blocks: &[WriteBlock<'_>]) -> Vec<Piece> {
    let parts = |block: &WriteBlock<'_>| {
        let (page, offset) = (block.page, block.offset);
        let piece = move |(n, data): (usize, &[u8])| Piece {
            page,
            offset: offset + n * BLOCK_LEN,
            data: data.into(),
        };
        block.data.chunks(BLOCK_LEN).enumerate().map(piece).collect::<Vec<_>>()
    };
    blocks.iter().flat_map(parts).collect()
}

impl PageDevice for SimDevice {
    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            backend: BACKEND,
            requested: None,
            fallback: None,
            path: None,
            page_size: self.size,
            read_only: false,
            growth: self.growth,
            block_writes: BlockWrites::WriteThrough,
            direct_io: false,
            lends_pages: false,
            parallel_reads: false,
            persistent: false,
        }
    }

    fn page_count(&self) -> PageCount {
        self.state.lock().volatile.page_count()
    }

    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        self.enter(Operation::Grow)?;
        let mut disk = self.state.lock();
        self.may_fail(Operation::Grow)?;
        let now = disk.volatile.page_count();
        if pages <= now {
            return Ok(now);
        }
        let room = if self.growth == Growth::Reserved { *self.capacity.lock() } else { CAPACITY };
        if pages > room {
            return Err(SITE.error(DeviceErrorKind::DiskFull, Operation::Grow));
        }
        disk.volatile.set_len(pages);
        disk.step(Step::Grow(pages));
        Ok(pages)
    }

    fn shrink(&self, pages: PageCount) -> Result<()> {
        self.enter(Operation::Shrink)?;
        let mut disk = self.state.lock();
        self.may_fail(Operation::Shrink)?;
        let now = disk.volatile.page_count();
        if pages > now {
            let error = SITE.error(DeviceErrorKind::InvalidRequest, Operation::Shrink);
            return Err(error.detail("beyond the end"));
        }
        if pages < now {
            disk.volatile.set_len(pages);
            disk.step(Step::Shrink(pages));
        }
        Ok(())
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        self.enter(Operation::Read)?;
        let disk = self.state.lock();
        let count = disk.volatile.page_count();
        SITE.check_reads(batch, self.size, count)?;
        let copy = |page: PageId, buf: &mut [u8]| {
            let short = || SITE.error(DeviceErrorKind::ShortFile, Operation::Read).at(page, 1);
            buf.copy_from_slice(disk.volatile.page(page).ok_or_else(short)?);
            Ok(())
        };
        let struck = self.faults.next(Operation::Read);
        for read in batch.iter_mut() {
            copy(read.page, read.buf)?;
        }
        struck.map_or(Ok(()), |struck| struck.strike_read(batch, count, BACKEND, &mut { copy }))?;
        drop(disk);
        tell(batch, arrived);
        Ok(())
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        self.enter(Operation::Write)?;
        let mut disk = self.state.lock();
        SITE.check_writes(batch, self.size, disk.volatile.page_count())?;
        let room = self.check_room(&disk, Operation::Write, batch.iter().map(|w| w.page));
        self.guard(room)?;
        let piece = |w: &WritePage<'_>| Piece { page: w.page, offset: 0, data: self.bytes_of(w.data) };
        let mut pieces = batch.iter().map(piece).collect();
        let struck = self.faults.next(Operation::Write);
        let result = struck.map_or(Ok(()), |struck| self.strike(&disk, &struck, &mut pieces));
        self.apply_pages(&mut disk, pieces);
        self.guard(result)
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        self.enter(Operation::WriteDurable)?;
        let mut disk = self.state.lock();
        SITE.check_blocks(blocks, self.size, disk.volatile.page_count())?;
        let mut pieces = block_pieces(blocks);
        let mut pages: Vec<PageId> = pieces.iter().map(|piece| piece.page).collect();
        pages.dedup();
        let room = self.check_room(&disk, Operation::WriteDurable, pages.into_iter());
        self.guard(room)?;
        let struck = self.faults.next(Operation::WriteDurable);
        let result = struck.map_or(Ok(()), |struck| self.strike(&disk, &struck, &mut pieces));
        let block = |p: Piece| Block { page: p.page, index: p.offset / BLOCK_LEN, data: p.data };
        self.apply_blocks(&mut disk, pieces.into_iter().map(block).collect(), result.is_ok());
        self.guard(result)
    }

    fn sync(&self) -> Result<()> {
        self.enter(Operation::Sync)?;
        let mut disk = self.state.lock();
        match self.faults.next(Operation::Sync) {
            None => disk.step(Step::Sync),
            Some(struck) if struck.fault == Fault::Lost => {}
            Some(struck) => {
                disk.step(Step::SyncFailed(struck.entropy));
                return self.guard(Err(struck.error(BACKEND)));
            }
        }
        Ok(())
    }

    fn prefetch(&self, _runs: &[PageRun]) {}

    fn mapped(&self, _page: PageId) -> Option<LentPage> {
        None
    }

    fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        self.may_fail(Operation::Close)
    }
}
