//! Breadth-first search, level by level.

use super::set::NodeSet;
use super::{require, targets};
use crate::error::ReadError;
use crate::model::{Direction, NodeId};
use crate::reader::{Follow, Reader};
use storage_core::pager::ReadPages;

/// A breadth-first search that has not begun. Follows outgoing edges, and those of undirected types both ways, unless it
/// is told otherwise.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
/// # let ada = foliograph::NodeId(0);
/// let two_hops = snapshot.bfs(ada).max_depth(2).collect_levels()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Bfs<'a, R> {
    reader: &'a Reader<R>,
    start: NodeId,
    follow: Follow,
    max_depth: u64,
}

/// How far a search came.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct BfsSummary {
    /// Nodes reached, the start among them.
    pub reached: u64,
    /// The distance of the farthest.
    pub depth: u64,
}

impl<R: ReadPages> Reader<R> {
    /// Breadth-first search from a node.
    pub fn bfs(&self, start: NodeId) -> Bfs<'_, R> {
        Bfs { reader: self, start, follow: Follow::default(), max_depth: u64::MAX }
    }

    /// The nodes within `hops` edges of a node, itself left out, ascending by id.
    pub fn k_hop(&self, start: NodeId, hops: u64) -> Result<Vec<NodeId>, ReadError> {
        let levels = self.bfs(start).max_depth(hops).collect_levels()?;
        let mut nodes: Vec<NodeId> = levels.into_iter().skip(1).flatten().collect();
        nodes.sort_unstable();
        Ok(nodes)
    }
}

impl<R: ReadPages> Bfs<'_, R> {
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

    /// Goes no further than this many edges.
    pub fn max_depth(mut self, depth: u64) -> Self {
        self.max_depth = depth;
        self
    }

    /// Calls back with each level: its distance and its nodes, ascending by id. Level 0 is the start.
    pub fn for_each_level(self, mut visit: impl FnMut(u64, &[NodeId])) -> Result<BfsSummary, ReadError> {
        require(self.reader, self.start)?;
        let ways = self.follow.ways(self.reader);
        let mut seen = NodeSet::for_graph(self.reader);
        seen.insert(self.start.0);
        let mut frontier = vec![self.start];
        let mut summary = BfsSummary { reached: 0, depth: 0 };
        let mut ends = Vec::new();
        for depth in 0.. {
            visit(depth, &frontier);
            summary.reached += frontier.len() as u64;
            summary.depth = depth;
            if depth == self.max_depth {
                break;
            }
            let mut next = Vec::new();
            for node in &frontier {
                targets(self.reader, *node, &ways, &mut ends)?;
                next.extend(ends.iter().filter(|t| seen.insert(**t)).map(|t| NodeId(*t)));
            }
            if next.is_empty() {
                break;
            }
            next.sort_unstable();
            frontier = next;
        }
        Ok(summary)
    }

    /// All levels: the start, its neighbours, theirs, ….
    pub fn collect_levels(self) -> Result<Vec<Vec<NodeId>>, ReadError> {
        let mut levels = Vec::new();
        self.for_each_level(|_, nodes| levels.push(nodes.to_vec()))?;
        Ok(levels)
    }

    /// How many nodes are reached, and how far away the farthest is.
    pub fn summary(self) -> Result<BfsSummary, ReadError> {
        self.for_each_level(|_, _| {})
    }
}
