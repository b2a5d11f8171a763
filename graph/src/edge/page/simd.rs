//! Lists decoded eight neighbours at a time, where the processor can (AVX2); a scalar twin does the same everywhere.
//!
//! Must always be true: both give the same neighbours, and refuse the same lists. A block is checked against the used bytes
//! of its page before it is decoded; behind the used bytes at least [`PAD`] bytes may be read.
//!
//! After Lemire and Boytsov, "Decoding billions of integers per second through vectorization" (2015): bytes are shuffled so
//! that each number has a lane, shifted by lane, masked, and summed up in two steps.
#![allow(unsafe_code)]

use super::blocks::Walk;
use super::bytes::Bytes;
use super::codec::{BLOCK, width};
use super::leaf::{Leaf, Pass};
use super::{PAD, Parsed};

/// Appends all that is left of a walk. After an error `out` may have a part of it.
#[inline]
pub(super) fn append(walk: &mut Walk<'_>, out: &mut Vec<u64>) -> Parsed<()> {
    // A whole block may be written behind the last number.
    out.reserve(walk.left + BLOCK);
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2 (just seen); the list's numbers and a block more were reserved.
        return unsafe { avx2::append(walk, out) };
    }
    append_scalar(walk, out)
}

/// Appends the neighbours of the plain list of `vertex` at `at`, and says where it ends: all of it at once. `None`, and
/// nothing appended, where this processor cannot, or the list is not as most are: with ranks, of wide gaps, in a
/// table of types, or damaged. Then the list is read field by field.
#[inline]
pub(super) fn plain(bytes: Bytes<'_>, at: usize, vertex: u64, out: &mut Vec<u64>) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2 (just seen).
        return unsafe { avx2::plain(bytes, at, vertex, out) };
    }
    let _ = (bytes, at, vertex, out);
    None
}

/// As [`plain`], of the lists of some vertices, which begin where `place` says (0: there is none), until there are `enough`
/// neighbours, or one is not plain. Says how many were read.
#[inline]
pub(super) fn plain_lists(
    bytes: Bytes<'_>,
    vertices: &[u64],
    place: impl Fn(u64) -> usize,
    enough: usize,
    out: &mut Vec<u64>,
) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2 (just seen).
        return unsafe { avx2::plain_lists(bytes, vertices, place, enough, out) };
    }
    let _ = (bytes, vertices, place, enough, out);
    0
}

/// Goes on with a pass over a page, and gives the lists to `each`, as long as they are plain and nothing is wrong.
#[inline]
pub(super) fn scan(leaf: Leaf<'_>, pass: &mut Pass, out: &mut Vec<u64>, each: &mut impl FnMut(u64, &[u64])) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2 (just seen).
        return unsafe { avx2::scan(leaf, pass, out, each) };
    }
    let _ = (leaf, pass, out, each);
}

/// Decodes a block and adds it up behind `base`. False if this processor cannot, or numbers are too wide for it.
#[inline]
pub(super) fn block(
    packed: &[u8],
    (bits, count): (usize, usize),
    (base, less): (u64, u64),
    out: &mut [u64; BLOCK],
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if bits <= WIDEST && std::arch::is_x86_feature_detected!("avx2") {
        assert!(packed.len() >= PAD + if count > 8 { bits } else { 0 });
        // SAFETY: the processor has AVX2 (just seen); the packed bytes are long enough (just asserted), a block is 16 long.
        unsafe { avx2::block(packed.as_ptr(), (bits, count), (base, less), out.as_mut_ptr()) };
        return true;
    }
    let _ = (packed, bits, count, base, less, out);
    false
}

/// See [`Walk::seek`].
#[inline]
pub(super) fn seek(walk: &mut Walk<'_>, neighbor: u64, out: &mut [u64; BLOCK]) -> Parsed<usize> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2 (just seen).
        return unsafe { avx2::seek(walk, neighbor, out) };
    }
    seek_scalar(walk, neighbor, out)
}

/// The scalar twin.
pub(super) fn seek_scalar(walk: &mut Walk<'_>, neighbor: u64, out: &mut [u64; BLOCK]) -> Parsed<usize> {
    while walk.left > 0 {
        let (code, count, at) = walk.block()?;
        walk.sum_scalar(code, count, at, out)?;
        if walk.last >= neighbor {
            return Ok(count);
        }
    }
    Ok(0)
}

/// The scalar twin.
pub(super) fn append_scalar(walk: &mut Walk<'_>, out: &mut Vec<u64>) -> Parsed<()> {
    let mut block = [0; BLOCK];
    while walk.left > 0 {
        let (code, count, at) = walk.block()?;
        walk.sum_scalar(code, count, at, &mut block)?;
        out.extend_from_slice(&block[..count]);
    }
    Ok(())
}

/// The widest numbers that are decoded eight at a time: with 7 bits before it, such a one lies in 4 bytes.
const WIDEST: usize = 25;

#[cfg(target_arch = "x86_64")]
mod avx2;
