//! Asking the processor for memory that will be read soon.
//!
//! Must always be true: it is a hint, and changes nothing; addresses come from slices and references, so they are mapped.
#![allow(unsafe_code)]

/// The processor fetches what stands at `at`, if that lies within the slice.
#[inline]
pub(crate) fn ahead(bytes: &[u8], at: usize) {
    if let Some(byte) = bytes.get(at) {
        start_of(byte);
    }
}

/// The same for the line in which a value begins.
#[inline]
pub(crate) fn start_of<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of every x86-64 processor, and a prefetch neither faults nor changes anything.
        unsafe { _mm_prefetch(std::ptr::from_ref(value).cast(), _MM_HINT_T0) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
