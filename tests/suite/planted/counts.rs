//! What inner pages say of the number of entries below their children.

use super::{Caught, arm, caught, options, said};
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::planted::Bug;
use foliograph::{Database, Direction, NewNode, NodeId, PageSize, props};
use std::sync::Arc;

/// Far enough apart that their edges take some pages.
const NODES: u64 = 12_000;
const APART: u64 = 977;

/// Grows a hub over many pages, in one direction and then the other, by commits that are checkpoints; `look` sees each.
fn hub(bugs: &[Bug], look: fn(&Database, u64) -> Result<(), String>) -> Result<u64, Caught> {
    arm(bugs, || {
        let db = options().create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("a new store");
        let mut tx = db.begin_write().expect("begun");
        for n in 0..NODES {
            let id = Some(NodeId(n * APART));
            tx.insert_node("dot", NewNode { id, ..NewNode::default() }).expect("added");
        }
        tx.commit().expect("committed");
        for step in 0..20 {
            caught(step + 1, || {
                let mut tx = db.begin_write().map_err(said)?;
                for n in (step..NODES).step_by(20) {
                    tx.add_edge(NodeId(0), "a", NodeId(n * APART), props! {}).map_err(said)?;
                }
                tx.commit().map_err(said)?;
                look(&db, (step + 1) * NODES / 20)
            })?;
        }
        Ok(20)
    })
}

/// The degree after each commit.
pub(super) fn degrees(bugs: &[Bug]) -> Result<u64, Caught> {
    hub(bugs, |db, edges| {
        let degree = db.begin_read().map_err(said)?.degree(NodeId(0)).direction(Direction::Out).count();
        match degree.map_err(said)? {
            found if found == edges => Ok(()),
            found => Err(format!("a degree of {found}, not of {edges}")),
        }
    })
}

/// What `check` finds after each commit.
pub(super) fn checked(bugs: &[Bug]) -> Result<u64, Caught> {
    hub(bugs, |db, _| {
        let findings = db.check().map_err(said)?.findings;
        findings.first().map_or(Ok(()), |f| Err(format!("check: page {} ({}): {}", f.page, f.kind, f.what)))
    })
}
