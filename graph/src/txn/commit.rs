//! How a transaction ends: through the log, or as a checkpoint.
//!
//! Must always be true: before pages of its base are replaced, the transaction has the checkpointer's seat and stands on
//! the newest durable root ([`WriteTransaction::begin_flush`]), and then commits by checkpoint (L6); a commit through the
//! log was given room there, and pages for the checkpoint that will hold it, before it is queued (A5).

use super::WriteTransaction;
use crate::checkpoint::OnNewRoot;
use crate::error::CommitError;
use crate::options::Durability;
use crate::reader::Reader;
use crate::trees::Graph;
use std::sync::Arc;
use storage_core::pager::{self, ReadPages, Reserved};

/// A commit that is on its way: see [`WriteTransaction::submit`].
#[must_use = "a commit is acknowledged by waiting for it"]
#[derive(Debug)]
pub struct Commit {
    version: u64,
    waiting: Option<pager::Commit>,
}

impl Commit {
    /// The version that it makes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Waits until it is as durable as was asked for. Returns the version's number.
    ///
    /// # Errors
    /// The log could not be written: whether the commit survives is known when the store is opened again.
    pub fn wait(self) -> Result<u64, CommitError> {
        if let Some(commit) = self.waiting {
            commit.wait()?;
        }
        Ok(self.version)
    }
}

impl WriteTransaction {
    /// How this transaction's commit becomes durable; at first as the store's options say.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// tx.set_durability(foliograph::Durability::Checkpoint);
    /// tx.add_node("person", "ada", props! {})?;
    /// tx.commit()?;
    /// assert_eq!(db.pager().stats().log.bytes, 0);    // it went by the log
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_durability(&mut self, durability: Durability) {
        self.durability = durability;
    }

    /// Commits: durable when it returns (but for [`Durability::Relaxed`]), and visible to new snapshots. Returns the
    /// version's number. On an error nothing of the transaction remains.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// tx.add_node("person", "ada", props! {})?;
    /// assert_eq!(tx.commit()?, 1);                    // the version's number
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`CommitError`]: the disk is full, or the log could not be written. A transaction in which a change failed
    /// half-way cannot be committed.
    pub fn commit(self) -> Result<u64, CommitError> {
        self.submit()?.wait()
    }

    /// Hands the commit over and returns before it is durable: the next transaction can begin, on top of it. It is
    /// acknowledged by [`Commit::wait`], which may be called from any thread, and not before that it is visible to new
    /// snapshots. Commits that wait together are made durable together.
    ///
    /// With [`Durability::Checkpoint`], and where the changes are too large for the log, it is durable when this returns.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// let mut commits = Vec::new();
    /// for n in 0..10 {
    ///     let mut tx = db.begin_write()?;
    ///     tx.add_node("number", n, props! {})?;
    ///     commits.push(tx.submit()?);                 // the next one begins on top of it
    /// }
    /// for commit in commits {
    ///     commit.wait()?;
    /// }
    /// assert_eq!(db.begin_read()?.node_count(), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`CommitError`]: the disk is full, or the log could not be written. A transaction in which a change failed
    /// half-way cannot be committed.
    pub fn submit(mut self) -> Result<Commit, CommitError> {
        if self.broken {
            return Err(pager::WriteError::Failed.into());
        }
        if !self.is_changed() {
            return Ok(Commit { version: self.base_version(), waiting: None });
        }
        match self.room_in_log()? {
            Some(room) => self.submit_logged(room),
            None => Ok(Commit { version: self.commit_by_checkpoint()?, waiting: None }),
        }
    }

    /// Room for the record and for the checkpoint that will hold it; `None` if the commit has to be a checkpoint.
    fn room_in_log(&mut self) -> Result<Option<Reserved>, CommitError> {
        if self.durability == Durability::Checkpoint || self.ops.is_dropped() {
            return Ok(None);
        }
        let Reader { pages, graph, .. } = &mut self.reader;
        let page_size = pages.pager().page_size().bytes();
        match pages.reserve(self.ops.len(), graph.pages_to_write(page_size)) {
            // The checkpoint knows what it needs, and may use what is kept for it.
            Err(pager::WriteError::DiskFull { .. }) => Ok(None),
            other => Ok(other?),
        }
    }

    fn submit_logged(self, room: Reserved) -> Result<Commit, CommitError> {
        let WriteTransaction { db, reader: Reader { pages, graph, .. }, ops, durability, .. } = self;
        let (changed, waits) = (graph.weight(), durability != Durability::Relaxed);
        let commit = pages.commit_logged(room, ops.into_bytes(), Arc::new(graph), waits)?;
        db.inner.checkpoints.committed(changed, !waits);
        let version = commit.version();
        Ok(Commit { version, waiting: waits.then_some(commit) })
    }

    /// Commits as a checkpoint, also if nothing was changed since the last version: that one is on pages then.
    pub(crate) fn commit_by_checkpoint(mut self) -> Result<u64, CommitError> {
        self.begin_flush()?;
        let WriteTransaction { db, reader: Reader { mut pages, mut graph, .. }, .. } = self;
        let root = graph.save(&mut pages)?;
        let version = pages.commit_with(root, Some(Arc::new(graph)))?;
        db.inner.checkpoints.committed(0, false);
        Ok(version)
    }

    /// Before pages of the base are replaced: no checkpoint runs beside from here on, and what the last one flushed is
    /// taken in, also by the changes made so far, and by savepoints.
    pub(super) fn begin_flush(&mut self) -> Result<(), pager::WriteError> {
        let Reader { pages, graph, .. } = &mut self.reader;
        if pages.is_flushing() {
            return Ok(());
        }
        pages.begin_flush()?;
        self.ops.drop_all();
        let Some(newest) = OnNewRoot::newest(pages)? else { return Ok(()) };
        let base = pages.base().state::<Graph>().expect("a version that a log carries has its graph");
        let graphs = self.savepoints.put_onto(graph, (base, &newest.graph), pages)?;
        // From here on nothing can fail.
        self.db.inner.checkpoints.install(pages, newest);
        *graph = self.savepoints.replace(graphs).expect("the running one is the last");
        Ok(())
    }
}
