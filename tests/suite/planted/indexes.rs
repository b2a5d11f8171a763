//! Property indexes: what the records have and what the index has, after each change.

use super::{Caught, arm, caught, options, said};
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::planted::Bug;
use foliograph::{IndexOn, NodeId, PageSize, Value, WriteError, props};
use std::sync::Arc;

const PEOPLE: i64 = 20;
const STEPS: u64 = 60;

/// Names are changed, in turn to new ones and to another's: `check` compares index and records, and a second of a name
/// is refused.
pub(super) fn changed_values(bugs: &[Bug]) -> Result<u64, Caught> {
    let db = options().create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("a new store");
    let mut tx = db.begin_write().expect("the only writer");
    tx.create_index(IndexOn::Label("person"), "name", true).expect("an index");
    for key in 0..PEOPLE {
        tx.add_node("person", key, props! { "name" => format!("person {key}") }).expect("a node");
    }
    tx.commit().expect("committed");
    let mut rng = Rng::new(7);
    for step in 1..=STEPS {
        caught(step, || {
            arm(bugs, || {
                let mut tx = db.begin_write().map_err(said)?;
                let (node, other) = (NodeId(rng.below(PEOPLE as u64)), NodeId(rng.below(PEOPLE as u64)));
                tx.set(node, "name", format!("renamed {step}")).map_err(said)?;
                let taken = tx.get::<Value>(other, "name").map_err(said)?.ok_or("everybody has a name")?;
                match tx.set(node, "name", taken) {
                    Err(WriteError::NotUnique { .. }) if node != other => {}
                    Ok(()) if node == other => {}
                    done => return Err(format!("{node} is named as {other}: {done:?}")),
                }
                tx.commit().map_err(said)?;
                match db.check().map_err(said)?.findings.first() {
                    Some(finding) => Err(finding.what.clone()),
                    None => Ok(()),
                }
            })
        })?;
    }
    Ok(STEPS)
}
