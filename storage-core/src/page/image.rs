//! A page in the making: it has a kind and a body, but no page id yet (V1).

use super::{
    HEADER_LEN, PageBuf, PageHeader, PageId, PageKind, PageSize, REFERENCE_LEN, Written, checksum,
    checksum_seed,
};

/// The image of a page that is about to be written. It gets its id by being written (V2), and only then a name.
#[derive(Debug)]
pub struct PageImage {
    buf: PageBuf,
    kind: PageKind,
    codec: u8,
    used: usize,
}

impl PageImage {
    /// An empty image; offsets below are within the whole page, so a body begins at [`HEADER_LEN`].
    pub fn new(size: PageSize, kind: PageKind, codec: u8) -> Self {
        PageImage { buf: PageBuf::zeroed(size.bytes()), kind, codec, used: HEADER_LEN }
    }

    /// The same contents for another place.
    pub fn copy_of(page: &crate::pager::Page) -> Self {
        let mut buf = PageBuf::zeroed(page.len());
        buf.copy_from_slice(page);
        PageImage { buf, kind: page.kind(), codec: page.codec(), used: page.used() }
    }

    /// What the page will hold.
    pub fn kind(&self) -> PageKind {
        self.kind
    }

    /// Bytes in use, header included.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Says how many bytes are in use, header included. The rest of the page must be zero.
    ///
    /// # Panics
    /// If that is more than the page, or less than the header.
    pub fn set_used(&mut self, used: usize) {
        assert!((HEADER_LEN..=self.buf.len()).contains(&used), "used length {used} out of range");
        self.used = used;
    }

    /// The whole page; the first [`HEADER_LEN`] bytes are overwritten by the write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buf
    }

    /// The whole page.
    pub fn bytes(&self) -> &[u8] {
        &self.buf
    }

    /// Names a written page at `offset`. Nothing but a written page can be named.
    pub fn put_reference(&mut self, offset: usize, page: Written) {
        self.buf[offset..offset + REFERENCE_LEN].copy_from_slice(&page.encode());
    }

    /// Fills in the header for the place the page goes to; returns the check of a reference to it.
    pub(crate) fn seal(&mut self, page: PageId, version: u64, uuid: &[u8; 16]) -> u32 {
        let used = u32::try_from(self.used).expect("a page is at most 64 KiB");
        debug_assert!(self.buf[self.used..].iter().all(|b| *b == 0), "bytes beyond the used length are zero");
        PageHeader { checksum: 0, page, version, used, kind: self.kind, codec: self.codec }
            .encode(&mut self.buf);
        let sum = checksum(&self.buf, checksum_seed(page, uuid));
        self.buf[..8].copy_from_slice(&sum.to_le_bytes());
        sum as u32
    }

    pub(crate) fn into_buf(self) -> PageBuf {
        self.buf
    }
}
