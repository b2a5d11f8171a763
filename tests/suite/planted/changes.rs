//! Changes that wait in memory: what was done to an edge is found again, however many others came after.

use super::{Caught, arm, caught, options, said};
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::planted::Bug;
use foliograph::{NodeId, PageSize, props};
use std::sync::Arc;

const NODES: u64 = 300;

/// A hub is linked to all others in one transaction, again, and once more; each edge takes the rank behind the last one's.
/// Then one of each three goes, and only that is gone.
pub(super) fn ranks(bugs: &[Bug]) -> Result<u64, Caught> {
    arm(bugs, || {
        // Nothing is written before the end.
        let options = options().memory_budget(1 << 20);
        let db = options.create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("a new store");
        let mut tx = db.begin_write().expect("the only writer");
        for key in 0..NODES {
            tx.add_node("dot", key as i64, props! {}).expect("a node");
        }
        let mut step = 0;
        let mut steps = || {
            step += 1;
            step
        };
        let mut edges = Vec::new();
        for round in 0..3 {
            for n in (0..NODES).map(|n| NodeId(n * 7 % NODES)) {
                caught(steps(), || {
                    let edge = tx.add_edge(NodeId(0), "a", n, props! {}).map_err(said)?;
                    edges.push(edge);
                    if edge.rank == round { Ok(()) } else { Err(format!("{edge:?} in round {round}")) }
                })?;
            }
        }
        for edge in edges.iter().filter(|edge| edge.rank == 1) {
            caught(steps(), || tx.delete_edge(*edge).map_err(said))?;
        }
        for edge in &edges {
            caught(steps(), || match (tx.edge_exists(*edge).map_err(said)?, edge.rank) {
                (there, rank) if there != (rank == 1) => Ok(()),
                (there, _) => Err(format!("{edge:?} is there: {there}")),
            })?;
        }
        Ok(step)
    })
}
