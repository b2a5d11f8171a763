//! Nodes: one by id, all in id order, and how they are called.

use super::Reader;
use crate::edge::EdgeKey;
use crate::error::ReadError;
use crate::model::{Edge, Key, LabelId, NodeId, Props};
use crate::node::{StoredProps, whole_props};
use storage_core::pager::ReadPages;

/// A node's label, key and properties. Views are not compared with `==`, for the same properties may be stored in
/// different ways: compare what [`Reader::props_of`] says.
#[derive(Clone, Debug)]
pub struct NodeView {
    /// Its id.
    pub id: NodeId,
    /// Its label.
    pub label: LabelId,
    /// Its key, if it has one.
    pub key: Option<Key>,
    /// How its properties are stored: values may be elsewhere.
    pub(crate) props: StoredProps,
}

impl<R: ReadPages> Reader<R> {
    /// Label, key and properties of a node; `None` if there is no such node.
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
    /// let view = snapshot.view(ada)?.expect("she is there");
    /// assert_eq!(view.key, Some("ada".into()));
    /// assert_eq!(snapshot.props_of(&view)?, props! { "born" => 1815 });
    /// assert_eq!(snapshot.name_of(&view)?, "ada");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn view(&self, node: NodeId) -> Result<Option<NodeView>, ReadError> {
        let record = self.record(node)?;
        Ok(record.map(|r| NodeView { id: node, label: LabelId(r.label), key: r.key, props: r.props }))
    }

    /// The properties of a node that was viewed.
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn props_of(&self, view: &NodeView) -> Result<Props, ReadError> {
        self.all(&whole_props(&self.pages, view.props.clone())?)
    }

    /// All nodes in id order.
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
    /// for node in snapshot.all_nodes() {
    ///     println!("{}", snapshot.name_of(&node?)?);
    /// }
    /// for edge in snapshot.all_edges() {
    ///     let edge = edge?;
    ///     println!("{} -> {}", edge.source, edge.target);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn all_nodes(&self) -> Nodes<'_, R> {
        self.all_nodes_from(NodeId(0))
    }

    /// All nodes from this id on, in id order: a service can go on where it stopped.
    pub fn all_nodes_from(&self, first: NodeId) -> Nodes<'_, R> {
        Nodes { range: self.graph.nodes.range(&self.pages, first.0..) }
    }

    /// All edges in the order (source, type, target, rank).
    pub fn all_edges(&self) -> Edges<'_, R> {
        Edges { range: self.graph.out.range(&self.pages, EdgeKey::first_of(0)..) }
    }

    /// What a node is called: its key where no other node bears it and it is no `@`-name, `label/key` where one does, a
    /// bare id in a store without keys, `@id` else. This is how the command line names nodes, both ways.
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
    /// assert_eq!(snapshot.name(ada)?, "ada");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::NoNode`]; and [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn name(&self, node: NodeId) -> Result<String, ReadError> {
        if self.keyed_count() == 0 {
            return Ok(node.to_string());
        }
        let view = self.view(node)?.ok_or(ReadError::NoNode(node))?;
        self.name_of(&view)
    }

    /// The name of a node that was viewed: see [`Reader::name`].
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn name_of(&self, view: &NodeView) -> Result<String, ReadError> {
        let Some(key) = &view.key else {
            return Ok(if self.keyed_count() == 0 { view.id.to_string() } else { format!("@{}", view.id) });
        };
        let text = key.to_string();
        // A word with a slash would be split at it, one with an `@` in front be read as an id; and `1` may be the
        // integer 1 here and the string "1" there, even under one label.
        let twin = match key {
            Key::Int(_) => Some(Key::Text(text.clone())),
            Key::Text(t) => t.parse::<i64>().ok().filter(|n| n.to_string() == *t).map(Key::Int),
        };
        let twins = twin.map_or(Ok(Vec::new()), |twin| self.nodes_by_key(&twin))?;
        if twins.iter().any(|(label, _)| *label == view.label) {
            return Ok(format!("@{}", view.id));
        }
        let alike = self.nodes_by_key(key)?.len() + twins.len();
        if alike == 1 && !text.is_empty() && !text.contains('/') && !text.starts_with('@') {
            return Ok(text);
        }
        Ok(format!("{}/{}", self.label_name(view.label), text))
    }
}

/// All nodes in id order. Ends after the first error.
#[derive(Debug)]
pub struct Nodes<'a, R: ReadPages> {
    range: crate::btree::Range<'a, crate::node::page::NodeLeaf, R>,
}

impl<R: ReadPages> Iterator for Nodes<'_, R> {
    type Item = Result<NodeView, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.range.next()?;
        Some(item.map_err(ReadError::from).map(|(id, record)| NodeView {
            id: NodeId(id),
            label: LabelId(record.label),
            key: record.key,
            props: record.props,
        }))
    }
}

/// All edges in the order (source, type, target, rank). Ends after the first error.
#[derive(Debug)]
pub struct Edges<'a, R: ReadPages> {
    range: crate::btree::Range<'a, crate::edge::page::EdgeLeaf<false>, R>,
}

impl<R: ReadPages> Iterator for Edges<'_, R> {
    type Item = Result<Edge, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.range.next()?;
        Some(item.map_err(ReadError::from).map(|(key, ())| crate::edge::edge_of(key, false)))
    }
}
