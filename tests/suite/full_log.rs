//! A full disk and the log (A5): wherever the last page goes, one commit or one checkpoint fails, everything before it
//! stays, deleting gives space back on the full disk, and then writing goes on.
//!
//! The disk is a store in memory with a limit; the limit is moved a few pages at a time, so that the disk becomes full
//! while the first log is made, while one is extended, while data grows, and in checkpoints beside the writer.

use crate::history::{Contents, contents, difference};
use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::device::metered::Metered;
use foliograph::storage_core::device::{OpenOptions, PageDevice};
use foliograph::storage_core::pager;
use foliograph::{Checkpoint, Database, Durability, NodeId, Options, PageSize, WriteError, props};
use std::sync::Arc;
use std::time::Duration;

const MODES: [Durability; 3] = [Durability::Full, Durability::Relaxed, Durability::Checkpoint];

fn options(durability: Durability) -> Options {
    let options = Options::new().page_size(PageSize::K4).cache_pages(16).durability(durability);
    options.background(false).checkpoint_interval(None).log_limit(1 << 20)
}

fn store(limit: u64) -> MemoryStore {
    MemoryStore::with_limit(Vec::new(), limit * 4096)
}

fn device(store: &MemoryStore, options: &OpenOptions) -> Arc<dyn PageDevice> {
    Arc::new(MemoryDevice::open(store, options).expect("nobody else has it"))
}

fn create(store: &MemoryStore, durability: Durability) -> Database {
    let device = device(store, &OpenOptions::create(PageSize::K4));
    options(durability).create_device(device).expect("a new store")
}

fn open(store: &MemoryStore, durability: Durability) -> Database {
    options(durability).open_device(device(store, &OpenOptions::open())).expect("it opens")
}

fn add(db: &Database, nodes: usize) -> Result<(), WriteError> {
    let mut tx = db.begin_write()?;
    for _ in 0..nodes {
        let name = format!("{}", tx.node_count());
        let node = tx.add_anonymous("n", props! { "name" => name, "text" => "x".repeat(700) })?;
        tx.add_edge(node, "self", node, props! {})?;
    }
    tx.commit().map(drop).map_err(|e| WriteError::Pager(e.cause().clone()))
}

fn delete(db: &Database, nodes: usize) -> Result<(), WriteError> {
    let first: Vec<NodeId> =
        db.begin_read().expect("begun").all_nodes().take(nodes).map(|n| n.expect("read").id).collect();
    let mut tx = db.begin_write()?;
    for node in first {
        tx.delete_node(node, true)?;
    }
    tx.commit().map(drop).map_err(|e| WriteError::Pager(e.cause().clone()))
}

fn is_full(error: &WriteError) -> bool {
    matches!(error, WriteError::Pager(pager::WriteError::DiskFull { .. }))
}

fn read(db: &Database) -> Contents {
    contents(&db.begin_read().expect("begun")).expect("read")
}

fn same(found: &Contents, expected: &Contents, when: &str) {
    assert_eq!(difference(found, expected), None, "{when}");
}

/// Adds until the disk is full; returns what is there then. With `beside`, every third commit has a checkpoint beside it.
fn fill(db: &Database, beside: bool) -> Contents {
    let mut last = read(db);
    for n in 0.. {
        assert!(n < 10_000, "the disk becomes full");
        if beside && n % 3 == 0 {
            match db.begin_checkpoint().and_then(|c| c.map_or(Ok(0), Checkpoint::finish)) {
                Ok(_) => {}
                Err(e) => assert!(is_full(&e), "{e}"),
            }
            same(&read(db), &last, "after a checkpoint");
        }
        match add(db, 4) {
            Ok(()) => last = read(db),
            Err(e) => {
                assert!(is_full(&e), "{e}");
                break;
            }
        }
    }
    last
}

fn full_at(limit: u64, durability: Durability, beside: bool) {
    let store = store(limit);
    let db = create(&store, durability);
    let last = fill(&db, beside);
    same(&read(&db), &last, "the commit that failed is not there");
    assert!(is_full(&add(&db, 30).expect_err("the disk is still full")));
    // What a process that is killed now leaves: all of it was acknowledged, and Relaxed may lose what was not flushed.
    db.flush().expect("what is queued has its place");
    let killed = MemoryStore::with_limit(store.image(), limit * 4096);
    let reopened = open(&killed, durability);
    same(&read(&reopened), &last, "killed on the full disk");
    reopened.close().expect("closed");
    let mut left = last;
    while left.len() > 12 {
        delete(&db, 6).expect("deleting works on a full disk");
        left = read(&db);
    }
    assert_eq!(db.check().expect("checked").findings, []);
    db.checkpoint().expect("there is space again");
    add(&db, 4).expect("writing goes on");
    let end = read(&db);
    db.close().expect("closed");
    let db = open(&store, durability);
    same(&read(&db), &end, "reopened");
    assert_eq!(db.check().expect("checked").findings, []);
}

#[test]
fn wherever_the_last_page_goes_deleting_gives_space_back() {
    for durability in MODES {
        for limit in (100..560).step_by(94) {
            for beside in [false, true] {
                eprintln!("{limit} pages, {durability:?}, checkpoints beside: {beside}");
                full_at(limit, durability, beside);
            }
        }
    }
}

/// The thread meets a disk on which no checkpoint can succeed: nobody hangs, and it rests while nobody asks for anything.
#[test]
fn the_thread_rests_beside_a_full_disk() {
    for durability in MODES {
        let store = store(600);
        let meter = Arc::new(Metered::new(device(&store, &OpenOptions::create(PageSize::K4))));
        let options = options(durability).background(true).memory_budget(64 << 10);
        let db = options.create_device(meter.clone()).expect("a new store");
        let last = fill(&db, true);
        db.flush().expect("what is queued has its place");
        let calls = || {
            let m = meter.meters();
            m.read.calls + m.write.calls + m.write_durable.calls + m.sync.calls
        };
        let before = calls();
        std::thread::sleep(Duration::from_millis(400));
        let idle = calls() - before;
        assert!(idle < 1000, "{durability:?}: {idle} device calls while nobody asked for anything");
        same(&read(&db), &last, "while it rested");
        for _ in 0..3 {
            delete(&db, 6).expect("deleting works on a full disk");
        }
        let left = read(&db);
        db.close().expect("closed");
        same(&read(&open(&store, durability)), &left, "reopened");
    }
}
