//! Plain edges in the order in which they came: a word each.
//!
//! Most loads are nothing but these: ends called by ids, one type, no rank, no properties. They wait here in eight bytes an
//! edge, from the first row up to the sort. The first row that is not plain sends all of them to the general log
//! (`log.rs`), in the order in which they came, and what follows goes there too.
//!
//! Must always be true: every row comes back as it came, with its place; a word says both ends and nothing else; memory
//! stays within the limit, places included (where those do not lie in a few runs, the rows are not kept here).
//!
//! It does not know what the ids mean: whether they are nodes is asked later.

use super::log::{EdgeEntry, EdgeLog, Name};
use super::row::Place;
use super::spill::{Scratch, SpillError, SpillFile};

/// The bytes of a word.
pub(super) const WORD: usize = size_of::<u64>();

/// Words that are written, read and told of at a time.
const BLOCK: usize = (256 << 10) / WORD;

/// Reads a block of words.
pub(super) fn read_words(bytes: &[u8], words: &mut Vec<u64>) {
    words.clear();
    words.extend(bytes.as_chunks::<WORD>().0.iter().map(|word| u64::from_le_bytes(*word)));
}

/// How two ends share a word.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Split {
    /// Bits of the first end.
    pub high: u32,
    /// Bits of the second.
    pub low: u32,
}

impl Split {
    /// The narrowest for ends with these bits; `None` if they do not fit into a word.
    pub fn of(first: u64, second: u64) -> Option<Split> {
        // At least one bit each, so that no shift is by all 64.
        let bits = |ends: u64| (u64::BITS - ends.leading_zeros()).max(1);
        let (high, low) = (bits(first), bits(second));
        (high + low <= u64::BITS).then_some(Split { high, low })
    }

    /// Bits of both.
    pub fn bits(self) -> u32 {
        self.high + self.low
    }

    /// The split of words that are turned round.
    pub fn turned(self) -> Split {
        Split { high: self.low, low: self.high }
    }

    /// Both ends as a word.
    #[inline]
    pub fn word(self, first: u64, second: u64) -> u64 {
        first << self.low | second
    }

    /// The ends of a word.
    #[inline]
    pub fn ends(self, word: u64) -> (u64, u64) {
        (word >> self.low, word & ((1 << self.low) - 1))
    }
}

/// Where rows stood: runs of rows that are one line apart, or all at one place.
#[derive(Debug, Default)]
struct Places {
    runs: Vec<Run>,
}

#[derive(Copy, Clone, Debug)]
struct Run {
    /// The first row's number.
    row: u64,
    place: Place,
    /// Lines from each row to the next, once there are two.
    step: Option<u64>,
}

impl Run {
    #[inline]
    fn place(&self, row: u64) -> Place {
        let lines = (row - self.row).wrapping_mul(self.step.unwrap_or(0));
        Place { line: self.place.line.wrapping_add(lines), ..self.place }
    }
}

impl Places {
    /// Takes the next row's place, if that is one more than `most` runs or fewer.
    #[inline]
    fn push(&mut self, row: u64, place: Place, most: usize) -> bool {
        let full = self.runs.len() > most;
        match self.runs.last_mut() {
            Some(run) if run.step.is_some() && run.place(row) == place => {}
            Some(run @ Run { step: None, .. }) if run.place.file == place.file => {
                run.step = Some(place.line.wrapping_sub(run.place.line));
            }
            _ if full => return false,
            _ => self.runs.push(Run { row, place, step: None }),
        }
        true
    }

    fn bytes(&self) -> usize {
        self.runs.capacity() * size_of::<Run>()
    }

    fn place(&self, row: u64) -> Place {
        let after = self.runs.partition_point(|run| run.row <= row);
        after.checked_sub(1).map_or_else(Place::default, |at| self.runs[at].place(row))
    }
}

/// Plain edges, in order.
#[derive(Debug)]
pub(super) struct PlainRows {
    /// The words that are not in the file; they come after it.
    words: Vec<u64>,
    /// How many there may be.
    most: usize,
    file: Option<SpillFile>,
    scratch: Scratch,
    count: u64,
    edge_type: u32,
    places: Places,
    /// How many runs of places there may be.
    most_runs: usize,
    /// From which row on words are split so.
    splits: Vec<(u64, Split)>,
    /// The last of these.
    split_now: Split,
    /// The bits that first and second ends have.
    firsts: u64,
    seconds: u64,
}

impl PlainRows {
    /// No rows; about `limit` bytes of them stay in memory.
    pub fn new(limit: usize, scratch: &Scratch) -> Self {
        let split = Split { high: u64::BITS / 2, low: u64::BITS / 2 };
        PlainRows {
            words: Vec::new(),
            most: (limit / WORD).max(1),
            file: None,
            scratch: scratch.clone(),
            count: 0,
            edge_type: 0,
            places: Places::default(),
            most_runs: limit / 16 / size_of::<Run>(),
            splits: vec![(0, split)],
            split_now: split,
            firsts: 0,
            seconds: 0,
        }
    }

    pub fn len(&self) -> u64 {
        self.count
    }

    /// The type of all of them.
    pub fn edge_type(&self) -> u32 {
        self.edge_type
    }

    pub fn in_memory(&self) -> usize {
        self.words.capacity() * WORD + self.places.bytes()
    }

    /// The narrowest split that is good for all rows.
    pub fn split(&self) -> Split {
        Split::of(self.firsts, self.seconds).unwrap_or(self.split_now)
    }

    /// Takes a row, or says that it can not be kept here.
    #[inline]
    pub fn push(
        &mut self,
        first: u64,
        second: u64,
        edge_type: u32,
        place: Place,
    ) -> Result<bool, SpillError> {
        let split = self.split_now;
        let (firsts, seconds) = (self.firsts | first, self.seconds | second);
        let fits = firsts >> split.high == 0 && seconds >> split.low == 0;
        if (edge_type != self.edge_type && self.count > 0) || (!fits && !self.widen(firsts, seconds)) {
            return Ok(false);
        }
        if !self.places.push(self.count, place, self.most_runs) {
            return Ok(false);
        }
        (self.firsts, self.seconds, self.edge_type) = (firsts, seconds, edge_type);
        let word = self.split_now.word(first, second);
        if self.words.len() == self.words.capacity() {
            self.make_room()?;
        }
        self.words.push(word);
        self.count += 1;
        Ok(true)
    }

    /// Takes more memory, or writes to the file what there is.
    #[cold]
    fn make_room(&mut self) -> Result<(), SpillError> {
        let len = self.words.len();
        if len < self.most {
            self.words.reserve_exact((2 * len).max(BLOCK).min(self.most) - len);
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.scratch.file()?),
        };
        let mut bytes = Vec::new();
        for block in self.words.chunks(BLOCK) {
            bytes.clear();
            block.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
            file.append(&bytes)?;
        }
        self.words.clear();
        Ok(())
    }

    /// From the next row on, words have room for such ends; or they can not.
    #[cold]
    fn widen(&mut self, firsts: u64, seconds: u64) -> bool {
        let Some(Split { high, low }) = Split::of(firsts, seconds) else { return false };
        // What is left goes to both, so that this happens a few times and no more.
        let left = u64::BITS - high - low;
        self.split_now = Split { high: high + left / 2, low: low + left.div_ceil(2) };
        self.splits.push((self.count, self.split_now));
        true
    }

    /// All rows in order, some at a time: the number of the first of them, and their ends.
    pub fn replay<E: From<SpillError>>(
        &self,
        mut each: impl FnMut(u64, Rows<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut row, mut splits) = (0, self.splits.iter().peekable());
        let mut split = self.splits[0].1;
        let mut in_block = |mut block: &[u64]| -> Result<(), E> {
            while !block.is_empty() {
                while let Some((_, next)) = splits.next_if(|(from, _)| *from <= row) {
                    split = *next;
                }
                let rows = block.len() as u64;
                let same = splits.peek().map_or(rows, |(from, _)| rows.min(from - row));
                let (now, later) = block.split_at(same as usize);
                each(row, Rows { words: now.iter(), split })?;
                (row, block) = (row + same, later);
            }
            Ok(())
        };
        if let Some(file) = &self.file {
            let (mut at, mut bytes, mut words) = (0, Vec::new(), Vec::new());
            while at < file.end() {
                at = file.read(at, &mut bytes)?;
                read_words(&bytes, &mut words);
                in_block(&words)?;
            }
        }
        self.words.chunks(BLOCK).try_for_each(in_block)
    }

    /// The memory of the rows, for others.
    pub fn into_memory(self) -> Vec<u64> {
        self.words
    }

    /// Where a row stood.
    pub fn place(&self, row: u64) -> Place {
        self.places.place(row)
    }

    /// Appends all rows to a log, in order.
    fn drain_into(&self, log: &mut EdgeLog) -> Result<(), SpillError> {
        self.replay(|mut row, ends| {
            for (first, second) in ends {
                let (from, to) = ((0, Name::Int(first)), (0, Name::Int(second)));
                let (edge_type, place) = (self.edge_type, self.place(row));
                log.push(&EdgeEntry {
                    from,
                    to,
                    edge_type,
                    undirected: None,
                    rank: None,
                    props: &[],
                    place,
                })?;
                row += 1;
            }
            Ok(())
        })
    }
}

/// The ends of some rows.
pub(super) struct Rows<'a> {
    words: std::slice::Iter<'a, u64>,
    split: Split,
}

impl Iterator for Rows<'_> {
    type Item = (u64, u64);

    #[inline]
    fn next(&mut self) -> Option<(u64, u64)> {
        self.words.next().map(|word| self.split.ends(*word))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.words.size_hint()
    }
}

impl ExactSizeIterator for Rows<'_> {}

/// Edge rows, in order: plain ones, as long as there are no others; else any.
#[derive(Debug)]
pub(super) struct EdgeRows {
    plain: Option<PlainRows>,
    log: EdgeLog,
}

impl EdgeRows {
    /// No rows. Plain ones are kept apart in `plain` bytes, if that is not 0, others in `limit`.
    pub fn new(plain: usize, limit: usize, scratch: &Scratch) -> Self {
        let rows = (plain > 0).then(|| PlainRows::new(plain, scratch));
        EdgeRows { plain: rows, log: EdgeLog::new(limit, scratch) }
    }

    pub fn len(&self) -> u64 {
        self.plain.as_ref().map_or(self.log.len(), PlainRows::len)
    }

    pub fn in_memory(&self) -> usize {
        self.plain.as_ref().map_or(0, PlainRows::in_memory) + self.log.in_memory()
    }

    /// Takes a row, or says that it can not be kept as a plain one: then it belongs into the log.
    #[inline]
    pub fn push_plain(&mut self, ends: (u64, u64), edge_type: u32, place: Place) -> Result<bool, SpillError> {
        match &mut self.plain {
            Some(plain) => plain.push(ends.0, ends.1, edge_type, place),
            None => Ok(false),
        }
    }

    /// All rows as a log; from here on there are no plain ones.
    pub fn log(&mut self) -> Result<&mut EdgeLog, SpillError> {
        if let Some(plain) = self.plain.take() {
            plain.drain_into(&mut self.log)?;
        }
        Ok(&mut self.log)
    }

    /// The rows: plain ones, if there are no others, else the log.
    pub fn into_rows(self) -> (Option<PlainRows>, EdgeLog) {
        (self.plain, self.log)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Random, dir};
    use super::*;

    /// Rows with their places, in runs and out of them; ends of so many bits.
    fn rows(random: &mut Random, bits: [u32; 2]) -> Vec<(u64, u64, Place)> {
        let mut place = Place::default();
        let mut row = |at: u64| {
            if random.below(9) == 0 {
                place = Place { file: random.below(2) as u32, line: random.next() };
            } else if at < 300 {
                place.line = place.line.wrapping_add(1);
            }
            let [first, second] = bits.map(|bits| random.next() >> (64 - bits));
            (first, second, place)
        };
        (0..600).map(&mut row).collect()
    }

    #[test]
    fn plain_rows_come_back_as_they_came_with_their_places() {
        let seed = 31;
        let mut random = Random::new(seed);
        for limit in [20_000, 1 << 20] {
            let mut log = PlainRows::new(limit, &Scratch::new(Some(dir())));
            // First ends get wider, and take of what second ones had.
            let widths = [[3, 3], [32, 14], [40, 9], [50, 14]];
            let all: Vec<_> = widths.into_iter().flat_map(|bits| rows(&mut random, bits)).collect();
            log.most_runs = usize::MAX;
            for (first, second, place) in &all {
                assert!(log.push(*first, *second, 4, *place).unwrap(), "seed {seed}");
            }
            assert_eq!((log.len(), log.edge_type()), (all.len() as u64, 4));
            let mut got = Vec::new();
            log.replay(|row, ends| -> Result<(), SpillError> {
                let place = |at: usize| log.place(row + at as u64);
                got.extend(ends.enumerate().map(|(at, (first, second))| (first, second, place(at))));
                Ok(())
            })
            .unwrap();
            assert!(got == all, "seed {seed}, limit {limit}");
            assert!(log.split().bits() <= 64);
        }
    }

    #[test]
    fn what_does_not_fit_a_word_is_refused_and_so_are_places_that_do_not_fit_into_memory() {
        let mut log = PlainRows::new(1 << 20, &Scratch::new(Some(dir())));
        let place = |line| Place { file: 0, line };
        assert!(log.push(1 << 40, 1, 0, place(1)).unwrap());
        assert!(!log.push(1, 1 << 40, 0, place(2)).unwrap(), "41 bits beside 41");
        assert!(!log.push(1, 1, 1, place(2)).unwrap(), "another type");
        log.most_runs = 2;
        let taken = [2, 9, 10, 20, 30, 41].map(|line| log.push(1, 1, 0, place(line)).unwrap());
        assert_eq!(taken, [true, true, true, true, true, false]);
        assert_eq!(log.len(), 6);
    }
}
