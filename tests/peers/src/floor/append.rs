//! A bare durable append: 4 KiB after 4 KiB into a file whose space and length are there already.
//!
//! Durable by `pwritev2(RWF_DSYNC)` where there is one, else by a write and `fdatasync`; it says which.

use crate::Result;
use foliograph::storage_core::page::PageBuf;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

const BLOCK: usize = 4096;

/// A file to be appended to.
pub struct Appends {
    file: File,
    path: PathBuf,
    block: PageBuf,
    /// Seconds of each append.
    pub seconds: Vec<f64>,
    /// How they were made durable.
    pub how: &'static str,
}

impl Appends {
    /// Of at most `count` blocks.
    pub fn new(dir: &Path, count: usize) -> Result<Self> {
        let path = dir.join("floor-append");
        let mut file = File::create(&path)?;
        fallocate(&file, FallocateFlags::empty(), 0, (count * BLOCK) as u64)?;
        // Written once, so that an append changes no more than its block.
        file.write_all(&vec![1; count * BLOCK])?;
        file.sync_all()?;
        Ok(Appends { file, path, block: PageBuf::zeroed(BLOCK), seconds: Vec::with_capacity(count), how: "" })
    }

    /// Appends some.
    pub fn more(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let begun = Instant::now();
            self.how = durable(&self.file, &self.block, (self.seconds.len() * BLOCK) as u64)?;
            self.seconds.push(begun.elapsed().as_secs_f64());
        }
        Ok(())
    }
}

impl Drop for Appends {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_file(&self.path) {
            eprintln!("{}: {e}", self.path.display());
        }
    }
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
