//! Sorting words: a pass over memory that puts each into its bucket, then bucket after bucket within the cache.
//!
//! Must always be true: what comes out is in ascending order, whatever the number of threads. Equal words are equal rows, so
//! no order among them is to be kept.
//!
//! Memory: the words themselves, twice while they are put into buckets; then a scratch of an eighth of them.

use super::error::BulkError;

/// Bits of the number of a bucket: as many streams as a pass can write without missing the cache too often.
pub(super) const BUCKET: u32 = 10;
/// Bits of the number of a bucket where parts of a file are chosen by it.
pub(super) const PART: u32 = 12;
/// Bits of a digit within a bucket.
const DIGIT: u32 = 9;
/// Fewer words than this are sorted by comparing.
const FEW: usize = 96;
/// A bucket of so many words is sorted by digits, whatever its part of all words.
const SMALL: usize = 1 << 16;
/// Fewer words than this are sorted by one thread.
pub(super) const MANY: usize = 1 << 17;

/// Counts words by their buckets.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    shift: u32,
    /// The bits of a bucket's number: words may have more, which are then the same in all.
    mask: u64,
    counts: Vec<usize>,
}

impl Counts {
    /// Of words that differ in their lowest `bits`, at least one; the highest of these say the bucket.
    pub fn new(bits: u32, bucket: u32) -> Counts {
        let bucket = bucket.min(bits);
        Counts { shift: bits - bucket, mask: (1 << bucket) - 1, counts: vec![0; 1 << bucket] }
    }

    #[inline]
    pub fn bucket(&self, word: u64) -> usize {
        (word >> self.shift & self.mask) as usize
    }

    #[inline]
    pub fn count(&mut self, word: u64) {
        let bucket = self.bucket(word);
        self.counts[bucket] += 1;
    }

    /// How many words each bucket has.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Below the bits that say the bucket.
    pub fn shift(&self) -> u32 {
        self.shift
    }
}

/// Words on their way into buckets.
pub(super) struct Buckets {
    shift: u32,
    mask: u64,
    words: Vec<u64>,
    /// Where each bucket's next word goes; in the end, where the bucket ends.
    at: Vec<usize>,
}

impl Buckets {
    /// Room for words that were counted so.
    pub fn new(counts: &Counts) -> Buckets {
        Buckets::over(vec![0; counts.counts.iter().sum()], counts)
    }

    /// The same in memory that is there.
    pub fn over(mut words: Vec<u64>, counts: &Counts) -> Buckets {
        let mut len = 0;
        let begin = |count: &usize| {
            len += count;
            len - count
        };
        let at = counts.counts.iter().map(begin).collect();
        words.resize(len, 0);
        Buckets { shift: counts.shift, mask: counts.mask, words, at }
    }

    /// Takes a word.
    #[inline]
    pub fn put(&mut self, word: u64) {
        let at = &mut self.at[(word >> self.shift & self.mask) as usize];
        self.words[*at] = word;
        *at += 1;
    }

    /// Which bits are left to be sorted by, and how large a bucket is sorted by digits.
    fn left(&self, ordered: u32) -> ((u32, u32), usize) {
        ((ordered.min(self.shift), self.shift), (self.words.len() / 8).max(SMALL))
    }

    /// All words in order. They came in the order of their lowest `ordered` bits.
    pub fn sorted(mut self, ordered: u32) -> Vec<u64> {
        let (bits, most) = self.left(ordered);
        sort_buckets(&mut self.words, &self.at, 0, bits, most);
        self.words
    }

    /// The same by two threads, where that is worth it.
    pub fn sorted_by_two(mut self, ordered: u32) -> Result<Vec<u64>, BulkError> {
        let (bits, most) = self.left(ordered);
        let half = self.at.partition_point(|end| *end <= self.words.len() / 2);
        if half == 0 || self.words.len() < MANY {
            return Ok(self.sorted(ordered));
        }
        let (low, high) = self.at.split_at(half);
        let middle = low[half - 1];
        let (first, second) = self.words.split_at_mut(middle);
        std::thread::scope(|scope| {
            let sort = || sort_buckets(second, high, middle, bits, most);
            let other = std::thread::Builder::new().spawn_scoped(scope, sort);
            sort_buckets(first, low, 0, bits, most);
            other.map(drop).map_err(BulkError::Thread)
        })?;
        Ok(self.words)
    }
}

/// All words in order, which come in the order of their lowest `ordered` bits.
pub(super) fn sorted(words: Vec<u64>, ordered: u32) -> Vec<u64> {
    let Some(first) = words.first() else { return words };
    let differ = words.iter().fold(0, |differ, word| differ | (word ^ first));
    let mut counts = Counts::new((u64::BITS - u64::leading_zeros(differ)).max(1), BUCKET);
    words.iter().for_each(|word| counts.count(*word));
    let mut buckets = Buckets::new(&counts);
    words.iter().for_each(|word| buckets.put(*word));
    drop(words);
    buckets.sorted(ordered)
}

/// Sorts buckets, whose ends are counted from `start` on, by some bits.
fn sort_buckets(words: &mut [u64], ends: &[usize], start: usize, bits: (u32, u32), most: usize) {
    let (mut from, mut scratch) = (0, Vec::new());
    for end in ends {
        let end = end - start;
        sort_bucket(&mut words[from..end], &mut scratch, bits, most);
        from = end;
    }
}

/// Sorts words that are sorted by the bits below the first of these, and the same from the second one on. `scratch` grows
/// up to `most` words.
fn sort_bucket(words: &mut [u64], scratch: &mut Vec<u64>, bits: (u32, u32), most: usize) {
    if words.len() < FEW || words.len() > most {
        return words.sort_unstable();
    }
    if words.is_sorted() {
        return;
    }
    let first = words[0];
    let differ = words.iter().fold(0, |differ, word| differ | (word ^ first));
    scratch.clear();
    scratch.resize(words.len(), 0);
    let (mut from, mut to) = (&mut *words, &mut scratch[..]);
    let mut turns = 0;
    let begin = bits.0.max(differ.trailing_zeros());
    let end = bits.1.min(u64::BITS - differ.leading_zeros());
    for shift in (begin..end).step_by(DIGIT as usize) {
        by_digit::<_, { 1 << DIGIT }>(from, to, |word| (word >> shift) as usize);
        std::mem::swap(&mut from, &mut to);
        turns += 1;
    }
    if turns % 2 == 1 {
        words.copy_from_slice(scratch);
    }
}

/// Sorts by one digit, stably: a number modulo `RADIX`.
pub(super) fn by_digit<T: Copy, const RADIX: usize>(from: &[T], to: &mut [T], number: impl Fn(&T) -> usize) {
    let mut starts = [0usize; RADIX];
    from.iter().for_each(|one| starts[number(one) % RADIX] += 1);
    let mut at = 0;
    for start in &mut starts {
        (*start, at) = (at, at + *start);
    }
    for one in from {
        let start = &mut starts[number(one) % RADIX];
        to[*start] = *one;
        *start += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;

    #[test]
    fn words_come_out_sorted_by_one_thread_and_by_two() {
        let mut random = Random::new(21);
        for (count, bits) in
            [(0, 36), (1, 1), (50, 36), (5000, 64), (200_000, 36), (200_000, 3), (300_000, 20)]
        {
            for skewed in [false, true] {
                let mut word = || {
                    let word = random.next() >> (64 - bits);
                    // Most of them in one bucket, as the edges of a hub are.
                    if skewed && !word.is_multiple_of(4) { word & ((1 << (bits / 2)) - 1) } else { word }
                };
                let words: Vec<u64> = (0..count).map(|_| word()).collect();
                let mut wanted = words.clone();
                wanted.sort_unstable();
                for two in [false, true] {
                    let mut counts = Counts::new(bits, BUCKET);
                    words.iter().for_each(|word| counts.count(*word));
                    let mut buckets = Buckets::new(&counts);
                    words.iter().for_each(|word| buckets.put(*word));
                    let sorted = if two { buckets.sorted_by_two(0).unwrap() } else { buckets.sorted(0) };
                    assert!(
                        sorted == wanted,
                        "{count} words of {bits} bits, skewed: {skewed}, by two threads: {two}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_in_order_by_its_low_bits_is_sorted_by_the_others() {
        let mut random = Random::new(22);
        for count in [3, 4000, 300_000] {
            let mut words: Vec<u64> = (0..count).map(|_| random.next() >> 30).collect();
            words.sort_by_key(|word| word & 0xffff);
            let mut counts = Counts::new(34, BUCKET);
            words.iter().for_each(|word| counts.count(*word));
            let mut buckets = Buckets::new(&counts);
            words.iter().for_each(|word| buckets.put(*word));
            let by_one = sorted(words.clone(), 16);
            words.sort_unstable();
            assert!(buckets.sorted_by_two(16).unwrap() == words, "{count} words");
            assert!(by_one == words, "{count} words, by one thread");
        }
    }
}
