//! Changes as they come from a file, one by one.

use super::{NewNode, WriteTransaction};
use crate::error::{ReadError, WriteError};
use crate::import::{Change, EdgeRef, NodeRef};
use crate::model::{Edge, NodeId};

/// A change that could not be made.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// No node is called that.
    #[error("there is no node `{0}`")]
    UnknownNode(String),
    /// There is no edge of this type.
    #[error("there is no edge of type `{0}`")]
    UnknownType(String),
    /// The transaction refused it, or failed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl From<ReadError> for ApplyError {
    fn from(e: ReadError) -> Self {
        ApplyError::Write(e.into())
    }
}

impl ApplyError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            ApplyError::Write(e) => e.hint(),
            _ => None,
        }
    }

    /// True if the transaction can go on: nothing was changed.
    pub fn is_refusal(&self) -> bool {
        match self {
            ApplyError::Write(e) => e.is_refusal(),
            ApplyError::UnknownNode(_) | ApplyError::UnknownType(_) => true,
        }
    }
}

impl WriteTransaction {
    /// Makes a change as a line of JSON says it: see [`crate::import::JsonLines`].
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// use foliograph::import::JsonLines;
    /// let lines = r#"{"op":"add_node","label":"person","key":"ada","props":{"born":1815}}"#;
    /// for change in JsonLines::new(lines.as_bytes(), 0) {
    ///     let (_, change) = change?;
    ///     tx.apply(change)?;
    /// }
    /// assert!(tx.node("person", "ada")?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What the change names is not there, or what it adds is; or the store fails.
    pub fn apply(&mut self, change: Change) -> Result<(), ApplyError> {
        match change {
            Change::AddNode { label, key, id, props } => {
                self.insert_node(&label, NewNode { id: id.map(NodeId), key, props })?;
            }
            Change::UpsertNode { label, key, props } => {
                self.upsert_node(&label, key, props)?;
            }
            Change::AddEdge { edge, props } => {
                let (from, to) = (self.named_node(&edge.from)?, self.named_node(&edge.to)?);
                self.insert_edge((from, &edge.edge_type, to), edge.rank, props)?;
            }
            Change::SetNode { node, props } => {
                let id = self.named_node(&node)?;
                self.set_all(id, props)?;
            }
            Change::SetEdge { edge, props } => {
                let edge = self.named_edge(&edge)?;
                self.set_edge_all(edge, props)?;
            }
            Change::DeleteEdge(edge) => {
                let edge = self.named_edge(&edge)?;
                self.delete_edge(edge)?;
            }
            Change::DeleteNode { node, detach } => {
                let id = self.named_node(&node)?;
                self.delete_node(id, detach)?;
            }
            Change::CreateIndex { on, property, unique } => {
                self.create_index((&on).into(), &property, unique)?
            }
            Change::DropIndex { on, property } => self.drop_index((&on).into(), &property)?,
            Change::EdgeType { edge_type, undirected } => self.set_undirected(&edge_type, undirected)?,
        }
        Ok(())
    }

    pub(super) fn named_node(&self, name: &NodeRef) -> Result<NodeId, ApplyError> {
        let found = match name {
            NodeRef::Id(id) => {
                let id = NodeId(*id);
                self.contains(id)?.then_some(id)
            }
            NodeRef::Named(label, key) => self.node(label, key.clone())?,
        };
        found.ok_or_else(|| ApplyError::UnknownNode(name.to_string()))
    }

    fn named_edge(&self, name: &EdgeRef) -> Result<Edge, ApplyError> {
        let (source, target) = (self.named_node(&name.from)?, self.named_node(&name.to)?);
        let Some(edge_type) = self.edge_type(&name.edge_type) else {
            return Err(ApplyError::UnknownType(name.edge_type.clone()));
        };
        Ok(Edge { source, edge_type, target, rank: name.rank.unwrap_or(0) })
    }
}
