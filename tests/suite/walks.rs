//! Walks, groups, orders and copies on a disk that fails: an error, or the right answer, and never a short one. And each of
//! them can be stopped.

use crate::harness::seed;
use foliograph::algo::Control;
use foliograph::storage_core::device::faults::{Fault, FaultRule, Faults};
use foliograph::storage_core::device::faulty::FaultyDevice;
use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::device::{OpenOptions, Operation};
use foliograph::traverse::Path;
use foliograph::{Direction, Edge, NodeId, Options, PageSize, ReadError, Snapshot, props};
use petgraph::graph::DiGraph;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const NODES: u64 = 4_000;
const FROM: NodeId = NodeId(3);
const TO: NodeId = NodeId(NODES - 90);

/// Steps of a few places forward, and seldom far back.
fn store() -> MemoryStore {
    let rng = &mut Rng::new(seed(0x3a1c5));
    let store = MemoryStore::new(Vec::new());
    let device = MemoryDevice::open(&store, &OpenOptions::create(PageSize::K4)).expect("created");
    let db = Options::new().create_device(Arc::new(device)).expect("created");
    let mut tx = db.begin_write().expect("begun");
    for n in 0..NODES {
        let name = format!("the place of number {n}, which is called so that it takes some room");
        tx.add_node("place", n as i64, props! { "name" => name }).expect("added");
    }
    for n in 0..NODES {
        for reach in [1, 100, 100] {
            let (to, w) = (n + 1 + rng.below(reach), rng.below(7) as i64);
            if to < NODES {
                tx.add_edge(NodeId(n), "road", NodeId(to), props! { "w" => w }).expect("added");
            }
        }
        tx.add_edge(NodeId(n), "back", NodeId(rng.below(n + 1)), props! { "w" => 200 }).expect("added");
    }
    tx.commit().expect("committed");
    db.close().expect("closed");
    store
}

type Walk = fn(&Snapshot, Control<'_>) -> Result<String, ReadError>;

fn text<T: std::fmt::Debug>(found: Result<T, ReadError>) -> Result<String, ReadError> {
    found.map(|found| format!("{found:?}"))
}

fn few(paths: impl Iterator<Item = Result<Path, ReadError>>) -> Result<String, ReadError> {
    text(paths.take(50).collect::<Result<Vec<_>, _>>())
}

const WALKS: [(&str, Walk); 11] = [
    ("bfs", |s, c| text(s.bfs(FROM).control(c).collect_levels())),
    ("bfs with filters", |s, c| {
        let bfs = s.bfs(TO).control(c).direction(Direction::In);
        let bfs = bfs.filter_edges(|r, e| Ok(r.get_edge::<i64>(e, "w")?.is_some_and(|w| w < 7)));
        text(bfs.filter_nodes(|r, n| Ok(r.get::<String>(n, "name")?.is_some())).collect_nodes())
    }),
    ("shortest path", |s, c| text(s.shortest_path(FROM, TO).control(c).find())),
    ("all shortest paths", |s, c| few(s.shortest_path(FROM, TO).control(c).all())),
    ("lightest path", |s, c| text(s.shortest_path(FROM, TO).control(c).weighted_by("w").find())),
    ("all lightest paths", |s, c| few(s.shortest_path(FROM, TO).control(c).weighted_by("w").all())),
    ("guided path", |s, c| {
        let question = s.shortest_path(FROM, TO).control(c).weighted_by("w");
        text(
            question
                .guided_by(|node| s.get::<String>(node, "name").map(|name| name.map_or(0.0, |_| 1.0)))
                .find(),
        )
    }),
    ("order of roads", |s, c| text(s.topological_order().of_type("road").control(c).run())),
    ("a cycle", |s, c| text(s.topological_order().control(c).run())),
    ("groups", |s, c| text(s.strongly_connected().control(c).run())),
    ("a petgraph", |s, c| {
        let copy = s.to_petgraph().control(c).nodes_as(|r, view| r.props_of(view));
        let copy = copy.edges_as(|r, edge| r.get_edge::<i64>(edge, "w"));
        text(copy.build::<petgraph::Directed, u32>())
    }),
];

#[test]
fn a_read_that_fails_is_an_error_and_never_a_short_answer() {
    let store = store();
    // With a cache of its own each time, so that every page is read.
    let open = || {
        let faults = Arc::new(Faults::new(1));
        let device = MemoryDevice::open(&store, &OpenOptions::open()).expect("opened");
        let device = Arc::new(FaultyDevice::new(Arc::new(device), faults.clone()));
        let db = Options::new().cache_pages(16).open_device(device).expect("opened");
        (db.begin_read().expect("begun"), faults)
    };
    for (name, walk) in WALKS {
        let wanted = walk(&open().0, Control::new()).expect("nothing fails");
        assert!(wanted.len() > 30, "{name}: {wanted}");
        let mut failed = 0;
        for nth in std::iter::successors(Some(1u64), |nth| Some(nth + 1 + nth / 4)) {
            let (snapshot, faults) = open();
            faults.add(FaultRule::once(Operation::Read, nth, Fault::Io));
            let found = walk(&snapshot, Control::new());
            let injected = faults.injected() > 0;
            match found {
                Ok(found) => assert!(found == wanted, "{name}: {found}"),
                Err(ReadError::Page(_)) if injected => failed += 1,
                Err(other) => panic!("{name}: {other}"),
            }
            if !injected {
                break;
            }
        }
        assert!(failed >= 5, "{name}: only {failed} reads failed");
    }
}

#[test]
fn each_can_be_stopped() {
    let store = store();
    let device = MemoryDevice::open(&store, &OpenOptions::open()).expect("opened");
    let db = Options::new().open_device(Arc::new(device)).expect("opened");
    let snapshot = db.begin_read().expect("begun");
    for (name, walk) in WALKS {
        let stop = AtomicBool::new(true);
        let found = walk(&snapshot, Control::new().cancelled_by(&stop));
        assert!(matches!(found, Err(ReadError::Cancelled)), "{name}: {found:?}");
        let mut told = Vec::new();
        walk(&snapshot, Control::new().on_progress(|progress| told.push((progress.done, progress.total))))
            .expect("nobody stops it");
        assert!(told.is_sorted(), "{name}: {told:?}");
        assert_eq!(told.last().map(|(done, total)| done == total), Some(true), "{name}: {told:?}");
    }
}

/// A writer's own changes are walked over like everything else.
#[test]
fn a_transaction_walks_over_its_own_changes() {
    let db = Options::new().create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("created");
    let mut tx = db.begin_write().expect("begun");
    let nodes: Vec<NodeId> = (0..4).map(|_| tx.add_anonymous("n", props! {}).expect("added")).collect();
    for pair in nodes.windows(2) {
        tx.add_edge(pair[0], "t", pair[1], props! { "w" => 1 }).expect("added");
    }
    assert_eq!(tx.topological_order().run().expect("read").expect("no cycle"), nodes);
    let extra = tx.add_edge(nodes[3], "t", nodes[0], props! { "w" => 1 }).expect("added");
    assert_eq!(tx.strongly_connected().groups().expect("read"), std::slice::from_ref(&nodes));
    assert_eq!(tx.topological_order().run().expect("read").expect_err("a cycle").nodes, nodes);
    let copy: DiGraph<NodeId, Edge> = tx.to_petgraph().build().expect("read");
    assert_eq!((copy.node_count(), copy.edge_count()), (4, 4));
    tx.delete_edge(extra).expect("deleted");
    let lightest = tx.shortest_path(nodes[0], nodes[3]).weighted_by("w").all();
    assert_eq!(lightest.map(|path| path.expect("read").nodes).collect::<Vec<_>>(), [nodes]);
}
