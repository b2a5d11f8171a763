//! Buffers for the pages of a cache, kept for the next page when one goes.
//!
//! Must always be true: a buffer is with one owner, or here; the chunks it lies in live as long as the pool, which each
//! of its buffers keeps alive. Memory is that of as many buffers as there were at the same time, and at most one more chunk;
//! and of as many as it was made for, and a chunk: whoever wants more gets memory that goes back when it is dropped.
//!
//! Why not the allocator's: memory that was never used costs a page fault for every 4 KiB, which takes a virtual machine
//! nearly as long as the disk takes for the bytes. Chunks of 2 MiB can be huge pages, where the system has them: one fault
//! each. And nothing is written before a device reads into it.
#![allow(unsafe_code)]

use super::buf::{ALIGN, PageBuf};
use memmap2::{MmapMut, MmapRaw};
use parking_lot::Mutex;
use std::ptr::NonNull;
use std::sync::Arc;

/// Buffers of the first chunk; each that follows is three times what there is, up to [`HUGE`].
const FEWEST: usize = 4;

/// So many times what there is.
const MORE: usize = 3;

/// Bytes of a chunk, at most: a huge page.
const HUGE: usize = 2 << 20;

/// Buffers of one length.
#[derive(Debug)]
pub(crate) struct BufferPool {
    len: usize,
    most: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    chunks: Vec<MmapRaw>,
    /// How many buffers the chunks have.
    buffers: usize,
    /// Those that nobody has.
    free: Vec<Free>,
}

/// A buffer that nobody has.
#[derive(Debug)]
struct Free(NonNull<u8>);

// SAFETY: it points into a chunk of plain bytes, which nothing ties to a thread.
unsafe impl Send for Free {}

impl BufferPool {
    /// A pool of about `most` buffers of `len` bytes, a multiple of [`ALIGN`].
    pub fn new(len: usize, most: usize) -> Arc<Self> {
        assert!(len > 0 && len.is_multiple_of(ALIGN), "buffers follow each other, and each is aligned");
        Arc::new(BufferPool { len, most, held: Mutex::default() })
    }

    /// A buffer with anything in it: whoever takes it fills it.
    pub fn take(self: &Arc<Self>) -> PageBuf {
        let taken = {
            let mut held = self.held.lock();
            if held.free.is_empty() && held.buffers < self.most {
                held.grow(self.len);
            }
            held.free.pop()
        };
        match taken {
            // SAFETY: it is `len` bytes of a chunk of this pool, aligned as all of them, and was taken out of those that
            // nobody has.
            Some(Free(ptr)) => unsafe { PageBuf::pooled(ptr, self.len, self.clone()) },
            // The allocator also knows what to do where there is no memory.
            None => PageBuf::zeroed(self.len),
        }
    }

    /// Takes a buffer back.
    ///
    /// # Safety
    /// It was taken from this pool, and nobody has it any more.
    pub(super) unsafe fn give(&self, buffer: NonNull<u8>) {
        self.held.lock().free.push(Free(buffer));
    }
}

impl Held {
    /// Adds a chunk, if there is memory for it.
    fn grow(&mut self, len: usize) {
        let buffers = (MORE * self.buffers).clamp(FEWEST, FEWEST.max(HUGE / len));
        let Ok(mut chunk) = MmapMut::map_anon(buffers * len) else { return };
        advise(&chunk);
        // From the last to the first: the first is taken first.
        let free = chunk.chunks_exact_mut(len).rev().map(|buffer| Free(NonNull::from(buffer).cast()));
        self.free.extend(free);
        self.buffers += buffers;
        // From here on nobody looks at the bytes but through their buffers.
        self.chunks.push(chunk.into());
    }
}

/// Asks for huge pages. Without them all goes on as it is.
#[cfg(target_os = "linux")]
fn advise(chunk: &MmapMut) {
    if chunk.len() == HUGE {
        let _ = chunk.advise(memmap2::Advice::HugePage);
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_: &MmapMut) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_apart_and_come_again() {
        let pool = BufferPool::new(8192, 1000);
        let mut taken: Vec<_> = (0..300).map(|_| pool.take()).collect();
        for (at, buffer) in taken.iter_mut().enumerate() {
            assert_eq!((buffer.as_ptr() as usize % ALIGN, buffer.len()), (0, 8192));
            buffer.fill(at as u8);
        }
        assert!(taken.iter().enumerate().all(|(at, buffer)| buffer.iter().all(|byte| *byte == at as u8)));
        let chunks = pool.held.lock().chunks.len();
        drop(taken);
        let again: Vec<_> = (0..300).map(|_| pool.take()).collect();
        assert_eq!(pool.held.lock().chunks.len(), chunks, "no memory was taken for those that came back");
        drop(again);
    }

    #[test]
    fn the_memory_is_at_most_a_chunk_more_than_was_used_at_the_same_time() {
        let pool = BufferPool::new(4096, 2000);
        let mut taken = Vec::new();
        for used in 1..5000 {
            taken.push(pool.take());
            let there = pool.held.lock().buffers;
            assert!(there <= ((1 + MORE) * used).max(FEWEST) && there < used.min(2000) + HUGE / 4096);
        }
        drop(taken);
        let held = pool.held.lock();
        assert_eq!(held.free.len(), held.buffers, "those beyond went back to where they came from");
    }

    #[test]
    fn a_buffer_outlives_the_hold_on_its_pool() {
        let pool = BufferPool::new(4096, 10);
        let mut last = pool.take();
        drop(pool);
        last.fill(7);
        assert!(std::thread::spawn(move || last.iter().all(|byte| *byte == 7)).join().expect("no panic"));
    }
}
