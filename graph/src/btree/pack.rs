//! Which children go into which inner page, and pages that are packed and wait to be written.
//!
//! Must always be true: every piece fits into a page and, where there are two children or more, has at least two, so
//! that each level is at most half as long as the one below it.
//!
//! It knows nothing of leaves and does no I/O.

use super::format::PackedLeaf;
use super::inner::{Entry, Piece, Sizer, encode, room};
use storage_core::page::{HEADER_LEN, PageImage, PageSize};

/// A page that is packed and not yet written, and what its parent will say of it.
pub struct Packed {
    /// A lower bound of its keys.
    pub separator: Box<[u8]>,
    /// How many entries there are below it, or in it.
    pub count: u64,
    /// The page.
    pub image: PageImage,
}

impl Packed {
    /// An inner page of these entries, which fit into one.
    pub fn inner(size: PageSize, level: u8, entries: &[Entry]) -> Packed {
        let count = entries.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.count));
        Packed { separator: entries[0].separator.clone(), count, image: encode(size, level, entries) }
    }
}

impl From<PackedLeaf> for Packed {
    fn from(leaf: PackedLeaf) -> Self {
        Packed { separator: leaf.separator.into_boxed_slice(), count: leaf.count, image: leaf.image }
    }
}

/// Cuts entries into pieces of at most `limit` bytes of page each, as full as that allows.
pub fn cut(entries: &[Entry], limit: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut begin, mut sizer) = (0, Sizer::default());
    for (index, entry) in entries.iter().enumerate() {
        if sizer.children() >= 2 && sizer.with(entry) > limit {
            pieces.push(begin..index);
            (begin, sizer) = (index, Sizer::default());
        }
        sizer.push(entry);
    }
    if begin < entries.len() {
        pieces.push(begin..entries.len());
    }
    // Not a last page with a single child: it takes one more from the page before, if that can spare it.
    if let [.., before, last] = pieces.as_mut_slice()
        && last.len() == 1
        && before.len() > 2
    {
        before.end -= 1;
        last.start -= 1;
    }
    pieces
}

/// Cuts entries into as few pages as possible, about equally full.
pub fn cut_evenly(entries: &[Entry], size: PageSize) -> Vec<Piece> {
    let full = cut(entries, size.bytes());
    if full.len() < 2 {
        return full;
    }
    // A little more than the average, because a piece ends before the entry that would pass the limit.
    let average = room(entries) / full.len();
    let even = cut(entries, (HEADER_LEN + average + average / 16).min(size.bytes()));
    if even.len() == full.len() { even } else { full }
}

/// True if a page with so many bytes in use should be merged with a neighbour.
pub fn underfull(used: usize, size: PageSize) -> bool {
    used.saturating_sub(HEADER_LEN) < (size.bytes() - HEADER_LEN) / 3
}
