//! [`Database`]: an open store, and where transactions and snapshots begin.
//!
//! Must always be true: there is one pager over one device; every layer holds that pager (I8). The graph of a version
//! travels with the version: it is the state that the pager keeps for it.

use crate::backend::Backend;
use crate::checkpoint::Checkpoints;
use crate::error::{OpenError, ReadError, WriteError};
use crate::options::{Durability, Options};
use crate::reader::{Reader, Snapshot};
use crate::trees::{Graph, Layers};
use crate::txn::WriteTransaction;
use std::path::Path;
use std::sync::Arc;
use storage_core::device::DeviceInfo;
use storage_core::pager::{self, Pager};

/// An open store. Cloning is cheap; all clones are the same store. `Send + Sync`.
///
/// It is closed when the last clone, snapshot and transaction is gone; [`Database::close`] does it at once, gives free space at
/// the end of the file back, and says whether it went well.
///
/// ```
/// # use foliograph::storage_core::{device::memory::MemoryDevice, page::PageSize};
/// use foliograph::{Database, Options, props};
/// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
/// # if false {
/// let db = Database::open("people.folio")?;
/// # drop(db); }
/// let other = db.clone();                         // the same store, for another thread
/// let mut tx = other.begin_write()?;
/// tx.add_node("person", "ada", props! {})?;
/// tx.commit()?;
/// assert_eq!(db.begin_read()?.node_count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) pager: Arc<Pager>,
    pub(crate) layers: Layers,
    pub(crate) memory_budget: usize,
    durability: Durability,
    /// How a copy's file is opened.
    pub(crate) backend: Option<Backend>,
    pub(crate) direct_io: bool,
    pub(crate) checkpoints: Checkpoints,
}

impl Database {
    /// Opens the store at `path`, or creates it, with the default [`Options`].
    ///
    /// ```no_run
    /// let db = foliograph::Database::open("people.folio")?;
    /// # Ok::<(), foliograph::OpenError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Database, OpenError> {
        Options::new().open(path)
    }

    /// Creates a store at `path`; one that is there already is refused.
    ///
    /// ```no_run
    /// let db = foliograph::Database::create("people.folio")?;
    /// # Ok::<(), foliograph::OpenError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Options::create`].
    pub fn create(path: impl AsRef<Path>) -> Result<Database, OpenError> {
        Options::new().create(path)
    }

    pub(crate) fn over(pager: Arc<Pager>, options: &Options) -> Result<Database, OpenError> {
        let snapshot = pager.begin_read();
        let graph = Graph::open(&snapshot, snapshot.root())?;
        drop(snapshot);
        pager.put_state(Arc::new(graph))?;
        let inner = Inner {
            layers: Layers::new(&pager),
            memory_budget: options.memory_budget,
            durability: options.durability,
            backend: options.backend,
            direct_io: options.direct_io,
            checkpoints: Checkpoints::new(&pager, options),
            pager,
        };
        let db = Database { inner: Arc::new(inner) };
        db.replay_log(options)?;
        db.inner.checkpoints.start();
        Ok(db)
    }

    /// A snapshot of the newest acknowledged version. It never changes and never waits: not for a writer, nor for a
    /// commit or a checkpoint.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// let before = db.begin_read()?;
    /// tx.commit()?;
    /// let after = db.begin_read()?;
    /// assert_eq!((before.node_count(), after.node_count()), (0, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::Page`]: the catalog could not be read. In a store that is open it has been read already.
    pub fn begin_read(&self) -> Result<Snapshot, ReadError> {
        let pages = self.inner.pager.begin_read();
        let graph = match pages.state::<Graph>() {
            Some(graph) => graph.clone(),
            None => Graph::open(&pages, pages.root())?,
        };
        Ok(Reader::new(pages, graph, self.inner.layers.clone()))
    }

    /// The write transaction: waits while another one runs, and while changes fill the memory or the log that they are
    /// given. Nothing is visible before it commits; dropping it aborts.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// let mut tx = db.begin_write()?;
    /// tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// tx.commit()?;
    /// assert_eq!(db.begin_read()?.node_count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WriteError::Pager`]: the store is read-only, closed, or can write no more, because something that had to
    /// be durable could not be written. [`WriteError::Read`]: what a checkpoint made could not be read.
    pub fn begin_write(&self) -> Result<WriteTransaction, WriteError> {
        self.inner.checkpoints.relieve()?;
        let pages = self.inner.pager.begin_write()?;
        self.transaction(pages)
    }

    /// The write transaction, or `None` at once while another one runs.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// let one = db.begin_write()?;
    /// assert!(db.try_begin_write()?.is_none());
    /// drop(one);
    /// assert!(db.try_begin_write()?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Database::begin_write`]; that another one is running is none.
    pub fn try_begin_write(&self) -> Result<Option<WriteTransaction>, WriteError> {
        match self.inner.pager.try_begin_write()? {
            Some(pages) => self.transaction(pages).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn transaction(&self, mut pages: pager::Transaction) -> Result<WriteTransaction, WriteError> {
        self.inner.checkpoints.take_in(&mut pages)?;
        let graph = match pages.base().state::<Graph>() {
            Some(graph) => graph.clone(),
            None => Graph::open(&pages, pages.root())?,
        };
        Ok(WriteTransaction::new(self.clone(), Reader::new(pages, graph, self.inner.layers.clone())))
    }

    /// Makes everything durable that was committed without waiting for it ([`Durability::Relaxed`]).
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// tx.set_durability(foliograph::Durability::Relaxed);
    /// tx.add_node("person", "ada", props! {})?;
    /// tx.commit()?;                                   // visible, and durable in a moment
    /// db.flush()?;                                    // durable
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The log could not be written. The store is closed.
    pub fn flush(&self) -> Result<(), WriteError> {
        Ok(self.inner.pager.flush_log()?)
    }

    /// Ends writing: makes a last checkpoint, gives free pages at the end of the file back, and closes the device.
    /// Returns the last error there is to report. Snapshots that are still held can not be read afterwards.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// tx.commit()?;
    /// db.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The last checkpoint could not be made, or the device reports an error. The store is closed in any case, and
    /// what was committed is in the log.
    pub fn close(self) -> Result<(), OpenError> {
        self.inner.checkpoints.stop();
        let last = self.last_checkpoint();
        // Not to have given space back is no failure of closing: whatever is wrong, closing itself will say.
        let _ = self.settle();
        self.inner.pager.close()?;
        last.map_err(OpenError::of_write)
    }

    /// The last commits into a checkpoint, unless the store is closed, or may not be written.
    fn last_checkpoint(&self) -> Result<(), WriteError> {
        match self.make_clean() {
            Err(WriteError::Pager(pager::WriteError::Closed | pager::WriteError::ReadOnly)) => Ok(()),
            other => other,
        }
    }

    /// What the device is: backend asked for and active, page size, what it can do.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// let info = db.device_info();
    /// assert_eq!((info.backend, info.page_size), ("memory", PageSize::K4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn device_info(&self) -> DeviceInfo {
        self.inner.pager.device().info()
    }

    /// How commits become durable, unless a transaction says otherwise.
    pub fn durability(&self) -> Durability {
        self.inner.durability
    }

    /// The shared pager.
    pub fn pager(&self) -> &Arc<Pager> {
        &self.inner.pager
    }

    /// The layers, each of which holds the same pager.
    pub fn layers(&self) -> &Layers {
        &self.inner.layers
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // No clone and no transaction is left. Whoever wants to see the error closes.
        self.checkpoints.stop();
        let _ = self.checkpoints.last();
    }
}
