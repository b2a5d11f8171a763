//! Reading the graph: by snapshots, and by the running write transaction, which sees its own changes.
//!
//! Must always be true: an error is never an empty answer. A name that the catalog does not know finds nothing; a page
//! that cannot be read is an error.

mod batch;
mod between;
mod common;
mod cursor;
mod degree;
mod follow;
mod hops;
mod indexes;
pub(crate) mod lists;
mod neighbors;
mod nodes;
mod props;
mod query;
mod range;
mod strands;
#[cfg(test)]
mod tests;
mod value;

pub use batch::{NeighborLists, NeighborsOf};
pub use between::{EdgesBetween, EdgesBetweenIter};
pub use common::{CommonNeighbors, CommonNeighborsIter};
pub use cursor::{BadCursor, Cursor};
pub use degree::Degree;
pub(crate) use follow::{Follow, Way, reversed};
pub use indexes::{IndexInfo, IndexOn};
pub(crate) use lists::Hop;
pub use neighbors::{Neighbor, Neighbors, NeighborsIter};
pub use nodes::{Edges, NodeView, Nodes};
pub use query::{Answers, Found, Question};
pub use range::ValueRange;
pub use value::FromValue;

use crate::catalog::{Catalog, LabelInfo, TypeInfo};
use crate::error::ReadError;
use crate::model::{Edge, Key, LabelId, NodeId, PropertyId, TypeId};
use crate::trees::{Graph, Layers};
use storage_core::pager::{self, ReadPages};

/// One version of the graph, for reading. [`Snapshot`] is one; a write transaction dereferences to one.
#[derive(Clone, Debug)]
pub struct Reader<R> {
    pub(crate) pages: R,
    pub(crate) graph: Graph,
    pub(crate) layers: Layers,
}

/// A committed version, held for reading. Owned, `Send + Sync`; it never changes.
pub type Snapshot = Reader<pager::Snapshot>;

impl<R: ReadPages> Reader<R> {
    pub(crate) fn new(pages: R, graph: Graph, layers: Layers) -> Self {
        Reader { pages, graph, layers }
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.graph.catalog
    }

    /// How many nodes there are.
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
    /// assert_eq!((snapshot.node_count(), snapshot.edge_count(), snapshot.keyed_count()), (2, 1, 2));
    /// let labels: Vec<(&str, u64)> = snapshot.labels().map(|(_, label)| (label.name.as_str(), label.nodes)).collect();
    /// assert_eq!(labels, [("person", 2)]);
    /// let knows = snapshot.edge_type("knows").expect("there is one");
    /// assert_eq!(snapshot.type_name(knows), "knows");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn node_count(&self) -> u64 {
        self.catalog().node_count
    }

    /// How many edges there are.
    pub fn edge_count(&self) -> u64 {
        self.catalog().edge_count
    }

    /// How many nodes have a key.
    pub fn keyed_count(&self) -> u64 {
        self.catalog().keyed()
    }

    /// All labels with their counts.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = (LabelId, &LabelInfo)> {
        self.catalog().labels.iter().map(|(id, info)| (LabelId(id), info))
    }

    /// All edge types with their counts.
    pub fn edge_types(&self) -> impl ExactSizeIterator<Item = (TypeId, &TypeInfo)> {
        self.catalog().types.iter().map(|(id, info)| (TypeId(id), info))
    }

    /// All property names.
    pub fn property_names(&self) -> impl ExactSizeIterator<Item = (PropertyId, &str)> {
        self.catalog().properties.iter().map(|(id, name)| (PropertyId(id), name.as_str()))
    }

    /// The label of this name.
    pub fn label(&self, name: &str) -> Option<LabelId> {
        self.catalog().labels.id(name).map(LabelId)
    }

    /// The edge type of this name.
    pub fn edge_type(&self, name: &str) -> Option<TypeId> {
        self.catalog().types.id(name).map(TypeId)
    }

    /// The property of this name.
    pub fn property(&self, name: &str) -> Option<PropertyId> {
        self.catalog().properties.id(name).map(PropertyId)
    }

    /// The name of a label.
    pub fn label_name(&self, id: LabelId) -> &str {
        self.catalog().label_name(id).unwrap_or("?")
    }

    /// The name of an edge type.
    pub fn type_name(&self, id: TypeId) -> &str {
        self.catalog().type_name(id).unwrap_or("?")
    }

    /// The node with this label and key.
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
    /// assert_eq!(snapshot.node("person", "ada")?, Some(ada));
    /// assert_eq!(snapshot.node("person", "mary")?, None);
    /// assert_eq!(snapshot.nodes_by_key(&"ada".into())?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn node(&self, label: &str, key: impl Into<Key>) -> Result<Option<NodeId>, ReadError> {
        let Some(label) = self.label(label) else { return Ok(None) };
        Ok(self.layers.btree.get(&self.graph.keys, &self.pages, label, &key.into())?)
    }

    /// The nodes with this key, whatever their label, with their labels.
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn nodes_by_key(&self, key: &Key) -> Result<Vec<(LabelId, NodeId)>, ReadError> {
        let mut found = Vec::new();
        for (label, info) in self.labels() {
            if info.keyed > 0 {
                let node = self.layers.btree.get(&self.graph.keys, &self.pages, label, key)?;
                found.extend(node.map(|n| (label, n)));
            }
        }
        Ok(found)
    }

    /// Whether there is a node with this id.
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
    /// assert!(snapshot.contains(ada)? && snapshot.edge_exists(edge)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn contains(&self, node: NodeId) -> Result<bool, ReadError> {
        Ok(self.layers.node.contains(&self.graph.nodes, &self.pages, node.0)?)
    }

    /// Whether the edge is there.
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn edge_exists(&self, edge: Edge) -> Result<bool, ReadError> {
        let (out, _) = crate::edge::keys(edge);
        Ok(self.layers.edge.contains(&self.graph.out, &self.pages, &out)?)
    }

    /// The pages below, for inspection.
    pub fn pages(&self) -> &R {
        &self.pages
    }
}

impl Snapshot {
    /// The version's number: the LSN of its commit.
    pub fn version(&self) -> u64 {
        self.pages.version()
    }
}
