//! What can go wrong for an application: reading, writing, opening and committing fail in different ways.

use crate::bulk::SpillError;
use crate::model::{Key, NodeId};
use std::sync::Arc;
use storage_core::device::{DeviceError, DeviceErrorKind};
use storage_core::pager::{self, PageError};

/// A read failed. Never "not found": that is `None` or an empty answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A page could not be read, or is damaged.
    #[error(transparent)]
    Page(#[from] PageError),
    /// A traversal was asked to start at, or a property to be read of, a node that is not there.
    #[error("there is no node {0}")]
    NoNode(NodeId),
    /// A property has another type than was asked for.
    #[error("property `{property}` is {found}, not {wanted}")]
    WrongType {
        /// The property's name.
        property: String,
        /// The type that was asked for.
        wanted: &'static str,
        /// The type that is there.
        found: &'static str,
    },
    /// An order was asked for that only an index gives, and there is none.
    #[error("there is no index over {0}")]
    NoIndex(String),
    /// Whoever watches said stop: see [`Control`](crate::algo::Control).
    #[error("cancelled")]
    Cancelled,
    /// A weight is missing, negative or no number.
    #[error(
        "the weight of an edge from node {node} is {found}; a path needs weights that are numbers and not negative"
    )]
    BadWeight {
        /// Where the edge begins.
        node: NodeId,
        /// What is there.
        found: String,
    },
    /// The caller's estimate for a node is no number.
    #[error("what the way from node {0} to the end weighs was estimated as NaN")]
    BadEstimate(NodeId),
    /// There are more nodes or edges than the caller's type has room for.
    #[error("there are more {0} than the graph's index type can count")]
    TooLarge(&'static str),
}

impl ReadError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            ReadError::Page(e) => e.hint(),
            ReadError::NoIndex(_) => Some("make one with `create_index`, or sort the answer"),
            ReadError::WrongType { .. } => Some("ask for a `Value` and look what it is"),
            ReadError::TooLarge(_) => {
                Some("take a larger index type, `usize` for one, or a part of the graph")
            }
            _ => None,
        }
    }
}

/// A change was refused or failed. A refused change leaves the transaction as it was; after an I/O error it can only be
/// dropped.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The store below failed.
    #[error(transparent)]
    Pager(#[from] pager::WriteError),
    /// Something that the change builds on could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is a node with that id already.
    #[error("there is a node {0} already")]
    NodeExists(NodeId),
    /// There is a node with that label and key already.
    #[error("there is a node `{label}/{key}` already (node {id})")]
    KeyExists {
        /// Its label.
        label: String,
        /// Its key.
        key: Key,
        /// Its id.
        id: NodeId,
    },
    /// The node is not there.
    #[error("there is no node {0}")]
    NoNode(NodeId),
    /// The edge is not there.
    #[error("there is no such edge: {0}")]
    NoEdge(String),
    /// There is an edge with that rank already.
    #[error("there is an edge of that rank already: {0}")]
    EdgeExists(String),
    /// A node that has edges is deleted only with `detach`.
    #[error("node {0} has edges")]
    HasEdges(NodeId),
    /// `u64::MAX` is no id.
    #[error("{0} is no node id: the largest is 18446744073709551614")]
    BadId(u64),
    /// All ids, or all ranks between two nodes, are used up.
    #[error("no {0} is left to give")]
    Exhausted(&'static str),
    /// A name is empty or too long, or a label holds a slash.
    #[error("`{name}` is no {what}: {why}")]
    BadName {
        /// The name, shortened.
        name: String,
        /// "label", "edge type", "property name" or "key".
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What is to be renamed is not there.
    #[error("there is no {what} `{name}`")]
    UnknownName {
        /// "label", "edge type" or "property name".
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Another one has the new name.
    #[error("there is a {what} `{name}` already")]
    NameTaken {
        /// "label", "edge type" or "property name".
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A unique index has the value already.
    #[error("{index} is unique, and {holder} has {value} already")]
    NotUnique {
        /// The index, as `label.property` or `type.property`.
        index: String,
        /// The value, shortened.
        value: String,
        /// Who has it.
        holder: String,
    },
    /// There is an index over that property already.
    #[error("there is an index over {0} already")]
    IndexExists(String),
    /// There is no such index.
    #[error("there is no index over {0}")]
    NoIndex(String),
    /// A new index could not be sorted.
    #[error(transparent)]
    Sort(Arc<SpillError>),
    /// A savepoint that the transaction cannot go back to.
    #[error("the savepoint cannot be used: {0}")]
    NoSavepoint(&'static str),
    /// A value that cannot be stored.
    #[error("property `{property}`: {why}")]
    BadValue {
        /// The property's name.
        property: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl From<PageError> for WriteError {
    fn from(e: PageError) -> Self {
        WriteError::Read(ReadError::Page(e))
    }
}

impl From<CommitError> for WriteError {
    fn from(CommitError(e): CommitError) -> Self {
        WriteError::Pager(e)
    }
}

impl WriteError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            WriteError::Pager(e) => e.hint(),
            WriteError::Read(e) => e.hint(),
            WriteError::HasEdges(_) => Some("delete its edges first, or delete it with `detach`"),
            WriteError::IndexExists(_) => Some("drop it first, if it should be another one"),
            WriteError::KeyExists { .. } => Some("`upsert` changes a node that is there"),
            _ => None,
        }
    }

    /// True if the transaction can go on: the change was refused before anything happened.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, WriteError::Pager(_) | WriteError::Read(ReadError::Page(_) | ReadError::Cancelled))
    }
}

/// A commit failed; nothing of the transaction remains.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct CommitError(#[from] pub(crate) pager::WriteError);

impl CommitError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        self.0.hint()
    }

    /// The pager's error.
    pub fn cause(&self) -> &pager::WriteError {
        &self.0
    }
}

/// A store could not be opened, created or closed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The pager could not open it.
    #[error(transparent)]
    Pager(#[from] pager::OpenError),
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Closing, or the first write, failed.
    #[error(transparent)]
    Write(#[from] pager::WriteError),
    /// An index that the log makes could not be sorted. The store is as it was.
    #[error(transparent)]
    Sort(Arc<SpillError>),
}

impl From<DeviceError> for OpenError {
    fn from(e: DeviceError) -> Self {
        OpenError::Pager(e.into())
    }
}

impl From<PageError> for OpenError {
    fn from(e: PageError) -> Self {
        OpenError::Read(e.into())
    }
}

impl From<CommitError> for OpenError {
    fn from(CommitError(e): CommitError) -> Self {
        OpenError::Write(e)
    }
}

impl OpenError {
    /// An error of the writing that opening and closing do themselves: none of it can be refused, for a replay takes a
    /// refusal for damage, and a checkpoint changes nothing.
    pub(crate) fn of_write(error: WriteError) -> OpenError {
        match error {
            WriteError::Pager(e) => e.into(),
            WriteError::Read(e) => e.into(),
            WriteError::Sort(e) => OpenError::Sort(e),
            refusal => unreachable!("nothing is changed that could be refused: {refusal}"),
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            OpenError::Pager(e) => e.hint(),
            OpenError::Read(e) => e.hint(),
            OpenError::Write(e) => e.hint(),
            OpenError::Sort(_) => None,
        }
    }

    /// True if the file is a store and damaged.
    pub fn is_damage(&self) -> bool {
        match self {
            OpenError::Pager(e) => e.is_damage(),
            OpenError::Read(ReadError::Page(PageError::Damage { .. })) => true,
            OpenError::Read(ReadError::Page(PageError::Device(e))) => e.kind() == DeviceErrorKind::ShortFile,
            _ => false,
        }
    }

    /// The device's error, where it is one.
    pub fn device(&self) -> Option<&DeviceError> {
        match self {
            OpenError::Pager(pager::OpenError::Device(e)) => Some(e),
            _ => None,
        }
    }
}
