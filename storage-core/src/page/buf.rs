//! A page-aligned buffer.
//!
//! Must always be true: the pointer is aligned to [`ALIGN`], the bytes are initialised, the owner is unique. So every
//! device may hand it to O_DIRECT or register it with a ring.
#![allow(unsafe_code)]

use super::pool::BufferPool;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// Alignment in bytes: a memory page, and at least any disk's logical block.
pub const ALIGN: usize = 4096;

/// Owned bytes, aligned for direct I/O.
pub struct PageBuf {
    ptr: NonNull<u8>,
    len: usize,
    /// Where it goes when it is dropped; without a pool, back to the allocator.
    pool: Option<Arc<BufferPool>>,
}

// SAFETY: the buffer is uniquely owned plain bytes; nothing in it is tied to a thread, and a pool may be shared.
unsafe impl Send for PageBuf {}
// SAFETY: `&PageBuf` gives only `&[u8]`.
unsafe impl Sync for PageBuf {}

impl PageBuf {
    /// A buffer of `len` zero bytes.
    ///
    /// # Panics
    /// If `len` is 0.
    pub fn zeroed(len: usize) -> Self {
        assert!(len > 0, "a page buffer has bytes");
        let layout = Self::layout(len);
        // SAFETY: the layout has a size above 0 (asserted).
        let ptr = unsafe { alloc_zeroed(layout) };
        let Some(ptr) = NonNull::new(ptr) else { handle_alloc_error(layout) };
        PageBuf { ptr, len, pool: None }
    }

    /// A buffer of a pool.
    ///
    /// # Safety
    /// `ptr` is the pool's own, `len` initialised bytes aligned to [`ALIGN`], and nobody else has it.
    pub(super) unsafe fn pooled(ptr: NonNull<u8>, len: usize, pool: Arc<BufferPool>) -> Self {
        PageBuf { ptr, len, pool: Some(pool) }
    }

    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len, ALIGN).expect("a page buffer is far smaller than the address space")
    }
}

impl Deref for PageBuf {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: `ptr` points at `len` initialised bytes that live as long as `self`.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl DerefMut for PageBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` makes the access unique.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl Clone for PageBuf {
    fn clone(&self) -> Self {
        let mut copy = PageBuf::zeroed(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl Drop for PageBuf {
    fn drop(&mut self) {
        match &self.pool {
            // SAFETY: it came from this pool (`pooled`), and its one owner is gone.
            Some(pool) => unsafe { pool.give(self.ptr) },
            // SAFETY: allocated in `zeroed` with this very layout, freed once.
            None => unsafe { dealloc(self.ptr.as_ptr(), Self::layout(self.len)) },
        }
    }
}

impl std::fmt::Debug for PageBuf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PageBuf({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_aligned_and_zero() {
        for len in [512, 4096, 65536] {
            let buf = PageBuf::zeroed(len);
            assert_eq!(buf.as_ptr() as usize % ALIGN, 0);
            assert!(buf.iter().all(|b| *b == 0) && buf.len() == len);
        }
    }
}
