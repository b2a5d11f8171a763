//! The mapping: a range of the file's bytes, longer than the file, that never moves.
//!
//! Must always be true: the range stays mapped, read-only, until the value is dropped; nothing outside it is touched.
//! Whether a byte in it lies in the file is the caller's to know: beyond the end the process gets SIGBUS.
#![allow(unsafe_code)]

use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::io;
use std::ptr::NonNull;

/// What is reserved if the address space allows: 1 TiB, or an eighth of what 32 bits address.
const WISH: u64 = if usize::BITS >= 64 { 1 << 40 } else { 1 << 29 };

/// Less than this is not worth mapping.
const LEAST: u64 = 1 << 20;

/// A read-only, shared mapping of the file's first `len` bytes, be they there or not.
#[derive(Debug)]
pub(crate) struct Map {
    raw: MmapRaw,
}

impl Map {
    /// Maps as long a range as there is room for. It costs address space only: no memory, no swap.
    pub(crate) fn reserve(file: &File) -> io::Result<Map> {
        let mut len = WISH;
        loop {
            let bytes = usize::try_from(len).map_err(io::Error::other)?;
            match MmapOptions::new().len(bytes).no_reserve_swap().map_raw_read_only(file) {
                Ok(raw) => return Ok(Map { raw }),
                Err(_) if len > LEAST => len /= 2,
                Err(error) => return Err(error),
            }
        }
    }

    /// True if these bytes lie in the range.
    pub(crate) fn covers(&self, offset: u64, len: usize) -> bool {
        offset.checked_add(len as u64).is_some_and(|end| end <= self.raw.len() as u64)
    }

    /// Where the byte at `offset` lies, if `len` bytes from there lie in the range.
    pub(crate) fn pointer(&self, offset: u64, len: usize) -> Option<NonNull<u8>> {
        if !self.covers(offset, len) {
            return None;
        }
        // SAFETY: offset + len lies within the mapping (just checked), which is one allocated object.
        NonNull::new(unsafe { self.raw.as_mut_ptr().add(offset as usize) })
    }

    /// Copies bytes that lie in the file. False if they are not in the range.
    pub(crate) fn copy(&self, offset: u64, buf: &mut [u8]) -> bool {
        let Some(from) = self.pointer(offset, buf.len()) else { return false };
        // SAFETY: the source is mapped and readable for `buf.len()` bytes (checked by `pointer`); `buf` is Rust's own
        // memory, so they do not overlap. No reference to the mapping is made: the kernel may change its bytes under
        // the copy if somebody writes the same page, and then the copy is a mixture, as that of a `pread` would be.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), buf.as_mut_ptr(), buf.len()) };
        true
    }

    /// Asks for read-ahead of these bytes.
    pub(crate) fn will_need(&self, offset: u64, len: u64) {
        let Ok(len) = usize::try_from(len) else { return };
        #[cfg(unix)]
        if self.covers(offset, len) {
            // Advice: there is nobody to tell of an error.
            let _ = self.raw.advise_range(memmap2::Advice::WillNeed, offset as usize, len);
        }
        #[cfg(not(unix))]
        let _ = (offset, len);
    }
}
