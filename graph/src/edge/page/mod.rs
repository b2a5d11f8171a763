//! Adjacency leaves: many vertices' lists of neighbours in one page, or a piece of one large vertex's lists.
//!
//! # Bytes of a page
//!
//! Offsets count from the start of the page; all numbers are little-endian.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 32 | page header; kind "edge out" or "edge in", codec [`CODEC`] |
//! | 32 | 8 | first vertex |
//! | 40 | 2 | slots: entries of the directory, at least 1 |
//! | 42 | 2 | flags: bits 0–1 the directory's form (0 dense; 1, 2, 3 sparse with 2, 4, 8 bytes a delta), the rest zero |
//! | 44 | 4 | main edge type |
//! | 48 | | directory |
//! | | | the vertices' lists, in order and without holes, up to the header's "used" |
//! | size − 32 | 32 | always zero, so that a decoder may read whole words beyond a list |
//!
//! **Directory.** Dense: one u16 for each of `slots` consecutive ids from the first vertex on: where its lists begin,
//! 0 if it has none here (the first and the last have some). Sparse, for ids with large gaps: `slots` ascending deltas to
//! the first vertex (the first delta is 0), then as many u16 offsets, none of them 0.
//!
//! **Lists of a vertex.** If all its edges here are of the page's main type: one list. Else a table, then a list a type:
//!
//! | bytes | field |
//! |---|---|
//! | 1 | 254 |
//! | 1 | bits 0–1: bytes of a type (0 = 1, 1 = 2, 2 = 4); bits 2–7: number of types, 0 if it is 64 or more |
//! | 0 or 2 | number of types, if it is 64 or more |
//! | n × 1, 2, 4 | the types, strictly ascending |
//! | n × 2 | where each type's list begins; each begins where the one before it ends |
//!
//! **List.** Neighbours in ascending order:
//!
//! | bytes | field |
//! |---|---|
//! | 0 or 1 | 252: parallel edges, ranks count from 0 at each neighbour; 253: the ranks follow the gaps; neither: all ranks are 0 and no neighbour stands twice |
//! | 1 | degree, 1 to 251; 255: it is larger |
//! | 0 or 4 | the degree, if it is 252 or more |
//! | 1 | bits 0–4: width code of the first block; bits 5–7: bytes of the next field, less 1 |
//! | 1–8 | zigzag(first neighbour − vertex), modulo 2⁶⁴ |
//! | | the other neighbours as gaps in blocks of 16 (the last may be shorter): each block but the first has a byte with its width code in front, then the gaps bit-packed from the lowest bit of the first byte on, filled up to a whole byte |
//! | | after 253: a byte with the width of a rank (1 to 32 bits), then the ranks, packed likewise |
//!
//! A gap is stored less 1, after 252 and 253 as it is (0 = another edge to that neighbour). Width codes 0 to 25 are
//! that many bits, 26 to 31 are 28, 32, 40, 48, 56 and 64 bits. A page holds at most four edges a byte of its size:
//! what a list claims is checked against that before memory is taken for it.
//!
//! # A vertex over several pages
//!
//! A vertex that does not fit and takes more than a quarter page is cut; every piece has lists of its own, as if it
//! were all. Nothing in a page says that its last vertex goes on: a flush packs one leaf without knowing the next, so
//! such a mark would go stale. The tree's separators tell, see [`goes_on`]. For the same reason no piece
//! holds the degree of the whole: the pages above count the edges of each piece ([`crate::btree::Tree::count`]).
//!
//! A separator is the first vertex in 8 big-endian bytes; where a leaf begins inside a vertex's edges, the 24 bytes of
//! its first edge ([`EdgeKey::to_bytes`]). The first page of a packer gets the short form: a tree that packs a leaf anew
//! keeps that leaf's lower bound, for the packer cannot know whether the leaf before ends with the same vertex.
//!
//! # Departures from the layout as it was measured
//!
//! - Parallel edges and ranks are marked in the list, not in the page: one pair of parallel edges must not change how all
//!   other lists of the page are packed. It costs such a list a byte, and others nothing.
//! - The first block's width is always in the head byte, so long lists are a byte shorter.
//! - The type table's types take as few bytes as they need.
//! - Continuations are told apart by the longer separator instead of `v + 1` and a second key.
//!
//! # What must always be true
//!
//! Reading checks every offset and length against the page: damage is an error, never a panic, and never more memory
//! than four edges a byte of the page. [`validate`] and [`EdgeLeaf`]'s entries check everything the tables above say.
//!
//! Not here: any I/O, the tree above, changes that wait in memory.

mod blocks;
mod builder;
mod bytes;
mod codec;
mod count;
mod directory;
mod entries;
mod leaf;
mod lines;
mod list;
mod measure;
mod packer;
mod read;
mod simd;
#[cfg(test)]
mod tests;
mod walk;

pub use entries::Entries;
pub use leaf::PageHead;
pub use packer::Packer;
pub(crate) use read::{Again, steps, types};
pub use read::{
    Segment, contains, degree, edges, first_vertex, goes_on, last_vertex, ranks, scan, targets, validate,
    vertices,
};
pub(crate) use walk::PageWalk;

use super::EdgeKey;
use crate::btree::Ahead;
use crate::btree::format::{LeafFormat, PackedLeaf};
use std::ops::Bound;
use storage_core::page::{HEADER_LEN, PageKind, PageSize};
use storage_core::pager::{Page, PageError};

/// The layout this module reads and writes, as the page header names it.
pub const CODEC: u8 = 1;

/// Where the directory begins.
const DIRECTORY: usize = HEADER_LEN + 16;

/// Zero bytes at the end of a page: decoders may read that far beyond a list.
const PAD: usize = 32;

/// How many edges a page may hold for each byte of its size.
const EDGES_A_BYTE: usize = 4;

/// Damage, said in a few words; becomes an error that names the page where the page is known.
type Parsed<T> = Result<T, &'static str>;

/// Adjacency leaves as a tree sees them: `IN` chooses the page kind, and nothing else.
#[derive(Debug)]
pub struct EdgeLeaf<const IN: bool>;

impl<const IN: bool> LeafFormat for EdgeLeaf<IN> {
    const KIND: PageKind = if IN { PageKind::EdgeIn } else { PageKind::EdgeOut };
    type Key = EdgeKey;
    type Value = ();
    type Packer = Packer<IN>;
    type Entries = Entries;
    type Head = PageHead;

    fn head(page: &Page) -> Result<PageHead, PageError> {
        read::head(page)
    }

    #[inline]
    fn with_bytes<T>(key: &EdgeKey, with: impl FnOnce(&[u8]) -> T) -> T {
        with(&key.to_bytes())
    }

    fn find_again(page: &[u8], head: &PageHead, key: &EdgeKey) -> Parsed<Option<Option<()>>> {
        Ok(Some(read::Again::new(page, head)?.has(key)?.then_some(())))
    }

    fn entries(page: Page) -> Result<Entries, PageError> {
        Entries::new(page)
    }

    fn find(page: &Page, key: &EdgeKey) -> Result<Option<()>, PageError> {
        Ok(read::find(page, key)?.then_some(()))
    }

    fn count(page: &Page, from: Bound<&EdgeKey>, to: Bound<&EdgeKey>) -> Result<u64, PageError> {
        read::count(page, from, to)
    }

    fn held<'k>(page: &Page, keys: impl Iterator<Item = &'k EdgeKey>) -> Result<u64, PageError> {
        read::held(page, keys)
    }

    const MERGES: bool = true;

    fn merge(
        page: Option<&mut Entries>,
        ahead: &mut Ahead<'_, '_, Self>,
        to: (&mut Packer<IN>, &mut Vec<PackedLeaf>),
        seen: impl FnMut(&EdgeKey) -> Result<(), PageError>,
    ) -> Result<bool, PageError> {
        entries::merge(page, ahead, to, seen)
    }

    fn packer(size: PageSize, fill_percent: u8) -> Packer<IN> {
        Packer::new(size, fill_percent)
    }

    fn weight(_: &EdgeKey, _: Option<&()>) -> usize {
        // A key and a flag; and half of that again, for while a checkpoint holds half of a full budget, the writer may have
        // copied all of it into longer runs.
        3 * size_of::<(EdgeKey, Option<()>)>() / 2
    }
}
