//! Where what is saved goes: the new store, in one transaction that writes pages early.
//!
//! Must always be true: what is there first stays; a later claim on the same id, key or edge is left out. Both ends of an
//! edge are there before it.

use super::catalog::Names;
use super::{SalvageError, SalvageReport};
use crate::catalog::IndexOwner;
use crate::edge::{EdgeKey, edge_of};
use crate::error::WriteError;
use crate::model::{Edge, Key, NodeId, PropertyId, Props, TypeId, Value};
use crate::reader::IndexOn;
use crate::txn::{NewNode, WriteTransaction};

/// The new store.
pub(super) struct Sink {
    pub(super) tx: WriteTransaction,
    pub names: Names,
    /// A node that is there.
    last: Option<NodeId>,
}

impl Sink {
    /// Begins with the names that are known, in their order, and goes on with ids where the damaged store would have.
    pub fn new(mut tx: WriteTransaction, names: Names) -> Result<Sink, SalvageError> {
        let catalog = tx.catalog_without_record();
        for (_, name) in names.labels.known() {
            catalog.labels.intern(name);
        }
        for (_, name) in names.properties.known() {
            catalog.properties.intern(name);
        }
        for (number, name) in names.types.known() {
            let id = catalog.types.intern(name);
            if let Some(info) = catalog.types.get_mut(id) {
                info.undirected = names.undirected.contains(&number);
            }
        }
        catalog.next_node = names.next_node;
        Ok(Sink { tx, names, last: None })
    }

    /// Makes the property indexes anew. One that was unique is made so that it is not, where what was saved has a value
    /// twice.
    pub fn indexes(&mut self, report: &mut SalvageReport) -> Result<(), SalvageError> {
        for ((owner, PropertyId(property)), unique) in std::mem::take(&mut self.names.indexes) {
            let property = self.names.properties.name(property).to_owned();
            let on = match owner {
                IndexOwner::Label(label) => IndexOn::Label(self.names.labels.name(label.0)),
                IndexOwner::Type(edge_type) => IndexOn::EdgeType(self.names.types.name(edge_type.0)),
            };
            let mut made = self.tx.create_index(on, &property, unique);
            if let Err(e @ WriteError::NotUnique { .. }) = &made {
                report.notes.push(format!("the index over {on}.{property} is not unique any more: {e}"));
                made = self.tx.create_index(on, &property, false);
            }
            match made {
                Ok(()) => {}
                Err(e) if e.is_refusal() => {
                    report.notes.push(format!("the index over {on}.{property} was not made: {e}"));
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    pub fn commit(self) -> Result<(), SalvageError> {
        self.tx.commit()?;
        Ok(())
    }

    /// A node with its record.
    pub fn node(
        &mut self,
        report: &mut SalvageReport,
        id: u64,
        (label, key): (u32, Option<Key>),
        props: Vec<(u32, Value)>,
    ) -> Result<(), SalvageError> {
        let props = self.named(props);
        if self.insert((id, label), key, props, report)? {
            report.nodes += 1;
        }
        Ok(())
    }

    /// A node that an entry of the key index names.
    pub fn keyed(
        &mut self,
        report: &mut SalvageReport,
        node: NodeId,
        (label, key): (u32, Key),
    ) -> Result<(), SalvageError> {
        if self.contains(node)? {
            return Ok(());
        }
        if self.insert((node.0, label), Some(key), Vec::new(), report)? {
            report.nodes_from_keys += 1;
        }
        Ok(())
    }

    /// An edge, by its key in the out tree; says whether it was added.
    pub fn edge(
        &mut self,
        report: &mut SalvageReport,
        key: EdgeKey,
        props: Props,
    ) -> Result<bool, SalvageError> {
        for end in [key.vertex, key.neighbor] {
            if !self.end(report, NodeId(end))? {
                report.refused += 1;
                return Ok(false);
            }
        }
        let edge_type = self.names.types.name(key.edge_type);
        let ends = (NodeId(key.vertex), edge_type, NodeId(key.neighbor));
        match self.tx.insert_edge(ends, Some(key.rank), props) {
            Ok(_) => {
                report.edges += 1;
                Ok(true)
            }
            Err(WriteError::EdgeExists(_)) => Ok(false),
            Err(e) if e.is_refusal() => {
                report.refused += 1;
                Ok(false)
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Properties of an edge; the edge itself, if it is known from nowhere else.
    pub fn edge_props(
        &mut self,
        report: &mut SalvageReport,
        key: EdgeKey,
        props: Vec<(u32, Value)>,
    ) -> Result<(), SalvageError> {
        let props = self.named(props);
        let Some(edge) = self.existing(key)? else {
            let added = self.edge(report, key, props)?;
            report.edges_from_elsewhere += u64::from(added);
            return Ok(());
        };
        if !self.tx.stored_edge_props(edge).map_err(WriteError::from)?.is_empty() {
            return Ok(());
        }
        match self.tx.set_edge_all(edge, props) {
            Err(e) if e.is_refusal() => report.refused += 1,
            done => done?,
        }
        Ok(())
    }

    pub(super) fn existing(&mut self, key: EdgeKey) -> Result<Option<Edge>, SalvageError> {
        let Some(TypeId(number)) = self.tx.edge_type(self.names.types.name(key.edge_type)) else {
            return Ok(None);
        };
        let edge = edge_of(EdgeKey { edge_type: number, ..key }, false);
        Ok(self.tx.edge_exists(edge).map_err(WriteError::from)?.then_some(edge))
    }

    /// Sees to it that a node is there. False if there can be none of this id.
    pub(super) fn end(&mut self, report: &mut SalvageReport, id: NodeId) -> Result<bool, SalvageError> {
        if self.contains(id)? {
            return Ok(true);
        }
        if id > NodeId::MAX {
            return Ok(false);
        }
        let label = self.names.placeholder();
        self.tx.insert_node(&label, NewNode { id: Some(id), ..NewNode::default() })?;
        report.nodes_from_edges += 1;
        Ok(true)
    }

    pub(super) fn contains(&mut self, id: NodeId) -> Result<bool, SalvageError> {
        if self.last == Some(id) {
            return Ok(true);
        }
        let there = self.tx.contains(id).map_err(WriteError::from)?;
        self.last = there.then_some(id).or(self.last);
        Ok(there)
    }

    /// A node was deleted.
    pub(super) fn forget_last(&mut self) {
        self.last = None;
    }

    /// Inserts a node; without its key, if another node has that.
    fn insert(
        &mut self,
        (id, label): (u64, u32),
        key: Option<Key>,
        props: Props,
        report: &mut SalvageReport,
    ) -> Result<bool, SalvageError> {
        let label = self.names.labels.name(label);
        let node = |key, props| NewNode { id: Some(NodeId(id)), key, props };
        let mut done = self.tx.insert_node(label, node(key, props.clone()));
        if let Err(WriteError::KeyExists { .. }) = done {
            report.refused += 1;
            done = self.tx.insert_node(label, node(None, props));
        }
        match done {
            Ok(_) => Ok(true),
            // Known from a page that is to be believed more.
            Err(WriteError::NodeExists(_)) => Ok(false),
            Err(e) if e.is_refusal() => {
                report.refused += 1;
                Ok(false)
            }
            Err(e) => Err(e.into()),
        }
    }

    pub(super) fn named(&mut self, props: Vec<(u32, Value)>) -> Props {
        props
            .into_iter()
            .map(|(number, value)| (self.names.properties.name(number).to_owned(), value))
            .collect()
    }
}
