//! Breadth-first search, level by level.

use super::require;
use super::rules::Rules;
use super::set::NodeSet;
use crate::algo::Control;
use crate::error::ReadError;
use crate::model::{Direction, Edge, NodeId};
use crate::reader::Reader;
use storage_core::pager::ReadPages;

/// A breadth-first search that has not begun. Follows outgoing edges, and those of undirected types both ways, unless it
/// is told otherwise.
///
/// Takes a bit for each node of the graph (or about 16 bytes for each node reached, where ids lie far apart), and 8 bytes
/// for each node of two levels.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
/// # let ada = foliograph::NodeId(0);
/// let two_hops = snapshot.bfs(ada).max_depth(2).collect_levels()?;
///
/// let old_friends_alive = snapshot
///     .bfs(ada)
///     .of_type("knows")
///     .filter_edges(|reader, edge| Ok(reader.get_edge::<i64>(edge, "since")?.is_some_and(|year| year < 1840)))
///     .filter_nodes(|reader, node| Ok(reader.get::<i64>(node, "died")?.is_none()))
///     .max_depth(3)
///     .collect_nodes()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Bfs<'a, R> {
    rules: Rules<'a, R>,
    start: NodeId,
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
    /// let levels = snapshot.bfs(ada).max_depth(2).collect_levels()?;
    /// assert_eq!(levels, [vec![ada], vec![charles]]);
    /// let summary = snapshot.bfs(ada).summary()?;
    /// assert_eq!((summary.reached, summary.depth), (2, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bfs(&self, start: NodeId) -> Bfs<'_, R> {
        Bfs { rules: Rules::new(self), start, max_depth: u64::MAX }
    }

    /// The nodes within `hops` edges of a node, itself left out, ascending by id. With filters, types and directions it is
    /// [`Bfs::max_depth`] and [`Bfs::collect_nodes`].
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
    /// assert_eq!(snapshot.k_hop(ada, 1)?, [charles]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::NoNode`] if there is no such node.
    pub fn k_hop(&self, start: NodeId, hops: u64) -> Result<Vec<NodeId>, ReadError> {
        self.bfs(start).max_depth(hops).collect_nodes()
    }
}

impl<'a, R: ReadPages> Bfs<'a, R> {
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
    /// has not been reached; an error ends the search with it.
    pub fn filter_edges(
        mut self,
        allows: impl FnMut(&Reader<R>, Edge) -> Result<bool, ReadError> + 'a,
    ) -> Self {
        self.rules.filter_edges(allows);
        self
    }

    /// Enters only nodes of which this says true (may be said several times: all must). It is asked once for each node
    /// that an edge leads to, and not for the start; an error ends the search with it.
    pub fn filter_nodes(
        mut self,
        allows: impl FnMut(&Reader<R>, NodeId) -> Result<bool, ReadError> + 'a,
    ) -> Self {
        self.rules.filter_nodes(allows);
        self
    }

    /// Goes no further than this many edges.
    pub fn max_depth(mut self, depth: u64) -> Self {
        self.max_depth = depth;
        self
    }

    /// Who watches the search and may stop it. What is counted are nodes whose edges were read.
    pub fn control(mut self, control: Control<'a>) -> Self {
        self.rules.control = control;
        self
    }

    /// Calls back with each level: its distance and its nodes, ascending by id. Level 0 is the start.
    ///
    /// # Errors
    /// [`ReadError::NoNode`] if there is no such start; [`ReadError::Cancelled`]; what reading and the filters fail with.
    pub fn for_each_level(self, mut visit: impl FnMut(u64, &[NodeId])) -> Result<BfsSummary, ReadError> {
        let Bfs { rules, start, max_depth } = self;
        require(rules.reader, start)?;
        let ways = rules.follow.ways(rules.reader);
        let mut seen = NodeSet::for_graph(rules.reader);
        seen.insert(start.0);
        let mut walk = rules.begin()?;
        let mut frontier = vec![start];
        let mut summary = BfsSummary { reached: 0, depth: 0 };
        for depth in 0.. {
            visit(depth, &frontier);
            summary.reached += frontier.len() as u64;
            summary.depth = depth;
            if depth == max_depth {
                break;
            }
            let mut next = Vec::new();
            walk.expand(&frontier, &ways, |step| {
                // A node that is refused has been seen as well: it is refused once.
                if !seen.contains(step.to) && step.is_open()? && seen.insert(step.to) && step.may_enter()? {
                    next.push(NodeId(step.to));
                }
                Ok(())
            })?;
            if next.is_empty() {
                break;
            }
            next.sort_unstable();
            frontier = next;
        }
        walk.finish();
        Ok(summary)
    }

    /// All levels: the start, its neighbours, theirs, …. Takes 8 bytes for each node reached.
    ///
    /// # Errors
    /// As [`Bfs::for_each_level`].
    pub fn collect_levels(self) -> Result<Vec<Vec<NodeId>>, ReadError> {
        let mut levels = Vec::new();
        self.for_each_level(|_, nodes| levels.push(nodes.to_vec()))?;
        Ok(levels)
    }

    /// All nodes that are reached, the start left out, ascending by id. Takes 8 bytes for each.
    ///
    /// # Errors
    /// As [`Bfs::for_each_level`].
    pub fn collect_nodes(self) -> Result<Vec<NodeId>, ReadError> {
        let mut nodes = Vec::new();
        self.for_each_level(|depth, level| {
            if depth > 0 {
                nodes.extend_from_slice(level);
            }
        })?;
        nodes.sort_unstable();
        Ok(nodes)
    }

    /// How many nodes are reached, and how far away the farthest is.
    ///
    /// # Errors
    /// As [`Bfs::for_each_level`].
    pub fn summary(self) -> Result<BfsSummary, ReadError> {
        self.for_each_level(|_, _| {})
    }
}
