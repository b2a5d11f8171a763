//! SQLite through rusqlite: `edges (src, dst)` WITHOUT ROWID, and an index the other way.
//!
//! Loaded in a rollback journal, where a new file is written once (a WAL would hold all of it a second time), pairs in
//! order, the index made at the end; then it is a WAL with `synchronous = FULL`: each commit is synced. Statements are
//! prepared once. Pages are mapped where all may be in memory, so that
//! they are not copied.

use crate::Result;
use crate::graph::Edge;
use crate::peer::{Cache, Lists, Node, Peer, Place, sorted};
use rusqlite::{Connection, OptionalExtension, Statement, params};

const TABLES: &str = "
    CREATE TABLE edges (src INTEGER NOT NULL, dst INTEGER NOT NULL, PRIMARY KEY (src, dst)) WITHOUT ROWID;
    CREATE TABLE nodes (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
    CREATE TABLE keys (key TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;";
const INDEX: &str = "CREATE INDEX incoming ON edges (dst, src);";

/// The store.
pub struct Sqlite {
    db: Connection,
}

fn connect(place: &Place) -> Result<Connection> {
    let db = Connection::open(place.file("graph.sqlite"))?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "cache_size", -((place.cache_bytes >> 10) as i64))?;
    Ok(db)
}

fn use_wal(db: &Connection) -> Result<()> {
    Ok(db.pragma_update(None, "journal_mode", "WAL")?)
}

impl Peer for Sqlite {
    type Reader<'a> = Reader<'a>;

    fn settings(place: &Place) -> String {
        let mapped = if place.cache == Cache::All { "mapped" } else { "not mapped" };
        format!("WITHOUT ROWID, WAL, synchronous=FULL, {} KiB of cache, {mapped}", place.cache_bytes >> 10)
    }

    fn load(place: &Place, edges: &[Edge]) -> Result<()> {
        let mut db = connect(place)?;
        let tx = db.transaction()?;
        tx.execute_batch(TABLES)?;
        let mut insert = tx.prepare("INSERT INTO edges VALUES (?1, ?2)")?;
        for edge in sorted(edges.to_vec()) {
            insert.execute(edge)?;
        }
        drop(insert);
        tx.execute_batch(INDEX)?;
        tx.commit()?;
        use_wal(&db)?;
        Sqlite { db }.close()
    }

    fn create(place: &Place) -> Result<Self> {
        let db = connect(place)?;
        db.execute_batch(TABLES)?;
        db.execute_batch(INDEX)?;
        use_wal(&db)?;
        Ok(Sqlite { db })
    }

    fn open(place: &Place) -> Result<Self> {
        let db = connect(place)?;
        if place.cache == Cache::All {
            db.pragma_update(None, "mmap_size", 1i64 << 36)?;
        }
        Ok(Sqlite { db })
    }

    fn reader(&self) -> Result<Reader<'_>> {
        // One transaction: without it every statement would lock and unlock the file.
        self.db.execute_batch("BEGIN")?;
        Ok(Reader {
            db: &self.db,
            out: self.db.prepare("SELECT dst FROM edges WHERE src = ?1 ORDER BY dst")?,
            into: self.db.prepare("SELECT src FROM edges WHERE dst = ?1 ORDER BY src")?,
            value: self.db.prepare("SELECT value FROM nodes WHERE id = ?1")?,
            key: self.db.prepare("SELECT id FROM keys WHERE key = ?1")?,
            buffer: Vec::new(),
        })
    }

    fn insert(&mut self, edges: &[Edge]) -> Result<()> {
        let tx = self.db.transaction()?;
        let mut insert = tx.prepare_cached("INSERT INTO edges VALUES (?1, ?2)")?;
        for edge in edges {
            insert.execute(*edge)?;
        }
        drop(insert);
        Ok(tx.commit()?)
    }

    fn delete(&mut self, edges: &[Edge]) -> Result<()> {
        let tx = self.db.transaction()?;
        let mut delete = tx.prepare_cached("DELETE FROM edges WHERE src = ?1 AND dst = ?2")?;
        for edge in edges {
            delete.execute(*edge)?;
        }
        drop(delete);
        Ok(tx.commit()?)
    }

    fn checkpoint(&mut self) -> Result<&'static str> {
        self.db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok("VACUUM, then a checkpoint of the WAL")
    }

    fn close(self) -> Result<()> {
        Ok(self.db.close().map_err(|(_, e)| e)?)
    }

    fn load_nodes(place: &Place, nodes: &[Node]) -> Result<()> {
        let mut db = connect(place)?;
        let tx = db.transaction()?;
        tx.execute_batch(TABLES)?;
        let mut insert = tx.prepare("INSERT INTO nodes VALUES (?1, ?2)")?;
        for node in nodes {
            insert.execute(params![node.id, node.value as i64])?;
        }
        drop(insert);
        let mut insert = tx.prepare("INSERT INTO keys VALUES (?1, ?2)")?;
        let mut by_key: Vec<&Node> = nodes.iter().collect();
        by_key.sort_unstable_by_key(|node| &node.key);
        for node in by_key {
            insert.execute(params![node.key, node.id])?;
        }
        drop(insert);
        tx.execute_batch(INDEX)?;
        tx.commit()?;
        use_wal(&db)?;
        Sqlite { db }.close()
    }
}

/// Reads one version.
pub struct Reader<'a> {
    db: &'a Connection,
    out: Statement<'a>,
    into: Statement<'a>,
    value: Statement<'a>,
    key: Statement<'a>,
    buffer: Vec<u32>,
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // It only read: if this fails, so will what comes next, and say so.
        let _ = self.db.execute_batch("COMMIT");
    }
}

fn fill(statement: &mut Statement<'_>, vertex: u32, buffer: &mut Vec<u32>) -> Result<()> {
    buffer.clear();
    let mut rows = statement.query([vertex])?;
    while let Some(row) = rows.next()? {
        buffer.push(row.get(0)?);
    }
    Ok(())
}

impl Lists for Reader<'_> {
    type Id = u32;

    fn list(&mut self, vertex: u32, mut visit: impl FnMut(&[u32])) -> Result<()> {
        fill(&mut self.out, vertex, &mut self.buffer)?;
        visit(&self.buffer);
        Ok(())
    }

    fn incoming(&mut self, vertex: u32, mut visit: impl FnMut(&[u32])) -> Result<()> {
        fill(&mut self.into, vertex, &mut self.buffer)?;
        visit(&self.buffer);
        Ok(())
    }

    fn scan(&mut self, mut visit: impl FnMut(u32, &[u32])) -> Result<()> {
        let mut statement = self.db.prepare("SELECT src, dst FROM edges ORDER BY src, dst")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            visit(row.get(0)?, &[row.get(1)?]);
        }
        Ok(())
    }

    fn by_id(&mut self, id: u32) -> Result<Option<u64>> {
        let value = self.value.query_row([id], |row| row.get::<_, i64>(0)).optional()?;
        Ok(value.map(|value| value as u64))
    }

    fn by_key(&mut self, key: &str) -> Result<Option<u32>> {
        Ok(self.key.query_row([key], |row| row.get(0)).optional()?)
    }
}
