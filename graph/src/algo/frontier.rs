//! The nodes of one level, by their places ([`super::numbering::Numbering::place`]): a list while they are few, bits when they
//! are many.
//!
//! Must always be true: a place that is pushed twice stands there once where it is asked for, and in bits. Takes an eighth
//! of a byte for each place at most, whatever comes.

/// A set of places.
#[derive(Debug)]
pub(super) struct Frontier {
    /// How many places there are.
    places: usize,
    few: Vec<usize>,
    /// Empty as long as `few` holds them all.
    bits: Vec<u64>,
}

/// A list of more than one in so many places takes more than the bits.
const MANY: usize = 512;

impl Frontier {
    pub(super) fn new(places: usize) -> Self {
        Frontier { places, few: Vec::new(), bits: Vec::new() }
    }

    /// An empty one that is made of bits.
    pub(super) fn of_bits(places: usize) -> Self {
        Frontier { places, few: Vec::new(), bits: vec![0; places / 64 + 1] }
    }

    /// One that is not there yet.
    pub(super) fn push(&mut self, place: usize) {
        match self.bits.get_mut(place / 64) {
            Some(word) => *word |= 1 << (place % 64),
            None => {
                self.few.push(place);
                if self.is_large(self.few.len()) {
                    self.make_bits();
                }
            }
        }
    }

    /// Whether a set of so many is better kept in bits.
    pub(super) fn is_large(&self, count: usize) -> bool {
        count > self.places / MANY + MANY
    }

    /// From here on [`Frontier::contains`] may be asked, and there are bits.
    pub(super) fn make_bits(&mut self) {
        if self.bits.is_empty() {
            self.bits = vec![0; self.places / 64 + 1];
            for place in std::mem::take(&mut self.few) {
                self.bits[place / 64] |= 1 << (place % 64);
            }
        }
    }

    /// The bits, 64 places a word, if it is made of bits; else nothing.
    pub(super) fn bits_mut(&mut self) -> &mut [u64] {
        &mut self.bits
    }

    /// Whether a place is there, after [`Frontier::make_bits`].
    #[inline]
    pub(super) fn contains(&self, place: usize) -> bool {
        self.bits.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// The first place from `from` on that is not there, of a set that is made of bits.
    #[inline]
    pub(super) fn missing(&self, from: usize) -> Option<usize> {
        let mut at = from / 64;
        let mut word = !self.bits.get(at)? & u64::MAX << (from % 64);
        while word == 0 {
            at += 1;
            word = !*self.bits.get(at)?;
        }
        Some(at * 64 + word.trailing_zeros() as usize).filter(|place| *place < self.places)
    }

    /// From here on [`Frontier::iter`] gives them in order.
    pub(super) fn sort(&mut self) {
        self.few.sort_unstable();
    }

    pub(super) fn iter(&self) -> Places<'_> {
        Places { few: self.few.iter(), words: self.bits.iter(), ones: ones(0), next: 0 }
    }
}

/// The places of a [`Frontier`]: what a chain and a flat map give, which took a twelfth of a search.
pub(super) struct Places<'a> {
    few: std::slice::Iter<'a, usize>,
    words: std::slice::Iter<'a, u64>,
    /// What is left of a word, and the first place of the next one.
    ones: Ones,
    next: usize,
}

impl Iterator for Places<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        loop {
            if let Some(bit) = self.ones.next() {
                return Some(self.next - 64 + bit);
            }
            match self.words.next() {
                Some(word) => (self.ones, self.next) = (ones(*word), self.next + 64),
                None => return self.few.next().copied(),
            }
        }
    }
}

/// The places of the bits that are set, ascending.
pub(super) fn ones(word: u64) -> Ones {
    Ones(word)
}

/// See [`ones`].
pub(super) struct Ones(u64);

impl Iterator for Ones {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let bit = (self.0 != 0).then(|| self.0.trailing_zeros() as usize);
        self.0 &= self.0.wrapping_sub(1);
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_hold_the_same() {
        for count in [0, 1, 100, 514, 1000] {
            let mut frontier = Frontier::new(1000);
            let places: Vec<usize> = (0..count).map(|n| n * 7919 % 1000).collect();
            places.iter().for_each(|place| frontier.push(*place));
            frontier.sort();
            let mut sorted = places.clone();
            sorted.sort_unstable();
            assert_eq!(frontier.iter().collect::<Vec<_>>(), sorted);
            frontier.make_bits();
            assert_eq!(frontier.iter().collect::<Vec<_>>(), sorted);
            assert!((0..2000).all(|place| frontier.contains(place) == sorted.binary_search(&place).is_ok()));
        }
    }

    #[test]
    fn what_is_missing_is_found_across_words() {
        let mut frontier = Frontier::of_bits(300);
        (0..300)
            .filter(|place| ![5, 63, 64, 255, 299].contains(place))
            .for_each(|place| frontier.push(place));
        let mut found = Vec::new();
        while let Some(place) = frontier.missing(found.last().map_or(0, |last| last + 1)) {
            found.push(place);
        }
        assert_eq!(found, [5, 63, 64, 255, 299]);
    }

    #[test]
    fn ones_are_where_bits_are_set() {
        assert_eq!(ones(0).count(), 0);
        assert_eq!(ones(1 << 63 | 0b101).collect::<Vec<_>>(), [0, 2, 63]);
        assert_eq!(ones(u64::MAX).collect::<Vec<_>>(), (0..64).collect::<Vec<_>>());
    }
}
