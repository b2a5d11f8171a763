//! What the tests of this module share: a directory on a real disk, and numbers that a seed reproduces.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a directory for tests")]

use std::path::PathBuf;

/// A directory for temporary files, on the same disk as the build.
pub(super) fn dir() -> PathBuf {
    let dir = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bulk-tests"));
    std::fs::create_dir_all(&dir).expect("target can be written");
    dir
}

/// splitmix64.
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
