//! LMDB through heed, edges as sorted pairs: the key is the source, its sorted duplicates of fixed size the targets.
//!
//! LMDB's own form for this: a target takes four bytes in the page (the pair as one key of eight takes 18), a source once
//! eight more, and appending sorted pairs fills pages to the end.

use super::lmdb::{Lmdb, Nodes, Pairs};
use crate::Result;
use crate::graph::Edge;
use crate::peer::{Lists, Node, Peer, Place, reversed, sorted};
use heed::{DatabaseFlags, PutFlags, RoTxn, WithoutTls};

/// The store.
pub struct HeedSorted {
    env: Lmdb,
    out: Pairs,
    into: Pairs,
    nodes: Nodes,
}

fn append(env: &Lmdb, table: Pairs, edges: &[Edge]) -> Result<()> {
    let mut txn = env.write()?;
    for (source, target) in edges {
        table.put_with_flags(&mut txn, PutFlags::APPEND_DUP, source, target)?;
    }
    Ok(txn.commit()?)
}

impl Peer for HeedSorted {
    type Reader<'a> = Reader<'a>;

    fn settings(_: &Place) -> String {
        "LMDB, DUPSORT of fixed size, integer keys; synced commits; cache: the kernel's".to_owned()
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
        let flags = DatabaseFlags::DUP_SORT | DatabaseFlags::DUP_FIXED;
        let (out, into) = (env.table("out", flags)?, env.table("in", flags)?);
        let nodes = Nodes::open(&env)?;
        Ok(HeedSorted { out, into, nodes, env })
    }

    fn reader(&self) -> Result<Reader<'_>> {
        Ok(Reader { store: self, txn: self.env.read()?, buffer: Vec::new() })
    }

    fn insert(&mut self, edges: &[Edge]) -> Result<()> {
        let mut txn = self.env.write()?;
        for (source, target) in edges {
            self.out.put(&mut txn, source, target)?;
            self.into.put(&mut txn, target, source)?;
        }
        Ok(txn.commit()?)
    }

    fn delete(&mut self, edges: &[Edge]) -> Result<()> {
        let mut txn = self.env.write()?;
        for (source, target) in edges {
            self.out.delete_one_duplicate(&mut txn, source, target)?;
            self.into.delete_one_duplicate(&mut txn, target, source)?;
        }
        Ok(txn.commit()?)
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
    store: &'a HeedSorted,
    txn: RoTxn<'a, WithoutTls>,
    buffer: Vec<u32>,
}

impl Reader<'_> {
    fn fill(&mut self, table: Pairs, vertex: u32) -> Result<&[u32]> {
        self.buffer.clear();
        if let Some(pairs) = table.get_duplicates(&self.txn, &vertex)? {
            for pair in pairs {
                self.buffer.push(pair?.1);
            }
        }
        Ok(&self.buffer)
    }
}

impl Lists for Reader<'_> {
    type Id = u32;

    fn list(&mut self, vertex: u32, mut visit: impl FnMut(&[u32])) -> Result<()> {
        visit(self.fill(self.store.out, vertex)?);
        Ok(())
    }

    fn incoming(&mut self, vertex: u32, mut visit: impl FnMut(&[u32])) -> Result<()> {
        visit(self.fill(self.store.into, vertex)?);
        Ok(())
    }

    fn scan(&mut self, mut visit: impl FnMut(u32, &[u32])) -> Result<()> {
        for pair in self.store.out.iter(&self.txn)? {
            let (source, target) = pair?;
            visit(source, &[target]);
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
