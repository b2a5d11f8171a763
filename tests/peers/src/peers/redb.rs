//! redb: edges as sorted pairs, one table each way.
//!
//! redb has no bulk way: sorted pairs in one transaction are its fastest. A commit is durable when it returns
//! (`Durability::Immediate`, the default).

use crate::Result;
use crate::graph::Edge;
use crate::peer::{Lists, Node, Peer, Place, reversed, sorted};
use redb::{
    Builder, Database, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};

type Pairs = TableDefinition<'static, (u32, u32), ()>;

const OUT: Pairs = TableDefinition::new("out");
const IN: Pairs = TableDefinition::new("in");
const VALUES: TableDefinition<'static, u32, u64> = TableDefinition::new("values");
const KEYS: TableDefinition<'static, &str, u32> = TableDefinition::new("keys");

/// The store.
pub struct Redb {
    db: Database,
}

fn builder(place: &Place) -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(place.cache_bytes as usize);
    builder
}

fn append(txn: &WriteTransaction, pairs: Pairs, edges: &[Edge]) -> Result<()> {
    let mut table = txn.open_table(pairs)?;
    for edge in edges {
        table.insert(edge, ())?;
    }
    Ok(())
}

impl Peer for Redb {
    type Reader<'a> = Reader;

    fn settings(place: &Place) -> String {
        format!("pairs in order; {} KiB of cache; Durability::Immediate", place.cache_bytes >> 10)
    }

    fn load(place: &Place, edges: &[Edge]) -> Result<()> {
        let store = Self::create(place)?;
        let txn = store.db.begin_write()?;
        append(&txn, OUT, &sorted(edges.to_vec()))?;
        append(&txn, IN, &sorted(reversed(edges)))?;
        txn.commit()?;
        store.close()
    }

    fn create(place: &Place) -> Result<Self> {
        let db = builder(place).create(place.file("graph.redb"))?;
        let txn = db.begin_write()?;
        txn.open_table(OUT)?;
        txn.open_table(IN)?;
        txn.open_table(VALUES)?;
        txn.open_table(KEYS)?;
        txn.commit()?;
        Ok(Redb { db })
    }

    fn open(place: &Place) -> Result<Self> {
        Ok(Redb { db: builder(place).open(place.file("graph.redb"))? })
    }

    fn reader(&self) -> Result<Reader> {
        let txn = self.db.begin_read()?;
        let (out, into) = (txn.open_table(OUT)?, txn.open_table(IN)?);
        let (values, keys) = (txn.open_table(VALUES)?, txn.open_table(KEYS)?);
        Ok(Reader { out, into, values, keys, buffer: Vec::new() })
    }

    fn insert(&mut self, edges: &[Edge]) -> Result<()> {
        let txn = self.db.begin_write()?;
        append(&txn, OUT, edges)?;
        append(&txn, IN, &reversed(edges))?;
        Ok(txn.commit()?)
    }

    fn delete(&mut self, edges: &[Edge]) -> Result<()> {
        let txn = self.db.begin_write()?;
        for (pairs, edges) in [(OUT, edges.to_vec()), (IN, reversed(edges))] {
            let mut table = txn.open_table(pairs)?;
            for edge in edges {
                table.remove(edge)?;
            }
        }
        Ok(txn.commit()?)
    }

    fn checkpoint(&mut self) -> Result<&'static str> {
        self.db.compact()?;
        Ok("Database::compact")
    }

    fn close(self) -> Result<()> {
        Ok(self.db.close()?)
    }

    fn load_nodes(place: &Place, nodes: &[Node]) -> Result<()> {
        let store = Self::create(place)?;
        let txn = store.db.begin_write()?;
        {
            let mut values = txn.open_table(VALUES)?;
            for node in nodes {
                values.insert(node.id, node.value)?;
            }
            let mut keys = txn.open_table(KEYS)?;
            let mut by_key: Vec<&Node> = nodes.iter().collect();
            by_key.sort_unstable_by_key(|node| &node.key);
            for node in by_key {
                keys.insert(node.key.as_str(), node.id)?;
            }
        }
        txn.commit()?;
        store.close()
    }
}

/// Reads one version.
pub struct Reader {
    out: ReadOnlyTable<(u32, u32), ()>,
    into: ReadOnlyTable<(u32, u32), ()>,
    values: ReadOnlyTable<u32, u64>,
    keys: ReadOnlyTable<&'static str, u32>,
    buffer: Vec<u32>,
}

fn fill(table: &ReadOnlyTable<(u32, u32), ()>, vertex: u32, buffer: &mut Vec<u32>) -> Result<()> {
    buffer.clear();
    for pair in table.range((vertex, 0)..=(vertex, u32::MAX))? {
        buffer.push(pair?.0.value().1);
    }
    Ok(())
}

impl Lists for Reader {
    type Id = u32;

    fn list(&mut self, vertex: u32, mut visit: impl FnMut(&[u32])) -> Result<()> {
        fill(&self.out, vertex, &mut self.buffer)?;
        visit(&self.buffer);
        Ok(())
    }

    fn incoming(&mut self, vertex: u32, mut visit: impl FnMut(&[u32])) -> Result<()> {
        fill(&self.into, vertex, &mut self.buffer)?;
        visit(&self.buffer);
        Ok(())
    }

    fn scan(&mut self, mut visit: impl FnMut(u32, &[u32])) -> Result<()> {
        for pair in self.out.iter()? {
            let (source, target) = pair?.0.value();
            visit(source, &[target]);
        }
        Ok(())
    }

    fn by_id(&mut self, id: u32) -> Result<Option<u64>> {
        Ok(self.values.get(id)?.map(|value| value.value()))
    }

    fn by_key(&mut self, key: &str) -> Result<Option<u32>> {
        Ok(self.keys.get(key)?.map(|id| id.value()))
    }
}
