//! Small graphs in memory, for the tests beside each algorithm.

use crate::{Database, NewNode, NodeId, Options, Snapshot};
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::page::PageSize;

/// An empty store in memory.
pub(crate) fn database() -> Database {
    Options::new().create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("created")
}

/// Nodes with these ids, on pages.
pub(crate) fn nodes(ids: &[u64]) -> Snapshot {
    let db = database();
    let mut tx = db.begin_write().expect("begun");
    for id in ids {
        let node = NewNode { id: Some(NodeId(*id)), ..NewNode::default() };
        tx.insert_node("node", node).expect("added");
    }
    tx.commit().expect("committed");
    db.begin_read().expect("begun")
}
