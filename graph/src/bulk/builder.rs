//! The end of a bulk load: from rows to trees.
//!
//! In this order, because each step needs what the one before found out: ids and keys of declared nodes, ends of edges,
//! the key index, edges in both directions, nodes last (which of them there are may follow from the edges).
//!
//! Everything is written in the caller's transaction and is garbage until that commits a root that names it.

use super::error::{BulkError, OnError, Rejected};
use super::linker::{self, Edges, Plan};
use super::log::{self, NodeEntry, NodeLog};
use super::nodes::{KeyItem, NodeTable, free_ids};
use super::options::Phase;
use super::plain::EdgeRows;
use super::plain_linker;
use super::resolve::{self, Ends, Implied, Named, NodeNames, Room};
use super::row::Place;
use super::runs::{IdSpool, Ids};
use super::sorter::Spill;
use super::spill::SpillError;
use super::spool::Spool;
use super::{Bulk, WantedIndex};
use crate::btree::{Record, RecordLeaf, Tree, TreeBuilder};
use crate::catalog::{LabelInfo, TypeInfo};
use crate::model::Key;
use crate::node::{NodeLeaf, NodeRecord, NodeStore, Stored};
use crate::value::put_varint;
use storage_core::page::PageSize;
use storage_core::pager::{ReadPages, Transaction};

/// The trees of a new store, and what its catalog has to say.
#[derive(Debug)]
pub struct BulkTrees {
    /// Nodes by id.
    pub nodes: Tree<NodeLeaf>,
    /// Ids by label and key.
    pub keys: Tree<RecordLeaf>,
    /// Edges by source.
    pub out: Tree<crate::edge::page::EdgeLeaf<false>>,
    /// Edges by target.
    pub in_: Tree<crate::edge::page::EdgeLeaf<true>>,
    /// Properties of edges.
    pub edge_props: Tree<RecordLeaf>,
    /// Labels in the order of their numbers.
    pub labels: Vec<LabelInfo>,
    /// Edge types in the order of their numbers.
    pub edge_types: Vec<TypeInfo>,
    /// Property names in the order of their numbers.
    pub properties: Vec<String>,
    /// Nodes, all labels.
    pub node_count: u64,
    /// Edges, all types.
    pub edge_count: u64,
    /// The next id to be given.
    pub next_node_id: u64,
    /// Property indexes that are to be made when the trees stand.
    pub indexes: Vec<WantedIndex>,
    /// Whether rows that can not be taken are left out.
    pub on_error: OnError,
    /// The first ten rows that were left out, in input order.
    pub rejected: Vec<Rejected>,
    /// How many were.
    pub rejected_count: u64,
}

impl Bulk {
    /// Writes the trees. The caller puts them into the catalog and commits; if this fails, the transaction is to be
    /// dropped.
    ///
    /// # Errors
    /// [`BulkError`]: a row cannot be taken, and such are not passed over; a temporary file or a
    /// page failed; whoever watches said stop.
    pub fn finish(mut self, tx: &mut Transaction) -> Result<BulkTrees, BulkError> {
        self.ticker.tick(Phase::Naming, self.nodes.len())?;
        let room = Room { budget: self.options.memory_budget / 2, scratch: self.scratch.clone() };
        let mut edges = std::mem::replace(&mut self.edges, EdgeRows::new(0, 0, &self.scratch));
        let mut table = self.table(&room)?;
        let words = self.names_are_words();
        let names = match words {
            true => Some(NodeNames::words(&mut table, &room, &mut self.rejects)?),
            false => None,
        };
        let keys = resolve::keys(&mut table, &self.labels, &room, &mut self.rejects)?;
        let (ends, implied) = self.ends(names, (&table, &keys), &mut edges, &room)?;
        let (keys, implied_words) = self.key_tree(keys, implied, tx)?;
        let plan = self.plan(&table, &edges, tx.pager().page_size());
        let tools = (&self.labels, &mut self.rejects, &mut self.ticker);
        let edges = match edges.into_rows() {
            (Some(plain), _) => plain_linker::build(plain, ends, &plan, tools, tx)?,
            (None, log) => linker::build(log, ends, &plan, tools, tx)?,
        };
        let Edges { out, into, props, counts, ends } = edges;
        let nodes = self.node_tree(&table, ends, implied_words, tx)?;
        let (rejected_count, rejected) = self.rejects.finish();
        let types = self.types.into_names().into_iter().zip(counts).zip(self.undirected);
        let edge_types: Vec<_> =
            types.map(|((name, edges), undirected)| TypeInfo { name, edges, undirected }).collect();
        Ok(BulkTrees {
            nodes: nodes.tree,
            keys,
            out,
            in_: into,
            edge_props: props,
            node_count: nodes.labels.iter().map(|label| label.nodes).sum(),
            edge_count: edge_types.iter().map(|edge_type| edge_type.edges).sum(),
            labels: nodes.labels,
            edge_types,
            properties: self.properties.into_names(),
            next_node_id: nodes.next,
            indexes: self.indexes,
            on_error: self.options.on_error,
            rejected,
            rejected_count,
        })
    }

    /// The declared nodes by id.
    fn table(&mut self, room: &Room) -> Result<NodeTable, BulkError> {
        let log = std::mem::replace(&mut self.nodes, NodeLog::new(0, &self.scratch));
        if self.names_are_words() {
            return Ok(NodeTable::counted(log, room.budget));
        }
        let free = free_ids(self.seen.highest, self.seen.nameless)?;
        match self.seen.unsorted {
            false => Ok(NodeTable::ascending(log, free, room.budget)),
            true => NodeTable::sorted(log, free, room.budget, &room.scratch, &mut self.rejects),
        }
    }

    /// What the ends of edges are, and the nodes that follow from words in them.
    fn ends(
        &mut self,
        names: Option<NodeNames>,
        (table, keys): (&NodeTable, &Spool),
        edges: &mut EdgeRows,
        room: &Room,
    ) -> Result<(Ends, Option<Implied>), BulkError> {
        let implicit = self.options.implicit_nodes && edges.len() > 0;
        let (named, implied) = match names {
            None if implicit => (Named::Any, None),
            None => match resolve::known_ids(table, room)? {
                Some(ids) => (Named::Known(ids, 0), None),
                None => (resolve::found_ids(table, edges.log()?, room)?, None),
            },
            Some(names) => {
                let label = if implicit { Some(self.implied_label()?) } else { None };
                let (named, implied) = resolve::named_ends(&names, table, edges.log()?, label, room)?;
                (named, Some(implied))
            }
        };
        match self.seen.ends_by_key {
            true => Ok((Ends::by_keys(named, keys, edges.log()?, room)?, implied)),
            false => Ok((Ends::new(named), implied)),
        }
    }

    /// The number of the label of nodes that only edges name.
    fn implied_label(&mut self) -> Result<u32, BulkError> {
        let label = self.labels.number(&self.options.implicit_label);
        label.map_err(|problem| BulkError::Row { place: Place::default(), problem })
    }

    /// Memory for the edges: all that the rows do not take.
    fn plan(&self, table: &NodeTable, edges: &EdgeRows, size: PageSize) -> Plan {
        let budget = self.options.memory_budget;
        let taken = table.in_memory() + edges.in_memory() + budget / 4;
        Plan {
            budget: budget.saturating_sub(taken).max(budget / 4),
            whole: budget.saturating_sub(table.in_memory()),
            scratch: self.scratch.clone(),
            size,
            fill_percent: self.options.fill_percent,
            types: self.undirected.len(),
            props: self.seen.edge_props,
            ranks: self.seen.ranks,
            implied: self.options.implicit_nodes && !self.names_are_words(),
        }
    }

    fn builder<F: crate::btree::LeafFormat>(&self, tx: &Transaction) -> TreeBuilder<F> {
        Tree::builder(tx.pager().page_size(), self.options.fill_percent)
    }

    /// The key index: keys of declared nodes, and words of implied ones.
    fn key_tree(
        &mut self,
        declared: Spool,
        implied: Option<Implied>,
        tx: &mut Transaction,
    ) -> Result<(Tree<RecordLeaf>, Option<ImpliedWords>), BulkError> {
        let mut tree = self.builder::<RecordLeaf>(tx);
        let mut push = |tx: &mut Transaction, item: KeyItem| {
            let mut id = Vec::new();
            put_varint(item.id, &mut id);
            tree.push(tx, item.key.into(), Record::of_bytes(id))
        };
        let (mut words, mut implied_keys) = (None, None);
        if let Some(implied) = implied {
            words = Some(ImpliedWords { first: implied.first, words: implied.words });
            implied_keys = Some(implied.keys.finish()?.into_iter());
        }
        let mut declared = declared.cursor();
        let mut next_declared = || declared.next(KeyItem::decode);
        let mut next_implied = || implied_keys.as_mut().and_then(Iterator::next).transpose();
        let (mut a, mut b) = (next_declared()?, next_implied()?);
        loop {
            self.ticker.tick(Phase::Naming, 0)?;
            match (a, b) {
                (None, None) => break,
                (Some(x), Some(y)) if x.key == y.key => {
                    // A word that only edges use can not be left out without leaving out those edges.
                    let problem = resolve::duplicate_key(&x, &self.labels);
                    return Err(BulkError::Row { place: x.place, problem });
                }
                (Some(x), y) if y.as_ref().is_none_or(|y| x.key < y.key) => {
                    push(tx, x)?;
                    (a, b) = (next_declared()?, y);
                }
                (x, Some(y)) => {
                    push(tx, y)?;
                    (a, b) = (x, next_implied()?);
                }
                (Some(_), None) => unreachable!("the arm above takes it"),
            }
        }
        Ok((tree.finish(tx)?, words))
    }

    /// All nodes: declared ones, and those that follow from edges.
    fn node_tree(
        &mut self,
        table: &NodeTable,
        ends: Option<[IdSpool; 2]>,
        words: Option<ImpliedWords>,
        tx: &mut Transaction,
    ) -> Result<Nodes, BulkError> {
        let implied_label = match &ends {
            Some(ends) if !ends.iter().all(IdSpool::is_empty) => self.implied_label()?,
            _ if words.is_some() && self.options.implicit_nodes => self.implied_label()?,
            _ => 0,
        };
        let labels = std::mem::replace(&mut self.labels, super::names::Names::new("label")).into_names();
        let mut nodes = NodeWriter {
            store: NodeStore::new(tx.pager().clone()),
            tree: self.builder(tx),
            labels: labels.into_iter().map(|name| LabelInfo { name, ..Default::default() }).collect(),
            next: 0,
        };
        let total = table.len();
        let mut implied = ImpliedIds { ids: ends.as_ref().map(|ends| ends.each_ref().map(IdSpool::ids)) };
        table.replay(|id, entry| {
            self.ticker.tick(Phase::Nodes, total)?;
            while let Some(before) = implied.below(Some(id))? {
                nodes.push(tx, before, NodeRecord::plain(implied_label))?;
            }
            nodes.declared(tx, id, entry)
        })?;
        while let Some(id) = implied.below(None)? {
            self.ticker.tick(Phase::Nodes, total)?;
            nodes.push(tx, id, NodeRecord::plain(implied_label))?;
        }
        if let Some(ImpliedWords { mut first, words }) = words {
            words.replay(|reader| -> Result<(), BulkError> {
                self.ticker.tick(Phase::Nodes, total)?;
                let word = log::word(reader).map_err(SpillError::from)?;
                let key = Some(Key::Text(word.to_owned()));
                nodes.push(tx, first, NodeRecord { label: implied_label, key, props: Vec::new() })?;
                first += 1;
                Ok(())
            })?;
        }
        Ok(Nodes { tree: nodes.tree.finish(tx)?, labels: nodes.labels, next: nodes.next })
    }
}

/// Nodes that only edges name, by words.
struct ImpliedWords {
    first: u64,
    words: Spool,
}

/// Nodes that only edges name, by ids: sources and targets.
struct ImpliedIds<'a> {
    ids: Option<[Ids<'a>; 2]>,
}

impl ImpliedIds<'_> {
    /// The next id, if it is below `end`. An id equal to `end` is passed over.
    fn below(&mut self, end: Option<u64>) -> Result<Option<u64>, SpillError> {
        let Some(ids) = &mut self.ids else { return Ok(None) };
        let heads = [ids[0].peek()?, ids[1].peek()?];
        let Some(id) = heads.into_iter().flatten().min() else { return Ok(None) };
        if end.is_some_and(|end| id > end) {
            return Ok(None);
        }
        for (ids, head) in ids.iter_mut().zip(heads) {
            if head == Some(id) {
                ids.advance();
            }
        }
        Ok(if end == Some(id) { None } else { Some(id) })
    }
}

/// The tree of nodes, finished.
struct Nodes {
    tree: Tree<NodeLeaf>,
    labels: Vec<LabelInfo>,
    next: u64,
}

/// Writes nodes that come in order of id.
struct NodeWriter {
    store: NodeStore,
    tree: TreeBuilder<NodeLeaf>,
    labels: Vec<LabelInfo>,
    next: u64,
}

impl NodeWriter {
    fn declared(&mut self, tx: &mut Transaction, id: u64, entry: NodeEntry<'_>) -> Result<(), BulkError> {
        let props = log::props(entry.props).map_err(SpillError::from)?;
        let props = props.into_iter().map(|(number, value)| (number, Stored::Inline(value))).collect();
        let record = NodeRecord { label: entry.label, key: entry.key, props };
        let record = if record.is_plain() { record } else { self.store.prepare(tx, record)? };
        self.push(tx, id, record)
    }

    fn push(&mut self, tx: &mut Transaction, id: u64, record: NodeRecord) -> Result<(), BulkError> {
        let label = &mut self.labels[record.label as usize];
        label.nodes += 1;
        label.keyed += u64::from(record.key.is_some());
        self.next = id + 1;
        Ok(self.tree.push(tx, id, record)?)
    }
}
