//! A snapshot, or a part of it, as a petgraph.

use crate::algo::{Control, Ticker};
use crate::error::ReadError;
use crate::model::{Direction, Edge, LabelId, NodeId};
use crate::reader::{Follow, NodeView, Reader, Way};
use ::petgraph::EdgeType;
use ::petgraph::graph::{Graph, IndexType, NodeIndex};
use std::fmt;
use storage_core::pager::ReadPages;

/// How many lists are asked for at once.
const BATCH: usize = 512;

/// Gives something of a node or an edge.
type Give<'a, R, T, Out> = Box<dyn FnMut(&Reader<R>, T) -> Result<Out, ReadError> + 'a>;

/// Gives what stands at a node.
type GiveNode<'a, R, N> = Box<dyn FnMut(&Reader<R>, &NodeView) -> Result<N, ReadError> + 'a>;

/// A petgraph to be built: of everything, with [`NodeId`] at the nodes and [`Edge`] at the edges, unless it is told
/// otherwise. [`ToPetgraph::build`] builds it. See [`crate::petgraph`] for an example.
#[must_use]
pub struct ToPetgraph<'a, R, N = NodeId, E = Edge> {
    reader: &'a Reader<R>,
    labels: Option<Vec<LabelId>>,
    follow: Follow,
    only: Option<Vec<NodeId>>,
    twice: bool,
    control: Control<'a>,
    allow_nodes: Vec<Give<'a, R, NodeId, bool>>,
    allow_edges: Vec<Give<'a, R, Edge, bool>>,
    node: GiveNode<'a, R, N>,
    edge: Give<'a, R, Edge, E>,
}

impl<R: ReadPages> Reader<R> {
    /// A copy of the graph, or of a part of it, as a [`petgraph::Graph`](Graph).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use foliograph::{Options, Edge, NodeId, props, storage_core::{page::PageSize, device::memory::MemoryDevice}};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! {})?;
    /// # tx.commit()?;
    /// # let snapshot = db.begin_read()?;
    /// use petgraph::graph::DiGraph;
    ///
    /// let everything: DiGraph<NodeId, Edge> = snapshot.to_petgraph().build()?;
    ///
    /// // Those around somebody, and what links them with each other.
    /// let mut around = snapshot.k_hop(ada, 2)?;
    /// around.push(ada);
    /// let circle: DiGraph<NodeId, Edge> = snapshot.to_petgraph().only(around).of_type("knows").build()?;
    /// # assert_eq!((everything.node_count(), circle.node_count()), (1, 1));
    /// # Ok(()) }
    /// ```
    pub fn to_petgraph(&self) -> ToPetgraph<'_, R> {
        ToPetgraph {
            reader: self,
            labels: None,
            // Each edge once: as it is stored.
            follow: Follow { direction: Some(Direction::Out), types: None },
            only: None,
            twice: false,
            control: Control::new(),
            allow_nodes: Vec::new(),
            allow_edges: Vec::new(),
            node: Box::new(|_, view| Ok(view.id)),
            edge: Box::new(|_, edge| Ok(edge)),
        }
    }
}

impl<'a, R: ReadPages, N, E> ToPetgraph<'a, R, N, E> {
    /// Takes nodes of this label (may be said several times). A name that is not known takes none.
    pub fn of_label(mut self, name: &str) -> Self {
        let labels = self.labels.get_or_insert_default();
        labels.extend(self.reader.label(name));
        self
    }

    /// Takes edges of this type (may be said several times). A name that is not known takes none.
    pub fn of_type(mut self, name: &str) -> Self {
        self.follow.add_type(self.reader, name);
        self
    }

    /// Takes these nodes, and the edges between them. Each must be there; the order is no matter, nor is one that is given
    /// twice.
    pub fn only(mut self, nodes: impl IntoIterator<Item = NodeId>) -> Self {
        self.only = Some(nodes.into_iter().collect());
        self
    }

    /// Takes nodes of which this says true (may be said several times: all must).
    pub fn filter_nodes(
        mut self,
        allows: impl FnMut(&Reader<R>, NodeId) -> Result<bool, ReadError> + 'a,
    ) -> Self {
        self.allow_nodes.push(Box::new(allows));
        self
    }

    /// Takes edges of which this says true (may be said several times: all must). It is asked of those whose ends are both
    /// taken.
    pub fn filter_edges(
        mut self,
        allows: impl FnMut(&Reader<R>, Edge) -> Result<bool, ReadError> + 'a,
    ) -> Self {
        self.allow_edges.push(Box::new(allows));
        self
    }

    /// Adds each edge of an undirected type a second time, from its target to its source (a self-loop once), so that
    /// algorithms over a directed petgraph see what walks see here. Where the petgraph is undirected it changes nothing.
    pub fn undirected_twice(mut self) -> Self {
        self.twice = true;
        self
    }

    /// Who watches, and who may stop it: see [`Control`].
    pub fn control(mut self, control: Control<'a>) -> Self {
        self.control = control;
        self
    }

    /// What stands at each node.
    pub fn nodes_as<M>(
        self,
        node: impl FnMut(&Reader<R>, &NodeView) -> Result<M, ReadError> + 'a,
    ) -> ToPetgraph<'a, R, M, E> {
        let ToPetgraph {
            reader, labels, follow, only, twice, control, allow_nodes, allow_edges, edge, ..
        } = self;
        let node = Box::new(node);
        ToPetgraph { reader, labels, follow, only, twice, control, allow_nodes, allow_edges, node, edge }
    }

    /// What stands at each edge.
    pub fn edges_as<F>(
        self,
        edge: impl FnMut(&Reader<R>, Edge) -> Result<F, ReadError> + 'a,
    ) -> ToPetgraph<'a, R, N, F> {
        let ToPetgraph {
            reader, labels, follow, only, twice, control, allow_nodes, allow_edges, node, ..
        } = self;
        let edge = Box::new(edge);
        ToPetgraph { reader, labels, follow, only, twice, control, allow_nodes, allow_edges, node, edge }
    }

    /// Builds it. Whether it is directed, and how wide its indices are, is what the caller's type says:
    /// `let graph: UnGraph<_, _, usize> = ….build()?`.
    ///
    /// Nodes stand in the order of their ids, edges in that of (source, type, target, rank); an edge that stands there
    /// twice, once after the other.
    ///
    /// The graph takes `size_of::<N>()` and two indices for each node, `size_of::<E>()` and four indices for each edge (with
    /// the usual indices 8 and 16 bytes), and up to twice as much for the edges while they grow. Building it takes 8 bytes for
    /// each node more, and one node's list.
    ///
    /// # Errors
    /// [`ReadError::TooLarge`] where indices are too small; [`ReadError::NoNode`] for one of [`ToPetgraph::only`] that is not
    /// there; [`ReadError::Cancelled`]; what reading and the closures fail with.
    pub fn build<Ty: EdgeType, Ix: IndexType>(mut self) -> Result<Graph<N, E, Ty, Ix>, ReadError> {
        let mut ticker = Ticker::new(std::mem::take(&mut self.control));
        let total = self.only.as_ref().map_or(self.reader.node_count(), |only| only.len() as u64);
        ticker.begin(total)?;
        let mut graph = Graph::with_capacity(0, 0);
        let ids = match self.only.take() {
            None => self.all_nodes(&mut graph, &mut ticker)?,
            Some(only) => self.these_nodes(only, &mut graph, &mut ticker)?,
        };
        ticker.next_round()?;
        let ways = self.follow.ways(self.reader);
        for (number, batch) in ids.chunks(BATCH).enumerate() {
            self.edges(&ids, (number * BATCH, batch), &ways, &mut graph, &mut ticker)?;
        }
        ticker.finish();
        Ok(graph)
    }

    fn all_nodes<Ty: EdgeType, Ix: IndexType>(
        &mut self,
        graph: &mut Graph<N, E, Ty, Ix>,
        ticker: &mut Ticker<'_>,
    ) -> Result<Vec<NodeId>, ReadError> {
        let mut ids = Vec::new();
        for view in self.reader.all_nodes() {
            ticker.step(1)?;
            self.node(view?, graph, &mut ids)?;
        }
        Ok(ids)
    }

    fn these_nodes<Ty: EdgeType, Ix: IndexType>(
        &mut self,
        mut only: Vec<NodeId>,
        graph: &mut Graph<N, E, Ty, Ix>,
        ticker: &mut Ticker<'_>,
    ) -> Result<Vec<NodeId>, ReadError> {
        only.sort_unstable();
        only.dedup();
        let mut ids = Vec::new();
        for node in only {
            ticker.step(1)?;
            let view = self.reader.view(node)?.ok_or(ReadError::NoNode(node))?;
            self.node(view, graph, &mut ids)?;
        }
        Ok(ids)
    }

    /// Adds a node, if it is one of those that are taken.
    fn node<Ty: EdgeType, Ix: IndexType>(
        &mut self,
        view: NodeView,
        graph: &mut Graph<N, E, Ty, Ix>,
        ids: &mut Vec<NodeId>,
    ) -> Result<(), ReadError> {
        let of_label = self.labels.as_ref().is_none_or(|labels| labels.contains(&view.label));
        if !of_label || !all(self.reader, &mut self.allow_nodes, view.id)? {
            return Ok(());
        }
        let weight = (self.node)(self.reader, &view)?;
        graph.try_add_node(weight).map_err(|_| ReadError::TooLarge("nodes"))?;
        ids.push(view.id);
        Ok(())
    }

    /// Adds the edges that leave some of the nodes.
    fn edges<Ty: EdgeType, Ix: IndexType>(
        &mut self,
        ids: &[NodeId],
        (first, batch): (usize, &[NodeId]),
        ways: &[Way],
        graph: &mut Graph<N, E, Ty, Ix>,
        ticker: &mut Ticker<'_>,
    ) -> Result<(), ReadError> {
        let reader = self.reader;
        let mut edges = Vec::new();
        reader.for_each_hops(batch, ways, |at, hops| {
            ticker.done(1);
            edges.clear();
            edges.extend(hops.iter().map(|hop| hop.edge(batch[at])));
            edges.sort_unstable();
            for edge in &edges {
                ticker.step(1)?;
                let Ok(target) = ids.binary_search(&edge.target) else { continue };
                if all(reader, &mut self.allow_edges, *edge)? {
                    self.edge(*edge, (first + at, target), graph)?;
                }
            }
            Ok(())
        })
    }

    fn edge<Ty: EdgeType, Ix: IndexType>(
        &mut self,
        edge: Edge,
        (source, target): (usize, usize),
        graph: &mut Graph<N, E, Ty, Ix>,
    ) -> Result<(), ReadError> {
        let full = |_| ReadError::TooLarge("edges");
        let (source, target) = (NodeIndex::new(source), NodeIndex::new(target));
        let weight = (self.edge)(self.reader, edge)?;
        graph.try_add_edge(source, target, weight).map_err(full)?;
        let undirected = || {
            let info = self.reader.catalog().types.get(edge.edge_type.0);
            info.is_some_and(|info| info.undirected)
        };
        if self.twice && graph.is_directed() && source != target && undirected() {
            let weight = (self.edge)(self.reader, edge)?;
            graph.try_add_edge(target, source, weight).map_err(full)?;
        }
        Ok(())
    }
}

fn all<R, T: Copy>(
    reader: &Reader<R>,
    filters: &mut [Give<'_, R, T, bool>],
    what: T,
) -> Result<bool, ReadError> {
    for filter in filters {
        if !filter(reader, what)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl<R, N, E> fmt::Debug for ToPetgraph<'_, R, N, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToPetgraph")
            .field("labels", &self.labels)
            .field("types", &self.follow.types)
            .field("only", &self.only.as_ref().map(Vec::len))
            .field("node filters", &self.allow_nodes.len())
            .field("edge filters", &self.allow_edges.len())
            .field("undirected twice", &self.twice)
            .finish_non_exhaustive()
    }
}
