//! Asking the processor for memory that will be read soon.
//!
//! Must always be true: it is a hint, and changes nothing; addresses come from slices and references, and lie within what these
//! are part of.
#![allow(unsafe_code)]

use std::sync::Arc;

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
    line(std::ptr::from_ref(value).cast());
}

/// The same for all lines of a value.
#[inline]
pub(crate) fn whole<T>(value: &T) {
    let (at, last) = (std::ptr::from_ref(value).cast::<i8>(), size_of::<T>().saturating_sub(1));
    (0..last).step_by(64).chain([last]).for_each(|offset| line(at.wrapping_add(offset)));
}

/// The same for the count of a value that is shared, which the standard library keeps two words before it.
#[inline]
pub(crate) fn count_of<T>(shared: &Arc<T>) {
    line(Arc::as_ptr(shared).cast::<i8>().wrapping_sub(2 * size_of::<usize>()));
}

#[inline]
fn line(at: *const i8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of every x86-64 processor, and a prefetch neither faults nor changes anything.
        unsafe { _mm_prefetch(at, _MM_HINT_T0) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
