//! [`Image`]: the contents of a whole disk, as a value.
//!
//! Pages are shared (`Arc<[u8]>`) and stand in chunks that are shared too, so that copying an image costs one count per
//! 64 pages, and changing a page of the copy costs one chunk. A page never written is zero and takes no memory.
//!
//! Must always be true: every stored page is exactly one page long, and lies below the length; so cutting and growing
//! again yields zeros.

use crate::page::{PageCount, PageId, PageSize};
use std::sync::Arc;
use twox_hash::XxHash3_64;

const CHUNK: usize = 64;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

type Chunk = [Option<Arc<[u8]>>; CHUNK];

/// A hash of a page's contents; 0 for zeros alone.
pub fn content_hash(data: &[u8]) -> u64 {
    if is_zero(data) { 0 } else { XxHash3_64::oneshot(data) }
}

pub(super) fn is_zero(data: &[u8]) -> bool {
    data.chunks(ZEROS.len()).all(|some| some == &ZEROS[..some.len()])
}

/// The contents of a disk: a length in pages, and the pages. Cheap to clone.
#[derive(Clone)]
pub struct Image {
    size: PageSize,
    len: u64,
    stored: u64,
    chunks: Vec<Arc<Chunk>>,
}

impl Image {
    /// An empty disk.
    pub fn new(size: PageSize) -> Self {
        Image { size, len: 0, stored: 0, chunks: Vec::new() }
    }

    /// The disk with these contents; a partial last page is rounded down, as a file device does after torn growth.
    pub fn from_bytes(size: PageSize, bytes: &[u8]) -> Self {
        let mut image = Image::new(size);
        for (number, page) in bytes.chunks_exact(size.bytes()).enumerate() {
            image.len += 1;
            image.put(PageId::new(number as u64), Some(Arc::from(page)));
        }
        image
    }

    /// All contents in one piece.
    pub fn to_bytes(&self) -> Vec<u8> {
        (0..self.len).flat_map(|n| self.bytes_of(n).iter().copied()).collect()
    }

    /// Bytes of a page.
    pub fn page_size(&self) -> PageSize {
        self.size
    }

    /// The length.
    pub fn page_count(&self) -> PageCount {
        PageCount::new(self.len)
    }

    /// Pages that take space: those ever written since the disk last was shorter.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// The bytes of a page; `None` at and past the end.
    pub fn page(&self, page: PageId) -> Option<&[u8]> {
        (page.get() < self.len).then(|| self.bytes_of(page.get()))
    }

    /// True if the page was written since the disk last was shorter.
    pub fn is_stored(&self, page: PageId) -> bool {
        self.slot(page.get()).is_some()
    }

    /// Reads from byte `at` on, as a file is read; returns how many bytes there were, fewer only at the end.
    pub fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
        let size = self.size.bytes() as u64;
        let end = at.saturating_add(buf.len() as u64).min(self.len * size);
        let mut done = 0;
        while at.saturating_add(done as u64) < end {
            let pos = at + done as u64;
            let within = (pos % size) as usize;
            let take = ((end - pos) as usize).min(self.size.bytes() - within);
            buf[done..done + take].copy_from_slice(&self.bytes_of(pos / size)[within..within + take]);
            done += take;
        }
        done
    }

    /// Replaces a page. A page at or past the end is ignored.
    ///
    /// # Panics
    /// If `data` is not one page long.
    pub fn set_page(&mut self, page: PageId, data: Arc<[u8]>) {
        assert_eq!(data.len(), self.size.bytes(), "a page is one page long");
        if page.get() < self.len {
            self.put(page, Some(data));
        }
    }

    /// Overwrites `data.len()` bytes of a page from `offset` on. A page at or past the end is ignored.
    ///
    /// # Panics
    /// If the bytes do not lie within the page.
    pub fn patch(&mut self, page: PageId, offset: usize, data: &[u8]) {
        if page.get() < self.len {
            let mut bytes = self.bytes_of(page.get()).to_vec();
            bytes[offset..offset + data.len()].copy_from_slice(data);
            self.put(page, Some(bytes.into()));
        }
    }

    /// Flips the bits of `mask` in one byte of a page: damage. A place past the end is ignored.
    pub fn flip(&mut self, page: PageId, byte: usize, mask: u8) {
        if let Some(old) = self.page(page).and_then(|bytes| bytes.get(byte)) {
            let new = [old ^ mask];
            self.patch(page, byte, &new);
        }
    }

    /// Sets the length: cuts pages off, or adds zero pages.
    pub fn set_len(&mut self, pages: PageCount) {
        let pages = pages.get();
        if pages < self.len {
            let kept = (pages as usize).div_ceil(CHUNK).min(self.chunks.len());
            for chunk in self.chunks.drain(kept..) {
                self.stored -= chunk.iter().flatten().count() as u64;
            }
            // Within the last chunk that stays, page by page.
            let end = (kept * CHUNK) as u64;
            for page in pages..end.max(pages) {
                self.put(PageId::new(page), None);
            }
        }
        self.len = pages;
    }

    /// The pages that do not stand in the same memory in both images: all that differ, and perhaps some that do not.
    /// What is shared is passed over, so this is fast where one image was made of the other.
    pub fn unshared(&self, other: &Image) -> impl Iterator<Item = PageId> {
        let chunks = (0..self.chunks.len().max(other.chunks.len())).filter(|c| {
            !matches!((self.chunks.get(*c), other.chunks.get(*c)), (Some(a), Some(b)) if Arc::ptr_eq(a, b))
        });
        let pages = chunks.flat_map(|c| (c * CHUNK) as u64..((c + 1) * CHUNK) as u64);
        pages.filter(|n| !self.shares(other, *n)).map(PageId::new)
    }

    fn shares(&self, other: &Image, number: u64) -> bool {
        match (self.slot(number), other.slot(number)) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    fn slot(&self, number: u64) -> Option<&Arc<[u8]>> {
        let number = usize::try_from(number).ok()?;
        self.chunks.get(number / CHUNK)?[number % CHUNK].as_ref()
    }

    fn bytes_of(&self, number: u64) -> &[u8] {
        self.slot(number).map_or(&ZEROS[..self.size.bytes()], |page| page)
    }

    fn put(&mut self, page: PageId, data: Option<Arc<[u8]>>) {
        let number = page.get() as usize;
        if data.is_none() && self.slot(page.get()).is_none() {
            return;
        }
        let chunk = number / CHUNK;
        if chunk >= self.chunks.len() {
            let empty: Arc<Chunk> = Arc::new(std::array::from_fn(|_| None));
            self.chunks.resize(chunk + 1, empty);
        }
        let slot = &mut Arc::make_mut(&mut self.chunks[chunk])[number % CHUNK];
        self.stored += u64::from(data.is_some());
        self.stored -= u64::from(slot.is_some());
        *slot = data;
    }
}

impl PartialEq for Image {
    /// Same page size, length and contents; a page of zeros equals one never written.
    fn eq(&self, other: &Self) -> bool {
        if self.size != other.size || self.len != other.len {
            return false;
        }
        (0..self.chunks.len().max(other.chunks.len())).all(|c| {
            if let (Some(a), Some(b)) = (self.chunks.get(c), other.chunks.get(c))
                && Arc::ptr_eq(a, b)
            {
                return true;
            }
            let start = (c * CHUNK) as u64;
            let mut pages = start..start + CHUNK as u64;
            pages.all(|n| self.shares(other, n) || self.bytes_of(n) == other.bytes_of(n))
        })
    }
}

impl Eq for Image {}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({} pages of {}, {} written)", self.len, self.size, self.stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(fill: u8) -> Arc<[u8]> {
        vec![fill; 4096].into()
    }

    #[test]
    fn a_copy_shares_pages_and_changes_alone() {
        let mut a = Image::new(PageSize::K4);
        a.set_len(PageCount::new(200));
        a.set_page(PageId::new(3), page(1));
        let mut b = a.clone();
        b.set_page(PageId::new(150), page(2));
        b.flip(PageId::new(3), 9, 0x80);
        assert_eq!(a.page(PageId::new(3)).unwrap()[9], 1);
        assert_eq!(b.page(PageId::new(3)).unwrap()[9], 0x81);
        assert_eq!(a.page(PageId::new(150)), Some(&[0; 4096][..]));
        assert_eq!((a.stored(), b.stored()), (1, 2));
        assert_ne!(a, b);
        assert_eq!(b.unshared(&a).map(PageId::get).collect::<Vec<_>>(), [3, 150]);
        assert_ne!(
            content_hash(a.page(PageId::new(3)).unwrap()),
            content_hash(b.page(PageId::new(3)).unwrap())
        );
        b.flip(PageId::new(3), 9, 0x80);
        b.set_page(PageId::new(150), page(0));
        assert_eq!(a, b, "a page of zeros equals one never written");
        assert_eq!(content_hash(b.page(PageId::new(150)).unwrap()), 0);
    }

    #[test]
    fn what_was_cut_off_is_zero_when_the_disk_grows_again() {
        let mut image = Image::new(PageSize::K4);
        image.set_len(PageCount::new(300));
        for n in 0..300 {
            image.set_page(PageId::new(n), page(7));
        }
        image.set_len(PageCount::new(70));
        assert_eq!(image.page(PageId::new(70)), None);
        image.set_len(PageCount::new(300));
        assert!(image.page(PageId::new(69)).unwrap().iter().all(|b| *b == 7));
        for n in 70..300 {
            assert!(image.page(PageId::new(n)).unwrap().iter().all(|b| *b == 0), "page {n}");
        }
        assert_eq!(image.stored(), 70);
    }

    #[test]
    fn bytes_round_trip_and_a_partial_page_is_rounded_down() {
        let bytes: Vec<u8> = (0..3 * 4096 + 100).map(|n| (n % 251) as u8).collect();
        let image = Image::from_bytes(PageSize::K4, &bytes);
        assert_eq!(image.page_count(), PageCount::new(3));
        assert_eq!(image.to_bytes(), bytes[..3 * 4096]);
        let mut buf = [0; 5000];
        assert_eq!(image.read_at(4000, &mut buf), 5000);
        assert_eq!(buf[..], bytes[4000..9000]);
        assert_eq!(image.read_at(3 * 4096 - 5, &mut buf), 5);
        assert_eq!(image.read_at(u64::MAX, &mut buf), 0);
    }
}
