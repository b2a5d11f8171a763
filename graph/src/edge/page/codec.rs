//! Numbers as bits: width codes, packing and unpacking, zigzag.
//!
//! Unpacking reads whole words, so the caller has checked the packed bytes and knows 8 readable bytes behind them.

use super::bytes::word;

/// Gaps in a block.
pub(super) const BLOCK: usize = 16;

const WIDTHS: [u8; 32] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 28, 32, 40,
    48, 56, 64,
];

/// The bits of a gap under this code (its lowest five bits).
#[inline]
pub(super) fn width(code: u8) -> usize {
    WIDTHS[usize::from(code & 31)].into()
}

/// The code of the smallest width that holds `max`.
#[inline]
pub(super) fn code_for(max: u64) -> u8 {
    match 64 - max.leading_zeros() as u8 {
        bits @ ..=25 => bits,
        26..=28 => 26,
        29..=32 => 27,
        33..=40 => 28,
        41..=48 => 29,
        49..=56 => 30,
        57.. => 31,
    }
}

/// Bytes of `count` numbers of `width` bits.
#[inline]
pub(super) fn packed_len(count: usize, width: usize) -> usize {
    (count * width).div_ceil(8)
}

/// Appends numbers of `width` bits, filled up to a whole byte. No number may be wider.
pub(super) fn pack(out: &mut Vec<u8>, width: usize, values: impl Iterator<Item = u64>) {
    let (mut held, mut bits) = (0u64, 0);
    for value in values {
        debug_assert!(width == 64 || value >> width == 0, "a number fits its width");
        held |= value << bits;
        bits += width;
        if bits >= 64 {
            out.extend_from_slice(&held.to_le_bytes());
            bits -= 64;
            // What of the value lies beyond the word.
            held = if bits > 0 { value >> (width - bits) } else { 0 };
        }
    }
    out.extend_from_slice(&held.to_le_bytes()[..bits.div_ceil(8)]);
}

/// The number at `index` among packed numbers of `width` bits: 0 to 57, or a multiple of 8.
#[inline]
pub(super) fn unpack_one(packed: &[u8], width: usize, index: usize) -> u64 {
    if width == 0 {
        return 0;
    }
    let bit = index * width;
    (word(packed.get(bit / 8..).unwrap_or_default()) >> (bit % 8)) & (u64::MAX >> (64 - width))
}

/// Unpacks the first `count` numbers, at most [`BLOCK`], into `out`.
#[inline]
pub(super) fn unpack(packed: &[u8], code: u8, count: usize, out: &mut [u64; BLOCK]) {
    if count == BLOCK {
        return unpack_block(packed, code, out);
    }
    let width = width(code);
    for (index, value) in out.iter_mut().take(count).enumerate() {
        *value = unpack_one(packed, width, index);
    }
}

/// A whole block. With the width known at compile time all shifts and places are constants.
fn unpack_block(packed: &[u8], code: u8, out: &mut [u64; BLOCK]) {
    macro_rules! widths {
        ($($code:literal => $width:literal),*) => {
            match code & 31 {
                $($code => block::<$width>(packed, out),)*
                _ => *out = [0; BLOCK],
            }
        };
    }
    widths!(
        1 => 1, 2 => 2, 3 => 3, 4 => 4, 5 => 5, 6 => 6, 7 => 7, 8 => 8, 9 => 9, 10 => 10, 11 => 11, 12 => 12,
        13 => 13, 14 => 14, 15 => 15, 16 => 16, 17 => 17, 18 => 18, 19 => 19, 20 => 20, 21 => 21, 22 => 22, 23 => 23,
        24 => 24, 25 => 25, 26 => 28, 27 => 32, 28 => 40, 29 => 48, 30 => 56, 31 => 64
    );
}

#[inline]
fn block<const WIDTH: usize>(packed: &[u8], out: &mut [u64; BLOCK]) {
    let Some(packed) = packed.get(..2 * WIDTH + 8) else {
        *out = [0; BLOCK];
        return;
    };
    for (index, value) in out.iter_mut().enumerate() {
        let bit = index * WIDTH;
        *value = (word(&packed[bit / 8..]) >> (bit % 8)) & (u64::MAX >> (64 - WIDTH));
    }
}

/// Small numbers of either sign as small numbers.
#[inline]
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The inverse of [`zigzag`].
#[inline]
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Bytes that hold `value`, at least 1.
#[inline]
pub(super) fn byte_len(value: u64) -> usize {
    (8 - value.leading_zeros() as usize / 8).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_comes_back_in_every_count() {
        for code in 0..32u8 {
            let width = width(code);
            let max = if width == 0 { 0 } else { u64::MAX >> (64 - width) };
            assert_eq!(code_for(max), code);
            for count in 0..=BLOCK {
                let values: Vec<u64> = (0..count as u64)
                    .map(|i| max & (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) | max << 1))
                    .collect();
                let mut packed = vec![0xff; 3];
                pack(&mut packed, width, values.iter().copied());
                assert_eq!(packed.len(), 3 + packed_len(count, width));
                packed.extend([0xff; 8]);
                let mut out = [0; BLOCK];
                unpack(&packed[3..], code, count, &mut out);
                assert_eq!(&out[..count], values, "width {width}");
            }
        }
    }

    #[test]
    fn ranks_may_have_any_width_up_to_32() {
        for width in 1..=32 {
            let values: Vec<u64> =
                (0..100).map(|i| (i * 2_654_435_761u64) & (u64::MAX >> (64 - width))).collect();
            let mut packed = Vec::new();
            pack(&mut packed, width, values.iter().copied());
            packed.extend([0xff; 8]);
            assert!((0..100).all(|i| unpack_one(&packed, width, i) == values[i]), "width {width}");
        }
    }

    #[test]
    fn zigzag_keeps_all_64_bits() {
        for value in [0, 1, -1, 63, -64, i64::MAX, i64::MIN] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!((zigzag(-1), zigzag(1), zigzag(-64)), (1, 2, 127));
        assert_eq!([0, 255, 256, u64::MAX].map(byte_len), [1, 1, 2, 8]);
    }
}
