//! How long a list will be, and how much of it fits.
//!
//! Must always be true: a list takes exactly the bytes that were measured. A list is cut between blocks only, so that the
//! measure of a prefix is known as the walk passes it.

use super::codec::{BLOCK, byte_len, code_for, packed_len, width, zigzag};
use super::list::{Form, LONG_FROM};

/// How much of a list fits, and what that takes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Fit {
    /// Edges, from the first on; 0 if not even one fits.
    pub count: usize,
    /// Their list's bytes.
    pub bytes: usize,
    /// How that list is written.
    pub form: Form,
}

/// The longest prefix of a list, cut between blocks, that takes at most `room` bytes and has at most `edges` edges.
/// Neighbours and ranks are in ascending order, and there is at least one.
pub(super) fn fit(vertex: u64, neighbors: &[u64], ranks: &[u32], room: usize, edges: usize) -> Fit {
    let mut measure = Measure::new(vertex, neighbors[0], ranks[0]);
    let mut best = Fit { count: 0, bytes: 0, form: Form::Plain };
    let mut count = 1;
    let mut blocks = neighbors[1..].chunks(BLOCK).zip(ranks[1..].chunks(BLOCK));
    loop {
        let bytes = measure.bytes(count);
        if bytes > room || count > edges {
            return best;
        }
        best = Fit { count, bytes, form: measure.form() };
        let Some((block, ranks)) = blocks.next() else { return best };
        measure.block(neighbors[count - 1], block, ranks, count > 1);
        count += block.len();
    }
}

/// The same of neighbours that ascend strictly, when all ranks are 0.
pub(super) fn fit_plain(vertex: u64, neighbors: &[u64], room: usize, edges: usize) -> Fit {
    let first_len = byte_len(zigzag(neighbors[0].wrapping_sub(vertex) as i64));
    let mut best = Fit { count: 0, bytes: 0, form: Form::Plain };
    let (mut count, mut blocks) = (1, 0);
    loop {
        let bytes = if count < LONG_FROM { 1 } else { 5 } + 1 + first_len + blocks;
        if bytes > room || count > edges {
            return best;
        }
        best = Fit { count, bytes, form: Form::Plain };
        let end = neighbors.len().min(count + BLOCK);
        if end == count {
            return best;
        }
        let gaps = neighbors[count - 1..end].windows(2).fold(0, |all, pair| all | (pair[1] - pair[0] - 1));
        blocks += usize::from(count > 1) + packed_len(end - count, width(code_for(gaps)));
        count = end;
    }
}

/// What the walk over a list has seen.
struct Measure {
    first_len: usize,
    /// Bytes of all blocks, with gaps less 1 and with gaps as they are.
    less_one: usize,
    as_is: usize,
    parallel: bool,
    /// All ranks so far count from 0 at each neighbour; the last of them.
    counted: bool,
    rank: u32,
    highest: u32,
}

impl Measure {
    fn new(vertex: u64, first: u64, rank: u32) -> Self {
        Measure {
            first_len: byte_len(zigzag(first.wrapping_sub(vertex) as i64)),
            less_one: 0,
            as_is: 0,
            parallel: false,
            counted: rank == 0,
            rank,
            highest: rank,
        }
    }

    fn block(&mut self, before: u64, block: &[u64], ranks: &[u32], has_code: bool) {
        let (mut before, mut less_one, mut as_is) = (before, 0, 0);
        for (neighbor, rank) in block.iter().zip(ranks) {
            let gap = neighbor - before;
            before = *neighbor;
            as_is |= gap;
            less_one |= gap.saturating_sub(1);
            self.parallel |= gap == 0;
            self.counted &= *rank == if gap == 0 { self.rank.saturating_add(1) } else { 0 };
            self.rank = *rank;
            self.highest |= rank;
        }
        let bytes = |gaps| usize::from(has_code) + packed_len(block.len(), width(code_for(gaps)));
        self.less_one += bytes(less_one);
        self.as_is += bytes(as_is);
    }

    fn form(&self) -> Form {
        match (self.counted, self.parallel) {
            (true, false) => Form::Plain,
            (true, true) => Form::Parallel,
            (false, _) => Form::Ranked,
        }
    }

    fn bytes(&self, count: usize) -> usize {
        let degree = if count < LONG_FROM { 1 } else { 5 };
        let fixed = degree + 1 + self.first_len;
        match self.form() {
            Form::Plain => fixed + self.less_one,
            Form::Parallel => 1 + fixed + self.as_is,
            Form::Ranked => 1 + fixed + self.as_is + 1 + packed_len(count, rank_width(self.highest)),
        }
    }
}

/// Bits of ranks, the highest of which (or any number with as many bits) is `highest`; at least 1.
pub(super) fn rank_width(highest: u32) -> usize {
    (u32::BITS - highest.leading_zeros()).max(1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage_core::device::sim::Rng;

    /// Lists of all lengths around blocks and the long degree, in any room, up to any number of edges.
    #[test]
    fn a_plain_list_is_measured_alike_both_ways() {
        let rng = &mut Rng::new(17);
        for length in (1..40).chain([250, 251, 252, 253, 268, 600]) {
            for step in [1, 2, 300, 1 << 20, 1 << 33] {
                let (vertex, mut last) = (rng.below(1 << 40), rng.below(1 << 40));
                let mut next = |_| {
                    last += 1 + rng.below(step);
                    last
                };
                let neighbors: Vec<u64> = (0..length).map(&mut next).collect();
                let ranks = vec![0; length];
                let whole = fit(vertex, &neighbors, &ranks, usize::MAX, usize::MAX);
                assert_eq!((whole.count, whole.form), (length, Form::Plain));
                for room in (0..whole.bytes + 2).step_by(1 + whole.bytes / 40) {
                    for edges in [1, 17, length - 1, length, usize::MAX] {
                        let found = fit_plain(vertex, &neighbors, room, edges);
                        let wanted = fit(vertex, &neighbors, &ranks, room, edges);
                        assert_eq!(found, wanted, "{length} by {step}, {room} bytes, {edges} edges");
                    }
                }
            }
        }
    }
}
