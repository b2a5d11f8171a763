//! Compacting that is watched, and stopped at every place where it can be.

use super::{contents, fill, sound, store};
use crate::algo::{Control, Progress};
use crate::{Compacted, Database, NodeId, Options, ReadError, WriteError, props};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::device::sim::Rng;

/// A store that was not closed: opening it again is what a killed process leaves to do.
fn opened(image: &[u8]) -> (Arc<MemoryDevice>, Database) {
    let device = Arc::new(MemoryDevice::from_image(image.to_vec(), None).expect("a store"));
    let db = Options::new().background(false).open_device(device.clone()).expect("opens");
    (device, db)
}

/// A fifth of what was stored is gone.
fn scattered(nodes: u64) -> Vec<u8> {
    let (device, db) = store();
    fill(&db, nodes, &mut Rng::new(23));
    let mut tx = db.begin_write().expect("begun");
    for id in (0..nodes).filter(|id| id % 5 == 0) {
        tx.delete_node(NodeId(id), true).expect("deleted");
    }
    tx.commit().expect("committed");
    db.checkpoint().expect("made");
    device.image()
}

/// Compacts, and says stop when it was called back so many times.
fn stopped_at(db: &Database, n: u64) -> Result<Compacted, WriteError> {
    let calls = Cell::new(0);
    let control =
        Control::new().cancelled_when(|| calls.get() >= n).on_progress(|_| calls.set(calls.get() + 1));
    db.compact_with(control)
}

fn watched(db: &Database) -> Vec<Progress> {
    let told = RefCell::new(Vec::new());
    db.compact_with(Control::new().on_progress(|progress| told.borrow_mut().push(progress)))
        .expect("compacted");
    told.into_inner()
}

/// Never back, one total, and that is where it ends.
fn goes_on(told: &[Progress]) {
    let total = told[0].total;
    assert!(total > 0 && told.iter().all(|at| at.total == total && at.done <= total), "{told:?}");
    assert!(told.is_sorted_by_key(|at| (at.round, at.done)), "{told:?}");
    assert_eq!(told.last().map(|at| at.done), Some(total));
}

#[test]
fn it_can_be_stopped_anywhere_and_the_store_goes_on() {
    let image = scattered(2_000);
    let before = contents(&opened(&image).1.begin_read().expect("begun"));
    let told = watched(&opened(&image).1);
    goes_on(&told);
    let looks = told.len() as u64 - 1;
    assert!(looks > 4, "there are several places to stop at: {told:?}");
    let whole = opened(&image).1.compact().expect("compacted").after;
    for n in 0..looks {
        let (device, db) = opened(&image);
        let result = stopped_at(&db, n);
        assert!(matches!(result, Err(WriteError::Read(ReadError::Cancelled))), "at {n}: {result:?}");
        assert!(contents(&db.begin_read().expect("begun")) == before, "at {n}");
        sound(&db);
        let (_, killed) = opened(&device.image());
        assert!(contents(&killed.begin_read().expect("begun")) == before, "at {n}, killed");
        sound(&killed);

        let mut tx = db.begin_write().expect("begun");
        let new = tx.add_node("n", 5_000, props! { "text" => "y" }).expect("added");
        tx.add_edge(new, "next", NodeId(3), props! {}).expect("added");
        tx.commit().expect("committed");
        let done = db.compact().expect("compacted");
        assert!(done.after <= whole + whole / 8, "at {n}: {done:?}, and {whole} where nobody stops it");
        sound(&db);
        assert_eq!(db.begin_read().expect("begun").node_count(), before.0.len() as u64 + 1);
    }
}

/// More pages than are moved at a time, so there are several passes over the trees.
#[test]
fn a_long_tail_is_moved_in_parts() {
    let (device, db) = store();
    let mut tx = db.begin_write().expect("begun");
    for id in 0..8_000u64 {
        let text = "x".repeat(800);
        tx.add_node("n", id as i64, props! { "text" => text }).expect("added");
    }
    tx.commit().expect("committed");
    let before = contents(&db.begin_read().expect("begun"));
    let told = watched(&db);
    goes_on(&told);
    let half = told[0].total / 2;
    let places: Vec<u64> =
        told.iter().map(|at| at.done).filter(|done| *done > half && *done < 2 * half).collect();
    assert!(!places.is_empty(), "the flag is looked at between parts: {told:?}");
    assert!(contents(&db.begin_read().expect("begun")) == before);
    sound(&db);
    let pages = db.pages().expect("readable").len() as u64;
    let most = pages + storage_core::pager::reserve_pages(pages);
    let end = db.pages().expect("readable").last().map_or(0, |page| page.id.get() + 1);
    assert!(end <= most, "{end} pages for {pages}");
    assert!(device.image().len() as u64 <= most * 4096 + (1 << 20));
}

#[test]
fn a_checkpoint_can_be_stopped_and_the_store_goes_on() {
    let (_, db) = store();
    let mut tx = db.begin_write().expect("begun");
    for id in 0..8_000u64 {
        tx.add_node("n", id as i64, props! { "text" => "x".repeat(800) }).expect("added");
    }
    tx.commit().expect("committed");
    db.checkpoint().expect("made");
    // What is deleted at the front leaves room for what lies behind.
    let mut tx = db.begin_write().expect("begun");
    for id in 0..6_000 {
        tx.delete_node(NodeId(id), false).expect("deleted");
    }
    tx.commit().expect("committed");
    let left = contents(&db.begin_read().expect("begun"));
    let calls = Cell::new(0u64);
    let control =
        Control::new().cancelled_when(|| calls.get() > 0).on_progress(|_| calls.set(calls.get() + 1));
    let result = db.checkpoint_with(control);
    assert!(matches!(result, Err(WriteError::Read(ReadError::Cancelled))), "{result:?}");
    assert!(contents(&db.begin_read().expect("begun")) == left);
    sound(&db);
    let told = RefCell::new(Vec::new());
    let control = Control::new().on_progress(|progress| told.borrow_mut().push(progress));
    db.checkpoint_with(control).expect("made");
    goes_on(&told.into_inner());
    assert!(contents(&db.begin_read().expect("begun")) == left);
    sound(&db);
}
