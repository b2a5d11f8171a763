//! Collecting operations: the record of a running transaction.
//!
//! Must always be true: memory stays within the limit, but for names and keys, which are short; what is dropped stays
//! dropped, so that no record ever misses an operation.

use super::{Op, VERSION, code};
use crate::catalog::IndexOwner;
use crate::model::{Edge, Key, LabelId, PropertyId, TypeId, Value};
use crate::value::{self, put_varint, put_zigzag};

/// Room that is made for the first operation: most transactions that commit often need no more.
const FIRST_ROOM: usize = 128;

/// A transaction's operations so far, encoded.
#[derive(Debug)]
pub(crate) struct Ops {
    bytes: Vec<u8>,
    limit: usize,
    dropped: bool,
    /// Something was done, whether or not there is a record of it.
    changed: bool,
}

/// How far the operations had come.
#[derive(Copy, Clone, Debug)]
pub(crate) struct OpsMark {
    len: usize,
    changed: bool,
}

/// The record outgrew its limit.
struct TooLong;

impl Ops {
    /// Collects up to `limit` bytes, and drops everything beyond.
    pub(crate) fn new(limit: usize) -> Self {
        Ops { bytes: Vec::new(), limit, dropped: false, changed: false }
    }

    /// Adds an operation.
    pub(crate) fn push(&mut self, op: &Op<'_>) {
        self.changed = true;
        if self.dropped {
            return;
        }
        if self.bytes.is_empty() {
            self.bytes.reserve(FIRST_ROOM);
            self.bytes.push(VERSION);
        }
        if encode(op, &mut self.bytes, self.limit).is_err() || self.bytes.len() > self.limit {
            self.drop_all();
        }
    }

    /// Forgets the operations, and those to come: the transaction has no record (L6).
    pub(crate) fn drop_all(&mut self) {
        self.bytes = Vec::new();
        self.dropped = true;
        self.changed = true;
    }

    /// Where the operations are, to go back to.
    pub(crate) fn mark(&self) -> OpsMark {
        OpsMark { len: self.bytes.len(), changed: self.changed }
    }

    /// Forgets the operations since; what was dropped stays dropped.
    pub(crate) fn go_back(&mut self, mark: OpsMark) {
        self.bytes.truncate(mark.len);
        self.changed = mark.changed;
    }
}

impl Ops {
    /// True if nothing was done, or all of it was undone; what was dropped was something.
    pub(crate) fn is_empty(&self) -> bool {
        !self.changed
    }

    /// The record.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        debug_assert!(!self.is_empty() && !self.dropped);
        self.bytes
    }

    /// The record; without operations just its version. Nothing, which is no record, once it was dropped.
    pub(crate) fn bytes(&self) -> &[u8] {
        match (self.dropped, self.bytes.is_empty()) {
            (true, _) => &[],
            (false, true) => &[VERSION],
            (false, false) => &self.bytes,
        }
    }

    /// Bytes of the record.
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// True if there is no record, because it was too long or the transaction took another way.
    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped
    }
}

fn encode(op: &Op<'_>, out: &mut Vec<u8>, limit: usize) -> Result<(), TooLong> {
    match op {
        Op::Label { id, name } => put_name((code::LABEL, id.0), name, out),
        Op::EdgeType { id, name } => put_name((code::EDGE_TYPE, id.0), name, out),
        Op::Property { id, name } => put_name((code::PROPERTY, id.0), name, out),
        Op::AddNode { node, label, key, props } => {
            out.push(code::ADD_NODE);
            put_varint(node.0, out);
            put_varint(label.0.into(), out);
            put_key(key.as_deref(), out);
            return put_props(props, out, limit);
        }
        Op::SetNode { node, changes } => {
            out.push(code::SET_NODE);
            put_varint(node.0, out);
            return put_props(changes, out, limit);
        }
        Op::DeleteNode { node, detach } => {
            out.push(code::DELETE_NODE);
            put_varint(node.0, out);
            out.push((*detach).into());
        }
        Op::AddEdge { edge, props } => {
            put_edge(code::ADD_EDGE, edge, out);
            return put_props(props, out, limit);
        }
        Op::SetEdge { edge, changes } => {
            put_edge(code::SET_EDGE, edge, out);
            return put_props(changes, out, limit);
        }
        Op::DeleteEdge { edge } => put_edge(code::DELETE_EDGE, edge, out),
        Op::Undirected { edge_type, undirected } => {
            out.push(code::UNDIRECTED);
            put_varint(edge_type.0.into(), out);
            out.push((*undirected).into());
        }
        Op::RenameLabel { id, name } => put_name((code::RENAME_LABEL, id.0), name, out),
        Op::RenameEdgeType { id, name } => put_name((code::RENAME_EDGE_TYPE, id.0), name, out),
        Op::RenameProperty { id, name } => put_name((code::RENAME_PROPERTY, id.0), name, out),
        Op::CreateIndex { index, owner, property, unique } => {
            let (over_edges, owner) = match owner {
                IndexOwner::Label(LabelId(id)) => (false, *id),
                IndexOwner::Type(TypeId(id)) => (true, *id),
            };
            out.push(code::CREATE_INDEX);
            put_varint((*index).into(), out);
            out.push(over_edges.into());
            put_varint(owner.into(), out);
            put_varint(property.0.into(), out);
            out.push((*unique).into());
        }
    }
    Ok(())
}

fn put_name((code, id): (u8, u32), name: &str, out: &mut Vec<u8>) {
    out.push(code);
    put_varint(id.into(), out);
    put_text(name, out);
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn put_key(key: Option<&Key>, out: &mut Vec<u8>) {
    match key {
        None => out.push(code::NO_KEY),
        Some(Key::Int(n)) => {
            out.push(code::INT_KEY);
            put_zigzag(*n, out);
        }
        Some(Key::Text(text)) => {
            out.push(code::TEXT_KEY);
            put_text(text, out);
        }
    }
}

fn put_edge(code: u8, edge: &Edge, out: &mut Vec<u8>) {
    out.push(code);
    put_varint(edge.source.0, out);
    put_varint(edge.edge_type.0.into(), out);
    put_varint(edge.target.0, out);
    put_varint(edge.rank.into(), out);
}

/// Asks for the length of each value before it is copied: a long one must not double the memory that it takes.
fn put_props(props: &[(PropertyId, Value)], out: &mut Vec<u8>, limit: usize) -> Result<(), TooLong> {
    put_varint(props.len() as u64, out);
    let mut next = 0;
    for (PropertyId(id), value) in props {
        debug_assert!(*id >= next, "properties ascend");
        put_varint((id - next).into(), out);
        next = id.saturating_add(1);
        if value::encoded_len(value) > limit.saturating_sub(out.len()) {
            return Err(TooLong);
        }
        value::encode(value, out);
    }
    Ok(())
}
