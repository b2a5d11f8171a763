//! Neighbours that two nodes share.
//!
//! Must always be true: each comes once, ascending. Both lists are walked in turn, each to where the other one is, and what
//! lies between is passed over: in the buffer at hand where it is near, through the tree where it is far. So a short list
//! meets a hub's at the price of a look-up for each of its own edges.

use super::hops::{Ask, Fingers, Hops};
use super::neighbors::{State, ends};
use super::{Follow, Reader};
use crate::error::ReadError;
use crate::model::{Direction, NodeId, TypeId};
use std::ops::RangeBounds;
use storage_core::pager::{PageError, ReadPages};

/// A question for the neighbours that two nodes share. Iterating over it answers it: each once, ascending.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
/// # let (ada, charles) = (foliograph::NodeId(0), foliograph::NodeId(1));
/// for friend in snapshot.common_neighbors(ada, charles).of_type("knows") {
///     println!("both know {}", snapshot.name(friend?)?);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct CommonNeighbors<'a, R> {
    reader: &'a Reader<R>,
    nodes: [NodeId; 2],
    follow: Follow,
    /// The second node's direction, if it is another one.
    second: Option<Direction>,
    between: (u64, u64),
}

impl<R: ReadPages> Reader<R> {
    /// The nodes to which both of two nodes have an edge (or as the question says). Edges are followed as
    /// [`Reader::neighbors`] follows them. A node that is not there is an error.
    ///
    /// Costs as many look-ups as the shorter list has edges, however long the other one is. Takes what two questions for
    /// neighbours do.
    pub fn common_neighbors(&self, a: NodeId, b: NodeId) -> CommonNeighbors<'_, R> {
        let (follow, between) = (Follow::default(), (0, u64::MAX));
        CommonNeighbors { reader: self, nodes: [a, b], follow, second: None, between }
    }
}

impl<'a, R: ReadPages> CommonNeighbors<'a, R> {
    /// Follows the edges of both nodes this way.
    pub fn direction(self, direction: Direction) -> Self {
        self.directions(direction, direction)
    }

    /// Follows the edges of the first node one way, those of the second another: out and in finds what lies between them.
    pub fn directions(mut self, of_a: Direction, of_b: Direction) -> Self {
        self.follow.direction = Some(of_a);
        self.second = Some(of_b);
        self
    }

    /// Follows edges of this type (may be said several times). A name that is not known finds none.
    pub fn of_type(mut self, name: &str) -> Self {
        self.follow.add_type(self.reader, name);
        self
    }

    /// Follows edges of these types, and of those named before. No types at all find nothing.
    pub fn of_types(mut self, types: &[TypeId]) -> Self {
        self.follow.add_types(types);
        self
    }

    /// Only neighbours whose ids lie in this range: to go on behind one, from there.
    pub fn between(mut self, ids: impl RangeBounds<NodeId>) -> Self {
        self.between = ends(&ids);
        self
    }

    /// How many there are.
    ///
    /// # Errors
    /// [`ReadError::NoNode`]; and [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn count(self) -> Result<u64, ReadError> {
        self.into_iter().try_fold(0, |count, node| node.map(|_| count + 1))
    }

    fn open(&self) -> Result<Pair<'a, R>, ReadError> {
        let reader = self.reader;
        let open = |node, direction| {
            let follow = Follow { direction, ..self.follow.clone() };
            let ask = Ask { between: self.between, ..Ask::all(node, follow.sides(reader)) };
            let mut hops = Hops::open(reader, &ask, &mut Fingers::new(reader))?;
            if hops.peek()?.is_none() && !reader.contains(node)? {
                return Err(ReadError::NoNode(node));
            }
            Ok(hops)
        };
        let [a, b] = self.nodes;
        let lists = [open(a, self.follow.direction)?, open(b, self.second)?];
        Ok(Pair { lists, least: 0 })
    }
}

impl<'a, R: ReadPages> IntoIterator for CommonNeighbors<'a, R> {
    type Item = Result<NodeId, ReadError>;
    type IntoIter = CommonNeighborsIter<'a, R>;

    fn into_iter(self) -> Self::IntoIter {
        CommonNeighborsIter { state: State::of(self.open()) }
    }
}

/// The answer to [`CommonNeighbors`]. An error is an item, and the last one, never a short list.
#[derive(Debug)]
pub struct CommonNeighborsIter<'a, R: ReadPages> {
    state: State<Pair<'a, R>>,
}

impl<R: ReadPages> Iterator for CommonNeighborsIter<'_, R> {
    type Item = Result<NodeId, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.state.step(Pair::next)
    }
}

/// Two lists on their way to the next neighbour that is in both.
#[derive(Debug)]
struct Pair<'a, R: ReadPages> {
    lists: [Hops<'a, R>; 2],
    /// Every neighbour below this one was dealt with.
    least: u64,
}

impl<R: ReadPages> Pair<'_, R> {
    fn next(&mut self) -> Result<Option<NodeId>, PageError> {
        let mut met = 0;
        for turn in (0..2).cycle() {
            let list = &mut self.lists[turn];
            list.skip_to(self.least)?;
            let Some(hop) = list.peek()? else { return Ok(None) };
            // The first list says where to meet; whoever is farther says so anew.
            met = if met > 0 && hop.neighbor == self.least { 2 } else { 1 };
            self.least = hop.neighbor;
            if met == 2 {
                break;
            }
        }
        // No id is the largest number, so there is one behind each.
        let node = NodeId(self.least);
        self.least = self.least.saturating_add(1);
        Ok(Some(node))
    }
}
