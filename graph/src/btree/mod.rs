//! The tree that every layer keeps its things in: an ordered map from keys to values in pages, copy-on-write.
//!
//! One tree serves all leaf formats ([`LeafFormat`]): nodes by id, edges by their ends, records by bytes. A [`Tree`] is a
//! value: a reference to a root page, or nodes in memory where something was changed. It holds no pager, no file and no
//! lock; what it needs comes in as the snapshot or transaction of each call.
//!
//! # What must always be true
//!
//! - **T1** A changed node has no page and no page id (V1). Its parent holds it itself, shared and counted; versions of
//!   the tree that are clones share what neither has changed since: changed children are in a table whose parts
//!   are shared, and all changes of a leaf but the newest in runs that are, so a change copies little, however much a leaf
//!   has gathered and however many children are above it.
//! - **T2** A leaf that was changed is its old page, named but not read, and a sorted delta (V6). To write is to descend
//!   and to add to the delta: no leaf is read, and nothing is written, so any pages that can be read will do.
//! - **T3** A flush goes level by level from the leaves up, each level in batches, and a parent is encoded from pages that
//!   are written, by type (V2, I1): [`Entry`] takes a [`storage_core::page::Written`] and nothing else.
//! - **T4** Child *i* of an inner node holds the keys from its separator up to the next child's. The first child's
//!   lower bound is the node's own; the root's is minus infinity. Separators ascend strictly.
//! - **T5** Levels fall by exactly one from parent to child, and leaves are level 0: every walk down ends.
//! - **T6** All leaves are at the same depth; every inner page has at least two children; an empty tree has no root.
//! - **T7** A flush frees each page that it replaces, once. A page of the tree that is under a third full is merged with
//!   a neighbour under the same parent when it is written anew.
//! - **T8** [`Tree::weight`] is the memory that changed nodes take, with changes that newer ones hide until those go;
//!   [`Tree::changed_nodes`] is their number. Both are counted as they change.
//! - **T9** Whatever a page says is checked before it is used: damage is an error that names the page (I7).
//! - **T10** After [`Tree::rebase`] the flushed tree holds exactly what the later version holds, at the cost of what
//!   differs between the two versions. For both are over the same pages, and a changed node that both hold is the same.
//! - **T11** An inner page says of each child how many entries the leaves below it hold; a flush, a builder and whoever
//!   moves pages write what is so. [`Tree::count`] reads a page or two of each level for it, and each changed leaf of the
//!   range. Only `count` believes it: a wrong number is damage that `check` names, and can lose nothing.
//!
//! # What it does not do
//!
//! It does not know whether a key is new: `put` and `delete` say what shall be. It has no locks: who writes holds
//! the transaction. Walks pin no leaves, and a finger one (a place in the tree that look-ups start from): a cache of 16 pages
//! is enough for any tree.
//!
//! # Not written, not indexed
//!
//! The old bug was an index that named a page which nobody had written. Here that does not compile. A packed leaf is an
//! image; an entry of an index takes the proof that a write returned:
//!
//! ```
//! use foliograph::btree::{Entry, PackedLeaf};
//! use storage_core::page::Written;
//! fn index(leaf: PackedLeaf, written: Written) -> Entry {
//!     Entry { separator: leaf.separator.into(), count: leaf.count, page: written }
//! }
//! ```
//!
//! ```compile_fail,E0308
//! use foliograph::btree::{Entry, PackedLeaf};
//! fn index(leaf: PackedLeaf) -> Entry {
//!     Entry { separator: leaf.separator.into(), count: leaf.count, page: leaf.image }
//! }
//! ```
//!
//! Nor does the page id that a leaf will perhaps get:
//!
//! ```compile_fail,E0308
//! use foliograph::btree::{Entry, PackedLeaf};
//! use storage_core::page::PageId;
//! fn index(leaf: PackedLeaf) -> Entry {
//!     Entry { separator: leaf.separator.into(), count: leaf.count, page: PageId::new(7) }
//! }
//! ```

mod build;
mod changes;
mod children;
mod count;
mod cursor;
mod decoded;
mod delta;
mod filter;
mod finger;
mod flush;
mod leaves;
mod levels;
mod merge;
mod node;
mod pack;
mod quick;
mod range;
mod read;
mod rebase;
mod relocate;
mod remade;
mod samples;
mod visit;
mod write;

pub mod format;
pub mod inner;
pub mod record;

#[cfg(test)]
mod tests;

pub use build::TreeBuilder;
pub use changes::ChangeAt;
pub(crate) use decoded::Slot;
pub(crate) use delta::Delta;
pub use filter::Family;
pub(crate) use filter::mixed;
pub(crate) use finger::{Finger, Spot};
pub use format::{LeafFormat, LeafPacker, PackedLeaf};
pub use inner::{Entry, InnerPage, MAX_KEY_LEN, MAX_LEVEL};
pub use merge::{Growth, Merged};
pub use node::Tree;
pub(crate) use quick::Place;
pub use range::{Range, RangeBack};
pub use read::{LeafView, Leaves};
pub use record::{Record, RecordLeaf};
pub use remade::Ahead;

/// The length of the longest common prefix.
pub fn lcp(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The shortest prefix of `first` that is greater than `last`, the key before it: what a [`LeafPacker`] gives for a
/// separator.
pub fn shortest_separator<'k>(last: &[u8], first: &'k [u8]) -> &'k [u8] {
    &first[..first.len().min(lcp(last, first) + 1)]
}
