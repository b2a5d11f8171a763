//! Stories of several threads, none of which depends on time: calls of the device are held up at gates, and whoever hangs
//! is found by a watchdog.
//!
//! | module | tells |
//! |---|---|
//! | `gate` | a device whose calls wait until a test lets them go |
//! | `groups` | commits of many threads become durable together, or fail together |
//! | `waiting` | who waits for whom, and who must not: readers, writer, checkpoints, closing |
//! | `held` | snapshots that are held pin their pages; `stats` shows the oldest |
//! | `background` | when checkpoints are due; a store has one owner |

mod background;
mod gate;
mod groups;
mod held;
mod waiting;

use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::device::{OpenOptions, PageDevice};
use foliograph::{CommitError, Database, Options, PageSize, WriteError, WriteTransaction, props};
use gate::{Gated, Gates, LIMIT};
use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Runs a story in a thread of its own; one that does not end fails.
fn story(tell: impl FnOnce() + Send + 'static) {
    let (end, ended) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        tell();
        drop(end);
    });
    // The channel closes when the story has ended, well or not.
    let hangs = ended.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout);
    assert!(!hangs, "the story hangs: some thread waits for ever");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Waits for what another thread will do.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < LIMIT, "it never comes that {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// A store in memory behind gates.
struct Place {
    store: MemoryStore,
    gates: Arc<Gates>,
}

impl Place {
    fn create(options: &Options) -> (Place, Database) {
        Place::create_over(options, |device| device)
    }

    /// The same, with something between the gates and the memory.
    fn create_over(
        options: &Options,
        wrap: impl FnOnce(Arc<dyn PageDevice>) -> Arc<dyn PageDevice>,
    ) -> (Place, Database) {
        let store = MemoryStore::new(Vec::new());
        let memory = MemoryDevice::open(&store, &OpenOptions::create(PageSize::K4)).expect("a new store");
        let gates = Arc::new(Gates::default());
        let device = Gated::new(wrap(Arc::new(memory)), gates.clone());
        let db = options.create_device(Arc::new(device)).expect("a new store");
        (Place { store, gates }, db)
    }

    /// The store as a kill in this moment would leave it, opened.
    fn killed(&self) -> Database {
        let copy = MemoryStore::new(self.store.image());
        let device = MemoryDevice::open(&copy, &OpenOptions::open()).expect("a store");
        Options::new().background(false).open_device(Arc::new(device)).expect("recovers")
    }
}

/// Small, and nothing happens that the story does not tell.
fn quiet() -> Options {
    Options::new().background(false).checkpoint_interval(None).cache_pages(16)
}

fn with_node(db: &Database, key: i64) -> Result<WriteTransaction, WriteError> {
    let mut tx = db.begin_write()?;
    tx.add_node("n", key, props! { "n" => key })?;
    Ok(tx)
}

/// Commits one node; what went wrong, if something did.
fn commit(db: &Database, key: i64) -> Result<u64, CommitError> {
    with_node(db, key).expect("nothing is refused").commit()
}

/// The nodes that there are, each found by its key, each with its property.
fn nodes(db: &Database) -> BTreeSet<i64> {
    let snapshot = db.begin_read().expect("a snapshot");
    let mut found = BTreeSet::new();
    for node in snapshot.all_nodes() {
        let id = node.expect("readable").id;
        let key = snapshot.get::<i64>(id, "n").expect("readable").expect("every node has it");
        assert_eq!(snapshot.node("n", key).expect("readable"), Some(id));
        found.insert(key);
    }
    assert_eq!(found.len() as u64, snapshot.node_count());
    found
}

/// A store that recovered is whole and goes on.
fn expect_whole(db: Database) {
    assert_eq!(db.check().expect("checked").findings, []);
    commit(&db, -1).expect("it can be written again");
    assert_eq!(db.check().expect("checked").findings, []);
    db.close().expect("closed");
}
