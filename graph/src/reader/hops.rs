//! A node's edges in order, as a stream: few at once, many as a merge of ordered ranges.
//!
//! Must always be true: hops come in the order of [`Hop`] (or backwards), each once; what is skipped is not read; an error
//! is never the end.
//!
//! Memory: 24 bytes an edge for lists of at most [`FEW`] edges that lie in one page each way; else what [`Strands`] take.

use super::Reader;
use super::follow::Side;
use super::lists::Hop;
use super::strands::Strands;
use crate::btree::Finger;
use crate::edge::page::EdgeLeaf;
use crate::edge::{Window, before, behind, few};
use crate::model::NodeId;
use std::cmp::Ordering;
use storage_core::pager::{PageError, ReadPages};

/// So many edges are collected and sorted.
const FEW: usize = 4096;

/// Which edges are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub node: NodeId,
    /// Out, into.
    pub sides: [Option<Side>; 2],
    /// The least and the greatest neighbour.
    pub between: (u64, u64),
    /// Only what comes behind this one.
    pub after: Option<Hop>,
    /// The last comes first.
    pub backwards: bool,
}

impl Ask {
    /// All edges that `sides` want.
    pub fn all(node: NodeId, sides: [Option<Side>; 2]) -> Self {
        Ask { node, sides, between: (0, u64::MAX), after: None, backwards: false }
    }

    fn takes(&self, hop: &Hop, loops_seen: bool) -> bool {
        let behind = self.after.is_none_or(|after| if self.backwards { *hop < after } else { *hop > after });
        let (least, greatest) = self.between;
        behind && (least..=greatest).contains(&hop.neighbor) && !(loops_seen && hop.neighbor == self.node.0)
    }

    /// What is asked for of one type in one tree.
    pub fn window(&self, edge_type: u32, into: bool) -> Window {
        let (least, greatest) = self.between;
        let (low, high) = ((least, 0), (greatest, u32::MAX));
        let mut window = Window { vertex: self.node.0, edge_type, low, high, backwards: self.backwards };
        let Some(Hop { neighbor, rank, .. }) = self.after else { return window };
        // Where the position lies among this range's edges to the same neighbour.
        let side = (edge_type, into).cmp(&self.after.map_or((0, false), |hop| (hop.edge_type, hop.into)));
        let bound = match (side, self.backwards) {
            (Ordering::Equal, false) => behind((neighbor, rank)),
            (Ordering::Equal, true) => before((neighbor, rank)),
            (Ordering::Greater, false) => Some((neighbor, 0)),
            (Ordering::Greater, true) => before((neighbor, 0)),
            (Ordering::Less, false) => behind((neighbor, u32::MAX)),
            (Ordering::Less, true) => Some((neighbor, u32::MAX)),
        };
        match bound {
            None => window.close(),
            Some(bound) if self.backwards => window.high = window.high.min(bound),
            Some(bound) => window.low = window.low.max(bound),
        }
        window
    }
}

/// A place in each tree, kept from one node to the next.
#[derive(Debug)]
pub(crate) struct Fingers<'a, R: ReadPages> {
    out: Finger<'a, EdgeLeaf<false>, R>,
    into: Finger<'a, EdgeLeaf<true>, R>,
}

impl<'a, R: ReadPages> Fingers<'a, R> {
    pub fn new(reader: &'a Reader<R>) -> Self {
        let Reader { pages, graph, .. } = reader;
        Fingers { out: Finger::new(&graph.out, pages), into: Finger::new(&graph.into, pages) }
    }
}

/// A node's edges in order.
#[derive(Debug)]
pub(crate) enum Hops<'a, R: ReadPages> {
    Few { hops: Vec<Hop>, at: usize },
    Many(Strands<'a, R>),
}

impl<'a, R: ReadPages> Hops<'a, R> {
    pub fn open(reader: &'a Reader<R>, ask: &Ask, fingers: &mut Fingers<'a, R>) -> Result<Self, PageError> {
        Ok(match few_hops(ask, fingers)? {
            Some(hops) => Hops::Few { hops, at: 0 },
            None => Hops::Many(Strands::open(reader, ask)?),
        })
    }

    /// The next one, which stays the next.
    pub fn peek(&mut self) -> Result<Option<Hop>, PageError> {
        match self {
            Hops::Few { hops, at } => Ok(hops.get(*at).copied()),
            Hops::Many(strands) => strands.peek(),
        }
    }

    /// The next one.
    pub fn next(&mut self) -> Result<Option<Hop>, PageError> {
        match self {
            Hops::Few { hops, at } => {
                let next = hops.get(*at).copied();
                *at += usize::from(next.is_some());
                Ok(next)
            }
            Hops::Many(strands) => strands.next(),
        }
    }

    /// Leaves out every neighbour below this one. Only forwards.
    pub fn skip_to(&mut self, neighbor: u64) -> Result<(), PageError> {
        match self {
            Hops::Few { hops, at } => {
                *at += hops[*at..].partition_point(|hop| hop.neighbor < neighbor);
                Ok(())
            }
            Hops::Many(strands) => strands.skip_to(neighbor),
        }
    }
}

/// All hops of a node whose lists are short; `None` if they are not.
fn few_hops<R: ReadPages>(ask: &Ask, fingers: &mut Fingers<'_, R>) -> Result<Option<Vec<Hop>>, PageError> {
    let [out, into] = &ask.sides;
    let (mut hops, mut entries) = (Vec::new(), Vec::new());
    for (side, is_into) in [(out, false), (into, true)] {
        let Some(side) = side else { continue };
        let short = match is_into {
            false => few(&mut fingers.out, ask.node.0, FEW, &mut entries)?,
            true => few(&mut fingers.into, ask.node.0, FEW, &mut entries)?,
        };
        if !short {
            return Ok(None);
        }
        for (edge_type, neighbor, rank) in entries.drain(..) {
            let hop = Hop { neighbor, edge_type, into: is_into, rank };
            let loops_seen = side.wants(edge_type);
            hops.extend(loops_seen.is_some_and(|loops_seen| ask.takes(&hop, loops_seen)).then_some(hop));
        }
    }
    match ask.backwards {
        false => hops.sort_unstable(),
        true => hops.sort_unstable_by(|a, b| b.cmp(a)),
    }
    Ok(Some(hops))
}
