//! One list: a vertex's neighbours under one type, encoded, and decoded block by block.
//!
//! Must always be true: what a list claims is checked against the used bytes of its page before it is believed, once for
//! the list's fields; [`Walk`] does it once a block.

use super::blocks::{BEYOND, Ranks, Steps, Walk};
use super::bytes::Bytes;
use super::codec::{BLOCK, byte_len, code_for, pack, packed_len, unzigzag, width, zigzag};
use super::measure::rank_width;
use super::simd::append;
use super::{EDGES_A_BYTE, Parsed};

/// Degrees from here on take four more bytes.
pub(super) const LONG_FROM: usize = 252;

const PARALLEL: u8 = 252;
const RANKED: u8 = 253;
/// Stands where a list could begin: a table of types.
pub(super) const TYPES: u8 = 254;
/// Four bytes more of degree follow.
pub(super) const LONG: u8 = 255;

/// What a list says about ranks.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// All are 0, and no neighbour stands twice.
    Plain,
    /// They count from 0 at each neighbour.
    Parallel,
    /// They follow the gaps.
    Ranked,
}

/// Appends a list in a form that [`super::measure::fit`] found right for it.
pub(super) fn encode(out: &mut Vec<u8>, vertex: u64, neighbors: &[u64], ranks: &[u32], form: Form) {
    match form {
        Form::Plain => {}
        Form::Parallel => out.push(PARALLEL),
        Form::Ranked => out.push(RANKED),
    }
    let degree = neighbors.len();
    if degree < LONG_FROM {
        out.push(degree as u8);
    } else {
        out.push(LONG);
        let degree = u32::try_from(degree).expect("a page holds fewer edges than that");
        out.extend_from_slice(&degree.to_le_bytes());
    }
    let first = zigzag(neighbors[0].wrapping_sub(vertex) as i64);
    let (head, first_len) = (out.len(), byte_len(first));
    out.push((first_len as u8 - 1) << 5);
    out.extend_from_slice(&first.to_le_bytes()[..first_len]);

    let less = u64::from(form == Form::Plain);
    let mut gaps = [0; BLOCK];
    for (index, block) in neighbors[1..].chunks(BLOCK).enumerate() {
        let mut before = neighbors[index * BLOCK];
        let mut all = 0;
        for (gap, neighbor) in gaps.iter_mut().zip(block) {
            *gap = neighbor - before - less;
            before = *neighbor;
            all |= *gap;
        }
        let code = code_for(all);
        match index {
            0 => out[head] |= code,
            _ => out.push(code),
        }
        pack(out, width(code), gaps[..block.len()].iter().copied());
    }
    if form == Form::Ranked {
        let width = rank_width(ranks.iter().fold(0, |all, rank| all | rank));
        out.push(width as u8);
        pack(out, width, ranks.iter().map(|rank| (*rank).into()));
    }
}

/// A list of a page, its fields read.
#[derive(Copy, Clone, Debug)]
pub(super) struct List<'a> {
    bytes: Bytes<'a>,
    degree: usize,
    form: Form,
    first: u64,
    code: u8,
    /// Where the first block begins.
    blocks: usize,
}

impl<'a> List<'a> {
    /// Reads the fields of the list of `vertex` at `at`.
    #[inline]
    pub fn parse(bytes: Bytes<'a>, at: usize, vertex: u64) -> Parsed<Self> {
        let (mut at, mut byte) = (at, bytes.byte(at)?);
        let form = match byte {
            PARALLEL => Form::Parallel,
            RANKED => Form::Ranked,
            _ => Form::Plain,
        };
        if form != Form::Plain {
            at += 1;
            byte = bytes.byte(at)?;
        }
        at += 1;
        let degree = match byte {
            1..PARALLEL => byte.into(),
            LONG => {
                let degree = bytes.uint(at, 4)? as usize;
                at += 4;
                if !(LONG_FROM..=EDGES_A_BYTE * bytes.page_len()).contains(&degree) {
                    return Err("a list claims a degree that it cannot have");
                }
                degree
            }
            _ => return Err("a list without a degree"),
        };
        let head = bytes.byte(at)?;
        let first_len = usize::from(head >> 5) + 1;
        let first = vertex.wrapping_add(unzigzag(bytes.uint(at + 1, first_len)?) as u64);
        if first == u64::MAX {
            return Err(BEYOND);
        }
        Ok(List { bytes, degree, form, first, code: head & 31, blocks: at + 1 + first_len })
    }

    /// Where the list's fields end.
    pub fn fields_end(&self) -> usize {
        self.blocks
    }

    /// How many edges lie from one neighbour and rank to another, both included. The blocks are read up to there, unless
    /// everything is between them.
    pub fn count(&self, from: (u64, u32), to: (u64, u32)) -> Parsed<u64> {
        if from == (0, 0) && to == (u64::MAX, u32::MAX) {
            return Ok(self.degree as u64);
        }
        let between = from.0..=to.0;
        let mut found = usize::from(between.contains(&self.first));
        let mut walk = self.walk();
        let mut block = [0; BLOCK];
        while walk.left > 0 && walk.last <= to.0 {
            let count = walk.next(&mut block)?;
            found += block[..count].iter().filter(|neighbor| between.contains(neighbor)).count();
        }
        let mut ranks = Vec::new();
        if from.1 > 0 {
            self.ranks_of(from.0, &mut ranks)?;
            found = found.saturating_sub(ranks.iter().filter(|rank| **rank < from.1).count());
        }
        if to.1 < u32::MAX {
            ranks.clear();
            self.ranks_of(to.0, &mut ranks)?;
            found = found.saturating_sub(ranks.iter().filter(|rank| **rank > to.1).count());
        }
        Ok(found as u64)
    }

    pub(super) fn walk(&self) -> Walk<'a> {
        Walk {
            bytes: self.bytes,
            at: self.blocks,
            left: self.degree - 1,
            code: Some(self.code),
            last: self.first,
            less: u64::from(self.form == Form::Plain),
        }
    }

    /// Appends the neighbours. Returns where the list ends.
    pub fn targets(&self, out: &mut Vec<u64>) -> Parsed<usize> {
        let mut walk = self.walk();
        out.push(self.first);
        append(&mut walk, out)?;
        Ok(self.ranks(walk.at)?.end)
    }

    /// Gives the neighbours, a block at a time, until `each` says that it is enough. Returns whether it wants more.
    #[inline]
    pub fn blocks(&self, mut each: impl FnMut(&[u64]) -> bool) -> Parsed<bool> {
        let mut walk = self.walk();
        let mut block = [0; BLOCK];
        block[0] = self.first;
        let mut count = 1;
        while each(&block[..count]) {
            if walk.left == 0 {
                return Ok(true);
            }
            count = walk.next(&mut block)?;
        }
        Ok(false)
    }

    /// Appends type, neighbour and rank of each edge; they ascend strictly. Returns where the list ends.
    pub fn edges(&self, edge_type: u32, out: &mut Vec<(u32, u64, u32)>) -> Parsed<usize> {
        let from = out.len();
        let mut walk = self.walk();
        let mut block = [0; BLOCK];
        out.reserve(self.degree);
        out.push((edge_type, self.first, 0));
        while walk.left > 0 {
            let count = walk.next(&mut block)?;
            out.extend(block[..count].iter().map(|neighbor| (edge_type, *neighbor, 0)));
        }
        if self.form == Form::Plain {
            // Each gap is at least 1: they ascend.
            return Ok(walk.at);
        }
        let ranks = self.ranks(walk.at)?;
        let mut before = None;
        for (index, (_, neighbor, rank)) in out[from..].iter_mut().enumerate() {
            *rank = ranks.rank(index, before, *neighbor);
            if before >= Some((*neighbor, *rank)) {
                return Err("an edge stands twice, or ranks do not ascend");
            }
            before = Some((*neighbor, *rank));
        }
        Ok(ranks.end)
    }

    /// Appends the ranks of the edges to `neighbor`, ascending.
    pub fn ranks_of(&self, neighbor: u64, out: &mut Vec<u32>) -> Parsed<()> {
        let mut walk = self.walk();
        let mut block = [0; BLOCK];
        let mut hits = 0..0;
        let mut mark = |index: usize, found: u64| {
            if found == neighbor {
                hits = if hits.is_empty() { index..index + 1 } else { hits.start..index + 1 };
            }
        };
        mark(0, self.first);
        while walk.left > 0 && walk.last <= neighbor {
            let count = walk.seek(neighbor, &mut block)?;
            let index = self.degree - walk.left - count;
            block[..count].iter().zip(index..).for_each(|(found, index)| mark(index, *found));
        }
        if hits.is_empty() {
            return Ok(());
        }
        if self.form != Form::Ranked {
            out.extend(0..hits.len() as u32);
            return Ok(());
        }
        walk.skip()?;
        let ranks = self.ranks(walk.at)?;
        out.extend(hits.map(|index| ranks.rank(index, None, neighbor)));
        Ok(())
    }

    /// Whether there is an edge to `neighbor`, of any rank.
    pub fn contains(&self, neighbor: u64) -> Parsed<bool> {
        if neighbor <= self.first {
            return Ok(neighbor == self.first);
        }
        let mut block = [0; BLOCK];
        let count = self.walk().seek(neighbor, &mut block)?;
        Ok(block[..count].contains(&neighbor))
    }

    /// Whether there is an edge to `neighbor` of this rank.
    pub fn has(&self, neighbor: u64, rank: u32) -> Parsed<bool> {
        if self.form == Form::Plain {
            // Each neighbour once.
            return Ok(rank == 0 && self.contains(neighbor)?);
        }
        let mut ranks = Vec::new();
        self.ranks_of(neighbor, &mut ranks)?;
        Ok(ranks.contains(&rank))
    }

    /// The edges to `from` and beyond, one by one, as neighbour and rank; they ascend strictly.
    pub fn steps(&self, from: u64) -> Parsed<Steps<'a>> {
        let mut rest = self.walk();
        let ranks = match self.form {
            Form::Ranked => {
                rest.skip()?;
                self.ranks(rest.at)?
            }
            form => Ranks { packed: &[], width: 0, form, end: 0 },
        };
        Steps::new(self.walk(), ranks, self.first, from)
    }

    /// The ranks, where the blocks end at `at`.
    fn ranks(&self, at: usize) -> Parsed<Ranks<'a>> {
        if self.form != Form::Ranked {
            return Ok(Ranks { packed: &[], width: 0, form: self.form, end: at });
        }
        let width = usize::from(self.bytes.byte(at)?);
        if !(1..=32).contains(&width) {
            return Err("ranks of a width that they cannot have");
        }
        let len = packed_len(self.degree, width);
        self.bytes.check(at + 1, len)?;
        Ok(Ranks { packed: self.bytes.tail(at + 1), width, form: self.form, end: at + 1 + len })
    }
}
