//! Adding, changing and deleting nodes.

use super::delete::Which;
use super::props::inline;
use super::record::Op;
use super::{WriteTransaction, check_name};
use crate::catalog::IndexOwner;
use crate::error::WriteError;
use crate::index::Entity;
use crate::model::{Direction, Key, LabelId, NodeId, Props};
use crate::node::NodeRecord;
use crate::reader::Reader;
use std::borrow::Cow;

/// A node to add: what may be left out is.
#[derive(Clone, Debug, Default)]
pub struct NewNode {
    /// Its id; the store gives one where there is none.
    pub id: Option<NodeId>,
    /// Its key, unique within the label.
    pub key: Option<Key>,
    /// Its properties.
    pub props: Props,
}

impl WriteTransaction {
    /// Adds a node with a key. The store gives the id.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// let twin = tx.add_node("person", "ada", props! {});
    /// assert!(matches!(twin, Err(foliograph::WriteError::KeyExists { id, .. }) if id == ada));
    /// tx.commit()?;                                   // a refused change ends nothing
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`WriteTransaction::insert_node`].
    pub fn add_node(&mut self, label: &str, key: impl Into<Key>, props: Props) -> Result<NodeId, WriteError> {
        self.insert_node(label, NewNode { id: None, key: Some(key.into()), props })
    }

    /// Adds a node without a key. The store gives the id.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// let event = tx.add_anonymous("event", props! { "at" => 1842 })?;
    /// assert_eq!(tx.view(event)?.expect("there").key, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`WriteTransaction::insert_node`].
    pub fn add_anonymous(&mut self, label: &str, props: Props) -> Result<NodeId, WriteError> {
        self.insert_node(label, NewNode { id: None, key: None, props })
    }

    /// Adds a node; refused if its id or its (label, key) is there already.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// use foliograph::{NewNode, NodeId};
    /// let node = NewNode { id: Some(NodeId(42)), key: Some(7.into()), props: props! {} };
    /// assert_eq!(tx.insert_node("page", node)?, NodeId(42));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Refused: [`WriteError::KeyExists`], [`WriteError::NodeExists`], [`WriteError::BadId`],
    /// [`WriteError::BadName`], [`WriteError::BadValue`], [`WriteError::NotUnique`], [`WriteError::Exhausted`]. An
    /// I/O error: the transaction can only be dropped then.
    pub fn insert_node(&mut self, label: &str, node: NewNode) -> Result<NodeId, WriteError> {
        self.attempt(|tx| tx.try_insert_node(label, node))
    }

    fn try_insert_node(&mut self, label: &str, node: NewNode) -> Result<NodeId, WriteError> {
        check_name(label, "label")?;
        if let Some(Key::Text(text)) = &node.key
            && text.len() > super::MAX_NAME
        {
            check_name(text, "key")?;
        }
        Self::check_props(&node.props)?;
        let id = self.free_id(node.id)?;
        if let Some(key) = &node.key
            && let Some(id) = self.node(label, key.clone())?
        {
            return Err(WriteError::KeyExists { label: label.to_owned(), key: key.clone(), id });
        }
        let plan = match self.label(label) {
            Some(known) => self.plan((IndexOwner::Label(known), Entity::Node(id)), &node.props, &[])?,
            None => Vec::new(),
        };
        // From here on nothing is refused.
        let label = self.intern_label(label);
        let props = self.intern_props(node.props);
        let key = node.key.as_ref().map(Cow::Borrowed);
        self.ops.push(&Op::AddNode { node: id, label, key, props: props.as_slice().into() });
        let record = NodeRecord { label: label.0, key: node.key.clone(), props: inline(props) };
        let Reader { pages, graph, layers } = &mut self.reader;
        layers.node.add(&mut graph.nodes, pages, id.0, record)?;
        if let Some(key) = &node.key {
            layers.btree.put(&mut graph.keys, pages, (label, key), id)?;
        }
        self.keep_indexes(plan)?;
        let catalog = self.catalog_mut();
        // What a damaged catalog counts may be anything.
        catalog.node_count = catalog.node_count.saturating_add(1);
        catalog.next_node = catalog.next_node.max(id.0 + 1);
        let info = catalog.labels.get_mut(label.0).expect("interned above");
        info.nodes = info.nodes.saturating_add(1);
        info.keyed = info.keyed.saturating_add(u64::from(node.key.is_some()));
        self.changed(true)?;
        Ok(id)
    }

    /// Adds the node, or sets the properties of the one that is there. Says whether it was added.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// let (found, added) = tx.upsert_node("person", "ada", props! { "died" => 1852 })?;
    /// assert_eq!((found, added), (ada, false));
    /// assert_eq!(tx.get::<i64>(ada, "born")?, Some(1815));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`WriteTransaction::insert_node`] and [`WriteTransaction::set_all`].
    pub fn upsert_node(
        &mut self,
        label: &str,
        key: impl Into<Key>,
        props: Props,
    ) -> Result<(NodeId, bool), WriteError> {
        let key = key.into();
        match self.node(label, key.clone())? {
            Some(id) => self.set_all(id, props).map(|()| (id, false)),
            None => self.add_node(label, key, props).map(|id| (id, true)),
        }
    }

    fn free_id(&self, id: Option<NodeId>) -> Result<NodeId, WriteError> {
        let Some(id) = id else {
            let next = self.catalog().next_node;
            return if next == u64::MAX { Err(WriteError::Exhausted("node id")) } else { Ok(NodeId(next)) };
        };
        if id > NodeId::MAX {
            return Err(WriteError::BadId(id.0));
        }
        if self.contains(id)? { Err(WriteError::NodeExists(id)) } else { Ok(id) }
    }

    /// Deletes a node. One that has edges is refused, unless `detach` deletes them with it. Returns how many edges went.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// assert!(matches!(tx.delete_node(ada, false), Err(foliograph::WriteError::HasEdges(_))));
    /// assert_eq!(tx.delete_node(ada, true)?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Refused: [`WriteError::NoNode`], [`WriteError::HasEdges`]. An I/O error: the transaction can only be dropped
    /// then.
    pub fn delete_node(&mut self, node: NodeId, detach: bool) -> Result<u64, WriteError> {
        self.attempt(|tx| tx.try_delete_node(node, detach))
    }

    fn try_delete_node(&mut self, node: NodeId, detach: bool) -> Result<u64, WriteError> {
        let record = self.record(node)?.ok_or(WriteError::NoNode(node))?;
        let around = self.neighbors(node).direction(Direction::Both);
        if !detach && around.into_iter().next().transpose()?.is_some() {
            return Err(WriteError::HasEdges(node));
        }
        // A hub's edges may outgrow the budget before the node is gone.
        let edges = self.remove_edges(&Which::all(node), false)?;
        self.changed(false)?;
        let owner = IndexOwner::Label(LabelId(record.label));
        let plan = self.plan_removal((owner, Entity::Node(node)), &record.props)?;
        self.keep_indexes(plan)?;
        let Reader { pages, graph, layers } = &mut self.reader;
        layers.node.remove(&mut graph.nodes, pages, node.0)?;
        let label = LabelId(record.label);
        if let Some(key) = &record.key {
            layers.btree.remove(&mut graph.keys, pages, label, key)?;
        }
        let catalog = self.catalog_mut();
        catalog.node_count = catalog.node_count.saturating_sub(1);
        if let Some(info) = catalog.labels.get_mut(label.0) {
            info.nodes = info.nodes.saturating_sub(1);
            info.keyed = info.keyed.saturating_sub(u64::from(record.key.is_some()));
        }
        self.changed(false)?;
        self.ops.push(&Op::DeleteNode { node, detach });
        Ok(edges)
    }
}
