//! The lists of a node as ordered ranges, one a type and direction, merged: how hubs are read.
//!
//! Must always be true: hops come in order, each once; a range decodes no more than it was asked for lately, and what is
//! skipped is found through the tree, not read.
//!
//! Memory: 16 bytes for each of at most 65,536 edges, and for each type and direction about 1 KiB and the inner pages on
//! the way to it; of up to 16 ranges a leaf each.

use super::Reader;
use super::follow::Side;
use super::hops::Ask;
use super::lists::Hop;
use crate::btree::Finger;
use crate::edge::page::EdgeLeaf;
use crate::edge::{Stand, Window, types_of};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use storage_core::pager::{PageError, ReadPages};

/// How many edges all ranges of a merge together hold decoded.
const BUFFERED: usize = 1 << 16;

/// How many edges a range decodes at first, and how few it may come down to where nearly all are skipped.
const FIRST: usize = 64;
const LEAST: usize = 16;

/// The most that one range decodes at a time.
const MOST: usize = 4096;

/// With more ranges than this none keeps its leaf between two reads.
const KEEP_LEAVES: usize = 16;

/// A merge of ordered ranges.
#[derive(Debug)]
pub(crate) struct Strands<'a, R: ReadPages> {
    strands: Vec<Strand<'a, R>>,
    heap: BinaryHeap<Head>,
    /// The head was given away: its strand has yet to go on.
    taken: bool,
}

/// How many items, of which those below come first, are below. What is wanted mostly lies near: steps double until one goes
/// too far.
pub(super) fn gallop<T>(items: &[T], below: impl Fn(&T) -> bool) -> usize {
    let (mut near, mut step) = (0, 1);
    while items.get(near + step).is_some_and(&below) {
        near += step;
        step *= 2;
    }
    let far = items.len().min(near + step);
    near + items[near..far].partition_point(below)
}

/// The next hop of one strand. The greatest is the one that comes first.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
struct Head {
    hop: Hop,
    strand: usize,
    backwards: bool,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = (self.hop, self.strand).cmp(&(other.hop, other.strand));
        if self.backwards { order } else { order.reverse() }
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a, R: ReadPages> Strands<'a, R> {
    pub fn open(reader: &'a Reader<R>, ask: &Ask) -> Result<Self, PageError> {
        let mut wanted = Vec::new();
        for (side, into) in ask.sides.iter().zip([false, true]) {
            match side {
                None => {}
                Some(Side::Types(types)) => wanted.extend(types.iter().map(|(id, seen)| (*id, into, *seen))),
                Some(Side::All(seen)) => {
                    let types = Source::new(reader, into).types(ask.node.0)?;
                    wanted.extend(types.into_iter().map(|id| (id, into, *seen)));
                }
            }
        }
        let most = (BUFFERED / wanted.len().max(1)).clamp(FIRST, MOST);
        let keeps = wanted.len() <= KEEP_LEAVES;
        let mut strands = Strands { strands: Vec::new(), heap: BinaryHeap::new(), taken: false };
        for (edge_type, into, loops_seen) in wanted {
            let (source, window) = (Source::new(reader, into), ask.window(edge_type, into));
            let chunk = Chunk { stands: Vec::new(), at: 0, landed: 0, size: FIRST };
            let mut strand = Strand { source, window, into, loops_seen, chunk, most, keeps };
            strand.fill()?;
            let Some(hop) = strand.head() else { continue };
            strands.heap.push(Head { hop, strand: strands.strands.len(), backwards: ask.backwards });
            strands.strands.push(strand);
        }
        Ok(strands)
    }

    /// Moves the strand that comes first, and finds which one does then.
    fn move_first(
        &mut self,
        step: impl FnOnce(&mut Strand<'a, R>) -> Result<(), PageError>,
    ) -> Result<(), PageError> {
        let Some(mut first) = self.heap.peek_mut() else { return Ok(()) };
        let strand = &mut self.strands[first.strand];
        step(strand)?;
        match strand.head() {
            Some(hop) => first.hop = hop,
            None => {
                PeekMut::pop(first);
            }
        }
        Ok(())
    }

    /// The next one, which stays the next.
    pub fn peek(&mut self) -> Result<Option<Hop>, PageError> {
        if self.taken {
            self.move_first(Strand::advance)?;
            self.taken = false;
        }
        Ok(self.heap.peek().map(|head| head.hop))
    }

    /// The next one.
    pub fn next(&mut self) -> Result<Option<Hop>, PageError> {
        let next = self.peek()?;
        // Its range goes on when the one behind it is wanted, and not before.
        self.taken = next.is_some();
        Ok(next)
    }

    /// Leaves out every neighbour below this one. Only forwards.
    pub fn skip_to(&mut self, neighbor: u64) -> Result<(), PageError> {
        while self.heap.peek().is_some_and(|head| head.hop.neighbor < neighbor) {
            self.move_first(|strand| strand.skip_to(neighbor))?;
            self.taken = false;
        }
        Ok(())
    }
}

/// One ordered range: the edges of one type, in one direction.
#[derive(Debug)]
struct Strand<'a, R: ReadPages> {
    source: Source<'a, R>,
    /// What was not decoded yet.
    window: Window,
    into: bool,
    /// Self-loops come from the other tree.
    loops_seen: bool,
    chunk: Chunk,
    most: usize,
    /// The leaf is kept between two reads.
    keeps: bool,
}

/// What was decoded of a range.
#[derive(Debug)]
struct Chunk {
    stands: Vec<Stand>,
    /// The next one.
    at: usize,
    /// How many of them somebody looked at.
    landed: usize,
    /// How many to decode at a time.
    size: usize,
}

impl<R: ReadPages> Strand<'_, R> {
    fn head(&self) -> Option<Hop> {
        let (neighbor, rank) = *self.chunk.stands.get(self.chunk.at)?;
        Some(Hop { neighbor, edge_type: self.window.edge_type, into: self.into, rank })
    }

    fn advance(&mut self) -> Result<(), PageError> {
        self.chunk.at += 1;
        self.chunk.landed += 1;
        if self.chunk.at < self.chunk.stands.len() { Ok(()) } else { self.fill() }
    }

    fn skip_to(&mut self, neighbor: u64) -> Result<(), PageError> {
        let Chunk { stands, at, landed, .. } = &mut self.chunk;
        *landed += 1;
        *at += gallop(&stands[*at..], |stand| stand.0 < neighbor);
        if *at < stands.len() {
            return Ok(());
        }
        self.window.low = self.window.low.max((neighbor, 0));
        self.fill()
    }

    /// Decodes the next edges: more than before if most of those were wanted, fewer if most were passed over.
    fn fill(&mut self) -> Result<(), PageError> {
        let Chunk { stands, at, landed, size } = &mut self.chunk;
        if !stands.is_empty() {
            *size = if *landed * 8 >= stands.len() { self.most.min(*size * 2) } else { LEAST.max(*size / 2) };
        }
        (*at, *landed) = (0, 0);
        stands.clear();
        while stands.is_empty() && !self.window.is_empty() {
            self.source.part(&mut self.window, *size, stands)?;
            if self.loops_seen {
                stands.retain(|stand| stand.0 != self.window.vertex);
            }
        }
        if !self.keeps {
            self.source.release();
        }
        Ok(())
    }
}

/// The tree that a range is read from.
#[derive(Debug)]
enum Source<'a, R: ReadPages> {
    Out(Finger<'a, EdgeLeaf<false>, R>),
    Into(Finger<'a, EdgeLeaf<true>, R>),
}

impl<'a, R: ReadPages> Source<'a, R> {
    fn new(reader: &'a Reader<R>, into: bool) -> Self {
        let Reader { pages, graph, .. } = reader;
        match into {
            false => Source::Out(Finger::new(&graph.out, pages)),
            true => Source::Into(Finger::new(&graph.into, pages)),
        }
    }

    fn types(&mut self, vertex: u64) -> Result<Vec<u32>, PageError> {
        match self {
            Source::Out(finger) => types_of(finger, vertex),
            Source::Into(finger) => types_of(finger, vertex),
        }
    }

    fn part(&mut self, window: &mut Window, most: usize, out: &mut Vec<Stand>) -> Result<(), PageError> {
        match self {
            Source::Out(finger) => window.part(finger, most, out),
            Source::Into(finger) => window.part(finger, most, out),
        }
    }

    fn release(&mut self) {
        match self {
            Source::Out(finger) => finger.release(),
            Source::Into(finger) => finger.release(),
        }
    }
}
