//! Long values in overflow pages: a tree of pieces, read from the front.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 32 | 1 | level |
//! | 33 | 3 | zero |
//! | 36 | 4 | count: of bytes at level 0, of references above |
//! | 40 | count, or count × 12 | bytes, or references to pages one level below |
//!
//! Must always be true: the length alone says the shape. Every page is full but the last of its level, and the root's
//! level is the lowest that can hold the length. So each page's level and count are known before it is read, a page
//! that has others is damage, and no cycle can be followed (levels fall by one).
//!
//! A value is never changed in place: it is written, and later freed. Nothing here knows what the bytes mean; length and
//! root are kept by whoever names the value.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{Chunk, Chunks, Visitor, chunks, free, read, references, visit};
pub use write::{Writer, write};

use crate::value::{Malformed, Reader};
use storage_core::page::{HEADER_LEN, PageSize, REFERENCE_LEN};

const CODEC: u8 = 0;
const LEVEL: usize = HEADER_LEN;
const COUNT: usize = HEADER_LEN + 4;
const DATA: usize = HEADER_LEN + 8;

/// What a page size makes of lengths.
#[derive(Copy, Clone, Debug)]
struct Shape {
    /// Bytes of a page of level 0.
    chunk: u64,
    /// References of a page above.
    fan: u64,
}

impl Shape {
    fn of(size: PageSize) -> Self {
        let room = size.bytes() - DATA;
        Shape { chunk: room as u64, fan: (room / REFERENCE_LEN) as u64 }
    }

    /// The most bytes below a page of this level.
    fn capacity(self, level: u8) -> u64 {
        (0..level).fold(self.chunk, |bytes, _| bytes.saturating_mul(self.fan))
    }

    /// The root's level.
    fn level(self, len: u64) -> u8 {
        let mut level = 0;
        while self.capacity(level) < len {
            level += 1;
        }
        level
    }

    /// What the page over `len` bytes says for its count.
    fn count(self, level: u8, len: u64) -> u64 {
        if level == 0 { len } else { len.div_ceil(self.capacity(level - 1)) }
    }

    /// The bytes below child `index` of a page of this level (1 or above) over `len` bytes.
    fn child_len(self, level: u8, len: u64, index: u64) -> u64 {
        let each = self.capacity(level - 1);
        len.saturating_sub(index.saturating_mul(each)).min(each)
    }
}

/// Level and count of a page, given up to its used length; both agree with that length.
fn parse(bytes: &[u8]) -> Result<(u8, usize), Malformed> {
    let mut reader = Reader::new(bytes);
    reader.bytes(HEADER_LEN)?;
    let level = reader.u8()?;
    let zero = reader.array::<3>()?;
    let count = u32::from_le_bytes(reader.array()?) as usize;
    let each = if level == 0 { 1 } else { REFERENCE_LEN };
    if zero != [0; 3] || count.checked_mul(each) != Some(reader.remaining()) {
        return Err(Malformed("the count of an overflow page contradicts its length"));
    }
    Ok((level, count))
}
