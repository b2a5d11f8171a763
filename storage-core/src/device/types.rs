//! What goes over the boundary of a device: requests, options, and what a device says of itself.

use crate::page::{PageId, PageSize};
use std::path::PathBuf;
use std::ptr::NonNull;

/// One page to read: `buf` is exactly one page long.
#[derive(Debug)]
pub struct ReadPage<'a> {
    /// Which page.
    pub page: PageId,
    /// Where it goes. Page-aligned if it comes from a [`crate::page::PageBuf`]; a device that needs alignment copies
    /// when it is not.
    pub buf: &'a mut [u8],
}

/// One page to write: `data` is exactly one page long.
#[derive(Copy, Clone, Debug)]
pub struct WritePage<'a> {
    /// Which page.
    pub page: PageId,
    /// Its bytes.
    pub data: &'a [u8],
}

/// A part of a page to write durably: `offset` and length are multiples of [`super::BLOCK_LEN`] and stay in the page.
#[derive(Copy, Clone, Debug)]
pub struct WriteBlock<'a> {
    /// Which page.
    pub page: PageId,
    /// Byte offset within the page.
    pub offset: usize,
    /// The bytes.
    pub data: &'a [u8],
}

/// How a device grows.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Growth {
    /// Space is reserved (`fallocate`): a page that `grow` gave can be written even if the disk is full.
    Reserved,
    /// Only the length changes (`set_len`): a later write may still find the disk full, and then poisons (A5).
    LengthOnly,
}

/// How `write_durable` reaches the disk.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum BlockWrites {
    /// A write that returns when it is durable itself (`RWF_DSYNC`).
    WriteThrough,
    /// A write, and then a sync of the whole file.
    WriteAndSync,
}

/// What a device is and can do: data, so that suites choose cases by it.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// The backend that is active: "file", "mmap", "uring", "memory", "simulated", ….
    pub backend: &'static str,
    /// What was asked for, where that was `auto` or nothing; set by whoever chose the backend.
    pub requested: Option<&'static str>,
    /// Why the first choice was not taken; `None` if it was.
    pub fallback: Option<String>,
    /// Where, if it is a file.
    pub path: Option<PathBuf>,
    /// Bytes of a page.
    pub page_size: PageSize,
    /// Every changing call is refused.
    pub read_only: bool,
    /// What growth reserves.
    pub growth: Growth,
    /// How small durable writes are done.
    pub block_writes: BlockWrites,
    /// All I/O passes by the kernel's page cache.
    pub direct_io: bool,
    /// `mapped` can give a page.
    pub lends_pages: bool,
    /// The reads of a batch are in flight together: reading pages ahead in one batch takes less time than one by one.
    pub parallel_reads: bool,
    /// Contents survive this process.
    pub persistent: bool,
}

/// How to open the file of a device.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// An existing store. The page size is found by the probe.
    Open,
    /// A new file, or one that exists and is empty or all zero or an unfinished creation (N1). The probe decides; a
    /// file with anything else in it is refused untouched.
    Create(PageSize),
}

/// What every file device takes at open.
#[derive(Copy, Clone, Debug)]
pub struct OpenOptions {
    /// Open or create.
    pub mode: OpenMode,
    /// Refuse every change; take a shared lock.
    pub read_only: bool,
    /// Bypass the kernel's page cache (O_DIRECT) for all I/O of the device. Refused by mmap.
    pub direct_io: bool,
}

impl OpenOptions {
    /// An existing store, for reading and writing, buffered.
    pub fn open() -> Self {
        OpenOptions { mode: OpenMode::Open, read_only: false, direct_io: false }
    }

    /// A new store.
    pub fn create(size: PageSize) -> Self {
        OpenOptions { mode: OpenMode::Create(size), ..Self::open() }
    }
}

/// A page lent from a mapping: a pointer, not a slice.
///
/// Whoever dereferences it has to keep (1) the device alive, (2) the page from being written or cut meanwhile: the
/// pager's guard does both, by holding the device and a snapshot that keeps the page from reuse (A2). Nothing else may.
#[derive(Copy, Clone, Debug)]
pub struct LentPage {
    ptr: NonNull<u8>,
    len: usize,
}

// SAFETY: a pointer at memory that any thread may read; what makes a read valid is the holder's business, as above.
#[allow(unsafe_code)]
unsafe impl Send for LentPage {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for LentPage {}

impl LentPage {
    /// A lent page of `len` bytes at `ptr`.
    pub fn new(ptr: NonNull<u8>, len: usize) -> Self {
        LentPage { ptr, len }
    }

    /// Where it lies.
    pub fn as_ptr(&self) -> *const u8 {
        self.ptr.as_ptr()
    }

    /// Its bytes, one page.
    pub fn page_len(&self) -> usize {
        self.len
    }
}
