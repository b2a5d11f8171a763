//! What a file device reads before it knows its page size: the first 4 KiB, else the meta copies.

use crate::page::{PageId, PageSize};
use twox_hash::XxHash3_64;

/// Bytes that are probed at the start of the file, and at the start of each candidate meta page.
pub const PROBE_LEN: usize = 4096;

/// The first bytes of a superblock. The high bit and the line ends show a file that was sent as text.
pub const SUPERBLOCK_MAGIC: [u8; 8] = *b"\x89FOLIO\r\n";

/// The first bytes of a meta copy.
pub const META_MAGIC: [u8; 8] = *b"FOLIOROT";

/// What the first 4 KiB of a file say.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Probe {
    /// A valid superblock: a store with this page size.
    Store(PageSize),
    /// All zero: nothing yet, or a creation that was cut off. Meta copies behind it belong to that creation.
    Zero,
    /// It begins like a superblock and is damaged: the meta copies decide.
    Damaged,
    /// Anything else: not ours.
    Foreign,
}

/// Superblock: magic 8, checksum 8 (XXH3-64 of bytes 16..4096, seed 0), format version u32, page size u32, …
/// (the whole layout stands in `pager/superblock.rs`).
pub fn probe_superblock(first: &[u8; PROBE_LEN]) -> Probe {
    if first.iter().all(|b| *b == 0) {
        return Probe::Zero;
    }
    let sum = u64::from_le_bytes(first[8..16].try_into().expect("8 bytes"));
    let valid = sum == XxHash3_64::oneshot(&first[16..]);
    match (first[..8] == SUPERBLOCK_MAGIC, valid) {
        (true, true) => {
            let size = u32::from_le_bytes(first[20..24].try_into().expect("4 bytes"));
            PageSize::new(size).map_or(Probe::Damaged, Probe::Store)
        }
        (true, false) => Probe::Damaged,
        (false, _) => Probe::Foreign,
    }
}

/// The page size that a valid meta copy at `page` says, if `block` (the first 4 KiB of that page) is one.
///
/// Meta copy: magic 8, checksum 8 (XXH3-64 of bytes 16..4096, seed = page id), format version u32, page size u32, ….
pub fn probe_meta_page_size(block: &[u8; PROBE_LEN], page: PageId) -> Option<PageSize> {
    if block[..8] != META_MAGIC {
        return None;
    }
    let sum = u64::from_le_bytes(block[8..16].try_into().expect("8 bytes"));
    if sum != XxHash3_64::oneshot_with_seed(page.get(), &block[16..]) {
        return None;
    }
    PageSize::new(u32::from_le_bytes(block[20..24].try_into().expect("4 bytes")))
}
