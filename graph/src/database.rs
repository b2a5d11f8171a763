//! [`Database`]: an open store, and where transactions and snapshots begin.
//!
//! Must always be true: there is one pager over one device; every layer holds that pager (I8). The graph that is cached
//! here belongs to the version whose number stands beside it.

use crate::error::{OpenError, ReadError, WriteError};
use crate::options::{Durability, Options};
use crate::reader::{Reader, Snapshot};
use crate::trees::{Graph, Layers};
use crate::txn::WriteTransaction;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use storage_core::device::DeviceInfo;
use storage_core::pager::{self, Pager};

/// An open store. Cloning is cheap; all clones are the same store. `Send + Sync`.
///
/// It is closed when the last clone, snapshot and transaction is gone; [`Database::close`] does it at once and says
/// whether it went well.
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
    newest: Mutex<(u64, Graph)>,
}

impl Database {
    /// Opens the store at `path`, or creates it, with the default [`Options`].
    pub fn open(path: impl AsRef<Path>) -> Result<Database, OpenError> {
        Options::new().open(path)
    }

    /// Creates a store at `path`; one that is there already is refused.
    pub fn create(path: impl AsRef<Path>) -> Result<Database, OpenError> {
        Options::new().create(path)
    }

    pub(crate) fn over(pager: Arc<Pager>, options: &Options) -> Result<Database, OpenError> {
        let snapshot = pager.begin_read();
        let graph = Graph::open(&snapshot, snapshot.root())?;
        let layers = Layers::new(&pager);
        let inner = Inner {
            layers,
            memory_budget: options.memory_budget,
            durability: options.durability,
            newest: Mutex::new((snapshot.version(), graph)),
            pager,
        };
        Ok(Database { inner: Arc::new(inner) })
    }

    /// A snapshot of the newest committed version. It never changes and never waits for a writer.
    pub fn begin_read(&self) -> Result<Snapshot, ReadError> {
        let pages = self.inner.pager.begin_read();
        let graph = self.graph(&pages)?;
        Ok(Reader::new(pages, graph, self.inner.layers.clone()))
    }

    /// The write transaction: waits while another one runs. Nothing is visible before it commits; dropping it aborts.
    pub fn begin_write(&self) -> Result<WriteTransaction, WriteError> {
        let pages = self.inner.pager.begin_write()?;
        self.transaction(pages)
    }

    /// The write transaction, or `None` at once while another one runs.
    pub fn try_begin_write(&self) -> Result<Option<WriteTransaction>, WriteError> {
        match self.inner.pager.try_begin_write()? {
            Some(pages) => self.transaction(pages).map(Some),
            None => Ok(None),
        }
    }

    fn transaction(&self, pages: pager::Transaction) -> Result<WriteTransaction, WriteError> {
        // The writer's seat is taken, so the newest version stays the newest.
        let graph = self.graph(&self.inner.pager.begin_read())?;
        Ok(WriteTransaction::new(self.clone(), Reader::new(pages, graph, self.inner.layers.clone())))
    }

    /// The graph of a version: the cached one, or read from its root.
    fn graph(&self, pages: &pager::Snapshot) -> Result<Graph, ReadError> {
        {
            let newest = self.inner.newest.lock();
            if newest.0 == pages.version() {
                return Ok(newest.1.clone());
            }
        }
        let graph = Graph::open(pages, pages.root())?;
        self.remember(pages.version(), graph.clone());
        Ok(graph)
    }

    pub(crate) fn remember(&self, version: u64, graph: Graph) {
        let mut newest = self.inner.newest.lock();
        if newest.0 < version {
            *newest = (version, graph);
        }
    }

    /// Ends writing, gives free pages at the end of the file back, and closes the device. Returns the last error there
    /// is to report. Snapshots that are still held can not be read afterwards.
    pub fn close(self) -> Result<(), OpenError> {
        // Not to have given space back is no failure of closing: whatever is wrong, closing itself will say.
        let _ = self.settle();
        Ok(self.inner.pager.close()?)
    }

    /// What the device is: backend asked for and active, page size, what it can do.
    pub fn device_info(&self) -> DeviceInfo {
        self.inner.pager.device().info()
    }

    /// How commits become durable.
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
