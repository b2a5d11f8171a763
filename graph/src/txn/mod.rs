//! The write transaction over the graph.
//!
//! Must always be true: a change that is refused (see [`WriteError::is_refusal`]) leaves everything as it was; catalog
//! counts follow every change; both directions of an edge change together (I5). Changes collect in memory as deltas of
//! leaves; beyond the budget they are written to pages that nothing durable names (early flush).

mod append;
mod apply;
mod both;
mod commit;
mod delete;
mod edges;
mod indexed;
mod indexes;
mod load;
mod many;
mod names;
mod nodes;
mod props;
mod rebuild;
pub mod record;
mod replay;
mod savepoints;

pub use apply::ApplyError;
pub use commit::Commit;
pub use delete::DeleteEdges;
pub use load::LoadReport;
pub use nodes::NewNode;
pub use savepoints::Savepoint;

use crate::catalog::Catalog;
use crate::database::Database;
use crate::error::WriteError;
use crate::options::Durability;
use crate::reader::Reader;
use savepoints::Savepoints;
use std::ops::Deref;
use std::sync::Arc;
use storage_core::pager::{self, ReadPages, Transaction};

/// The running write transaction. Reads through it see its own changes; dropping it aborts.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use foliograph::{Database, props};
/// let db = Database::open("people.folio")?;
/// let mut tx = db.begin_write()?;
/// let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
/// let charles = tx.add_node("person", "charles", props! {})?;
/// tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
/// tx.commit()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct WriteTransaction {
    db: Database,
    reader: Reader<Transaction>,
    durability: Durability,
    grew: bool,
    /// A change failed half-way: the transaction can only be dropped (M3).
    broken: bool,
    /// What was done so far, for the log.
    ops: record::Ops,
    savepoints: Savepoints,
}

impl Deref for WriteTransaction {
    type Target = Reader<Transaction>;
    fn deref(&self) -> &Reader<Transaction> {
        &self.reader
    }
}

impl WriteTransaction {
    pub(crate) fn new(db: Database, reader: Reader<Transaction>) -> Self {
        let ops = record::Ops::new(reader.pages.pager().longest_record());
        let durability = db.durability();
        let savepoints = Savepoints::new();
        WriteTransaction { db, reader, grew: false, broken: false, ops, durability, savepoints }
    }

    /// Drops every change. The same as dropping the transaction, said aloud.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// tx.abort();
    /// assert_eq!(db.begin_read()?.node_count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn abort(self) {}

    fn base_version(&self) -> u64 {
        self.reader.pages.version() - 1
    }

    fn is_changed(&self) -> bool {
        // Whatever changes something says so in the record, or has none.
        !self.ops.is_empty()
    }

    /// Makes a change. One that is refused has changed nothing; one that fails otherwise may have been half made, so
    /// nothing but dropping is possible afterwards (M3).
    fn attempt<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, WriteError>,
    ) -> Result<T, WriteError> {
        if self.broken {
            return Err(pager::WriteError::Failed.into());
        }
        let result = change(self);
        self.broken |= result.as_ref().is_err_and(|e| !e.is_refusal());
        result
    }

    pub(crate) fn catalog_mut(&mut self) -> &mut Catalog {
        Arc::make_mut(&mut self.reader.graph.catalog)
    }

    /// For changes of the catalog that no operation stands for: the transaction has no record, and commits by checkpoint.
    pub(crate) fn catalog_without_record(&mut self) -> &mut Catalog {
        self.ops.drop_all();
        self.catalog_mut()
    }

    /// After each change: writes pages early when the changes outgrow the budget, and keeps track of whether the
    /// transaction only deletes, for then it may use the space in reserve (A5).
    fn changed(&mut self, grows: bool) -> Result<(), WriteError> {
        self.grew |= grows;
        self.reader.pages.use_reserve(!self.grew);
        if self.reader.graph.weight() > self.db.inner.memory_budget {
            // What is on pages already commits by a checkpoint (L6).
            self.begin_flush()?;
            self.reader.graph.flush(&mut self.reader.pages)?;
        }
        Ok(())
    }
}

/// Names: not empty, at most 1 KiB, no control characters but in keys; a label holds no slash.
fn check_name(name: &str, what: &'static str) -> Result<(), WriteError> {
    let why = if name.len() > MAX_NAME {
        "it is longer than 1024 bytes"
    } else if name.is_empty() {
        "it is empty"
    } else if what == "label" && name.contains('/') {
        "it holds a slash"
    } else {
        return Ok(());
    };
    let short: String = name.chars().take(40).collect();
    Err(WriteError::BadName { name: short, what, why })
}

/// The longest name or key, in bytes.
pub const MAX_NAME: usize = crate::model::Key::MAX_LEN;
