//! Random page reads of the bare device: one thread, one at a time, past the kernel's cache.
//!
//! What lies below may have a cache of its own, a host's say, and hold one file and not another: so a store is compared with
//! reads of its own file.

use crate::rng::Rng;
use crate::{Result, target};
use foliograph::storage_core::page::PageBuf;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Bytes of the file that is read: large enough that a device's own cache does not hold it.
const BYTES: u64 = 1 << 30;

/// A file of random bytes, made once.
pub fn file() -> Result<PathBuf> {
    let path = target().join("floor-read");
    if path.metadata().is_ok_and(|data| data.len() == BYTES) {
        return Ok(path);
    }
    std::fs::create_dir_all(target())?;
    let mut file = File::create(&path)?;
    let mut rng = Rng::new(7);
    let mut block = vec![0u8; 1 << 20];
    for _ in 0..BYTES >> 20 {
        block.as_chunks_mut::<8>().0.iter_mut().for_each(|word| *word = rng.next().to_ne_bytes());
        file.write_all(&block)?;
    }
    file.sync_all()?;
    Ok(path)
}

/// Seconds of each of `count` reads of pages of `len` bytes out of a file.
pub fn reads(path: &Path, count: usize, len: usize) -> Result<Vec<f64>> {
    let flags = rustix::fs::OFlags::DIRECT.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let pages = file.metadata()?.len() / len as u64;
    let mut page = PageBuf::zeroed(len);
    let mut rng = Rng::new(std::process::id().into());
    let mut seconds = Vec::with_capacity(count);
    for _ in 0..count {
        let offset = rng.below(pages) * len as u64;
        let begun = Instant::now();
        file.read_exact_at(&mut page, offset)?;
        seconds.push(begun.elapsed().as_secs_f64());
    }
    Ok(seconds)
}
