//! The allocation map's pages (A3): regions of bits, and the index over them.
//!
//! A region page (kind `map region`) holds one bit a page, set = in use, least significant bit first, from byte 32 to
//! the end of the page: `(page size − 32) × 8` pages. Region r covers the pages from r × that number on.
//!
//! An index page (kind `map index`) holds from byte 32: level u8 (1 = entries name regions), 3 zero, count u32, then
//! count entries of 16 bytes: reference (12; page 0 = no page in use below), pages in use below (u32). A region that has
//! been emptied again keeps its page, with a count of 0.
//! With one index page it is the root (levels = 1); with more, a page of level 2 holds the references to them, whose
//! counts are left 0. So 4 KiB pages reach 253² regions of 127 MiB, about 7.7 TiB. The index never gets fewer entries.

use super::error::PageError;
use super::page::Page;
use super::superblock::{get_u32, put_u32};
use crate::page::{HEADER_LEN, PageImage, PageKind, PageSize, Written};

const INDEX_HEAD: usize = HEADER_LEN + 8;
const ENTRY: usize = 16;

/// Pages that one region covers.
pub(crate) fn region_pages(size: PageSize) -> u64 {
    ((size.bytes() - HEADER_LEN) * 8) as u64
}

/// Entries that one index page holds.
pub(crate) fn index_entries(size: PageSize) -> usize {
    (size.bytes() - INDEX_HEAD) / ENTRY
}

/// One entry of an index page.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct MapEntry {
    pub(crate) at: Option<Written>,
    pub(crate) used: u32,
}

/// The bits of a region, as words: bit i of the region is bit i % 64 of word i / 64.
pub(crate) fn encode_region(size: PageSize, bits: &[u64]) -> PageImage {
    let mut image = PageImage::new(size, PageKind::MapRegion, 0);
    for (word, out) in bits.iter().zip(image.bytes_mut()[HEADER_LEN..].chunks_exact_mut(8)) {
        out.copy_from_slice(&word.to_le_bytes());
    }
    image.set_used(size.bytes());
    image
}

/// The bits of a region page; `used` is how many its entry says are set.
pub(crate) fn decode_region(page: &Page, used: u32) -> Result<Vec<u64>, PageError> {
    let words = page[HEADER_LEN..].chunks_exact(8);
    let bits: Vec<u64> = words.map(|w| u64::from_le_bytes(w.try_into().expect("8 bytes"))).collect();
    let set: u32 = bits.iter().map(|w| w.count_ones()).sum();
    if set != used {
        return Err(page.damage(format!("{set} pages are marked in use, its entry says {used}")));
    }
    Ok(bits)
}

pub(crate) fn encode_index(size: PageSize, level: u8, entries: &[MapEntry]) -> PageImage {
    let mut image = PageImage::new(size, PageKind::MapIndex, 0);
    image.bytes_mut()[HEADER_LEN] = level;
    put_u32(image.bytes_mut(), HEADER_LEN + 4, u32::try_from(entries.len()).expect("fits a page"));
    for (i, entry) in entries.iter().enumerate() {
        let at = INDEX_HEAD + i * ENTRY;
        if let Some(region) = entry.at {
            image.put_reference(at, region);
        }
        put_u32(image.bytes_mut(), at + 12, entry.used);
    }
    image.set_used(INDEX_HEAD + entries.len() * ENTRY);
    image
}

pub(crate) fn decode_index(page: &Page, level: u8) -> Result<Vec<MapEntry>, PageError> {
    if page[HEADER_LEN] != level {
        return Err(page.damage("an index page of the map has the wrong level"));
    }
    let count = get_u32(page, HEADER_LEN + 4) as usize;
    if INDEX_HEAD + count * ENTRY > page.used() {
        return Err(page.damage("an index page of the map has more entries than bytes"));
    }
    (0..count)
        .map(|i| {
            let at = INDEX_HEAD + i * ENTRY;
            let region = page.reference(at)?;
            let entry =
                MapEntry { at: (region.page().get() != 0).then_some(region), used: get_u32(page, at + 12) };
            if level == 1 && entry.at.is_none() && entry.used != 0 {
                return Err(page.damage("a map entry counts pages without naming a region"));
            }
            Ok(entry)
        })
        .collect()
}

/// The most pages that two levels of index reach.
pub(crate) fn max_pages(size: PageSize) -> u64 {
    (index_entries(size) as u64).pow(2) * region_pages(size)
}
