//! Negative controls: devices that break one promise each, which the suite must notice.

use super::{CASES, Capability, Fixture};
use crate::device::batch::tell;
use crate::device::memory::MemoryDevice;
use crate::device::{
    Arrived, DeviceInfo, LentPage, PageDevice, PageDeviceExt, ReadPage, Result, WriteBlock, WritePage,
};
use crate::page::{PageCount, PageId, PageRun, PageSize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The promise that is broken.
#[derive(Copy, Clone, Debug, PartialEq)]
enum Lie {
    /// None: the control of the controls.
    Honest,
    /// The last page of a batch is not written.
    ForgetsTheLast,
    /// A batch is read in another order than it was asked for.
    MixesUpReads,
    /// Of a batch only one page is told of.
    TellsOfTheFirstOnly,
    /// Pages are told of once more.
    TellsTwice,
    /// A page is told of with the bytes of another one.
    TellsOfAnother,
    /// A smaller wish cuts the device.
    GrowCuts,
    /// A write beyond the end makes the device longer.
    WriteGrows,
    /// A durable block goes to the start of its page.
    BlocksAtTheStart,
    /// Advice about pages beyond the end makes the device longer.
    PrefetchGrows,
    /// A cut page comes back with what it held.
    ShrinkKeepsBytes,
    /// A closed device still works.
    CloseDoesNothing,
}

#[derive(Debug)]
struct Liar {
    inner: MemoryDevice,
    lie: Lie,
}

impl PageDevice for Liar {
    fn info(&self) -> DeviceInfo {
        self.inner.info()
    }

    fn page_count(&self) -> PageCount {
        self.inner.page_count()
    }

    fn grow(&self, pages: PageCount) -> Result<PageCount> {
        if self.lie == Lie::GrowCuts && pages < self.page_count() {
            self.inner.shrink(pages)?;
        }
        self.inner.grow(pages)
    }

    fn shrink(&self, pages: PageCount) -> Result<()> {
        if self.lie != Lie::ShrinkKeepsBytes {
            return self.inner.shrink(pages);
        }
        let before = self.inner.image();
        let long = self.page_count();
        self.inner.shrink(pages)?;
        self.inner.grow(long)?;
        self.inner.store().tamper(|bytes| bytes.copy_from_slice(&before));
        Ok(())
    }

    fn read_each(&self, batch: &mut [ReadPage<'_>], arrived: Arrived<'_>) -> Result<()> {
        self.inner.read(batch)?;
        if self.lie == Lie::MixesUpReads
            && let [first, .., last] = batch
        {
            first.buf.swap_with_slice(last.buf);
        }
        match (self.lie, &mut *batch) {
            (Lie::TellsOfTheFirstOnly, [first, ..]) => tell(std::slice::from_ref(first), arrived),
            (Lie::TellsTwice, [_, _, ..]) => {
                tell(batch, &mut *arrived);
                tell(batch, arrived);
            }
            (Lie::TellsOfAnother, [first, .., last]) => arrived(first.page, last.buf),
            _ => tell(batch, arrived),
        }
        Ok(())
    }

    fn write(&self, batch: &[WritePage<'_>]) -> Result<()> {
        match batch {
            [first @ .., _] if self.lie == Lie::ForgetsTheLast && !first.is_empty() => {
                self.inner.write(first)
            }
            [one] if self.lie == Lie::WriteGrows && one.page.get() < 1000 => {
                self.inner.grow(PageCount::new(one.page.get() + 1))?;
                self.inner.write(batch)
            }
            _ => self.inner.write(batch),
        }
    }

    fn write_durable(&self, blocks: &[WriteBlock<'_>]) -> Result<()> {
        match self.lie {
            Lie::BlocksAtTheStart => {
                let moved: Vec<_> = blocks.iter().map(|block| WriteBlock { offset: 0, ..*block }).collect();
                self.inner.write_durable(&moved)
            }
            _ => self.inner.write_durable(blocks),
        }
    }

    fn sync(&self) -> Result<()> {
        self.inner.sync()
    }

    fn prefetch(&self, runs: &[PageRun]) {
        if self.lie == Lie::PrefetchGrows && runs.iter().any(|run| run.start.get() == self.page_count().get())
        {
            self.inner.grow(PageCount::new(self.page_count().get() + 1)).expect("memory grows");
        }
    }

    fn mapped(&self, _: PageId) -> Option<LentPage> {
        None
    }

    fn close(&self) -> Result<()> {
        if self.lie == Lie::CloseDoesNothing { Ok(()) } else { self.inner.close() }
    }
}

struct Lying(Lie);

impl Fixture for Lying {
    fn create(&self, size: PageSize) -> Result<Arc<dyn PageDevice>> {
        Ok(Arc::new(Liar { inner: MemoryDevice::new(size), lie: self.0 }))
    }

    fn offers(&self, _: Capability) -> bool {
        false
    }
}

/// The cases that notice the lie.
fn noticed_by(lie: Lie) -> Vec<&'static str> {
    let broken = |case: &&super::Case| {
        catch_unwind(AssertUnwindSafe(|| case.run_if_offered(&Lying(lie), PageSize::K16))).is_err()
    };
    CASES.iter().filter(broken).map(|case| case.name).collect()
}

#[test]
fn every_broken_promise_is_noticed_and_an_honest_device_passes() {
    assert_eq!(noticed_by(Lie::Honest), Vec::<&str>::new());
    for (lie, case) in [
        (Lie::ForgetsTheLast, "a_batch_takes_neighbours_gaps_and_any_order"),
        (Lie::MixesUpReads, "a_batch_takes_neighbours_gaps_and_any_order"),
        (Lie::TellsOfTheFirstOnly, "a_batch_tells_of_each_page_once"),
        (Lie::TellsTwice, "a_batch_tells_of_each_page_once"),
        (Lie::TellsOfAnother, "a_batch_tells_of_each_page_once"),
        (Lie::GrowCuts, "grow_never_shortens"),
        (Lie::WriteGrows, "pages_out_of_bounds_are_refused_and_nothing_grows"),
        (Lie::BlocksAtTheStart, "durable_blocks_change_only_themselves"),
        (Lie::PrefetchGrows, "prefetch_is_only_advice"),
        (Lie::ShrinkKeepsBytes, "shrink_cuts_and_regrown_pages_are_zero"),
        (Lie::CloseDoesNothing, "a_closed_device_refuses_everything"),
    ] {
        let noticed = noticed_by(lie);
        assert!(noticed.contains(&case), "{lie:?} was noticed by {noticed:?} only");
    }
}

#[test]
fn the_names_of_the_cases_are_unique() {
    let mut names: Vec<_> = CASES.iter().map(|case| case.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}
