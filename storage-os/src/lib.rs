//! The one open file under every device that keeps its pages in a file.
//!
//! [`StoreFile`] owns what must be the same whatever way pages travel: opening and its errors, the probe, the lock,
//! the length and its growth, durable writes, syncs, the poison, closing. A device adds how it reads and writes:
//! `storage-file` with positioned calls, `storage-mmap` with a mapping, `storage-uring` with a ring.
//!
//! It is a crate of its own because it has no other place: `storage-core` opens no file and knows no operating
//! system, and the device crates do not depend on each other.
//!
//! Must always be true: there is one open description of the file (a device may duplicate the descriptor, never open
//! the path again); nothing here moves its file position; `page_count` is never above what the file was grown to by
//! this handle, and a request is checked against it before the system is called (D3).
//!
//! What it cannot rule out: the kernel tells each open description of a lost page once, so a durable write that ends in the
//! few instructions between a failing sync's return from the kernel and its poison may say "durable" of blocks that the
//! sync was told of; a second description with a memory of its own would be a second owner of the file (I8), and waiting
//! for each sync would make commits as slow as checkpoints.
//!
//! Platforms: everything compiles on Unix and Windows. Where there is no `fallocate`, growth only sets the length;
//! where there is no `RWF_DSYNC`, a durable write is a write and a sync of the file; [`StoreFile::info`] says which.

#![warn(clippy::missing_errors_doc)]

mod fault;
mod file;
mod growth;
mod open;
mod platform;
#[cfg(all(test, feature = "testing"))]
mod stories;
#[cfg(feature = "testing")]
pub mod testing;
mod transfer;

pub use file::StoreFile;
pub use transfer::{MAX_PARTS, Stopped, read_buf, read_one, read_run, write_buf, write_run};
