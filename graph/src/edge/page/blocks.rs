//! Going over the blocks of a list.
//!
//! Must always be true: a block is checked against the used bytes of its page before it is decoded; neighbours ascend, and
//! one beyond the largest id is damage.

use super::Parsed;
use super::bytes::Bytes;
use super::codec::{BLOCK, packed_len, unpack, unpack_one, width};
use super::list::Form;
use super::simd;

/// The ranks of a list.
pub(super) struct Ranks<'a> {
    pub packed: &'a [u8],
    pub width: usize,
    pub form: Form,
    /// Where they end.
    pub end: usize,
}

impl Ranks<'_> {
    /// The rank of the edge at `index`, which goes to `neighbor`; `before` is the edge before it.
    #[inline]
    pub fn rank(&self, index: usize, before: Option<(u64, u32)>, neighbor: u64) -> u32 {
        match (self.form, before) {
            (Form::Ranked, _) => unpack_one(self.packed, self.width, index) as u32,
            (Form::Parallel, Some((same, rank))) if same == neighbor => rank.saturating_add(1),
            _ => 0,
        }
    }
}

/// A walk over the blocks of a list.
pub(super) struct Walk<'a> {
    pub bytes: Bytes<'a>,
    pub at: usize,
    /// Neighbours that are still to come.
    pub left: usize,
    /// The next block's width code, if it does not stand in front of the block.
    pub code: Option<u8>,
    pub last: u64,
    pub less: u64,
}

/// Said of a neighbour that cannot be.
pub(super) const BEYOND: &str = "a neighbour beyond the largest id";

impl Walk<'_> {
    /// Code, number of gaps and place of the next block, which lies within the used bytes.
    #[inline]
    pub fn block(&mut self) -> Parsed<(u8, usize, usize)> {
        let code = match self.code.take() {
            Some(code) => code,
            None => {
                let code = self.bytes.byte(self.at)?;
                self.at += 1;
                code
            }
        };
        if code > 31 {
            return Err("a width code that does not exist");
        }
        let (count, at) = (self.left.min(BLOCK), self.at);
        let len = packed_len(count, width(code));
        self.bytes.check(at, len)?;
        self.at += len;
        self.left -= count;
        Ok((code, count, at))
    }

    /// Decodes the next neighbours, and says how many.
    #[inline]
    pub fn next(&mut self, out: &mut [u64; BLOCK]) -> Parsed<usize> {
        let (code, count, at) = self.block()?;
        self.sum(code, count, at, out)?;
        Ok(count)
    }

    /// Decodes up to the first block whose last neighbour is not below `neighbor`, at least one if any is left. Says how many
    /// that block has: 0 if all that was left lies below.
    #[inline]
    pub fn seek(&mut self, neighbor: u64, out: &mut [u64; BLOCK]) -> Parsed<usize> {
        simd::seek(self, neighbor, out)
    }

    /// Decodes a block.
    #[inline]
    pub fn sum(&mut self, code: u8, count: usize, at: usize, out: &mut [u64; BLOCK]) -> Parsed<()> {
        let before = self.last;
        if simd::block(self.bytes.tail(at), (width(code), count), (before, self.less), out) {
            return self.end(out[count - 1]);
        }
        self.sum_scalar(code, count, at, out)
    }

    /// The scalar twin.
    pub fn sum_scalar(&mut self, code: u8, count: usize, at: usize, out: &mut [u64; BLOCK]) -> Parsed<()> {
        unpack(self.bytes.tail(at), code, count, out);
        let before = self.last;
        let mut last = before;
        if width(code) < 60 {
            for gap in &mut out[..count] {
                last = last.wrapping_add(*gap + self.less);
                *gap = last;
            }
        } else {
            for gap in &mut out[..count] {
                let step = gap.checked_add(self.less).and_then(|gap| last.checked_add(gap));
                last = step.unwrap_or(u64::MAX);
                *gap = last;
            }
        }
        self.end(last)
    }

    /// The block's last neighbour. Sixteen gaps below 2^60 overflow at most once, and then it lies before where the block
    /// began.
    #[inline]
    pub fn end(&mut self, last: u64) -> Parsed<()> {
        if last < self.last || last == u64::MAX {
            return Err(BEYOND);
        }
        self.last = last;
        Ok(())
    }

    /// Passes over the rest.
    pub fn skip(&mut self) -> Parsed<()> {
        while self.left > 0 {
            self.block()?;
        }
        Ok(())
    }
}

/// The edges of a list from some neighbour on, one by one, as neighbour and rank: strictly ascending. Ends after the first
/// error.
pub(super) struct Steps<'a> {
    walk: Walk<'a>,
    ranks: Ranks<'a>,
    block: [u64; BLOCK],
    /// What of the block is still to come.
    left: std::ops::Range<usize>,
    /// How many edges stand before the block.
    passed: usize,
    before: Option<(u64, u32)>,
}

impl<'a> Steps<'a> {
    /// From a walk at its beginning, behind `first`. What comes before `from` is passed over a block at a time.
    pub fn new(walk: Walk<'a>, ranks: Ranks<'a>, first: u64, from: u64) -> Parsed<Self> {
        let mut steps = Steps { walk, ranks, block: [first; BLOCK], left: 0..1, passed: 0, before: None };
        if first < from {
            let before = steps.walk.left;
            let count = steps.walk.seek(from, &mut steps.block)?;
            (steps.passed, steps.left) = (1 + before - steps.walk.left - count, 0..count);
        }
        // No edge to `from` was passed over: ranks that count from 0 at each neighbour do so from here.
        steps.left.start = steps.block[..steps.left.end].partition_point(|neighbor| *neighbor < from);
        Ok(steps)
    }

    fn load(&mut self) -> Parsed<()> {
        self.passed += self.left.end;
        self.left = 0..self.walk.next(&mut self.block)?;
        Ok(())
    }

    fn step(&mut self) -> Parsed<Option<(u64, u32)>> {
        if self.left.is_empty() {
            if self.walk.left == 0 {
                return Ok(None);
            }
            self.load()?;
        }
        let neighbor = self.block[self.left.start];
        let edge = (neighbor, self.ranks.rank(self.passed + self.left.start, self.before, neighbor));
        self.left.start += 1;
        if self.before >= Some(edge) {
            return Err("an edge stands twice, or ranks do not ascend");
        }
        self.before = Some(edge);
        Ok(Some(edge))
    }
}

impl Iterator for Steps<'_> {
    type Item = Parsed<(u64, u32)>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step().transpose();
        if let Some(Err(_)) = step {
            self.walk.left = 0;
            self.left = 0..0;
        }
        step
    }
}
