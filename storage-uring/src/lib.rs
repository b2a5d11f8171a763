//! Pages in a file, whole batches in flight at once through io_uring. Linux; an empty crate elsewhere.
//!
//! A batch is sorted, neighbours are merged, and all its runs go to the kernel together; pages are told of as they come. What
//! a ring does not make faster goes by positioned calls: a single page (a ring of depth one gains nothing), long
//! buffered writes (through a ring they are handed to a kernel thread that copies them), durable writes and syncs.
//!
//! - `open.rs`: the constructor and the probe. `device.rs`: the [`PageDevice`](storage_core::device::PageDevice).
//!   `io.rs`: what goes which way. `pool.rs`: a ring for each calling thread. `ring.rs`: a ring, and the only unsafe code.
//!
//! # What is used, and what is not
//!
//! - `SINGLE_ISSUER | DEFER_TASKRUN` where the kernel has them (6.1), else `COOP_TASKRUN`, else a plain ring. A ring
//!   with a single issuer belongs to the thread that made it; so the pool gives each thread its own.
//! - The file is registered with each ring: an operation does not look the descriptor up.
//! - Buffers are *not* registered. They belong to the caller, a cache that comes and goes page by page; registering one
//!   for an operation costs more than the operation saves, and registering a whole cache would have to fit into the
//!   limit of locked memory, which is 8 MiB on a usual system.
//! - `direct_io` (O_DIRECT): all transfers pass by the kernel's cache. This is where many operations in flight pay most.
//!
//! # Caveats
//!
//! - io_uring may be switched off (`kernel.io_uring_disabled`) or filtered (containers): opening then fails with
//!   `Unsupported` and says so. It is found out with a real read, not from the kernel's version.
//! - A thread that gets no ring later on (the process has too many descriptors) does its batch by positioned calls
//!   rather than fail a commit.
//! - After `close` the kernel takes the rings down in its own time; the lock is given up at once by a call of its own.
#![cfg(target_os = "linux")]
#![warn(clippy::missing_errors_doc)]

mod device;
mod io;
mod open;
mod pool;
mod ring;

pub use device::UringDevice;
