//! Random graphs.

use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::device::sim::Rng;
use foliograph::{Database, NewNode, NodeId, Options, PageSize, Value, props};
use petgraph::graph::NodeIndex;
use std::sync::Arc;

use super::Reference;

pub const TYPES: [&str; 3] = ["a", "b", "c"];
pub const LABELS: [&str; 2] = ["even", "odd"];

/// An edge between two nodes by number: source, number of the type, target, weight.
pub type Drawn = (usize, usize, usize, Value);

/// A graph as it was drawn.
pub struct Sketch {
    seed: u64,
    /// Ids, ascending: a node's number is its place here.
    pub ids: Vec<u64>,
    pub edges: Vec<Drawn>,
    pub undirected: [bool; TYPES.len()],
}

impl Sketch {
    pub fn new(seed: u64) -> Self {
        let rng = &mut Rng::new(seed);
        let count = match rng.below(10) {
            0 => rng.below(3),
            1..=7 => 2 + rng.below(13),
            _ => 20 + rng.below(40),
        };
        let ids = ids(rng, count);
        let forward = rng.chance(1, 3);
        let undirected = TYPES.map(|_| !forward && rng.chance(1, 4));
        let edges = if count == 0 { Vec::new() } else { edges(rng, count as usize, forward) };
        Sketch { seed, ids, edges, undirected }
    }

    /// A store that holds it: over pages, over changes in memory, or over both.
    pub fn store(&self) -> Database {
        let rng = &mut Rng::new(!self.seed);
        let cache = if rng.chance(1, 2) { 16 } else { 4096 };
        let options = Options::new().page_size(PageSize::K4).cache_pages(cache);
        let db = options.create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("created");
        let mut tx = db.begin_write().expect("begun");
        for (name, _) in TYPES.iter().zip(self.undirected).filter(|(_, undirected)| *undirected) {
            tx.set_undirected(name, true).expect("set");
        }
        let mut order: Vec<usize> = (0..self.ids.len()).collect();
        rng.shuffle(&mut order);
        for number in order {
            tx.insert_node(label(number), self.node(number)).expect("added");
        }
        let half = self.edges.len() / 2;
        for (at, (from, edge_type, to, weight)) in self.edges.iter().enumerate() {
            if at == half && rng.chance(2, 3) {
                tx.commit().expect("committed");
                if rng.chance(1, 2) {
                    db.checkpoint().expect("checkpoint");
                }
                tx = db.begin_write().expect("begun");
            }
            let ends = [*from, *to].map(|number| NodeId(self.ids[number]));
            let props = props! { "w" => weight.clone(), "n" => at as i64 };
            tx.add_edge(ends[0], TYPES[*edge_type], ends[1], props).expect("added");
        }
        tx.commit().expect("committed");
        if rng.chance(1, 2) {
            db.checkpoint().expect("checkpoint");
        }
        db
    }

    fn node(&self, number: usize) -> NewNode {
        let key = (!number.is_multiple_of(3)).then(|| format!("key {number}").into());
        NewNode { id: Some(NodeId(self.ids[number])), key, props: props! { "n" => number as i64 } }
    }

    /// The petgraph that walks here should see: edges of undirected types both ways.
    pub fn reference(&self) -> Reference {
        let mut graph = Reference::new();
        for id in &self.ids {
            graph.add_node(NodeId(*id));
        }
        for (from, edge_type, to, weight) in &self.edges {
            let (from, to) = (NodeIndex::new(*from), NodeIndex::new(*to));
            let weight = (*edge_type, number(weight));
            graph.add_edge(from, to, weight);
            if self.undirected[*edge_type] && from != to {
                graph.add_edge(to, from, weight);
            }
        }
        graph
    }
}

/// The label of a node by its number.
pub fn label(number: usize) -> &'static str {
    LABELS[number % 2]
}

pub fn number(weight: &Value) -> f64 {
    match weight {
        Value::Int(n) => *n as f64,
        Value::Float(x) => *x,
        other => panic!("{other:?} was not drawn"),
    }
}

/// Close together, with holes, or far apart up to the largest id there may be.
fn ids(rng: &mut Rng, count: u64) -> Vec<u64> {
    let mut ids: Vec<u64> = match rng.below(3) {
        0 => (0..count).collect(),
        1 => (0..count)
            .scan(rng.below(100), |at, _| {
                *at += 1 + rng.below(9);
                Some(*at)
            })
            .collect(),
        _ => {
            (0..count).map(|n| if n == 0 { NodeId::MAX.0 } else { rng.next_u64() >> rng.below(40) }).collect()
        }
    };
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| *id <= NodeId::MAX.0);
    ids
}

fn edges(rng: &mut Rng, count: usize, forward: bool) -> Vec<Drawn> {
    let wanted = count * [0, 1, 2, 3, 4][rng.index(5)] / 2 + rng.index(3);
    let (ints, parts, types) = (rng.chance(1, 2), 1 + rng.index(3), 1 + rng.index(TYPES.len()));
    let infinite = rng.chance(1, 2);
    let mut edges: Vec<Drawn> = Vec::new();
    for _ in 0..wanted {
        let from = rng.index(count);
        let to = if rng.chance(1, 10) { from } else { rng.index(count) };
        let mut ends = (from, rng.index(types), to);
        if !edges.is_empty() && rng.chance(1, 6) {
            let twin = &edges[rng.index(edges.len())];
            ends = (twin.0, if rng.chance(1, 2) { twin.1 } else { ends.1 }, twin.2);
        }
        let (from, edge_type, to) = ends;
        if from % parts != to % parts || forward && from == to {
            continue;
        }
        let (from, to) = if forward { (from.min(to), from.max(to)) } else { (from, to) };
        edges.push((from, edge_type, to, weight(rng, ints, infinite)));
    }
    edges
}

/// Weights whose sums are exact, so that equal paths have equal sums however they are added.
fn weight(rng: &mut Rng, ints: bool, infinite: bool) -> Value {
    match rng.below(12) {
        0 | 1 => Value::Int(0),
        2 => Value::Float(0.0),
        3 if infinite => Value::Float(f64::INFINITY),
        _ if ints => Value::Int(rng.below(6) as i64),
        _ => Value::Float(rng.below(20) as f64 / 4.0),
    }
}
