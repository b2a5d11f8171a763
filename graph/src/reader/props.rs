//! Properties of nodes and edges, by name.

use super::Reader;
use super::value::{FromValue, typed};
use crate::btree::Record;
use crate::edge::{EdgeKey, edge_of};
use crate::error::ReadError;
use crate::model::{Edge, NodeId, Props};
use crate::node::{NodeRecord, StoredProps, decode_props, stored, whole_props};
use storage_core::pager::ReadPages;

impl<R: ReadPages> Reader<R> {
    pub(crate) fn record(&self, node: NodeId) -> Result<Option<NodeRecord>, ReadError> {
        Ok(self.layers.node.get(&self.graph.nodes, &self.pages, node.0)?)
    }

    /// A property of a node; `None` if it has none of that name. An unknown node is an error.
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
    /// use foliograph::{ReadError, Value};
    /// assert_eq!(snapshot.get::<i64>(ada, "born")?, Some(1815));
    /// assert_eq!(snapshot.get::<Value>(ada, "died")?, None);
    /// assert!(matches!(snapshot.get::<String>(ada, "born"), Err(ReadError::WrongType { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::NoNode`]; [`ReadError::WrongType`]; and [`ReadError::Page`]: a page could not be read, or is
    /// damaged.
    pub fn get<T: FromValue>(&self, node: NodeId, property: &str) -> Result<Option<T>, ReadError> {
        let Some(id) = self.property(property) else {
            // A name that nobody has used; the node must be there all the same.
            return if self.contains(node)? { Ok(None) } else { Err(ReadError::NoNode(node)) };
        };
        let found = self.layers.node.property(&self.graph.nodes, &self.pages, node.0, id.0)?;
        found.ok_or(ReadError::NoNode(node))?.map(|value| typed(property, value)).transpose()
    }

    /// All properties of a node, in the order in which their names were first used.
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
    /// assert_eq!(snapshot.node_props(ada)?, props! { "born" => 1815 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::NoNode`]; and [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn node_props(&self, node: NodeId) -> Result<Props, ReadError> {
        let record = self.record(node)?.ok_or(ReadError::NoNode(node))?;
        self.all(&record.props)
    }

    /// A property of an edge; `None` if it has none of that name, or there is no such edge.
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
    /// assert_eq!(snapshot.get_edge::<i64>(edge, "since")?, Some(1833));
    /// assert_eq!(snapshot.edge_props(edge)?, props! { "since" => 1833 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::WrongType`]; and [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn get_edge<T: FromValue>(&self, edge: Edge, property: &str) -> Result<Option<T>, ReadError> {
        let props = self.stored_edge_props(edge)?;
        self.one(&props, property)
    }

    /// All properties of an edge.
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn edge_props(&self, edge: Edge) -> Result<Props, ReadError> {
        let props = self.stored_edge_props(edge)?;
        self.all(&props)
    }

    pub(crate) fn stored_edge_props(&self, edge: Edge) -> Result<StoredProps, ReadError> {
        match self.layers.edge.props(&self.graph.edge_props, &self.pages, edge)? {
            Some(record) => self.decoded_edge_props(&record),
            None => Ok(Vec::new()),
        }
    }

    /// What a record of the tree of edge properties says.
    pub(crate) fn decoded_edge_props(&self, record: &Record) -> Result<StoredProps, ReadError> {
        let props = decode_props(record).map_err(|why| self.edge_damage(why.0))?;
        Ok(whole_props(&self.pages, props)?)
    }

    /// An entry of the tree of edge properties, taken apart.
    pub(crate) fn edge_record(
        &self,
        (key, record): (Vec<u8>, Record),
    ) -> Result<(Edge, StoredProps), ReadError> {
        let key = EdgeKey::from_bytes(&key).ok_or_else(|| self.edge_damage("its key is malformed"))?;
        Ok((edge_of(key, false), self.decoded_edge_props(&record)?))
    }

    pub(crate) fn edge_damage(&self, why: &'static str) -> ReadError {
        let root = self.graph.edge_props.root().flatten();
        let page = root.map_or(storage_core::page::PageId::new(0), |r| r.page());
        let what = format!("a record of edge properties: {why}");
        storage_core::pager::PageError::damage(page, storage_core::page::PageKind::Record, what).into()
    }

    fn one<T: FromValue>(&self, props: &StoredProps, property: &str) -> Result<Option<T>, ReadError> {
        let Some(id) = self.property(property) else { return Ok(None) };
        let Some(found) = stored(props, id.0) else { return Ok(None) };
        let value = self.layers.node.value(&self.pages, found)?;
        typed(property, value).map(Some)
    }

    pub(crate) fn all(&self, props: &StoredProps) -> Result<Props, ReadError> {
        let named = |(id, stored): &(u32, _)| {
            let name = self.catalog().property_name(crate::model::PropertyId(*id)).unwrap_or("?");
            Ok((name.to_owned(), self.layers.node.value(&self.pages, stored)?))
        };
        props.iter().map(named).collect()
    }
}
