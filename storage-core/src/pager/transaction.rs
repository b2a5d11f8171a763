//! The one write transaction: it takes ids for pages by writing them, frees pages, and commits a root.
//!
//! ```text
//!            write, free                    commit
//!  begin ───────────────► running ──────────────────────► durable and published
//!                            │  error: failed (M3)
//!                            └──── drop: pages given back, nothing of it remains
//! ```
//!
//! Must always be true: a page gets its id in [`Transaction::write`] and nowhere else (V2); a page that the base version
//! reaches is never handed out (A2); a page that the transaction itself wrote and freed may be used again at once; an
//! abort gives back exactly the pages that it wrote.

use super::error::{PageError, WriteError};
use super::page::Page;
use super::snapshot::{ReadPages, Version};
use super::writer::Writer;
use super::{Pager, commit};
use crate::device::WritePage;
use crate::page::{PageBuf, PageId, PageImage, PageKind, Written};
use crate::planted::{Bug, armed};
use std::collections::HashSet;
use std::sync::Arc;

/// The running write transaction. Dropping it aborts.
pub struct Transaction {
    pub(crate) pager: Arc<Pager>,
    /// Taken out only by commit and drop.
    pub(crate) writer: Option<Box<Writer>>,
    pub(crate) base: Arc<Version>,
    /// Pages written by this transaction and not freed by it.
    pub(crate) born: HashSet<PageId>,
    /// Pages of earlier versions that this one does not reach.
    pub(crate) freed: Vec<PageId>,
    failed: bool,
    uses_reserve: bool,
    /// Only for [`Bug::IndexBeforeWrite`]: pages whose write is put off.
    pub(crate) late: Vec<(PageId, PageBuf)>,
}

impl Pager {
    /// Waits for the other writer, then begins a transaction on the newest version.
    pub fn begin_write(self: &Arc<Self>) -> Result<Transaction, WriteError> {
        self.check_writable()?;
        Ok(self.transaction(self.writer.take()?))
    }

    /// Begins a transaction, or says with `None` that another one is running.
    pub fn try_begin_write(self: &Arc<Self>) -> Result<Option<Transaction>, WriteError> {
        self.check_writable()?;
        Ok(self.writer.try_take()?.map(|writer| self.transaction(writer)))
    }

    fn transaction(self: &Arc<Self>, mut writer: Box<Writer>) -> Transaction {
        writer.reclaim();
        Transaction {
            base: self.published.read().clone(),
            pager: self.clone(),
            writer: Some(writer),
            born: HashSet::new(),
            freed: Vec::new(),
            failed: false,
            uses_reserve: false,
            late: Vec::new(),
        }
    }
}

impl Transaction {
    /// The root of the version that it builds on.
    pub fn root(&self) -> Option<Written> {
        self.base.root
    }

    /// The version that it will be.
    pub fn version(&self) -> u64 {
        self.base.number + 1
    }

    /// Pages that it has written and still uses.
    pub fn pages_written(&self) -> usize {
        self.born.len()
    }

    /// Says that the transaction only deletes: it may use the space kept in reserve, so that a full disk can be emptied
    /// (A5).
    pub fn use_reserve(&mut self, only_deletes: bool) {
        self.uses_reserve = only_deletes;
    }

    /// Writes pages: takes an id for each, lowest first, seals them, writes them in one batch, and returns their names
    /// in the same order (V2). Written is not durable: that is the commit.
    pub fn write(&mut self, mut images: Vec<PageImage>) -> Result<Vec<Written>, WriteError> {
        self.check()?;
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let pager = self.pager.clone();
        let keep = if self.uses_reserve { 0 } else { self.writer().reserve() };
        let taken = self.writer().take(&pager, images.len(), keep);
        let ids = taken.inspect_err(|_| self.failed = true)?;
        self.born.extend(ids.iter().copied());
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
            self.pager.cache.forget(*id);
            self.pager.verified.forget(*id);
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

    /// This version does not reach the page any more. If the transaction wrote it, its place may be used again at once;
    /// otherwise only when no reader and no durable root needs it (A2).
    pub fn free(&mut self, page: Written) {
        let id = page.page();
        if self.born.remove(&id) || armed(Bug::ReuseLivePage) {
            self.writer().alloc.give_back([id]);
        } else {
            self.freed.push(id);
        }
    }

    /// Makes `root` the root of the new version: durable, then published. Returns the version's number. On an error
    /// nothing of the transaction remains; after an I/O error the device is poisoned and the store must be reopened.
    pub fn commit(mut self, root: Option<Written>) -> Result<u64, WriteError> {
        self.check()?;
        commit::commit(&mut self, root)?;
        Ok(self.base.number)
    }

    pub(crate) fn writer(&mut self) -> &mut Writer {
        self.writer.as_mut().expect("a transaction has the writer until it is dropped")
    }

    fn check(&self) -> Result<(), WriteError> {
        if self.failed { Err(WriteError::Failed) } else { Ok(()) }
    }

    pub(crate) fn fail(&mut self, error: WriteError) -> WriteError {
        self.failed = true;
        error
    }
}

impl ReadPages for Transaction {
    fn page_of(&self, at: Written, kinds: &[PageKind]) -> Result<Page, PageError> {
        if let Some((_, buf)) = self.late.iter().find(|(id, _)| *id == at.page()) {
            let header = super::page::decode_header(buf, at, kinds)?;
            return Ok(Page::owned(header, Arc::new(buf.clone())));
        }
        if self.born.contains(&at.page()) {
            // Its place may be used again by this very transaction: neither cached nor lent (A6).
            return self.pager.load(at, kinds);
        }
        self.pager.read_pinned(&self.base, at, kinds)
    }

    fn prefetch(&self, pages: &[Written]) {
        self.pager.prefetch(pages);
    }

    fn pager(&self) -> &Arc<Pager> {
        &self.pager
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            writer.alloc.give_back(self.born.drain());
            self.pager.writer.give_back(writer);
        }
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transaction(version {}, {} pages written)", self.version(), self.born.len())
    }
}
