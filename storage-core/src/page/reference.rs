//! [`Written`]: the name of a page that is on the device (V2, V3, I1).
//!
//! Must always be true: a `Written` exists only for a page that was written by the pager of this process, or that was
//! read out of a page whose own checksum and reference matched. There is no way to make one from a number, so a page
//! id can not enter an index before its page was written.
//!
//! ```compile_fail,E0277
//! // A page that was not written has no name that an index would take.
//! use storage_core::page::{PageId, Written};
//! let not_written = PageId::new(7);
//! let entry: Written = not_written.into();
//! ```
//!
//! ```compile_fail,E0451
//! // Nor can one be put together by hand.
//! use storage_core::page::{PageId, Written};
//! let forged = Written { page: PageId::new(7), check: 0 };
//! ```
//!
//! ```compile_fail,E0308
//! // And an index page's image takes nothing else.
//! use storage_core::page::{PageId, PageImage, PageKind, PageSize};
//! let mut index = PageImage::new(PageSize::K4, PageKind::Inner, 0);
//! index.put_reference(64, PageId::new(7));
//! ```
//!
//! ```
//! // With what the write of a page returned, it is taken.
//! use std::sync::Arc;
//! use storage_core::device::memory::MemoryDevice;
//! use storage_core::page::{PageImage, PageKind, PageSize, Written};
//! use storage_core::pager::{Pager, PagerOptions};
//! let pager = Pager::create(Arc::new(MemoryDevice::new(PageSize::K4)), &PagerOptions::default())?;
//! let mut tx = pager.begin_write()?;
//! let written: Written = tx.write(vec![PageImage::new(PageSize::K4, PageKind::Record, 0)])?[0];
//! let mut index = PageImage::new(PageSize::K4, PageKind::Inner, 0);
//! index.put_reference(64, written);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::PageId;

/// Bytes of a reference in a page: page id (u64) and check (u32), little-endian.
pub const REFERENCE_LEN: usize = 12;

/// A page that has been written: its id, and 32 bits of its checksum (V3).
///
/// The check is compared whenever the page is loaded and at every cache hit, so that neither a lost write nor an older
/// or later life of the same page id can pass for the page.
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
pub struct Written {
    page: PageId,
    check: u32,
}

impl Written {
    /// Only the pager makes one: after a write, or out of a verified page.
    pub(crate) const fn new(page: PageId, check: u32) -> Self {
        Written { page, check }
    }

    pub(crate) fn decode(bytes: &[u8; REFERENCE_LEN]) -> Self {
        let (page, check) = bytes.split_at(8);
        Written {
            page: PageId::new(u64::from_le_bytes(page.try_into().expect("8 bytes"))),
            check: u32::from_le_bytes(check.try_into().expect("4 bytes")),
        }
    }

    /// The bytes that stand for this reference in a page.
    pub fn encode(&self) -> [u8; REFERENCE_LEN] {
        let mut out = [0; REFERENCE_LEN];
        out[..8].copy_from_slice(&self.page.get().to_le_bytes());
        out[8..].copy_from_slice(&self.check.to_le_bytes());
        out
    }

    /// Where the page is.
    pub const fn page(&self) -> PageId {
        self.page
    }

    /// 32 bits of the page's checksum.
    pub const fn check(&self) -> u32 {
        self.check
    }
}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}:{:08x}", self.page, self.check)
    }
}
