//! Pages in a file, read through a read-only mapping: pages that the kernel has in its cache are lent without a copy.
//!
//! The mapping is made once, far longer than the file, and never moves: a page that comes with later growth is there
//! as soon as the file is that long, and a lent pointer stays good. Writes are positioned writes, durability is
//! `fdatasync` or a write-through write: there is no writable mapping and no `msync`, which could neither order nor
//! report writes. The kernel keeps mapping and writes coherent.
//!
//! - `open.rs`: the constructor. `device.rs`: the [`PageDevice`](storage_core::device::PageDevice). `io.rs`: transfers.
//!   `length.rs`: how long the file is. `map.rs`: the mapping, and the only unsafe code.
//!
//! # Caveats
//!
//! - **SIGBUS.** A mapping has no way to report an error: if the disk fails under a read, or somebody else cuts the
//!   file, touching the page kills the process. `read` looks at the file's length first (for a single page once a tick
//!   of the kernel's clock, some milliseconds) and says `ShortFile`, but a lent page is touched without a look. Where the disk or its neighbours are not trusted, take the file device.
//! - No direct I/O: a mapping is the kernel's cache.
//! - The range reserved is 1 TiB where the address space allows it, less where not (`ulimit -v`). Pages beyond it are
//!   read by positioned reads and not lent.
//! - Unix only; elsewhere opening says `Unsupported`.

#![warn(clippy::missing_errors_doc)]

mod device;
mod io;
mod length;
mod map;
mod open;

pub use device::MmapDevice;
