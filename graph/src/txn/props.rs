//! Setting and removing properties.

use super::record::Op;
use super::{WriteTransaction, check_name};
use crate::catalog::IndexOwner;
use crate::edge;
use crate::error::WriteError;
use crate::index::Entity;
use crate::model::{Edge, LabelId, NodeId, PropertyId, Props, Value};
use crate::node::{
    Stored, StoredProps, decode_props, encode_props, free_props, place_props, record_props_limit,
};
use crate::reader::Reader;
use crate::value;
use std::collections::HashSet;
use storage_core::pager::{ReadPages, Transaction};

/// So many properties are compared with each other, to see whether one is given twice.
const FEW_PROPS: usize = 16;

/// Properties by number, ascending. Null removes.
type Changes = Vec<(PropertyId, Value)>;

impl WriteTransaction {
    /// Sets a property of a node; [`Value::Null`] removes it.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// tx.set(ada, "died", 1852)?;
    /// tx.set(ada, "born", foliograph::Value::Null)?;
    /// assert_eq!(tx.node_props(ada)?, props! { "died" => 1852 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`WriteTransaction::set_all`].
    pub fn set(&mut self, node: NodeId, property: &str, value: impl Into<Value>) -> Result<(), WriteError> {
        self.set_all(node, vec![(property.to_owned(), value.into())])
    }

    /// Sets several properties of a node; [`Value::Null`] removes one. The others stay.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// tx.set_all(ada, props! { "died" => 1852, "name" => "Ada Lovelace" })?;
    /// assert_eq!(tx.node_props(ada)?.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Refused: [`WriteError::NoNode`], [`WriteError::BadName`], [`WriteError::BadValue`],
    /// [`WriteError::NotUnique`]. An I/O error: the transaction can only be dropped then.
    pub fn set_all(&mut self, node: NodeId, props: Props) -> Result<(), WriteError> {
        self.attempt(|tx| tx.try_set_all(node, props))
    }

    fn try_set_all(&mut self, node: NodeId, props: Props) -> Result<(), WriteError> {
        Self::check_props(&props)?;
        let mut record = self.record(node)?.ok_or(WriteError::NoNode(node))?;
        let owner = IndexOwner::Label(LabelId(record.label));
        let plan = self.plan((owner, Entity::Node(node)), &props, &record.props)?;
        let grows = props.iter().any(|(_, v)| *v != Value::Null);
        let changes = self.intern_changes(props);
        self.ops.push(&Op::SetNode { node, changes: changes.as_slice().into() });
        merge(&mut record.props, changes);
        let Reader { pages, graph, layers } = &mut self.reader;
        layers.node.update(&mut graph.nodes, pages, node.0, record)?;
        self.keep_indexes(plan)?;
        self.changed(grows)
    }

    /// Sets a property of an edge; [`Value::Null`] removes it.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// tx.set_edge(edge, "since", 1832)?;
    /// tx.set_edge_all(edge, props! { "by" => "letter" })?;
    /// assert_eq!(tx.edge_props(edge)?, props! { "since" => 1832, "by" => "letter" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`WriteTransaction::set_edge_all`].
    pub fn set_edge(
        &mut self,
        edge: Edge,
        property: &str,
        value: impl Into<Value>,
    ) -> Result<(), WriteError> {
        self.set_edge_all(edge, vec![(property.to_owned(), value.into())])
    }

    /// Sets several properties of an edge; [`Value::Null`] removes one. The others stay.
    ///
    /// # Errors
    /// Refused: [`WriteError::NoEdge`], [`WriteError::BadName`], [`WriteError::BadValue`],
    /// [`WriteError::NotUnique`]. An I/O error: the transaction can only be dropped then.
    pub fn set_edge_all(&mut self, edge: Edge, props: Props) -> Result<(), WriteError> {
        self.attempt(|tx| tx.try_set_edge_all(edge, props))
    }

    fn try_set_edge_all(&mut self, edge: Edge, props: Props) -> Result<(), WriteError> {
        Self::check_props(&props)?;
        if !self.edge_exists(edge)? {
            return Err(WriteError::NoEdge(self.describe(edge)));
        }
        let grows = props.iter().any(|(_, v)| *v != Value::Null);
        let mut stored = self.stored_edge_props(edge)?;
        let old = self.raw_edge_props(edge)?;
        let owner = IndexOwner::Type(edge.edge_type);
        let plan = self.plan((owner, Entity::Edge(edge)), &props, &stored)?;
        let changes = self.intern_changes(props);
        self.ops.push(&Op::SetEdge { edge, changes: changes.as_slice().into() });
        merge(&mut stored, changes);
        let Reader { pages, graph, .. } = &mut self.reader;
        let placed = place_edge_props(pages, &old, stored)?;
        if !placed.is_empty() {
            graph.edge_props.put(pages, edge::props_key(edge), encode_props(&placed))?;
        } else if !old.is_empty() {
            graph.edge_props.delete(pages, edge::props_key(edge))?;
        }
        self.keep_indexes(plan)?;
        self.changed(grows)
    }

    /// The properties of an edge as its record has them.
    fn raw_edge_props(&self, edge: Edge) -> Result<StoredProps, WriteError> {
        match self.layers.edge.props(&self.graph.edge_props, &self.pages, edge)? {
            None => Ok(Vec::new()),
            Some(record) => decode_props(&record).map_err(|why| self.edge_damage(why.0).into()),
        }
    }

    pub(super) fn drop_edge_props(&mut self, edge: Edge) -> Result<(), WriteError> {
        if self.layers.edge.props(&self.graph.edge_props, &self.pages, edge)?.is_none() {
            return Ok(());
        }
        let old = self.raw_edge_props(edge)?;
        let Reader { pages, graph, .. } = &mut self.reader;
        free_props(pages, &old)?;
        Ok(graph.edge_props.delete(pages, edge::props_key(edge))?)
    }

    pub(super) fn check_props(props: &Props) -> Result<(), WriteError> {
        let mut names = HashSet::new();
        for (i, (name, v)) in props.iter().enumerate() {
            check_name(name, "property name")?;
            let bad = |why| WriteError::BadValue { property: name.clone(), why };
            let twice = match props.len() {
                // Few are compared faster than hashed.
                ..=FEW_PROPS => props[..i].iter().any(|(before, _)| before == name),
                _ => !names.insert(name.as_str()),
            };
            if twice {
                return Err(bad("it is given twice"));
            }
            value::check(v).map_err(|e| match e {
                value::ValueError::NestedList => bad("lists do not nest"),
                value::ValueError::OutOfCalendar(_) => bad("it is outside the years -9999 to 9999"),
            })?;
        }
        Ok(())
    }

    /// Properties of something new: nulls are left out.
    pub(super) fn intern_props(&mut self, props: Props) -> Changes {
        let mut changes = self.intern_changes(props);
        changes.retain(|(_, value)| *value != Value::Null);
        changes
    }

    /// Names become numbers. A name that only removes is not made.
    fn intern_changes(&mut self, props: Props) -> Changes {
        let mut out = Vec::with_capacity(props.len());
        for (name, value) in props {
            if value != Value::Null {
                out.push((self.intern_property(&name), value));
            } else if let Some(known) = self.property(&name) {
                out.push((known, value));
            }
        }
        out.sort_unstable_by_key(|(id, _)| *id);
        out
    }
}

/// Properties of something new, as its record has them.
pub(super) fn inline(props: Changes) -> StoredProps {
    props.into_iter().map(|(id, value)| (id.0, Stored::Inline(value))).collect()
}

/// Moves long values of an edge out, and frees those that it lets go of.
pub(super) fn place_edge_props(
    tx: &mut Transaction,
    old: &[(u32, Stored)],
    new: StoredProps,
) -> Result<StoredProps, WriteError> {
    let limit = record_props_limit(tx.pager().page_size());
    Ok(place_props(tx, old, new, 0, limit)?)
}

fn merge(props: &mut StoredProps, changes: Changes) {
    for (PropertyId(id), value) in changes {
        match (props.binary_search_by_key(&id, |(id, _)| *id), value) {
            (Ok(at), Value::Null) => drop(props.remove(at)),
            (Err(_), Value::Null) => {}
            (Ok(at), value) => props[at].1 = Stored::Inline(value),
            (Err(at), value) => props.insert(at, (id, Stored::Inline(value))),
        }
    }
}
