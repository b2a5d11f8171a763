//! The ceiling: compressed sparse rows in memory, both ways, four bytes an id. Not a store.
//!
//! Loading builds both sides by counting and writes them out as one file, durably; opening reads it whole. With
//! `PREFETCH`, lists that are asked for together are asked of memory ahead of time. Changes are kept in memory and the
//! rows are built anew by the next reader: that is not measured, but says what the others must hold afterwards.

use super::prefetch::prefetch;
use crate::Result;
use crate::graph::Edge;
use crate::peer::{Lists, Node, Peer, Place, reversed};
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Write};
use zerocopy::IntoBytes;

/// How many lists ahead their bounds, and then their first ids, are asked for.
const BOUNDS_AHEAD: usize = 24;
const IDS_AHEAD: usize = 12;

/// Rows: the ids of vertex `v` are `ids[bounds[v]..bounds[v + 1]]`.
#[derive(Default)]
struct Rows {
    bounds: Vec<u32>,
    ids: Vec<u32>,
}

impl Rows {
    fn build(nodes: u32, edges: &[Edge]) -> Rows {
        let mut bounds = vec![0u32; nodes as usize + 2];
        edges.iter().for_each(|edge| bounds[edge.0 as usize + 2] += 1);
        for at in 2..bounds.len() {
            bounds[at] += bounds[at - 1];
        }
        let mut ids = vec![0; edges.len()];
        for (source, target) in edges {
            let place = &mut bounds[*source as usize + 1];
            ids[*place as usize] = *target;
            *place += 1;
        }
        bounds.pop();
        for row in bounds.windows(2) {
            ids[row[0] as usize..row[1] as usize].sort_unstable();
        }
        Rows { bounds, ids }
    }

    fn of(&self, vertex: u32) -> &[u32] {
        let at = vertex as usize;
        &self.ids[self.bounds[at] as usize..self.bounds[at + 1] as usize]
    }
}

/// Rows both ways.
pub struct Csr<const PREFETCH: bool> {
    nodes: u32,
    /// All edges, once something was changed; and those that were deleted.
    edges: Vec<Edge>,
    gone: HashSet<Edge>,
    rows: OnceCell<(Rows, Rows)>,
    values: Vec<u64>,
    keys: HashMap<String, u32>,
}

impl<const PREFETCH: bool> Csr<PREFETCH> {
    fn over(nodes: u32, rows: OnceCell<(Rows, Rows)>) -> Self {
        let (edges, gone, values, keys) = Default::default();
        Csr { nodes, edges, gone, rows, values, keys }
    }

    fn rows(&self) -> &(Rows, Rows) {
        self.rows.get_or_init(|| {
            let edges = self.edges.iter().filter(|edge| !self.gone.contains(*edge)).copied().collect();
            both(self.nodes, edges)
        })
    }

    fn change(&mut self) {
        if let Some((out, _)) = self.rows.take() {
            let row = |vertex| out.of(vertex).iter().map(move |target| (vertex, *target));
            self.edges = (0..self.nodes).flat_map(row).collect();
            self.gone.clear();
        }
    }
}

fn both(nodes: u32, edges: Vec<Edge>) -> (Rows, Rows) {
    let out = Rows::build(nodes, &edges);
    let into = Rows::build(nodes, &reversed(&edges));
    (out, into)
}

fn words(file: &mut File, count: usize) -> Result<Vec<u32>> {
    let mut words = vec![0u32; count];
    file.read_exact(words.as_mut_bytes())?;
    Ok(words)
}

impl<const PREFETCH: bool> Peer for Csr<PREFETCH> {
    type Reader<'a> = Reader<'a, PREFETCH>;

    fn settings(_: &Place) -> String {
        format!("in memory, u32 ids, {} prefetch; no transactions", if PREFETCH { "with" } else { "without" })
    }

    fn load(place: &Place, edges: &[Edge]) -> Result<()> {
        let (out, into) = both(place.nodes, edges.to_vec());
        let mut file = File::create(place.file("rows"))?;
        file.write_all([place.nodes, edges.len() as u32].as_bytes())?;
        for part in [&out.bounds, &out.ids, &into.bounds, &into.ids] {
            file.write_all(part.as_bytes())?;
        }
        Ok(file.sync_all()?)
    }

    fn create(place: &Place) -> Result<Self> {
        Ok(Self::over(place.nodes, OnceCell::new()))
    }

    fn open(place: &Place) -> Result<Self> {
        let mut csr = Self::over(place.nodes, OnceCell::new());
        if let Ok(mut file) = File::open(place.file("rows")) {
            let [nodes, edges] = [words(&mut file, 1)?[0] as usize, words(&mut file, 1)?[0] as usize];
            let mut side = || -> Result<Rows> {
                Ok(Rows { bounds: words(&mut file, nodes + 1)?, ids: words(&mut file, edges)? })
            };
            csr.rows = OnceCell::from((side()?, side()?));
        }
        if let Ok(values) = std::fs::read(place.file("values")) {
            csr.values = values.as_chunks().0.iter().map(|bytes| u64::from_ne_bytes(*bytes)).collect();
            csr.keys = (0..csr.values.len() as u32).map(|id| (Node::of(id).key, id)).collect();
        }
        Ok(csr)
    }

    fn reader(&self) -> Result<Reader<'_, PREFETCH>> {
        let (out, into) = self.rows();
        Ok(Reader { out, into, values: &self.values, keys: &self.keys })
    }

    fn insert(&mut self, edges: &[Edge]) -> Result<()> {
        self.change();
        self.edges.extend_from_slice(edges);
        Ok(())
    }

    fn delete(&mut self, edges: &[Edge]) -> Result<()> {
        self.change();
        self.gone.extend(edges);
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<&'static str> {
        Ok("nothing")
    }

    fn close(self) -> Result<()> {
        Ok(())
    }

    fn load_nodes(place: &Place, nodes: &[Node]) -> Result<()> {
        let values: Vec<u8> = nodes.iter().flat_map(|node| node.value.to_ne_bytes()).collect();
        let mut file = File::create(place.file("values"))?;
        file.write_all(&values)?;
        Ok(file.sync_all()?)
    }
}

/// Reads the rows.
pub struct Reader<'a, const PREFETCH: bool> {
    out: &'a Rows,
    into: &'a Rows,
    values: &'a [u64],
    keys: &'a HashMap<String, u32>,
}

impl<const PREFETCH: bool> Lists for Reader<'_, PREFETCH> {
    type Id = u32;

    fn list(&mut self, vertex: u32, mut visit: impl FnMut(&[u32])) -> Result<()> {
        visit(self.out.of(vertex));
        Ok(())
    }

    fn incoming(&mut self, vertex: u32, mut visit: impl FnMut(&[u32])) -> Result<()> {
        visit(self.into.of(vertex));
        Ok(())
    }

    fn lists(&mut self, vertices: &[u32], mut visit: impl FnMut(u32, &[u32])) -> Result<()> {
        let Rows { bounds, ids } = self.out;
        for (at, vertex) in vertices.iter().enumerate() {
            if PREFETCH {
                if let Some(later) = vertices.get(at + BOUNDS_AHEAD) {
                    prefetch(bounds, *later as usize);
                }
                if let Some(soon) = vertices.get(at + IDS_AHEAD) {
                    prefetch(ids, bounds[*soon as usize] as usize);
                }
            }
            visit(*vertex, self.out.of(*vertex));
        }
        Ok(())
    }

    fn scan(&mut self, mut visit: impl FnMut(u32, &[u32])) -> Result<()> {
        let nodes = self.out.bounds.len() as u32 - 1;
        (0..nodes).for_each(|vertex| visit(vertex, self.out.of(vertex)));
        Ok(())
    }

    fn by_id(&mut self, id: u32) -> Result<Option<u64>> {
        Ok(self.values.get(id as usize).copied())
    }

    fn by_key(&mut self, key: &str) -> Result<Option<u32>> {
        Ok(self.keys.get(key).copied())
    }
}
