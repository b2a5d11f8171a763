//! Versions, snapshots, and how pages of a snapshot are read.
//!
//! Must always be true: a snapshot holds its [`Version`]; while anybody holds a version, no page that it reaches is
//! written again (A2), so reading needs no lock (V5). The pin *is* the counted reference to the version: the cell that
//! holds the newest one counts whoever loads it before it lets go of the old one, so there is nothing to re-read.

use super::Pager;
use super::cache::Near;
use super::error::PageError;
use super::meta::Meta;
use super::page::{AtHand, Framed, Page, decode_header, verified_header};
use crate::device::{PageDeviceExt, ReadPage};
use crate::page::{PageBuf, PageCount, PageId, PageKind, PageRun, Written};
use std::any::Any;
use std::sync::Arc;

/// What a version is beyond its pages: whatever the layers above keep in memory for it. The pager does not look inside.
pub type State = Arc<dyn Any + Send + Sync>;

/// Bytes that are read ahead with one call.
pub(crate) const BRING: usize = 8 << 20;

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

    /// As [`ReadPages::page`], and remembers where the page is.
    ///
    /// # Errors
    /// Those of [`ReadPages::page`].
    fn page_near(&self, at: Written, kind: PageKind, near: &Near) -> Result<Page, PageError>;

    /// The page once more, if it is still where it was remembered to be: without a lock, a count or I/O. The reference is
    /// compared as ever (V3); header and kind are not looked at again, so whoever asks has had the page from
    /// [`ReadPages::page_near`] by this very reference. `None` says nothing about the page.
    fn at_hand(&self, at: Written, near: &Near) -> Option<AtHand<'_>>;

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
        self.pager.read_pinned(&self.version, at, kinds, None)
    }

    fn page_near(&self, at: Written, kind: PageKind, near: &Near) -> Result<Page, PageError> {
        self.pager.read_pinned(&self.version, at, &[kind], Some(near))
    }

    #[inline]
    fn at_hand(&self, at: Written, near: &Near) -> Option<AtHand<'_>> {
        self.pager.at_hand(&self.version, at, near)
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
        near: Option<&Near>,
    ) -> Result<Page, PageError> {
        self.check_bounds(at, kinds)?;
        if self.lends
            && let Some(lent) = self.device.mapped(at.page())
        {
            let page = Page::lent(lent, at, kinds, version, &self.device)?;
            if !self.verified.contains(at) {
                page.verify(&self.uuid)?;
                self.verified.insert(at);
            }
            return Ok(page);
        }
        if let Some(page) = near.and_then(|near| self.cache.near_page(at, kinds, near)) {
            return Ok(page);
        }
        if let Some(page) = self.cache.get(at, kinds, near) {
            return Ok(page);
        }
        let page = self.load(at, kinds)?;
        if let Some(framed) = page.as_framed() {
            self.cache.insert(framed.clone(), near);
        }
        Ok(page)
    }

    /// A page that was verified, where it was seen last.
    #[inline]
    pub(crate) fn at_hand<'s>(
        &'s self,
        version: &'s Arc<Version>,
        at: Written,
        near: &Near,
    ) -> Option<AtHand<'s>> {
        if self.lends {
            if !self.verified.contains(at) {
                return None;
            }
            return Some(AtHand::lent(self.device.mapped(at.page())?, version, &self.device));
        }
        self.cache.near(at, near)
    }

    /// Reads a page from the device into a buffer of its own; neither cache nor "verified" learn of it (A6).
    pub(crate) fn load(&self, at: Written, kinds: &[PageKind]) -> Result<Page, PageError> {
        self.check_bounds(at, kinds)?;
        let mut buf = self.buffers.take();
        self.device.read(&mut [ReadPage { page: at.page(), buf: &mut buf }])?;
        let header = decode_header(&buf, at, kinds)?;
        let page = Page::owned(header, buf);
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

    /// Pages that are not here are told to the device; one that reads a batch in parallel reads them now, into the cache.
    pub(crate) fn prefetch(&self, pages: &[Written]) {
        let missing = |at: &&Written| match self.lends {
            true => !self.verified.contains(**at),
            false => !self.cache.contains(**at),
        };
        let mut ahead: Vec<Written> = pages.iter().filter(missing).copied().collect();
        ahead.sort_unstable_by_key(|at| at.page());
        ahead.dedup_by_key(|at| at.page());
        if self.parallel && ahead.len() > 1 {
            return self.bring(&ahead);
        }
        let mut runs: Vec<PageRun> = Vec::new();
        for id in ahead.iter().map(|at| at.page()) {
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

    /// Reads pages, ascending and each once, into the cache, as many as may come without driving each other out. A failure is told to nobody: who
    /// asks for the page reads it again, and learns what is wrong.
    fn bring(&self, pages: &[Written]) {
        let within = |at: &&Written| self.device.page_count().contains(at.page());
        let pages: Vec<Written> = pages.iter().filter(within).take(self.cache.ahead()).copied().collect();
        for chunk in pages.chunks(BRING / self.page_size.bytes()) {
            let mut bufs: Vec<PageBuf> = chunk.iter().map(|_| self.buffers.take()).collect();
            let reads = chunk.iter().zip(&mut bufs).map(|(at, buf)| ReadPage { page: at.page(), buf });
            let mut verified = vec![None; chunk.len()];
            // Each is verified while the others are on their way.
            let arrived = &mut |id: PageId, bytes: &[u8]| {
                if let Ok(place) = chunk.binary_search_by_key(&id, |at| at.page()) {
                    verified[place] = verified_header(bytes, chunk[place], &self.uuid);
                }
            };
            if self.device.read_each(&mut reads.collect::<Vec<_>>(), arrived).is_err() {
                return;
            }
            for (header, buf) in verified.into_iter().zip(bufs) {
                if let Some(header) = header {
                    self.cache.insert(Arc::new(Framed::new(header, buf)), None);
                }
            }
        }
    }
}
