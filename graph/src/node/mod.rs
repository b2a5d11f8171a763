//! Nodes: records under ids, in a tree of node pages.
//!
//! - [`NodeRecord`]: label, key, properties; [`Stored`]: a value in the record or in overflow pages.
//! - [`NodeLeaf`]: the page format; [`page`]: reading one without its properties.
//! - [`NodeStore`]: reading and changing records in a tree, long values included.
//! - [`encode_props`], [`decode_props`], [`place_props`], [`free_props`]: the same properties for edges.
//!
//! Must always be true: a layer holds the shared pager and nothing else (I8); what changes travels in the transaction
//! and the tree that its methods take. A long value is named from one record only, and freed when that record lets go
//! of it.
//!
//! It does not know names (the catalog does), nor whether a key is unique (the key index does).

pub mod page;
mod place;
mod props;
mod record;
mod store;
#[cfg(test)]
mod tests;

pub use page::NodeLeaf;
pub use place::{
    Plan, fit, fit_props, free_props, place_props, record_props_limit, value_of, visit_props, whole_props,
};
pub use props::{decode_props, encode_props};
pub use record::{LongKind, NodeRecord, REST, Stored, StoredProps, props_weight, stored};
pub use store::{NodeStore, NodeTree, Spans};
