//! What a page is: its number, its size, its buffer, its header and its checksum.
//!
//! Holds: index, count and size of pages as three types that do not mix; page-aligned buffers; the 32-byte header
//! that begins every page but the superblock and the meta pages; [`Written`], the only name of a page that may stand
//! in another page.
//!
//! It is not: I/O (see [`crate::device`]) and not policy about which page is used for what (see [`crate::pager`]).

mod buf;
mod header;
mod id;
mod image;
mod kind;
mod pool;
mod reference;

pub use buf::PageBuf;
pub use header::{HEADER_LEN, PageHeader, checksum, checksum_seed};
pub use id::{PageCount, PageId, PageRun, PageSize};
pub use image::PageImage;
pub use kind::PageKind;
pub(crate) use pool::BufferPool;
pub use reference::{REFERENCE_LEN, Written};
