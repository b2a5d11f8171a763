//! The root record: one atomic statement of what the store is (C1, C2).
//!
//! Pages 1 to 4 hold two slots of two copies each: A B A B, so slot A is pages 1 and 3, slot B pages 2 and 4. Only the
//! first 4 KiB of a page are used, and they are written durably on their own.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `FOLIOROT` |
//! | 8 | 8 | XXH3-64 of bytes 16..4096, seed = page id alone (the UUID may be known from nowhere else) |
//! | 16 | 4 | format version |
//! | 20 | 4 | page size in bytes |
//! | 24 | 12 | feature flags, as in the superblock |
//! | 36 | 1 | levels of the map index above the regions (0 = no map: only pages 0 to 4 are in use) |
//! | 37 | 3 | zero |
//! | 40 | 16 | UUID |
//! | 56 | 8 | generation: one more with every root record |
//! | 64 | 8 | LSN: the version of the root |
//! | 72 | 8 | page count |
//! | 80 | 8 | pages in use according to the map (free count = page count − this) |
//! | 88 | 12 | reference to the root of the catalog tree; page 0 = none |
//! | 100 | 12 | reference to the map root; page 0 = none |
//! | 112 | 8 | log start: number of the first group; without a log, of the next one there will be |
//! | 120 | 8 | log start: check of the group before |
//! | 128 | 8 | salt of the log's life |
//! | 136 | 4 | log start: block within the first extent |
//! | 140 | 4 | how many extents; 0 = no log |
//! | 144 | 12 each | extents: that of the first group, then those already linked (first page u64, pages u32) |
//! | | | zero up to 4096 |

use super::log::{Extent, LogStart};
use super::superblock::{BLOCK, get_u32, get_u64, put_identity, put_u32, put_u64};
use crate::device::META_MAGIC;
use crate::page::{PageId, PageSize, REFERENCE_LEN, Written};
use twox_hash::XxHash3_64;

/// Pages that are neither allocated nor freed: superblock and meta pages.
pub const FIXED_PAGES: u64 = 5;

/// Where the log's extents stand in a record, and how many it can name.
const EXTENTS: usize = 144;
const EXTENT_LEN: usize = 12;
const MOST_EXTENTS: usize = (BLOCK - EXTENTS) / EXTENT_LEN;

/// One of the two places of the root record.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Slot {
    A,
    B,
}

impl Slot {
    pub(crate) const BOTH: [Slot; 2] = [Slot::A, Slot::B];

    /// The slot that holds this generation: they alternate.
    pub(crate) fn of(generation: u64) -> Slot {
        Slot::BOTH[(generation % 2) as usize]
    }

    pub(crate) fn pages(self) -> [PageId; 2] {
        let first = 1 + self as u64;
        [PageId::new(first), PageId::new(first + 2)]
    }

    pub(crate) fn letter(self) -> char {
        ['A', 'B'][self as usize]
    }
}

/// A root record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meta {
    /// Format version.
    pub format: u32,
    /// Bytes of a page.
    pub page_size: PageSize,
    /// Feature flags, as in the superblock.
    pub features: [u32; 3],
    /// The store's identity.
    pub uuid: [u8; 16],
    /// Grows by one with every record.
    pub generation: u64,
    /// The version of the root.
    pub lsn: u64,
    /// Pages of the file that belong to the store.
    pub page_count: u64,
    /// Pages in use according to the map.
    pub used_count: u64,
    /// Root of the catalog tree.
    pub root: Option<Written>,
    /// Root of the allocation map.
    pub map_root: Option<Written>,
    /// Index levels above the regions.
    pub map_levels: u8,
    /// Where the log begins.
    pub log: LogStart,
}

fn put_root(block: &mut [u8], at: usize, root: Option<Written>) {
    if let Some(root) = root {
        block[at..at + REFERENCE_LEN].copy_from_slice(&root.encode());
    }
}

fn get_root(block: &[u8], at: usize) -> Option<Written> {
    let root = Written::decode(block[at..at + REFERENCE_LEN].try_into().expect("the length of a reference"));
    (root.page().get() != 0).then_some(root)
}

fn put_log(block: &mut [u8], log: &LogStart) {
    put_u64(block, 112, log.group);
    put_u64(block, 120, log.previous_check);
    put_u64(block, 128, log.salt);
    put_u32(block, 136, log.block);
    assert!(log.extents.len() <= MOST_EXTENTS, "the log's limit keeps to what a root record can name");
    put_u32(block, 140, log.extents.len() as u32);
    for (i, extent) in log.extents.iter().enumerate() {
        put_u64(block, EXTENTS + i * EXTENT_LEN, extent.first.get());
        put_u32(block, EXTENTS + i * EXTENT_LEN + 8, extent.pages);
    }
}

/// `None` if it names more extents than there is room for: no record of ours.
fn get_log(block: &[u8]) -> Option<LogStart> {
    let count = get_u32(block, 140) as usize;
    let extent = |i: usize| {
        let at = EXTENTS + i * EXTENT_LEN;
        Extent { first: PageId::new(get_u64(block, at)), pages: get_u32(block, at + 8) }
    };
    (count <= MOST_EXTENTS).then(|| LogStart {
        group: get_u64(block, 112),
        previous_check: get_u64(block, 120),
        salt: get_u64(block, 128),
        block: get_u32(block, 136),
        extents: (0..count).map(extent).collect(),
    })
}

impl Meta {
    /// The copy that belongs into `page`.
    pub(crate) fn encode(&self, page: PageId, block: &mut [u8]) {
        block[..BLOCK].fill(0);
        block[..8].copy_from_slice(&META_MAGIC);
        put_identity(block, self.format, self.page_size, self.features);
        block[36] = self.map_levels;
        block[40..56].copy_from_slice(&self.uuid);
        put_u64(block, 56, self.generation);
        put_u64(block, 64, self.lsn);
        put_u64(block, 72, self.page_count);
        put_u64(block, 80, self.used_count);
        put_root(block, 88, self.root);
        put_root(block, 100, self.map_root);
        put_log(block, &self.log);
        let sum = XxHash3_64::oneshot_with_seed(page.get(), &block[16..BLOCK]);
        put_u64(block, 8, sum);
    }

    /// The record in the first 4 KiB of `page`, if it is a valid copy.
    pub fn decode(page: PageId, block: &[u8]) -> Option<Meta> {
        let block = block.get(..BLOCK)?;
        let sum = XxHash3_64::oneshot_with_seed(page.get(), &block[16..]);
        if block[..8] != META_MAGIC || get_u64(block, 8) != sum {
            return None;
        }
        Some(Meta {
            format: get_u32(block, 16),
            page_size: PageSize::new(get_u32(block, 20))?,
            features: [get_u32(block, 24), get_u32(block, 28), get_u32(block, 32)],
            uuid: block[40..56].try_into().expect("16 bytes"),
            generation: get_u64(block, 56),
            lsn: get_u64(block, 64),
            page_count: get_u64(block, 72),
            used_count: get_u64(block, 80),
            root: get_root(block, 88),
            map_root: get_root(block, 100),
            map_levels: block[36],
            log: get_log(block)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Meta {
        Meta {
            format: 1,
            page_size: PageSize::K8,
            features: [1, 2, 3],
            uuid: *b"0123456789abcdef",
            generation: 7,
            lsn: 8,
            page_count: 9,
            used_count: 6,
            root: Some(Written::new(PageId::new(5), 0xAABB_CCDD)),
            map_root: None,
            map_levels: 0,
            log: LogStart {
                block: 2,
                group: 3,
                previous_check: 4,
                salt: 6,
                extents: vec![
                    Extent { first: PageId::new(7), pages: 8 },
                    Extent { first: PageId::new(90), pages: 1 },
                ],
            },
        }
    }

    #[test]
    fn a_copy_reads_back_only_in_its_own_page() {
        let mut block = vec![0; BLOCK];
        sample().encode(PageId::new(1), &mut block);
        assert_eq!(Meta::decode(PageId::new(1), &block), Some(sample()));
        assert_eq!(Meta::decode(PageId::new(3), &block), None);
    }

    #[test]
    fn every_flipped_byte_makes_a_copy_invalid() {
        let mut block = vec![0; BLOCK];
        sample().encode(PageId::new(2), &mut block);
        for at in 0..BLOCK {
            block[at] ^= 0x40;
            assert_eq!(Meta::decode(PageId::new(2), &block), None, "byte {at}");
            block[at] ^= 0x40;
        }
    }

    #[test]
    fn slots_lie_a_b_a_b() {
        assert_eq!(Slot::A.pages().map(PageId::get), [1, 3]);
        assert_eq!(Slot::B.pages().map(PageId::get), [2, 4]);
        assert_eq!((Slot::of(4), Slot::of(5)), (Slot::A, Slot::B));
    }
}
