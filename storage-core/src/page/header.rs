//! The 32 bytes that begin every page, and the checksum over the rest.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | checksum: XXH3-64 of bytes 8.. of the page, seeded with [`checksum_seed`] |
//! | 8 | 8 | page id |
//! | 16 | 8 | version that wrote the page |
//! | 24 | 4 | used: bytes of the page in use, header included |
//! | 28 | 1 | kind |
//! | 29 | 1 | codec: which layout of this kind |
//! | 30 | 2 | zero |
//!
//! All little-endian. The seed binds a page to its place and its store: a page that was written to the wrong place, or
//! belongs to another store, fails its checksum.

use super::{PageId, PageKind};
use twox_hash::XxHash3_64;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of the header.
pub const HEADER_LEN: usize = 32;

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    checksum: U64,
    page: U64,
    version: U64,
    used: U32,
    kind: u8,
    codec: u8,
    zero: U16,
}

/// The decoded header of a page.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct PageHeader {
    /// XXH3-64 of the page from byte 8 on.
    pub checksum: u64,
    /// The place where the page was written.
    pub page: PageId,
    /// The version that wrote it.
    pub version: u64,
    /// Bytes in use, header included.
    pub used: u32,
    /// What it holds.
    pub kind: PageKind,
    /// Which layout of that kind.
    pub codec: u8,
}

impl PageHeader {
    /// Reads the header of `page`, without judging its checksum. The error says what is wrong.
    ///
    /// # Errors
    /// What is wrong with the page's header or its checksum.
    pub fn decode(page: &[u8]) -> Result<PageHeader, &'static str> {
        let (raw, _) = RawHeader::ref_from_prefix(page).map_err(|_| "page shorter than its header")?;
        let kind = PageKind::from_code(raw.kind).ok_or("unknown page kind")?;
        let used = raw.used.get();
        if (used as usize) < HEADER_LEN || used as usize > page.len() {
            return Err("used length out of range");
        }
        if raw.zero.get() != 0 {
            return Err("reserved header bytes are not zero");
        }
        Ok(PageHeader {
            checksum: raw.checksum.get(),
            page: PageId::new(raw.page.get()),
            version: raw.version.get(),
            used,
            kind,
            codec: raw.codec,
        })
    }

    /// Writes all but the checksum.
    pub(crate) fn encode(&self, page: &mut [u8]) {
        let raw = RawHeader {
            checksum: U64::new(self.checksum),
            page: U64::new(self.page.get()),
            version: U64::new(self.version),
            used: U32::new(self.used),
            kind: self.kind as u8,
            codec: self.codec,
            zero: U16::new(0),
        };
        page[..HEADER_LEN].copy_from_slice(raw.as_bytes());
    }
}

/// The seed of a page's checksum: XXH3-64 of page id and store UUID.
pub fn checksum_seed(page: PageId, uuid: &[u8; 16]) -> u64 {
    let mut bytes = [0u8; 24];
    bytes[..8].copy_from_slice(&page.get().to_le_bytes());
    bytes[8..].copy_from_slice(uuid);
    XxHash3_64::oneshot(&bytes)
}

/// The checksum that belongs into the header of `page`.
pub fn checksum(page: &[u8], seed: u64) -> u64 {
    XxHash3_64::oneshot_with_seed(seed, &page[8..])
}
