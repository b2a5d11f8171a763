//! Which children go into which inner page.
//!
//! Must always be true: every piece fits into a page and, where there are two children or more, has at least two, so
//! that each level is at most half as long as the one below it.
//!
//! It knows nothing of leaves and does no I/O.

use super::inner::{Entry, Piece, Sizer, room};
use storage_core::page::{HEADER_LEN, PageSize};

/// Cuts entries into pieces of at most `limit` bytes of page each, as full as that allows.
pub fn cut(entries: &[Entry], limit: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut begin, mut sizer) = (0, Sizer::default());
    for (index, entry) in entries.iter().enumerate() {
        if sizer.children() >= 2 && sizer.with(&entry.separator) > limit {
            pieces.push(begin..index);
            (begin, sizer) = (index, Sizer::default());
        }
        sizer.push(&entry.separator);
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
