//! Lists of neighbours against a set of edges: on pages, in memory over pages, and inside a transaction.

mod batches;
mod cost;
mod cursors;
mod deletes;
mod lists;
mod many;
mod sets;

use super::lists::Hop;
use super::{Cursor, Reader};
use crate::model::{Direction, Edge, NodeId, TypeId};
use crate::txn::{NewNode, WriteTransaction};
use crate::{Database, Options, props};
use std::collections::BTreeSet;
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::device::sim::rng::Rng;
use storage_core::page::PageSize;
use storage_core::pager::ReadPages;

/// The types, by id: the last one is undirected, and of the last but one there are no edges.
const TYPES: [&str; 4] = ["a", "b", "unused", "road"];
const ROAD: TypeId = TypeId(3);

const DIRECTIONS: [Option<Direction>; 4] =
    [None, Some(Direction::Out), Some(Direction::In), Some(Direction::Both)];

/// What the graph must hold.
#[derive(Clone, Debug, Default)]
struct Model {
    nodes: Vec<NodeId>,
    edges: BTreeSet<Edge>,
}

/// A question, in words that both the graph and the model understand.
#[derive(Clone, Debug)]
struct Words {
    direction: Option<Direction>,
    types: Option<Vec<TypeId>>,
    between: (u64, u64),
    after: Option<Cursor>,
    backwards: bool,
}

impl Words {
    fn all(direction: Option<Direction>) -> Self {
        Words { direction, types: None, between: (0, u64::MAX), after: None, backwards: false }
    }

    /// Any question; `places` are places to go on from.
    fn any(rng: &mut Rng, model: &Model, places: &[Cursor]) -> Self {
        let types = match rng.below(6) {
            0 | 1 => None,
            2 => Some(vec![]),
            3 => Some(vec![TypeId(rng.below(4) as u32)]),
            4 => Some(vec![TypeId(77), ROAD, TypeId(0)]),
            _ => Some((0..2).map(|_| TypeId(rng.below(4) as u32)).collect()),
        };
        let any = |rng: &mut Rng| model.nodes[rng.index(model.nodes.len())].0;
        let between = match rng.below(4) {
            0 | 1 => (0, u64::MAX),
            2 => (any(rng), any(rng)),
            _ => [any(rng); 2].into(),
        };
        let after = (!places.is_empty() && rng.chance(1, 2)).then(|| places[rng.index(places.len())]);
        let direction = DIRECTIONS[rng.index(4)];
        Words { direction, types, between, after, backwards: rng.chance(1, 2) }
    }

    fn ways(&self, edge_type: TypeId) -> Option<Direction> {
        let own = if edge_type == ROAD { Direction::Both } else { Direction::Out };
        let wanted = self.types.as_ref().is_none_or(|types| types.contains(&edge_type));
        wanted.then_some(self.direction.unwrap_or(own))
    }

    fn ask<'a, R: ReadPages>(&self, reader: &'a Reader<R>, node: NodeId) -> super::Neighbors<'a, R> {
        let (least, greatest) = self.between;
        let mut question = reader.neighbors(node).between(NodeId(least)..=NodeId(greatest));
        if let Some(direction) = self.direction {
            question = question.direction(direction);
        }
        if let Some(types) = &self.types {
            question = question.of_types(types);
        }
        if let Some(cursor) = self.after {
            question = question.after(cursor);
        }
        if self.backwards { question.descending() } else { question.ascending() }
    }
}

impl Model {
    /// The answer to a question, in order.
    fn answer(&self, node: NodeId, words: &Words) -> Vec<Hop> {
        let mut hops = Vec::new();
        for edge in &self.edges {
            let Some(way) = words.ways(edge.edge_type) else { continue };
            let (Edge { edge_type, rank, .. }, out) = (*edge, edge.source == node && way != Direction::In);
            let hop =
                |neighbor: NodeId, into| Hop { neighbor: neighbor.0, edge_type: edge_type.0, into, rank };
            hops.extend(out.then(|| hop(edge.target, false)));
            let into = edge.target == node && way != Direction::Out && !out;
            hops.extend(into.then(|| hop(edge.source, true)));
        }
        let (least, greatest) = words.between;
        hops.retain(|hop| least <= hop.neighbor && hop.neighbor <= greatest);
        hops.sort_unstable();
        if words.backwards {
            hops.reverse();
        }
        let passed = |hop: &Hop| match words.after {
            None => false,
            Some(after) if words.backwards => Cursor::from(*hop) >= after,
            Some(after) => Cursor::from(*hop) <= after,
        };
        hops.retain(|hop| !passed(hop));
        hops
    }

    fn any(&self, rng: &mut Rng) -> NodeId {
        // Every third time one of the hubs, which are the first two.
        if rng.chance(1, 3) { self.nodes[rng.index(2)] } else { self.nodes[rng.index(self.nodes.len())] }
    }

    /// Random edges, many of them at two hubs, some parallel, some loops.
    fn grow(&mut self, tx: &mut WriteTransaction, rng: &mut Rng, count: usize) {
        let mut last = (self.nodes[0], 0, self.nodes[1]);
        for _ in 0..count {
            let source = self.any(rng);
            last = match rng.below(20) {
                0..=2 => last,
                3 => (source, rng.index(2), source),
                _ => (source, [0, 0, 1, 3][rng.index(4)], self.any(rng)),
            };
            let rank = rng.chance(1, 50).then(|| rng.next_u64() as u32);
            match tx.insert_edge((last.0, TYPES[last.1], last.2), rank, props! {}) {
                Ok(edge) => assert!(self.edges.insert(edge), "{edge:?} stood twice"),
                Err(e) => assert!(e.is_refusal(), "{e}"),
            }
        }
    }

    /// Deletes random edges, and now and then a whole stretch of them.
    fn shrink(&mut self, tx: &mut WriteTransaction, rng: &mut Rng, count: usize) {
        let edges: Vec<Edge> = self.edges.iter().copied().collect();
        let from = rng.index(edges.len());
        let stretch = edges[from..].iter().take(count / 2);
        let mut gone: BTreeSet<Edge> = stretch.copied().collect();
        gone.extend((0..count / 2).map(|_| edges[rng.index(edges.len())]));
        for edge in gone {
            tx.delete_edge(edge).expect("it is there");
            self.edges.remove(&edge);
        }
    }
}

/// A store of small pages with nodes, near and far from each other, and no edges.
fn store(rng: &mut Rng, nodes: usize) -> (Database, Model) {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let db = Options::new().background(false).create_device(device).expect("created");
    let mut tx = db.begin_write().expect("begun");
    for name in TYPES {
        tx.set_undirected(name, name == "road").expect("set");
    }
    let mut ids: BTreeSet<u64> = (0..nodes as u64 / 2).collect();
    ids.extend((0..nodes / 2).map(|_| rng.below(1 << 40)));
    ids.insert(NodeId::MAX.0);
    let mut model = Model { nodes: ids.into_iter().map(NodeId).collect(), edges: BTreeSet::new() };
    for id in &model.nodes {
        tx.insert_node("n", NewNode { id: Some(*id), ..NewNode::default() }).expect("added");
    }
    rng.shuffle(&mut model.nodes);
    tx.commit().expect("committed");
    (db, model)
}

/// What must be true of any reader.
trait Claim {
    fn hold<R: ReadPages>(&mut self, reader: &Reader<R>, model: &Model, rng: &mut Rng);
}

/// A random graph in every state that reading knows: in memory alone, on pages, changed in memory over pages, and changed
/// again by the running transaction.
fn in_every_state(seed: u64, edges: usize, claim: &mut impl Claim) {
    println!("seed {seed}");
    let rng = &mut Rng::new(seed);
    let (db, mut model) = store(rng, 60);
    let mut tx = db.begin_write().expect("begun");
    model.grow(&mut tx, rng, edges);
    claim.hold(&*tx, &model, rng);
    tx.commit().expect("committed");
    db.checkpoint().expect("written");
    claim.hold(&db.begin_read().expect("begun"), &model, rng);
    let mut tx = db.begin_write().expect("begun");
    model.shrink(&mut tx, rng, edges / 4);
    model.grow(&mut tx, rng, edges / 4);
    tx.commit().expect("committed");
    claim.hold(&db.begin_read().expect("begun"), &model, rng);
    let mut tx = db.begin_write().expect("begun");
    model.shrink(&mut tx, rng, edges / 8);
    model.grow(&mut tx, rng, edges / 8);
    claim.hold(&*tx, &model, rng);
}
