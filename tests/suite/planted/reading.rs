//! Reading: snapshots that are held, writes that a disk loses, and what the cache holds.

use super::states::{COMMITS, run};
use super::{Caught, arm, caught, options, said};
use crate::history::{self, Contents, SMALL};
use crate::traces::guarded;
use foliograph::storage_core::device::Operation;
use foliograph::storage_core::device::faults::{Fault, FaultRule};
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::device::sim::SimDevice;
use foliograph::storage_core::page::{PageId, PageImage, PageKind};
use foliograph::storage_core::pager::{FIXED_PAGES, Pager, PagerOptions, ReadPages};
use foliograph::storage_core::planted::Bug;
use foliograph::{Durability, PageSize};
use std::sync::Arc;

/// Holds a snapshot of every version while the history goes on, until one changes.
fn held(bugs: &[Bug], durability: Durability) -> Result<u64, Caught> {
    let expected = history::expected(&options(), 10, SMALL);
    let options = options().durability(durability).memory_budget(1 << 20);
    arm(bugs, || {
        let db = options.create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("a new store");
        let mut held = Vec::new();
        for n in 0..10 {
            caught(n + 1, || {
                let mut tx = db.begin_write().map_err(said)?;
                history::change(&mut tx, n, SMALL).map_err(said)?;
                tx.commit().map_err(said)?;
                held.push((db.begin_read().map_err(said)?, n as usize + 1));
                if let Some(checkpoint) = db.begin_checkpoint().map_err(said)? {
                    checkpoint.finish().map_err(said)?;
                }
                held.iter().try_for_each(|(snapshot, version)| {
                    let found = history::contents(snapshot).map_err(|e| format!("version {version}: {e}"))?;
                    let different = history::difference(&found, &expected[*version]);
                    different.map_or(Ok(()), |d| Err(format!("version {version}: {d}")))
                })
            })?;
        }
        let logged = if durability == Durability::Full { 10 } else { 0 };
        assert_eq!(db.pager().stats().log.commits, logged);
        Ok(10)
    })
}

pub(super) fn held_snapshots(bugs: &[Bug]) -> Result<u64, Caught> {
    held(bugs, Durability::Checkpoint)
}

/// Commits go through the log, and after each there is a checkpoint beside.
pub(super) fn held_over_checkpoints(bugs: &[Bug]) -> Result<u64, Caught> {
    held(bugs, Durability::Full)
}

/// One byte of every page in turn is damaged, somewhere in what it says: an error, or nobody needed the page.
pub(super) fn damaged_pages(bugs: &[Bug]) -> Result<u64, Caught> {
    let expected = history::expected(&options(), COMMITS, SMALL).pop().expect("the last");
    let device = Arc::new(SimDevice::new(PageSize::K4, 1));
    run(&device).expect("no fault was planned");
    let (image, mut noticed) = (device.volatile(), 0);
    let pages = FIXED_PAGES..image.page_count().get();
    for (after, page) in (1..).zip(pages) {
        let mut damaged = image.clone();
        damaged.flip(PageId::new(page), 2000, 0x10);
        let found = arm(bugs, || {
            guarded(|| {
                let opened = Arc::new(SimDevice::from_image(damaged).map_err(said)?);
                let db = options().open_device(opened).map_err(said)?;
                history::contents(&db.begin_read().map_err(said)?).map_err(said)
            })
        });
        match found {
            Ok(found) => match history::difference(&found, &expected) {
                Some(why) => return Err(Caught { after, why: format!("page {page}: {why}") }),
                None => continue,
            },
            Err(why) if why.starts_with("it panics") => return Err(Caught { after, why }),
            Err(_) => noticed += 1,
        }
    }
    assert!(noticed > 5, "{noticed}");
    Ok(image.page_count().get() - FIXED_PAGES)
}

/// What became of a lost write.
#[derive(PartialEq, Eq, Debug)]
enum Fate {
    /// Nobody needed the page.
    Harmless,
    /// An error said so.
    Noticed,
    /// A wrong answer, or a panic.
    Wrong(String),
}

/// Loses a page of the nth write of the disk, which says nothing of it.
fn lost_write(nth: u64, bugs: &[Bug], expected: &Contents) -> Fate {
    let device = Arc::new(SimDevice::new(PageSize::K4, nth));
    device.faults().add(FaultRule::once(Operation::Write, nth, Fault::Lost));
    let found = arm(bugs, || {
        guarded(|| {
            run(&device)?;
            let opened = SimDevice::from_image(device.volatile()).map_err(said)?;
            let db = options().open_device(Arc::new(opened)).map_err(said)?;
            history::contents(&db.begin_read().map_err(said)?).map_err(said)
        })
    });
    match found {
        Ok(found) => history::difference(&found, expected).map_or(Fate::Harmless, Fate::Wrong),
        Err(why) if why.starts_with("it panics") => Fate::Wrong(why),
        Err(_) => Fate::Noticed,
    }
}

/// Loses each write of a history in turn, until an older life of a page passes for the page.
pub(super) fn lost_writes(bugs: &[Bug]) -> Result<u64, Caught> {
    let expected = history::expected(&options(), COMMITS, SMALL).pop().expect("the last");
    let device = Arc::new(SimDevice::new(PageSize::K4, 1));
    run(&device).expect("no fault was planned");
    let writes = device.faults().calls(Operation::Write);
    let mut noticed = 0;
    for after in 1..=writes {
        match lost_write(after, bugs, &expected) {
            Fate::Wrong(why) => return Err(Caught { after, why }),
            fate => noticed += u64::from(fate == Fate::Noticed),
        }
    }
    assert!(noticed > writes / 8, "{noticed} of {writes}");
    Ok(writes)
}

/// A page is cached, freed, and its place is written anew: how many pages the cache held before and holds then.
fn cache_after_a_new_life() -> (usize, usize) {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let pager = Pager::create(device, &PagerOptions::default()).expect("a new store");
    let page = |fill: u8| {
        let mut image = PageImage::new(PageSize::K4, PageKind::Record, 0);
        image.bytes_mut()[100] = fill;
        image.set_used(101);
        image
    };
    let write = |fill: u8| {
        let mut tx = pager.begin_write().expect("begun");
        tx.root().into_iter().for_each(|old| tx.free(old));
        let new = tx.write(vec![page(fill)]).expect("written")[0];
        tx.commit(Some(new)).expect("committed");
        new
    };
    let first = write(1);
    assert_eq!(pager.begin_read().page(first, PageKind::Record).expect("read")[100], 1);
    let held = |pager: &Pager| pager.stats().cache_pages;
    let before = held(&pager);
    let places: Vec<_> = (2..9).map(|fill| write(fill).page()).collect();
    assert!(places.contains(&first.page()), "its place was written again: {places:?}");
    (before, held(&pager))
}

/// The cache forgets a page that is written anew.
pub(super) fn cached_after_a_new_life(bugs: &[Bug]) -> Result<u64, Caught> {
    match arm(bugs, cache_after_a_new_life) {
        (1, 0) => Ok(1),
        held => Err(Caught {
            after: 1,
            why: format!("before and after a page's new life the cache holds {held:?}"),
        }),
    }
}

/// Reads everything after every commit, with a cache that holds it all.
pub(super) fn warm_reads(bugs: &[Bug]) -> Result<u64, Caught> {
    let expected = history::expected(&options(), 8, SMALL);
    let options = options().cache_pages(4096);
    arm(bugs, || {
        let db = options.create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("a new store");
        for n in 0..8 {
            caught(n + 1, || {
                let mut tx = db.begin_write().map_err(said)?;
                history::change(&mut tx, n, SMALL).map_err(said)?;
                tx.commit().map_err(said)?;
                let found = history::contents(&db.begin_read().map_err(said)?).map_err(said)?;
                history::difference(&found, &expected[n as usize + 1]).map_or(Ok(()), Err)
            })?;
        }
        Ok(8)
    })
}

#[test]
fn a_stale_page_is_kept_from_readers_by_the_check_of_its_reference() {
    assert_eq!(warm_reads(&[Bug::CheckNotCompared]).ok(), Some(8), "the cache is not stale");
    assert_eq!(warm_reads(&[Bug::StaleCache]).ok(), Some(8), "the check is compared");
}
