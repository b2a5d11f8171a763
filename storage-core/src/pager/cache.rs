//! The page cache: frames in memory, found by page id, replaced by CLOCK (M1).
//!
//! Must always be true: an entry is handed out only if its check equals the reference's (V3); a page that somebody holds
//! is never evicted for another one: when every frame of a shard is held, the new page stays with its reader alone and
//! nobody waits. The cache never exceeds its frames.
//!
//! It is not: a place for dirty pages (they have no id, V1), nor for pages that the running transaction wrote (A6).

use super::page::Page;
use crate::page::{PageId, PageKind, Written};
use crate::planted::{Bug, armed};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The fewest frames there are: a path through a tree, eight times over, must be possible.
pub(crate) const MIN_FRAMES: usize = 16;

pub(crate) struct Cache {
    shards: Box<[Mutex<Shard>]>,
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Shard {
    index: HashMap<PageId, usize>,
    frames: Vec<Frame>,
    hand: usize,
    limit: usize,
}

struct Frame {
    page: Page,
    referenced: bool,
}

impl Cache {
    /// A cache of `frames` pages, at least [`MIN_FRAMES`].
    pub(crate) fn new(frames: usize) -> Self {
        let frames = frames.max(MIN_FRAMES);
        let shards = (frames / 64).clamp(1, 16);
        let shard = |i: usize| Shard {
            index: HashMap::new(),
            frames: Vec::new(),
            hand: 0,
            limit: frames / shards + usize::from(i < frames % shards),
        };
        Cache {
            shards: (0..shards).map(|i| Mutex::new(shard(i))).collect(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    fn shard(&self, page: PageId) -> &Mutex<Shard> {
        // Neighbouring pages go to different shards; the multiplier spreads strides.
        let spread = page.get().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        &self.shards[(spread as usize) % self.shards.len()]
    }

    /// The page, if it is here and is the one that the reference names.
    pub(crate) fn get(&self, at: Written, kinds: &[PageKind]) -> Option<Page> {
        let mut shard = self.shard(at.page()).lock();
        let found = shard.index.get(&at.page()).copied().and_then(|frame| {
            let frame = &mut shard.frames[frame];
            let same = frame.page.check() == at.check() || armed(Bug::CheckNotCompared);
            (same && kinds.contains(&frame.page.kind())).then(|| {
                frame.referenced = true;
                frame.page.clone()
            })
        });
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// True if the page is here; touches nothing.
    pub(crate) fn contains(&self, at: Written) -> bool {
        let shard = self.shard(at.page()).lock();
        shard.index.get(&at.page()).is_some_and(|frame| shard.frames[*frame].page.check() == at.check())
    }

    /// Keeps a page that was just read and verified.
    pub(crate) fn insert(&self, page: Page) {
        let id = page.id();
        let mut shard = self.shard(id).lock();
        let frame = match shard.index.get(&id) {
            Some(frame) => Some(*frame),
            None if shard.frames.len() < shard.limit => {
                let frame = shard.frames.len();
                shard.frames.push(Frame { page, referenced: false });
                shard.index.insert(id, frame);
                return;
            }
            None => shard.victim(),
        };
        let Some(frame) = frame else { return };
        let old = std::mem::replace(&mut shard.frames[frame], Frame { page, referenced: false });
        shard.index.remove(&old.page.id());
        shard.index.insert(id, frame);
    }

    /// Forgets the page: it is about to be written anew (A6).
    pub(crate) fn forget(&self, page: PageId) {
        if armed(Bug::StaleCache) {
            return;
        }
        let mut shard = self.shard(page).lock();
        if let Some(frame) = shard.index.remove(&page) {
            shard.frames.swap_remove(frame);
            if let Some(moved) = shard.frames.get(frame).map(|f| f.page.id()) {
                shard.index.insert(moved, frame);
            }
        }
    }

    /// Hits, misses and pages held, for `stats`.
    pub(crate) fn counters(&self) -> (u64, u64, usize) {
        let held = self.shards.iter().map(|s| s.lock().frames.len()).sum();
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed), held)
    }
}

impl Shard {
    /// The next frame that was not used since the hand last passed and that nobody holds; `None` if all are held.
    fn victim(&mut self) -> Option<usize> {
        for _ in 0..2 * self.frames.len() {
            let at = self.hand % self.frames.len();
            self.hand = (at + 1) % self.frames.len();
            let frame = &mut self.frames[at];
            if frame.page.is_shared() {
                continue;
            }
            if !std::mem::take(&mut frame.referenced) {
                return Some(at);
            }
        }
        None
    }
}
