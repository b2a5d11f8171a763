//! The store's side: a graph to commit to, commits, and checkpoints one after the other in a thread.

use foliograph::bulk::{Bulk, BulkOptions, EdgeRow, Place, RowId};
use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::{Backend, Database, Durability, NodeId, OpenError, Options, props};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const NODES: u64 = 100_000;
const EDGES: u64 = 400_000;

/// A store with the graph in it.
pub fn store(backend: Backend, path: &Path) -> Result<Database, OpenError> {
    let db = Options::new().backend(backend).create(path)?;
    let mut bulk = Bulk::new(BulkOptions { implicit_nodes: true, ..BulkOptions::default() });
    let (edge_type, mut rng): (Arc<str>, _) = ("edge".into(), Rng::new(1));
    for line in 1..=NODES + EDGES {
        // Every node has an edge, so that all are there.
        let from = if line <= NODES { line - 1 } else { rng.below(NODES) };
        let row = EdgeRow {
            from: (0, RowId::Int(from)),
            to: (0, RowId::Int(rng.below(NODES))),
            edge_type: edge_type.clone(),
            undirected: false,
            rank: None,
            props: Vec::new(),
            place: Place { file: 0, line },
        };
        bulk.add_edge(row).expect("a row");
    }
    db.begin_write().expect("begun").load(bulk).expect("loaded");
    Ok(db)
}

/// Commits so many edges between random nodes, and waits until they are durable.
pub fn add_edges(db: &Database, seed: u64, count: usize) {
    add_edges_as(db, seed, count, Durability::Full);
}

/// The same with another promise.
pub fn add_edges_as(db: &Database, seed: u64, count: usize, durability: Durability) {
    let mut rng = Rng::new(seed);
    let mut tx = db.begin_write().expect("begun");
    tx.set_durability(durability);
    for _ in 0..count {
        let (from, to) = (NodeId(rng.below(NODES)), NodeId(rng.below(NODES)));
        tx.add_edge(from, "edge", to, props! {}).expect("added");
    }
    tx.commit().expect("committed");
}

/// What a busy thread did.
#[derive(Copy, Clone, Default)]
pub struct Done {
    pub rounds: u64,
    pub pages: u64,
}

/// A thread that does one thing again and again.
pub struct Busy {
    stop: Arc<AtomicBool>,
    inside: Arc<AtomicBool>,
    thread: JoinHandle<Done>,
}

impl Busy {
    /// `round` says in the flag when it is at work.
    pub fn run(mut round: impl FnMut(&AtomicBool) -> Done + Send + 'static) -> Busy {
        let (stop, inside) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (stopped, at_work) = (stop.clone(), inside.clone());
        let thread = std::thread::spawn(move || {
            let mut all = Done::default();
            while !stopped.load(Ordering::Relaxed) {
                let one = round(&at_work);
                at_work.store(false, Ordering::Release);
                all.rounds += one.rounds;
                all.pages += one.pages;
            }
            all
        });
        Busy { stop, inside, thread }
    }

    pub fn is_at_work(&self) -> bool {
        self.inside.load(Ordering::Acquire)
    }

    /// Checkpoints of a store, whenever there is something to do.
    pub fn checkpoints(db: &Database) -> Busy {
        let db = db.clone();
        Busy::run(move |at_work| match db.begin_checkpoint().expect("begun") {
            Some(checkpoint) => {
                at_work.store(true, Ordering::Release);
                let pages = checkpoint.finish().expect("durable");
                Done { rounds: 1, pages }
            }
            None => {
                std::thread::sleep(Duration::from_micros(200));
                Done::default()
            }
        })
    }

    pub fn stop(self) -> Done {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic")
    }
}
