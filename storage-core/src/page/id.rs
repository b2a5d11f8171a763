//! Index, count and size of pages. Three types, so that the compiler refuses to mix them.

use std::fmt;

/// The number of a page within its device, counted from 0. Byte offset = number × page size.
///
/// A `PageId` says *where*, never that something valid is there: only [`crate::page::Written`] says that.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId(u64);

impl PageId {
    /// The page with this number.
    pub const fn new(number: u64) -> Self {
        PageId(number)
    }

    /// The number, counted from 0.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Where the page begins, in bytes; `None` beyond 2⁶⁴ (a garbage id).
    pub const fn offset(self, size: PageSize) -> Option<u64> {
        self.0.checked_mul(size.bytes() as u64)
    }

    /// The page `n` further on; saturates, so that a garbage id stays out of bounds.
    pub const fn plus(self, n: u64) -> Self {
        PageId(self.0.saturating_add(n))
    }
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// How many pages: a length, never a place.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PageCount(u64);

impl PageCount {
    /// This many pages.
    pub const fn new(pages: u64) -> Self {
        PageCount(pages)
    }

    /// The number of pages.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// True if `page` lies below this end.
    pub const fn contains(self, page: PageId) -> bool {
        page.0 < self.0
    }

    /// The length in bytes; `None` beyond 2⁶⁴.
    pub const fn bytes(self, size: PageSize) -> Option<u64> {
        self.0.checked_mul(size.bytes() as u64)
    }
}

impl fmt::Display for PageCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for PageCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pages", self.0)
    }
}

/// Neighbouring pages: `count` of them from `start`.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct PageRun {
    /// The first page.
    pub start: PageId,
    /// How many pages.
    pub count: PageCount,
}

/// The bytes of a page: one of 4, 8, 16, 32, 64 KiB, chosen when the store is created.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PageSize(u32);

impl PageSize {
    /// 4 KiB: cold random single lists, sparse random writes.
    pub const K4: PageSize = PageSize(4 << 10);
    /// 8 KiB.
    pub const K8: PageSize = PageSize(8 << 10);
    /// 16 KiB, the default.
    pub const K16: PageSize = PageSize(16 << 10);
    /// 32 KiB.
    pub const K32: PageSize = PageSize(32 << 10);
    /// 64 KiB.
    pub const K64: PageSize = PageSize(64 << 10);
    /// All sizes, smallest first: what a probe tries.
    pub const ALL: [PageSize; 5] = [Self::K4, Self::K8, Self::K16, Self::K32, Self::K64];

    /// The size with this many bytes, if it is one of the five.
    pub const fn new(bytes: u32) -> Option<Self> {
        match bytes {
            4096 | 8192 | 16384 | 32768 | 65536 => Some(PageSize(bytes)),
            _ => None,
        }
    }

    /// The size in bytes.
    pub const fn bytes(self) -> usize {
        self.0 as usize
    }

    /// The size in bytes, as the file format writes it.
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self::K16
    }
}

impl fmt::Display for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB", self.0 >> 10)
    }
}
