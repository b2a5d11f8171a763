//! On disk before indexed, observed: a recorded device under the whole engine, on every device.
//!
//! For every page write that names other pages, those were written before (I1); for every root record, all that it
//! reaches was synced before (I2); no page that the durable root reaches is written or cut (A2). What a page names is
//! read out of the recorded bytes. `planted` shows that each of these is noticed when it is broken.

use crate::harness::{Bench, Device};
use crate::history::{self, LARGE, Scale};
use foliograph::storage_core::conformance::watch::{Breach, OrderWatch, Seen};
use foliograph::storage_core::device::PageDevice;
use foliograph::storage_core::device::recorded::{Record, RecordedDevice};
use foliograph::{Database, Options, PageSize, page_references};
use rstest::rstest;
use std::sync::Arc;

/// A recorded device over another one.
pub fn recorded(device: Arc<dyn PageDevice>) -> Arc<RecordedDevice> {
    let device = RecordedDevice::new(device, true);
    device.keep_contents_of_reads(false);
    Arc::new(device)
}

/// Commits of the mixed history, with reads in between so that the small cache is fought over.
pub fn tell(db: &Database, commits: std::ops::Range<u64>, scale: Scale) -> Result<(), String> {
    let said = |e: &dyn std::fmt::Display| e.to_string();
    for n in commits {
        if n % 3 == 2 {
            // Thought better of: what it wrote is nobody's.
            let mut tx = db.begin_write().map_err(|e| said(&e))?;
            history::change(&mut tx, n + 1000, scale).map_err(|e| said(&e))?;
            tx.abort();
        }
        let mut tx = db.begin_write().map_err(|e| said(&e))?;
        history::change(&mut tx, n, scale).map_err(|e| said(&e))?;
        tx.commit().map_err(|e| said(&e))?;
        history::contents(&db.begin_read().map_err(|e| said(&e))?).map_err(|e| said(&e))?;
    }
    Ok(())
}

/// What was broken, and how much was looked at: record by record, so that it is known after how many it shows.
pub fn watch(lives: &[Vec<Record>], picked: fn(&Breach) -> bool) -> (Option<(usize, Breach)>, Seen) {
    let mut watch = OrderWatch::new(&page_references);
    let (mut count, mut first) = (0, None);
    for life in lives {
        for record in life {
            count += 1;
            watch.see(std::slice::from_ref(record));
            if first.is_none() {
                first = watch.breaches().iter().find(|b| picked(b)).map(|b| (count, b.clone()));
            }
        }
        watch.reopened();
    }
    (first, watch.seen())
}

/// Pages are flushed early, and the cache holds 16 of them.
pub fn tight(options: &Options) -> Options {
    options.clone().cache_pages(16).memory_budget(64 << 10)
}

#[rstest]
fn pages_are_on_disk_before_anything_names_them_and_durable_before_a_root_reaches_them(
    #[values(Device::File, Device::Mmap, Device::Uring, Device::Memory, Device::Simulated)] device: Device,
    #[values(PageSize::K4, PageSize::K16)] size: PageSize,
) {
    if !device.runs_here() {
        return;
    }
    let bench = Bench::new(device, size, 16);
    let options = tight(&bench.options);
    let mut lives = Vec::new();
    for life in 0..3 {
        let device = recorded(if life == 0 { bench.create_device() } else { bench.open_device() });
        let db = if life == 0 {
            options.create_device(device.clone())
        } else {
            options.open_device(device.clone())
        };
        let db = db.expect("it opens");
        let before = if life == 1 { Some(db.begin_read().expect("a snapshot")) } else { None };
        tell(&db, life * 4..life * 4 + 4, LARGE).expect("the history runs");
        assert_eq!(db.check().expect("checked").findings, []);
        drop(before);
        db.close().expect("closed");
        lives.push(device.take());
    }
    let (breach, seen) = watch(&lives, |_| true);
    assert_eq!(breach, None, "{device:?}");
    assert!(
        seen.roots >= 24 && seen.pages > 2000 && seen.names > 20_000 && seen.durable > 10_000,
        "{seen:?}"
    );
    eprintln!("{device:?} {size}: {seen:?}");
}
