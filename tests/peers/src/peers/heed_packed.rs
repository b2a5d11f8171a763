//! LMDB through heed, one value a vertex: its list as an array of four-byte ids, ascending.
//!
//! Plain ids and not gaps as varints: the value is lent out of the map as it is, without a copy or a decoder, which is
//! what LMDB is best at; varints would halve the file and cost a decoder's time on every read. A changed list is read,
//! changed and written whole.

use super::lmdb::{Lmdb, Nodes, Packed};
use crate::Result;
use crate::graph::Edge;
use crate::peer::{Id, Lists, Node, Peer, Place, reversed, runs, sorted};
use heed::{DatabaseFlags, PutFlags, RoTxn, RwTxn, WithoutTls};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, IntoBytes};

/// The store.
pub struct HeedPacked {
    env: Lmdb,
    out: Packed,
    into: Packed,
    nodes: Nodes,
}

impl Id for U32 {
    fn number(self) -> u32 {
        self.get()
    }
}

fn ids(value: &[u8]) -> Result<&[U32]> {
    <[U32]>::ref_from_bytes(value).map_err(|_| "a list is an array of ids".into())
}

fn append(env: &Lmdb, table: Packed, edges: &[Edge]) -> Result<()> {
    let mut txn = env.write()?;
    let mut list: Vec<U32> = Vec::new();
    for (source, run) in runs(edges) {
        list.clear();
        list.extend(run.iter().map(|edge| U32::new(edge.1)));
        table.put_with_flags(&mut txn, PutFlags::APPEND, &source, list.as_bytes())?;
    }
    Ok(txn.commit()?)
}

/// Changes the lists that these edges, in order, belong to.
fn change(
    txn: &mut RwTxn<'_>,
    table: Packed,
    edges: &[Edge],
    step: fn(&mut Vec<U32>, usize, u32),
) -> Result<()> {
    for (source, run) in runs(edges) {
        let mut list = match table.get(txn, &source)? {
            Some(value) => ids(value)?.to_vec(),
            None => Vec::new(),
        };
        for (_, target) in run {
            let at = list.partition_point(|id| id.get() < *target);
            step(&mut list, at, *target);
        }
        if list.is_empty() {
            table.delete(txn, &source)?;
        } else {
            table.put(txn, &source, list.as_bytes())?;
        }
    }
    Ok(())
}

impl HeedPacked {
    fn change(&mut self, edges: &[Edge], step: fn(&mut Vec<U32>, usize, u32)) -> Result<()> {
        let mut txn = self.env.write()?;
        change(&mut txn, self.out, &sorted(edges.to_vec()), step)?;
        change(&mut txn, self.into, &sorted(reversed(edges)), step)?;
        Ok(txn.commit()?)
    }
}

impl Peer for HeedPacked {
    type Reader<'a> = Reader<'a>;

    fn settings(_: &Place) -> String {
        "LMDB, a list of u32 a vertex, lent from the map; synced commits; cache: the kernel's".to_owned()
    }

    fn load(place: &Place, edges: &[Edge]) -> Result<()> {
        let store = Self::open(place)?;
        append(&store.env, store.out, &sorted(edges.to_vec()))?;
        append(&store.env, store.into, &sorted(reversed(edges)))?;
        store.close()
    }

    fn create(place: &Place) -> Result<Self> {
        Self::open(place)
    }

    fn open(place: &Place) -> Result<Self> {
        let env = Lmdb::open(place)?;
        let plain = DatabaseFlags::empty();
        let (out, into) = (env.table("out", plain)?, env.table("in", plain)?);
        let nodes = Nodes::open(&env)?;
        Ok(HeedPacked { out, into, nodes, env })
    }

    fn reader(&self) -> Result<Reader<'_>> {
        Ok(Reader { store: self, txn: self.env.read()? })
    }

    fn insert(&mut self, edges: &[Edge]) -> Result<()> {
        self.change(edges, |list, at, target| list.insert(at, U32::new(target)))
    }

    fn delete(&mut self, edges: &[Edge]) -> Result<()> {
        self.change(edges, |list, at, _| {
            list.remove(at);
        })
    }

    fn checkpoint(&mut self) -> Result<&'static str> {
        Ok("nothing: LMDB's file never shrinks")
    }

    fn close(self) -> Result<()> {
        drop(self);
        Ok(())
    }

    fn load_nodes(place: &Place, nodes: &[Node]) -> Result<()> {
        Nodes::load(place, nodes)
    }
}

/// Reads one version.
pub struct Reader<'a> {
    store: &'a HeedPacked,
    txn: RoTxn<'a, WithoutTls>,
}

impl Reader<'_> {
    fn lend(&self, table: Packed, vertex: u32) -> Result<&[U32]> {
        table.get(&self.txn, &vertex)?.map_or(Ok(&[]), ids)
    }
}

impl Lists for Reader<'_> {
    type Id = U32;

    fn list(&mut self, vertex: u32, mut visit: impl FnMut(&[U32])) -> Result<()> {
        visit(self.lend(self.store.out, vertex)?);
        Ok(())
    }

    fn incoming(&mut self, vertex: u32, mut visit: impl FnMut(&[U32])) -> Result<()> {
        visit(self.lend(self.store.into, vertex)?);
        Ok(())
    }

    fn scan(&mut self, mut visit: impl FnMut(u32, &[U32])) -> Result<()> {
        for entry in self.store.out.iter(&self.txn)? {
            let (vertex, value) = entry?;
            visit(vertex, ids(value)?);
        }
        Ok(())
    }

    fn by_id(&mut self, id: u32) -> Result<Option<u64>> {
        self.store.nodes.by_id(&self.txn, id)
    }

    fn by_key(&mut self, key: &str) -> Result<Option<u32>> {
        self.store.nodes.by_key(&self.txn, key)
    }
}
