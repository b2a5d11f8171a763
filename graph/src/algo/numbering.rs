//! Nodes numbered from 0 in the order of their ids, so that what is known of each stands in a plain vector.
//!
//! Must always be true: every node of the graph has a number below [`Numbering::len`], nothing else has one, and numbers
//! ascend with ids. Memory grows with the number of nodes that were counted, never with the largest id, nor with what the
//! catalog says: at most [`Numbering::BYTES_PER_NODE`] bytes a node.
//!
//! Where ids follow each other without a hole (what imports give) there is nothing to keep. Where they lie close together
//! it is two words for 64 ids, and still no search. Only where ids are far apart they are kept, and searched.

use super::Ticker;
use super::frontier::ones;
use crate::error::ReadError;
use crate::model::NodeId;
use crate::reader::Reader;
use storage_core::page::{PageId, PageKind};
use storage_core::pager::{PageError, ReadPages};

/// The numbers of a graph's nodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Numbering {
    /// All ids from `first` on.
    Run { first: u64, count: usize },
    /// Ids close together.
    Close { first: u64, count: usize, words: Vec<Word> },
    /// Ids far apart, ascending.
    Apart(Vec<u64>),
}

/// 64 consecutive ids.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Word {
    /// Which of them are nodes.
    present: u64,
    /// How many nodes there are before them.
    before: u64,
}

impl Word {
    #[inline]
    fn has(self, bit: usize) -> bool {
        self.present >> bit & 1 == 1
    }

    /// The number of the node at a bit.
    #[inline]
    fn number(self, bit: usize) -> usize {
        self.before as usize + (self.present & ((1 << bit) - 1)).count_ones() as usize
    }
}

/// What a pass over the nodes counted.
#[derive(Default)]
struct Counted {
    nodes: u64,
    first: u64,
    last: u64,
}

/// So many ids to a node are close together: the words take no more than the ids would.
const CLOSE: u64 = 32;

/// So many nodes more may be thought of while the first ones are looked at.
const AHEAD: u64 = 1024;

impl Numbering {
    /// What it takes at most for a node.
    pub(crate) const BYTES_PER_NODE: u64 = 8;

    /// Numbers all nodes. Where ids follow each other it takes a few look-ups; else one pass over the nodes, or two where ids
    /// are far apart, if only at the beginning.
    pub(crate) fn of<R: ReadPages>(reader: &Reader<R>, ticker: &mut Ticker<'_>) -> Result<Self, ReadError> {
        match Self::run(reader)? {
            Some(run) => Ok(run),
            None => Self::counted(reader, ticker),
        }
    }

    /// All nodes, if their ids follow each other: then the last one is as far from the first one as there are nodes.
    fn run<R: ReadPages>(reader: &Reader<R>) -> Result<Option<Self>, ReadError> {
        let (store, tree, pages) = (&reader.layers.node, &reader.graph.nodes, &reader.pages);
        let Some(span) = store.spans(tree, pages, 0).next().transpose()? else { return Ok(None) };
        let (first, count) = (span.first, reader.node_count());
        let Some(past) = first.checked_add(count) else { return Ok(None) };
        // One look-up mostly tells. Then, a few bytes may say that there are billions of nodes: two places must agree.
        if store.spans(tree, pages, past).next().transpose()?.is_some() || tree.count(pages, ..)? != count {
            return Ok(None);
        }
        Ok(usize::try_from(count).ok().map(|count| Numbering::Run { first, count }))
    }

    /// The same by looking at all nodes.
    fn counted<R: ReadPages>(reader: &Reader<R>, ticker: &mut Ticker<'_>) -> Result<Self, ReadError> {
        let mut counted = Counted::default();
        // Held as long as ids lie close together.
        let mut words = Some(Vec::new());
        spans(reader, ticker, |first, count| {
            if counted.nodes == 0 {
                counted.first = first;
            }
            counted.nodes += count;
            counted.last = first + (count - 1);
            let range = counted.last - counted.first;
            match words.as_mut().filter(|_| range / CLOSE <= counted.nodes + AHEAD) {
                Some(words) => mark(words, first - counted.first, count),
                None => words = None,
            }
        })?;
        let Counted { nodes, first, last } = counted;
        let count = nodes as usize;
        let range = if nodes == 0 { 0 } else { (last - first).saturating_add(1) };
        if range == nodes {
            return Ok(Numbering::Run { first, count });
        }
        if range / CLOSE > nodes {
            drop(words);
            let mut ids = Vec::with_capacity(count);
            spans(reader, ticker, |first, count| ids.extend((0..count).map(|n| first + n)))?;
            return Ok(Numbering::Apart(ids));
        }
        let mut words = match words {
            Some(words) => words,
            None => {
                let mut words = Vec::with_capacity((range / 64 + 1) as usize);
                spans(reader, ticker, |from, count| mark(&mut words, from - first, count))?;
                words
            }
        };
        words.shrink_to_fit();
        let mut before = 0;
        for word in &mut words {
            word.before = before;
            before += u64::from(word.present.count_ones());
        }
        Ok(Numbering::Close { first, count, words })
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Numbering::Run { count, .. } | Numbering::Close { count, .. } => *count,
            Numbering::Apart(ids) => ids.len(),
        }
    }

    /// The number of a node; `None` if there is no such node.
    #[inline]
    pub(crate) fn index(&self, id: u64) -> Option<usize> {
        match self {
            Numbering::Run { first, count } => {
                let at = id.wrapping_sub(*first);
                (at < *count as u64).then_some(at as usize)
            }
            Numbering::Close { first, words, .. } => {
                let at = id.checked_sub(*first)?;
                let (word, bit) = (words.get(usize::try_from(at / 64).ok()?)?, (at % 64) as usize);
                word.has(bit).then(|| word.number(bit))
            }
            Numbering::Apart(ids) => ids.binary_search(&id).ok(),
        }
    }

    /// How many places there are: for sets in bits, in which a node is found without counting. Ids close together have a
    /// place for each id between them, at most [`CLOSE`] times as many as nodes.
    pub(crate) fn places(&self) -> usize {
        match self {
            Numbering::Run { count, .. } => *count,
            Numbering::Close { words, .. } => words.len() * 64,
            Numbering::Apart(ids) => ids.len(),
        }
    }

    /// The first id, where a place is an id less that; `None` where ids are far apart.
    #[inline]
    pub(crate) fn first(&self) -> Option<u64> {
        match self {
            Numbering::Run { first, .. } | Numbering::Close { first, .. } => Some(*first),
            Numbering::Apart(_) => None,
        }
    }

    /// The place of a node, ascending with ids; `None` if there is no such node.
    #[inline]
    pub(crate) fn place(&self, id: u64) -> Option<usize> {
        match self {
            Numbering::Close { first, words, .. } => {
                let at = usize::try_from(id.wrapping_sub(*first)).ok()?;
                words.get(at / 64)?.has(at % 64).then_some(at)
            }
            Numbering::Run { .. } | Numbering::Apart(_) => self.index(id),
        }
    }

    /// The node of a place: its number and its id. A place that was not given by [`Numbering::place`] may have none.
    #[inline]
    pub(crate) fn at_place(&self, place: usize) -> Option<(usize, NodeId)> {
        let id = self.id_at(place)?;
        let index = if let Numbering::Apart(_) = self { Some(place) } else { self.index(id.0) };
        index.map(|index| (index, id))
    }

    /// Its id alone.
    #[inline]
    pub(crate) fn id_at(&self, place: usize) -> Option<NodeId> {
        let known = match self {
            Numbering::Run { count, .. } => place < *count,
            Numbering::Close { words, .. } => words.get(place / 64)?.has(place % 64),
            Numbering::Apart(ids) => return ids.get(place).copied().map(NodeId),
        };
        // Within the numbering, so the sum is an id.
        self.first().filter(|_| known).map(|first| NodeId(first + place as u64))
    }

    /// Gives the numbers of the nodes at some of 64 places, those from 64 × `at` on that bits say, ascending. False, and none is
    /// given, if one has no node.
    #[inline]
    pub(crate) fn indexes(&self, at: usize, bits: u64, mut each: impl FnMut(usize)) -> bool {
        match self {
            Numbering::Close { words, .. } => {
                let Some(word) = words.get(at).filter(|word| bits & !word.present == 0) else {
                    return bits == 0;
                };
                ones(bits).for_each(|bit| each(word.number(bit)));
            }
            Numbering::Run { .. } | Numbering::Apart(_) => {
                let end = (at * 64 + 64) - bits.leading_zeros() as usize;
                if bits != 0 && end > self.len() {
                    return false;
                }
                ones(bits).for_each(|bit| each(at * 64 + bit));
            }
        }
        true
    }

    /// The node of a number below [`Numbering::len`].
    pub(crate) fn id(&self, index: usize) -> NodeId {
        NodeId(match self {
            Numbering::Run { first, .. } => first + index as u64,
            Numbering::Close { first, words, .. } => {
                let at = words.partition_point(|word| word.before <= index as u64) - 1;
                let mut left = words[at].present;
                for _ in words[at].before..index as u64 {
                    left &= left - 1;
                }
                first + at as u64 * 64 + u64::from(left.trailing_zeros())
            }
            Numbering::Apart(ids) => ids[index],
        })
    }

    /// All nodes, ascending: that is in the order of their numbers.
    pub(crate) fn ids(&self) -> Box<dyn Iterator<Item = NodeId> + '_> {
        match self {
            Numbering::Run { first, count } => Box::new((*first..).take(*count).map(NodeId)),
            Numbering::Close { first, words, .. } => {
                let ids = move |(at, word): (usize, &Word)| {
                    let (base, present) = (first + at as u64 * 64, word.present);
                    (0..64).filter(move |bit| present >> bit & 1 == 1).map(move |bit| NodeId(base + bit))
                };
                Box::new(words.iter().enumerate().flat_map(ids))
            }
            Numbering::Apart(ids) => Box::new(ids.iter().copied().map(NodeId)),
        }
    }
}

/// Gives the nodes in order of id, as runs of a first id and a count.
fn spans<R: ReadPages>(
    reader: &Reader<R>,
    ticker: &mut Ticker<'_>,
    mut each: impl FnMut(u64, u64),
) -> Result<(), ReadError> {
    let mut left = reader.node_count();
    reader.layers.node.runs(&reader.graph.nodes, &reader.pages, |first, count| {
        // A few bytes may say that there are billions of nodes: before memory is taken for them, two places must agree.
        left = left.checked_sub(count).ok_or_else(|| too_many(reader))?;
        each(first, count);
        ticker.step(1 + count / 64)
    })
}

/// Marks `count` places from `at` on as nodes; they are behind all that were marked before.
fn mark(words: &mut Vec<Word>, at: u64, count: u64) {
    let end = at + count;
    let needed = end.div_ceil(64) as usize;
    if needed > words.len() {
        if needed > words.capacity() {
            words.reserve_exact(needed + needed / 4 - words.len());
        }
        words.resize(needed, Word::default());
    }
    let mut at = at;
    while at < end {
        let many = (64 - at % 64).min(end - at);
        words[(at / 64) as usize].present |= u64::MAX >> (64 - many) << (at % 64);
        at += many;
    }
}

fn too_many<R: ReadPages>(reader: &Reader<R>) -> ReadError {
    let page = reader.graph.nodes.root().flatten().map_or(PageId::new(0), |root| root.page());
    PageError::damage(page, PageKind::Node, "there are more nodes than the catalog counts").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algo::Control;
    use crate::algo::testing::nodes;

    fn of(ids: &[u64]) -> Numbering {
        let snapshot = nodes(ids);
        Numbering::of(&snapshot, &mut Ticker::new(Control::new())).expect("read")
    }

    fn holds(numbering: &Numbering, ids: &[u64]) {
        assert_eq!(numbering.len(), ids.len());
        assert_eq!(numbering.ids().map(|id| id.0).collect::<Vec<_>>(), ids);
        for (index, id) in ids.iter().enumerate() {
            assert_eq!(numbering.index(*id), Some(index), "{id}");
            assert_eq!(numbering.id(index), NodeId(*id));
            let place = numbering.place(*id).expect("it is there");
            assert_eq!(numbering.at_place(place), Some((index, NodeId(*id))));
            assert!(
                place < numbering.places()
                    && numbering.first().is_none_or(|first| first + place as u64 == *id)
            );
            let mut found = None;
            assert!(numbering.indexes(place / 64, 1 << (place % 64), |index| found = Some(index)));
            assert_eq!(found, Some(index));
            for other in [id.wrapping_sub(1), id.wrapping_add(1), id ^ 1 << 40] {
                assert_eq!(numbering.index(other), ids.binary_search(&other).ok(), "{other}");
                assert_eq!(numbering.place(other).is_some(), ids.binary_search(&other).is_ok(), "{other}");
            }
        }
    }

    #[test]
    fn ids_without_a_hole_take_no_memory() {
        for first in [0, 7, u64::MAX - 1000] {
            let ids: Vec<u64> = (first..).take(1000).collect();
            let numbering = of(&ids);
            assert_eq!(numbering, Numbering::Run { first, count: 1000 });
            holds(&numbering, &ids);
        }
        holds(&of(&[]), &[]);
        holds(&of(&[u64::MAX - 1]), &[u64::MAX - 1]);
    }

    #[test]
    fn ids_with_holes_are_found_without_a_search() {
        for (first, step) in [(0, 2), (5, 3), (1 << 60, 30), (u64::MAX - 1 - 99 * 31, 31)] {
            let ids: Vec<u64> = (0..100).map(|n| first + n * step).collect();
            let numbering = of(&ids);
            assert!(matches!(numbering, Numbering::Close { .. }));
            holds(&numbering, &ids);
        }
    }

    #[test]
    fn numbers_of_64_places_are_given_at_once_or_one_of_them_is_no_node() {
        let given = |numbering: &Numbering, at, bits| {
            let mut given = Vec::new();
            numbering.indexes(at, bits, |index| given.push(index)).then_some(given)
        };
        let run = of(&(7..77).collect::<Vec<_>>());
        assert_eq!(given(&run, 0, 0b1001), Some(vec![0, 3]));
        assert_eq!((given(&run, 1, 0b10_0001), given(&run, 1, 0)), (Some(vec![64, 69]), Some(vec![])));
        assert_eq!((given(&run, 1, 1 << 6), given(&run, 2, 1)), (None, None), "behind the last");
        let close = of(&(0..100).map(|n| 5 + 3 * n).collect::<Vec<_>>());
        assert_eq!(given(&close, 0, 0b100_1001), Some(vec![0, 1, 2]));
        assert_eq!((given(&close, 1, 0b100), given(&close, 1, 0b110)), (Some(vec![22]), None), "a hole");
        assert_eq!((given(&close, 5, 1), given(&close, 5, 0)), (None, Some(vec![])), "behind the last word");
        let hole = (run.id_at(70), close.id_at(1), close.id_at(64 * 5), close.id_at(3));
        assert_eq!(hole, (None, None, None, Some(NodeId(8))));
    }

    #[test]
    fn ids_far_apart_take_eight_bytes_each_however_large_they_are() {
        let ids = [0, 1, 2, 1 << 20, 1 << 40, u64::MAX / 2, u64::MAX - 2, u64::MAX - 1];
        let numbering = of(&ids);
        assert!(matches!(&numbering, Numbering::Apart(kept) if kept.capacity() == ids.len()));
        holds(&numbering, &ids);
    }

    /// What lies close together only in the end: the words that were begun are given up, and filled in a second pass.
    #[test]
    fn ids_that_begin_far_apart_and_go_on_close_together_are_close_together() {
        let ids: Vec<u64> = [0, 1 << 20].into_iter().chain((1 << 20) + 2..(1 << 20) + 60_000).collect();
        let numbering = of(&ids);
        assert!(matches!(numbering, Numbering::Close { .. }));
        assert_eq!(numbering.len(), ids.len());
        for (index, id) in ids.iter().enumerate().step_by(997) {
            assert_eq!(numbering.index(*id), Some(index));
        }
        assert_eq!(numbering.index((1 << 20) + 1), None);
    }
}
