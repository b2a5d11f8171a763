//! Bulk loading: rows in, the trees of a new store out, in bounded memory.
//!
//! ```text
//! rows ──> log.rs (as they come) ──> nodes.rs, resolve.rs (names become ids) ──> edges.rs (sorted by source,
//!          then by target) ──> builder.rs (trees, bottom-up, each page written once)
//!
//! nothing but plain edges ──> plain.rs (a word each) ──> plain_linker.rs: words.rs or parts.rs (sorted by source, and by
//!          target at the same time) ──> builder.rs
//! ```
//!
//! Plain edges (ends called by ids, one type, no ranks, no properties) go the short way until a row comes that is none:
//! then all go the long one.
//!
//! Must always be true:
//!
//! - **Memory** stays about the budget, however many rows there are: what does not fit goes to temporary files
//!   (`spool.rs`, `sorter.rs` over `spill.rs`), and comes back as it was written or as an error.
//! - **Nothing is dropped silently.** A row that can not be taken ends the load with its place, or is counted and, for
//!   the first ten, reported.
//! - **The budget changes nothing but time**: the same rows give the same trees.
//! - **A load that fails leaves the store as it was**: pages are written in a transaction that the caller then drops.
//!
//! Rows for a store that holds something already wait and are named in the same way; `append.rs` then gives them out one by
//! one, and a write transaction adds them.
//!
//! It reads no input (see [`crate::import`]) and knows no catalog: [`BulkTrees`] says what belongs into it.

mod append;
mod builder;
mod edges;
pub mod error;
mod linker;
mod log;
mod names;
mod nodes;
pub mod options;
mod packed;
mod parts;
mod plain;
mod plain_linker;
mod resolve;
pub mod row;
mod runs;
mod sorter;
pub mod spill;
mod spool;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use append::{Added, EdgeIn, EndIn, NodeIn, Refused, Target};
pub use builder::BulkTrees;
pub(crate) use error::KEPT;
pub use error::{BulkError, End, OnDuplicate, OnError, Rejected, RowProblem};
pub use options::{BulkOptions, IdMode, Phase, Progress};
pub(crate) use resolve::NOBODY;
pub use row::{EdgeRow, NodeRow, Place, RowId};
pub(crate) use sorter::{Sorted, Sorter, Spill};
pub(crate) use spill::Scratch;
pub use spill::SpillError;

use crate::import::IndexTarget;
use crate::model::{Key, NodeId, Props, Value};
use crate::value;
use error::Rejects;
use log::{EdgeEntry, Name, NodeEntry, NodeLog};
use names::Names;
use options::Ticker;
use plain::EdgeRows;
use std::collections::BTreeMap;

/// A bulk load: takes rows, then writes trees, or adds the rows to a store ([`BulkOptions::on_duplicate`]).
///
/// Rows may come in any order; edges may come before their nodes.
#[derive(Debug)]
pub struct Bulk {
    options: BulkOptions,
    ticker: Ticker,
    scratch: Scratch,
    rejects: Rejects,
    labels: Names,
    types: Names,
    undirected: Vec<bool>,
    /// Where it was said last what a type is, apart from rows of edges.
    types_said: BTreeMap<u32, Place>,
    properties: Names,
    nodes: NodeLog,
    edges: EdgeRows,
    seen: Seen,
    indexes: Vec<WantedIndex>,
    /// The properties of the row at hand.
    props: Vec<u8>,
    /// Its ends, where they are called by keys.
    end_keys: [Vec<u8>; 2],
}

/// A property index that input asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct WantedIndex {
    /// What it is over.
    pub on: IndexTarget,
    /// The property's name.
    pub property: String,
    /// Whether no two may have the same value.
    pub unique: bool,
    /// Where that stood.
    pub place: Place,
}

/// What is known of all rows so far.
#[derive(Debug, Default)]
struct Seen {
    /// A name was a word.
    words: bool,
    /// The highest integer that names a node, or, where ends become nodes, an end.
    highest: Option<u64>,
    /// The last node row's integer.
    last_node: Option<u64>,
    /// A node row's integer was not above the one before, or came after a row without a name.
    unsorted: bool,
    /// Node rows without a name.
    nameless: u64,
    /// Ends of edges are called by keys.
    ends_by_key: bool,
    /// There are edge rows with properties.
    edge_props: bool,
    /// There are edge rows with a rank.
    ranks: bool,
    /// There are edge rows without one.
    rankless: bool,
}

impl Bulk {
    /// A load with no rows yet.
    pub fn new(mut options: BulkOptions) -> Bulk {
        let scratch = Scratch::new(options.temp_dir.clone());
        let log_budget = options.memory_budget / 8;
        // Half of the memory, for they are sorted by way of a copy. What is single changes wants all that a row says.
        let plain = if options.on_duplicate.is_some() { 0 } else { options.memory_budget / 2 };
        Bulk {
            ticker: Ticker::new(options.progress.take()),
            rejects: Rejects::new(options.on_error),
            labels: Names::new("label"),
            types: Names::new("edge type"),
            undirected: Vec::new(),
            types_said: BTreeMap::new(),
            properties: Names::new("property"),
            nodes: NodeLog::new(log_budget, &scratch),
            edges: EdgeRows::new(plain, 2 * log_budget, &scratch),
            seen: Seen::default(),
            indexes: Vec::new(),
            props: Vec::new(),
            end_keys: Default::default(),
            scratch,
            options,
        }
    }

    /// Takes a node.
    ///
    /// # Errors
    /// Reading or writing a temporary file fails; a row that cannot be taken, unless such are passed over;
    /// [`BulkError::Cancelled`].
    pub fn add_node(&mut self, row: NodeRow) -> Result<(), BulkError> {
        self.ticker.tick(Phase::Rows, 0)?;
        match self.check_node(&row) {
            Ok(label) => {
                self.see_node(&row);
                let id = row.id.as_ref().map(|id| name(id, &[]));
                let NodeRow { space, key, place, .. } = row;
                let entry = NodeEntry { space, id, label, key, props: &self.props, place };
                Ok(self.nodes.push(&entry)?)
            }
            Err(problem) => self.rejects.reject(row.place, problem),
        }
    }

    /// Takes an edge.
    ///
    /// # Errors
    /// Those of [`Bulk::add_node`].
    pub fn add_edge(&mut self, row: EdgeRow) -> Result<(), BulkError> {
        let undirected = Some(row.undirected);
        self.put_edge(row, undirected)
    }

    /// Takes an edge between nodes that are called by their ids, without rank and properties: what [`Bulk::add_edge`] takes
    /// too, for whoever has no row and need not make one. A load of nothing but such edges of one type is the fastest.
    ///
    /// ```
    /// use foliograph::bulk::{Bulk, BulkOptions, Place};
    /// let mut bulk = Bulk::new(BulkOptions { implicit_nodes: true, ..BulkOptions::default() });
    /// for (line, (from, to)) in (1..).zip([(1, 2), (2, 3), (1, 2)]) {
    ///     bulk.add_plain_edge((from, to), "link", Place { file: 0, line })?;
    /// }
    /// assert_eq!(bulk.rows(), (0, 3));
    /// # Ok::<(), foliograph::bulk::BulkError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Bulk::add_node`].
    pub fn add_plain_edge(
        &mut self,
        ends: (u64, u64),
        edge_type: &str,
        place: Place,
    ) -> Result<(), BulkError> {
        self.put_plain_edge(ends, edge_type, (false, Some(false)), place)
    }

    /// Takes many of them: the type is looked up once.
    pub(crate) fn add_plain_edges(
        &mut self,
        mut pairs: impl Iterator<Item = (u64, u64)>,
        edge_type: &str,
    ) -> Result<(), BulkError> {
        let place = Place::default();
        let Some(first) = pairs.next() else { return Ok(()) };
        self.add_plain_edge(first, edge_type, place)?;
        match self.edge_type(edge_type) {
            Ok(number) => pairs.try_for_each(|pair| self.push_plain_edge(pair, number, Some(false), place)),
            Err(_) => pairs.try_for_each(|pair| self.add_plain_edge(pair, edge_type, place)),
        }
    }

    /// The same for a type that is undirected, and what the row says of that, if something.
    #[inline]
    fn put_plain_edge(
        &mut self,
        ends: (u64, u64),
        edge_type: &str,
        (undirected, said): (bool, Option<bool>),
        place: Place,
    ) -> Result<(), BulkError> {
        match self.edge_type(edge_type) {
            Ok(number) => {
                self.undirected[number as usize] |= undirected;
                self.push_plain_edge(ends, number, said, place)
            }
            Err(problem) => self.rejects.reject(place, problem),
        }
    }

    /// The same for a type by its number.
    #[inline]
    fn push_plain_edge(
        &mut self,
        (from, to): (u64, u64),
        edge_type: u32,
        undirected: Option<bool>,
        place: Place,
    ) -> Result<(), BulkError> {
        self.ticker.tick(Phase::Rows, 0)?;
        if let Err(problem) = check_int(from).and_then(|()| check_int(to)) {
            return self.rejects.reject(place, problem);
        }
        self.seen.rankless = true;
        if self.options.implicit_nodes {
            self.seen.highest = self.seen.highest.max(Some(from.max(to)));
        }
        if self.edges.push_plain((from, to), edge_type, place)? {
            return Ok(());
        }
        let (from, to) = ((0, Name::Int(from)), (0, Name::Int(to)));
        let entry = EdgeEntry { from, to, edge_type, undirected, rank: None, props: &[], place };
        Ok(self.edges.log()?.push(&entry)?)
    }

    /// Takes an edge that says this of its type, or nothing.
    pub(crate) fn put_edge(&mut self, row: EdgeRow, undirected: Option<bool>) -> Result<(), BulkError> {
        if let EdgeRow { from: (0, RowId::Int(from)), to: (0, RowId::Int(to)), rank: None, props, .. } = &row
            && props.is_empty()
        {
            let said = (row.undirected, undirected);
            return self.put_plain_edge((*from, *to), &row.edge_type, said, row.place);
        }
        self.ticker.tick(Phase::Rows, 0)?;
        match self.check_edge(&row) {
            Ok(edge_type) => {
                self.see_edge(&row);
                let from = (row.from.0, name(&row.from.1, &self.end_keys[0]));
                let to = (row.to.0, name(&row.to.1, &self.end_keys[1]));
                let EdgeRow { rank, place, .. } = row;
                let entry = EdgeEntry { from, to, edge_type, undirected, rank, props: &self.props, place };
                Ok(self.edges.log()?.push(&entry)?)
            }
            Err(problem) => self.rejects.reject(row.place, problem),
        }
    }

    /// Counts a row that the reader of the input could not make sense of, or ends the load with it.
    ///
    /// # Errors
    /// The row, unless such are passed over.
    pub fn reject(&mut self, place: Place, what: impl Into<String>) -> Result<(), BulkError> {
        self.rejects.reject(place, RowProblem::Input(what.into()))
    }

    /// Rows taken so far: nodes and edges.
    pub fn rows(&self) -> (u64, u64) {
        (self.nodes.len(), self.edges.len())
    }

    /// Whether a row can be taken; its label's number. Its properties are then in `self.props`.
    fn check_node(&mut self, row: &NodeRow) -> Result<u32, RowProblem> {
        match &row.id {
            Some(id @ RowId::Key(..)) => return Err(RowProblem::NamedByKey(id.to_string())),
            Some(id) => self.check_id(id)?,
            None => {}
        }
        match &row.key {
            Some(Key::Text(text)) if text.len() > Key::MAX_LEN => {
                return Err(RowProblem::KeyTooLong(text.len()));
            }
            _ => {}
        }
        self.take_props(&row.props)?;
        self.labels.number(&row.label)
    }

    fn check_edge(&mut self, row: &EdgeRow) -> Result<u32, RowProblem> {
        self.check_id(&row.from.1)?;
        self.check_id(&row.to.1)?;
        for (end, (_, id)) in [&row.from, &row.to].into_iter().enumerate() {
            if let RowId::Key(label, key) = id {
                self.end_keys[end].clear();
                nodes::put_label_and_key(self.labels.number(label)?, key, &mut self.end_keys[end]);
            }
        }
        self.take_props(&row.props)?;
        let number = self.edge_type(&row.edge_type)?;
        self.undirected[number as usize] |= row.undirected;
        Ok(number)
    }

    fn edge_type(&mut self, name: &str) -> Result<u32, RowProblem> {
        let number = self.types.number(name)?;
        if number as usize == self.undirected.len() {
            self.undirected.push(self.options.undirected);
        }
        Ok(number)
    }

    /// Makes an edge type, which need have no edges, and says whether it is undirected.
    ///
    /// # Errors
    /// Those of [`Bulk::add_node`].
    pub fn set_edge_type(&mut self, name: &str, undirected: bool, place: Place) -> Result<(), BulkError> {
        match self.edge_type(name) {
            Ok(number) => {
                self.undirected[number as usize] = undirected;
                self.types_said.insert(number, place);
                Ok(())
            }
            Err(problem) => self.rejects.reject(place, problem),
        }
    }

    /// Asks for a property index, which is made when everything is loaded.
    pub fn add_index(&mut self, index: WantedIndex) {
        self.indexes.push(index);
    }

    /// Whether the rows are for a store that may hold something already.
    pub(crate) fn appends(&self) -> bool {
        self.options.on_duplicate.is_some()
    }

    /// How it is to go; the callback is taken out.
    pub(crate) fn options(&self) -> &BulkOptions {
        &self.options
    }

    /// Whether names are words, as far as rows have shown.
    pub fn names_are_words(&self) -> bool {
        self.seen.words || self.options.ids == IdMode::Key
    }

    /// The id that comes after all that rows named so far: what a node that is added next would get.
    pub fn next_id(&self) -> u64 {
        self.seen.highest.map_or(0, |id| id + 1)
    }

    fn check_id(&self, id: &RowId) -> Result<(), RowProblem> {
        match id {
            RowId::Int(id) => check_int(*id),
            RowId::Word(word) if self.options.ids == IdMode::Int => {
                Err(RowProblem::NotAnInteger(word.clone()))
            }
            // Words may become keys of nodes that only edges name.
            RowId::Word(word) if word.len() > Key::MAX_LEN => Err(RowProblem::KeyTooLong(word.len())),
            RowId::Key(_, Key::Text(text)) if text.len() > Key::MAX_LEN => {
                Err(RowProblem::KeyTooLong(text.len()))
            }
            _ => Ok(()),
        }
    }

    /// Turns properties into bytes, by number.
    fn take_props(&mut self, props: &Props) -> Result<(), RowProblem> {
        self.props.clear();
        if props.is_empty() {
            return Ok(());
        }
        let mut numbered = Vec::with_capacity(props.len());
        for (name, value) in props {
            // In a new store there is nothing that null could remove.
            if *value == Value::Null && !self.appends() {
                continue;
            }
            value::check(value).map_err(|e| RowProblem::BadValue(name.clone(), e))?;
            numbered.push((self.properties.number(name)?, value));
        }
        numbered.sort_by_key(|(number, _)| *number);
        if let Some(twice) = numbered.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(RowProblem::DuplicateProperty(self.properties.name(twice[0].0).to_owned()));
        }
        for (number, value) in numbered {
            value::put_varint(number.into(), &mut self.props);
            value::encode(value, &mut self.props);
        }
        Ok(())
    }

    fn see_node(&mut self, row: &NodeRow) {
        let seen = &mut self.seen;
        match row.id {
            None => seen.nameless += 1,
            Some(RowId::Word(_)) => seen.words = true,
            // Was refused.
            Some(RowId::Key(..)) => {}
            Some(RowId::Int(id)) => {
                seen.unsorted |= seen.nameless > 0 || seen.last_node.is_some_and(|last| last >= id);
                seen.last_node = Some(id);
                seen.highest = seen.highest.max(Some(id));
            }
        }
    }

    fn see_edge(&mut self, row: &EdgeRow) {
        let seen = &mut self.seen;
        seen.ranks |= row.rank.is_some();
        seen.rankless |= row.rank.is_none();
        seen.edge_props |= !row.props.is_empty();
        for (_, end) in [&row.from, &row.to] {
            match end {
                RowId::Word(_) => seen.words = true,
                RowId::Key(..) => seen.ends_by_key = true,
                RowId::Int(id) if self.options.implicit_nodes => {
                    seen.highest = seen.highest.max(Some(*id));
                }
                RowId::Int(_) => {}
            }
        }
    }
}

fn check_int(id: u64) -> Result<(), RowProblem> {
    if id > NodeId::MAX.0 { Err(RowProblem::IdOutOfRange(id)) } else { Ok(()) }
}

/// `key` is what the key index has for a name that is a key.
fn name<'a>(id: &'a RowId, key: &'a [u8]) -> Name<'a> {
    match id {
        RowId::Int(id) => Name::Int(*id),
        RowId::Word(word) => Name::Word(word),
        RowId::Key(..) => Name::Key(key),
    }
}
