//! Indexes: from values to node ids.
//!
//! Holds the key index: (label, key) → node id, unique. Must always be true: it has exactly one entry for each node that
//! has a key, and none else (I5).

mod keys;

pub use keys::KeyIndex;
pub(crate) use keys::{key_of, node_of};
