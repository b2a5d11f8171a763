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

/// As [`plain`], of `count` lists, of which `place` says the vertex and where it begins (0: there is none), until there are
/// `enough` neighbours, or one is not plain. Says how many were read.
#[inline]
pub(super) fn plain_lists(
    bytes: Bytes<'_>,
    count: usize,
    place: impl Fn(usize) -> (u64, usize),
    enough: usize,
    out: &mut Vec<u64>,
) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2 (just seen).
        return unsafe { avx2::plain_lists(bytes, count, place, enough, out) };
    }
    let _ = (bytes, count, place, enough, out);
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
mod avx2 {
    use super::super::EDGES_A_BYTE;
    use super::super::bytes::word;
    use super::super::codec::unzigzag;
    use super::super::list::{LONG, LONG_FROM};
    use super::*;
    use crate::prefetch;
    use std::arch::x86_64::*;

    /// How eight numbers of one width come into their lanes.
    #[repr(C, align(32))]
    struct Lanes {
        /// For each lane, which of 16 bytes; the upper four lanes' bytes begin at half the width.
        bytes: [u8; 32],
        /// Bits before the number.
        shifts: [u32; 8],
    }

    static LANES: [Lanes; WIDEST + 1] = {
        let mut all = [const { Lanes { bytes: [0; 32], shifts: [0; 8] } }; WIDEST + 1];
        let mut width = 0;
        while width <= WIDEST {
            let mut lane = 0;
            while lane < 8 {
                let from = if lane < 4 { 0 } else { width / 2 * 8 };
                let bit = lane * width - from;
                let mut byte = 0;
                while byte < 4 {
                    all[width].bytes[lane * 4 + byte] = (bit / 8 + byte) as u8;
                    byte += 1;
                }
                all[width].shifts[lane] = (bit % 8) as u32;
                lane += 1;
            }
            width += 1;
        }
        all
    };

    /// # Safety
    /// The processor has AVX2, and `out` has room for what is left of the walk and a block more.
    #[target_feature(enable = "avx2")]
    pub unsafe fn append(walk: &mut Walk<'_>, out: &mut Vec<u64>) -> Parsed<()> {
        assert!(out.capacity() - out.len() >= walk.left + BLOCK, "room was reserved");
        let first = walk.last;
        // SAFETY: a `Vec` is as long as its capacity in memory.
        let mut to = unsafe { out.as_mut_ptr().add(out.len()) };
        let less = _mm256_set1_epi32(walk.less as i32);
        let mut base = _mm256_set1_epi64x(first as i64);
        let mut wide = false;
        let mut done = 0;
        while walk.left > 0 {
            let (code, count, at) = walk.block()?;
            let bits = width(code);
            if bits > WIDEST {
                // Goes on one by one: the block is given back.
                (walk.code, walk.left, walk.at, wide) = (Some(code), walk.left + count, at, true);
                break;
            }
            let packed = walk.bytes.tail(at);
            assert!(packed.len() >= PAD + if count > 8 { bits } else { 0 }, "behind the used bytes is a pad");
            // SAFETY: 28 bytes are read, or as many from `bits` behind them where the block has more than eight numbers: the
            // page has them (just asserted). Eight numbers are written, or sixteen: with those before, no more than was
            // left, and a block more (asserted at the beginning).
            unsafe {
                base = sixteen(packed.as_ptr(), (bits, count), less, base, to);
                to = to.add(count);
            }
            done += count;
        }
        // SAFETY: that many were written behind what there was.
        unsafe { out.set_len(out.len() + done) };
        if done > 0 {
            // A page's numbers below 2^25 overflow at most once together, and then the last is below the first.
            walk.end(out[out.len() - 1])?;
        }
        if wide { append_scalar(walk, out) } else { Ok(()) }
    }

    /// See [`super::seek`].
    ///
    /// # Safety
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub unsafe fn seek(walk: &mut Walk<'_>, neighbor: u64, out: &mut [u64; BLOCK]) -> Parsed<usize> {
        let less = _mm256_set1_epi32(walk.less as i32);
        let mut base = _mm256_set1_epi64x(walk.last as i64);
        while walk.left > 0 {
            let (code, count, at) = walk.block()?;
            let bits = width(code);
            if bits > WIDEST {
                walk.sum_scalar(code, count, at, out)?;
                base = _mm256_set1_epi64x(walk.last as i64);
            } else {
                let packed = walk.bytes.tail(at);
                assert!(
                    packed.len() >= PAD + if count > 8 { bits } else { 0 },
                    "behind the used bytes is a pad"
                );
                // SAFETY: as many bytes as are read are there (just asserted); `out` has room for sixteen numbers. Only the
                // last block has less than sixteen, and then `base` is not looked at again.
                unsafe {
                    base = sixteen(packed.as_ptr(), (bits, count), less, base, out.as_mut_ptr());
                }
                walk.end(out[count - 1])?;
            }
            if walk.last >= neighbor {
                return Ok(count);
            }
        }
        Ok(0)
    }

    /// See [`super::plain`].
    ///
    /// # Safety
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub unsafe fn plain(bytes: Bytes<'_>, at: usize, vertex: u64, out: &mut Vec<u64>) -> Option<usize> {
        let (page, used) = bytes.padded();
        // Degree and head; the first neighbour takes eight bytes at most, which the pad has.
        if at.checked_add(2)? > used {
            return None;
        }
        let (degree, at) = match page[at] {
            degree if degree != 0 && usize::from(degree) < LONG_FROM => (usize::from(degree), at + 1),
            // Four bytes more. Where they are in the pad, so is the head.
            LONG => {
                let degree = (word(&page[at + 1..]) & 0xffff_ffff) as usize;
                if !(LONG_FROM..=EDGES_A_BYTE * page.len()).contains(&degree) {
                    return None;
                }
                (degree, at + 5)
            }
            _ => return None,
        };
        if at >= used {
            return None;
        }
        let head = page[at];
        let first_len = usize::from(head >> 5) + 1;
        let first = word(&page[at + 1..]) & u64::MAX >> (64 - 8 * first_len);
        let first = vertex.wrapping_add(unzigzag(first) as u64);
        let mut pos = at + 1 + first_len;
        let (mut bits, mut left) = (usize::from(head & 31), degree - 1);
        out.reserve(degree + BLOCK);
        // SAFETY: a `Vec` is as long as its capacity in memory.
        let start = unsafe { out.as_mut_ptr().add(out.len()) };
        // SAFETY: a number and sixteen more than the degree were reserved.
        unsafe { start.write(first) };
        let (mut to, less) = (start, _mm256_set1_epi32(1));
        let mut base = _mm256_set1_epi64x(first as i64);
        while left > 0 {
            let count = left.min(BLOCK);
            let end = pos + (count * bits).div_ceil(8);
            if bits > WIDEST || end > used {
                return None;
            }
            // SAFETY: 28 bytes are read from `pos`, or as many from `bits` behind it where the block has more than eight
            // numbers; both begin within the used bytes (at or before `end`), and behind these is a pad of 32 bytes. Eight
            // numbers are written behind those that were, or sixteen: a block more than the degree was reserved.
            unsafe {
                base = sixteen(page.as_ptr().add(pos), (bits, count), less, base, to.add(1));
                to = to.add(count);
            }
            left -= count;
            pos = end;
            if left > 0 {
                // Within the pad at the latest, where no further block can end within the used bytes.
                bits = usize::from(page[pos]);
                pos += 1;
            }
        }
        // SAFETY: `to` points at the last neighbour, which was written.
        let last = unsafe { to.read() };
        // A page's numbers below 2^25 overflow at most once together, and then the last is below the first.
        if pos > used || last < first || last == u64::MAX {
            return None;
        }
        // SAFETY: that many were written behind what there was.
        unsafe { out.set_len(out.len() + degree) };
        Some(pos)
    }

    /// How many lists ahead the processor is asked for one.
    const AHEAD: usize = 4;

    /// See [`super::plain_lists`].
    ///
    /// # Safety
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub unsafe fn plain_lists(
        bytes: Bytes<'_>,
        count: usize,
        place: impl Fn(usize) -> (u64, usize),
        enough: usize,
        out: &mut Vec<u64>,
    ) -> usize {
        let (page, _) = bytes.padded();
        for index in 0..count {
            if index + AHEAD < count {
                prefetch::ahead(page, place(index + AHEAD).1);
            }
            let (vertex, at) = place(index);
            // SAFETY: the processor has AVX2, as the caller says.
            if at != 0 && unsafe { plain(bytes, at, vertex, out) }.is_none() {
                return index;
            }
            if out.len() >= enough {
                return index + 1;
            }
        }
        count
    }

    /// See [`super::scan`].
    ///
    /// # Safety
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub unsafe fn scan(
        leaf: Leaf<'_>,
        pass: &mut Pass,
        out: &mut Vec<u64>,
        each: &mut impl FnMut(u64, &[u64]),
    ) {
        while let Some((vertex, at)) = pass.next(leaf) {
            out.clear();
            // SAFETY: the processor has AVX2, as the caller says.
            let Some(end) = (unsafe { plain(leaf.bytes, at, vertex, out) }) else { return };
            pass.passed(vertex, end);
            each(vertex, out);
        }
    }

    /// Decodes eight numbers, or sixteen if `count` says that there are more than eight, adds them up behind `base`, each
    /// with `less`, and writes them. What is written behind `count` means nothing.
    ///
    /// # Safety
    /// The processor has AVX2; `bits` is at most [`WIDEST`]; 28 bytes can be read from `from`, and from `bits` behind it if
    /// there are more than eight numbers; 16 numbers can be written to `to`.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub unsafe fn block(
        from: *const u8,
        (bits, count): (usize, usize),
        (base, less): (u64, u64),
        to: *mut u64,
    ) {
        let (base, less) = (_mm256_set1_epi64x(base as i64), _mm256_set1_epi32(less as i32));
        // SAFETY: as the caller says.
        unsafe { sixteen(from, (bits, count), less, base, to) };
    }

    /// The same behind `base` in all lanes; returns the eighth number, or the sixteenth, in all lanes.
    ///
    /// # Safety
    /// That of [`block`].
    #[target_feature(enable = "avx2")]
    #[inline]
    unsafe fn sixteen(
        from: *const u8,
        (bits, count): (usize, usize),
        less: __m256i,
        base: __m256i,
        to: *mut u64,
    ) -> __m256i {
        // SAFETY: as the caller says: eight numbers of `bits` bits are `bits` bytes, and `bits / 2 + 16` is at most 28.
        unsafe {
            let base = eight(from, bits, less, base, to);
            if count > 8 { eight(from.add(bits), bits, less, base, to.add(8)) } else { base }
        }
    }

    /// Decodes eight numbers, adds them up from `base` on, and returns the last one in all lanes.
    ///
    /// # Safety
    /// `bits / 2 + 16` bytes can be read from `from`, eight numbers written to `to`; `bits` is at most [`WIDEST`].
    #[target_feature(enable = "avx2")]
    #[inline]
    unsafe fn eight(from: *const u8, bits: usize, less: __m256i, base: __m256i, to: *mut u64) -> __m256i {
        let lanes = &LANES[bits];
        // SAFETY: as the caller says; the tables are as long as a vector, and aligned.
        let (low, high, bytes, shifts) = unsafe {
            (
                _mm_loadu_si128(from.cast()),
                _mm_loadu_si128(from.add(bits / 2).cast()),
                _mm256_load_si256(lanes.bytes.as_ptr().cast()),
                _mm256_load_si256(lanes.shifts.as_ptr().cast()),
            )
        };
        let mask = _mm256_set1_epi32(((1u32 << bits) - 1) as i32);
        let v = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        let v = _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(v, bytes), shifts), mask);
        let v = _mm256_add_epi32(v, less);
        let v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
        let v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
        // The lower half's sum goes to all lanes of the upper half.
        let carry = _mm256_shuffle_epi32(_mm256_permute2x128_si256(v, v, 0x08), 0xff);
        let v = _mm256_add_epi32(v, carry);
        let low = _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_castsi256_si128(v)), base);
        let high = _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_extracti128_si256(v, 1)), base);
        // SAFETY: as the caller says.
        unsafe {
            _mm256_storeu_si256(to.cast(), low);
            _mm256_storeu_si256(to.add(4).cast(), high);
        }
        _mm256_permute4x64_epi64(high, 0xff)
    }
}
