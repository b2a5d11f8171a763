//! The other end of a bulk load: its rows, one by one, for a store that holds something already.
//!
//! Nodes first, then edges, whose words were looked up by sorting and merging as `resolve.rs` does it: so edges may come
//! before their nodes here as well, and memory stays within the budget. Where some rows have an id, or a rank, and others
//! leave it to the store, those that have one come first.
//!
//! Must always be true: a row that the [`Target`] refuses is one that can not be taken (see [`super::OnError`]); any other
//! failure ends it. Two rows that are called the same are the same node, or the later one can not be taken.
//!
//! It does not know what is in the store: the [`Target`] does.

use super::error::{BulkError, OnDuplicate, OnError, Rejected, Rejects, RowProblem};
use super::log::{self, EdgeEntry, EdgeLog, Name, NodeEntry, NodeLog, put_counted};
use super::names::Names;
use super::nodes::{HEAP_OVERHEAD, NodeTable, key_of, put_label_and_key, put_place, read_place};
use super::options::{Phase, Ticker};
use super::resolve::{FoundItem, NameItem, Room, display, join, name_bytes};
use super::row::Place;
use super::sorter::{SortedIter, Spill};
use super::spill::SpillError;
use super::spool::Spool;
use super::{Bulk, WantedIndex};
use crate::model::{Key, Props};
use crate::value::{Malformed, Reader, put_varint};
use std::borrow::Cow;
use std::cmp::Ordering;

/// What rows are added to.
pub(crate) trait Target {
    /// Takes a row of a node; the id of the node that it is about.
    fn node(&mut self, row: NodeIn<'_>) -> Result<u64, Refused>;

    /// Takes what rows say of a type, by its number and name: whether its edges are undirected, and where that was said if
    /// not by its edges. Each type comes once, between nodes and edges, in order of the numbers.
    fn edge_type(&mut self, name: &str, undirected: bool, said: Option<Place>) -> Result<(), Refused>;

    /// The id of the node that edges mean by a word that no row bears, which need not be there yet; or [`super::NOBODY`].
    fn look_up(&mut self, word: &str) -> Result<u64, BulkError>;

    /// Takes a row of an edge.
    fn edge(&mut self, row: EdgeIn<'_>) -> Result<(), Refused>;
}

/// Why a target did not take a row.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It can not be taken, and nothing of it was.
    Row(RowProblem),
    /// The load can not go on.
    Failed(BulkError),
}

/// A row of a node.
#[derive(Debug)]
pub(crate) struct NodeIn<'a> {
    /// Its id, if it has to have this one.
    pub id: Option<u64>,
    pub label: &'a str,
    pub key: Option<Key>,
    pub props: Props,
}

/// An end of an edge.
#[derive(Debug)]
pub(crate) enum EndIn<'a> {
    /// A node's id.
    Id(u64),
    /// Label and key.
    Key(&'a str, Key),
    /// A word, and the id that was found for it; or [`super::NOBODY`].
    Word(Cow<'a, str>, u64),
}

/// A row of an edge.
#[derive(Debug)]
pub(crate) struct EdgeIn<'a> {
    pub ends: [EndIn<'a>; 2],
    /// The number of its type, in the order in which types came.
    pub number: usize,
    pub edge_type: &'a str,
    /// What it says of its type, if it says something.
    pub undirected: Option<bool>,
    pub rank: Option<u32>,
    pub props: Props,
}

/// What is left of a load when all rows were given out.
#[derive(Debug)]
pub(crate) struct Added {
    /// Property indexes that are to be made.
    pub indexes: Vec<WantedIndex>,
    /// Whether what can not be taken is left out.
    pub on_error: OnError,
    /// The first ten rows that were left out, in input order.
    pub rejected: Vec<Rejected>,
    /// How many were.
    pub rejected_count: u64,
}

/// Names and what else rows share.
struct Shared {
    labels: Names,
    types: Names,
    properties: Names,
    /// Names of nodes are words.
    words: bool,
    rejects: Rejects,
    ticker: Ticker,
}

impl Bulk {
    /// Gives all rows to `target`.
    pub(crate) fn add_to(mut self, target: &mut impl Target) -> Result<Added, BulkError> {
        self.ticker.tick(Phase::Naming, self.nodes.len())?;
        let words = self.names_are_words();
        let room = Room { budget: self.options.memory_budget / 2, scratch: self.scratch.clone() };
        let nodes = std::mem::replace(&mut self.nodes, NodeLog::new(0, &self.scratch));
        let mut table = NodeTable::counted(nodes, room.budget);
        let Bulk { labels, types, properties, rejects, ticker, .. } = self;
        let mut shared = Shared { labels, types, properties, words, rejects, ticker };
        if words {
            let lenient = self.options.on_duplicate != Some(OnDuplicate::Error);
            shared.bury_namesakes(&mut table, lenient, &room)?;
        }
        let some_nameless = !words && self.seen.nameless > 0 && self.seen.last_node.is_some();
        let names = shared.nodes(&table, passes(some_nameless), &room, target)?;
        drop(table);
        for (number, undirected) in self.undirected.iter().enumerate() {
            let (name, said) = (shared.types.name(number as u32), self.types_said.get(&(number as u32)));
            let place = said.copied().unwrap_or_default();
            let taken = target.edge_type(name, *undirected, said.copied());
            taken.or_else(|refused| refused.reject(place, &mut shared.rejects))?;
        }
        let edges = self.edges.log()?;
        for pass in passes(self.seen.ranks && self.seen.rankless) {
            let found = if words { Some(look_up(&names, edges, &room, target)?) } else { None };
            shared.edges(edges, *pass, found, target)?;
        }
        let (rejected_count, rejected) = shared.rejects.finish();
        Ok(Added { indexes: self.indexes, on_error: self.options.on_error, rejected, rejected_count })
    }
}

/// Which rows come when: those that have an id (or a rank) before the others, where there are both.
fn passes(both: bool) -> &'static [Option<bool>] {
    if both { &[Some(true), Some(false)] } else { &[None] }
}

impl Refused {
    fn reject(self, place: Place, rejects: &mut Rejects) -> Result<(), BulkError> {
        match self {
            Refused::Row(problem) => rejects.reject(place, problem),
            Refused::Failed(error) => Err(error),
        }
    }
}

impl Shared {
    /// Leaves out rows that are called as an earlier one, but with `lenient` for those that are about the same node.
    fn bury_namesakes(&mut self, table: &mut NodeTable, lenient: bool, room: &Room) -> Result<(), BulkError> {
        let mut sorter = room.sorter(2);
        table.replay(|row, entry| {
            let Some(name) = entry.id else { return Ok(()) };
            let mut about = Vec::new();
            if let Some(key) = &entry.key {
                put_label_and_key(entry.label, key, &mut about);
            }
            let (name, about) = (name_bytes(entry.space, name), about.into());
            Ok(sorter.push(LinkItem { name, about, row, place: entry.place })?)
        })?;
        let (mut later, mut last) = (Vec::new(), None::<LinkItem>);
        for item in sorter.finish()? {
            let item = item?;
            let Some(first) = last.as_ref().filter(|last| last.name == item.name) else {
                last = Some(item);
                continue;
            };
            if !lenient || item.about.is_empty() || item.about != first.about {
                self.rejects.note(item.place, RowProblem::DuplicateId(display(&item.name)));
                table.remember(&mut later, item.row)?;
            }
        }
        self.rejects.stop()?;
        table.bury(later);
        Ok(())
    }

    /// Gives out the nodes. The words that they are called by, in order, with their ids.
    fn nodes(
        &mut self,
        table: &NodeTable,
        passes: &[Option<bool>],
        room: &Room,
        target: &mut impl Target,
    ) -> Result<Spool, BulkError> {
        let mut sorter = room.sorter(2);
        for pass in passes {
            table.replay(|_, entry| {
                if pass.is_some_and(|named| named != entry.id.is_some()) {
                    return Ok(());
                }
                self.ticker.tick(Phase::Nodes, table.len())?;
                let (word, place) = (entry.id.filter(|_| self.words), entry.place);
                let name = word.map(|word| name_bytes(entry.space, word));
                match (target.node(self.node(entry)?), name) {
                    (Ok(id), Some(name)) => Ok(sorter.push(NameItem { name, id, place })?),
                    (Ok(_), None) => Ok(()),
                    (Err(refused), _) => refused.reject(place, &mut self.rejects),
                }
            })?;
        }
        let mut names = room.spool();
        for item in sorter.finish()? {
            let NameItem { name, id, .. } = item?;
            put_counted(&name, names.record());
            put_varint(id, names.record());
            names.written()?;
        }
        Ok(names)
    }

    /// Gives out the edges, with what was found for their words.
    fn edges(
        &mut self,
        edges: &EdgeLog,
        pass: Option<bool>,
        mut found: Option<SortedIter<FoundItem>>,
        target: &mut impl Target,
    ) -> Result<(), BulkError> {
        edges.replay(|entry| -> Result<(), BulkError> {
            let place = entry.place;
            self.ticker.tick(Phase::Edges, edges.len())?;
            let ends = [self.end(entry.from.1, &mut found)?, self.end(entry.to.1, &mut found)?];
            if pass.is_some_and(|ranked| ranked != entry.rank.is_some()) {
                return Ok(());
            }
            let row = self.edge(entry, ends)?;
            target.edge(row).or_else(|refused| refused.reject(place, &mut self.rejects))
        })
    }

    fn node(&self, entry: NodeEntry<'_>) -> Result<NodeIn<'_>, SpillError> {
        let id = match entry.id {
            Some(Name::Int(id)) if !self.words => Some(id),
            _ => None,
        };
        let (label, props) = (self.labels.name(entry.label), self.props(entry.props)?);
        Ok(NodeIn { id, label, key: entry.key, props })
    }

    fn edge<'a>(&'a self, entry: EdgeEntry<'_>, ends: [EndIn<'a>; 2]) -> Result<EdgeIn<'a>, SpillError> {
        Ok(EdgeIn {
            ends,
            number: entry.edge_type as usize,
            edge_type: self.types.name(entry.edge_type),
            undirected: entry.undirected,
            rank: entry.rank,
            props: self.props(entry.props)?,
        })
    }

    fn end<'a>(
        &'a self,
        name: Name<'a>,
        found: &mut Option<SortedIter<FoundItem>>,
    ) -> Result<EndIn<'a>, SpillError> {
        let word = match (name, &found) {
            (Name::Key(bytes), _) => {
                let (label, key) = key_of(bytes)?;
                return Ok(EndIn::Key(self.labels.name(label), key));
            }
            (Name::Int(id), None) => return Ok(EndIn::Id(id)),
            (Name::Int(id), Some(_)) => Cow::Owned(id.to_string()),
            (Name::Word(word), _) => Cow::Borrowed(word),
        };
        match found.as_mut().and_then(Iterator::next) {
            Some(item) => Ok(EndIn::Word(word, item?.id)),
            None => Err(SpillError::Garbled(Malformed("an edge's end is missing"))),
        }
    }

    fn props(&self, bytes: &[u8]) -> Result<Props, SpillError> {
        let named = |(number, value)| (self.properties.name(number).to_owned(), value);
        Ok(log::props(bytes)?.into_iter().map(named).collect())
    }
}

/// What the words in edges mean: the rows that bear them, else what the target knows by them.
fn look_up(
    names: &Spool,
    edges: &EdgeLog,
    room: &Room,
    target: &mut impl Target,
) -> Result<SortedIter<FoundItem>, BulkError> {
    let mut names = names.cursor();
    let next = || Ok(names.next(|reader| Ok((Box::from(reader.counted()?), reader.varint()?)))?);
    let bytes = |space, name: Name<'_>| match name {
        Name::Key(_) => None,
        other => Some(name_bytes(space, other)),
    };
    let found = join(next, edges, room, bytes, |name| target.look_up(&display(name)))?;
    Ok(found.into_iter())
}

/// What a row calls its node, and what it is about: the key of the key index, if there is one.
#[derive(Debug)]
struct LinkItem {
    name: Box<[u8]>,
    about: Box<[u8]>,
    row: u64,
    place: Place,
}

impl Spill for LinkItem {
    fn order(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
    fn heap_bytes(&self) -> usize {
        self.name.len() + self.about.len() + 2 * HEAP_OVERHEAD
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_counted(&self.name, out);
        put_counted(&self.about, out);
        put_varint(self.row, out);
        put_place(self.place, out);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (name, about) = (reader.counted()?.into(), reader.counted()?.into());
        Ok(LinkItem { name, about, row: reader.varint()?, place: read_place(reader)? })
    }
}
