//! What a run knows of its store: a small graph in memory, and which versions of it may be there after reopening.
//!
//! Must always be true: what a commit changes follows from its number and from the graph before it alone.

use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::pager::ReadPages;
use foliograph::{Direction, IndexOn, NodeId, ReadError, Reader, WriteError, WriteTransaction, props};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Nodes by key with their texts; edges by the keys of their ends with their numbers, ascending; whether there are indexes
/// over the beginnings of texts, and over the numbers, of which no two are equal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    pub nodes: BTreeMap<String, String>,
    pub edges: BTreeMap<(String, String), Vec<i64>>,
    pub indexed: bool,
}

const TEXTS: (IndexOn<'_>, &str, bool) = (IndexOn::Label("n"), "begins", false);
const NUMBERS: (IndexOn<'_>, &str, bool) = (IndexOn::EdgeType("e"), "number", true);

/// What of a text is indexed.
fn beginning(text: &str) -> String {
    text.chars().take(200).collect()
}

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    Put(String, String),
    Link(String, String, i64),
    Delete(String),
    MakeIndexes,
    /// Says how the first of them would be violated, which must be refused; then drops both.
    DropIndexes,
}

/// What a commit is like.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Two nodes and an edge.
    Small,
    /// A value over several pages.
    Long,
    /// A record over many blocks of the log.
    Huge,
    /// More than the memory that changes are given.
    Many,
    /// Half of the nodes go.
    DeleteHalf,
    /// All nodes go.
    DeleteAll,
    /// Indexes are made over what is there, between two nodes and an edge.
    Index,
    /// They are dropped, with an edge before and behind.
    Unindex,
}

fn text(rng: &mut Rng, len: usize) -> String {
    (0..len).map(|_| char::from(b'a' + rng.below(26) as u8)).collect()
}

impl Graph {
    /// The changes of commit `n` on this graph.
    pub fn changes(&self, n: u64, kind: Kind) -> Vec<Change> {
        let rng = &mut Rng::new(0xfa17 + n);
        let mut keys: Vec<String> = self.nodes.keys().cloned().collect();
        let mut out = Vec::new();
        let (count, len) = match kind {
            Kind::Small | Kind::Index | Kind::Unindex => (2, 60),
            Kind::Long => (1, 9000),
            Kind::Many => (20, 900),
            Kind::Huge => (1, 40_000),
            Kind::DeleteHalf | Kind::DeleteAll => {
                let keep = |i: usize| kind == Kind::DeleteHalf && i.is_multiple_of(2);
                let gone = keys.into_iter().enumerate().filter(|(i, _)| !keep(*i));
                return gone.map(|(_, key)| Change::Delete(key)).collect();
            }
        };
        for i in 0..count {
            let key = match keys.is_empty() || rng.chance(3, 4) {
                true => format!("k{n}-{i}"),
                false => keys[rng.index(keys.len())].clone(),
            };
            out.push(Change::Put(key.clone(), text(rng, len)));
            keys.push(key.clone());
            let other = keys[rng.index(keys.len())].clone();
            out.push(Change::Link(key, other, (n * 1000 + i) as i64));
        }
        // A commit before this one may have failed: what it would have made or dropped is as it was.
        match kind {
            Kind::Index if !self.indexed => out.insert(2, Change::MakeIndexes),
            Kind::Unindex if self.indexed => out.insert(2, Change::DropIndexes),
            _ => {}
        }
        out
    }

    /// The graph after these changes.
    pub fn after(&self, changes: &[Change]) -> Graph {
        let mut next = self.clone();
        for change in changes {
            match change {
                Change::Put(key, text) => drop(next.nodes.insert(key.clone(), text.clone())),
                Change::Link(from, to, number) => {
                    next.edges.entry((from.clone(), to.clone())).or_default().push(*number);
                }
                Change::Delete(key) => {
                    next.nodes.remove(key);
                    next.edges.retain(|(from, to), _| from != key && to != key);
                }
                Change::MakeIndexes => next.indexed = true,
                Change::DropIndexes => next.indexed = false,
            }
        }
        next
    }

    /// Makes the changes; what is asked of the transaction before each one must be as the graph says.
    pub fn make(&self, tx: &mut WriteTransaction, changes: &[Change]) -> Result<(), WriteError> {
        let id = |tx: &WriteTransaction, key: &String| -> Result<NodeId, WriteError> {
            Ok(tx.node("n", key.clone())?.unwrap_or_else(|| panic!("node {key} is not found")))
        };
        for change in changes {
            match change {
                Change::Put(key, text) => {
                    let props = props! { "text" => text.clone(), "begins" => beginning(text) };
                    tx.upsert_node("n", key.clone(), props)?;
                }
                Change::Link(from, to, number) => {
                    let (from, to) = (id(tx, from)?, id(tx, to)?);
                    tx.add_edge(from, "e", to, props! { "number" => *number })?;
                }
                Change::Delete(key) => {
                    let node = id(tx, key)?;
                    tx.delete_node(node, true)?;
                }
                Change::MakeIndexes => {
                    for (on, property, unique) in [TEXTS, NUMBERS] {
                        tx.create_index(on, property, unique)?;
                    }
                }
                Change::DropIndexes => {
                    refused_twin(tx)?;
                    for (on, property, _) in [TEXTS, NUMBERS] {
                        tx.drop_index(on, property)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads everything; the key index must lead to every node.
    pub fn read<R: ReadPages>(reader: &Reader<R>) -> Result<Graph, ReadError> {
        let (mut graph, mut keys) = (Graph::default(), HashMap::new());
        for node in reader.all_nodes() {
            let node = node?;
            let key = node.key.as_ref().expect("all nodes have keys").to_string();
            let found = reader.node("n", key.clone())?;
            assert_eq!(found, Some(node.id), "key {key} leads elsewhere");
            let text = reader.get::<String>(node.id, "text")?.expect("all nodes have texts");
            keys.insert(node.id, key.clone());
            graph.nodes.insert(key, text);
        }
        for edge in reader.all_edges() {
            let edge = edge?;
            let number = reader.get_edge::<i64>(edge, "number")?.expect("all edges have numbers");
            let ends = (keys[&edge.source].clone(), keys[&edge.target].clone());
            graph.edges.entry(ends).or_default().push(number);
        }
        graph.indexed = graph.read_indexes(reader, &keys)?;
        Ok(graph)
    }

    /// What the indexes answer is what was read; says whether there are any.
    fn read_indexes<R: ReadPages>(
        &self,
        reader: &Reader<R>,
        keys: &HashMap<NodeId, String>,
    ) -> Result<bool, ReadError> {
        let there: Vec<_> = reader.indexes().map(|index| (index.on, index.property, index.unique)).collect();
        if there.is_empty() {
            return Ok(false);
        }
        assert_eq!(there, [TEXTS, NUMBERS]);
        let mut texts = Vec::new();
        for node in reader.nodes("n").with("begins", ..) {
            texts.push(&self.nodes[&keys[&node?]]);
        }
        assert!(texts.is_sorted_by_key(|text| beginning(text)) && texts.len() == self.nodes.len());
        let mut numbers = Vec::new();
        for edge in reader.edges("e").with("number", ..) {
            numbers.push(reader.get_edge::<i64>(edge?, "number")?.expect("it is indexed"));
        }
        let mut wanted: Vec<i64> = self.edges.values().flatten().copied().collect();
        wanted.sort_unstable();
        assert!(numbers == wanted, "the index has the numbers {numbers:?}");
        Ok(true)
    }

    /// Asks for a few things that are there and one that is not. An answer that is wrong is a panic, for only an error
    /// may stand in its place.
    pub fn look<R: ReadPages>(&self, reader: &Reader<R>, rng: &mut Rng) -> Result<(), ReadError> {
        assert_eq!(reader.node("n", "nobody")?, None);
        for _ in 0..2.min(self.nodes.len()) {
            let (key, text) = self.nodes.iter().nth(rng.index(self.nodes.len())).expect("below the length");
            let node = reader.node("n", key.clone())?;
            let node = node.unwrap_or_else(|| panic!("node {key} is not found"));
            assert_eq!(reader.get::<String>(node, "text")?.as_ref(), Some(text), "text of {key}");
            for (direction, mine) in [(Direction::Out, true), (Direction::In, false)] {
                let there = |ends: &(String, String)| if mine { ends.0 == *key } else { ends.1 == *key };
                let wanted: usize = self.edges.iter().filter(|(e, _)| there(e)).map(|(_, n)| n.len()).sum();
                let found = reader.neighbors(node).direction(direction).into_iter();
                let found = found.collect::<Result<Vec<_>, _>>()?.len();
                assert_eq!(found, wanted, "edges of {key}, {direction:?}");
            }
            if self.indexed {
                let found = reader.nodes("n").with("begins", beginning(text)).into_iter();
                let found = found.collect::<Result<Vec<_>, _>>()?;
                assert!(found.contains(&node), "{key} is not found by its text");
            }
        }
        Ok(())
    }
}

/// A number that an edge has already: an edge with it is refused, and nothing comes of it.
fn refused_twin(tx: &mut WriteTransaction) -> Result<(), WriteError> {
    let Some(taken) = tx.edges("e").with("number", ..).first()? else { return Ok(()) };
    let number = tx.get_edge::<i64>(taken, "number")?.expect("it is indexed");
    match tx.add_edge(taken.source, "e", taken.target, props! { "number" => number }) {
        Err(WriteError::NotUnique { .. }) => Ok(()),
        Ok(twin) => panic!("{twin:?} has the number of {taken:?}"),
        Err(e) => Err(e),
    }
}

/// The versions that may be there.
#[derive(Clone, Debug)]
pub struct Known {
    /// From the last one that is durable for certain to the last one that was asked for.
    states: Vec<Arc<Graph>>,
    /// What readers get.
    published: usize,
    /// What the next commit builds on.
    newest: usize,
}

impl Default for Known {
    fn default() -> Self {
        Known { states: vec![Arc::default()], published: 0, newest: 0 }
    }
}

impl Known {
    pub fn published(&self) -> Arc<Graph> {
        self.states[self.published].clone()
    }

    pub fn newest(&self) -> Arc<Graph> {
        self.states[self.newest].clone()
    }

    /// A commit was handed over; returns its place. It is neither acknowledged nor failed.
    pub fn submitted(&mut self, graph: Graph) -> usize {
        self.states.truncate(self.newest + 1);
        self.states.push(Arc::new(graph));
        self.newest += 1;
        self.newest
    }

    /// The commit at this place, and all before it, were acknowledged.
    pub fn acknowledged(&mut self, place: usize) {
        self.published = self.published.max(place);
    }

    /// A commit failed in such a way that it may be there after reopening; nothing is committed after it.
    pub fn doubted(&mut self, graph: Graph) {
        self.states.push(Arc::new(graph));
    }

    /// All that was acknowledged is durable.
    pub fn durable(&mut self) {
        self.states.drain(..self.published);
        self.newest -= self.published;
        self.published = 0;
    }

    /// Whether a store that was opened again may hold this.
    pub fn allows(&self, found: &Graph) -> bool {
        self.states.iter().any(|state| **state == *found)
    }

    /// How many states are possible.
    pub fn count(&self) -> usize {
        self.states.len()
    }
}
