//! Memory of algorithms over the whole graph: what each says it takes for a node, and no more.

use super::harness::{alone_with, peak};
use foliograph::algo::{
    BfsDistances, Cdlp, Lcc, PageRank, Sssp, StronglyConnected, Triangles, WeaklyConnected,
};
use foliograph::bulk::{self, Bulk, BulkOptions, EdgeRow, NodeRow, RowId};
use foliograph::{Backend, Direction, NodeId, Options, ReadError, Snapshot, props};
use std::path::Path;

/// Nodes that have edges to others; each has edges to as many more.
const MIDDLES: u64 = 500;
const NODES: u64 = 1 + MIDDLES + MIDDLES * MIDDLES;

/// What a process has beside: pages in flight, lists, the allocator's own. Less than one number more for each node.
const BESIDE: u64 = 3 << 19;

type Run = fn(&Snapshot) -> Result<u64, ReadError>;

/// A tree of two levels, so that whole levels wait in queues, with ids `step` apart.
fn load(db: &foliograph::Database, step: u64) {
    let mut bulk = Bulk::new(BulkOptions { memory_budget: 1 << 20, ..BulkOptions::default() });
    let id = |n: u64| RowId::Int(n * step);
    for n in 0..NODES {
        let (label, place) = ("node".into(), bulk::Place::default());
        bulk.add_node(NodeRow { space: 0, id: Some(id(n)), label, key: None, props: props! {}, place })
            .expect("added");
    }
    for n in 1..NODES {
        // The second level is far away, so all of it waits in the queue at once.
        let (from, weight) = if n <= MIDDLES { (0, 1) } else { (1 + (n - 1 - MIDDLES) / MIDDLES, 1000) };
        let row = EdgeRow {
            from: (0, id(from)),
            to: (0, id(n)),
            edge_type: "edge".into(),
            undirected: false,
            rank: None,
            props: props! { "weight" => weight },
            place: bulk::Place::default(),
        };
        bulk.add_edge(row).expect("added");
    }
    db.begin_write().expect("begun").load(bulk).expect("loaded");
}

/// By what they take, the least first: a peak never falls.
const RUNS: [(&str, u64, Run); 8] = [
    ("wcc", WeaklyConnected::<Pages>::BYTES_PER_NODE, |s| s.weakly_connected().run().map(|v| v.len() as u64)),
    ("bfs", BfsDistances::<Pages>::BYTES_PER_NODE, |s| {
        let found = s.bfs_distances(NodeId(0)).run()?;
        Ok(found.iter().filter(|(_, distance)| distance.is_some()).count() as u64)
    }),
    ("pagerank", PageRank::<Pages>::BYTES_PER_NODE, |s| {
        s.page_rank().iterations(2).run().map(|v| v.len() as u64)
    }),
    ("cdlp", Cdlp::<Pages>::BYTES_PER_NODE, |s| s.cdlp().iterations(2).run().map(|v| v.len() as u64)),
    ("lcc", Lcc::<Pages>::BYTES_PER_NODE, |s| s.lcc().run().map(|v| v.len() as u64)),
    ("triangles", Triangles::<Pages>::BYTES_PER_NODE, |s| {
        s.triangles().run().map(|found| found.corners.len() as u64)
    }),
    ("sssp", Sssp::<Pages>::BYTES_PER_NODE, |s| {
        let found = s.sssp(NodeId(0), "weight").run()?;
        Ok(found.iter().filter(|(_, distance)| distance.is_some()).count() as u64)
    }),
    ("scc", StronglyConnected::<Pages>::BYTES_PER_NODE, |s| {
        s.strongly_connected().run().map(|v| v.len() as u64)
    }),
];

type Pages = foliograph::storage_core::pager::Snapshot;

/// A store with ids so far apart, loaded by one process and measured in another, whose peak has nothing of the load in it.
/// Ids that follow each other do not take the last 8 bytes of what is said.
fn keeps_to_it(test: &str, step: u64, less: u64) {
    // What a map lends counts as memory of the process, though it is the system's.
    let options = Options::new().backend(Backend::File).cache_pages(16);
    let path = |place: &Path| place.join("store.folio");
    let ready = |place: &Path| load(&options.clone().create(path(place)).expect("created"), step);
    if let Some(place) = alone_with(test, ready) {
        measure(&options.open_existing(path(&place)).expect("there"), less);
    }
}

fn measure(db: &foliograph::Database, less: u64) {
    let snapshot = db.begin_read().expect("begun");
    // What the cache and the program itself take has been taken.
    for edge in snapshot.all_edges() {
        let edge = edge.expect("read");
        if edge.source.0.is_multiple_of(7) {
            snapshot.get_edge::<i64>(edge, "weight").expect("read").expect("each has one");
            snapshot.degree(edge.target).direction(Direction::Both).count().expect("read");
        }
    }
    let before = peak();
    assert!(before > 0, "this system says what memory a process has");
    for (name, bytes, run) in RUNS {
        assert_eq!(run(&snapshot).expect("read"), NODES, "{name}");
        let (more, most) = ((peak() - before) << 10, NODES * (bytes - less) + BESIDE);
        eprintln!("{name}: {more} bytes of at most {most}");
        assert!(more <= most, "{name} takes {more} bytes for {NODES} nodes, more than {bytes} - {less} each");
    }
}

#[test]
fn algorithms_take_as_many_bytes_for_a_node_as_they_say() {
    keeps_to_it("algo::algorithms_take_as_many_bytes_for_a_node_as_they_say", 1, 8);
}

#[test]
fn ids_far_apart_take_eight_bytes_more_and_nothing_for_what_lies_between() {
    keeps_to_it("algo::ids_far_apart_take_eight_bytes_more_and_nothing_for_what_lies_between", 1 << 40, 0);
}
