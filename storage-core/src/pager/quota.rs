//! How much memory decoded nodes may take: a part of what the cache is given.
//!
//! Must always be true: what was taken and not given back never exceeds the limit. Nobody waits: who gets nothing keeps
//! nothing, and reads the page instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that may be taken. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Quota(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    taken: AtomicUsize,
}

/// Bytes that were taken, until it is dropped.
#[derive(Debug)]
pub struct Taken {
    quota: Quota,
    bytes: usize,
}

impl Quota {
    pub(crate) fn new(limit: usize) -> Self {
        Quota(Arc::new(Shared { limit, taken: AtomicUsize::new(0) }))
    }

    /// Takes so many bytes, if that many are left.
    pub fn take(&self, bytes: usize) -> Option<Taken> {
        self.take_below(self.0.limit, bytes)
    }

    /// The same for what is good to have and not needed: only while a quarter of all is not taken.
    pub fn take_spare(&self, bytes: usize) -> Option<Taken> {
        self.take_below(self.0.limit / 4, bytes)
    }

    fn take_below(&self, most: usize, bytes: usize) -> Option<Taken> {
        let more = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= most);
        self.0.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Taken { quota: self.clone(), bytes })
    }

    /// How many bytes are taken.
    pub fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.quota.0.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is() {
        let quota = Quota::new(100);
        let first = quota.take(60).expect("60 of 100");
        assert!(quota.take(41).is_none());
        assert!(quota.take(usize::MAX).is_none());
        assert!(quota.take_spare(1).is_none(), "a quarter is taken");
        let second = quota.take(40).expect("the rest");
        assert_eq!(quota.taken(), 100);
        drop(first);
        assert_eq!(quota.taken(), 40);
        drop(second);
        assert_eq!(quota.taken(), 0);
        let spare = quota.take_spare(25).expect("a quarter of it");
        assert!(quota.take_spare(1).is_none());
        assert!(quota.take(75).is_some(), "the rest is for what is needed");
        drop(spare);
    }
}
