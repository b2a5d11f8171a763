//! Edges: adjacency in leaves of two trees, one by source (out) and one by target (in).
//!
//! Holds: [`EdgeKey`], the name of one edge in one direction, and [`page`], the layout of adjacency leaves.
//! Both directions use the same layout; only the page kind differs.

mod lists;
pub mod page;
mod scan;
mod soon;
mod store;
mod window;

pub(crate) use lists::{Lists, few};
pub(crate) use scan::scan;
pub(crate) use soon::SOON;
pub use store::EdgeStore;
pub(crate) use store::{Entry, edge_of, keys, props_key};
pub(crate) use window::{Stand, Window, before, behind, types_of};

use crate::btree::{Family, mixed};
use std::ops::RangeInclusive;

/// One edge as one direction's tree sees it. The order of the fields is the order of the tree.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EdgeKey {
    /// The node whose list holds the edge: the source in the out tree, the target in the in tree.
    pub vertex: u64,
    /// The edge type's number in the catalog.
    pub edge_type: u32,
    /// The node at the other end.
    pub neighbor: u64,
    /// 0, and upwards where there are parallel edges of one type.
    pub rank: u32,
}

/// Parallel edges belong together.
impl Family for EdgeKey {
    #[inline]
    fn family(&self) -> u64 {
        mixed(self.vertex ^ u64::from(self.edge_type) << 48 ^ mixed(self.neighbor))
    }
}

impl EdgeKey {
    /// Bytes of a key as [`EdgeKey::to_bytes`] gives it.
    pub const LEN: usize = 24;

    /// The smallest key that there may be.
    pub const MIN: EdgeKey = EdgeKey { vertex: 0, edge_type: 0, neighbor: 0, rank: 0 };

    /// The greatest key that there may be.
    pub const MAX: EdgeKey =
        EdgeKey { vertex: u64::MAX, edge_type: u32::MAX, neighbor: u64::MAX, rank: u32::MAX };

    /// The key behind this one; `None` if it is the last.
    pub fn next(self) -> Option<Self> {
        let (rank, over) = self.rank.overflowing_add(1);
        let (neighbor, over) = self.neighbor.overflowing_add(over.into());
        let (edge_type, over) = self.edge_type.overflowing_add(over.into());
        let vertex = self.vertex.checked_add(over.into())?;
        Some(EdgeKey { vertex, edge_type, neighbor, rank })
    }

    /// The key before this one; `None` if it is the first.
    pub fn before(self) -> Option<Self> {
        let (rank, under) = self.rank.overflowing_sub(1);
        let (neighbor, under) = self.neighbor.overflowing_sub(under.into());
        let (edge_type, under) = self.edge_type.overflowing_sub(under.into());
        let vertex = self.vertex.checked_sub(under.into())?;
        Some(EdgeKey { vertex, edge_type, neighbor, rank })
    }

    /// All edges of a vertex, or those of one type.
    pub fn all_of(vertex: u64, edge_type: Option<u32>) -> RangeInclusive<Self> {
        let (first, last) = edge_type.map_or((0, u32::MAX), |edge_type| (edge_type, edge_type));
        let first = EdgeKey { vertex, edge_type: first, ..EdgeKey::MIN };
        first..=EdgeKey { vertex, edge_type: last, ..EdgeKey::MAX }
    }

    /// The smallest key that edges of `vertex` may have.
    pub const fn first_of(vertex: u64) -> Self {
        EdgeKey { vertex, edge_type: 0, neighbor: 0, rank: 0 }
    }

    /// What a page's list of its vertex has of it.
    #[inline]
    pub(crate) fn entry(&self) -> Entry {
        (self.edge_type, self.neighbor, self.rank)
    }

    /// The fields big-endian one after another: their `memcmp` order is the order of keys.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[..8].copy_from_slice(&self.vertex.to_be_bytes());
        out[8..12].copy_from_slice(&self.edge_type.to_be_bytes());
        out[12..20].copy_from_slice(&self.neighbor.to_be_bytes());
        out[20..].copy_from_slice(&self.rank.to_be_bytes());
        out
    }

    /// The key that these bytes are; `None` if they have another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        let long = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let short = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        Some(EdgeKey { vertex: long(0), edge_type: short(8), neighbor: long(12), rank: short(20) })
    }
}
