//! fjall: an LSM tree of sorted pairs each way; the key is source and target, big-endian, the value is nothing.
//!
//! Loaded by ingestion, which writes sorted tables at once, without a journal. Every batch is one atomic commit that is
//! synced (`PersistMode::SyncData`). A list is a scan of a prefix.

use crate::Result;
use crate::graph::Edge;
use crate::peer::{Lists, Node, Peer, Place, reversed, sorted};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};

/// The store.
pub struct Fjall {
    db: Database,
    out: Keyspace,
    into: Keyspace,
    values: Keyspace,
    keys: Keyspace,
}

fn pair((source, target): Edge) -> [u8; 8] {
    (u64::from(source) << 32 | u64::from(target)).to_be_bytes()
}

/// The second half of a pair.
fn second(key: &[u8]) -> Result<u32> {
    Ok(u32::from_be_bytes(key.get(4..8).ok_or("a key is a pair")?.try_into()?))
}

fn ingest(keyspace: &Keyspace, edges: &[Edge]) -> Result<()> {
    let mut ingestion = keyspace.start_ingestion()?;
    for edge in edges {
        ingestion.write(pair(*edge), [])?;
    }
    Ok(ingestion.finish()?)
}

impl Peer for Fjall {
    type Reader<'a> = Reader<'a>;

    fn settings(place: &Place) -> String {
        format!(
            "pairs as keys, LZ4 (default), {} KiB of cache, PersistMode::SyncData",
            place.cache_bytes >> 10
        )
    }

    fn load(place: &Place, edges: &[Edge]) -> Result<()> {
        let store = Self::open(place)?;
        ingest(&store.out, &sorted(edges.to_vec()))?;
        ingest(&store.into, &sorted(reversed(edges)))?;
        store.close()
    }

    fn create(place: &Place) -> Result<Self> {
        Self::open(place)
    }

    fn open(place: &Place) -> Result<Self> {
        let db = Database::builder(&place.dir).cache_size(place.cache_bytes).open()?;
        let keyspace = |name| db.keyspace(name, KeyspaceCreateOptions::default);
        let (out, into) = (keyspace("out")?, keyspace("in")?);
        let (values, keys) = (keyspace("values")?, keyspace("keys")?);
        Ok(Fjall { db, out, into, values, keys })
    }

    fn reader(&self) -> Result<Reader<'_>> {
        Ok(Reader { store: self, snapshot: self.db.snapshot(), buffer: Vec::new() })
    }

    fn insert(&mut self, edges: &[Edge]) -> Result<()> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        for (source, target) in edges {
            batch.insert(&self.out, pair((*source, *target)), []);
            batch.insert(&self.into, pair((*target, *source)), []);
        }
        Ok(batch.commit()?)
    }

    fn delete(&mut self, edges: &[Edge]) -> Result<()> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        for (source, target) in edges {
            batch.remove(&self.out, pair((*source, *target)));
            batch.remove(&self.into, pair((*target, *source)));
        }
        Ok(batch.commit()?)
    }

    fn checkpoint(&mut self) -> Result<&'static str> {
        for keyspace in [&self.out, &self.into] {
            keyspace.rotate_memtable_and_wait()?;
            keyspace.major_compact()?;
        }
        Ok("the tables in memory flushed, then a major compaction")
    }

    fn close(self) -> Result<()> {
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }

    fn load_nodes(place: &Place, nodes: &[Node]) -> Result<()> {
        let store = Self::open(place)?;
        let mut values = store.values.start_ingestion()?;
        for node in nodes {
            values.write(node.id.to_be_bytes(), node.value.to_be_bytes())?;
        }
        values.finish()?;
        let mut by_key: Vec<&Node> = nodes.iter().collect();
        by_key.sort_unstable_by_key(|node| &node.key);
        let mut keys = store.keys.start_ingestion()?;
        for node in by_key {
            keys.write(node.key.as_str(), node.id.to_be_bytes())?;
        }
        keys.finish()?;
        store.close()
    }
}

/// Reads one version.
pub struct Reader<'a> {
    store: &'a Fjall,
    snapshot: Snapshot,
    buffer: Vec<u32>,
}

impl Reader<'_> {
    fn fill(&mut self, keyspace: &Keyspace, vertex: u32) -> Result<&[u32]> {
        self.buffer.clear();
        for entry in self.snapshot.prefix(keyspace, vertex.to_be_bytes()) {
            self.buffer.push(second(&entry.key()?)?);
        }
        Ok(&self.buffer)
    }
}

impl Lists for Reader<'_> {
    type Id = u32;

    fn list(&mut self, vertex: u32, mut visit: impl FnMut(&[u32])) -> Result<()> {
        visit(self.fill(&self.store.out, vertex)?);
        Ok(())
    }

    fn incoming(&mut self, vertex: u32, mut visit: impl FnMut(&[u32])) -> Result<()> {
        visit(self.fill(&self.store.into, vertex)?);
        Ok(())
    }

    fn scan(&mut self, mut visit: impl FnMut(u32, &[u32])) -> Result<()> {
        for entry in self.snapshot.iter(&self.store.out) {
            let key = entry.key()?;
            let source = u32::from_be_bytes(key.get(..4).ok_or("a key is a pair")?.try_into()?);
            visit(source, &[second(&key)?]);
        }
        Ok(())
    }

    fn by_id(&mut self, id: u32) -> Result<Option<u64>> {
        let value = self.snapshot.get(&self.store.values, id.to_be_bytes())?;
        value.map(|value| Ok(u64::from_be_bytes((*value).try_into()?))).transpose()
    }

    fn by_key(&mut self, key: &str) -> Result<Option<u32>> {
        let id = self.snapshot.get(&self.store.keys, key)?;
        id.map(|id| Ok(u32::from_be_bytes((*id).try_into()?))).transpose()
    }
}
