//! Asking the processor for memory that will be read soon.
//!
//! Must always be true: it is a hint, and changes nothing; addresses come from slices, so they are mapped.
#![allow(unsafe_code)]

/// The processor fetches what stands at `at`, if that lies within the slice.
#[inline]
pub(crate) fn ahead(bytes: &[u8], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(byte) = bytes.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of every x86-64 processor, and a prefetch neither faults nor changes anything.
        unsafe { _mm_prefetch(std::ptr::from_ref(byte).cast(), _MM_HINT_T0) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, at);
}
