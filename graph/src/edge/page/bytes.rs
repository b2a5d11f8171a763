//! Checked reads within the used part of a page.
//!
//! Must always be true: the used part ends at least [`PAD`] bytes before the page does, so that whole words may be read
//! at any place within it.

use super::{PAD, Parsed};

/// A page and where its used part ends.
#[derive(Copy, Clone, Debug)]
pub(super) struct Bytes<'a> {
    page: &'a [u8],
    used: usize,
}

impl<'a> Bytes<'a> {
    /// Fails if the used part reaches into the pad.
    pub fn new(page: &'a [u8], used: usize) -> Parsed<Self> {
        if used > page.len().saturating_sub(PAD) {
            return Err("used length reaches into the pad");
        }
        Ok(Bytes { page, used })
    }

    /// The length of the whole page.
    pub fn page_len(self) -> usize {
        self.page.len()
    }

    /// Where the used part ends.
    pub fn used(self) -> usize {
        self.used
    }

    /// The page, and where its used part ends: at least [`PAD`] bytes before the page does.
    #[inline]
    pub fn padded(self) -> (&'a [u8], usize) {
        assert!(self.page.len() >= self.used + PAD, "behind the used bytes is a pad");
        (self.page, self.used)
    }

    /// Everything behind the used part.
    pub fn rest(self) -> &'a [u8] {
        &self.page[self.used..]
    }

    /// Fails if `len` bytes at `at` are not all used.
    #[inline]
    pub fn check(self, at: usize, len: usize) -> Parsed<()> {
        match at.checked_add(len) {
            Some(end) if end <= self.used => Ok(()),
            _ => Err("a list reaches beyond the used bytes"),
        }
    }

    /// From `at` to the end of the page, pad included. `at` was checked before; anything else gives nothing.
    #[inline]
    pub fn tail(self, at: usize) -> &'a [u8] {
        self.page.get(at..).unwrap_or_default()
    }

    /// One byte.
    #[inline]
    pub fn byte(self, at: usize) -> Parsed<u8> {
        self.check(at, 1)?;
        Ok(self.page[at])
    }

    /// An unsigned number of `len` bytes, 1 to 8.
    #[inline]
    pub fn uint(self, at: usize, len: usize) -> Parsed<u64> {
        self.check(at, len)?;
        Ok(word(self.tail(at)) & (u64::MAX >> (64 - 8 * len)))
    }
}

/// The first 8 bytes of `bytes` as a number; 0 if there are fewer.
#[inline]
pub(super) fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b))
}
