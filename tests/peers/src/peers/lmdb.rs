//! How LMDB is opened, for both forms of it.
//!
//! Every commit is synced, as it is unless told otherwise. The map is larger than any graph here; where reads are cold and
//! random, the kernel's read-ahead is switched off, as LMDB's manual advises.
#![allow(unsafe_code)]

use crate::Result;
use crate::peer::{Cache, Node, Place};
use heed::byteorder::NativeEndian;
use heed::types::{Bytes, Str, U64};
use heed::{
    CommitOrAbort, Comparator, Database, DatabaseFlags, DefaultComparator, Env, EnvFlags, EnvOpenOptions,
    IntegerComparator, PutFlags, RoTxn, RwTxn, WithoutTls,
};

/// Integers as LMDB compares them.
pub type Int32 = heed::types::U32<NativeEndian>;

/// A table of pairs: key and duplicates are vertices.
pub type Pairs = Database<'static, Int32, Int32, IntegerComparator, IntegerComparator>;

/// A table of packed lists.
pub type Packed = Database<'static, Int32, Bytes, IntegerComparator>;

/// An open environment.
///
/// heed's tables borrow it, and are kept beside it: so it is leaked for as long as this lives.
pub struct Lmdb(&'static Env<WithoutTls>);

impl Lmdb {
    /// Opens the environment in the directory.
    pub fn open(place: &Place) -> Result<Lmdb> {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(1 << 38).max_dbs(4);
        if place.cache == Cache::Cold {
            // SAFETY: a flag that only advises the kernel.
            unsafe { options.flags(EnvFlags::NO_READ_AHEAD) };
        }
        // SAFETY: nothing else writes into the files of this directory, and no other process has them open.
        let env = unsafe { options.open(&place.dir)? };
        Ok(Lmdb(Box::leak(Box::new(env))))
    }

    /// The table that is there, found without writing, or a new one. Must not be used once this is closed.
    pub fn table<K: 'static, V: 'static, C: Comparator + 'static, D: Comparator + 'static>(
        &self,
        name: &str,
        flags: DatabaseFlags,
    ) -> Result<Database<'static, K, V, C, D>> {
        let env = self.0;
        let found = env.open_databases_and_commit(env.read_txn()?, |opener, txn| {
            let options = opener.database_options().types::<K, V>().key_comparator::<C>();
            let mut options = options.dup_sort_comparator::<D>();
            let table = options.name(name).flags(flags).open(txn)?;
            Ok::<_, heed::Error>(table.map_or(CommitOrAbort::Abort(()), CommitOrAbort::Commit))
        })?;
        if let CommitOrAbort::Commit(table) = found {
            return Ok(table);
        }
        let made = env.create_databases_and_commit(env.write_txn()?, |opener, txn| {
            let options = opener.database_options().types::<K, V>().key_comparator::<C>();
            let mut options = options.dup_sort_comparator::<D>();
            options.name(name).flags(flags).create(txn).map(CommitOrAbort::<_, ()>::Commit)
        })?;
        Ok(made.commit().ok_or("a new table is committed")?)
    }

    /// Begins to read.
    pub fn read(&self) -> Result<RoTxn<'_, WithoutTls>> {
        Ok(self.0.read_txn()?)
    }

    /// Begins to write.
    pub fn write(&self) -> Result<RwTxn<'_>> {
        Ok(self.0.write_txn()?)
    }
}

impl Drop for Lmdb {
    fn drop(&mut self) {
        // SAFETY: it was leaked in `open`, and is taken back once. Transactions borrow `self`, so there are none; a table
        // is a number, and is dropped with the store that holds it and this.
        let env = unsafe { Box::from_raw(std::ptr::from_ref(self.0).cast_mut()) };
        env.prepare_for_closing().wait();
    }
}

/// Node's value by its id, and id by its key.
#[derive(Copy, Clone)]
pub struct Nodes {
    values: Database<'static, Int32, U64<NativeEndian>, IntegerComparator>,
    keys: Database<'static, Str, Int32>,
}

impl Nodes {
    /// The tables of nodes.
    pub fn open(env: &Lmdb) -> Result<Nodes> {
        let plain = DatabaseFlags::empty();
        Ok(Nodes {
            values: env.table::<_, _, _, DefaultComparator>("values", plain)?,
            keys: env.table::<_, _, DefaultComparator, DefaultComparator>("keys", plain)?,
        })
    }

    /// Both tables, in the order of their keys, in one transaction.
    pub fn load(place: &Place, nodes: &[Node]) -> Result<()> {
        let env = Lmdb::open(place)?;
        let tables = Nodes::open(&env)?;
        let mut txn = env.write()?;
        for node in nodes {
            tables.values.put_with_flags(&mut txn, PutFlags::APPEND, &node.id, &node.value)?;
        }
        let mut by_key: Vec<&Node> = nodes.iter().collect();
        by_key.sort_unstable_by_key(|node| &node.key);
        for node in by_key {
            tables.keys.put_with_flags(&mut txn, PutFlags::APPEND, &node.key, &node.id)?;
        }
        Ok(txn.commit()?)
    }

    /// The value of a node.
    pub fn by_id(&self, txn: &RoTxn<'_, WithoutTls>, id: u32) -> Result<Option<u64>> {
        Ok(self.values.get(txn, &id)?)
    }

    /// The id of a node.
    pub fn by_key(&self, txn: &RoTxn<'_, WithoutTls>, key: &str) -> Result<Option<u32>> {
        Ok(self.keys.get(txn, key)?)
    }
}
