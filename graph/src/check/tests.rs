//! `check`, `stats` and `pages`, watched and stopped.

use crate::algo::{Control, Progress};
use crate::{Database, IndexOn, NodeId, Options, ReadError, props};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::page::{PageKind, PageSize};

/// Nodes with keys, long and short properties and an index; edges with properties.
fn store() -> (Arc<MemoryDevice>, Database) {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let db = Options::new().background(false).create_device(device.clone()).expect("created");
    let mut tx = db.begin_write().expect("begun");
    for n in 0..3_000 {
        let text = "x".repeat(if n % 50 == 0 { 9_000 } else { 60 });
        tx.add_node("n", n, props! { "n" => n, "text" => text }).expect("added");
    }
    for n in 0..3_000 {
        for step in [1, 7] {
            let to = NodeId((n + step) % 3_000);
            tx.add_edge(NodeId(n), "next", to, props! { "step" => step as i64 }).expect("added");
        }
    }
    tx.create_index(IndexOn::Label("n"), "n", true).expect("made");
    tx.commit().expect("committed");
    (device, db)
}

/// What there is to watch and stop, by name.
type Work = fn(&Database, Control<'_>) -> Result<(), ReadError>;

const WORK: [(&str, Work); 3] = [
    ("check", |db, control| db.check_with(control).map(|report| assert_eq!(report.findings, []))),
    ("stats", |db, control| db.stats_with(control).map(|stats| assert_eq!(stats.edges, 6_000))),
    ("pages", |db, control| db.pages_with(control).map(|pages| assert!(pages.len() > 200))),
];

fn watched(db: &Database, work: Work) -> Vec<Progress> {
    let told = RefCell::new(Vec::new());
    work(db, Control::new().on_progress(|progress| told.borrow_mut().push(progress))).expect("done");
    told.into_inner()
}

fn goes_on(told: &[Progress]) {
    let total = told[0].total;
    assert!(total > 0 && told.iter().all(|at| at.total == total && at.done <= total), "{told:?}");
    assert!(told.is_sorted_by_key(|at| (at.round, at.done)), "{told:?}");
    assert_eq!(told.last().map(|at| at.done), Some(total));
}

#[test]
fn progress_never_goes_back_and_ends_at_the_total() {
    let (_, db) = store();
    for (name, work) in WORK {
        let told = watched(&db, work);
        goes_on(&told);
        assert!(told.len() > 4, "{name}: {told:?}");
        // Nothing is left to be made up for at the end but what no walk comes by: the fixed pages and the map's.
        let last = told[told.len() - 2];
        assert!(last.total - last.done < 5_000, "{name}: {told:?}");
    }
}

#[test]
fn each_can_be_stopped_anywhere_and_says_so() {
    let (_, db) = store();
    for (name, work) in WORK {
        for n in 0..watched(&db, work).len() as u64 - 1 {
            let calls = Cell::new(0);
            let control = Control::new()
                .cancelled_when(|| calls.get() >= n)
                .on_progress(|_| calls.set(calls.get() + 1));
            let stopped = work(&db, control);
            assert!(matches!(stopped, Err(ReadError::Cancelled)), "{name} at {n}: {stopped:?}");
        }
        work(&db, Control::new()).expect("the store goes on");
    }
}

/// A damaged page ends a walk as the flag does; they are not taken for each other.
#[test]
fn a_damaged_store_is_looked_at_to_the_end() {
    let (device, db) = store();
    db.checkpoint().expect("made");
    let pages = db.pages().expect("readable");
    let page = pages.iter().rev().find(|page| page.kind == PageKind::Node).expect("there are nodes").id;
    let mut image = device.image();
    image[page.get() as usize * 4096 + 100] ^= 1;
    let device = Arc::new(MemoryDevice::from_image(image, None).expect("a store"));
    let db = Options::new().background(false).open_device(device).expect("opens");
    let told = RefCell::new(Vec::new());
    let control = Control::new().on_progress(|progress| told.borrow_mut().push(progress));
    let found = db.check_with(control).expect("checked").findings;
    assert!(found.iter().any(|finding| finding.page == page), "{found:?}");
    goes_on(&told.into_inner());
    let stopped = db.check_with(Control::new().cancelled_when(|| true));
    assert!(matches!(stopped, Err(ReadError::Cancelled)), "{stopped:?}");
}
