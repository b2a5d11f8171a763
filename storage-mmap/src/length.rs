//! How long the file was when it was last looked at.
//!
//! The mapping kills the process where the file ends before it, and only somebody who passes by the lock can have cut
//! the file. Asking the kernel before each page costs a third of copying the page, so one page is read on the word of
//! a look that was taken within the same tick of the kernel's clock (some milliseconds). A cut between look and copy
//! kills in any case, as it does where a page is lent: this widens that gap, it does not make it.
//!
//! Must always be true: a length is trusted for one tick, and never for more bytes than were there at the look.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// The length that was seen, and when.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    bytes: AtomicU64,
    /// The tick; 0 before the first look, and always where there is no cheap clock.
    tick: AtomicU64,
}

impl Seen {
    /// True if the file has been at least `end` bytes long in this tick; else looks anew.
    pub(crate) fn reaches(&self, file: &File, end: u64) -> io::Result<bool> {
        let now = tick();
        // The tick is loaded first and stored last: whoever sees it sees a length that is at least as new.
        let fresh = now != 0 && self.tick.load(Ordering::Acquire) == now;
        if fresh && end <= self.bytes.load(Ordering::Relaxed) {
            return Ok(true);
        }
        Ok(end <= self.look(file, now)?)
    }

    /// The length now.
    pub(crate) fn now(&self, file: &File) -> io::Result<u64> {
        self.look(file, tick())
    }

    fn look(&self, file: &File, now: u64) -> io::Result<u64> {
        let bytes = file.metadata()?.len();
        self.bytes.store(bytes, Ordering::Relaxed);
        self.tick.store(now, Ordering::Release);
        Ok(bytes)
    }
}

/// The kernel's clock, which is read without asking the kernel.
#[cfg(target_os = "linux")]
fn tick() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}

#[cfg(not(target_os = "linux"))]
fn tick() -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use storage_os::testing::Place;

    #[test]
    fn a_cut_is_seen_after_a_tick_and_growth_at_once() {
        let place = Place::default();
        std::fs::write(place.path(), [1; 9000]).unwrap();
        let (file, seen) = (File::open(place.path()).unwrap(), Seen::default());
        assert!(seen.reaches(&file, 9000).unwrap());
        assert!(!seen.reaches(&file, 9001).unwrap());
        place.cut(9500);
        assert!(seen.reaches(&file, 9500).unwrap(), "what was not there is looked for");
        place.cut(5000);
        std::thread::sleep(Duration::from_millis(50));
        assert!(!seen.reaches(&file, 5001).unwrap());
        assert!(seen.reaches(&file, 5000).unwrap());
        place.cut(4000);
        assert_eq!(seen.now(&file).unwrap(), 4000);
        assert!(!seen.reaches(&file, 4001).unwrap(), "a look is for all");
    }
}
