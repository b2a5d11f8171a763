//! To `petgraph` and back. Behind the feature `petgraph`, of which it takes version 0.8.
//!
//! For algorithms that only petgraph has, on a part of the graph that fits into memory: [`Reader::to_petgraph`] copies what
//! it is told to, [`from_petgraph`] writes such a graph into a transaction.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use foliograph::{Options, props, NodeId, storage_core::{page::PageSize, device::memory::MemoryDevice}};
//! # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
//! # let mut tx = db.begin_write()?;
//! # let [a, b, c] = ["a", "b", "c"].map(|key| tx.add_node("town", key, props! {}).unwrap());
//! # tx.add_edge(a, "road", b, props! { "km" => 3 })?;
//! # tx.add_edge(b, "road", c, props! { "km" => 4 })?;
//! # tx.add_edge(a, "road", c, props! { "km" => 5 })?;
//! # tx.commit()?;
//! use petgraph::algo::min_spanning_tree;
//! use petgraph::data::FromElements;
//! use petgraph::graph::UnGraph;
//!
//! let snapshot = db.begin_read()?;
//! let roads: UnGraph<String, i64> = snapshot
//!     .to_petgraph()
//!     .of_label("town")
//!     .of_type("road")
//!     .nodes_as(|reader, town| reader.name_of(town))
//!     .edges_as(|reader, road| Ok(reader.get_edge(road, "km")?.unwrap_or(0)))
//!     .build()?;
//! let tree: UnGraph<String, i64> = UnGraph::from_elements(min_spanning_tree(&roads));
//! assert_eq!(tree.edge_weights().sum::<i64>(), 7);
//!
//! use foliograph::petgraph::{NewEdge, from_petgraph};
//! use foliograph::NewNode;
//!
//! let mut tx = db.begin_write()?;
//! let ids = from_petgraph(&tree)
//!     .nodes_as(|_, name| ("junction".into(), NewNode { key: Some(name.as_str().into()), ..NewNode::default() }))
//!     .edges_as(|_, km| NewEdge::new("pipe", props! { "km" => *km }))
//!     .write(&mut tx)?;
//! tx.commit()?;
//! assert_eq!(ids.len(), 3);
//! # Ok(()) }
//! ```
//!
//! Must always be true: nodes of the petgraph stand in the order of their ids, edges in that of (source, type, target,
//! rank), so that the same version always gives the same indices; what does not fit is an error, never a panic.

mod from;
mod to;

pub use from::{FromPetgraph, NewEdge, from_petgraph};
pub use to::ToPetgraph;

#[cfg(doc)]
use crate::Reader;
