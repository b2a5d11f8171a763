//! Sets of node ids as runs of neighbouring ids: a graph whose ids are dense takes a few bytes, whatever its size.
//!
//! [`IdRuns`] can be asked, and is all in memory; [`IdSpool`] can only be read in order, and spills.

use super::spill::{Scratch, SpillError};
use super::spool::{Cursor, Spool};
use crate::value::put_varint;

/// Ids, in runs. Filled in ascending order, then asked.
#[derive(Debug, Default)]
pub(super) struct IdRuns {
    /// First and last id of each run; ascending, never adjacent.
    runs: Vec<(u64, u64)>,
}

impl IdRuns {
    /// Adds an id that is not below any id added before.
    #[inline]
    pub fn push(&mut self, id: u64) {
        match self.runs.last_mut() {
            Some((_, last)) if id <= *last => debug_assert!(id == *last, "ids ascend"),
            Some((_, last)) if id - *last == 1 => *last = id,
            _ => self.runs.push((id, id)),
        }
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        self.runs.capacity() * size_of::<(u64, u64)>()
    }

    /// Whether `id` is one of them. `near` remembers the last answer: rows that follow each other name similar ids.
    #[inline]
    pub fn contains(&self, id: u64, near: &mut usize) -> bool {
        if let Some((first, last)) = self.runs.get(*near)
            && (*first..=*last).contains(&id)
        {
            return true;
        }
        let at = self.runs.partition_point(|(_, last)| *last < id);
        *near = at;
        self.runs.get(at).is_some_and(|(first, _)| *first <= id)
    }
}

/// Ascending ids, each once, in a spool.
#[derive(Debug)]
pub(super) struct IdSpool {
    spool: Spool,
    /// The run at the end, not yet in the spool: first and last id.
    run: Option<(u64, u64)>,
    /// Where the run before it ended.
    before: u64,
}

impl IdSpool {
    /// No ids; about `limit` bytes stay in memory.
    pub fn new(limit: usize, scratch: &Scratch) -> Self {
        IdSpool { spool: Spool::new(limit, scratch), run: None, before: 0 }
    }

    /// Adds an id that is not below any id added before.
    #[inline]
    pub fn push(&mut self, id: u64) -> Result<(), SpillError> {
        match &mut self.run {
            Some((_, last)) if *last == id => Ok(()),
            Some((_, last)) if id.wrapping_sub(*last) == 1 => {
                *last = id;
                Ok(())
            }
            _ => self.begin(id),
        }
    }

    fn begin(&mut self, id: u64) -> Result<(), SpillError> {
        let Some((first, last)) = self.run.replace((id, id)) else { return Ok(()) };
        debug_assert!(last < id, "ids ascend");
        put_varint(first - self.before, self.spool.record());
        put_varint(last - first, self.spool.record());
        self.before = last;
        self.spool.written()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.run.is_none()
    }

    /// Reads the ids in order.
    pub fn ids(&self) -> Ids<'_> {
        Ids { cursor: self.spool.cursor(), last_run: self.run, before: 0, run: None }
    }
}

/// The ids of a spool, in order.
pub(super) struct Ids<'a> {
    cursor: Cursor<'a>,
    last_run: Option<(u64, u64)>,
    before: u64,
    /// What is left of the run at hand: next and last id.
    run: Option<(u64, u64)>,
}

impl Ids<'_> {
    /// The id that [`Self::advance`] passes.
    pub fn peek(&mut self) -> Result<Option<u64>, SpillError> {
        if self.run.is_none() {
            self.run = match self.cursor.next(|reader| Ok((reader.varint()?, reader.varint()?)))? {
                Some((gap, more)) => {
                    let first = self.before.wrapping_add(gap);
                    self.before = first.wrapping_add(more);
                    Some((first, self.before))
                }
                None => self.last_run.take(),
            };
        }
        Ok(self.run.map(|(next, _)| next))
    }

    /// Goes on to the next id.
    pub fn advance(&mut self) {
        self.run = self.run.filter(|(next, last)| next < last).map(|(next, last)| (next + 1, last));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Random, dir};
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn runs_know_exactly_the_ids_that_were_added() {
        let mut random = Random::new(3);
        let ids: BTreeSet<u64> = (0..3000).map(|_| random.below(5000)).chain([u64::MAX - 1]).collect();
        let mut runs = IdRuns::default();
        for id in &ids {
            runs.push(*id);
            runs.push(*id);
        }
        let mut near = 0;
        for id in (0..5010).chain([u64::MAX, u64::MAX - 1, u64::MAX - 2]) {
            assert_eq!(runs.contains(id, &mut near), ids.contains(&id), "{id}");
        }
        let mut dense = IdRuns::default();
        (0..100_000).for_each(|id| dense.push(id));
        assert!(dense.bytes() < 1000);
    }

    #[test]
    fn spooled_ids_come_back_in_order() {
        let mut random = Random::new(4);
        let ids: BTreeSet<u64> = (0..3000).map(|_| random.below(7000)).chain([u64::MAX - 1]).collect();
        for limit in [100, 1 << 20] {
            let mut spool = IdSpool::new(limit, &Scratch::new(Some(dir())));
            for id in &ids {
                spool.push(*id).unwrap();
                spool.push(*id).unwrap();
            }
            let mut got = Vec::new();
            let mut read = spool.ids();
            while let Some(id) = read.peek().unwrap() {
                got.push(id);
                read.advance();
            }
            assert_eq!(got, ids.iter().copied().collect::<Vec<_>>());
        }
    }
}
