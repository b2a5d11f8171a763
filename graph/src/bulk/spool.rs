//! A log of records in the order in which they came, in memory up to a limit, in a temporary file beyond it.
//!
//! It is written once, then read from the front as often as wanted. A record never spans two blocks.

use super::spill::{Scratch, SpillError, SpillFile};
use crate::value::{Malformed, Reader};
use std::collections::VecDeque;

/// A block is closed when it is this large, where the limit allows.
const BLOCK: usize = 256 << 10;

/// Records, in order.
#[derive(Debug)]
pub(super) struct Spool {
    scratch: Scratch,
    limit: usize,
    block: usize,
    file: Option<SpillFile>,
    /// Full blocks that are not in the file; they come after it.
    blocks: VecDeque<Vec<u8>>,
    in_blocks: usize,
    current: Vec<u8>,
}

impl Spool {
    /// A spool that holds about `limit` bytes in memory.
    pub fn new(limit: usize, scratch: &Scratch) -> Self {
        Spool {
            scratch: scratch.clone(),
            limit,
            block: (limit / 4).clamp(512, BLOCK),
            file: None,
            blocks: VecDeque::new(),
            in_blocks: 0,
            current: Vec::new(),
        }
    }

    /// Where the next record is to be appended, whole; [`Self::written`] has to follow.
    #[inline]
    pub fn record(&mut self) -> &mut Vec<u8> {
        &mut self.current
    }

    /// A record has been appended.
    #[inline]
    pub fn written(&mut self) -> Result<(), SpillError> {
        if self.current.len() < self.block {
            return Ok(());
        }
        self.close_block()
    }

    fn close_block(&mut self) -> Result<(), SpillError> {
        let next = Vec::with_capacity(self.block + self.block / 8);
        let full = std::mem::replace(&mut self.current, next);
        self.in_blocks += full.len();
        self.blocks.push_back(full);
        if self.in_blocks + self.block > self.limit {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(self.scratch.file()?),
            };
            while let Some(block) = self.blocks.pop_front() {
                file.append(&block)?;
            }
            self.in_blocks = 0;
        }
        Ok(())
    }

    /// Bytes held in memory.
    pub fn in_memory(&self) -> usize {
        self.in_blocks + self.current.capacity()
    }

    /// True if some of it is in a file.
    #[cfg(test)]
    pub fn spilled(&self) -> bool {
        self.file.is_some()
    }

    /// Reads everything from the front, a block at a time; the error type is the caller's.
    pub fn replay<E: From<SpillError>>(
        &self,
        mut each: impl FnMut(&mut Reader<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut in_block = |block: &[u8]| -> Result<(), E> {
            let mut reader = Reader::new(block);
            while !reader.is_empty() {
                each(&mut reader)?;
            }
            Ok(())
        };
        if let Some(file) = &self.file {
            let (mut at, mut block) = (0, Vec::new());
            while at < file.end() {
                at = file.read(at, &mut block)?;
                in_block(&block)?;
            }
        }
        for block in &self.blocks {
            in_block(block)?;
        }
        in_block(&self.current)
    }

    /// A cursor over it, for merging with something else.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor { spool: self, file_at: 0, block: Vec::new(), memory_at: 0, offset: 0, in_file: true }
    }
}

/// Reads a spool record by record.
pub(super) struct Cursor<'a> {
    spool: &'a Spool,
    file_at: u64,
    /// The file's current block.
    block: Vec<u8>,
    memory_at: usize,
    offset: usize,
    in_file: bool,
}

impl Cursor<'_> {
    /// The next record, as `decode` reads it. `None` at the end.
    pub fn next<T>(
        &mut self,
        decode: impl FnOnce(&mut Reader<'_>) -> Result<T, Malformed>,
    ) -> Result<Option<T>, SpillError> {
        loop {
            let block = self.current();
            if self.offset < block.len() {
                let mut reader = Reader::new(&block[self.offset..]);
                let record = decode(&mut reader)?;
                self.offset += reader.position();
                return Ok(Some(record));
            }
            if !self.next_block()? {
                return Ok(None);
            }
        }
    }

    fn current(&self) -> &[u8] {
        match self.in_file {
            true => &self.block,
            false => self.spool.blocks.get(self.memory_at).unwrap_or(&self.spool.current),
        }
    }

    /// Goes on to the next block; false if there is none.
    fn next_block(&mut self) -> Result<bool, SpillError> {
        self.offset = 0;
        if self.in_file {
            if let Some(file) = self.spool.file.as_ref().filter(|file| self.file_at < file.end()) {
                self.file_at = file.read(self.file_at, &mut self.block)?;
                return Ok(true);
            }
            self.in_file = false;
            self.block = Vec::new();
            return Ok(true);
        }
        if self.memory_at < self.spool.blocks.len() {
            self.memory_at += 1;
            return Ok(true);
        }
        self.offset = self.spool.current.len();
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::dir;
    use super::*;
    use crate::value::put_varint;

    #[test]
    fn records_come_back_in_order_as_often_as_wanted_spilled_or_not() {
        for (limit, spills) in [(1usize, true), (3000, true), (1 << 20, false)] {
            let mut spool = Spool::new(limit, &Scratch::new(Some(dir())));
            for n in 0..2000u64 {
                put_varint(n, spool.record());
                put_varint(n % 50, spool.record());
                let len = spool.record().len() + (n % 50) as usize;
                spool.record().resize(len, n as u8);
                spool.written().unwrap();
                assert!(spool.in_memory() <= limit.max(2048) * 2);
            }
            assert_eq!(spool.spilled(), spills, "limit {limit}");
            for _ in 0..2 {
                let mut next = 0;
                spool
                    .replay(|reader| -> Result<(), SpillError> {
                        assert_eq!(reader.varint(), Ok(next));
                        assert_eq!(reader.counted().map(<[u8]>::len), Ok((next % 50) as usize));
                        next += 1;
                        Ok(())
                    })
                    .unwrap();
                assert_eq!(next, 2000);
            }
            let mut cursor = spool.cursor();
            for n in 0..2000 {
                let got = cursor.next(|reader| Ok((reader.varint()?, reader.counted()?.len()))).unwrap();
                assert_eq!(got, Some((n, (n % 50) as usize)));
            }
            assert_eq!(cursor.next(|reader| reader.varint()).unwrap(), None);
            assert_eq!(cursor.next(|reader| reader.varint()).unwrap(), None);
        }
    }
}
