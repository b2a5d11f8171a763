//! Walks over small graphs whose answers can be seen at a glance.

mod control;
mod filters;
mod paths;
mod weights;

use crate::algo::testing::database;
use crate::traverse::Path;
use crate::{Database, NodeId, ReadError, Value, props};

/// Edges as (source, target, weight) of type `road` between so many nodes. An edge's `w` is left out where it is null.
fn graph(nodes: u64, edges: &[(u64, u64, Value)]) -> Database {
    let db = database();
    let mut tx = db.begin_write().expect("begun");
    for n in 0..nodes {
        tx.add_anonymous("place", props! { "n" => n as i64 }).expect("added");
    }
    for (from, to, weight) in edges {
        tx.add_edge(NodeId(*from), "road", NodeId(*to), props! { "w" => weight.clone() }).expect("added");
    }
    tx.commit().expect("committed");
    db
}

/// Edges without weights.
fn plain(nodes: u64, edges: &[(u64, u64)]) -> Database {
    let edges: Vec<_> = edges.iter().map(|(from, to)| (*from, *to, Value::Null)).collect();
    graph(nodes, &edges)
}

fn ids(path: Path) -> Vec<u64> {
    path.nodes.into_iter().map(|node| node.0).collect()
}

fn each(paths: impl Iterator<Item = Result<Path, ReadError>>) -> Vec<Vec<u64>> {
    paths.map(|path| ids(path.expect("read"))).collect()
}
