//! Versions, snapshots, and how pages of a snapshot are read.
//!
//! Must always be true: a snapshot holds its [`Version`]; while anybody holds a version, no page that it reaches is
//! written again (A2), so reading needs no lock (V5). The pin *is* the counted reference to the version: the cell that
//! holds the newest one counts whoever loads it before it lets go of the old one, so there is nothing to re-read.

use super::Pager;
use super::error::PageError;
use super::meta::Meta;
use super::page::{Page, decode_header};
use crate::page::{PageBuf, PageCount, PageId, PageKind, PageRun, Written};
use std::any::Any;
use std::sync::Arc;

/// What a version is beyond its pages: whatever the layers above keep in memory for it. The pager does not look inside.
pub type State = Arc<dyn Any + Send + Sync>;

/// A committed state of the store. Its number is the LSN of its commit.
pub struct Version {
    pub(crate) number: u64,
    /// Which in the order in which versions were made (see `space.rs`).
    pub(crate) epoch: u64,
    /// The newest durable root that it builds on: what differs from that is in `state`.
    pub(crate) root: Option<Written>,
    /// The record of that root.
    pub(crate) meta: Arc<Meta>,
    pub(crate) state: Option<State>,
}

impl Version {
    /// The state, if it is a `T`.
    pub fn state<T: 'static>(&self) -> Option<&T> {
        self.state.as_ref()?.downcast_ref()
    }

    /// Its number: the LSN of its commit.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Version({} over {}, epoch {})", self.number, self.meta.lsn, self.epoch)
    }
}

/// Reads pages of one version: what a snapshot and a write transaction have in common.
pub trait ReadPages {
    /// The page that a reference names, verified, if it is of one of these kinds.
    ///
    /// # Errors
    /// [`PageError`]: the device failed, or the page is damaged, or of another kind or content than its name says.
    fn page_of(&self, at: Written, kinds: &[PageKind]) -> Result<Page, PageError>;

    /// The page that a reference names, verified, if it is of this kind.
    ///
    /// # Errors
    /// Those of [`ReadPages::page_of`].
    fn page(&self, at: Written, kind: PageKind) -> Result<Page, PageError> {
        self.page_of(at, &[kind])
    }

    /// Says that these pages will be read soon.
    fn prefetch(&self, pages: &[Written]);

    /// The pager below.
    fn pager(&self) -> &Arc<Pager>;
}

/// A version of the store, held for reading. Owned; never changes, whatever is written meanwhile (I6).
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) pager: Arc<Pager>,
    pub(crate) version: Arc<Version>,
}

impl Snapshot {
    /// The root of the catalog tree in the durable root that the version builds on; `None` in an empty store.
    pub fn root(&self) -> Option<Written> {
        self.version.root
    }

    /// The version's number (the LSN of its commit).
    pub fn version(&self) -> u64 {
        self.version.number
    }

    /// The root record of the durable root that the version builds on.
    pub fn base(&self) -> &Meta {
        &self.version.meta
    }

    /// What the layers above keep in memory for this version, if it is a `T`.
    pub fn state<T: 'static>(&self) -> Option<&T> {
        self.version.state()
    }
}

impl ReadPages for Snapshot {
    fn page_of(&self, at: Written, kinds: &[PageKind]) -> Result<Page, PageError> {
        self.pager.read_pinned(&self.version, at, kinds)
    }

    fn prefetch(&self, pages: &[Written]) {
        self.pager.prefetch(pages);
    }

    fn pager(&self) -> &Arc<Pager> {
        &self.pager
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot(version {})", self.version.number)
    }
}

impl Pager {
    /// The newest acknowledged version (V4). Never waits: not for a writer, nor for a commit, nor for a checkpoint.
    pub fn begin_read(self: &Arc<Self>) -> Snapshot {
        Snapshot { pager: self.clone(), version: self.published.load_full() }
    }

    /// Reads a page that `version` pins: lent by the device, out of the cache, or from the device into the cache.
    pub(crate) fn read_pinned(
        &self,
        version: &Arc<Version>,
        at: Written,
        kinds: &[PageKind],
    ) -> Result<Page, PageError> {
        self.check_bounds(at, kinds)?;
        if let Some(lent) = self.device.mapped(at.page()) {
            let page = Page::lent(lent, at, kinds, version, &self.device)?;
            if !self.verified.contains(at) {
                page.verify(&self.uuid)?;
                self.verified.insert(at);
            }
            return Ok(page);
        }
        if let Some(page) = self.cache.get(at, kinds) {
            return Ok(page);
        }
        let page = self.load(at, kinds)?;
        self.cache.insert(page.clone());
        Ok(page)
    }

    /// Reads a page from the device into a buffer of its own; neither cache nor "verified" learn of it (A6).
    pub(crate) fn load(&self, at: Written, kinds: &[PageKind]) -> Result<Page, PageError> {
        self.check_bounds(at, kinds)?;
        let mut buf = PageBuf::zeroed(self.page_size.bytes());
        self.device.read(&mut [crate::device::ReadPage { page: at.page(), buf: &mut buf }])?;
        let header = decode_header(&buf, at, kinds)?;
        let page = Page::owned(header, Arc::new(buf));
        page.verify(&self.uuid)?;
        Ok(page)
    }

    /// A reference beyond the end is damage of the page that holds it, not a caller's mistake.
    fn check_bounds(&self, at: Written, kinds: &[PageKind]) -> Result<(), PageError> {
        if self.device.page_count().contains(at.page()) {
            return Ok(());
        }
        let kind = kinds.first().copied().unwrap_or(PageKind::Inner);
        Err(PageError::damage(at.page(), kind, "a reference names a page beyond the end of the file"))
    }

    pub(crate) fn prefetch(&self, pages: &[Written]) {
        let mut ids: Vec<PageId> =
            pages.iter().filter(|at| !self.cache.contains(**at)).map(|at| at.page()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut runs: Vec<PageRun> = Vec::new();
        for id in ids {
            match runs.last_mut() {
                Some(run) if run.start.plus(run.count.get()) == id => {
                    run.count = PageCount::new(run.count.get() + 1);
                }
                _ => runs.push(PageRun { start: id, count: PageCount::new(1) }),
            }
        }
        if !runs.is_empty() {
            self.device.prefetch(&runs);
        }
    }
}
