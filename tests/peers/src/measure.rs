//! What the system says of this process: memory, bytes read, and how its caches are emptied.

use crate::Result;
use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes of a line of `/proc/self/status`.
fn status_bytes(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Watches memory while it lives: the most that was resident, and the most that was anonymous, which is sampled.
#[derive(Debug)]
pub struct Memory {
    anonymous_before: u64,
    done: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

/// What [`Memory`] saw, in bytes.
#[derive(Copy, Clone, Debug)]
pub struct Peak {
    /// The most that was resident, mapped files included.
    pub resident: u64,
    /// The most that was anonymous, sampled every 2 ms.
    pub anonymous: u64,
    /// What was anonymous before.
    pub anonymous_before: u64,
}

impl Memory {
    /// Begins.
    pub fn watch() -> Memory {
        // Without the right to do this the peak is that of the whole process.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let (done, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = std::thread::spawn({
            let (done, most) = (done.clone(), most.clone());
            move || {
                while !done.load(Ordering::Relaxed) {
                    most.fetch_max(status_bytes("RssAnon"), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        });
        Memory { anonymous_before: status_bytes("RssAnon"), done, most, thread }
    }

    /// Ends.
    pub fn end(self) -> Peak {
        self.done.store(true, Ordering::Relaxed);
        self.thread.join().expect("the thread only reads");
        Peak {
            resident: status_bytes("VmHWM"),
            anonymous: self.most.load(Ordering::Relaxed).max(status_bytes("RssAnon")),
            anonymous_before: self.anonymous_before,
        }
    }
}

impl Peak {
    /// What was anonymous at most above what was before, in MiB.
    pub fn mib(&self) -> f64 {
        self.anonymous.saturating_sub(self.anonymous_before) as f64 / f64::from(1 << 20)
    }
}

/// Bytes that this process had read: from the device, and by calls (mapped pages are none).
pub fn bytes_read() -> (u64, u64) {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let field = |name: &str| {
        io.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    (field("read_bytes:"), field("rchar:"))
}

/// All files below a directory.
pub fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// Bytes that all files below a directory take: their lengths, or less where they have holes, as some logs do.
pub fn file_bytes(dir: &Path) -> Result<u64> {
    files(dir)?.iter().try_fold(0, |sum, path| {
        let file = std::fs::metadata(path)?;
        Ok(sum + file.len().min(file.blocks() * 512))
    })
}

/// Takes a store out of the kernel's cache; says by which means.
pub fn drop_caches(dir: &Path) -> Result<&'static str> {
    rustix::fs::sync();
    for path in files(dir)? {
        fadvise(File::open(path)?, 0, None, Advice::DontNeed)?;
    }
    let whole = std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok();
    // This program's own code is in memory again, so that its pages are not taken for the store's.
    std::fs::read(std::env::current_exe()?)?;
    Ok(if whole { "drop_caches and POSIX_FADV_DONTNEED" } else { "POSIX_FADV_DONTNEED only" })
}

/// How long something takes.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let begun = Instant::now();
    let result = work()?;
    Ok((result, begun.elapsed()))
}

/// Seconds that this thread has been running, and on a processor: on a machine that is shared the second say more.
pub fn clocks(begun: Instant) -> (f64, f64) {
    let on = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    (begun.elapsed().as_secs_f64(), on.tv_sec as f64 + on.tv_nsec as f64 / 1e9)
}

/// The value below which this part of them lies.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}
