//! Degrees: what they cost in page reads, whatever they are, and that they are right on the way.

use crate::harness;
use foliograph::bulk::{Bulk, BulkOptions, EdgeRow, Place, RowId};
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::device::metered::Metered;
use foliograph::storage_core::device::sim::Rng;
use foliograph::{Database, Direction, NodeId, Options, PageSize, Snapshot, props};
use std::sync::Arc;

const TYPES: [&str; 3] = ["a", "b", "c"];

/// A small store: 4 KiB pages, a cache of 16 of them, nothing in the background, and a device that counts.
fn metered() -> (Arc<Metered>, Database) {
    let device = Arc::new(Metered::new(Arc::new(MemoryDevice::new(PageSize::K4))));
    let options = Options::new().page_size(PageSize::K4).cache_pages(16).background(false);
    let db = options.create_device(device.clone()).expect("a new store");
    (device, db)
}

/// The edges of a graph as (source, type, target), in memory.
#[derive(Default)]
struct Edges(Vec<(u64, usize, u64)>);

impl Edges {
    fn degree(&self, node: u64, direction: Direction, only: Option<usize>) -> u64 {
        let counts = |(source, t, target): &&(u64, usize, u64)| {
            let (out, into) = (*source == node, *target == node);
            only.is_none_or(|only| only == *t)
                && match direction {
                    Direction::Out => out,
                    Direction::In => into,
                    Direction::Both => out || into,
                }
        };
        self.0.iter().filter(counts).count() as u64
    }
}

fn degree(snapshot: &Snapshot, node: u64, direction: Direction, only: Option<usize>) -> u64 {
    let mut degree = snapshot.degree(NodeId(node)).direction(direction);
    if let Some(only) = only {
        degree = degree.of_type(TYPES[only]);
    }
    degree.count().expect("a degree")
}

/// Every question for a degree of a node.
fn questions() -> impl Iterator<Item = (Direction, Option<usize>)> {
    let directions = [Direction::Out, Direction::In, Direction::Both];
    directions.into_iter().flat_map(|way| [None, Some(0), Some(1), Some(2)].map(move |only| (way, only)))
}

/// The levels of the tree of edges, whichever way it is taller.
fn height(db: &Database) -> u64 {
    let trees = db.stats().expect("counted").trees;
    let edges = trees.iter().filter(|tree| tree.name.starts_with("edges"));
    edges.map(|tree| u64::from(tree.height)).max().expect("trees of edges")
}

/// Asks for every degree of the hub. At most `more` pages beside two of each level are read for each range that is counted.
fn assert_hub(db: &Database, device: &Metered, edges: &Edges, hub: u64, more: u64) -> Vec<u64> {
    let (height, snapshot) = (height(db), db.begin_read().expect("begun"));
    let cost = |(direction, only): (Direction, Option<usize>)| {
        device.reset();
        let found = degree(&snapshot, hub, direction, only);
        let read = device.meters().read.pages;
        assert_eq!(found, edges.degree(hub, direction, only), "{direction:?} {only:?}");
        let ranges = match (direction, only) {
            (Direction::Both, None) => 2 + TYPES.len() as u64,
            (Direction::Both, Some(_)) => 3,
            _ => 1,
        };
        let most = ranges * (2 * height + more);
        assert!(read <= most, "{direction:?} {only:?}: {read} pages read, {most} allowed, {height} levels");
        read
    };
    questions().map(cost).collect()
}

const NODES: u64 = 100_000;
const HUB: u64 = 50_000;

/// A hub with 300,000 outgoing edges of three types, 150,000 incoming ones, and some to itself.
fn hub(db: &Database) -> Edges {
    let mut edges = Edges::default();
    let mut tx = db.begin_write().expect("begun");
    for _ in 0..NODES {
        tx.add_anonymous("dot", props! {}).expect("added");
    }
    tx.commit().expect("committed");
    let out = (0..3 * NODES).map(|n| (HUB, (n / NODES) as usize, n * 61_463 % NODES));
    let into = (0..NODES + NODES / 2).map(|n| (n % NODES, (n / NODES) as usize, HUB));
    edges.0.extend(out.chain(into).chain([(HUB, 0, HUB), (HUB, 2, HUB), (HUB, 2, HUB)]));
    for part in edges.0.chunks(60_000) {
        let mut tx = db.begin_write().expect("begun");
        for (source, t, target) in part {
            tx.add_edge(NodeId(*source), TYPES[*t], NodeId(*target), props! {}).expect("added");
        }
        tx.commit().expect("committed");
    }
    db.checkpoint().expect("a checkpoint");
    edges
}

#[test]
fn the_degree_of_a_hub_costs_two_pages_a_level_whatever_it_is() {
    let (device, db) = metered();
    let mut edges = hub(&db);
    assert!(edges.degree(HUB, Direction::Out, None) > 300_000);
    let clean = assert_hub(&db, &device, &edges, HUB, 1);
    println!("{} levels; pages read: {clean:?}", height(&db));

    // Commits that are in no page yet: the leaves that they change are read, two each in either tree at most.
    let mut tx = db.begin_write().expect("begun");
    for (source, t, target) in [(HUB, 1, 77), (77, 1, HUB), (HUB, 1, HUB)] {
        tx.add_edge(NodeId(source), TYPES[t], NodeId(target), props! {}).expect("added");
        edges.0.push((source, t, target));
    }
    tx.commit().expect("committed");
    assert_hub(&db, &device, &edges, HUB, 6);
    assert_eq!(db.check().expect("checked").findings, []);

    // Compaction moves pages and packs others anew.
    let mut tx = db.begin_write().expect("begun");
    for n in (0..NODES).filter(|n| n % 3 == 0 && *n != HUB) {
        tx.delete_node(NodeId(n), true).expect("deleted");
    }
    tx.commit().expect("committed");
    edges.0.retain(|(source, _, target)| [source, target].into_iter().all(|n| *n % 3 != 0 || *n == HUB));
    db.compact().expect("compacted");
    assert_hub(&db, &device, &edges, HUB, 1);
    assert_eq!(db.check().expect("checked").findings, []);
}

#[test]
fn the_degree_of_a_node_whose_edges_are_in_one_page_reads_a_page_of_each_level() {
    let (device, db) = metered();
    let mut tx = db.begin_write().expect("begun");
    for _ in 0..30_000 {
        tx.add_anonymous("dot", props! {}).expect("added");
    }
    for n in 0..30_000 {
        tx.add_edge(NodeId(n), "a", NodeId(n * 7 % 30_000), props! {}).expect("added");
        tx.add_edge(NodeId(n), "b", NodeId(n * 11 % 30_000), props! {}).expect("added");
    }
    tx.commit().expect("committed");
    db.checkpoint().expect("a checkpoint");
    let (height, snapshot) = (height(&db), db.begin_read().expect("begun"));
    for n in (0..30_000).step_by(991) {
        for only in [None, Some(0), Some(1)] {
            device.reset();
            assert_eq!(degree(&snapshot, n, Direction::Out, only), if only.is_none() { 2 } else { 1 });
            assert!(device.meters().read.pages <= height, "{} pages", device.meters().read.pages);
        }
    }
}

/// A random graph with hubs, loaded in bulk: degrees are right at once, after a hundred commits, and after compaction.
#[test]
fn degrees_of_a_graph_that_was_loaded_in_bulk_are_right_and_stay_so() {
    let mut rng = Rng::new(harness::seed(12));
    let (_, db) = metered();
    let mut bulk = Bulk::new(BulkOptions { implicit_nodes: true, ..BulkOptions::default() });
    let mut edges = Edges::default();
    for line in 1..=40_000u64 {
        // Every other edge touches one of three hubs.
        let mut node = || if rng.chance(1, 4) { rng.below(3) } else { rng.below(2_000) };
        let (source, target) = (node(), node());
        let t = rng.index(3);
        let row = EdgeRow {
            from: (0, RowId::Int(source)),
            to: (0, RowId::Int(target)),
            edge_type: TYPES[t].into(),
            undirected: false,
            rank: None,
            props: Vec::new(),
            place: Place { file: 0, line },
        };
        bulk.add_edge(row).expect("a row");
        edges.0.push((source, t, target));
    }
    db.begin_write().expect("begun").load(bulk).expect("loaded");
    assert_eq!(db.check().expect("checked").findings, []);
    let snapshot = db.begin_read().expect("begun");
    let ids: Vec<u64> = snapshot.all_nodes().map(|view| view.expect("a node").id.0).collect();
    drop(snapshot);
    let compare = |edges: &Edges, rng: &mut Rng| {
        let snapshot = db.begin_read().expect("begun");
        let some = (0..40).map(|_| ids[rng.index(ids.len())]).collect::<Vec<_>>();
        for node in ids[..3].iter().chain(&some) {
            for (direction, only) in questions() {
                let found = degree(&snapshot, *node, direction, only);
                assert_eq!(found, edges.degree(*node, direction, only), "{node} {direction:?} {only:?}");
            }
        }
    };
    compare(&edges, &mut rng);
    for round in 0..20 {
        let mut tx = db.begin_write().expect("begun");
        for _ in 0..rng.index(300) {
            let mut node = || ids[if rng.chance(1, 4) { rng.index(3) } else { rng.index(ids.len()) }];
            let (source, target) = (node(), node());
            let t = rng.index(3);
            tx.add_edge(NodeId(source), TYPES[t], NodeId(target), props! {}).expect("added");
            edges.0.push((source, t, target));
        }
        tx.commit().expect("committed");
        if round % 5 == 4 {
            compare(&edges, &mut rng);
            db.checkpoint().expect("a checkpoint");
            compare(&edges, &mut rng);
        }
    }
    db.compact().expect("compacted");
    compare(&edges, &mut rng);
    assert_eq!(db.check().expect("checked").findings, []);
}
