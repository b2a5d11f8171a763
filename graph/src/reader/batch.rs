//! Neighbours of many nodes.

use super::follow::sides;
use super::lists::{Both, WINDOW};
use super::{Follow, Reader, Way};
use crate::edge::scan;
use crate::error::ReadError;
use crate::model::{Direction, NodeId, TypeId};
use storage_core::pager::ReadPages;

/// A question for the neighbours of many nodes.
#[derive(Debug)]
#[must_use]
pub struct NeighborsOf<'a, R> {
    reader: &'a Reader<R>,
    nodes: &'a [NodeId],
    follow: Follow,
}

impl<R: ReadPages> Reader<R> {
    /// The neighbours of many nodes, in one batch: see [`NeighborsOf::for_each`].
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
    /// let knows = snapshot.edge_type("knows").expect("there is one");
    /// let mut found = Vec::new();
    /// snapshot.neighbors_of(&[ada, charles]).of_type(knows).for_each(|source, targets| {
    ///     found.push((source, targets.to_vec()));
    /// })?;
    /// assert_eq!(found, [(ada, vec![charles]), (charles, vec![])]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn neighbors_of<'a>(&'a self, nodes: &'a [NodeId]) -> NeighborsOf<'a, R> {
        NeighborsOf { reader: self, nodes, follow: Follow::default() }
    }
}

impl<R: ReadPages> NeighborsOf<'_, R> {
    /// Follows edges this way. Else outgoing edges are followed, and those of undirected types both ways.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.follow.direction = Some(direction);
        self
    }

    /// Follows edges of this type (may be said several times).
    pub fn of_type(self, edge_type: TypeId) -> Self {
        self.of_types(&[edge_type])
    }

    /// Follows edges of these types, and of those named before. No types at all find nothing.
    pub fn of_types(mut self, types: &[TypeId]) -> Self {
        self.follow.add_types(types);
        self
    }

    /// Calls back with each node and its neighbours, one for each edge, in the order of the nodes. The list is one
    /// buffer, filled again for each node; a node without edges, or that is not there, comes with an empty one. Followed
    /// both ways, a neighbour that is linked both ways comes twice, and a self-loop once.
    ///
    /// Fastest where the nodes ascend: what is in the page at hand is not looked up again. The device is told of the
    /// pages of some hundred nodes at once before they are read. Takes 16 bytes of memory for each edge of one node.
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn for_each(self, mut visit: impl FnMut(NodeId, &[NodeId])) -> Result<(), ReadError> {
        let ways = self.follow.ways(self.reader);
        self.reader.for_each_list(self.nodes, &ways, |index, list| {
            visit(self.nodes[index], NodeId::all(list));
            Ok::<(), ReadError>(())
        })
    }
}

/// Neighbours of one node after the other, where it is not known beforehand which: nothing is allocated for a list, and
/// what leads to it is kept. [`Reader::neighbors_of`] is faster where many are known at once.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
/// # let ada = foliograph::NodeId(0);
/// let knows = snapshot.edge_type("knows").expect("known");
/// let mut lists = snapshot.neighbor_lists().outgoing().of_type(knows);
/// let mut at = ada;
/// while let Some(next) = lists.of(at)?.first() {
///     println!("{at} knows {next}");
///     at = *next;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct NeighborLists<'a, R: ReadPages> {
    reader: &'a Reader<R>,
    follow: Follow,
    /// Made when the first list is asked for.
    both: Option<Both<'a, R>>,
    list: Vec<u64>,
}

impl<R: ReadPages> Reader<R> {
    /// Reads neighbours of one node after the other: see [`NeighborLists::of`].
    pub fn neighbor_lists(&self) -> NeighborLists<'_, R> {
        NeighborLists { reader: self, follow: Follow::default(), both: None, list: Vec::new() }
    }
}

impl<R: ReadPages> NeighborLists<'_, R> {
    /// Follows edges this way. Else outgoing edges are followed, and those of undirected types both ways.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.follow.direction = Some(direction);
        self.both = None;
        self
    }

    /// Follows edges from source to target.
    pub fn outgoing(self) -> Self {
        self.direction(Direction::Out)
    }

    /// Follows edges from target to source.
    pub fn incoming(self) -> Self {
        self.direction(Direction::In)
    }

    /// Follows edges of this type (may be said several times).
    pub fn of_type(mut self, edge_type: TypeId) -> Self {
        self.follow.add_types(&[edge_type]);
        self.both = None;
        self
    }

    /// The neighbours of a node, one for each edge: by type, then ascending; outgoing ones first. A node without edges, or
    /// that is not there, has none. Followed both ways, a neighbour that is linked both ways comes twice, and a self-loop
    /// once. Takes 8 bytes of memory for each edge of the longest list.
    ///
    /// # Errors
    /// What reading fails with.
    #[inline]
    pub fn of(&mut self, node: NodeId) -> Result<&[NodeId], ReadError> {
        self.list.clear();
        let reader = self.reader;
        let both = self.both.get_or_insert_with(|| Both::new(reader, &self.follow.ways(reader)));
        both.targets_at_once(node, &mut self.list)?;
        Ok(NodeId::all(&self.list))
    }

    /// Calls back with each node that has neighbours, and these, in the order of ids: the whole graph.
    ///
    /// # Errors
    /// What reading fails with; some lists were given then.
    pub fn for_each(self, mut visit: impl FnMut(NodeId, &[NodeId])) -> Result<(), ReadError> {
        let ways = self.follow.ways(self.reader);
        let Reader { pages, graph, .. } = self.reader;
        let mut one = |vertex, list: &[u64]| visit(NodeId(vertex), NodeId::all(list));
        match (sides(&ways).each_ref().map(Option::as_ref), &*ways) {
            ([Some(_), None], [(edge_type, _)]) => scan(&graph.out, pages, edge_type.map(|t| t.0), &mut one)?,
            ([None, Some(_)], [(edge_type, _)]) => {
                scan(&graph.into, pages, edge_type.map(|t| t.0), &mut one)?
            }
            _ => self.for_each_node(&ways, &mut one)?,
        }
        Ok(())
    }

    /// Node after node, where lists of several types, or of both ways, come together.
    fn for_each_node(&self, ways: &[Way], visit: &mut dyn FnMut(u64, &[u64])) -> Result<(), ReadError> {
        let reader = self.reader;
        let mut nodes = Vec::with_capacity(WINDOW);
        let mut both = Both::new(reader, ways);
        let mut window = |nodes: &mut Vec<NodeId>| {
            reader.each_list_of(&mut both, nodes, 0, &mut |index, list: &[u64]| {
                if !list.is_empty() {
                    visit(nodes[index].0, list);
                }
                Ok::<(), ReadError>(())
            })?;
            nodes.clear();
            Ok::<(), ReadError>(())
        };
        for span in reader.layers.node.spans(&reader.graph.nodes, &reader.pages, 0) {
            let span = span?;
            for id in (span.first..).take(span.count as usize) {
                nodes.push(NodeId(id));
                if nodes.len() == WINDOW {
                    window(&mut nodes)?;
                }
            }
        }
        window(&mut nodes)
    }
}
