//! A transaction that the store failed under: it cannot go back, and can only be dropped; what was committed is whole.

use foliograph::storage_core::device::Operation;
use foliograph::storage_core::device::faults::{Fault, FaultRule, Faults};
use foliograph::storage_core::device::faulty::FaultyDevice;
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::pager;
use foliograph::{Options, PageSize, WriteError, WriteTransaction, props};
use std::sync::Arc;

fn more(tx: &mut WriteTransaction) -> Result<(), WriteError> {
    (0..4_000i64).try_for_each(|n| tx.add_node("more", n, props! { "text" => "x".repeat(90) }).map(drop))
}

#[test]
fn a_transaction_that_failed_cannot_go_back_and_says_at_first_what_was_wrong() {
    for (on, fault) in [(Operation::Write, Fault::Io), (Operation::Grow, Fault::DiskFull)] {
        let faults = Arc::new(Faults::new(7));
        let memory = Arc::new(MemoryDevice::new(PageSize::K4));
        let device = Arc::new(FaultyDevice::new(memory.clone(), faults.clone()));
        let options = Options::new().memory_budget(4 << 10).background(false);
        let db = options.create_device(device).expect("a new store");
        let mut tx = db.begin_write().expect("the only writer");
        tx.add_node("n", 1, props! {}).expect("a node");
        tx.commit().expect("a commit");

        let mut tx = db.begin_write().expect("the only writer");
        let savepoint = tx.savepoint();
        faults.add(FaultRule::from_then_on(on, 1, fault));
        let error = tx.nested(more).expect_err("the device fails");
        let told = matches!(error, WriteError::Pager(pager::WriteError::Device(_)))
            || matches!(error, WriteError::Pager(pager::WriteError::DiskFull { .. }));
        assert!(told, "{error}");
        let failed = |result| matches!(result, Err(WriteError::Pager(pager::WriteError::Failed)));
        assert!(failed(tx.rollback_to(&savepoint)));
        assert!(failed(tx.add_node("n", 2, props! {}).map(drop)));
        assert!(failed(tx.nested(|_| Err::<(), _>(pager::WriteError::Failed.into()))));
        tx.commit().expect_err("it can only be dropped");
        drop(db);

        let again = Arc::new(MemoryDevice::from_image(memory.image(), None).expect("a store"));
        let db = options.open_device(again).expect("opens");
        assert_eq!(db.begin_read().expect("begun").node_count(), 1);
        assert_eq!(db.check().expect("checked").findings, []);
    }
}
