//! An external sorter: rows in any order and any number in, the same rows in order out, within a budget of memory.
//!
//! Must always be true: the sort is stable (equal rows come out in the order in which they went in); at most the budget
//! is held at a time (plus one row); nothing goes to a file as long as everything fits.
//!
//! Rows gather in memory; a full load is sorted and appended to a temporary file as a *run*; at the end the runs are
//! merged, in several passes where there are more of them than read buffers fit the budget. Ties go to the earlier run,
//! which is what keeps the merge stable.
//!
//! It does not judge rows: duplicates come out side by side, and the caller sees them.

use super::spill::{Scratch, SpillError, SpillFile};
use crate::value::{Malformed, Reader};
use std::cmp::Ordering;
use std::mem::size_of;

/// Most runs that are merged at once.
const MAX_FAN_IN: usize = 64;
/// A read buffer of a run is this large where the budget allows.
const BLOCK: usize = 256 << 10;
/// A read buffer is at least this large (a block holds one row at least, whatever its size).
const MIN_BLOCK: usize = 512;

/// A row that can be sorted and written to a temporary file.
pub(crate) trait Spill: Sized {
    /// The order. Rows that compare equal keep their order.
    fn order(&self, other: &Self) -> Ordering;
    /// Bytes held beside the row itself, on the heap and as scratch space of [`Self::sort`].
    fn heap_bytes(&self) -> usize;
    /// Appends the row.
    fn encode(&self, out: &mut Vec<u8>);
    /// Reads a row back.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
    /// Sorts rows in memory, stably.
    fn sort(rows: &mut Vec<Self>) {
        rows.sort_by(Self::order);
    }
}

/// Takes rows, gives them back in order.
#[derive(Debug)]
pub(crate) struct Sorter<T> {
    rows: Vec<T>,
    heap_bytes: usize,
    budget: usize,
    scratch: Scratch,
    spilled: Option<Spilled>,
}

/// Sorted runs in a temporary file.
#[derive(Debug)]
struct Spilled {
    file: SpillFile,
    runs: Vec<Run>,
}

#[derive(Copy, Clone, Debug)]
struct Run {
    start: u64,
    end: u64,
    rows: u64,
}

/// Rows in order: all in memory, or merged from a file.
pub(crate) enum Sorted<T> {
    /// Everything fitted.
    Memory(Vec<T>),
    /// Runs in a temporary file.
    Merge(Merge<T>),
}

impl<T: Spill> Sorter<T> {
    /// A sorter that holds about `budget` bytes. `expected` rows will come (0: not known).
    pub fn new(budget: usize, expected: u64, scratch: &Scratch) -> Self {
        let fits = budget / size_of::<T>().max(1);
        let capacity = usize::try_from(expected).unwrap_or(usize::MAX).min(fits);
        Sorter {
            rows: Vec::with_capacity(capacity),
            heap_bytes: 0,
            budget,
            scratch: scratch.clone(),
            spilled: None,
        }
    }

    /// Takes a row.
    #[inline]
    pub fn push(&mut self, row: T) -> Result<(), SpillError> {
        self.heap_bytes += row.heap_bytes();
        if self.rows.len() == self.rows.capacity() {
            self.make_room()?;
        }
        self.rows.push(row);
        if self.rows.len() * size_of::<T>() + self.heap_bytes > self.budget {
            self.spill()?;
        }
        Ok(())
    }

    /// Rows taken so far.
    pub fn len(&self) -> u64 {
        let spilled = self.spilled.iter().flat_map(|spilled| &spilled.runs).map(|run| run.rows).sum::<u64>();
        spilled + self.rows.len() as u64
    }

    /// Grows the buffer, but not beyond the budget.
    fn make_room(&mut self) -> Result<(), SpillError> {
        let fits = self.budget.saturating_sub(self.heap_bytes) / size_of::<T>().max(1);
        let grown = (self.rows.capacity() * 2).max(64).min(fits.max(1));
        if grown <= self.rows.len() {
            return self.spill();
        }
        self.rows.reserve_exact(grown - self.rows.len());
        Ok(())
    }

    /// Writes the rows in memory to the file, as a run.
    fn spill(&mut self) -> Result<(), SpillError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        T::sort(&mut self.rows);
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert(Spilled { file: self.scratch.file()?, runs: Vec::new() }),
        };
        let mut run = RunWriter::new(&mut spilled.file, block_size(self.budget));
        for row in self.rows.drain(..) {
            run.push(&row)?;
        }
        spilled.runs.push(run.finish()?);
        self.heap_bytes = 0;
        Ok(())
    }

    /// The rows in order.
    pub fn finish(mut self) -> Result<Sorted<T>, SpillError> {
        if self.spilled.is_none() {
            T::sort(&mut self.rows);
            return Ok(Sorted::Memory(self.rows));
        }
        self.spill()?;
        self.rows = Vec::new();
        let fan_in = fan_in(self.budget);
        let mut spilled = self.spilled.expect("checked above");
        while spilled.runs.len() > fan_in {
            spilled = merge_pass::<T>(spilled, fan_in, self.budget, &self.scratch)?;
        }
        Ok(Sorted::Merge(Merge::new(spilled.file, &spilled.runs)?))
    }

    /// Cuts the temporary file short. Returns false if there is none.
    #[cfg(test)]
    fn cut_file(&self, len: u64) -> bool {
        self.spilled.as_ref().map(|s| s.file.cut(len)).is_some()
    }
}

/// How many runs are merged at once.
fn fan_in(budget: usize) -> usize {
    (budget / (2 * MIN_BLOCK)).clamp(2, MAX_FAN_IN)
}

/// How large blocks are, so that a buffer for each merged run fits the budget.
fn block_size(budget: usize) -> usize {
    (budget / (fan_in(budget) + 1)).clamp(MIN_BLOCK, BLOCK)
}

/// Merges neighbouring runs, `fan_in` at a time, into a new file.
fn merge_pass<T: Spill>(
    from: Spilled,
    fan_in: usize,
    budget: usize,
    scratch: &Scratch,
) -> Result<Spilled, SpillError> {
    let mut into = Spilled { file: scratch.file()?, runs: Vec::new() };
    let Spilled { mut file, runs } = from;
    for group in runs.chunks(fan_in) {
        let mut merge = Merge::<T>::new(file, group)?;
        let mut run = RunWriter::new(&mut into.file, block_size(budget));
        for row in merge.by_ref() {
            run.push(&row?)?;
        }
        into.runs.push(run.finish()?);
        file = merge.file;
    }
    Ok(into)
}

/// Appends one run to a file.
struct RunWriter<'a> {
    file: &'a mut SpillFile,
    start: u64,
    rows: u64,
    block: Vec<u8>,
    full: usize,
}

impl<'a> RunWriter<'a> {
    fn new(file: &'a mut SpillFile, full: usize) -> Self {
        let start = file.end();
        RunWriter { file, start, rows: 0, block: Vec::with_capacity(full + 64), full }
    }

    fn push<T: Spill>(&mut self, row: &T) -> Result<(), SpillError> {
        row.encode(&mut self.block);
        self.rows += 1;
        if self.block.len() >= self.full {
            self.file.append(&self.block)?;
            self.block.clear();
        }
        Ok(())
    }

    fn finish(self) -> Result<Run, SpillError> {
        if !self.block.is_empty() {
            self.file.append(&self.block)?;
        }
        Ok(Run { start: self.start, end: self.file.end(), rows: self.rows })
    }
}

/// The merged rows of several runs.
pub(crate) struct Merge<T> {
    file: SpillFile,
    runs: Vec<RunReader<T>>,
    /// A heap of run numbers: the run whose head comes first is on top.
    heap: Vec<usize>,
    failed: bool,
}

struct RunReader<T> {
    head: Option<T>,
    next: u64,
    end: u64,
    rows: u64,
    block: Vec<u8>,
    at: usize,
}

impl<T: Spill> RunReader<T> {
    fn new(run: Run) -> Self {
        RunReader { head: None, next: run.start, end: run.end, rows: run.rows, block: Vec::new(), at: 0 }
    }

    /// Reads the next row into `head`; none is left when the run has given as many rows as it was given.
    fn advance(&mut self, file: &SpillFile) -> Result<(), SpillError> {
        self.head = None;
        if self.rows == 0 {
            return Ok(());
        }
        if self.at == self.block.len() {
            if self.next >= self.end {
                return Err(file.damaged(self.end));
            }
            self.next = file.read(self.next, &mut self.block)?;
            self.at = 0;
        }
        let mut reader = Reader::new(&self.block[self.at..]);
        let row = T::decode(&mut reader).map_err(|_| file.damaged(self.next))?;
        self.at += reader.position();
        self.rows -= 1;
        self.head = Some(row);
        Ok(())
    }
}

impl<T: Spill> Merge<T> {
    fn new(file: SpillFile, runs: &[Run]) -> Result<Self, SpillError> {
        let mut merge = Merge { file, runs: Vec::new(), heap: Vec::new(), failed: false };
        for run in runs {
            let mut reader = RunReader::new(*run);
            reader.advance(&merge.file)?;
            if reader.head.is_some() {
                merge.heap.push(merge.runs.len());
            }
            merge.runs.push(reader);
        }
        for at in (0..merge.heap.len() / 2).rev() {
            merge.sift_down(at);
        }
        Ok(merge)
    }

    /// True if run `a`'s head comes before run `b`'s.
    fn before(&self, a: usize, b: usize) -> bool {
        match (&self.runs[a].head, &self.runs[b].head) {
            (Some(x), Some(y)) => x.order(y).then(a.cmp(&b)).is_lt(),
            (x, _) => x.is_some(),
        }
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let left = 2 * at + 1;
            if left >= self.heap.len() {
                return;
            }
            let right = left + 1;
            let child = match right < self.heap.len() && self.before(self.heap[right], self.heap[left]) {
                true => right,
                false => left,
            };
            if !self.before(self.heap[child], self.heap[at]) {
                return;
            }
            self.heap.swap(child, at);
            at = child;
        }
    }

    fn pop(&mut self) -> Result<Option<T>, SpillError> {
        let Some(&top) = self.heap.first() else { return Ok(None) };
        let row = self.runs[top].head.take();
        self.runs[top].advance(&self.file)?;
        if self.runs[top].head.is_none() {
            self.heap.swap_remove(0);
        }
        self.sift_down(0);
        Ok(row)
    }
}

impl<T: Spill> Iterator for Merge<T> {
    type Item = Result<T, SpillError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let row = self.pop();
        self.failed = row.is_err();
        row.transpose()
    }
}

/// Rows in order, one by one.
pub(crate) enum SortedIter<T> {
    Memory(std::vec::IntoIter<T>),
    Merge(Merge<T>),
}

impl<T: Spill> IntoIterator for Sorted<T> {
    type Item = Result<T, SpillError>;
    type IntoIter = SortedIter<T>;

    fn into_iter(self) -> SortedIter<T> {
        match self {
            Sorted::Memory(rows) => SortedIter::Memory(rows.into_iter()),
            Sorted::Merge(merge) => SortedIter::Merge(merge),
        }
    }
}

impl<T: Spill> Iterator for SortedIter<T> {
    type Item = Result<T, SpillError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            SortedIter::Memory(rows) => rows.next().map(Ok),
            SortedIter::Merge(merge) => merge.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Random, dir};
    use super::*;
    use crate::value::put_varint;

    /// Sorted by key alone; `seq` shows whether the order of equals was kept.
    #[derive(Clone, PartialEq, Debug)]
    struct Row {
        key: u8,
        seq: u64,
        pad: Vec<u8>,
    }

    impl Spill for Row {
        fn order(&self, other: &Self) -> Ordering {
            self.key.cmp(&other.key)
        }
        fn heap_bytes(&self) -> usize {
            self.pad.len()
        }
        fn encode(&self, out: &mut Vec<u8>) {
            out.push(self.key);
            put_varint(self.seq, out);
            put_varint(self.pad.len() as u64, out);
            out.extend_from_slice(&self.pad);
        }
        fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
            Ok(Row { key: reader.u8()?, seq: reader.varint()?, pad: reader.counted()?.to_owned() })
        }
    }

    fn rows(seed: u64, count: u64) -> Vec<Row> {
        let mut random = Random::new(seed);
        let row =
            |seq| Row { key: random.below(9) as u8, seq, pad: vec![seq as u8; random.below(40) as usize] };
        (0..count).map(row).collect()
    }

    fn sorter(budget: usize, rows: &[Row]) -> Sorter<Row> {
        let mut sorter = Sorter::new(budget, 0, &Scratch::new(Some(dir())));
        for row in rows {
            sorter.push(row.clone()).unwrap();
        }
        sorter
    }

    #[test]
    fn every_budget_gives_what_a_stable_sort_gives() {
        for budget in [1, 100, 1000, 5000, 100_000, 1 << 20] {
            for count in [0, 1, 2, 100, 5000] {
                let seed = budget as u64 * 31 + count;
                let rows = rows(seed, count);
                let sorted: Result<Vec<Row>, _> =
                    sorter(budget, &rows).finish().unwrap().into_iter().collect();
                let mut expected = rows;
                expected.sort_by_key(|row| row.key);
                assert_eq!(sorted.unwrap(), expected, "budget {budget}, {count} rows, seed {seed}");
            }
        }
    }

    #[test]
    fn what_fits_stays_in_memory_and_what_does_not_is_merged_in_several_passes() {
        let rows = rows(5, 3000);
        let large = sorter(1 << 20, &rows);
        assert!(large.spilled.is_none());
        assert!(matches!(large.finish(), Ok(Sorted::Memory(_))));
        let tiny = sorter(2000, &rows);
        let runs = tiny.spilled.as_ref().unwrap().runs.len();
        assert!(runs > fan_in(2000) * fan_in(2000), "only {runs} runs: one pass would do");
        assert!(matches!(tiny.finish(), Ok(Sorted::Merge(_))));
    }

    #[test]
    fn the_budget_holds() {
        let mut sorter = Sorter::new(10_000, 0, &Scratch::new(Some(dir())));
        for row in rows(6, 5000) {
            sorter.push(row).unwrap();
            assert!(sorter.rows.len() * size_of::<Row>() + sorter.heap_bytes <= 10_000);
            assert!(sorter.rows.capacity() * size_of::<Row>() <= 10_000);
        }
    }

    #[test]
    fn a_temporary_file_that_came_back_short_is_an_error_and_never_fewer_rows() {
        let rows = rows(7, 2000);
        let whole = sorter(4000, &rows).spilled.unwrap().file.end();
        for cut in (0..whole).step_by(997) {
            let sorter = sorter(4000, &rows);
            assert!(sorter.cut_file(cut));
            let sorted = sorter.finish().and_then(|sorted| sorted.into_iter().collect::<Result<Vec<_>, _>>());
            assert!(sorted.is_err(), "cut at {cut} of {whole} went unnoticed");
        }
    }
}
