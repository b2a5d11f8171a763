//! A full disk, through the faulty device (A5, D6): the commit that finds no space fails alone, what was committed stays,
//! deleting works, also after reopening, and when there is space again so does writing.

use crate::harness::{Bench, Device, matrix};
use crate::history::{Contents, contents, difference};
use foliograph::storage_core::device::faults::{Fault, FaultRule, Faults};
use foliograph::storage_core::device::faulty::FaultyDevice;
use foliograph::storage_core::device::{DeviceErrorKind, Operation};
use foliograph::storage_core::pager;
use foliograph::{Database, Durability, NodeId, WriteError, props};
use std::error::Error;
use std::sync::Arc;

const TEXT: usize = 900;

fn create(bench: &Bench, faults: &Arc<Faults>) -> Database {
    let device = FaultyDevice::new(bench.create_device(), faults.clone());
    bench.options.create_device(Arc::new(device)).expect("a new store")
}

fn open(bench: &Bench, faults: &Arc<Faults>) -> Database {
    let device = FaultyDevice::new(bench.open_device(), faults.clone());
    bench.options.open_device(Arc::new(device)).expect("the store that was created")
}

/// Commits nodes with long texts, and edges from each to the one before.
fn add(db: &Database, count: u64) -> Result<(), WriteError> {
    let mut tx = db.begin_write()?;
    let mut last: Option<NodeId> = None;
    for i in 0..count {
        let first = tx.node_count() as i64;
        let node = tx.add_node("n", format!("{first}-{i}"), props! { "text" => "x".repeat(TEXT) })?;
        if let Some(last) = last {
            tx.add_edge(node, "after", last, props! { "i" => i as i64 })?;
        }
        last = Some(node);
    }
    tx.commit().map(|_| ()).map_err(|e| WriteError::Pager(e.cause().clone()))
}

/// Deletes the first nodes with their edges.
fn delete(db: &Database, count: usize) -> Result<(), WriteError> {
    let first: Vec<NodeId> =
        db.begin_read().expect("a snapshot").all_nodes().take(count).map(|n| n.expect("whole").id).collect();
    assert_eq!(first.len(), count, "there is something to delete");
    let mut tx = db.begin_write()?;
    for node in first {
        tx.delete_node(node, true)?;
    }
    tx.commit().map(|_| ()).map_err(|e| WriteError::Pager(e.cause().clone()))
}

fn is_disk_full(error: &WriteError) -> bool {
    match error {
        WriteError::Pager(pager::WriteError::DiskFull { .. }) => true,
        WriteError::Pager(pager::WriteError::Device(e)) => e.kind() == DeviceErrorKind::DiskFull,
        _ => false,
    }
}

fn holds(db: &Database) -> Contents {
    let report = db.check().expect("check can go on");
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    contents(&db.begin_read().expect("a snapshot")).expect("it can be read")
}

fn assert_same(found: &Contents, expected: &Contents, when: &str) {
    if let Some(difference) = difference(found, expected) {
        panic!("{when}: {difference}");
    }
}

#[test]
fn a_disk_that_cannot_grow_fails_one_commit_and_lets_delete() -> Result<(), Box<dyn Error>> {
    for bench in matrix(&Device::ALL) {
        eprintln!("{:?}, {}", bench.device, bench.page_size.bytes());
        let faults = Arc::new(Faults::new(1));
        let db = create(&bench, &faults);
        add(&db, 200)?;
        let early = db.begin_read()?;
        let early_held = contents(&early)?;
        faults.add(FaultRule::from_then_on(Operation::Grow, 1, Fault::DiskFull));
        let mut last = holds(&db);
        let batch = 40 * (bench.page_size.bytes() as u64 / 4096);
        let full = loop {
            match add(&db, batch) {
                Ok(()) => last = holds(&db),
                Err(e) => break e,
            }
            assert!(last.len() < 1_000_000, "a disk that does not grow is full some time");
        };
        assert!(is_disk_full(&full), "{full}");
        assert!(full.hint().is_some_and(|hint| hint.contains("delet")), "{full}: {:?}", full.hint());
        assert!(faults.injected() > 0);
        assert_same(&holds(&db), &last, "after the commit that failed");
        assert_same(&contents(&early)?, &early_held, "a snapshot from before");
        assert!(is_disk_full(&add(&db, batch).expect_err("the disk is still full")));
        drop(early);
        for _ in 0..20 {
            delete(&db, 2)?;
        }
        let left = holds(&db);
        assert!(left.len() < last.len());
        db.close()?;
        let db = open(&bench, &faults);
        assert_same(&holds(&db), &left, "reopened on the full disk");
        delete(&db, 2)?;
        faults.clear();
        add(&db, batch)?;
        let end = holds(&db);
        db.close()?;
        assert_same(&holds(&open(&bench, &faults)), &end, "reopened with space");
    }
    Ok(())
}

/// Where a file system promised space and does not keep it, the device is poisoned: nothing goes on until reopening, and
/// then nothing is lost, and deleting works. Pages and syncs are met in checkpoints, durable writes in the log as well.
#[test]
fn a_write_that_finds_no_space_poisons_and_reopening_goes_on() -> Result<(), Box<dyn Error>> {
    for (operation, durability) in [
        (Operation::Write, Durability::Checkpoint),
        (Operation::WriteDurable, Durability::Checkpoint),
        (Operation::Sync, Durability::Checkpoint),
        (Operation::WriteDurable, Durability::Full),
    ] {
        for mut bench in matrix(&Device::ALL) {
            bench.options = bench.options.durability(durability);
            poisoned_by(operation, &bench).map_err(|e| format!("{operation}, {durability:?}: {e}"))?;
        }
    }
    Ok(())
}

fn poisoned_by(operation: Operation, bench: &Bench) -> Result<(), Box<dyn Error>> {
    let faults = Arc::new(Faults::new(2));
    let db = create(bench, &faults);
    add(&db, 100)?;
    let before = holds(&db);
    faults.add(FaultRule::once(operation, 1, Fault::DiskFull));
    let failed = add(&db, 100).expect_err("the disk is full");
    assert!(is_disk_full(&failed), "{failed}");
    for _ in 0..2 {
        let WriteError::Pager(later) = add(&db, 1).expect_err("poisoned") else { panic!("of the pager") };
        assert!(later.hint().is_some(), "{later}");
        assert!(later.to_string().contains("no space left"), "the first cause is named: {later}");
    }
    // What can still be read is what was acknowledged.
    if let Ok(found) = contents(&db.begin_read()?) {
        assert_same(&found, &before, "poisoned");
    }
    // Closing may say that the store is poisoned; what it holds is asked of the disk.
    let _ = db.close();
    faults.clear();
    let db = open(bench, &faults);
    let found = holds(&db);
    // A root record or a group that could not be written durably may be there all the same: the commit is in doubt.
    let whole = found.len() > before.len() && operation != Operation::Write;
    if !whole {
        assert_same(&found, &before, "reopened");
    }
    delete(&db, 5)?;
    add(&db, 10)?;
    let end = holds(&db);
    db.close()?;
    assert_same(&holds(&open(bench, &faults)), &end, "reopened again");
    Ok(())
}
