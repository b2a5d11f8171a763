//! Foliograph: an embedded property-graph store on pluggable page devices.
#![doc = include_str!("../docs/guide.md")]
#![warn(clippy::missing_errors_doc)]

pub mod algo;
mod backend;
mod backup;
pub mod btree;
pub mod bulk;
pub mod caveats {
    #![doc = include_str!("../docs/caveats.md")]
}
mod catalog;
mod check;
mod checkpoint;
mod compact;
pub mod conformance;
mod database;
pub mod edge;
mod error;
pub mod export;
pub mod import;
pub mod index;
mod inspect;
mod load;
pub mod model;
pub mod node;
mod options;
pub mod overflow;
#[cfg(feature = "petgraph")]
pub mod petgraph;
mod prefetch;
mod reader;
mod recovery;
pub mod salvage;
#[cfg(feature = "serde")]
pub mod serde;
mod settle;
mod stats;
pub mod text;
pub mod traverse;
mod trees;
mod txn;
pub mod value;

pub use backend::Backend;
pub use backup::{BackupError, BackupProgress, BackupReport, OnBackup};
pub use catalog::{LabelInfo, TypeInfo};
pub use check::{CheckReport, Finding};
pub use checkpoint::Checkpoint;
pub use compact::Compacted;
pub use database::Database;
pub use error::{CommitError, OpenError, ReadError, WriteError};
pub use inspect::{PageInfo, describe_page, page_references};
pub use load::{BulkLoad, LoadError};
pub use model::{Direction, Edge, Key, LabelId, NodeId, PropertyId, Props, TypeId, Value};
pub use options::{Durability, Options};
pub use reader::{
    Answers, BadCursor, CommonNeighbors, CommonNeighborsIter, Cursor, Degree, Edges, EdgesBetween,
    EdgesBetweenIter, Found, FromValue, IndexInfo, IndexOn, Neighbor, NeighborLists, Neighbors,
    NeighborsIter, NeighborsOf, NodeView, Nodes, Question, Reader, Snapshot, ValueRange,
};
pub use recovery::Recovery;
pub use stats::{DegreeStats, Stats, TreeStats};
pub use storage_core;
pub use storage_core::page::PageSize;
pub use trees::Layers;
pub use txn::{ApplyError, Commit, DeleteEdges, LoadReport, NewNode, Savepoint, WriteTransaction, record};
