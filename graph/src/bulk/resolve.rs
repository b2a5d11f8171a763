//! What rows call nodes becomes ids.
//!
//! Words become ids by sorting and merging, never by a table in memory: the names of the nodes are sorted, the names
//! that edges use are sorted, the two are walked side by side, and the ids found are sorted back into the order of the
//! edges. So memory stays bounded whatever the words are. Names that are ids are looked up in runs of ids, and only if
//! those do not fit they go the same way as words.
//!
//! In this order, because each step can leave out rows that the next must not see: names taken twice, keys taken twice,
//! ends of edges.

use super::error::{BulkError, Rejects, RowProblem};
use super::log::{EdgeLog, Name, put_counted};
use super::names::Names;
use super::nodes::{HEAP_OVERHEAD, KeyItem, NodeTable, label_and_key, put_place, read_place};
use super::row::Place;
use super::runs::IdRuns;
use super::sorter::{Sorted, SortedIter, Sorter, Spill};
use super::spill::{Scratch, SpillError};
use super::spool::Spool;
use crate::model::Key;
use crate::value::{Malformed, Reader, put_varint};
use std::cmp::Ordering;

/// Stands for an end that is no node.
pub(crate) const NOBODY: u64 = u64::MAX;

/// What the steps of naming share.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub budget: usize,
    pub scratch: Scratch,
}

impl Room {
    /// A sorter that may take this part of the budget.
    pub fn sorter<T: Spill>(&self, part: usize) -> Sorter<T> {
        Sorter::new(self.budget / part, 0, &self.scratch)
    }

    /// A spool that may take an eighth of it.
    pub fn spool(&self) -> Spool {
        Spool::new(self.budget / 8, &self.scratch)
    }
}

/// The bytes by which names of one space are compared: the space, then the word.
pub(super) fn name_bytes(space: u32, name: Name<'_>) -> Box<[u8]> {
    let mut bytes = space.to_be_bytes().to_vec();
    match name {
        Name::Word(word) => bytes.extend_from_slice(word.as_bytes()),
        Name::Int(n) => bytes.extend_from_slice(n.to_string().as_bytes()),
        Name::Key(key) => return key.into(),
    }
    bytes.into()
}

/// A name as messages show it.
pub(super) fn shown(name: Name<'_>, labels: &Names) -> String {
    match name {
        Name::Int(n) => n.to_string(),
        Name::Word(word) => word.to_owned(),
        Name::Key(bytes) => {
            let (label, key) = label_and_key(bytes);
            format!("{}/{key}", labels.name(label))
        }
    }
}

/// The same for names that are ids: no space, and in the order of ids.
fn id_bytes(id: u64) -> Box<[u8]> {
    let mut bytes = vec![0; 4];
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.into()
}

/// The names of nodes with their ids, in order of the names, each once.
#[derive(Debug)]
pub(super) struct NodeNames(Spool);

impl NodeNames {
    /// The words that node rows are called by. Of two with the same name the first one keeps it.
    pub fn words(table: &mut NodeTable, room: &Room, rejects: &mut Rejects) -> Result<Self, BulkError> {
        let mut sorter = room.sorter(2);
        table.replay(|id, entry| {
            let Some(name) = entry.id else { return Ok(()) };
            Ok(sorter.push(NameItem { name: name_bytes(entry.space, name), id, place: entry.place })?)
        })?;
        let mut names = room.spool();
        let (mut taken, mut last) = (Vec::new(), None::<Box<[u8]>>);
        for item in sorter.finish()? {
            let NameItem { name, id, place } = item?;
            if last.as_ref() == Some(&name) {
                rejects.note(place, RowProblem::DuplicateId(display(&name)));
                table.remember(&mut taken, id)?;
                continue;
            }
            put_counted(&name, names.record());
            put_varint(id, names.record());
            names.written()?;
            last = Some(name);
        }
        rejects.stop()?;
        table.bury(taken);
        Ok(NodeNames(names))
    }

    /// The ids of nodes as their names.
    fn ids(table: &NodeTable, room: &Room) -> Result<Self, BulkError> {
        let mut names = room.spool();
        table.replay(|id, _| {
            put_counted(&id_bytes(id), names.record());
            put_varint(id, names.record());
            Ok(names.written()?)
        })?;
        Ok(NodeNames(names))
    }

    /// Those of nodes that were not left out, one by one.
    fn alive<'a>(
        &'a self,
        table: &'a NodeTable,
    ) -> impl FnMut() -> Result<Option<NamedId>, BulkError> + use<'a> {
        let mut cursor = self.0.cursor();
        move || loop {
            match cursor.next(|reader| Ok((Box::<[u8]>::from(reader.counted()?), reader.varint()?)))? {
                Some((_, id)) if table.is_dead(id) => {}
                other => return Ok(other),
            }
        }
    }
}

pub(super) fn display(name: &[u8]) -> String {
    String::from_utf8_lossy(name.get(4..).unwrap_or_default()).into_owned()
}

/// The keys of declared nodes in the order of the key index, each once. Of two nodes with the same label and key the
/// first one stays, the other is buried.
pub(super) fn keys(
    table: &mut NodeTable,
    labels: &Names,
    room: &Room,
    rejects: &mut Rejects,
) -> Result<Spool, BulkError> {
    let mut sorter = room.sorter(2);
    table.replay(|id, entry| {
        let Some(key) = &entry.key else { return Ok(()) };
        Ok(sorter.push(KeyItem::new(entry.label, key, id, entry.place))?)
    })?;
    let mut keys = room.spool();
    let (mut taken, mut last) = (Vec::new(), None::<Box<[u8]>>);
    for item in sorter.finish()? {
        let item = item?;
        if last.as_ref() == Some(&item.key) {
            rejects.note(item.place, duplicate_key(&item, labels));
            table.remember(&mut taken, item.id)?;
            continue;
        }
        item.encode(keys.record());
        keys.written()?;
        last = Some(item.key);
    }
    rejects.stop()?;
    table.bury(taken);
    Ok(keys)
}

/// What is wrong with a key that is taken.
pub(super) fn duplicate_key(item: &KeyItem, labels: &Names) -> RowProblem {
    let (label, key) = item.names();
    RowProblem::DuplicateKey { label: labels.name(label).to_owned(), key }
}

/// The ends of edges, in the order of the edges.
pub(super) struct Ends {
    named: Named,
    /// Those that are called by keys, found by merging.
    by_key: Option<SortedIter<FoundItem>>,
}

/// Ends that are called by ids or words.
pub(super) enum Named {
    /// Names are ids, and every id is a node.
    Any,
    /// Names are ids, and these are nodes.
    Known(IdRuns, usize),
    /// Found by merging.
    Found(SortedIter<FoundItem>),
}

impl Ends {
    /// Ends that are called by ids or words.
    pub fn new(named: Named) -> Self {
        Ends { named, by_key: None }
    }

    /// To these come those that are called by keys, which `keys` has.
    pub fn by_keys(named: Named, keys: &Spool, edges: &EdgeLog, room: &Room) -> Result<Self, BulkError> {
        let bytes = |_, name: Name<'_>| if let Name::Key(key) = name { Some(key.into()) } else { None };
        let mut keys = keys.cursor();
        let next = || Ok(keys.next(KeyItem::decode)?.map(|item| (item.key, item.id)));
        let found = join(next, edges, room, bytes, |_| Ok(NOBODY))?;
        Ok(Ends { named, by_key: Some(found.into_iter()) })
    }

    /// The two ends of the next edge; [`NOBODY`] for one that is no node.
    #[inline]
    pub fn next(&mut self, from: Name<'_>, to: Name<'_>) -> Result<(u64, u64), SpillError> {
        Ok((self.one(from)?, self.one(to)?))
    }

    #[inline]
    fn one(&mut self, name: Name<'_>) -> Result<u64, SpillError> {
        let found = match (&mut self.named, name) {
            (_, Name::Key(_)) => self.by_key.as_mut().and_then(Iterator::next),
            (Named::Found(found), _) => found.next(),
            (Named::Any, Name::Int(id)) => return Ok(id),
            (Named::Known(ids, near), Name::Int(id)) => {
                return Ok(if ids.contains(id, near) { id } else { NOBODY });
            }
            (Named::Any | Named::Known(..), Name::Word(_)) => return Ok(NOBODY),
        };
        match found {
            Some(item) => Ok(item?.id),
            None => Err(SpillError::Garbled(Malformed("an edge's end is missing"))),
        }
    }
}

/// The ids of declared nodes, if they fit into memory.
pub(super) fn known_ids(table: &NodeTable, room: &Room) -> Result<Option<IdRuns>, BulkError> {
    let mut ids = IdRuns::default();
    let mut fits = true;
    table.replay(|id, _| {
        if fits {
            ids.push(id);
            fits = ids.bytes() <= room.budget / 4;
        }
        Ok(())
    })?;
    Ok(fits.then_some(ids))
}

/// The ends of edges whose names are ids of declared nodes, where those do not fit.
pub(super) fn found_ids(table: &NodeTable, edges: &EdgeLog, room: &Room) -> Result<Named, BulkError> {
    let names = NodeNames::ids(table, room)?;
    let bytes = |_, name: Name<'_>| if let Name::Int(id) = name { Some(id_bytes(id)) } else { None };
    let found = join(names.alive(table), edges, room, bytes, |_| Ok(NOBODY))?;
    Ok(Named::Found(found.into_iter()))
}

/// Nodes that only edges name, with their keys: ids count on from the declared ones in the order of the words.
pub(super) struct Implied {
    /// How many.
    pub count: u64,
    /// The first one's id.
    pub first: u64,
    /// Their words, in order of id.
    pub words: Spool,
    /// Their keys.
    pub keys: Sorter<KeyItem>,
}

/// The ends of edges whose names are words. Words that no node row bears become nodes with `label`, if there is one.
pub(super) fn named_ends(
    names: &NodeNames,
    table: &NodeTable,
    edges: &EdgeLog,
    label: Option<u32>,
    room: &Room,
) -> Result<(Named, Implied), BulkError> {
    let mut implied = Implied { count: 0, first: table.len(), words: room.spool(), keys: room.sorter(4) };
    let bytes = |space, name: Name<'_>| match name {
        Name::Key(_) => None,
        other => Some(name_bytes(space, other)),
    };
    let found = join(names.alive(table), edges, room, bytes, |name| {
        let Some(label) = label else { return Ok(NOBODY) };
        let id = implied.first + implied.count;
        let word = display(name);
        put_counted(word.as_bytes(), implied.words.record());
        implied.words.written()?;
        implied.keys.push(KeyItem::new(label, &Key::Text(word), id, Place::default()))?;
        implied.count += 1;
        Ok(id)
    })?;
    Ok((Named::Found(found.into_iter()), implied))
}

/// A name and the id of the node that is called so.
pub(super) type NamedId = (Box<[u8]>, u64);

/// Walks names of nodes, which come in order, and names in edges side by side: those for which `bytes` has something to
/// compare. `unknown` gives an id to a name that no node has.
pub(super) fn join(
    mut next: impl FnMut() -> Result<Option<NamedId>, BulkError>,
    edges: &EdgeLog,
    room: &Room,
    bytes: impl Fn(u32, Name<'_>) -> Option<Box<[u8]>>,
    mut unknown: impl FnMut(&[u8]) -> Result<u64, BulkError>,
) -> Result<Sorted<FoundItem>, BulkError> {
    let mut uses = room.sorter(2);
    let mut at = 0;
    edges.replay(|edge| -> Result<(), SpillError> {
        for (space, name) in [edge.from, edge.to] {
            if let Some(name) = bytes(space, name) {
                uses.push(UseItem { name, at })?;
            }
            at += 1;
        }
        Ok(())
    })?;
    let mut found = room.sorter(4);
    let mut node = next()?;
    let mut last: Option<(Box<[u8]>, u64)> = None;
    for item in uses.finish()? {
        let UseItem { name, at } = item?;
        let id = match &last {
            Some((word, id)) if *word == name => *id,
            _ => {
                while node.as_ref().is_some_and(|(word, _)| *word < name) {
                    node = next()?;
                }
                let id = match &node {
                    Some((word, id)) if *word == name => *id,
                    _ => unknown(&name)?,
                };
                last = Some((name, id));
                id
            }
        };
        found.push(FoundItem { at, id })?;
    }
    Ok(found.finish()?)
}

/// A node's name.
pub(super) struct NameItem {
    pub name: Box<[u8]>,
    pub id: u64,
    pub place: Place,
}

impl Spill for NameItem {
    fn order(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
    fn heap_bytes(&self) -> usize {
        self.name.len() + HEAP_OVERHEAD
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_counted(&self.name, out);
        put_varint(self.id, out);
        put_place(self.place, out);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (name, id) = (reader.counted()?.into(), reader.varint()?);
        Ok(NameItem { name, id, place: read_place(reader)? })
    }
}

/// A name in an edge: its `at`th end, counted over all edges.
struct UseItem {
    name: Box<[u8]>,
    at: u64,
}

impl Spill for UseItem {
    fn order(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
    fn heap_bytes(&self) -> usize {
        self.name.len() + HEAP_OVERHEAD
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_counted(&self.name, out);
        put_varint(self.at, out);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(UseItem { name: reader.counted()?.into(), at: reader.varint()? })
    }
}

/// The id of an edge's end.
pub(super) struct FoundItem {
    at: u64,
    pub id: u64,
}

impl Spill for FoundItem {
    fn order(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
    fn heap_bytes(&self) -> usize {
        0
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.at, out);
        put_varint(self.id, out);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(FoundItem { at: reader.varint()?, id: reader.varint()? })
    }
    fn sort(rows: &mut Vec<Self>) {
        // No two are equal, so this is as good as a stable sort, and needs no second copy.
        rows.sort_unstable_by_key(|row| row.at);
    }
}
