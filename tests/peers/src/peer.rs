//! What a store has to offer to be measured: one small trait for stores, one for readers.
//!
//! Must always be true: what [`Peer::load`], [`Peer::insert`] and [`Peer::delete`] did is durable when they return, with
//! nothing switched off that makes it so; edges are kept by source and by target; lists ascend.

use crate::Result;
use crate::graph::Edge;
use crate::rng::mix;
use std::path::PathBuf;

/// Where a store is, and how it is opened.
#[derive(Clone, Debug)]
pub struct Place {
    /// The peer's name, for those that come in several kinds.
    pub peer: String,
    /// A directory of the store's own; it is there.
    pub dir: PathBuf,
    /// What may be in memory.
    pub cache: Cache,
    /// Bytes that the store may keep in memory, where it can be told.
    pub cache_bytes: u64,
    /// Ids are below this.
    pub nodes: u32,
}

/// What may be in memory.
#[derive(Copy, Clone, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Cache {
    /// Everything.
    All,
    /// A tenth of the file's bytes; what else the kernel keeps.
    Tenth,
    /// Nothing at first, then everything; lists are read in random order, so that read-ahead is of no use.
    Cold,
}

impl Place {
    /// A file in the directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// An id of a vertex as a store gives it.
pub trait Id: Copy {
    /// As a number.
    fn number(self) -> u32;
}

impl Id for u32 {
    fn number(self) -> u32 {
        self
    }
}

/// A store.
pub trait Peer: Sized {
    /// Reads one version of it.
    type Reader<'a>: Lists
    where
        Self: 'a;

    /// What it is set to: durability, caches, form.
    fn settings(place: &Place) -> String;

    /// A new store out of all edges, in any order, in the store's best way for this; whole, durable and closed.
    fn load(place: &Place, edges: &[Edge]) -> Result<()>;

    /// A new store without edges, to insert into.
    fn create(place: &Place) -> Result<Self>;

    /// A store that is there.
    fn open(place: &Place) -> Result<Self>;

    /// A reader, used for many questions.
    fn reader(&self) -> Result<Self::Reader<'_>>;

    /// Adds edges that are not there, in one transaction.
    fn insert(&mut self, edges: &[Edge]) -> Result<()>;

    /// Deletes edges that are there, in one transaction.
    fn delete(&mut self, edges: &[Edge]) -> Result<()>;

    /// Puts everything into its final place, and gives space back if the store can; says how.
    fn checkpoint(&mut self) -> Result<&'static str>;

    /// Closes it, cleanly.
    fn close(self) -> Result<()>;

    /// A new store of nodes: each with its id, a string key and a value; whole, durable and closed.
    fn load_nodes(place: &Place, nodes: &[Node]) -> Result<()>;
}

/// A node: not of the graph, but of a store of nodes.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its id: its place in the list.
    pub id: u32,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: u64,
}

impl Node {
    /// The node with this id.
    pub fn of(id: u32) -> Node {
        let value = mix(u64::from(id) + 1);
        Node { id, key: format!("person-{:016x}", mix(value)), value }
    }
}

/// Distance in edges of every vertex from the source; [`FAR`] where there is none.
pub type Distances = Vec<u32>;

/// Gives the distances that a search found: to put them into this form is no part of the search.
pub type Found = Box<dyn FnOnce() -> Distances>;

/// No distance.
pub const FAR: u32 = u32::MAX;

/// Reads the lists of a store.
pub trait Lists {
    /// How ids come.
    type Id: Id;

    /// Lends the list of a vertex: where its edges lead.
    fn list(&mut self, vertex: u32, visit: impl FnMut(&[Self::Id])) -> Result<()>;

    /// Lends the list of a vertex: where the edges to it come from.
    fn incoming(&mut self, vertex: u32, visit: impl FnMut(&[Self::Id])) -> Result<()>;

    /// Lists of vertices of which the next is not known before the one before it was read.
    fn one_by_one(&mut self, vertices: &[u32], mut visit: impl FnMut(&[Self::Id])) -> Result<()> {
        vertices.iter().try_for_each(|vertex| self.list(*vertex, &mut visit))
    }

    /// The lists of many vertices, in their order.
    fn lists(&mut self, vertices: &[u32], mut visit: impl FnMut(u32, &[Self::Id])) -> Result<()> {
        vertices.iter().try_for_each(|vertex| self.list(*vertex, |list| visit(*vertex, list)))
    }

    /// All edges in order, as lists or parts of lists.
    fn scan(&mut self, visit: impl FnMut(u32, &[Self::Id])) -> Result<()>;

    /// Distances from a vertex, top-down, level by level.
    fn bfs(&mut self, nodes: u32, source: u32) -> Result<Found> {
        let mut distances = vec![FAR; nodes as usize];
        // A bit a vertex stays in the processor's cache where a word does not.
        let mut seen = vec![0u64; nodes as usize / 64 + 1];
        distances[source as usize] = 0;
        seen[source as usize / 64] |= 1 << (source % 64);
        let mut frontier = vec![source];
        for distance in 1.. {
            let mut next = Vec::new();
            self.lists(&frontier, |_, list| {
                for id in list {
                    let id = id.number();
                    let (word, bit) = (&mut seen[id as usize / 64], 1 << (id % 64));
                    if *word & bit == 0 {
                        *word |= bit;
                        distances[id as usize] = distance;
                        next.push(id);
                    }
                }
            })?;
            if next.is_empty() {
                break;
            }
            // Ascending: pages are met once a level, and those at hand first.
            next.sort_unstable();
            frontier = next;
        }
        Ok(Box::new(|| distances))
    }

    /// The same by a search that may go bottom-up; `None` for those that have none.
    fn bfs_both_ways(&mut self, _nodes: u32, _source: u32) -> Result<Option<Found>> {
        Ok(None)
    }

    /// The value of a node.
    fn by_id(&mut self, id: u32) -> Result<Option<u64>>;

    /// The id of a node.
    fn by_key(&mut self, key: &str) -> Result<Option<u32>>;
}

/// Turns edges round, as a store by target has them.
pub fn reversed(edges: &[Edge]) -> Vec<Edge> {
    edges.iter().map(|(source, target)| (*target, *source)).collect()
}

/// Edges in order: what sorted input is for stores that load it best. Sorting is a part of loading.
pub fn sorted(mut edges: Vec<Edge>) -> Vec<Edge> {
    edges.sort_unstable();
    edges
}

/// Runs of edges with the same source.
pub fn runs(edges: &[Edge]) -> impl Iterator<Item = (u32, &[Edge])> {
    edges.chunk_by(|a, b| a.0 == b.0).map(|run| (run[0].0, run))
}
