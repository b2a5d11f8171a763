//! The shortest path between two nodes: breadth-first from both ends until the searches meet.
//!
//! Must always be true: the meeting with the fewest edges in sum is taken, not the first one seen; a whole level is
//! finished before the answer is given. Takes about 32 bytes a visited node.

use super::{require, targets};
use crate::error::ReadError;
use crate::model::{Direction, NodeId};
use crate::reader::{Follow, Reader, Way, reversed};
use std::collections::HashMap;
use storage_core::pager::ReadPages;

/// A path: its nodes, from the first to the last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Path {
    /// At least one node; both ends where there are two.
    pub nodes: Vec<NodeId>,
}

impl Path {
    /// How many edges it has.
    pub fn edge_count(&self) -> usize {
        self.nodes.len() - 1
    }
}

/// A question for the shortest path; [`ShortestPath::find`] answers it.
#[derive(Debug)]
#[must_use]
pub struct ShortestPath<'a, R> {
    pub(super) reader: &'a Reader<R>,
    pub(super) ends: [NodeId; 2],
    pub(super) follow: Follow,
}

impl<R: ReadPages> Reader<R> {
    /// The path with the fewest edges from one node to another.
    pub fn shortest_path(&self, from: NodeId, to: NodeId) -> ShortestPath<'_, R> {
        ShortestPath { reader: self, ends: [from, to], follow: Follow::default() }
    }
}

/// One of the two searches: the node from which each node was reached, and its distance.
struct Side {
    reached: HashMap<u64, (u64, u64)>,
    frontier: Vec<NodeId>,
    depth: u64,
    ways: Vec<Way>,
}

impl<R: ReadPages> ShortestPath<'_, R> {
    /// Follows edges this way.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.follow.direction = Some(direction);
        self
    }

    /// Follows edges of this type (may be said several times). A name that is not known is followed nowhere.
    pub fn of_type(mut self, name: &str) -> Self {
        self.follow.add_type(self.reader, name);
        self
    }

    /// The path; `None` where there is none. Both ends must be there.
    pub fn find(self) -> Result<Option<Path>, ReadError> {
        for end in self.ends {
            require(self.reader, end)?;
        }
        let ways = self.follow.ways(self.reader);
        let back = reversed(&ways);
        let side = |end: NodeId, ways| Side {
            reached: HashMap::from([(end.0, (end.0, 0))]),
            frontier: vec![end],
            depth: 0,
            ways,
        };
        let mut sides = [side(self.ends[0], ways), side(self.ends[1], back)];
        let mut meeting = (self.ends[0] == self.ends[1]).then_some(self.ends[0].0);
        while meeting.is_none() && sides.iter().all(|s| !s.frontier.is_empty()) {
            let smaller = usize::from(sides[1].frontier.len() < sides[0].frontier.len());
            meeting = self.expand(&mut sides, smaller)?;
        }
        Ok(meeting.map(|node| join(&sides, node)))
    }

    /// Goes one level further on one side; returns where the sides meet with the fewest edges in sum.
    fn expand(&self, sides: &mut [Side; 2], which: usize) -> Result<Option<u64>, ReadError> {
        let (left, right) = sides.split_at_mut(1);
        let (this, other) = if which == 0 { (&mut left[0], &right[0]) } else { (&mut right[0], &left[0]) };
        this.depth += 1;
        let mut best: Option<(u64, u64)> = None;
        let mut next = Vec::new();
        let mut ends = Vec::new();
        for node in std::mem::take(&mut this.frontier) {
            targets(self.reader, node, &this.ways, &mut ends)?;
            for target in &ends {
                if this.reached.contains_key(target) {
                    continue;
                }
                this.reached.insert(*target, (node.0, this.depth));
                next.push(NodeId(*target));
                if let Some((_, distance)) = other.reached.get(target) {
                    let candidate = (*distance, *target);
                    best = Some(best.map_or(candidate, |b| b.min(candidate)));
                }
            }
        }
        next.sort_unstable();
        this.frontier = next;
        Ok(best.map(|(_, node)| node))
    }
}

fn join(sides: &[Side; 2], meeting: u64) -> Path {
    let walk = |side: &Side| {
        let mut nodes = vec![NodeId(meeting)];
        let mut at = meeting;
        while side.reached[&at].0 != at {
            at = side.reached[&at].0;
            nodes.push(NodeId(at));
        }
        nodes
    };
    let mut nodes = walk(&sides[0]);
    nodes.reverse();
    nodes.extend(walk(&sides[1]).into_iter().skip(1));
    Path { nodes }
}
