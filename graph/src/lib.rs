//! Foliograph: an embedded property-graph store on pluggable page devices.

pub mod model;
pub mod value;

pub use model::{Direction, Edge, Key, LabelId, NodeId, PropertyId, Props, TypeId, Value};
