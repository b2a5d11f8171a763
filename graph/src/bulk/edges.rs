//! Edges with their ends known: sorted by source, given their ranks, sorted by target.
//!
//! An edge is 24 bytes whatever it carries; properties travel apart, sorted by the same key, and meet their edge again
//! in that order. So a plain edge costs no allocation.
//!
//! Must always be true: in each direction edges come out strictly ascending by (vertex, type, neighbour, rank). Ranks
//! that rows give are kept; the others of a group of parallel edges count on from the highest one, in input order.

use super::error::BulkError;
use super::log::put_counted;
use super::nodes::{put_place, read_place};
use super::packed::Packing;
use super::row::Place;
use super::sorter::Spill;
use super::words::by_digit;
use crate::edge::EdgeKey;
use crate::value::{Malformed, Reader};
use std::cmp::Ordering;

/// The bit beside the type that says that the edge has properties.
const HAS_PROPS: u32 = 1 << 31;
/// The bit beside the type that says that the edge has no rank yet: it comes after all that have one.
const UNRANKED: u32 = 1 << 30;

/// An edge in one direction.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct EdgeItem {
    vertex: u64,
    neighbor: u64,
    /// The type's number, [`HAS_PROPS`] and [`UNRANKED`].
    edge_type: u32,
    rank: u32,
}

impl EdgeItem {
    /// An edge with the rank that its row gives, if it gives one.
    #[inline]
    pub fn new(vertex: u64, edge_type: u32, neighbor: u64, rank: Option<u32>, has_props: bool) -> Self {
        let flags = if has_props { HAS_PROPS } else { 0 } | if rank.is_none() { UNRANKED } else { 0 };
        EdgeItem { vertex, neighbor, edge_type: edge_type | flags, rank: rank.unwrap_or(0) }
    }

    fn of(key: EdgeKey) -> Self {
        EdgeItem::new(key.vertex, key.edge_type, key.neighbor, Some(key.rank), false)
    }

    /// The edge's key; the rank counts only where there is one.
    #[inline]
    pub fn key(&self) -> EdgeKey {
        EdgeKey {
            vertex: self.vertex,
            edge_type: self.edge_type & !(HAS_PROPS | UNRANKED),
            neighbor: self.neighbor,
            rank: self.rank,
        }
    }

    #[inline]
    fn is_unranked(&self) -> bool {
        self.edge_type & UNRANKED != 0
    }

    /// The rank by which parallel edges are sorted.
    #[inline]
    fn rank_order(&self) -> u64 {
        if self.is_unranked() { 1 << 32 } else { self.rank.into() }
    }

    /// The order, and what an edge and its properties have in common.
    #[inline]
    fn order_key(&self) -> (u64, u32, u64, u64) {
        (self.vertex, self.key().edge_type, self.neighbor, self.rank_order())
    }

    /// True for the same edge, whether or not it has properties.
    #[inline]
    pub fn is_same(&self, other: &Self) -> bool {
        self.order_key() == other.order_key()
    }

    #[inline]
    pub fn has_props(&self) -> bool {
        self.edge_type & HAS_PROPS != 0
    }

    /// Both ends.
    #[inline]
    pub fn ends(&self) -> (u64, u64) {
        (self.vertex, self.neighbor)
    }

    /// The same edge between other ends.
    #[inline]
    pub fn with_ends(&self, vertex: u64, neighbor: u64) -> Self {
        EdgeItem { vertex, neighbor, ..*self }
    }

    /// True for edges that differ in their ends alone.
    #[inline]
    pub fn is_like(&self, other: &Self) -> bool {
        (self.edge_type, self.rank) == (other.edge_type, other.rank)
    }

    /// The same edge, seen from its other end.
    #[inline]
    pub fn turned(&self) -> Self {
        EdgeItem { vertex: self.neighbor, neighbor: self.vertex, ..*self }
    }

    #[inline]
    fn with_rank(&self, rank: u32) -> Self {
        EdgeItem { rank, edge_type: self.edge_type & !UNRANKED, ..*self }
    }
}

impl Spill for EdgeItem {
    #[inline]
    fn order(&self, other: &Self) -> Ordering {
        self.order_key().cmp(&other.order_key())
    }
    fn heap_bytes(&self) -> usize {
        // The second copy that sorting takes.
        size_of::<Self>()
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.vertex.to_le_bytes());
        out.extend_from_slice(&self.neighbor.to_le_bytes());
        out.extend_from_slice(&self.edge_type.to_le_bytes());
        out.extend_from_slice(&self.rank.to_le_bytes());
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(EdgeItem {
            vertex: u64::from_le_bytes(reader.array()?),
            neighbor: u64::from_le_bytes(reader.array()?),
            edge_type: u32::from_le_bytes(reader.array()?),
            rank: u32::from_le_bytes(reader.array()?),
        })
    }
    fn sort(rows: &mut Vec<Self>) {
        sort(rows);
    }
}

/// Fewer rows than this are sorted by comparing.
const FEW: usize = 2048;

/// Sorts edges by their key, stably.
pub(super) fn sort(rows: &mut Vec<EdgeItem>) {
    if rows.is_sorted_by(|a, b| a.order(b).is_le()) {
        return;
    }
    if rows.len() < FEW {
        rows.sort_by(EdgeItem::order);
        return;
    }
    // Edge lists often come by source: then only each list is to be sorted.
    if rows.is_sorted_by_key(|row| row.vertex) {
        rows.chunk_by_mut(|a, b| a.vertex == b.vertex).for_each(|list| list.sort_by(EdgeItem::order));
        return;
    }
    if let Some(packing) = Packing::of(rows) {
        return packing.sort(rows);
    }
    let mut other = Vec::new();
    radix(rows, &mut other, EdgeItem::rank_order);
    radix(rows, &mut other, |row| row.neighbor);
    radix(rows, &mut other, |row| row.key().edge_type.into());
    radix(rows, &mut other, |row| row.vertex);
}

/// Turns edges that are sorted by source round and sorts them by target.
pub(super) fn turn(rows: &mut Vec<EdgeItem>) {
    rows.iter_mut().for_each(|row| *row = row.turned());
    // What was sorted by (source, type, target, rank) needs only this to be sorted by (target, type, source, rank).
    if let Some(packing) = Packing::of(rows) {
        return packing.sort_by_first(rows);
    }
    let mut other = Vec::new();
    radix(rows, &mut other, |row| row.key().edge_type.into());
    radix(rows, &mut other, |row| row.vertex);
}

/// Sorts by one field, stably: by eight bits after the other from the lowest in which rows differ. `other` is space.
fn radix(rows: &mut Vec<EdgeItem>, other: &mut Vec<EdgeItem>, field: impl Fn(&EdgeItem) -> u64) {
    let Some(first) = rows.first() else { return };
    let same = field(first);
    let differ = rows.iter().fold(0, |differ, row| differ | (field(row) ^ same));
    if differ == 0 {
        return;
    }
    other.resize(rows.len(), rows[0]);
    for shift in (differ.trailing_zeros()..64 - differ.leading_zeros()).step_by(8) {
        by_digit::<_, 256>(rows, other, |row| (field(row) >> shift) as usize);
        std::mem::swap(rows, other);
    }
}

/// Gives ranks to edges that come sorted by (vertex, type, neighbour, rank).
#[derive(Debug, Default)]
pub(super) struct Ranks {
    /// The edge before, with its rank.
    last: Option<EdgeKey>,
}

impl Ranks {
    /// The edge with its rank; `None` for one whose rank an edge before it has.
    #[inline]
    pub fn rank(&mut self, edge: EdgeItem) -> Result<Option<EdgeItem>, BulkError> {
        let key = edge.key();
        let parallel = self.last.filter(|last| EdgeKey { rank: key.rank, ..*last } == key);
        let rank = match (parallel, edge.is_unranked()) {
            (Some(last), false) if last.rank == key.rank => return Ok(None),
            (_, false) => key.rank,
            (None, true) => 0,
            (Some(last), true) => last.rank.checked_add(1).ok_or(BulkError::TooMany {
                what: "ranks of parallel edges",
                max: u64::from(u32::MAX) + 1,
            })?,
        };
        self.last = Some(EdgeKey { rank, ..key });
        Ok(Some(edge.with_rank(rank)))
    }
}

/// An edge's properties, sorted as the edge is.
#[derive(Debug)]
pub(super) struct PropsItem {
    pub edge: EdgeItem,
    pub props: Box<[u8]>,
}

impl Spill for PropsItem {
    fn order(&self, other: &Self) -> Ordering {
        self.edge.order(&other.edge)
    }
    fn heap_bytes(&self) -> usize {
        self.props.len() + super::nodes::HEAP_OVERHEAD
    }
    fn encode(&self, out: &mut Vec<u8>) {
        self.edge.encode(out);
        put_counted(&self.props, out);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(PropsItem { edge: EdgeItem::decode(reader)?, props: reader.counted()?.into() })
    }
}

/// Where an edge stands whose row gives its rank: sorted to find two with the same.
#[derive(Debug)]
pub(super) struct RankedItem {
    pub key: EdgeKey,
    pub place: Place,
}

impl Spill for RankedItem {
    fn order(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
    fn heap_bytes(&self) -> usize {
        size_of::<Self>() / 2
    }
    fn encode(&self, out: &mut Vec<u8>) {
        EdgeItem::of(self.key).encode(out);
        put_place(self.place, out);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(RankedItem { key: EdgeItem::decode(reader)?.key(), place: read_place(reader)? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;

    fn edges(seed: u64, count: usize, ids: u64, types: u64) -> Vec<EdgeItem> {
        let mut random = Random::new(seed);
        let mut edge = |_| {
            let (vertex, neighbor) = (random.below(ids) * (u64::MAX / ids), random.below(ids) << 7);
            let edge_type = random.below(types) as u32;
            let rank = [Some(3), Some(u32::MAX), None][random.below(3) as usize];
            EdgeItem::new(vertex, edge_type, neighbor, rank, random.below(2) == 0)
        };
        (0..count).map(&mut edge).collect()
    }

    #[test]
    fn the_byte_by_byte_sort_is_the_stable_sort() {
        for (count, ids, types) in [(0, 5, 1), (1, 5, 1), (100, 5, 2), (5000, 20, 1), (20_000, 3000, 3)] {
            let rows = edges(count as u64, count, ids, types);
            let mut expected = rows.clone();
            expected.sort_by_key(EdgeItem::order_key);
            let mut sorted = rows;
            sort(&mut sorted);
            assert_eq!(sorted, expected, "{count} rows");
            sorted.reverse();
            sorted.sort_by_key(|row| row.vertex);
            let mut by_list = sorted.clone();
            sorted.sort_by_key(EdgeItem::order_key);
            sort(&mut by_list);
            assert_eq!(by_list, sorted, "{count} rows that come by vertex");
        }
    }

    #[test]
    fn turned_edges_are_sorted_by_target() {
        let mut rows = edges(9, 10_000, 50, 3);
        rows.retain(|row| row.rank != u32::MAX);
        sort(&mut rows);
        let mut ranks = Ranks::default();
        let mut rows: Vec<_> = rows.into_iter().filter_map(|row| ranks.rank(row).unwrap()).collect();
        let mut expected: Vec<_> = rows.iter().map(EdgeItem::turned).collect();
        expected.sort_by_key(EdgeItem::key);
        turn(&mut rows);
        assert_eq!(rows, expected);
        assert!(rows.is_sorted_by(|a, b| a.key() < b.key()), "no two edges are the same");
    }

    #[test]
    fn parallel_edges_count_on_from_the_highest_rank_that_a_row_gives() {
        let edge = |neighbor, rank| EdgeItem::new(1, 0, neighbor, rank, false);
        let rows = [
            (1, None),
            (1, None),
            (2, Some(0)),
            (2, Some(4)),
            (2, Some(4)),
            (2, None),
            (2, None),
            (3, None),
            (4, Some(u32::MAX)),
        ];
        let mut ranks = Ranks::default();
        let got: Vec<_> = rows
            .iter()
            .filter_map(|(neighbor, rank)| ranks.rank(edge(*neighbor, *rank)).unwrap())
            .map(|edge| (edge.key().neighbor, edge.key().rank))
            .collect();
        assert_eq!(got, [(1, 0), (1, 1), (2, 0), (2, 4), (2, 5), (2, 6), (3, 0), (4, u32::MAX)]);
        assert!(ranks.rank(edge(4, None)).is_err(), "no rank is left");
    }
}
