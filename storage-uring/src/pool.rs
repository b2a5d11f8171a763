//! Rings that are not in use, each kept for the thread that made it.
//!
//! Must always be true: a ring is used by its own thread only, for it was set up with a single issuer; dropping one is
//! allowed to anybody, and here it has nothing in flight. The pool is bounded, so that threads that come and go leave
//! no rings behind: the one idle longest is dropped.

use crate::ring::Ring;
use parking_lot::Mutex;
use std::fs::File;
use std::thread::{self, ThreadId};

/// Idle rings that are kept.
const MAX_IDLE: usize = 64;

/// The idle rings of a device, the longest idle first.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<(ThreadId, Ring)>>,
}

impl Pool {
    /// This thread's ring, made now if it has none. `None` if there is none to be had: too many descriptors, no
    /// memory.
    pub(crate) fn lease(&self, file: &File) -> Option<Lease<'_>> {
        let own = thread::current().id();
        let ring = match self.take(own) {
            Some(ring) => ring,
            None => Ring::new(file).ok()?,
        };
        Some(Lease { pool: self, own, ring: Some(ring) })
    }

    /// Keeps a ring that this thread made.
    pub(crate) fn keep(&self, ring: Ring) {
        self.give(thread::current().id(), ring);
    }

    fn take(&self, own: ThreadId) -> Option<Ring> {
        let mut idle = self.idle.lock();
        let at = idle.iter().rposition(|(thread, _)| *thread == own)?;
        Some(idle.remove(at).1)
    }

    fn give(&self, own: ThreadId, ring: Ring) {
        let mut idle = self.idle.lock();
        let oldest = (idle.len() >= MAX_IDLE).then(|| idle.remove(0));
        idle.push((own, ring));
        drop(idle);
        // Taking a ring down takes the kernel a while; nobody should wait for it.
        drop(oldest);
    }

    /// How many rings are idle.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.idle.lock().len()
    }
}

/// A ring in use. It goes back to the pool when dropped, unless it is broken.
#[derive(Debug)]
pub(crate) struct Lease<'p> {
    pool: &'p Pool,
    own: ThreadId,
    /// There until the drop.
    ring: Option<Ring>,
}

impl Lease<'_> {
    /// The ring.
    pub(crate) fn ring(&mut self) -> &mut Ring {
        self.ring.as_mut().expect("there until the drop")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(ring) = self.ring.take_if(|ring| !ring.is_broken()) {
            self.pool.give(self.own, ring);
        }
    }
}
