//! Copying a durable root to another device: exactly the pages that its map marks, under their own ids, so that no
//! reference changes (backup).
//!
//! Order, so that an interrupted copy is an unfinished creation and not a store (N1): root records, sync, pages, sync,
//! the superblock, sync.
//!
//! Must always be true: what is copied is pinned from before its map is read until the end, so writing goes on beside it
//! and changes none of it (A2); every page's checksum is compared on the way, so a copy that is finished holds no page
//! that was damaged here. It does not follow references: a page that another life of it took the place of is found by
//! `check`, here or there.

use super::Pager;
use super::error::{OpenError, PageError};
use super::inspect::{is_unwritten, judge};
use super::log::LogStart;
use super::meta::{FIXED_PAGES, Meta, Slot};
use super::recovery::refuse_existing;
use super::snapshot::{Snapshot, Version};
use super::superblock::{BLOCK, Superblock};
use crate::device::{
    DeviceError, DeviceErrorKind, Operation, PageDevice, PageDeviceExt, ReadPage, WriteBlock, WritePage,
};
use crate::page::{PageBuf, PageCount, PageId, PageSize};
use std::borrow::Cow;
use std::sync::Arc;

/// Bytes that are read and written at a time.
const BATCH: usize = 1 << 20;

/// What a copy came to.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Copied {
    /// The version of the root.
    pub version: u64,
    /// Pages that were copied or written.
    pub pages: u64,
    /// Pages of the copy, free ones between them included.
    pub page_count: u64,
}

/// A copy could not be made. What was begun of it is no store.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The allocation map could not be read, or the device below failed.
    #[error(transparent)]
    Source(#[from] PageError),
    /// A page is damaged.
    #[error("page {page} is damaged: {what}")]
    Damaged {
        /// Which page.
        page: PageId,
        /// What is wrong.
        what: Cow<'static, str>,
    },
    /// The device that is copied to failed, has no room, or holds a store.
    #[error(transparent)]
    Target(#[from] DeviceError),
    /// The device that is copied to has other pages.
    #[error("pages of {found} cannot hold a copy of pages of {wanted}")]
    PageSize {
        /// What it has.
        found: PageSize,
        /// What the store has.
        wanted: PageSize,
    },
    /// The caller's progress callback said stop.
    #[error("cancelled")]
    Cancelled,
}

impl CopyError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            CopyError::Source(e) => e.hint(),
            CopyError::Damaged { .. } => Some(
                "`foliograph check` lists the damage; `foliograph recover` saves what is readable into a new store",
            ),
            CopyError::Target(e) => e.hint(),
            CopyError::PageSize { .. } | CopyError::Cancelled => None,
        }
    }
}

impl Pager {
    /// A snapshot of the last durable root, as a checkpoint made it: of the version that it holds, without what was
    /// committed since. While it is held, no page that the root reaches is written again.
    pub fn pin_durable(self: &Arc<Self>) -> Snapshot {
        // Under the lock under which pages are quarantined: what a later root frees goes into quarantine after this
        // version was registered, and stays there while it is held.
        let mut space = self.space.lock();
        let meta = self.durable_meta();
        let version =
            Version { number: meta.lsn, epoch: 0, root: meta.root, meta: Arc::new(meta), state: None };
        Snapshot { version: space.register(version), pager: self.clone() }
    }

    /// Copies the root that `snapshot` builds on, and all that it reaches, to a device that was opened for creation.
    /// `progress` gets pages done and pages in all; if it returns `false`, that is the end.
    ///
    /// # Errors
    /// [`CopyError`]: the target is no new device with pages of this size, a page is damaged, either device failed,
    /// or `progress` said stop. The target holds no store then.
    pub fn copy_root(
        &self,
        snapshot: &Snapshot,
        to: &dyn PageDevice,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Copied, CopyError> {
        let found = to.info().page_size;
        if found != self.page_size {
            return Err(CopyError::PageSize { found, wanted: self.page_size });
        }
        refuse_existing(to).map_err(|e| match e {
            OpenError::Device(e) => e,
            _ => DeviceError::new(DeviceErrorKind::AlreadyExists, Operation::Open, to.info().backend),
        })?;
        let used = self.check_map(snapshot)?.used;
        let pages: Vec<PageId> =
            (FIXED_PAGES..used.len() as u64).filter(|page| used[*page as usize]).map(PageId::new).collect();
        let page_count = pages.last().map_or(FIXED_PAGES, |last| last.get() + 1);
        // What the log held up to here is in the pages; its groups go on counting, so that none is ever there twice.
        let base = snapshot.base();
        let log = LogStart { extents: Vec::new(), block: 0, ..base.log.clone() };
        let meta = Meta { page_count, log, ..base.clone() };

        to.grow(PageCount::new(page_count))?;
        write_roots(to, &meta)?;
        to.sync()?;
        self.copy_pages(&pages, to, progress)?;
        to.sync()?;
        write_superblock(to, &meta)?;
        let pages = pages.len() as u64 + FIXED_PAGES;
        Ok(Copied { version: meta.lsn, pages, page_count })
    }

    fn copy_pages(
        &self,
        pages: &[PageId],
        to: &dyn PageDevice,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<(), CopyError> {
        let size = self.page_size.bytes();
        let batch = (BATCH / size).max(1);
        let mut bufs: Vec<PageBuf> = (0..batch.min(pages.len())).map(|_| PageBuf::zeroed(size)).collect();
        let (mut done, total) = (0, pages.len() as u64);
        for some in pages.chunks(batch) {
            if !progress(done, total) {
                return Err(CopyError::Cancelled);
            }
            let mut reads: Vec<_> =
                some.iter().zip(&mut bufs).map(|(page, buf)| ReadPage { page: *page, buf }).collect();
            self.device.read(&mut reads).map_err(PageError::from)?;
            for (page, buf) in some.iter().zip(&bufs) {
                let damaged = |what: &'static str| CopyError::Damaged { page: *page, what: what.into() };
                if is_unwritten(buf) {
                    return Err(damaged("it was never written"));
                }
                judge(*page, buf, Some(&self.uuid)).map_err(|(what, _)| damaged(what))?;
            }
            let writes: Vec<_> =
                some.iter().zip(&bufs).map(|(page, data)| WritePage { page: *page, data }).collect();
            to.write(&writes)?;
            done += some.len() as u64;
        }
        if progress(done, total) { Ok(()) } else { Err(CopyError::Cancelled) }
    }
}

/// Makes `meta` the root record of both slots, in all four copies, the second slot a generation above the first. For a
/// device that holds no store yet, or one in memory over a store whose other record is lost.
///
/// # Errors
/// What the device fails with.
pub fn write_roots(to: &dyn PageDevice, meta: &Meta) -> Result<(), DeviceError> {
    let mut block = PageBuf::zeroed(BLOCK);
    for generation in [meta.generation, meta.generation + 1] {
        for page in Slot::of(generation).pages() {
            Meta { generation, ..meta.clone() }.encode(page, &mut block);
            to.write_durable(&[WriteBlock { page, offset: 0, data: &block }])?;
        }
    }
    Ok(())
}

/// The last step of a creation: from here on the device holds a store (N1).
pub(super) fn write_superblock(to: &dyn PageDevice, meta: &Meta) -> Result<(), DeviceError> {
    let Meta { format, page_size, features, uuid, .. } = *meta;
    let mut block = PageBuf::zeroed(BLOCK);
    Superblock { format, page_size, features, uuid }.encode(&mut block);
    to.write_durable(&[WriteBlock { page: PageId::new(0), offset: 0, data: &block }])?;
    to.sync()
}
