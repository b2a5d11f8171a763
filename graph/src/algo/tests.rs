//! What every algorithm must do: stop when it is told, say how far it is, fail where a page is damaged, see what a
//! transaction changed, and find on random graphs what follows from the definitions.

use super::testing::{Sketch, database};
use super::*;
use crate::model::{Direction, NodeId, Value};
use crate::reader::{Reader, Snapshot};
use crate::{NewNode, Options, ReadError, props};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use storage_core::device::OpenOptions;
use storage_core::device::memory::{MemoryDevice, MemoryStore};
use storage_core::device::sim::Rng;
use storage_core::page::PageSize;
use storage_core::pager::ReadPages;

/// Each algorithm; what it finds, as text.
const ALL: [&str; 8] = ["bfs", "sssp", "pagerank", "wcc", "scc", "cdlp", "lcc", "triangles"];

fn run<'a, R: ReadPages>(
    reader: &'a Reader<R>,
    (name, source): (&str, NodeId),
    control: Control<'a>,
) -> Result<String, ReadError> {
    Ok(match name {
        "bfs" => format!("{:?}", reader.bfs_distances(source).control(control).run()?),
        "sssp" => format!("{:?}", reader.sssp(source, "w").control(control).run()?),
        "pagerank" => format!("{:?}", reader.page_rank().iterations(5).control(control).run()?),
        "wcc" => format!("{:?}", reader.weakly_connected().control(control).run()?),
        "scc" => format!("{:?}", reader.strongly_connected().control(control).run()?),
        "cdlp" => format!("{:?}", reader.cdlp().iterations(5).control(control).run()?),
        "lcc" => format!("{:?}", reader.lcc().control(control).run()?),
        "triangles" => format!("{:?}", reader.triangles().control(control).run()?),
        other => panic!("{other}"),
    })
}

/// A graph with a hub over several pages, and edges with weights.
fn hub() -> Snapshot {
    let mut rng = Rng::new(3);
    let far = (0..6000).map(|n| (0, 1 + n % 2999, Value::Int(n as i64)));
    let near = (0..9000).map(|_| (rng.below(3000), rng.below(3000), Value::Int(1)));
    Sketch::weighted(3000, &far.chain(near).collect::<Vec<_>>()).snapshot()
}

#[test]
fn each_stops_wherever_it_is_told_to() {
    let snapshot = hub();
    for name in ALL {
        let mut looks = 0;
        let counting = Control::new().cancelled_when(|| {
            looks += 1;
            false
        });
        run(&snapshot, (name, NodeId(0)), counting).expect("nobody stops it");
        assert!(looks >= 3, "{name} looks at the flag {looks} times");
        // Not at every look: each run goes as far as it is let.
        for stop in (0..looks).step_by((looks as usize / 8).max(1)) {
            let mut left = stop;
            let control = Control::new().cancelled_when(|| {
                left -= 1;
                left < 0
            });
            let stopped = run(&snapshot, (name, NodeId(0)), control);
            assert!(matches!(stopped, Err(ReadError::Cancelled)), "{name} at look {stop} of {looks}");
        }
    }
}

#[test]
fn each_says_how_far_it_is_and_never_goes_back() {
    let snapshot = hub();
    for name in ALL {
        let mut told: Vec<Progress> = Vec::new();
        run(&snapshot, (name, NodeId(0)), Control::new().on_progress(|p| told.push(p))).expect("read");
        let last = told.last().expect("it is told at the end at least");
        assert_eq!(last.done, last.total, "{name}");
        assert!(told.iter().any(|p| p.done > 0 && p.done < p.total), "{name}: also on the way");
        assert!(told.is_sorted_by_key(|p| (p.round, p.done)), "{name}");
        assert!(told.iter().all(|p| p.done <= p.total), "{name}");
    }
}

#[test]
fn each_sees_what_a_transaction_changed() {
    let edges = [(0, 1, 4), (1, 2, 5), (0, 2, 20), (2, 3, 1), (3, 0, 2), (3, 3, 0), (0, 1, 3)];
    let weighted = edges.map(|(from, to, w)| (from, to, Value::Int(w)));
    let wanted = Sketch::weighted(5, &weighted).snapshot();
    let db = database();
    let mut tx = db.begin_write().expect("begun");
    for _ in 0..5 {
        tx.add_anonymous("node", props! {}).expect("added");
    }
    for (from, to, w) in edges {
        tx.add_edge(NodeId(from), "directed", NodeId(to), props! { "w" => w }).expect("added");
    }
    let more = tx.add_edge(NodeId(4), "directed", NodeId(0), props! { "w" => 0 }).expect("added");
    tx.delete_edge(more).expect("deleted");
    for name in ALL {
        let found = run(&tx, (name, NodeId(0)), Control::new()).expect("read");
        assert_eq!(found, run(&wanted, (name, NodeId(0)), Control::new()).expect("read"), "{name}");
    }
}

#[test]
fn ids_may_lie_anywhere_and_nothing_is_taken_for_those_between() {
    let ids = [0, 1, 900, 1 << 33, 1 << 62, u64::MAX - 3, u64::MAX - 1];
    let edges =
        [(0, 6, 1), (6, 1, 1), (1, 0, 1), (2, 5, 1), (5, 4, 1)].map(|(a, b, w)| (a, b, Value::Int(w)));
    let near = Sketch::weighted(7, &edges).snapshot();
    let far = Sketch::weighted(7, &edges).ids(&ids).snapshot();
    let distances = |snapshot: &Snapshot, source| {
        let found = snapshot.bfs_distances(NodeId(source)).run().expect("read");
        found.iter().map(|(_, distance)| distance).collect::<Vec<_>>()
    };
    assert_eq!(distances(&near, 6), distances(&far, u64::MAX - 1));
    let values = far.lcc().run().expect("read");
    assert_eq!(values.iter().map(|(node, _)| node.0).collect::<Vec<_>>(), ids);
    assert_eq!(values.get(NodeId(u64::MAX - 1)), Some(0.5));
    assert_eq!((values.get(NodeId(2)), values.get(NodeId(u64::MAX))), (None, None));
    for name in ALL {
        run(&far, (name, NodeId(900)), Control::new()).expect("read");
    }
}

#[test]
fn a_graph_without_edges_or_with_one_node_has_plain_answers() {
    for nodes in [1, 3] {
        let snapshot = Sketch::directed(nodes, &[]).snapshot();
        for name in ALL {
            run(&snapshot, (name, NodeId(0)), Control::new()).expect("read");
        }
    }
    let empty = Sketch::directed(0, &[]).snapshot();
    for name in &ALL[2..] {
        run(&empty, (name, NodeId(0)), Control::new()).expect("read");
    }
}

/// Every page but the roots' is damaged in turn: an algorithm fails, or does not need the page.
#[test]
fn a_damaged_page_is_an_error_and_never_a_short_answer() {
    let (size, store) = (PageSize::K4, MemoryStore::new(Vec::new()));
    let device = MemoryDevice::open(&store, &OpenOptions::create(size)).expect("created");
    let db = Options::new().create_device(Arc::new(device)).expect("created");
    let mut tx = db.begin_write().expect("begun");
    let mut rng = Rng::new(8);
    for id in 0..400 {
        let node = NewNode { id: Some(NodeId(id * 40)), ..NewNode::default() };
        tx.insert_node("node", node).expect("added");
    }
    for _ in 0..3000 {
        let [from, to] = [(); 2].map(|()| NodeId(rng.below(400) * 40));
        tx.add_edge(from, "road", to, props! { "w" => 1 }).expect("added");
    }
    tx.commit().expect("committed");
    db.close().expect("closed");
    let open = || {
        let device = MemoryDevice::open(&store, &OpenOptions::open()).expect("there");
        Options::new().read_only(true).open_device(Arc::new(device))
    };
    let read = |name| {
        let snapshot = open().ok()?.begin_read().ok()?;
        Some(run(&snapshot, (name, NodeId(0)), Control::new()))
    };
    let wanted: Vec<String> = ALL.map(|name| read(name).expect("whole").expect("read")).into();
    let pages = store.image().len() / size.bytes();
    let mut failed = [0; ALL.len()];
    for page in 5..pages {
        let flip = |bytes: &mut Vec<u8>| bytes[page * size.bytes() + 100] ^= 0x55;
        store.tamper(flip);
        for (at, name) in ALL.iter().enumerate() {
            match read(name) {
                Some(Ok(found)) => assert_eq!(found, wanted[at], "{name} without page {page}"),
                Some(Err(ReadError::Page(_))) | None => failed[at] += 1,
                Some(Err(other)) => panic!("{name} without page {page}: {other}"),
            }
        }
        store.tamper(flip);
    }
    assert!(failed.iter().all(|count| *count > 3), "pages were needed: {failed:?} of {pages}");
}

/// Edges of a random graph as arcs: parallel ones, loops, parts that do not hang together.
struct Random {
    nodes: u64,
    directed: Vec<(u64, u64)>,
    undirected: Vec<(u64, u64)>,
    ids: Vec<u64>,
}

impl Random {
    fn new(rng: &mut Rng) -> Random {
        let nodes = 1 + rng.below(40);
        let mut edges = |most| -> Vec<(u64, u64)> {
            (0..rng.below(most)).map(|_| (rng.below(nodes), rng.below(nodes))).collect()
        };
        let (directed, undirected) = (edges(80), edges(20));
        let step = [1, 3, 1 << 40][rng.index(3)];
        Random { nodes, directed, undirected, ids: (0..nodes).map(|n| n * step + 1).collect() }
    }

    fn snapshot(&self) -> Snapshot {
        Sketch::mixed(self.nodes, &self.directed, &self.undirected).ids(&self.ids).snapshot()
    }

    /// Where edges lead, followed this way or each as its type says; a loop that is followed both ways leads back once.
    fn arcs(&self, direction: Option<Direction>) -> Vec<(u64, u64)> {
        let follow = |edges: &[(u64, u64)], own: Direction| -> Vec<(u64, u64)> {
            let (way, mut arcs) = (direction.unwrap_or(own), Vec::new());
            for (from, to) in edges {
                if way != Direction::In {
                    arcs.push((*from, *to));
                }
                if way == Direction::In || way == Direction::Both && from != to {
                    arcs.push((*to, *from));
                }
            }
            arcs
        };
        let mut arcs = follow(&self.directed, Direction::Out);
        arcs.extend(follow(&self.undirected, Direction::Both));
        arcs
    }
}

fn naive_bfs(nodes: u64, arcs: &[(u64, u64)], source: u64) -> Vec<Option<u64>> {
    let mut distances = vec![None; nodes as usize];
    distances[source as usize] = Some(0);
    // As often as a path may be long.
    for _ in 0..nodes {
        for (from, to) in arcs {
            if let Some(distance) = distances[*from as usize] {
                let through = Some(distance + 1);
                let known: &mut Option<u64> = &mut distances[*to as usize];
                if known.is_none() || *known > through {
                    *known = through;
                }
            }
        }
    }
    distances
}

fn naive_cdlp(nodes: u64, arcs: &[(u64, u64)], iterations: u64) -> Vec<u64> {
    let mut labels: Vec<u64> = (0..nodes).collect();
    for _ in 0..iterations {
        let mut votes: Vec<BTreeMap<u64, usize>> = vec![BTreeMap::new(); nodes as usize];
        for (from, to) in arcs {
            *votes[*from as usize].entry(labels[*to as usize]).or_default() += 1;
        }
        let winner = |(node, votes): (usize, &BTreeMap<u64, usize>)| {
            let most = votes.values().max();
            votes.iter().find(|(_, count)| Some(*count) == most).map_or(labels[node], |(label, _)| *label)
        };
        labels = votes.iter().enumerate().map(winner).collect();
    }
    labels
}

fn naive_wcc(nodes: u64, arcs: &[(u64, u64)]) -> Vec<u64> {
    let mut labels: Vec<u64> = (0..nodes).collect();
    for _ in 0..nodes {
        for (from, to) in arcs {
            let least = labels[*from as usize].min(labels[*to as usize]);
            labels[*from as usize] = least;
            labels[*to as usize] = least;
        }
    }
    labels
}

#[test]
fn random_graphs_give_what_the_definitions_say() {
    let mut rng = Rng::new(2026);
    for round in 0..150 {
        let graph = Random::new(&mut rng);
        let snapshot = graph.snapshot();
        let place: HashMap<u64, u64> = graph.ids.iter().copied().zip(0..).collect();
        let back = |id: NodeId| place[&id.0];
        let source = rng.below(graph.nodes);
        let ways = [None, Some(Direction::Out), Some(Direction::In), Some(Direction::Both)];
        let way = ways[rng.index(4)];
        let what = format!("round {round}, {way:?} from {source}");

        let mut bfs = snapshot.bfs_distances(NodeId(graph.ids[source as usize]));
        let mut cdlp = snapshot.cdlp().iterations(round % 6);
        if let Some(way) = way {
            (bfs, cdlp) = (bfs.direction(way), cdlp.direction(way));
        }
        let (alpha, beta) = [(0, 0), (15, 18), (1000, 1000), (u64::MAX, u64::MAX)][rng.index(4)];
        let bfs = bfs.switching(alpha, beta).run().expect("read");
        let bfs: Vec<_> = bfs.iter().map(|(_, distance)| distance).collect();
        assert_eq!(bfs, naive_bfs(graph.nodes, &graph.arcs(way), source), "bfs: {what}");

        let asked = graph.arcs(way.or(Some(Direction::Both)));
        let found = cdlp.run().expect("read");
        let found: Vec<u64> = found.iter().map(|(_, label)| back(label)).collect();
        assert_eq!(found, naive_cdlp(graph.nodes, &asked, round % 6), "cdlp: {what}");

        let found = snapshot.weakly_connected().run().expect("read");
        let found: Vec<u64> = found.iter().map(|(_, label)| back(label)).collect();
        assert_eq!(found, naive_wcc(graph.nodes, &graph.arcs(None)), "wcc: {what}");
    }
}

#[test]
fn random_weights_give_the_least_sums() {
    let mut rng = Rng::new(77);
    for round in 0..100 {
        let nodes = 1 + rng.below(30);
        let edges: Vec<(u64, u64, i64)> =
            (0..rng.below(90)).map(|_| (rng.below(nodes), rng.below(nodes), rng.below(9) as i64)).collect();
        let weighted: Vec<_> = edges.iter().map(|(from, to, w)| (*from, *to, Value::Int(*w))).collect();
        let snapshot = Sketch::weighted(nodes, &weighted).snapshot();
        let way = [Direction::Out, Direction::In, Direction::Both][rng.index(3)];
        let mut sums = vec![None; nodes as usize];
        sums[0] = Some(0);
        for _ in 0..nodes {
            for (from, to, w) in &edges {
                let mut relax = |from: u64, to: u64| {
                    let through: Option<i64> = sums[from as usize].map(|sum: i64| sum + w);
                    let known = &mut sums[to as usize];
                    if through.is_some() && (known.is_none() || *known > through) {
                        *known = through;
                    }
                };
                if way != Direction::In {
                    relax(*from, *to);
                }
                if way != Direction::Out {
                    relax(*to, *from);
                }
            }
        }
        let found = snapshot.sssp(NodeId(0), "w").direction(way).run().expect("read");
        let found: Vec<_> = found.iter().map(|(_, sum)| sum).collect();
        let wanted: Vec<_> = sums.iter().map(|sum| sum.map(Distance::Int)).collect();
        assert_eq!(found, wanted, "round {round}, {way:?}");
    }
}
