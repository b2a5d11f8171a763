//! The peers: one file each, and the one place that knows them by name.

mod csr;
mod fjall;
mod heed_packed;
mod heed_sorted;
mod lmdb;
mod ours;
mod ours_list;
mod prefetch;
mod redb;
mod sqlite;

use crate::Result;
use crate::work::{Job, Outcome, run};

/// All of them, as they are named on the command line.
pub const ALL: &[&str] = &[
    "csr",
    "csr-prefetch",
    "heed-sorted",
    "heed-packed",
    "redb",
    "sqlite",
    "fjall",
    "ours-file",
    "ours-mmap",
    "ours-uring",
    "ours-file-direct",
    "ours-uring-direct",
];

/// The peer that says what is right: nothing of it is on a disk, or clever.
pub const REFERENCE: &str = "csr";

/// Whether it is Foliograph.
pub fn is_ours(peer: &str) -> bool {
    peer.starts_with("ours-")
}

/// Does a job on the peer that it names.
pub fn dispatch(job: &Job) -> Result<Outcome> {
    match job.peer.as_str() {
        "csr" => run::<csr::Csr<false>>(job),
        "csr-prefetch" => run::<csr::Csr<true>>(job),
        "heed-sorted" => run::<heed_sorted::HeedSorted>(job),
        "heed-packed" => run::<heed_packed::HeedPacked>(job),
        "redb" => run::<redb::Redb>(job),
        "sqlite" => run::<sqlite::Sqlite>(job),
        "fjall" => run::<fjall::Fjall>(job),
        name if is_ours(name) => run::<ours::Ours>(job),
        name => Err(format!("there is no peer `{name}`").into()),
    }
}
