//! Indexes: from values to node ids, and to edges.
//!
//! Two kinds. The key index: (label, key) → node id, unique; it has exactly one entry for each node that has a key
//! (`keys.rs`). Property indexes: made and dropped at run time, one tree each (`values.rs`). Must always be true: an index
//! mirrors the records, entry for entry (I5); whoever changes a record changes its entries in the same transaction.

mod keys;
mod values;

pub use keys::KeyIndex;
pub(crate) use keys::{key_of, node_of};
pub use values::MAX_INDEXED;
pub(crate) use values::{Entity, KeyRange, Scan, entry, holder, split, value_bytes};
