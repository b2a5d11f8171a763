//! Eight neighbours at a time give what one by one gives.

use super::super::PAD;
use super::super::blocks::Walk;
use super::super::bytes::Bytes;
use super::super::codec::{BLOCK, pack, packed_len, width, zigzag};
use super::super::list::{Form, List, encode};
use super::super::simd::{append, append_scalar, block, plain, seek, seek_scalar};

/// Blocks of every width and count, one list after the other, at the very end of what may be read.
#[test]
fn eight_at_a_time_and_one_by_one_give_the_same() {
    for code in 0..32u8 {
        let bits = width(code);
        let max = if bits == 0 { 0 } else { u64::MAX >> (64 - bits) };
        for count in 1..=BLOCK {
            for less in [0, 1] {
                let gaps = (0..count as u64).map(|i| max & i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 9);
                let mut page = vec![0xa5; 5];
                pack(&mut page, bits, gaps);
                let used = page.len();
                assert_eq!(used, 5 + packed_len(count, bits));
                page.extend([0xa5; PAD]);
                let bytes = Bytes::new(&page, used).expect("there is a pad");
                let walk = || Walk { bytes, at: 5, left: count, code: Some(code), last: 7, less };
                let (mut fast, mut plain) = (vec![1, 2], vec![1, 2]);
                let ends = (append(&mut walk(), &mut fast), append_scalar(&mut walk(), &mut plain));
                assert_eq!(ends.0, ends.1, "width {bits}, {count} numbers");
                if ends.0.is_ok() {
                    assert_eq!(fast, plain, "width {bits}, {count} numbers");
                }
                let mut one = [0; BLOCK];
                if block(bytes.tail(5), (bits, count), (7, less), &mut one) {
                    assert_eq!(&one[..count], &plain[2..], "width {bits}, {count} numbers");
                }
            }
        }
    }
}

/// Lists of blocks of several widths, sought for what they have and for what lies between; then with bytes changed.
#[test]
fn what_is_sought_is_found_in_the_block_that_has_it() {
    for (step, form) in [1u64, 3, 1000, 1 << 25, 1 << 40]
        .into_iter()
        .flat_map(|step| [(step, Form::Plain), (step, Form::Ranked)])
    {
        let neighbors: Vec<u64> = (0..100).map(|i| 7 + i * step + (i / 40) * 5000).collect();
        let mut page = Vec::new();
        encode(&mut page, 3, &neighbors, &[1; 100], form);
        let used = page.len();
        page.extend([0; 4 * PAD]);
        let agree = |page: &[u8], wanted: u64| {
            let bytes = Bytes::new(page, used).expect("there is a pad");
            let (mut fast, mut slow) = ([0; BLOCK], [0; BLOCK]);
            let Ok(list) = List::parse(bytes, 0, 3) else { return Vec::new() };
            let (mut one, mut other) = (list.walk(), list.walk());
            let count = seek(&mut one, wanted, &mut fast);
            assert_eq!(count, seek_scalar(&mut other, wanted, &mut slow), "{wanted} by {step}");
            let Ok(count) = count else { return Vec::new() };
            assert_eq!((&fast[..count], one.left, one.last), (&slow[..count], other.left, other.last));
            fast[..count].to_vec()
        };
        for wanted in neighbors.iter().flat_map(|neighbor| [neighbor - 1, *neighbor, neighbor + 1]) {
            let behind = neighbors[1..].iter().position(|neighbor| *neighbor >= wanted);
            let block =
                behind.map_or(&[][..], |at| neighbors[1..].chunks(BLOCK).nth(at / BLOCK).unwrap_or(&[]));
            assert_eq!(agree(&page, wanted), block, "{wanted} by {step}");
        }
        for at in 0..used {
            for flip in [1, 0x80, 0xff] {
                let mut other = page.clone();
                other[at] ^= flip;
                agree(&other, neighbors[70]);
            }
        }
    }
}

/// Lists of all degrees and widths, then the same with each byte changed in turn: what is read at once is what is read
/// field by field, or left to that.
#[test]
fn a_list_read_at_once_is_the_list_read_field_by_field() {
    let (mut all_at_once, mut left) = (0, 0);
    for degree in [1usize, 2, 3, 8, 9, 16, 17, 18, 25, 33, 40, 100, 251, 252, 300] {
        for step in [1u64, 2, 3, 100, 70_000, 1 << 24, 1 << 25, 1 << 40] {
            let vertex = 1 << 50;
            let spread = |i: u64| i * step + i.wrapping_mul(0x9e37_79b9) % step;
            let neighbors: Vec<u64> = (0..degree as u64).map(|i| vertex - 1000 + spread(i)).collect();
            let mut page = vec![0xa5; 7];
            encode(&mut page, vertex, &neighbors, &vec![0; degree], Form::Plain);
            let used = page.len();
            // Long enough for a degree of 300.
            page.extend([0; 4 * PAD]);
            let mut compare = |page: &[u8]| {
                let bytes = Bytes::new(page, used).expect("there is a pad");
                let mut fields = vec![5];
                let by_field = List::parse(bytes, 7, vertex).and_then(|list| list.targets(&mut fields));
                let mut once = vec![5];
                match plain(bytes, 7, vertex, &mut once) {
                    Some(end) => {
                        assert_eq!((Ok(end), &once), (by_field, &fields), "{degree} by {step}");
                        all_at_once += 1;
                    }
                    None => {
                        assert_eq!(once, [5], "nothing is appended");
                        left += 1;
                    }
                }
                by_field.map(|_| fields.len() - 1)
            };
            assert_eq!(compare(&page), Ok(degree));
            for at in 7..used {
                for flip in [1, 0x80, 0xff] {
                    let mut other = page.clone();
                    other[at] ^= flip;
                    let _ = compare(&other);
                }
            }
        }
    }
    assert!(left > 0);
    #[cfg(target_arch = "x86_64")]
    assert!(all_at_once > 10_000 || !std::arch::is_x86_feature_detected!("avx2"));
}

/// A first neighbour, and a last one, that no id can be.
#[test]
fn a_list_beyond_the_largest_id_is_not_read_at_once() {
    for (vertex, first, gap) in [(u64::MAX - 1, 1, 0), (u64::MAX - 3, 1, 3), (u64::MAX - 20, 1, 31)] {
        // Degree 2; the first neighbour in a byte, a gap of five bits.
        let mut page = vec![2, 5, zigzag(first) as u8, gap];
        page.extend([0; PAD]);
        let bytes = Bytes::new(&page, 4).expect("there is a pad");
        let mut out = Vec::new();
        assert!(List::parse(bytes, 0, vertex).and_then(|list| list.targets(&mut out)).is_err());
        assert_eq!(plain(bytes, 0, vertex, &mut Vec::new()), None, "{vertex}");
    }
}

/// Sums that pass the largest id are refused by both, wherever in the block that is.
#[test]
fn what_lies_beyond_the_largest_id_is_refused_by_both() {
    for from_end in 0..40u64 {
        let mut page = Vec::new();
        pack(&mut page, 3, (0..16).map(|i| i % 2));
        let used = page.len();
        page.extend([0; PAD]);
        let bytes = Bytes::new(&page, used).expect("there is a pad");
        let walk = || Walk { bytes, at: 0, left: 16, code: Some(3), last: u64::MAX - from_end, less: 1 };
        let fast = append(&mut walk(), &mut Vec::new());
        assert_eq!(fast, append_scalar(&mut walk(), &mut Vec::new()), "{from_end}");
        // All gaps together are 24.
        assert_eq!(fast.is_err(), from_end <= 24, "{from_end}");
    }
}
