//! A set of node ids: bits where ids lie close together, a hash set where they do not.

use crate::reader::Reader;
use std::collections::HashSet;
use storage_core::pager::ReadPages;

pub(super) enum NodeSet {
    Bits(Vec<u64>),
    Hashed(HashSet<u64>),
}

impl NodeSet {
    /// An empty set for the nodes of this graph.
    pub(super) fn for_graph<R: ReadPages>(reader: &Reader<R>) -> Self {
        let end = reader.catalog().next_node;
        // Up to 128 bits a node the bits are not larger than the hash set would become. What a damaged catalog counts
        // must not take memory that the size of the store does not explain.
        let pager = reader.pages().pager();
        let store = pager.device().page_count().bytes(pager.page_size()).unwrap_or(u64::MAX);
        if end / 128 <= reader.node_count().saturating_add(1 << 10) && end / 8 <= store {
            NodeSet::Bits(vec![0; (end as usize).div_ceil(64)])
        } else {
            NodeSet::Hashed(HashSet::new())
        }
    }

    /// Whether an id is in the set. One that no node can have (damage) always is, as it is never new.
    pub(super) fn contains(&self, id: u64) -> bool {
        match self {
            NodeSet::Hashed(set) => set.contains(&id),
            NodeSet::Bits(bits) => bits.get((id / 64) as usize).is_none_or(|word| word >> (id % 64) & 1 == 1),
        }
    }

    /// Adds an id; true if it is new. An id that no node can have (damage) is never new.
    pub(super) fn insert(&mut self, id: u64) -> bool {
        match self {
            NodeSet::Hashed(set) => set.insert(id),
            NodeSet::Bits(bits) => {
                let Some(word) = bits.get_mut((id / 64) as usize) else { return false };
                let new = *word >> (id % 64) & 1 == 0;
                *word |= 1 << (id % 64);
                new
            }
        }
    }
}
