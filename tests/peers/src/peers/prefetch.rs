//! Asking the processor for memory that will be read soon. The only unsafe code of the in-memory peer.
//!
//! Must always be true: what is asked for lies in the slice; asking changes nothing but time.
#![allow(unsafe_code)]

/// Asks for the cache line that holds this item, if there is such an item.
#[inline]
pub fn prefetch<T>(items: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(index) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the pointer comes from a reference; a prefetch reads nothing that the program sees, and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, index);
}
