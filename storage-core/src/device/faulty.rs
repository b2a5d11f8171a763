//! [`FaultyDevice`]: any device, with faults by a plan (see [`super::faults`]).
//!
//! Must always be true: every read is seen, so nothing is lent from a mapping; after a write or sync that failed here,
//! the wrapper is poisoned as the device itself would be (D6), though the device beneath is not.
//!
//! A failed sync here simply does not happen. What a real disk then loses, only the simulated one knows.

use super::batch::tell;
use super::faults::{Fault, Faults, Injected, Piece};
use super::{
    Arrived, BLOCK_LEN, DeviceInfo, LentPage, Operation, PageDevice, PageDeviceExt, Poison, ReadPage, Result,
    WriteBlock, WritePage,
};
use crate::page::{PageBuf, PageCount, PageId, PageRun};
use std::sync::Arc;

/// A device that fails by a plan.
///
/// ```
/// use std::sync::Arc;
/// use storage_core::device::{DeviceErrorKind, PageDevice, faults::{Fault, FaultRule, Faults}, faulty::FaultyDevice, memory::MemoryDevice, Operation};
/// use storage_core::page::{PageBuf, PageCount, PageId, PageSize};
///
/// let below = Arc::new(MemoryDevice::new(PageSize::K4));
/// let faults = Arc::new(Faults::new(1));
/// faults.add(FaultRule::once(Operation::Sync, 2, Fault::Io));
/// let device = FaultyDevice::new(below, faults);
/// device.sync()?;
/// assert_eq!(device.sync().expect_err("the second one").kind(), DeviceErrorKind::Io);
/// assert_eq!(device.sync().expect_err("and from then on").kind(), DeviceErrorKind::Poisoned);
/// # Ok::<(), storage_core::device::DeviceError>(())
/// ```
#[derive(Debug)]
pub struct FaultyDevice {
    inner: Arc<dyn PageDevice>,
    faults: Arc<Faults>,
    poison: Poison,
}

impl FaultyDevice {
    /// `inner`, with these faults; rules may be added and taken away while it is used.
    pub fn new(inner: Arc<dyn PageDevice>, faults: Arc<Faults>) -> Self {
        FaultyDevice { inner, faults, poison: Poison::default() }
    }

    /// The plan.
    pub fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    fn backend(&self) -> &'static str {
        self.inner.info().backend
    }

    /// Counts a call that can only fail.
    fn may_fail(&self, operation: Operation) -> Result<()> {
        self.faults.next(operation).map_or(Ok(()), |struck| Err(struck.error(self.backend())))
    }

    /// Lets a fault strike a write. A batch that the device would refuse untouched goes to it untouched.
    fn strike(&self, struck: &Injected, pieces: &mut Vec<Piece>) -> Result<()> {
        let info = self.inner.info();
        struck.strike_write(pieces, self.inner.page_count(), info.backend, &mut |piece| {
            let mut page = PageBuf::zeroed(info.page_size.bytes());
            self.inner.read_page(piece.page, &mut page)?;
            Ok(page[piece.offset..piece.offset + piece.data.len()].to_vec())
        })
    }

    /// True if the device beneath will take pages of these numbers and parts of these places.
    fn is_sound<'a>(&self, mut places: impl Iterator<Item = (PageId, usize, &'a [u8])>) -> bool {
        let (count, size) = (self.inner.page_count(), self.inner.info().page_size.bytes());
        places.all(|(page, offset, data)| {
            let whole =
                !data.is_empty() && data.len().is_multiple_of(BLOCK_LEN) && offset.is_multiple_of(BLOCK_LEN);
            count.contains(page) && whole && offset.checked_add(data.len()).is_some_and(|end| end <= size)
        })
    }
}

impl PageDevice for FaultyDevice {
    fn info(&self) -> DeviceInfo {
        DeviceInfo { lends_pages: false, ..self.inner.info() }
    }

    fn page_count(&self) -> PageCount {
        self.inner.page_count()
    }

    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        self.poison.check()?;
        self.may_fail(Operation::Grow)?;
        self.inner.grow(pages)
    }

    fn shrink(&self, pages: PageCount) -> Result<()> {
        self.poison.check()?;
        self.may_fail(Operation::Shrink)?;
        self.inner.shrink(pages)
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        self.poison.check()?;
        let struck = self.faults.next(Operation::Read);
        let Some(struck) = struck else { return self.inner.read_each(batch, arrived) };
        self.inner.read(batch)?;
        let other = &mut |page, buf: &mut [u8]| self.inner.read_page(page, buf);
        struck.strike_read(batch, self.inner.page_count(), self.backend(), other)?;
        tell(batch, arrived);
        Ok(())
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        self.poison.check()?;
        let Some(struck) = self.faults.next(Operation::Write) else { return self.inner.write(batch) };
        if !self.is_sound(batch.iter().map(|w| (w.page, 0, w.data))) {
            return self.inner.write(batch);
        }
        let piece = |w: &WritePage<'_>| Piece { page: w.page, offset: 0, data: w.data.into() };
        let mut pieces = batch.iter().map(piece).collect();
        let result = self.strike(&struck, &mut pieces);
        let left: Vec<_> = pieces.iter().map(|p| WritePage { page: p.page, data: &p.data }).collect();
        let written = if left.is_empty() { Ok(()) } else { self.inner.write(&left) };
        self.poison.guard(result.and(written))
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        self.poison.check()?;
        let Some(struck) = self.faults.next(Operation::WriteDurable) else {
            return self.inner.write_durable(blocks);
        };
        if !self.is_sound(blocks.iter().map(|b| (b.page, b.offset, b.data))) {
            return self.inner.write_durable(blocks);
        }
        let piece = |b: &WriteBlock<'_>| Piece { page: b.page, offset: b.offset, data: b.data.into() };
        let mut pieces = blocks.iter().map(piece).collect();
        let result = self.strike(&struck, &mut pieces);
        let blocks = pieces.iter().map(|p| WriteBlock { page: p.page, offset: p.offset, data: &p.data });
        let left: Vec<_> = blocks.collect();
        let written = if left.is_empty() { Ok(()) } else { self.inner.write_durable(&left) };
        self.poison.guard(result.and(written))
    }

    fn sync(&self) -> Result<()> {
        self.poison.check()?;
        match self.faults.next(Operation::Sync) {
            None => self.inner.sync(),
            Some(struck) if struck.fault == Fault::Lost => Ok(()),
            Some(struck) => self.poison.guard(Err(struck.error(self.backend()))),
        }
    }

    fn prefetch(&self, runs: &[PageRun]) {
        self.inner.prefetch(runs);
    }

    fn mapped(&self, _page: PageId) -> Option<LentPage> {
        None
    }

    fn close(&self) -> Result<()> {
        let struck = self.may_fail(Operation::Close);
        // Whatever is reported, the handle and its lock are given up.
        self.inner.close().and(struck)
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::FaultRule;
    use super::super::sim::SimDevice;
    use super::super::{DeviceErrorKind, Result};
    use super::*;
    use crate::page::PageSize;

    const K4: usize = 4096;

    /// Eight pages; page n is filled with n.
    fn device(rules: &[FaultRule]) -> (Arc<SimDevice>, FaultyDevice) {
        let sim = Arc::new(SimDevice::new(PageSize::K4, 1));
        sim.grow(PageCount::new(8)).unwrap();
        for n in 0..8 {
            sim.write_page(PageId::new(n), &[n as u8; K4]).unwrap();
        }
        sim.sync().unwrap();
        let faults = Arc::new(Faults::new(9));
        rules.iter().for_each(|rule| faults.add(*rule));
        (sim.clone(), FaultyDevice::new(sim, faults))
    }

    fn kind<T: std::fmt::Debug>(result: Result<T>) -> DeviceErrorKind {
        result.unwrap_err().kind()
    }

    fn page(device: &dyn PageDevice, page: u64) -> Vec<u8> {
        let mut buf = vec![0; K4];
        device.read_page(PageId::new(page), &mut buf).unwrap();
        buf
    }

    #[test]
    fn after_a_failed_write_or_sync_everything_fails_with_the_first_cause() {
        for operation in [Operation::Write, Operation::WriteDurable, Operation::Sync] {
            let (_, faulty) = device(&[FaultRule::once(operation, 1, Fault::Io)]);
            let data = [9; K4];
            let first = match operation {
                Operation::Write => faulty.write_page(PageId::new(1), &data),
                Operation::Sync => faulty.sync(),
                _ => faulty.write_durable(&[WriteBlock { page: PageId::new(1), offset: 0, data: &data }]),
            };
            let first = first.unwrap_err();
            assert_eq!((first.kind(), first.operation()), (DeviceErrorKind::Io, operation));
            assert_eq!(first.os_error().and_then(|e| e.raw_os_error()), Some(5));
            for later in [
                faulty.sync(),
                faulty.write_page(PageId::new(2), &data),
                faulty.read_page(PageId::new(0), &mut [0; K4]),
                faulty.grow(PageCount::new(9)).map(|_| ()),
            ] {
                let later = later.unwrap_err();
                assert_eq!((later.kind(), later.operation()), (DeviceErrorKind::Poisoned, operation));
            }
            assert!(faulty.close().is_ok(), "closing always works");
        }
    }

    #[test]
    fn a_full_disk_in_grow_and_a_failed_read_poison_nothing() {
        let rules = [
            FaultRule::once(Operation::Grow, 1, Fault::DiskFull),
            FaultRule::once(Operation::Read, 1, Fault::Io),
        ];
        let (_, faulty) = device(&rules);
        assert_eq!(kind(faulty.grow(PageCount::new(20))), DeviceErrorKind::DiskFull);
        assert_eq!(kind(faulty.read_page(PageId::new(0), &mut [0; K4])), DeviceErrorKind::Io);
        assert_eq!(faulty.page_count(), PageCount::new(8));
        assert!(faulty.grow(PageCount::new(20)).is_ok() && faulty.sync().is_ok());
        assert_eq!(page(&faulty, 3), [3; K4]);
    }

    #[test]
    fn short_transfers_are_reported_never_passed_over() {
        let (sim, faulty) = device(&[FaultRule::once(Operation::Read, 1, Fault::Short)]);
        assert_eq!(kind(faulty.read_page(PageId::new(1), &mut [0; K4])), DeviceErrorKind::ShortFile);
        faulty.faults().add(FaultRule::once(Operation::Write, 1, Fault::Short));
        assert_eq!(kind(faulty.write_page(PageId::new(1), &[9; K4])), DeviceErrorKind::Io);
        let torn = page(&*sim, 1);
        let end = torn.iter().take_while(|b| **b == 9).count();
        assert!(end < K4 && end.is_multiple_of(512) && torn[end..].iter().all(|b| *b == 1));
    }

    #[test]
    fn lost_misdirected_and_flipped_writes_are_reported_as_successes() {
        let write = |fault| {
            let (sim, faulty) = device(&[FaultRule::once(Operation::Write, 1, fault)]);
            faulty.write_page(PageId::new(1), &[9; K4]).unwrap();
            assert_eq!(faulty.faults().injected(), 1);
            (0..8).map(|n| page(&*sim, n)).collect::<Vec<_>>()
        };
        let lost = write(Fault::Lost);
        assert!((0..8).all(|n| lost[n] == [n as u8; K4]));
        let misdirected = write(Fault::Misdirected);
        assert_eq!(misdirected[1], [1; K4]);
        assert_eq!((0..8).filter(|n| misdirected[*n] == [9; K4]).count(), 1);
        let flipped = write(Fault::FlipBit);
        let bits: u32 = flipped[1].iter().map(|b| (b ^ 9).count_ones()).sum();
        assert_eq!(bits, 1);
    }

    #[test]
    fn a_read_may_return_another_page_or_a_turned_bit_once() {
        let (_, faulty) = device(&[
            FaultRule::once(Operation::Read, 1, Fault::Misdirected),
            FaultRule::once(Operation::Read, 2, Fault::FlipBit),
        ]);
        let wrong = page(&faulty, 5);
        assert!(wrong[0] != 5 && wrong.iter().all(|b| *b == wrong[0]));
        assert_eq!(page(&faulty, 5).iter().map(|b| (b ^ 5).count_ones()).sum::<u32>(), 1);
        assert_eq!(page(&faulty, 5), [5; K4]);
    }

    #[test]
    fn a_batch_the_device_would_refuse_is_refused_and_poisons_nothing() {
        let (_, faulty) = device(&[FaultRule::from_then_on(None, 1, Fault::Io)]);
        assert_eq!(kind(faulty.write_page(PageId::new(8), &[0; K4])), DeviceErrorKind::OutOfBounds);
        assert_eq!(kind(faulty.write_page(PageId::new(1), &[0; 100])), DeviceErrorKind::InvalidRequest);
        let block = WriteBlock { page: PageId::new(1), offset: 512, data: &[0; K4] };
        assert_eq!(kind(faulty.write_durable(&[block])), DeviceErrorKind::InvalidRequest);
        faulty.faults().clear();
        assert!(faulty.sync().is_ok());
    }

    #[test]
    fn a_sync_that_lies_makes_nothing_durable() {
        let (sim, faulty) = device(&[FaultRule::once(Operation::Sync, 1, Fault::Lost)]);
        faulty.write_page(PageId::new(1), &[9; K4]).unwrap();
        faulty.sync().unwrap();
        assert_eq!(sim.pending().count(), 1);
        faulty.sync().unwrap();
        assert_eq!(sim.pending().count(), 0);
    }
}
