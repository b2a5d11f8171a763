//! A consistent copy of a store, made while writing goes on.
//!
//! Must always be true: the copy holds one version, with everything that was visible when the backup began; that version's
//! root is pinned until the end, and nothing of it changes meanwhile. The copy becomes a store by its last write: an
//! interrupted one is an unfinished creation (N1). What cannot be copied whole is not copied: a damaged page ends it.
//!
//! It is not: an archive of several versions, nor a way to copy a damaged store (that is [`crate::salvage`]).

use crate::backend;
use crate::database::Database;
use crate::error::{OpenError, WriteError};
use std::path::Path;
use std::sync::Arc;
use storage_core::device::{OpenMode, OpenOptions, PageDevice};
use storage_core::pager::{CopyError, Snapshot};

/// What was copied.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct BackupReport {
    /// The version that the copy holds.
    pub version: u64,
    /// Pages that were copied.
    pub pages: u64,
    /// Bytes of the copy.
    pub bytes: u64,
}

/// How far a backup has come.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct BackupProgress {
    /// Pages that were copied.
    pub copied: u64,
    /// Pages that there are to copy.
    pub pages: u64,
}

/// A backup could not be made. The store is as it was, and there is no copy.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The checkpoint that is to be copied could not be made.
    #[error(transparent)]
    Checkpoint(#[from] WriteError),
    /// The file to copy to could not be created.
    #[error(transparent)]
    Create(OpenError),
    /// Copying failed.
    #[error(transparent)]
    Copy(#[from] CopyError),
}

impl BackupError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            BackupError::Checkpoint(e) => e.hint(),
            BackupError::Create(e) => e.hint(),
            BackupError::Copy(e) => e.hint(),
        }
    }
}

/// Called between batches with how far it has come; `false` ends it.
pub type OnBackup<'p> = &'p mut dyn FnMut(BackupProgress) -> bool;

impl Database {
    /// Copies the store to a new file, on the same backend. Readers, commits and checkpoints go on meanwhile; it waits for
    /// a running transaction only if a checkpoint ended beside that one, and commits came between. The copy holds
    /// everything that was visible when this was called. It is a store of its own, but keeps the UUID.
    ///
    /// A store that is there already is refused. If it fails it leaves an unfinished creation: no store, and the next backup
    /// starts it afresh.
    ///
    /// ```no_run
    /// let db = foliograph::Database::open("people.folio")?;
    /// let report = db.backup("copy.folio")?;
    /// println!("version {}, {} bytes", report.version, report.bytes);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BackupError`]: the checkpoint to copy could not be made; the target is there, cannot be made or written; a
    /// page of the store cannot be read, or is damaged.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<BackupReport, BackupError> {
        self.backup_with(to, &mut |_| true)
    }

    /// As [`Database::backup`], and says how far it has come.
    ///
    /// # Errors
    /// Those of [`Database::backup`], and `Copy(CopyError::Cancelled)` where `progress` said `false`.
    pub fn backup_with(
        &self,
        to: impl AsRef<Path>,
        progress: OnBackup<'_>,
    ) -> Result<BackupReport, BackupError> {
        let path = to.as_ref();
        let mode = OpenMode::Create(self.inner.pager.page_size());
        let options = OpenOptions { mode, read_only: false, direct_io: self.inner.direct_io };
        let device =
            backend::open(path, self.inner.backend, &options).map_err(|e| BackupError::Create(e.into()))?;
        let done = self.backup_device(&device, progress);
        let closed = device.close();
        done.and_then(|report| Ok(closed.map(|()| report).map_err(CopyError::from)?))
    }

    /// As [`Database::backup_with`], to a device of yours that was opened for creation, with pages of the same size. It is
    /// left open. If it fails, the device holds an unfinished creation.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// use foliograph::storage_core::device::{OpenOptions, PageDevice, memory::MemoryStore};
    /// use std::sync::Arc;
    /// tx.commit()?;
    /// let bytes = MemoryStore::new(Vec::new());
    /// let to: Arc<dyn PageDevice> = Arc::new(MemoryDevice::open(&bytes, &OpenOptions::create(PageSize::K4))?);
    /// let report = db.backup_device(&to, &mut |at| {
    ///     println!("{} of {} pages", at.copied, at.pages);
    ///     true                                        // `false` would end it
    /// })?;
    /// assert_eq!(report.version, 1);
    /// to.close()?;
    /// let copy = Options::new().open_device(Arc::new(MemoryDevice::open(&bytes, &OpenOptions::open())?))?;
    /// assert_eq!(copy.begin_read()?.edge_count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Database::backup_with`]; the target's pages are of another size.
    pub fn backup_device(
        &self,
        to: &Arc<dyn PageDevice>,
        progress: OnBackup<'_>,
    ) -> Result<BackupReport, BackupError> {
        let root = self.pin_all_visible()?;
        let mut progress = |copied, pages| progress(BackupProgress { copied, pages });
        let copied = self.inner.pager.copy_root(&root, to.as_ref(), &mut progress)?;
        let bytes = copied.page_count * self.inner.pager.page_size().bytes() as u64;
        Ok(BackupReport { version: copied.version, pages: copied.pages, bytes })
    }

    /// A durable root with all that is visible now, pinned.
    fn pin_all_visible(&self) -> Result<Snapshot, WriteError> {
        let pager = &self.inner.pager;
        let visible = pager.begin_read().version();
        loop {
            let root = pager.pin_durable();
            if root.version() >= visible {
                return Ok(root);
            }
            drop(root);
            if !self.inner.checkpoints.run()? && pager.durable_meta().lsn < visible {
                // A checkpoint ended beside a transaction, and the newest version does not stand on its root yet.
                drop(self.transaction(pager.begin_write()?)?);
            }
        }
    }
}

#[cfg(test)]
mod tests;
