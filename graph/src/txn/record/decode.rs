//! Reading a record, operation by operation.
//!
//! Must always be true: any bytes at all end with an error or with their end; nothing is reserved that the bytes left
//! could not fill (I7).

use super::{NumberedProps, Op, VERSION, code};
use crate::catalog::IndexOwner;
use crate::model::{Edge, Key, LabelId, NodeId, PropertyId, TypeId, Value};
use crate::value::{self, Malformed, Reader};
use std::borrow::Cow;

/// Bytes that are no record, or none that this program knows.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// There are no bytes.
    #[error("the record is empty: it has no version")]
    Empty,
    /// Another version.
    #[error("the record has version {0}, and this program reads version {VERSION}")]
    Version(u8),
    /// An operation of a later program, or none.
    #[error("operation {number} (byte {at}) has the code {code}, which this program does not know")]
    Unknown {
        /// Which operation, counted from 1.
        number: usize,
        /// Where it begins.
        at: usize,
        /// Its code.
        code: u8,
    },
    /// An operation that is not what its code says.
    #[error("operation {number} (byte {at}): {what}")]
    Malformed {
        /// Which operation, counted from 1.
        number: usize,
        /// Where it begins.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// The operations of a record, one after another.
pub fn operations(record: &[u8]) -> Operations<'_> {
    Operations { reader: Reader::new(record), number: 0, begun: false }
}

/// Iterates over the operations of a record; ends after an error.
#[derive(Clone, Debug)]
pub struct Operations<'a> {
    reader: Reader<'a>,
    number: usize,
    /// The version was read.
    begun: bool,
}

impl<'a> Iterator for Operations<'a> {
    type Item = Result<Op<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.begun && self.reader.is_empty() {
            return None;
        }
        let item = self.begin().and_then(|()| match self.reader.is_empty() {
            true => Ok(None),
            false => self.operation().map(Some),
        });
        if item.is_err() {
            (self.reader, self.begun) = (Reader::new(&[]), true);
        }
        item.transpose()
    }
}

impl<'a> Operations<'a> {
    fn begin(&mut self) -> Result<(), RecordError> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        match self.reader.u8() {
            Ok(VERSION) => Ok(()),
            Ok(other) => Err(RecordError::Version(other)),
            Err(_) => Err(RecordError::Empty),
        }
    }

    fn operation(&mut self) -> Result<Op<'a>, RecordError> {
        self.number += 1;
        let (number, at) = (self.number, self.reader.position());
        let read = self.reader.u8().and_then(|code| Ok((code, fields(code, &mut self.reader)?)));
        match read {
            Ok((_, Some(op))) => Ok(op),
            Ok((code, None)) => Err(RecordError::Unknown { number, at, code }),
            Err(Malformed(what)) => Err(RecordError::Malformed { number, at, what }),
        }
    }
}

/// What stands behind a code; `None` if the code is unknown.
fn fields<'a>(code: u8, r: &mut Reader<'a>) -> Result<Option<Op<'a>>, Malformed> {
    Ok(Some(match code {
        code::LABEL => Op::Label { id: LabelId(r.varint_u32()?), name: text(r)?.into() },
        code::EDGE_TYPE => Op::EdgeType { id: TypeId(r.varint_u32()?), name: text(r)?.into() },
        code::PROPERTY => Op::Property { id: PropertyId(r.varint_u32()?), name: text(r)?.into() },
        code::ADD_NODE => Op::AddNode {
            node: NodeId(r.varint()?),
            label: LabelId(r.varint_u32()?),
            key: key(r)?.map(Cow::Owned),
            props: new_props(r)?,
        },
        code::SET_NODE => Op::SetNode { node: NodeId(r.varint()?), changes: props(r)? },
        code::DELETE_NODE => Op::DeleteNode { node: NodeId(r.varint()?), detach: flag(r)? },
        code::ADD_EDGE => Op::AddEdge { edge: edge(r)?, props: new_props(r)? },
        code::SET_EDGE => Op::SetEdge { edge: edge(r)?, changes: props(r)? },
        code::DELETE_EDGE => Op::DeleteEdge { edge: edge(r)? },
        code::UNDIRECTED => Op::Undirected { edge_type: TypeId(r.varint_u32()?), undirected: flag(r)? },
        code::RENAME_LABEL => Op::RenameLabel { id: LabelId(r.varint_u32()?), name: text(r)?.into() },
        code::RENAME_EDGE_TYPE => Op::RenameEdgeType { id: TypeId(r.varint_u32()?), name: text(r)?.into() },
        code::RENAME_PROPERTY => {
            Op::RenameProperty { id: PropertyId(r.varint_u32()?), name: text(r)?.into() }
        }
        code::CREATE_INDEX => Op::CreateIndex {
            index: r.varint_u32()?,
            owner: match flag(r)? {
                false => IndexOwner::Label(LabelId(r.varint_u32()?)),
                true => IndexOwner::Type(TypeId(r.varint_u32()?)),
            },
            property: PropertyId(r.varint_u32()?),
            unique: flag(r)?,
        },
        _ => return Ok(None),
    }))
}

fn text<'a>(r: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    std::str::from_utf8(r.counted()?).map_err(|_| Malformed("a name or key is not UTF-8"))
}

fn flag(r: &mut Reader<'_>) -> Result<bool, Malformed> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed("a flag is neither 0 nor 1")),
    }
}

fn key(r: &mut Reader<'_>) -> Result<Option<Key>, Malformed> {
    match r.u8()? {
        code::NO_KEY => Ok(None),
        code::INT_KEY => Ok(Some(Key::Int(r.zigzag()?))),
        code::TEXT_KEY => Ok(Some(Key::Text(text(r)?.to_owned()))),
        _ => Err(Malformed("unknown kind of key")),
    }
}

fn edge(r: &mut Reader<'_>) -> Result<Edge, Malformed> {
    Ok(Edge {
        source: NodeId(r.varint()?),
        edge_type: TypeId(r.varint_u32()?),
        target: NodeId(r.varint()?),
        rank: r.varint_u32()?,
    })
}

fn props(r: &mut Reader<'_>) -> Result<NumberedProps<'static>, Malformed> {
    let count = r.varint()?;
    // One takes two bytes at least.
    if count > r.remaining() as u64 / 2 {
        return Err(Malformed("there are more properties than bytes for them"));
    }
    let mut props = Vec::with_capacity(count as usize);
    let mut next = Some(0u32);
    for _ in 0..count {
        let gap = r.varint_u32()?;
        let id = next.and_then(|next| next.checked_add(gap));
        let id = id.ok_or(Malformed("a property's number is longer than 32 bits"))?;
        next = id.checked_add(1);
        props.push((PropertyId(id), value::decode(r)?));
    }
    Ok(props.into())
}

/// Properties of something new, which has none to remove.
fn new_props(r: &mut Reader<'_>) -> Result<NumberedProps<'static>, Malformed> {
    let props = props(r)?;
    if props.iter().any(|(_, value)| *value == Value::Null) {
        return Err(Malformed("something new lacks a property that it has"));
    }
    Ok(props)
}
