//! Random numbers that a seed reproduces for ever.
//!
//! xoshiro256** (Blackman and Vigna), its state filled by splitmix64. Every method says how it draws, because recorded
//! seeds stand in tests and in reports: what a seed yields must never change, whatever else does. So nothing here
//! comes from a dependency. It is no cryptography.

/// Step of splitmix64: a full-period counter, mixed. Also good for deriving one seed from another.
pub fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A generator: xoshiro256**.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The generator of this seed: its state is four draws of [`splitmix64`] from the seed.
    pub fn new(seed: u64) -> Self {
        let mut s = seed;
        Rng { state: std::array::from_fn(|_| splitmix64(&mut s)) }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let out = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// A number below `n`, every one equally likely: draws until a draw lies in the largest multiple of `n` that 64
    /// bits hold, and takes the remainder.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "there is no number below 0");
        let end = u64::MAX - (u64::MAX % n + 1) % n;
        loop {
            let draw = self.next_u64();
            if draw <= end {
                return draw % n;
            }
        }
    }

    /// An index below `len`; [`Rng::below`].
    ///
    /// # Panics
    /// If `len` is 0.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// True `num` times in `den`: `below(den) < num`.
    ///
    /// # Panics
    /// If `den` is 0.
    pub fn chance(&mut self, num: u64, den: u64) -> bool {
        self.below(den) < num
    }

    /// Puts `items` into any order, each equally likely (Fisher and Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.index(i + 1));
        }
    }

    /// Fills `bytes`: draws, little-endian, the last one cut.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            let draw = self.next_u64().to_le_bytes();
            part.copy_from_slice(&draw[..part.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_algorithms_are_the_published_ones() {
        let mut s = 1_234_567;
        assert_eq!(splitmix64(&mut s), 6_457_827_717_110_365_317);
        assert_eq!(splitmix64(&mut s), 3_203_168_211_198_807_973);
        let mut rng = Rng { state: [1, 2, 3, 4] };
        assert_eq!(
            [rng.next_u64(), rng.next_u64(), rng.next_u64(), rng.next_u64()],
            [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240]
        );
    }

    #[test]
    fn a_recorded_seed_yields_what_it_always_yielded() {
        let mut rng = Rng::new(7);
        let first: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(first, [0xb358faf74ef9765a, 0x475c3d964f482cd2, 0xd6f1d349952c7996]);
        let mut items = [0, 1, 2, 3, 4, 5, 6, 7];
        rng.shuffle(&mut items);
        assert_eq!(items, [3, 2, 4, 7, 1, 5, 6, 0]);
    }

    #[test]
    fn numbers_below_n_are_below_n_and_all_occur() {
        let mut rng = Rng::new(1);
        let mut seen = [0; 7];
        for _ in 0..7000 {
            seen[rng.index(7)] += 1;
        }
        assert!(seen.iter().all(|n| (800..1200).contains(n)), "{seen:?}");
        assert_eq!(rng.below(1), 0);
        assert!(!rng.chance(0, 5) && rng.chance(5, 5));
    }

    #[test]
    fn filled_bytes_are_the_draws() {
        let mut bytes = [0; 11];
        Rng::new(3).fill(&mut bytes);
        let mut rng = Rng::new(3);
        assert_eq!(bytes[..8], rng.next_u64().to_le_bytes());
        assert_eq!(bytes[8..], rng.next_u64().to_le_bytes()[..3]);
    }
}
