//! A number for a disk's contents, so that a state that was seen is not opened again: opening is a function of the bytes.
//!
//! Must always be true: equal contents have equal numbers. That different ones have different numbers is a matter of 64
//! bits: with ten million states the odds that one of them is passed over wrongly are one in 300,000.
//!
//! Pages stand in an image by reference: only those are looked at that a state does not share with the durable image of
//! its point, and what a journal wrote is hashed once.

use foliograph::storage_core::device::sim::rng::splitmix64;
use foliograph::storage_core::device::sim::{Image, Journal, Step, content_hash};
use foliograph::storage_core::page::{PageCount, PageId};
use std::collections::HashMap;

/// Digests of images that are much alike.
pub struct Digests<'j> {
    /// Hashes of what the journal wrote, by address: the journal keeps it where it is.
    written: HashMap<*const u8, u64>,
    _journal: &'j Journal,
    base: Image,
    /// The base's pages that are not zero.
    pages: HashMap<u64, u64>,
    sum: u64,
}

/// A page's part in the sum: nothing for a page of zeros, written or not.
fn part(page: PageId, hash: u64) -> u64 {
    let mut state = hash ^ page.get().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    if hash == 0 { 0 } else { splitmix64(&mut state) }
}

impl<'j> Digests<'j> {
    pub fn new(journal: &'j Journal, like: &Image) -> Self {
        let mut base = like.clone();
        base.set_len(PageCount::new(0));
        let mut written = HashMap::new();
        for step in journal.steps() {
            let Step::Write(pages) = step else { continue };
            for (_, data) in pages {
                written.entry(data.as_ptr()).or_insert_with(|| content_hash(data));
            }
        }
        Digests { written, _journal: journal, base, pages: HashMap::new(), sum: 0 }
    }

    /// The digest of some pages of an image, whatever the others hold.
    pub fn of_pages(&self, image: &Image, pages: impl Iterator<Item = PageId>) -> u64 {
        let mut sum = image.page_count().get().rotate_left(40);
        for page in pages {
            let shared = match (image.page(page), self.base.page(page)) {
                (Some(a), Some(b)) => std::ptr::eq(a, b),
                _ => false,
            };
            let known = if shared { self.pages.get(&page.get()).copied() } else { None };
            sum = sum.wrapping_add(known.unwrap_or_else(|| part(page, self.hash(image, page))));
        }
        splitmix64(&mut sum)
    }

    fn hash(&self, image: &Image, page: PageId) -> u64 {
        let Some(data) = image.page(page) else { return 0 };
        self.written.get(&data.as_ptr()).copied().unwrap_or_else(|| content_hash(data))
    }

    /// Takes another image to compare with.
    pub fn rebase(&mut self, base: &Image) {
        for page in base.unshared(&self.base) {
            let new = part(page, self.hash(base, page));
            let old = self.pages.insert(page.get(), new).unwrap_or(0);
            self.sum = self.sum.wrapping_sub(old).wrapping_add(new);
        }
        self.base = base.clone();
    }

    /// The digest of an image.
    pub fn of(&self, image: &Image) -> u64 {
        let mut sum = self.sum;
        for page in image.unshared(&self.base) {
            let old = self.pages.get(&page.get()).copied().unwrap_or(0);
            sum = sum.wrapping_sub(old).wrapping_add(part(page, self.hash(image, page)));
        }
        let mut state = sum ^ image.page_count().get().rotate_left(40);
        splitmix64(&mut state)
    }
}
