//! Pages in a file, by positioned reads and writes: the device that runs everywhere, and the one to compare with.
//!
//! A single page is one `pread` or `pwrite` (through `positioned-io`); a batch is sorted, neighbours are merged, and
//! each run is one `preadv` or `pwritev` where the system has them. There is no seek and no lock that a reader would
//! wait for. What the file is under all of this (lock, length, growth, durability, poison) stands in `storage-os`.
//!
//! - `open.rs`: the constructor. `device.rs`: the [`PageDevice`](storage_core::device::PageDevice). `io.rs`: transfers.
//!
//! # Caveats
//!
//! - Buffered reads go through the kernel's page cache, so a page may be in memory twice: there and in the pager's
//!   cache. `direct_io` (Linux, file systems that have it) avoids the first; then there is no read-ahead either.
//! - `positioned_io::RandomAccessFile` advises the kernel against read-ahead for the whole file. A scan would pay for
//!   that, and a random read of a page gains nothing: so the advice is taken back after opening, and given per use:
//!   `prefetch` asks for exactly the pages that will be needed.
//! - The lock is advisory on Unix: it keeps other openings of the store out, not other programs that write the file.

#![warn(clippy::missing_errors_doc)]

mod device;
mod io;
mod open;

pub use device::FileDevice;
