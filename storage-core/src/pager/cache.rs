//! The page cache: frames in memory, found by page id or by number, replaced by CLOCK (M1).
//!
//! Must always be true: an entry is handed out only if its check equals the reference's (V3); a page that somebody holds
//! is not evicted for another one: when every frame of a shard is held, the new page stays with its reader alone and
//! nobody waits. The cache never exceeds its frames.
//!
//! Two ways lead to a frame. By page id: a table, a lock for each part of it. By number ([`Near`], kept beside the
//! reference in a node in memory): no lock and no count is touched, which is what makes a warm read cost next to nothing.
//! A page that is looked at in this second way may leave its frame meanwhile: it lives on with whoever looks at it.
//!
//! It is not: a place for dirty pages (they have no id, V1), nor for pages that the running transaction wrote (A6).

use super::page::{AtHand, Framed, Page};
use crate::page::{PageId, PageKind, Written};
use crate::planted::{Bug, armed};
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The fewest frames there are: a path through a tree, eight times over, must be possible.
pub(crate) const MIN_FRAMES: usize = 16;

/// The frame in which a page was seen last: a guess, compared with what the frame holds whenever it is used.
#[derive(Debug, Default)]
pub struct Near(AtomicU32);

impl Near {
    /// Counted from 1; 0 is none.
    fn frame(&self) -> Option<usize> {
        (self.0.load(Ordering::Relaxed) as usize).checked_sub(1)
    }

    fn set(&self, frame: usize) {
        self.0.store(u32::try_from(frame + 1).unwrap_or(0), Ordering::Relaxed);
    }
}

/// Not dropped by itself: each drop asks all threads, and most frames of a cache that is closed were never used.
type Frame = ManuallyDrop<ArcSwapOption<Framed>>;

pub(crate) struct Cache {
    frames: Box<[Frame]>,
    shards: Box<[Mutex<Shard>]>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// A part of the table, and the frames from `first` on.
struct Shard {
    index: HashMap<PageId, usize, BuildHasherDefault<PageHasher>>,
    first: usize,
    frames: usize,
    /// Frames from here on were never used.
    fresh: usize,
    /// Frames whose pages were forgotten.
    free: Vec<usize>,
    hand: usize,
}

/// Page ids are small numbers: a multiplication spreads them.
#[derive(Default)]
struct PageHasher(u64);

impl Hasher for PageHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Cache {
    /// A cache of `frames` pages, at least [`MIN_FRAMES`].
    pub(crate) fn new(frames: usize) -> Self {
        let frames = frames.max(MIN_FRAMES);
        let count = (frames / 64).clamp(1, 16);
        let mut first = 0;
        let shard = |i: usize| {
            let own = frames / count + usize::from(i < frames % count);
            let (from, index) = (first, HashMap::default());
            first += own;
            Mutex::new(Shard { index, first: from, frames: own, fresh: 0, free: Vec::new(), hand: 0 })
        };
        Cache {
            shards: (0..count).map(shard).collect(),
            frames: (0..frames).map(|_| Frame::new(ArcSwapOption::empty())).collect(),
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
    pub(crate) fn get(&self, at: Written, kinds: &[PageKind], near: Option<&Near>) -> Option<Page> {
        let frame = self.shard(at.page()).lock().index.get(&at.page()).copied();
        let found = frame.and_then(|frame| {
            let framed = self.frames[frame].load_full()?;
            let same = framed.is(at) || (armed(Bug::CheckNotCompared) && framed.id() == at.page());
            (same && kinds.contains(&framed.kind())).then(|| {
                framed.mark();
                if let Some(near) = near {
                    near.set(frame);
                }
                Page::framed(framed)
            })
        });
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// The page, if it is where it was seen last.
    #[inline]
    pub(crate) fn near(&self, at: Written, near: &Near) -> Option<AtHand<'static>> {
        let framed = self.frames.get(near.frame()?)?.load();
        if !framed.as_ref()?.is(at) {
            return None;
        }
        framed.as_ref()?.mark();
        AtHand::framed(framed)
    }

    /// The same, to be held.
    pub(crate) fn near_page(&self, at: Written, kinds: &[PageKind], near: &Near) -> Option<Page> {
        let framed = self.frames.get(near.frame()?)?.load_full()?;
        if !framed.is(at) || !kinds.contains(&framed.kind()) {
            return None;
        }
        framed.mark();
        Some(Page::framed(framed))
    }

    /// True if the page is here; touches nothing.
    pub(crate) fn contains(&self, at: Written) -> bool {
        let frame = self.shard(at.page()).lock().index.get(&at.page()).copied();
        frame.is_some_and(|frame| self.frames[frame].load().as_ref().is_some_and(|framed| framed.is(at)))
    }

    /// Keeps a page that was just read and verified.
    pub(crate) fn insert(&self, page: Arc<Framed>, near: Option<&Near>) {
        let id = page.id();
        let mut shard = self.shard(id).lock();
        let Some(frame) = shard.place(id, &self.frames) else { return };
        if let Some(old) = self.frames[frame].swap(Some(page)) {
            shard.index.remove(&old.id());
        }
        shard.index.insert(id, frame);
        if let Some(near) = near {
            near.set(frame);
        }
    }

    /// Forgets the page: it is about to be written anew (A6).
    pub(crate) fn forget(&self, page: PageId) {
        if armed(Bug::StaleCache) {
            return;
        }
        let mut shard = self.shard(page).lock();
        if let Some(frame) = shard.index.remove(&page) {
            self.frames[frame].store(None);
            shard.free.push(frame);
        }
    }

    /// How many pages may be read ahead without driving each other out.
    pub(crate) fn ahead(&self) -> usize {
        self.frames.len() / 4
    }

    /// Hits and misses of the table, and pages held, for `stats`.
    pub(crate) fn counters(&self) -> (u64, u64, usize) {
        let held = self.shards.iter().map(|s| s.lock().index.len()).sum();
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed), held)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        for shard in &mut self.shards {
            let shard = shard.get_mut();
            for frame in &self.frames[shard.first..shard.first + shard.fresh] {
                frame.store(None);
            }
        }
    }
}

impl Shard {
    /// Where a page goes: where it is, a frame without a page, or one whose page was not used since the hand last passed
    /// and that nobody holds; `None` if all are held.
    fn place(&mut self, page: PageId, frames: &[Frame]) -> Option<usize> {
        if let Some(frame) = self.index.get(&page) {
            return Some(*frame);
        }
        if let Some(frame) = self.free.pop() {
            return Some(frame);
        }
        if self.fresh < self.frames {
            self.fresh += 1;
            return Some(self.first + self.fresh - 1);
        }
        for _ in 0..2 * self.frames {
            let frame = self.first + self.hand;
            self.hand = (self.hand + 1) % self.frames;
            let framed = frames[frame].load();
            match &*framed {
                None => return Some(frame),
                Some(framed) if Arc::strong_count(framed) > 1 => {}
                Some(framed) if framed.unmark() => {}
                Some(_) => return Some(frame),
            }
        }
        None
    }
}
