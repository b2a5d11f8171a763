//! What every store must do, over every device, page size and cache.
//!
//! The cases are the library's own (`foliograph::conformance`), so that they can be run over other people's devices. A
//! device that is not compiled in has no tests here; one that this machine blocks is passed over loudly.
//!
//! A binary of its own beside the suite's, so that each feature alone is soon compiled.
#![allow(missing_docs, reason = "tests tell their story in their names")]

#[allow(dead_code, reason = "the suite uses more of it")]
mod harness;

use crate::harness::{Bench, Device};
use foliograph::conformance::{CASES, Fixture};
use foliograph::storage_core::device::{PageDevice, Result};
use foliograph::{Options, PageSize};
use rstest::rstest;
use std::sync::Arc;

impl Fixture for Bench {
    fn options(&self) -> Options {
        self.options.clone()
    }

    fn create(&self) -> Result<Arc<dyn PageDevice>> {
        Ok(self.create_device())
    }

    fn open(&self) -> Result<Arc<dyn PageDevice>> {
        Ok(self.open_device())
    }
}

/// Bytes of the page cache: the smallest there is, of 16 pages, or 64 MiB.
#[derive(Copy, Clone, Debug)]
enum Cache {
    Pages16,
    MiB64,
}

fn every_case(device: Device, size: PageSize, cache: Cache) {
    if !device.runs_here() {
        return;
    }
    let pages = match cache {
        Cache::Pages16 => 16,
        Cache::MiB64 => (64 << 20) / size.bytes(),
    };
    for case in CASES {
        // Printed when a test fails: the last line names the promise that was broken.
        println!("{device:?}, {size:?}, {cache:?}: {}", case.name);
        (case.run)(&Bench::new(device, size, pages));
    }
}

macro_rules! matrix {
    ($($(#[$compiled:meta])? $name:ident $device:ident;)*) => {$(
        $(#[$compiled])?
        #[rstest]
        fn $name(
            #[values(PageSize::K4, PageSize::K16, PageSize::K64)] size: PageSize,
            #[values(Cache::Pages16, Cache::MiB64)] cache: Cache,
        ) {
            every_case(Device::$device, size, cache);
        }
    )*};
}

matrix! {
    #[cfg(feature = "file")] file File;
    #[cfg(feature = "mmap")] mmap Mmap;
    #[cfg(feature = "uring")] uring Uring;
    memory Memory;
    simulated Simulated;
}

#[test]
fn every_case_has_its_own_name() {
    let mut names: Vec<_> = CASES.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CASES.len());
}
