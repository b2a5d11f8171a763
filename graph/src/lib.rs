//! Foliograph: an embedded property-graph store on pluggable page devices.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use foliograph::{Database, props};
//!
//! let db = Database::open("people.folio")?;
//! let mut tx = db.begin_write()?;
//! let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
//! let charles = tx.add_node("person", "charles", props! {})?;
//! tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
//! tx.commit()?;
//!
//! let snapshot = db.begin_read()?;
//! for neighbor in snapshot.neighbors(ada).outgoing().of_type("knows") {
//!     let neighbor = neighbor?;
//!     println!("{} since {:?}", snapshot.name(neighbor.id)?, neighbor.get::<i64>("since")?);
//! }
//! # Ok(()) }
//! ```
//!
//! # Where things are
//!
//! Calls go down only: [`Database`] and its transactions → layers (`node`, `edge`, `index`) → `btree` → the pager of
//! [`storage_core`] → one shared page device, chosen in `backend.rs`.

pub mod algo;
mod backend;
mod backup;
pub mod btree;
pub mod bulk;
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
mod reader;
mod recovery;
pub mod salvage;
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
    Answers, Degree, Edges, Found, FromValue, IndexInfo, IndexOn, Neighbor, Neighbors, NeighborsIter,
    NeighborsOf, NodeView, Nodes, Question, Reader, Snapshot, ValueRange,
};
pub use recovery::Recovery;
pub use stats::{DegreeStats, Stats, TreeStats};
pub use storage_core;
pub use storage_core::page::PageSize;
pub use trees::Layers;
pub use txn::{ApplyError, Commit, LoadReport, NewNode, WriteTransaction, record};
