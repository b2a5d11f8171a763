//! What a run of changes surely does not have: a Bloom filter of keys, each in one word of 64 bits (Putze, Sanders,
//! Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
//!
//! Must always be true: what it was made of it may have; of what else it says so too, one time in some sixty. A question
//! touches one line of memory, where a search in the run would touch many.

use crate::prefetch;
use twox_hash::XxHash3_64;

/// Keys of which some belong together: a filter answers for all of them at once.
pub trait Family {
    /// A number, well mixed, that is the same for all keys that belong together.
    fn family(&self) -> u64;
}

/// Spreads a number over all 64 bits (the finalizer of SplitMix64).
pub(crate) const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl Family for u64 {
    #[inline]
    fn family(&self) -> u64 {
        mixed(*self)
    }
}

/// Each key for itself.
impl Family for Vec<u8> {
    #[inline]
    fn family(&self) -> u64 {
        XxHash3_64::oneshot(self)
    }
}

/// How many keys there are to a word, at most: 16 bits for each.
const KEYS_A_WORD: usize = 4;

/// The filter.
pub(super) struct Filter {
    words: Box<[u64]>,
}

impl Filter {
    /// Bytes that a key takes, at most, where there are at least [`KEYS_A_WORD`].
    pub const BYTES_A_KEY: usize = size_of::<u64>() / KEYS_A_WORD;

    /// Over the families of some keys.
    pub fn over(families: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut words = vec![0; families.len().div_ceil(KEYS_A_WORD)].into_boxed_slice();
        for family in families {
            let (at, bits) = place(family, words.len());
            words[at] |= bits;
        }
        Filter { words }
    }

    /// Whether a key of this family may be there.
    #[inline]
    pub fn may_have(&self, family: u64) -> bool {
        let (at, bits) = place(family, self.words.len());
        self.words.get(at).is_some_and(|word| word & bits == bits)
    }

    /// Asks the processor for what [`Filter::may_have`] looks at.
    #[inline]
    pub fn ask(&self, family: u64) {
        if let Some(word) = self.words.get(place(family, self.words.len()).0) {
            prefetch::start_of(word);
        }
    }
}

/// The word for a family, and three bits of it.
#[inline]
fn place(family: u64, words: usize) -> (usize, u64) {
    let at = ((family >> 32) * words as u64) >> 32;
    (at as usize, 1 << (family & 63) | 1 << (family >> 6 & 63) | 1 << (family >> 12 & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_what_it_was_made_of_and_little_else() {
        for count in [0u64, 1, 5, 64, 1000, 30_000] {
            let filter = Filter::over((0..count).map(|n| n.family()).collect::<Vec<_>>().into_iter());
            assert!((0..count).all(|n| filter.may_have(n.family())), "all of {count}");
            let wrong = (count..count + 100_000).filter(|n| filter.may_have(n.family())).count();
            assert!(wrong < 3_000, "{wrong} of 100,000 beside {count}");
        }
    }

    /// Bytes in another order, or zeros more at the end, are another key.
    #[test]
    fn keys_of_bytes_differ_by_order_and_length() {
        let keys = [&b""[..], b"\0", b"\0\0", b"ab", b"ba", b"abcdefgh", b"abcdefgh\0", b"hgfedcba"];
        let all: std::collections::BTreeSet<_> = keys.iter().map(|key| key.to_vec().family()).collect();
        assert_eq!(all.len(), keys.len());
    }
}
