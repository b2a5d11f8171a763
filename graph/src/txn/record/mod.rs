//! The logical record of a transaction: what it did, operation by operation, as the log keeps it (L5).
//!
//! A record is a version byte (1), then operations to its end. An operation is a code and its fields:
//!
//! | code | operation | fields |
//! |---|---|---|
//! | 1 | [`Op::Label`] | id, name |
//! | 2 | [`Op::EdgeType`] | id, name |
//! | 3 | [`Op::Property`] | id, name |
//! | 4 | [`Op::AddNode`] | node, label, key, properties |
//! | 5 | [`Op::SetNode`] | node, properties |
//! | 6 | [`Op::DeleteNode`] | node, flag: its edges go with it |
//! | 7 | [`Op::AddEdge`] | edge, properties |
//! | 8 | [`Op::SetEdge`] | edge, properties |
//! | 9 | [`Op::DeleteEdge`] | edge |
//! | 10 | [`Op::Undirected`] | edge type, flag: its edges have no direction |
//! | 11 | [`Op::RenameLabel`] | id, name |
//! | 12 | [`Op::RenameEdgeType`] | id, name |
//! | 13 | [`Op::RenameProperty`] | id, name |
//! | 14 | [`Op::CreateIndex`] | id, flag: over edges, label or edge type, id of the property, flag: unique |
//!
//! | field | bytes |
//! |---|---|
//! | id, node, label, edge type | varint |
//! | name | length (varint), UTF-8 |
//! | key | 0: none; 1: an integer, zigzag; 2: a text: length (varint), UTF-8 |
//! | edge | source, type, target, rank: varints |
//! | properties | count (varint); for each, ids ascending: the difference from the id before, less one (the first: the id itself), as a varint; the value as [`crate::value::encode`] has it. Null removes the property; it stands only in 5 and 8 |
//! | flag | 0 or 1 |
//!
//! The other codes are free for operations to come; a reader refuses them, as it refuses another version.
//!
//! Must always be true: every choice that was made is in the record (ids, ranks, numbers of names), so that replaying it
//! on the state that the transaction began with makes the state that it ended with. Reading any bytes at all ends with
//! operations or an error, within memory in proportion to the bytes (I7).
//!
//! It is not: the log's frames and checks around records, nor applying them (`replay`).

mod decode;
mod encode;
mod show;
#[cfg(test)]
mod tests;

pub use crate::catalog::IndexOwner;
pub use decode::{Operations, RecordError, operations};
pub(crate) use encode::{Ops, OpsMark};
pub use show::describe;

use crate::error::WriteError;
use crate::model::{Edge, Key, LabelId, NodeId, PropertyId, TypeId, Value};
use std::borrow::Cow;

/// The version of records that is written, and the only one that is read.
pub const VERSION: u8 = 1;

/// Properties by the number of their name, ascending.
pub type NumberedProps<'a> = Cow<'a, [(PropertyId, Value)]>;

/// One operation of a record. Names are numbers, as earlier operations and the catalog have them.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are what they are called")]
pub enum Op<'a> {
    /// A label was used for the first time.
    Label { id: LabelId, name: Cow<'a, str> },
    /// An edge type was used for the first time.
    EdgeType { id: TypeId, name: Cow<'a, str> },
    /// A property's name was used for the first time.
    Property { id: PropertyId, name: Cow<'a, str> },
    /// A node was added.
    AddNode { node: NodeId, label: LabelId, key: Option<Cow<'a, Key>>, props: NumberedProps<'a> },
    /// Properties of a node were set, or removed where the value is [`Value::Null`].
    SetNode { node: NodeId, changes: NumberedProps<'a> },
    /// A node was deleted, with `detach` its edges as well.
    DeleteNode { node: NodeId, detach: bool },
    /// An edge was added.
    AddEdge { edge: Edge, props: NumberedProps<'a> },
    /// Properties of an edge were set, or removed where the value is [`Value::Null`].
    SetEdge { edge: Edge, changes: NumberedProps<'a> },
    /// An edge was deleted.
    DeleteEdge { edge: Edge },
    /// An edge type became undirected, or directed.
    Undirected { edge_type: TypeId, undirected: bool },
    /// A label got another name.
    RenameLabel { id: LabelId, name: Cow<'a, str> },
    /// An edge type got another name.
    RenameEdgeType { id: TypeId, name: Cow<'a, str> },
    /// A property got another name.
    RenameProperty { id: PropertyId, name: Cow<'a, str> },
    /// A property index was made.
    CreateIndex { index: u32, owner: IndexOwner, property: PropertyId, unique: bool },
}

/// A record could not be replayed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The record is none, or does not follow on the state that it was replayed on.
    #[error("{what}")]
    Corrupt {
        /// What is wrong, and with which operation.
        what: String,
    },
    /// The store below failed, or is damaged.
    #[error(transparent)]
    Write(WriteError),
}

impl From<WriteError> for ReplayError {
    /// What was done once cannot be refused now, unless this is another state than it was done on. A temporary file that
    /// fails says nothing of the record.
    fn from(e: WriteError) -> Self {
        match e {
            WriteError::Sort(_) => ReplayError::Write(e),
            e if e.is_refusal() => ReplayError::Corrupt { what: e.to_string() },
            e => ReplayError::Write(e),
        }
    }
}

mod code {
    pub(super) const LABEL: u8 = 1;
    pub(super) const EDGE_TYPE: u8 = 2;
    pub(super) const PROPERTY: u8 = 3;
    pub(super) const ADD_NODE: u8 = 4;
    pub(super) const SET_NODE: u8 = 5;
    pub(super) const DELETE_NODE: u8 = 6;
    pub(super) const ADD_EDGE: u8 = 7;
    pub(super) const SET_EDGE: u8 = 8;
    pub(super) const DELETE_EDGE: u8 = 9;
    pub(super) const UNDIRECTED: u8 = 10;
    pub(super) const RENAME_LABEL: u8 = 11;
    pub(super) const RENAME_EDGE_TYPE: u8 = 12;
    pub(super) const RENAME_PROPERTY: u8 = 13;
    pub(super) const CREATE_INDEX: u8 = 14;

    pub(super) const NO_KEY: u8 = 0;
    pub(super) const INT_KEY: u8 = 1;
    pub(super) const TEXT_KEY: u8 = 2;
}
