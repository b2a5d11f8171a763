//! A bare durable append: 4 KiB after 4 KiB into a file whose space and length are there already.
//!
//! Durable by `pwritev2(RWF_DSYNC)` where there is one, else by a write and `fdatasync`; it says which.

use crate::Result;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

const BLOCK: usize = 4096;

/// Seconds of each append, and how it was made durable.
pub fn appends(dir: &Path, count: usize) -> Result<(Vec<f64>, &'static str)> {
    let path = dir.join("floor-append");
    let mut file = File::create(&path)?;
    fallocate(&file, FallocateFlags::empty(), 0, (count * BLOCK) as u64)?;
    // Written once, so that an append changes no more than its block.
    file.write_all(&vec![1; count * BLOCK])?;
    file.sync_all()?;
    let block = foliograph::storage_core::page::PageBuf::zeroed(BLOCK);
    let (mut seconds, mut how) = (Vec::with_capacity(count), "");
    for at in 0..count {
        let begun = Instant::now();
        how = durable(&file, &block, (at * BLOCK) as u64)?;
        seconds.push(begun.elapsed().as_secs_f64());
    }
    std::fs::remove_file(path)?;
    Ok((seconds, how))
}

#[cfg(target_os = "linux")]
fn durable(file: &File, block: &[u8], offset: u64) -> Result<&'static str> {
    use rustix::io::{ReadWriteFlags, pwritev2};
    match pwritev2(file, &[std::io::IoSlice::new(block)], offset, ReadWriteFlags::DSYNC) {
        Ok(BLOCK) => Ok("pwritev2(RWF_DSYNC)"),
        Ok(_) => Err("a block was written in part".into()),
        Err(_) => written_and_synced(file, block, offset),
    }
}

#[cfg(not(target_os = "linux"))]
fn durable(file: &File, block: &[u8], offset: u64) -> Result<&'static str> {
    written_and_synced(file, block, offset)
}

fn written_and_synced(file: &File, block: &[u8], offset: u64) -> Result<&'static str> {
    use std::os::unix::fs::FileExt;
    file.write_all_at(block, offset)?;
    file.sync_data()?;
    Ok("write and fdatasync")
}
