//! Edges between two sets of nodes.
//!
//! Must always be true: each edge comes once, whatever is in both sets. One set leads: the edges of each of its nodes are
//! walked together with the other set, each to where the other one is. So of a hub only what lies near the other set's nodes
//! is read, and of a short list the other set is only looked into.

use super::follow::{Side, reversed, sides};
use super::hops::{Ask, Fingers, Hops};
use super::lists::{Hop, WINDOW};
use super::neighbors::State;
use super::strands::gallop;
use super::{Follow, Reader};
use crate::error::ReadError;
use crate::model::{Direction, Edge, NodeId, TypeId};
use storage_core::pager::{PageError, ReadPages};

/// A question for the edges between two sets of nodes. Iterating over it answers it: each edge once, in an order that is
/// not promised.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
/// # let group = [foliograph::NodeId(0), foliograph::NodeId(1)];
/// let inside = snapshot.edges_between(&group, &group).of_type("knows").count()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct EdgesBetween<'a, R> {
    reader: &'a Reader<R>,
    sets: [&'a [NodeId]; 2],
    follow: Follow,
}

impl<R: ReadPages> Reader<R> {
    /// The edges from nodes of one set to nodes of another, and both ways those of undirected types, unless it is told
    /// otherwise. The sets may overlap, need no order and may name a node twice; nodes that are not there have no edges.
    ///
    /// Costs for each node of the smaller set as many look-ups as it has edges, or as the other set has nodes, whichever
    /// are fewer. Takes 16 bytes of memory for each node named, and what a question for neighbours does.
    pub fn edges_between<'a>(&'a self, from: &'a [NodeId], to: &'a [NodeId]) -> EdgesBetween<'a, R> {
        EdgesBetween { reader: self, sets: [from, to], follow: Follow::default() }
    }
}

impl<'a, R: ReadPages> EdgesBetween<'a, R> {
    /// Follows edges this way: out from the first set to the second, in from the second to the first, or both.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.follow.direction = Some(direction);
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

    /// How many there are.
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn count(self) -> Result<u64, ReadError> {
        self.into_iter().try_fold(0, |count, edge| edge.map(|_| count + 1))
    }
}

impl<'a, R: ReadPages> IntoIterator for EdgesBetween<'a, R> {
    type Item = Result<Edge, ReadError>;
    type IntoIter = EdgesBetweenIter<'a, R>;

    fn into_iter(self) -> Self::IntoIter {
        let [mut lead, mut other] = self.sets.map(|set| {
            let mut ids: Vec<u64> = set.iter().map(|node| node.0).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        });
        let mut ways = self.follow.ways(self.reader);
        if other.len() < lead.len() {
            std::mem::swap(&mut lead, &mut other);
            ways = reversed(&ways);
        }
        let (reader, sides) = (self.reader, sides(&ways));
        let fingers = Fingers::new(reader);
        let walk = Walk { reader, lead, other, sides, fingers, next: 0, running: None };
        EdgesBetweenIter { state: State::Running(walk) }
    }
}

/// The answer to [`EdgesBetween`]. An error is an item, and the last one, never a short list.
#[derive(Debug)]
pub struct EdgesBetweenIter<'a, R: ReadPages> {
    state: State<Walk<'a, R>>,
}

impl<R: ReadPages> Iterator for EdgesBetweenIter<'_, R> {
    type Item = Result<Edge, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.state.step(Walk::next)
    }
}

/// The walk over the nodes of the set that leads.
#[derive(Debug)]
struct Walk<'a, R: ReadPages> {
    reader: &'a Reader<R>,
    /// Both ascending, each node once.
    lead: Vec<u64>,
    other: Vec<u64>,
    sides: [Option<Side>; 2],
    fingers: Fingers<'a, R>,
    /// The next node that leads.
    next: usize,
    running: Option<List<'a, R>>,
}

/// A node's list beside the other set.
#[derive(Debug)]
struct List<'a, R: ReadPages> {
    node: NodeId,
    hops: Hops<'a, R>,
    /// How many nodes of the other set were passed.
    passed: usize,
}

impl<R: ReadPages> Walk<'_, R> {
    fn next(&mut self) -> Result<Option<Edge>, PageError> {
        let (Some(least), Some(greatest)) = (self.other.first(), self.other.last()) else { return Ok(None) };
        let between = (*least, *greatest);
        loop {
            while let Some(list) = &mut self.running {
                let (node, hop) = (list.node, list.next(&self.other)?);
                match hop {
                    None => self.running = None,
                    Some(hop) if self.comes_again(node, hop) => {}
                    Some(hop) => return Ok(Some(hop.edge(node))),
                }
            }
            let Some(node) = self.lead.get(self.next).copied().map(NodeId) else { return Ok(None) };
            if self.next.is_multiple_of(WINDOW) {
                let window = self.lead[self.next..].iter().take(WINDOW);
                self.reader.tell_ahead(window.copied(), &self.sides)?;
            }
            self.next += 1;
            let ask = Ask { between, ..Ask::all(node, self.sides.clone()) };
            let hops = Hops::open(self.reader, &ask, &mut self.fingers)?;
            self.running = Some(List { node, hops, passed: 0 });
        }
    }

    /// Followed both ways, an edge between two nodes that are in both sets is seen from both: it counts where it begins.
    fn comes_again(&self, node: NodeId, hop: Hop) -> bool {
        let in_both = |id: &u64| self.lead.binary_search(id).is_ok() && self.other.binary_search(id).is_ok();
        let both_ways = || self.sides[1].as_ref().is_some_and(|side| side.wants(hop.edge_type) == Some(true));
        hop.into && both_ways() && in_both(&node.0) && in_both(&hop.neighbor)
    }
}

impl<R: ReadPages> List<'_, R> {
    /// The next hop to a node of the other set.
    fn next(&mut self, other: &[u64]) -> Result<Option<Hop>, PageError> {
        while let Some(hop) = self.hops.peek()? {
            self.passed += gallop(&other[self.passed..], |id| *id < hop.neighbor);
            match other.get(self.passed) {
                None => break,
                Some(id) if *id == hop.neighbor => return self.hops.next(),
                Some(id) => self.hops.skip_to(*id)?,
            }
        }
        Ok(None)
    }
}
