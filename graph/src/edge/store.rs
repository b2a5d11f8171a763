//! The edge layer: both directions of adjacency, and edge properties.
//!
//! Must always be true: an edge stands in the out tree and in the in tree, or in neither (I5); its properties stand under
//! the same name. Both sides change in one transaction. Lists of one vertex come in the order (type, neighbour, rank).

use super::lists::leaf_targets;
use super::page::{self, Again, EdgeLeaf};
use super::{EdgeKey, SOON, soon};
use crate::btree::{LeafView, Record, RecordLeaf, Tree};
use crate::model::{Edge, NodeId, TypeId};
use std::sync::Arc;
use storage_core::pager::{PageError, Pager, ReadPages};

/// One entry of a vertex's list: type, neighbour, rank.
pub(crate) type Entry = (u32, u64, u32);

/// The layer of edges.
#[derive(Clone, Debug)]
pub struct EdgeStore {
    pager: Arc<Pager>,
}

/// The keys of an edge in the out and the in tree.
pub(crate) fn keys(edge: Edge) -> (EdgeKey, EdgeKey) {
    let Edge { source, edge_type, target, rank } = edge;
    let out = EdgeKey { vertex: source.0, edge_type: edge_type.0, neighbor: target.0, rank };
    (out, EdgeKey { vertex: target.0, neighbor: source.0, ..out })
}

/// The key of an edge in the out tree or, `IN`, in the in tree.
fn key_in<const IN: bool>(edge: Edge) -> EdgeKey {
    let (out, into) = keys(edge);
    if IN { into } else { out }
}

/// The edge that a key of the out tree (or, `into`, of the in tree) stands for.
pub(crate) fn edge_of(key: EdgeKey, into: bool) -> Edge {
    let (source, target) = if into { (key.neighbor, key.vertex) } else { (key.vertex, key.neighbor) };
    Edge { source: NodeId(source), edge_type: TypeId(key.edge_type), target: NodeId(target), rank: key.rank }
}

/// Key of an edge's properties: the out key's bytes.
pub(crate) fn props_key(edge: Edge) -> Vec<u8> {
    keys(edge).0.to_bytes().to_vec()
}

impl EdgeStore {
    pub(crate) fn new(pager: Arc<Pager>) -> Self {
        EdgeStore { pager }
    }

    /// The shared pager.
    pub fn pager(&self) -> &Arc<Pager> {
        &self.pager
    }

    /// Whether the edge is there.
    pub(crate) fn contains<const IN: bool>(
        &self,
        tree: &Tree<EdgeLeaf<IN>>,
        pages: &impl ReadPages,
        key: &EdgeKey,
    ) -> Result<bool, PageError> {
        Ok(tree.get(pages, key)?.is_some())
    }

    /// The rank that a new parallel edge takes: one more than the highest, so that ranks never renumber. `None` if they
    /// are used up.
    pub(crate) fn next_rank(
        &self,
        tree: &Tree<EdgeLeaf<false>>,
        pages: &impl ReadPages,
        key: EdgeKey,
    ) -> Result<Option<u32>, PageError> {
        let (first, past) = (EdgeKey { rank: 0, ..key }, EdgeKey { rank: u32::MAX, ..key });
        if let Some(highest) = self.highest_rank(tree, pages, first)? {
            return Ok(highest.map_or(Some(0), |rank| rank.checked_add(1)));
        }
        let mut highest = None;
        let mut base = Vec::new();
        for leaf in tree.leaves(pages, &first.to_bytes()) {
            let leaf = leaf?;
            base.clear();
            if let Some(page) = &leaf.page {
                page::edges(page, key.vertex, &mut base)?;
            }
            let same = base.iter().filter(|(t, n, _)| (*t, *n) == (key.edge_type, key.neighbor));
            let ranks = same.map(|(_, _, rank)| *rank);
            match leaf.delta {
                None => highest = highest.max(ranks.max()),
                // A hub grown by one transaction has its edges here: only those between these two nodes are looked at.
                Some(delta) => {
                    let kept = ranks.filter(|rank| !delta.contains_key(&EdgeKey { rank: *rank, ..key }));
                    let changed = delta.range_of_family(first..=past).filter(|(_, change)| change.is_some());
                    highest = highest.max(kept.max()).max(changed.map(|(key, _)| key.rank).max());
                }
            }
            if leaf.upper.as_deref().is_none_or(|upper| upper > past.to_bytes().as_slice()) {
                break;
            }
        }
        Ok(match highest {
            None => Some(0),
            Some(rank) => rank.checked_add(1),
        })
    }

    /// The highest rank between two nodes, if the leaf where it stands is known without reading inner pages, and is one.
    fn highest_rank(
        &self,
        tree: &Tree<EdgeLeaf<false>>,
        pages: &impl ReadPages,
        first: EdgeKey,
    ) -> Result<Option<Option<u32>>, PageError> {
        const PAIR: usize = EdgeKey::LEN - 4;
        let bytes = first.to_bytes();
        let Some(found) = tree.quick(&bytes).filter(|found| !found.goes_on(&bytes[..PAIR])) else {
            return Ok(None);
        };
        let mut ranks = Vec::new();
        let spot = &found.spot;
        let list = (first.vertex, first.edge_type);
        let at_hand =
            spot.again(pages, |page, head| Again::new(page, head)?.ranks(list, first.neighbor, &mut ranks));
        match at_hand {
            Some(done) => done?,
            None => {
                if let Some(page) = spot.read(pages)? {
                    page::ranks(&page, first.vertex, first.edge_type, first.neighbor, &mut ranks)?;
                }
            }
        }
        let Some(delta) = spot.delta else { return Ok(Some(ranks.last().copied())) };
        let kept = ranks.iter().rev().find(|rank| !delta.contains_key(&EdgeKey { rank: **rank, ..first }));
        let past = EdgeKey { rank: u32::MAX, ..first };
        let changed = delta
            .range_of_family(first..=past)
            .filter(|(_, change)| change.is_some())
            .map(|(key, _)| key.rank);
        Ok(Some(kept.copied().max(changed.max())))
    }

    /// Asks the processor for what changing these edges in one direction will touch, or looking them up; see [`soon`].
    pub(crate) fn soon<const IN: bool>(
        &self,
        tree: &Tree<EdgeLeaf<IN>>,
        pages: &impl ReadPages,
        edges: impl Iterator<Item = Edge> + Clone,
        looked_up: bool,
    ) {
        soon::ask(tree, pages, edges.map(key_in::<IN>), looked_up);
    }

    pub(crate) fn add(
        &self,
        (out, into): (&mut Tree<EdgeLeaf<false>>, &mut Tree<EdgeLeaf<true>>),
        pages: &impl ReadPages,
        edge: Edge,
    ) -> Result<(), PageError> {
        self.change(out, pages, edge, true)?;
        self.change(into, pages, edge, true)
    }

    pub(crate) fn remove(
        &self,
        (out, into): (&mut Tree<EdgeLeaf<false>>, &mut Tree<EdgeLeaf<true>>),
        pages: &impl ReadPages,
        edge: Edge,
    ) -> Result<(), PageError> {
        self.change(out, pages, edge, false)?;
        self.change(into, pages, edge, false)
    }

    fn change<const IN: bool>(
        &self,
        tree: &mut Tree<EdgeLeaf<IN>>,
        pages: &impl ReadPages,
        edge: Edge,
        put: bool,
    ) -> Result<(), PageError> {
        let key = key_in::<IN>(edge);
        if put { tree.put(pages, key, ()) } else { tree.delete(pages, key) }
    }

    /// Puts edges into the tree of one direction, or takes them out: whoever calls does the other one, too (I5).
    pub(crate) fn change_all<const IN: bool>(
        &self,
        tree: &mut Tree<EdgeLeaf<IN>>,
        pages: &impl ReadPages,
        edges: &[Edge],
        put: bool,
    ) -> Result<(), PageError> {
        for some in edges.chunks(SOON) {
            self.soon(tree, pages, some.iter().copied(), false);
            some.iter().try_for_each(|edge| self.change(tree, pages, *edge, put))?;
        }
        Ok(())
    }

    /// The neighbours of a vertex, one for each edge; ascending within a type.
    pub(crate) fn targets<const IN: bool>(
        &self,
        tree: &Tree<EdgeLeaf<IN>>,
        pages: &impl ReadPages,
        (vertex, edge_type): (NodeId, Option<TypeId>),
        out: &mut Vec<u64>,
    ) -> Result<(), PageError> {
        for_leaves(tree, pages, vertex.0, |leaf| {
            leaf_targets((leaf.page.as_ref(), leaf.delta), vertex.0, edge_type.map(|t| t.0), out)
        })
    }

    /// How many edges a vertex has: of one type, or of all. Reads at most two pages of each level (T11), and the leaves of
    /// the vertex that were changed since the last checkpoint.
    pub(crate) fn degree<const IN: bool>(
        &self,
        tree: &Tree<EdgeLeaf<IN>>,
        pages: &impl ReadPages,
        (vertex, edge_type): (NodeId, Option<TypeId>),
    ) -> Result<u64, PageError> {
        tree.count(pages, EdgeKey::all_of(vertex.0, edge_type.map(|t| t.0)))
    }

    /// How many edges of a type a vertex has to itself. Costs what a degree does, and the decoding of a list or two.
    pub(crate) fn loops(
        &self,
        tree: &Tree<EdgeLeaf<false>>,
        pages: &impl ReadPages,
        (vertex, edge_type): (NodeId, TypeId),
    ) -> Result<u64, PageError> {
        let first = EdgeKey { vertex: vertex.0, edge_type: edge_type.0, neighbor: vertex.0, rank: 0 };
        tree.count(pages, first..=EdgeKey { rank: u32::MAX, ..first })
    }

    pub(crate) fn props(
        &self,
        tree: &Tree<RecordLeaf>,
        pages: &impl ReadPages,
        edge: Edge,
    ) -> Result<Option<Record>, PageError> {
        tree.get(pages, &props_key(edge))
    }
}

/// Visits the leaves that may hold edges of a vertex, in order.
fn for_leaves<const IN: bool>(
    tree: &Tree<EdgeLeaf<IN>>,
    pages: &impl ReadPages,
    vertex: u64,
    mut visit: impl FnMut(&LeafView<'_, EdgeLeaf<IN>>) -> Result<(), PageError>,
) -> Result<(), PageError> {
    for leaf in tree.leaves(pages, &EdgeKey::first_of(vertex).to_bytes()) {
        let leaf = leaf?;
        visit(&leaf)?;
        // The next leaf may go on with this vertex only if its lower bound begins with it.
        if !leaf.upper.as_deref().is_some_and(|upper| page::goes_on(upper, vertex)) {
            break;
        }
    }
    Ok(())
}
