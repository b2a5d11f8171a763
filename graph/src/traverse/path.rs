//! The shortest path between two nodes: breadth-first from both ends until the searches meet.
//!
//! Must always be true: the meeting with the fewest edges in sum is taken, not the first one seen; a whole level is
//! finished before the answer is given. Filters see an edge under one name whichever way it is followed, so that both
//! searches see the same graph. Takes about 48 bytes a visited node.

use super::require;
use super::rules::{Rules, Walk};
use crate::algo::Control;
use crate::error::ReadError;
use crate::model::{Direction, Edge, NodeId};
use crate::reader::{Reader, Way, reversed};
use std::collections::{HashMap, HashSet};
use storage_core::pager::ReadPages;

/// A path: its nodes, from the first to the last.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Path {
    /// At least one node; both ends where there are two.
    pub nodes: Vec<NodeId>,
}

impl Path {
    /// How many edges it has.
    pub fn edge_count(&self) -> usize {
        self.nodes.len().saturating_sub(1)
    }
}

/// A question for the shortest path; [`ShortestPath::find`] answers it, [`ShortestPath::all`] with every one there is.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
/// # let (ada, charles) = (foliograph::NodeId(0), foliograph::NodeId(1));
/// use foliograph::Direction;
///
/// let path = snapshot.shortest_path(ada, charles).direction(Direction::Both).of_type("knows").find()?;
/// let recent = snapshot
///     .shortest_path(ada, charles)
///     .filter_edges(|reader, edge| Ok(reader.get_edge::<i64>(edge, "since")?.is_some_and(|year| year > 1830)))
///     .find()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct ShortestPath<'a, R> {
    pub(super) rules: Rules<'a, R>,
    pub(super) ends: [NodeId; 2],
}

impl<R: ReadPages> Reader<R> {
    /// The path with the fewest edges from one node to another.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// # tx.commit()?;
    /// # let snapshot = db.begin_read()?;
    /// let path = snapshot.shortest_path(ada, charles).find()?.expect("she knows him");
    /// assert_eq!(path.nodes, [ada, charles]);
    /// assert_eq!(snapshot.shortest_path(charles, ada).find()?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shortest_path(&self, from: NodeId, to: NodeId) -> ShortestPath<'_, R> {
        ShortestPath { rules: Rules::new(self), ends: [from, to] }
    }
}

/// An end of a path, and the ways that lead from there towards the other.
pub(super) type End = (NodeId, Vec<Way>);

/// One of the two searches: the node from which each node was reached, and its distance.
struct Side {
    reached: HashMap<u64, (u64, u64)>,
    frontier: Vec<NodeId>,
    depth: u64,
    ways: Vec<Way>,
}

impl<'a, R: ReadPages> ShortestPath<'a, R> {
    /// Follows edges this way.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.rules.follow.direction = Some(direction);
        self
    }

    /// Follows edges of this type (may be said several times). A name that is not known is followed nowhere.
    pub fn of_type(mut self, name: &str) -> Self {
        self.rules.follow.add_type(self.rules.reader, name);
        self
    }

    /// Follows only edges of which this says true (may be said several times: all must). It is asked only while the far end
    /// is not known yet, in no particular order; an error ends the search with it.
    pub fn filter_edges(
        mut self,
        allows: impl FnMut(&Reader<R>, Edge) -> Result<bool, ReadError> + 'a,
    ) -> Self {
        self.rules.filter_edges(allows);
        self
    }

    /// Leads only through nodes of which this says true (may be said several times: all must). It is asked at most once for
    /// a node, and not for the two ends; an error ends the search with it.
    pub fn filter_nodes(
        mut self,
        allows: impl FnMut(&Reader<R>, NodeId) -> Result<bool, ReadError> + 'a,
    ) -> Self {
        self.rules.filter_nodes(allows);
        self
    }

    /// Who watches the search and may stop it. What is counted are nodes whose edges were read.
    pub fn control(mut self, control: Control<'a>) -> Self {
        self.rules.control = control;
        self
    }

    /// The path; `None` where there is none. Both ends must be there.
    ///
    /// # Errors
    /// [`ReadError::NoNode`] if an end is not there; [`ReadError::Cancelled`]; what reading and the filters fail with.
    pub fn find(self) -> Result<Option<Path>, ReadError> {
        let (mut walk, ends) = self.begin()?;
        let same = ends[0].0 == ends[1].0;
        let mut meeting = same.then_some(ends[0].0.0);
        let mut sides = ends.map(|(end, ways)| Side {
            reached: HashMap::from([(end.0, (end.0, 0))]),
            frontier: vec![end],
            depth: 0,
            ways,
        });
        let mut refused = HashSet::new();
        while meeting.is_none() && sides.iter().all(|s| !s.frontier.is_empty()) {
            let [left, right] = &mut sides;
            meeting = if right.frontier.len() < left.frontier.len() {
                right.expand(left, &mut refused, &mut walk)?
            } else {
                left.expand(right, &mut refused, &mut walk)?
            };
        }
        walk.finish();
        Ok(meeting.map(|node| join(&sides, node)))
    }

    /// The walk, and each end with the ways that lead from there towards the other.
    pub(super) fn begin(self) -> Result<(Walk<'a, R>, [End; 2]), ReadError> {
        let ShortestPath { rules, ends: [from, to] } = self;
        require(rules.reader, from)?;
        require(rules.reader, to)?;
        let ways = rules.follow.ways(rules.reader);
        let back = reversed(&ways);
        Ok((rules.begin()?, [(from, ways), (to, back)]))
    }
}

impl Side {
    /// Goes one level further; returns where the sides meet with the fewest edges in sum.
    fn expand<R: ReadPages>(
        &mut self,
        other: &Side,
        refused: &mut HashSet<u64>,
        walk: &mut Walk<'_, R>,
    ) -> Result<Option<u64>, ReadError> {
        self.depth += 1;
        let mut best: Option<(u64, u64)> = None;
        let mut next = Vec::new();
        let frontier = std::mem::take(&mut self.frontier);
        walk.expand(&frontier, &self.ways, |step| {
            let to = step.to;
            if self.reached.contains_key(&to) || refused.contains(&to) || !step.is_open()? {
                return Ok(());
            }
            // What the other side has reached was asked there, or is its end.
            let met = other.reached.get(&to);
            if met.is_none() && !step.may_enter()? {
                refused.insert(to);
                return Ok(());
            }
            self.reached.insert(to, (step.from.0, self.depth));
            next.push(NodeId(to));
            if let Some((_, distance)) = met {
                let candidate = (*distance, to);
                best = Some(best.map_or(candidate, |b| b.min(candidate)));
            }
            Ok(())
        })?;
        next.sort_unstable();
        self.frontier = next;
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
