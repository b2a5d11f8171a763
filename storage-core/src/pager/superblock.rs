//! Page 0: what makes a file one of ours (N1).
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `89 'FOLIO' 0D 0A` |
//! | 8 | 8 | XXH3-64 of bytes 16..4096, seed 0 |
//! | 16 | 4 | format version |
//! | 20 | 4 | page size in bytes |
//! | 24 | 4 | compatible feature flags: unknown ones are ignored |
//! | 28 | 4 | read-only compatible flags: unknown ones forbid writing |
//! | 32 | 4 | incompatible flags: unknown ones forbid opening |
//! | 36 | 4 | zero |
//! | 40 | 16 | UUID |
//! | 56 | | zero up to 4096 (and to the end of the page) |
//!
//! Written once, at creation, after the meta pages are durable; never again.

use crate::device::SUPERBLOCK_MAGIC;
use crate::page::PageSize;
use twox_hash::XxHash3_64;

/// The format that this version writes.
pub const FORMAT_VERSION: u32 = 1;

/// Bytes of the superblock and of a meta copy: the first block of their page.
pub(crate) const BLOCK: usize = 4096;

/// The decoded superblock.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Superblock {
    /// Format version of the file.
    pub format: u32,
    /// Bytes of a page.
    pub page_size: PageSize,
    /// Compatible, read-only compatible, incompatible feature flags.
    pub features: [u32; 3],
    /// The store's identity: it seeds every page's checksum.
    pub uuid: [u8; 16],
}

impl Superblock {
    pub(crate) fn encode(&self, block: &mut [u8]) {
        block[..BLOCK].fill(0);
        block[..8].copy_from_slice(&SUPERBLOCK_MAGIC);
        put_identity(block, self.format, self.page_size, self.features);
        block[40..56].copy_from_slice(&self.uuid);
        let sum = XxHash3_64::oneshot(&block[16..BLOCK]);
        block[8..16].copy_from_slice(&sum.to_le_bytes());
    }

    /// The superblock in the first 4 KiB of page 0, if it is valid.
    pub fn decode(block: &[u8]) -> Option<Self> {
        let block = block.get(..BLOCK)?;
        if block[..8] != SUPERBLOCK_MAGIC || get_u64(block, 8) != XxHash3_64::oneshot(&block[16..]) {
            return None;
        }
        Some(Superblock {
            format: get_u32(block, 16),
            page_size: PageSize::new(get_u32(block, 20))?,
            features: [get_u32(block, 24), get_u32(block, 28), get_u32(block, 32)],
            uuid: block[40..56].try_into().expect("16 bytes"),
        })
    }
}

/// The fields that superblock and meta copy share, at the same places.
pub(crate) fn put_identity(block: &mut [u8], format: u32, size: PageSize, features: [u32; 3]) {
    put_u32(block, 16, format);
    put_u32(block, 20, size.as_u32());
    for (i, flags) in features.into_iter().enumerate() {
        put_u32(block, 24 + 4 * i, flags);
    }
}

pub(crate) fn get_u32(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(block[at..at + 4].try_into().expect("4 bytes"))
}

pub(crate) fn get_u64(block: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(block[at..at + 8].try_into().expect("8 bytes"))
}

pub(crate) fn put_u32(block: &mut [u8], at: usize, value: u32) {
    block[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u64(block: &mut [u8], at: usize, value: u64) {
    block[at..at + 8].copy_from_slice(&value.to_le_bytes());
}
