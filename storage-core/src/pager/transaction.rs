//! A transaction: it takes ids for pages by writing them, frees pages, and commits.
//!
//! ```text
//!            write, free          commit_logged: queued, one group later durable and published (L2)
//!  begin ───────────────► running ─┤
//!                            │     commit: a checkpoint, durable and published when it returns (C1)
//!                            │ error: failed (M3)
//!                            └──── drop: pages given back, nothing of it remains
//! ```
//!
//! There are two kinds. The *writer's* has the writer's seat, and makes a new version. A *checkpoint* has the seat of the
//! checkpointer, runs beside the writer, and makes a version durable that was committed before (C3). A writer's
//! transaction takes that seat as well before it writes pages that replace pages of its base (early flush, commit by
//! checkpoint): nobody else may flush the same changes.
//!
//! Must always be true: a page gets its id in [`Transaction::write`] and nowhere else (V2); a page that the base version
//! reaches is never handed out (A2); a page that the transaction itself wrote and freed may be used again at once, unless
//! it was written before a mark ([`Transaction::mark`]) that the transaction can still go back to; an abort gives back
//! exactly the pages that it wrote (R6).

#![allow(clippy::missing_errors_doc, reason = "said once, at `Transaction`")]

mod read;

use super::error::WriteError;
use super::log::LogStart;
use super::own::OwnPages;
use super::snapshot::{State, Version};
use super::space::Change;
use super::{Flushed, Pager, commit};
use crate::device::WritePage;
use crate::page::{PageBuf, PageId, PageImage, PageKind, Written};
use crate::planted::{Bug, armed};
use std::sync::Arc;

/// What the one writer has (V4).
pub(crate) struct Writer {
    /// The newest committed version, acknowledged or not: the next transaction builds on it.
    pub(crate) newest: Arc<Version>,
}

/// What whoever writes root records has: at most one at a time.
pub(crate) struct Checkpointer {
    /// Index pages of the durable map, bottom level first, the root last.
    pub(crate) map_index: Vec<Written>,
}

/// A running transaction. Dropping it aborts. What it does fails with [`WriteError`]: the disk is full, the device or the log
/// failed, the store is read-only or closed; after a write that failed it can only be dropped (M3).
pub struct Transaction {
    pub(crate) pager: Arc<Pager>,
    pub(crate) writer: Option<Writer>,
    pub(crate) checkpointer: Option<Checkpointer>,
    pub(crate) base: Arc<Version>,
    /// The version that it makes.
    pub(crate) number: u64,
    /// Where the log starts that is not in this version: a checkpoint beside the writer fixes it when it begins (R10).
    pub(crate) log_start: Option<LogStart>,
    /// Pages that it wrote and freed.
    pub(crate) own: OwnPages,
    failed: bool,
    uses_reserve: bool,
    /// Only for [`Bug::IndexBeforeWrite`]: pages whose write is put off.
    pub(crate) late: Vec<(PageId, PageBuf)>,
}

impl Pager {
    /// Waits for the other writer, then begins a transaction on the newest version.
    pub fn begin_write(self: &Arc<Self>) -> Result<Transaction, WriteError> {
        self.check_writable()?;
        Ok(self.write_transaction(self.writer.take()?))
    }

    /// Begins a transaction, or says with `None` that another one is running.
    pub fn try_begin_write(self: &Arc<Self>) -> Result<Option<Transaction>, WriteError> {
        self.check_writable()?;
        Ok(self.writer.try_take()?.map(|writer| self.write_transaction(writer)))
    }

    pub(super) fn write_transaction(self: &Arc<Self>, writer: Writer) -> Transaction {
        self.space.lock().reclaim();
        let base = writer.newest.clone();
        self.transaction(Some(writer), None, base)
    }

    pub(super) fn transaction(
        self: &Arc<Self>,
        writer: Option<Writer>,
        checkpointer: Option<Checkpointer>,
        base: Arc<Version>,
    ) -> Transaction {
        Transaction {
            pager: self.clone(),
            number: base.number + u64::from(writer.is_some()),
            writer,
            checkpointer,
            base,
            log_start: None,
            own: OwnPages::default(),
            failed: false,
            uses_reserve: false,
            late: Vec::new(),
        }
    }

    /// Gives the newest version its state: what the layers above have read of a store that was just opened.
    pub fn put_state(&self, state: State) -> Result<(), WriteError> {
        let mut writer = self.writer.take()?;
        let Version { number, root, ref meta, .. } = *writer.newest;
        let version = Version { number, epoch: 0, root, meta: meta.clone(), state: Some(state) };
        writer.newest = self.space.lock().register(version);
        self.log.replace(self, &writer.newest);
        self.writer.give_back(writer);
        Ok(())
    }

    /// Begins a checkpoint of the newest durable version, beside the writer. Waits for one that is running. `None` if
    /// that version stands on the durable root already, or the last checkpoint has not been taken in yet.
    pub fn begin_checkpoint(self: &Arc<Self>) -> Result<Option<Transaction>, WriteError> {
        self.check_writable()?;
        self.settle_log()?;
        let checkpointer = self.checkpointer.take()?;
        Ok(self.checkpoint_with(checkpointer))
    }

    /// As [`Pager::begin_checkpoint`], but `None` as well while another one is running.
    pub fn try_begin_checkpoint(self: &Arc<Self>) -> Result<Option<Transaction>, WriteError> {
        self.check_writable()?;
        self.settle_log()?;
        Ok(self.checkpointer.try_take()?.and_then(|checkpointer| self.checkpoint_with(checkpointer)))
    }

    /// What is queued goes first, so that the checkpoint holds it.
    fn settle_log(&self) -> Result<(), WriteError> {
        if armed(Bug::NewestInsteadOfDurable) { Ok(()) } else { self.log.flush(self) }
    }

    fn checkpoint_with(self: &Arc<Self>, checkpointer: Checkpointer) -> Option<Transaction> {
        let (mut version, start) = self.log.durable_point();
        if armed(Bug::NewestInsteadOfDurable) {
            version = self.published.load_full();
        }
        let root = self.durable_meta();
        let taken_in = self.flushed.lock().is_none() && version.meta.lsn == root.lsn;
        if !taken_in || version.number == root.lsn {
            self.checkpointer.give_back(checkpointer);
            return None;
        }
        if armed(Bug::RecycledEarly) {
            self.log.started_at(self, &start);
        }
        let mut tx = self.transaction(None, Some(checkpointer), version);
        tx.log_start = Some(start);
        Some(tx)
    }
}

/// A commit that is queued; it is acknowledged when [`Commit::wait`] returns.
#[must_use = "a commit is acknowledged by waiting for it"]
#[derive(Debug)]
pub struct Commit {
    pager: Arc<Pager>,
    number: u64,
}

impl Commit {
    /// The version that was committed.
    pub fn version(&self) -> u64 {
        self.number
    }

    /// Waits until it is durable. The thread that finds nobody writing does the writing, for all that are queued.
    pub fn wait(self) -> Result<u64, WriteError> {
        self.pager.log.wait(&self.pager, self.number)?;
        Ok(self.number)
    }
}

impl Transaction {
    /// The root, in pages, that it builds on.
    pub fn root(&self) -> Option<Written> {
        self.base.root
    }

    /// The version that it builds on.
    pub fn base(&self) -> &Arc<Version> {
        &self.base
    }

    /// The version that it makes.
    pub fn version(&self) -> u64 {
        self.number
    }

    /// Pages that it has written and still uses.
    pub fn pages_written(&self) -> usize {
        self.own.written()
    }

    /// Says that the transaction only deletes: it may use the space kept in reserve, so that a full disk can be emptied
    /// (A5).
    pub fn use_reserve(&mut self, only_deletes: bool) {
        self.uses_reserve = only_deletes;
    }

    /// Whether what it commits is a checkpoint, whatever the caller wants: it has begun to flush.
    pub fn is_flushing(&self) -> bool {
        self.checkpointer.is_some()
    }

    /// Before pages of the base are replaced: from here on nobody else makes a checkpoint, and the transaction commits
    /// by one. Waits for one that is running; what that one made durable must be taken in next, see
    /// [`Transaction::flushed`].
    pub fn begin_flush(&mut self) -> Result<(), WriteError> {
        self.check()?;
        if self.checkpointer.is_none() {
            self.checkpointer = Some(self.pager.checkpointer.take()?);
        }
        Ok(())
    }

    /// A checkpoint that became durable beside the writer, and that the newest version does not stand on yet.
    pub fn flushed(&self) -> Option<Arc<Flushed>> {
        self.pager.flushed.lock().clone()
    }

    /// Puts the newest version onto the root of that checkpoint: `state` is what it was, over the new root. Pages that
    /// only the old root reaches are free when nobody holds a version over it.
    pub fn rebase(&mut self, flushed: &Flushed, state: State) {
        let writer = self.writer.as_mut().expect("the newest version is the writer's");
        let taken = self.pager.flushed.lock().take().expect("it was looked at, and only the writer takes it");
        assert_eq!(taken.meta.generation, flushed.meta.generation, "there is one at a time");
        let version = Version {
            number: writer.newest.number,
            epoch: 0,
            root: flushed.root,
            meta: flushed.meta.clone(),
            state: Some(state),
        };
        {
            let mut space = self.pager.space.lock();
            writer.newest = space.register(version);
            space.quarantine(writer.newest.epoch, std::mem::take(&mut taken.freed.lock()));
        }
        self.pager.log.replace(&self.pager, &writer.newest);
        self.base = writer.newest.clone();
        self.pager.space.lock().reclaim();
    }

    /// Writes pages: takes an id for each, lowest first, seals them, writes them in one batch, and returns their names
    /// in the same order (V2). Written is not durable: that is the commit.
    pub fn write(&mut self, mut images: Vec<PageImage>) -> Result<Vec<Written>, WriteError> {
        self.check()?;
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let ids = {
            let mut space = self.pager.space.lock();
            // A checkpoint lives on what was promised to it.
            let keep = match (&self.writer, &self.checkpointer) {
                _ if self.uses_reserve => 0,
                (None, _) => 0,
                (Some(_), Some(_)) => space.reserve(),
                (Some(_), None) => space.keep_free(),
            };
            space.take(&self.pager, images.len(), keep)
        };
        let ids = ids.inspect_err(|_| self.failed = true)?;
        self.own.add(ids.iter().copied());
        if armed(Bug::IndexBeforeWrite) && images[0].kind() != PageKind::Inner {
            return Ok(self.put_off(&ids, images));
        }
        self.write_at(&ids, &mut images)
    }

    /// [`Bug::IndexBeforeWrite`]: names pages now and writes them at the commit.
    fn put_off(&mut self, ids: &[PageId], images: Vec<PageImage>) -> Vec<Written> {
        let (version, uuid) = (self.version(), self.pager.uuid);
        let seal = |(id, mut image): (&PageId, PageImage)| {
            let check = image.seal(*id, version, &uuid);
            self.late.push((*id, image.into_buf()));
            Written::new(*id, check)
        };
        ids.iter().zip(images).map(seal).collect()
    }

    pub(crate) fn write_late(&mut self) -> Result<(), WriteError> {
        let late = std::mem::take(&mut self.late);
        let batch: Vec<_> = late.iter().map(|(id, data)| WritePage { page: *id, data }).collect();
        self.pager.device.write(&batch).map_err(|e| self.fail(e.into()))
    }

    /// Seals images for their places and writes them.
    pub(crate) fn write_at(
        &mut self,
        ids: &[PageId],
        images: &mut [PageImage],
    ) -> Result<Vec<Written>, WriteError> {
        let (version, uuid) = (self.version(), self.pager.uuid);
        let out: Vec<Written> = ids
            .iter()
            .zip(&mut *images)
            .map(|(id, i)| Written::new(*id, i.seal(*id, version, &uuid)))
            .collect();
        for id in ids {
            // A6: before the reference can be seen.
            self.pager.forget(*id);
        }
        let batch: Vec<WritePage<'_>> = ids
            .iter()
            .zip(&*images)
            .map(|(id, image)| WritePage { page: *id, data: image.bytes() })
            .collect();
        let done = self.pager.device.write(&batch);
        done.map_err(|e| self.fail(e.into()))?;
        Ok(out)
    }

    /// This version does not reach the page any more. If the transaction wrote it, its place may be used again at once, or
    /// when no mark needs it; otherwise only when no reader and no durable root needs it (A2).
    pub fn free(&mut self, page: Written) {
        let id = page.page();
        if self.own.free(id) {
            self.pager.space.lock().alloc.give_back([id]);
        }
    }

    /// Marks where it is, so that it can go back. Marks are a stack; committing forgets them.
    pub fn mark(&mut self) {
        self.own.mark();
    }

    /// Goes back to a mark, counted from 0 among those that there are: pages written since are given back, pages freed
    /// since are not freed. The mark stays, later ones are gone. What the layers above keep in memory is theirs to restore.
    ///
    /// Refused if the transaction failed: then it can only be dropped (M3).
    ///
    /// # Panics
    /// If there is no such mark.
    pub fn go_back(&mut self, mark: usize) -> Result<(), WriteError> {
        if self.failed {
            return Err(WriteError::Failed);
        }
        let reusable = self.own.go_back(mark);
        self.give_back(reusable);
        Ok(())
    }

    /// Forgets a mark, counted from 0 among those that there are, and later ones: what was done since stays.
    pub fn forget_marks(&mut self, from: usize) {
        let reusable = self.own.forget(from);
        self.give_back(reusable);
    }

    fn give_back(&mut self, pages: Vec<PageId>) {
        if !pages.is_empty() {
            self.pager.space.lock().alloc.give_back(pages);
        }
    }

    /// Makes room for a record in the log. `None`: there is none, and the commit has to be a checkpoint.
    ///
    /// `pages` is how many pages the next checkpoint may need at most for all that is changed by then: they are kept
    /// free from here on, or the disk is full and this commit alone fails (A5).
    pub fn reserve(&mut self, record: usize, pages: u64) -> Result<Option<Reserved>, WriteError> {
        self.check()?;
        if self.is_flushing() {
            return Ok(None);
        }
        {
            let mut space = self.pager.space.lock();
            let keep = if self.uses_reserve { 0 } else { space.reserve() };
            space.promise(&self.pager, pages, keep)?;
        }
        let blocks = self.pager.log.make_room(&self.pager, record)?;
        Ok(blocks.map(|blocks| Reserved { pager: self.pager.clone(), blocks }))
    }

    /// Commits through the log: the version is queued with its record, and the writer's seat is free when this returns.
    /// With `waits` it is acknowledged by [`Commit::wait`]; without (Relaxed), it is acknowledged now, and durable with
    /// the next group.
    pub fn commit_logged(
        mut self,
        mut reserved: Reserved,
        record: Vec<u8>,
        state: State,
        waits: bool,
    ) -> Result<Commit, WriteError> {
        self.check()?;
        assert!(!self.is_flushing(), "what was flushed commits by checkpoint (L6)");
        let pager = self.pager.clone();
        self.forget_marks(0);
        let (born, freed) = self.own.take();
        let writer = self.writer.as_mut().expect("a checkpoint has no record");
        let version = {
            let mut space = pager.space.lock();
            if !armed(Bug::ChangesForgotten) {
                space.keep(Change { version: self.number, born, freed });
            }
            space.register(Version {
                number: self.number,
                epoch: 0,
                root: self.base.root,
                meta: self.base.meta.clone(),
                state: Some(state),
            })
        };
        writer.newest = version.clone();
        pager.log.push(&pager, version, record, waits, std::mem::take(&mut reserved.blocks));
        Ok(Commit { pager, number: self.number })
    }

    /// Makes `root` the root of the new version by a checkpoint: durable, then published. Returns the version's number.
    /// On an error nothing of the transaction remains; after an I/O error the device is poisoned and the store must be
    /// reopened.
    pub fn commit(self, root: Option<Written>) -> Result<u64, WriteError> {
        self.commit_with(root, None)
    }

    /// As [`Transaction::commit`], with what the layers above keep in memory for the new version.
    ///
    /// # Errors
    /// [`WriteError::DiskFull`], and nothing is changed. Or the device failed: what it has of the new version is known when
    /// the store is opened again.
    pub fn commit_with(mut self, root: Option<Written>, state: Option<State>) -> Result<u64, WriteError> {
        self.check()?;
        self.forget_marks(0);
        commit::commit(&mut self, root, state)?;
        Ok(self.base.number)
    }

    fn check(&self) -> Result<(), WriteError> {
        if self.failed { Err(WriteError::Failed) } else { self.pager.log.check() }
    }

    pub(crate) fn fail(&mut self, error: WriteError) -> WriteError {
        self.failed = true;
        error
    }
}

/// Room in the log, kept for one record until it is queued or this is dropped.
#[derive(Debug)]
pub struct Reserved {
    pager: Arc<Pager>,
    blocks: u64,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.pager.log.break_promise(self.blocks);
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let (born, freed) = self.own.take();
        self.give_back(born);
        if let Some(checkpointer) = self.checkpointer.take() {
            self.pager.checkpointer.give_back(checkpointer);
        }
        if let Some(writer) = self.writer.take() {
            self.pager.writer.give_back(writer);
        }
        if armed(Bug::AbortFreesOld) {
            self.pager.space.lock().alloc.give_back(freed);
        }
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transaction(version {}, {} pages written)", self.version(), self.pages_written())
    }
}
