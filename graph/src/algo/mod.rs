//! The standard algorithms over the whole graph, straight on storage: nothing is copied into memory but what is computed
//! for each node.
//!
//! Must always be true: an I/O error ends a computation with that error; what is found does not depend on the cache, nor
//! on the device. Nodes are numbered by [`numbering`], so that ids may be as large as they like; memory is a fixed number
//! of bytes a node, which each question says (`BYTES_PER_NODE`), beside what [`Control`] and the cache take.
//!
//! Not here: walks from one node that end early (see [`crate::traverse`]).
#![allow(dead_code, unused_imports, reason = "the algorithms that use it follow in a moment")]

mod control;
mod numbering;
mod scc;
#[cfg(test)]
pub(crate) mod testing;
mod topo;
mod values;

pub(crate) use control::Ticker;
pub use control::{Control, Progress, STEPS};
pub(crate) use numbering::Numbering;
pub use scc::StronglyConnected;
pub use topo::{Cycle, TopologicalOrder};
pub use values::NodeValues;
