//! A petgraph into a write transaction.

use crate::error::WriteError;
use crate::model::{NodeId, Props};
use crate::txn::{NewNode, WriteTransaction};
use ::petgraph::EdgeType;
use ::petgraph::graph::{EdgeIndex, Graph, IndexType, NodeIndex};
use ::petgraph::visit::EdgeRef;
use std::fmt;

/// What an edge of a petgraph becomes.
#[derive(Clone, PartialEq, Debug)]
pub struct NewEdge {
    /// Its type.
    pub edge_type: String,
    /// Its rank among parallel edges of its type; the store gives one where there is none.
    pub rank: Option<u32>,
    /// Its properties.
    pub props: Props,
}

impl NewEdge {
    /// An edge of this type, to which the store gives the rank.
    pub fn new(edge_type: impl Into<String>, props: Props) -> Self {
        NewEdge { edge_type: edge_type.into(), rank: None, props }
    }
}

/// What becomes of a node: its label, and the rest.
type MakeNode<'a, N, Ix> = Box<dyn FnMut(NodeIndex<Ix>, &N) -> (String, NewNode) + 'a>;
type MakeEdge<'a, E, Ix> = Box<dyn FnMut(EdgeIndex<Ix>, &E) -> NewEdge + 'a>;

/// A petgraph to be written; [`FromPetgraph::write`] writes it. Nodes get the label `node` and edges the type `edge`, and
/// nothing else, unless it is told otherwise. See [`crate::petgraph`] for an example.
#[must_use]
pub struct FromPetgraph<'a, N, E, Ty: EdgeType, Ix: IndexType> {
    graph: &'a Graph<N, E, Ty, Ix>,
    node: MakeNode<'a, N, Ix>,
    edge: MakeEdge<'a, E, Ix>,
}

/// Takes a petgraph into a store.
pub fn from_petgraph<'a, N, E, Ty: EdgeType, Ix: IndexType>(
    graph: &'a Graph<N, E, Ty, Ix>,
) -> FromPetgraph<'a, N, E, Ty, Ix> {
    FromPetgraph {
        graph,
        node: Box::new(|_, _| ("node".to_owned(), NewNode::default())),
        edge: Box::new(|_, _| NewEdge::new("edge", Props::new())),
    }
}

impl<'a, N, E, Ty: EdgeType, Ix: IndexType> FromPetgraph<'a, N, E, Ty, Ix> {
    /// The label of each node, its id where it is to have a certain one, its key, its properties.
    pub fn nodes_as(mut self, node: impl FnMut(NodeIndex<Ix>, &N) -> (String, NewNode) + 'a) -> Self {
        self.node = Box::new(node);
        self
    }

    /// The type of each edge, its rank where it is to have a certain one, its properties.
    pub fn edges_as(mut self, edge: impl FnMut(EdgeIndex<Ix>, &E) -> NewEdge + 'a) -> Self {
        self.edge = Box::new(edge);
        self
    }

    /// Adds all nodes, then all edges, each in the order of its index; gives the nodes' ids in that order. Where the
    /// petgraph is undirected, edge types that are new to the store become undirected; one that is there stays what it is.
    ///
    /// Takes 8 bytes for each node, beside what the transaction takes for its changes.
    ///
    /// # Errors
    /// What [`WriteTransaction::insert_node`] and [`WriteTransaction::insert_edge`] refuse or fail with: an id, a key or a
    /// rank that is there already, among others. What was added before stays in the transaction: drop it.
    pub fn write(mut self, tx: &mut WriteTransaction) -> Result<Vec<NodeId>, WriteError> {
        let mut ids = Vec::with_capacity(self.graph.node_count());
        for index in self.graph.node_indices() {
            let (label, node) = (self.node)(index, &self.graph[index]);
            ids.push(tx.insert_node(&label, node)?);
        }
        for edge in self.graph.edge_references() {
            let NewEdge { edge_type, rank, props } = (self.edge)(edge.id(), edge.weight());
            let ends = (ids[edge.source().index()], edge_type.as_str(), ids[edge.target().index()]);
            let is_new = !self.graph.is_directed() && tx.edge_type(&edge_type).is_none();
            tx.insert_edge(ends, rank, props)?;
            if is_new {
                tx.set_undirected(&edge_type, true)?;
            }
        }
        Ok(ids)
    }
}

impl<N, E, Ty: EdgeType, Ix: IndexType> fmt::Debug for FromPetgraph<'_, N, E, Ty, Ix> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FromPetgraph({} nodes, {} edges)", self.graph.node_count(), self.graph.edge_count())
    }
}
