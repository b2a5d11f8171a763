//! The decoders for processors with AVX2: see [the module above](super), which asks for it before it calls.
//!
//! Must always be true: what is read lies in the page, its pad included, and what is written was reserved: each says why.

use super::super::bytes::word;
use super::super::codec::unzigzag;
use super::super::directory::Form;
use super::super::list::{LONG, LONG_FROM};
use super::super::{DIRECTORY, EDGES_A_BYTE};
use super::*;
use crate::prefetch;
use std::arch::x86_64::*;

/// At most so many bytes are read for eight numbers.
const READ: usize = WIDEST / 2 + 16;

/// Slots of a dense directory in a vector.
const SLOTS: usize = 16;

/// How far ahead a scan asks for the bytes of a page: the processor's own guess ends with each 4 KiB.
const SOON: usize = 1024;

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
            assert!(packed.len() >= PAD + if count > 8 { bits } else { 0 }, "behind the used bytes is a pad");
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

/// The fields in front of the blocks of the plain list of `vertex` at `at`: degree, width of the first block, first neighbour,
/// and where the blocks begin.
#[inline(always)]
fn begin(bytes: Bytes<'_>, at: usize, vertex: u64) -> Option<(usize, usize, u64, usize)> {
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
    Some((degree, usize::from(head & 31), first, at + 1 + first_len))
}

/// See [`super::plain`].
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
#[inline]
pub unsafe fn plain(bytes: Bytes<'_>, at: usize, vertex: u64, out: &mut Vec<u64>) -> Option<usize> {
    let (page, used) = bytes.padded();
    let (degree, mut bits, first, mut pos) = begin(bytes, at, vertex)?;
    let mut left = degree - 1;
    out.reserve(degree + BLOCK);
    // SAFETY: a `Vec` is as long as its capacity in memory.
    let start = unsafe { out.as_mut_ptr().add(out.len()) };
    // Where the next neighbours go, and the next that is not written yet: the one at `base`.
    let (mut to, mut rest, less) = (start, start, _mm256_set1_epi32(1));
    let mut base = _mm256_set1_epi64x(first as i64);
    while left > 0 {
        let count = left.min(BLOCK);
        let end = pos + (count * bits).div_ceil(8);
        if bits > WIDEST || end > used {
            return None;
        }
        // SAFETY: 28 bytes are read from `pos`, which lies within the used bytes (at or before `end`): behind these is a
        // pad of 32 bytes. As many are read from `bits` behind it where the block has more than eight numbers, for that
        // lies there too, or where the page is that long. Sixteen are written, up to a block more than the degree.
        unsafe {
            let from = page.as_ptr().add(pos);
            base = eight_from(from, bits, less, base, to);
            rest = to.add(8);
            // To ask whether there are more than eight takes longer than to decode them: nobody can guess it.
            if count > 8 || pos + 2 * READ <= page.len() {
                base = eight_from(from.add(bits), bits, less, base, rest);
                rest = to.add(16);
            }
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
    // SAFETY: at most a block behind the last neighbour, see above.
    unsafe { _mm_storel_epi64(rest.cast(), _mm256_castsi256_si128(base)) };
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
    vertices: &[u64],
    place: impl Fn(u64) -> usize,
    enough: usize,
    out: &mut Vec<u64>,
) -> usize {
    let (page, _) = bytes.padded();
    for (index, vertex) in vertices.iter().enumerate() {
        if let Some(soon) = vertices.get(index + AHEAD) {
            prefetch::ahead(page, place(*soon));
        }
        let at = place(*vertex);
        // SAFETY: the processor has AVX2, as the caller says.
        if at != 0 && unsafe { plain(bytes, at, *vertex, out) }.is_none() {
            return index;
        }
        if out.len() >= enough {
            return index + 1;
        }
    }
    vertices.len()
}

/// See [`super::scan`].
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn scan(leaf: Leaf<'_>, pass: &mut Pass, out: &mut Vec<u64>, each: &mut impl FnMut(u64, &[u64])) {
    if leaf.head.form == Form::Dense {
        // SAFETY: the processor has AVX2, as the caller says.
        return unsafe { scan_dense(leaf, pass, out, each) };
    }
    while let Some((vertex, at)) = pass.next(leaf) {
        out.clear();
        // SAFETY: the processor has AVX2, as the caller says.
        let Some(end) = (unsafe { plain(leaf.bytes, at, vertex, out) }) else { return };
        pass.passed(vertex, end);
        each(vertex, out);
    }
}

/// Sixteen slots of a dense directory at a time: which of them have lists is one comparison.
#[target_feature(enable = "avx2")]
unsafe fn scan_dense(
    leaf: Leaf<'_>,
    pass: &mut Pass,
    out: &mut Vec<u64>,
    each: &mut impl FnMut(u64, &[u64]),
) {
    let (page, used) = leaf.bytes.padded();
    let (slots, first) = (leaf.head.slots, leaf.head.first);
    while pass.slot < slots {
        let (from, count) = (pass.slot, SLOTS.min(slots - pass.slot));
        let place = DIRECTORY + 2 * from;
        assert!(place <= used, "the directory lies within the used bytes");
        // SAFETY: 32 bytes are read from within the used bytes (just asserted): behind these is a pad of as many.
        let offsets = unsafe { _mm256_loadu_si256(page.as_ptr().add(place).cast()) };
        let none = _mm256_movemask_epi8(_mm256_cmpeq_epi16(offsets, _mm256_setzero_si256())) as u32;
        // A bit for each slot that has lists.
        let mut some = !none & 0x5555_5555 & u32::MAX >> (32 - 2 * count);
        while some != 0 {
            pass.slot = from + some.trailing_zeros() as usize / 2;
            let at = leaf.head.offset(leaf.bytes, pass.slot);
            if at < pass.end {
                return;
            }
            let vertex = first.wrapping_add(pass.slot as u64);
            prefetch::ahead(page, at + SOON);
            out.clear();
            // SAFETY: the processor has AVX2, as the caller says.
            let Some(end) = (unsafe { plain(leaf.bytes, at, vertex, out) }) else { return };
            pass.passed(vertex, end);
            each(vertex, out);
            some &= some - 1;
        }
        pass.slot = from + count;
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
pub unsafe fn block(from: *const u8, (bits, count): (usize, usize), (base, less): (u64, u64), to: *mut u64) {
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
    // SAFETY: as the caller says.
    unsafe {
        let (_, sums) = sums(from, bits, less);
        let high = store(sums, base, to);
        _mm256_permute4x64_epi64(high, 0xff)
    }
}

/// The same, but writes the sum before each number: `base` first, and the last one not.
///
/// Vectors lie then as whoever reads the list from its first neighbour on reads them: a load that two stores have a part
/// of waits until both have left the processor.
///
/// # Safety
/// That of [`eight`].
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn eight_from(from: *const u8, bits: usize, less: __m256i, base: __m256i, to: *mut u64) -> __m256i {
    // SAFETY: as the caller says.
    unsafe {
        let (numbers, sums) = sums(from, bits, less);
        store(_mm256_sub_epi32(sums, numbers), base, to);
        _mm256_add_epi64(base, _mm256_srli_epi64(_mm256_permute4x64_epi64(sums, 0xff), 32))
    }
}

/// Eight numbers, and their sums.
///
/// # Safety
/// `bits / 2 + 16` bytes can be read from `from`; `bits` is at most [`WIDEST`].
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn sums(from: *const u8, bits: usize, less: __m256i) -> (__m256i, __m256i) {
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
    let numbers = _mm256_add_epi32(v, less);
    let v = _mm256_add_epi32(numbers, _mm256_slli_si256(numbers, 4));
    let v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
    // The lower half's sum goes to all lanes of the upper half.
    let carry = _mm256_shuffle_epi32(_mm256_permute2x128_si256(v, v, 0x08), 0xff);
    (numbers, _mm256_add_epi32(v, carry))
}

/// Writes eight numbers, each behind `base`; returns the upper four.
///
/// # Safety
/// Eight numbers can be written to `to`.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn store(v: __m256i, base: __m256i, to: *mut u64) -> __m256i {
    let low = _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_castsi256_si128(v)), base);
    let high = _mm256_add_epi64(_mm256_cvtepu32_epi64(_mm256_extracti128_si256(v, 1)), base);
    // SAFETY: as the caller says.
    unsafe {
        _mm256_storeu_si256(to.cast(), low);
        _mm256_storeu_si256(to.add(4).cast(), high);
    }
    high
}
