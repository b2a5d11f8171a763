//! Adding and deleting edges.

use super::props::inline;
use super::record::Op;
use super::{WriteTransaction, check_name};
use crate::catalog::IndexOwner;
use crate::edge;
use crate::error::WriteError;
use crate::index::Entity;
use crate::model::{Edge, NodeId, Props, TypeId};
use crate::node::encode_props;
use crate::reader::Reader;

/// What has run out where no more parallel edges can be.
pub(super) const RANKS: &str = "rank between these two nodes";

impl WriteTransaction {
    /// Adds an edge. Parallel edges of one type get ascending ranks.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// let again = tx.add_edge(ada, "knows", charles, props! {})?;
    /// assert_eq!((edge.rank, again.rank), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`WriteTransaction::insert_edge`].
    pub fn add_edge(
        &mut self,
        source: NodeId,
        edge_type: &str,
        target: NodeId,
        props: Props,
    ) -> Result<Edge, WriteError> {
        self.insert_edge((source, edge_type, target), None, props)
    }

    /// Adds an edge, with the rank given by the caller or by the store.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// let fifth = tx.insert_edge((ada, "wrote to", charles), Some(5), props! {})?;
    /// assert_eq!(fifth.rank, 5);
    /// assert!(tx.insert_edge((ada, "wrote to", charles), Some(5), props! {}).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Refused: [`WriteError::NoNode`], [`WriteError::EdgeExists`], [`WriteError::BadName`],
    /// [`WriteError::BadValue`], [`WriteError::NotUnique`], [`WriteError::Exhausted`]. An I/O error: the
    /// transaction can only be dropped then.
    pub fn insert_edge(
        &mut self,
        ends: (NodeId, &str, NodeId),
        rank: Option<u32>,
        props: Props,
    ) -> Result<Edge, WriteError> {
        self.attempt(|tx| tx.try_insert_edge(ends, rank, props))
    }

    fn try_insert_edge(
        &mut self,
        (source, edge_type, target): (NodeId, &str, NodeId),
        rank: Option<u32>,
        props: Props,
    ) -> Result<Edge, WriteError> {
        check_name(edge_type, "edge type")?;
        Self::check_props(&props)?;
        self.ends_are_there(source, target)?;
        // A new type's number, before it is given: what is refused names nothing.
        let next = self.catalog().types.iter().len() as u32;
        let id = self.edge_type(edge_type).unwrap_or(TypeId(next));
        let edge = self.free_rank(Edge { source, edge_type: id, target, rank: 0 }, rank)?;
        let plan = self.plan((IndexOwner::Type(id), Entity::Edge(edge)), &props, &[])?;
        // From here on nothing is refused.
        let edge_type = self.intern_type(edge_type);
        let props = self.intern_props(props);
        self.ops.push(&Op::AddEdge { edge, props: props.as_slice().into() });
        let Reader { pages, graph, layers } = &mut self.reader;
        layers.edge.add((&mut graph.out, &mut graph.into), pages, edge)?;
        if !props.is_empty() {
            let placed = super::props::place_edge_props(pages, &[], inline(props))?;
            graph.edge_props.put(pages, edge::props_key(edge), encode_props(&placed))?;
        }
        self.keep_indexes(plan)?;
        self.more_edges(edge_type, 1);
        self.changed(true)?;
        Ok(edge)
    }

    pub(super) fn ends_are_there(&self, source: NodeId, target: NodeId) -> Result<(), WriteError> {
        for end in [source, target] {
            if !self.contains(end)? {
                return Err(WriteError::NoNode(end));
            }
        }
        Ok(())
    }

    /// The edge with the rank that it gets: the one that is wanted, or else the one behind those between its ends.
    pub(super) fn free_rank(&self, edge: Edge, wanted: Option<u32>) -> Result<Edge, WriteError> {
        if let Some(rank) = wanted {
            let edge = Edge { rank, ..edge };
            return if self.edge_exists(edge)? {
                Err(WriteError::EdgeExists(self.describe(edge)))
            } else {
                Ok(edge)
            };
        }
        let (out, _) = edge::keys(edge);
        let rank = self.layers.edge.next_rank(&self.graph.out, &self.pages, out)?;
        let rank = rank.ok_or(WriteError::Exhausted(RANKS))?;
        Ok(Edge { rank, ..edge })
    }

    /// Deletes an edge and its properties.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// tx.delete_edge(edge)?;
    /// assert!(!tx.edge_exists(edge)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Refused: [`WriteError::NoEdge`]. An I/O error: the transaction can only be dropped then.
    pub fn delete_edge(&mut self, edge: Edge) -> Result<(), WriteError> {
        self.attempt(|tx| {
            if !tx.edge_exists(edge)? {
                return Err(WriteError::NoEdge(tx.describe(edge)));
            }
            tx.remove_edge(edge)?;
            tx.ops.push(&Op::DeleteEdge { edge });
            tx.changed(false)
        })
    }

    /// Marks an edge type as undirected, or as directed again; makes the type if it is new.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// tx.set_undirected("knows", true)?;
    /// assert_eq!(tx.neighbors(charles).count()?, 1);  // followed both ways
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Refused: [`WriteError::BadName`]. An I/O error: the transaction can only be dropped then.
    pub fn set_undirected(&mut self, edge_type: &str, undirected: bool) -> Result<(), WriteError> {
        check_name(edge_type, "edge type")?;
        self.attempt(|tx| {
            let edge_type = tx.intern_type(edge_type);
            let info = tx.catalog_mut().types.get_mut(edge_type.0);
            info.expect("interned above").undirected = undirected;
            tx.ops.push(&Op::Undirected { edge_type, undirected });
            tx.changed(true)
        })
    }

    /// An edge that is known to be there.
    pub(super) fn remove_edge(&mut self, edge: Edge) -> Result<(), WriteError> {
        self.drop_edge_entries(edge)?;
        self.drop_edge_props(edge)?;
        let Reader { pages, graph, layers } = &mut self.reader;
        layers.edge.remove((&mut graph.out, &mut graph.into), pages, edge)?;
        self.one_edge_less(edge.edge_type);
        Ok(())
    }

    /// Counts an edge that is gone.
    pub(super) fn one_edge_less(&mut self, edge_type: TypeId) {
        let catalog = self.catalog_mut();
        catalog.edge_count = catalog.edge_count.saturating_sub(1);
        if let Some(info) = catalog.types.get_mut(edge_type.0) {
            info.edges = info.edges.saturating_sub(1);
        }
    }

    /// Counts edges that were added.
    pub(super) fn more_edges(&mut self, edge_type: TypeId, count: u64) {
        let catalog = self.catalog_mut();
        catalog.edge_count = catalog.edge_count.saturating_add(count);
        let info = catalog.types.get_mut(edge_type.0).expect("a type of this transaction");
        info.edges = info.edges.saturating_add(count);
    }

    /// `source -type-> target (rank n)`.
    pub fn describe(&self, edge: Edge) -> String {
        let Edge { source, edge_type, target, rank } = edge;
        format!("{source} -{}-> {target} (rank {rank})", self.type_name(edge_type))
    }
}
