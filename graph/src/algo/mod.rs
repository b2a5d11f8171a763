//! The standard algorithms over the whole graph, straight on storage: nothing is copied into memory but what is computed
//! for each node.
//!
//! | question | finds | by |
//! |---|---|---|
//! | [`Reader::bfs_distances`](crate::Reader::bfs_distances) | edges from one node to each other | breadth-first, top-down and bottom-up |
//! | [`Reader::sssp`](crate::Reader::sssp) | least sums of weights from one node | Dijkstra |
//! | [`Reader::degrees`](crate::Reader::degrees) | how many edges each node has | one pass |
//! | [`Reader::page_rank`](crate::Reader::page_rank) | ranks | passes over all lists |
//! | [`Reader::weakly_connected`](crate::Reader::weakly_connected) | weakly connected components | one pass, union-find |
//! | [`Reader::strongly_connected`](crate::Reader::strongly_connected) | strongly connected components | one depth-first search |
//! | [`Reader::topological_order`](crate::Reader::topological_order) | an order along the edges, or a cycle | level by level |
//! | [`Reader::cdlp`](crate::Reader::cdlp) | communities | label propagation |
//! | [`Reader::lcc`](crate::Reader::lcc), [`Reader::triangles`](crate::Reader::triangles) | clustering, triangles | marks |
//!
//! Those that LDBC Graphalytics has follow its rules; what it leaves open (self-loops, parallel edges, several types) each
//! says. Each takes types of edges, a [`Control`] by which it is watched and stopped, and gives [`NodeValues`].
//!
//! Must always be true: an I/O error ends a computation with that error; what is found does not depend on the cache, nor
//! on the device, nor on what of the graph is on pages. Memory is a fixed number of bytes for each node, which each question
//! says (`BYTES_PER_NODE`, and `memory()` for the graph at hand), beside the cache and one node's list: never anything by
//! the largest id, nor a copy of the edges.
//!
//! Not here: walks from one node that end early (see [`crate::traverse`]).

mod bfs;
mod cdlp;
mod control;
mod corners;
mod degrees;
mod frontier;
mod heap;
mod lcc;
mod numbering;
mod page_rank;
mod question;
mod scc;
mod sssp;
mod sweep;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod topo;
mod triangles;
mod values;
mod wcc;
mod weights;

pub use bfs::BfsDistances;
pub use cdlp::Cdlp;
pub(crate) use control::Ticker;
pub use control::{Control, Progress, STEPS};
pub use degrees::Degrees;
pub use lcc::Lcc;
pub use page_rank::PageRank;
pub use scc::StronglyConnected;
pub use sssp::{Distance, Sssp};
pub use topo::{Cycle, TopologicalOrder};
pub use triangles::{TriangleCount, Triangles};
pub use values::NodeValues;
pub use wcc::WeaklyConnected;
pub(crate) use weights::{Weight, Weights};
