//! The nodes that rows declare, in order of id, each id once; and the rows that turned out to be no nodes after all.
//!
//! Must always be true: ids come out strictly ascending. Where names are ids, rows are sorted by them if they do not
//! come so; where names are words, ids are counted in the order of the rows. A row is *dead* if its name or its key was
//! taken: its id then belongs to nobody.

use super::error::{BulkError, Rejects, RowProblem};
use super::log::{Name, NodeEntry, NodeLog, put_counted};
use super::row::Place;
use super::sorter::{Sorter, Spill};
use super::spill::{Scratch, SpillError};
use crate::model::{Key, NodeId};
use crate::value::{self, Malformed, Reader, put_varint};
use std::cmp::Ordering;

/// How rows of a log get their ids.
#[derive(Copy, Clone, Debug)]
enum Numbering {
    /// Counted from 0.
    Counted,
    /// As the rows say, and from this one on for rows that say nothing.
    Given(u64),
}

impl Numbering {
    /// The id of the next row. The count can not pass `u64::MAX`: the free ids were counted before.
    fn id(&mut self, name: Option<Name<'_>>, row: u64) -> u64 {
        match (self, name) {
            (Numbering::Counted, _) => row,
            (Numbering::Given(_), Some(Name::Int(id))) => id,
            (Numbering::Given(free), _) => {
                *free += 1;
                *free - 1
            }
        }
    }
}

/// Declared nodes, in order of id.
#[derive(Debug)]
pub(super) struct NodeTable {
    log: NodeLog,
    numbering: Numbering,
    /// Sorted once it is complete.
    dead: Vec<u64>,
    budget: usize,
}

impl NodeTable {
    /// Nodes whose names are words, or who have none: numbered in the order of their rows.
    pub fn counted(log: NodeLog, budget: usize) -> Self {
        NodeTable { log, numbering: Numbering::Counted, dead: Vec::new(), budget }
    }

    /// Nodes whose names are their ids, which ascend strictly; `free` is the first id for rows without one, which come
    /// last.
    pub fn ascending(log: NodeLog, free: u64, budget: usize) -> Self {
        NodeTable { log, numbering: Numbering::Given(free), dead: Vec::new(), budget }
    }

    /// Nodes whose names are their ids, in any order; of two with the same id the first one stays.
    pub fn sorted(
        log: NodeLog,
        free: u64,
        budget: usize,
        scratch: &Scratch,
        rejects: &mut Rejects,
    ) -> Result<Self, BulkError> {
        let mut sorter = Sorter::new(budget / 2, log.len(), scratch);
        let (mut numbering, mut row) = (Numbering::Given(free), 0);
        log.replay(|entry| {
            let id = numbering.id(entry.id, row);
            row += 1;
            sorter.push(NodeItem::new(id, &entry))
        })?;
        drop(log);
        let mut sorted = NodeLog::new(budget / 4, scratch);
        let mut last = None;
        for item in sorter.finish()? {
            let item = item?;
            let entry = item.entry()?;
            if last == Some(item.id) {
                rejects.note(entry.place, RowProblem::DuplicateId(item.id.to_string()));
                continue;
            }
            last = Some(item.id);
            sorted.push(&entry)?;
        }
        rejects.stop()?;
        Ok(Self::ascending(sorted, free, budget))
    }

    /// Rows, dead ones included.
    pub fn len(&self) -> u64 {
        self.log.len()
    }

    /// Bytes it takes in memory.
    pub fn in_memory(&self) -> usize {
        self.log.in_memory() + self.dead.capacity() * size_of::<u64>()
    }

    /// Leaves out the nodes with these ids from now on.
    pub fn bury(&mut self, ids: Vec<u64>) {
        self.dead.extend(ids);
        self.dead.sort_unstable();
    }

    /// Ids of rows to be left out, remembered within the budget.
    pub fn remember(&self, ids: &mut Vec<u64>, id: u64) -> Result<(), BulkError> {
        if (self.dead.len() + ids.len()) * size_of::<u64>() * 2 > self.budget / 4 {
            return Err(BulkError::Memory { what: "the rows that were left out", budget: self.budget });
        }
        ids.push(id);
        Ok(())
    }

    /// Whether the row that would have this id was left out.
    #[inline]
    pub fn is_dead(&self, id: u64) -> bool {
        !self.dead.is_empty() && self.dead.binary_search(&id).is_ok()
    }

    /// All nodes that are left, by id.
    pub fn replay(
        &self,
        mut each: impl FnMut(u64, NodeEntry<'_>) -> Result<(), BulkError>,
    ) -> Result<(), BulkError> {
        let (mut numbering, mut row) = (self.numbering, 0);
        self.log.replay(|entry| {
            let id = numbering.id(entry.id, row);
            row += 1;
            if self.is_dead(id) { Ok(()) } else { each(id, entry) }
        })
    }
}

/// The first id that is free above `highest`, with room for `wanted` more.
pub(super) fn free_ids(highest: Option<u64>, wanted: u64) -> Result<u64, BulkError> {
    let free = highest.map_or(0, |id| id + 1);
    match free.checked_add(wanted) {
        Some(_) => Ok(free),
        None => Err(BulkError::TooMany { what: "node ids", max: NodeId::MAX.0 }),
    }
}

/// A node row that is sorted by its id.
#[derive(Debug)]
struct NodeItem {
    id: u64,
    /// Label, place, key and properties.
    rest: Box<[u8]>,
}

impl NodeItem {
    fn new(id: u64, entry: &NodeEntry<'_>) -> Self {
        let mut rest = Vec::with_capacity(16 + entry.props.len());
        put_varint(entry.label.into(), &mut rest);
        put_place(entry.place, &mut rest);
        match &entry.key {
            None => rest.push(0),
            Some(key) => {
                let mut bytes = Vec::new();
                value::node_key_bytes(key, &mut bytes);
                put_counted(&bytes, &mut rest);
            }
        }
        rest.extend_from_slice(entry.props);
        NodeItem { id, rest: rest.into() }
    }

    fn entry(&self) -> Result<NodeEntry<'_>, SpillError> {
        let mut reader = Reader::new(&self.rest);
        let label = reader.varint_u32()?;
        let place = read_place(&mut reader)?;
        let key = match reader.counted()? {
            [] => None,
            bytes => Some(value::node_key(bytes)?),
        };
        let props = reader.bytes(reader.remaining())?;
        Ok(NodeEntry { space: 0, id: Some(Name::Int(self.id)), label, key, props, place })
    }
}

impl Spill for NodeItem {
    fn order(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }
    fn heap_bytes(&self) -> usize {
        self.rest.len() + HEAP_OVERHEAD
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.id, out);
        put_counted(&self.rest, out);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(NodeItem { id: reader.varint()?, rest: reader.counted()?.into() })
    }
}

/// What an allocation takes beside its bytes, and a row's share of the sort's scratch space.
pub(super) const HEAP_OVERHEAD: usize = 32;

/// A node's key, label first, sorted so that equal ones meet.
#[derive(Debug)]
pub(super) struct KeyItem {
    /// The key index's key.
    pub key: Box<[u8]>,
    pub id: u64,
    pub place: Place,
}

impl KeyItem {
    /// The entry of the key index for a node.
    pub fn new(label: u32, key: &Key, id: u64, place: Place) -> Self {
        let mut bytes = Vec::new();
        put_label_and_key(label, key, &mut bytes);
        KeyItem { key: bytes.into(), id, place }
    }

    /// The label, and the key for messages.
    pub fn names(&self) -> (u32, String) {
        label_and_key(&self.key)
    }
}

/// Appends the key index's key for a node with this label and key.
pub(super) fn put_label_and_key(label: u32, key: &Key, out: &mut Vec<u8>) {
    out.extend_from_slice(&label.to_be_bytes());
    value::node_key_bytes(key, out);
}

/// The label's number and the node's key of a key of the key index.
pub(super) fn key_of(bytes: &[u8]) -> Result<(u32, Key), Malformed> {
    let (label, key) = bytes.split_first_chunk().ok_or(Malformed("a key without a label"))?;
    Ok((u32::from_be_bytes(*label), value::node_key(key)?))
}

/// The label's number, and the key for messages, of a key of the key index.
pub(super) fn label_and_key(bytes: &[u8]) -> (u32, String) {
    let (label, key) = bytes.split_first_chunk().unwrap_or((&[0; 4], bytes));
    let key = value::node_key(key).map_or_else(|e| e.to_string(), |key| key.to_string());
    (u32::from_be_bytes(*label), key)
}

impl Spill for KeyItem {
    fn order(&self, other: &Self) -> Ordering {
        // Nodes come by id: which row was first, only the place tells.
        self.key.cmp(&other.key).then(self.place.cmp(&other.place))
    }
    fn heap_bytes(&self) -> usize {
        self.key.len() + HEAP_OVERHEAD
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_counted(&self.key, out);
        put_varint(self.id, out);
        put_place(self.place, out);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (key, id) = (reader.counted()?.into(), reader.varint()?);
        Ok(KeyItem { key, id, place: read_place(reader)? })
    }
}

/// Appends a place.
pub(super) fn put_place(place: Place, out: &mut Vec<u8>) {
    put_varint(place.file.into(), out);
    put_varint(place.line, out);
}

/// Reads a place.
pub(super) fn read_place(reader: &mut Reader<'_>) -> Result<Place, Malformed> {
    Ok(Place { file: reader.varint_u32()?, line: reader.varint()? })
}
