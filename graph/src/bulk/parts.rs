//! Words that do not fit into memory: put into parts by their highest bits, in a temporary file, then read part after part,
//! each sorted in memory.
//!
//! Must always be true: every word of a part is below every word of the next one; a part that is sorted has `most` words at
//! most. One that has more (all its words share the bits by which parts are chosen, as the edges of a hub do) is put into
//! parts again, by the bits below; if none are left its words are all the same.

use super::error::BulkError;
use super::plain::{WORD, read_words};
use super::spill::{Scratch, SpillError, SpillFile};
use super::words::{Counts, PART};

/// The least and the most bytes of a block.
const BLOCKS: [usize; 2] = [512, 64 << 10];

/// How much memory parts may take.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// Words that are sorted at a time, twice over.
    pub most: usize,
    /// Bytes of blocks that are being filled.
    pub blocks: usize,
    pub scratch: Scratch,
}

/// Words on their way into parts.
pub(super) struct PartWriter {
    room: Room,
    counts: Counts,
    /// The part of each bucket.
    part_of: Vec<u32>,
    parts: Vec<Part>,
    block: usize,
    file: SpillFile,
}

/// A part, as it is in the file.
#[derive(Default)]
struct Part {
    words: usize,
    blocks: Vec<u64>,
    /// The block that is being filled.
    filling: Vec<u8>,
}

impl PartWriter {
    /// For words that were counted so.
    pub fn new(counts: Counts, room: &Room) -> Result<Self, SpillError> {
        let (mut parts, mut words) = (0, 0);
        let part = |count: &usize| {
            if words > 0 && words + count > room.most {
                (parts, words) = (parts + 1, 0);
            }
            words += count;
            parts
        };
        let part_of: Vec<u32> = counts.counts().iter().map(part).collect();
        let count = part_of.last().map_or(0, |last| *last as usize + 1);
        let block = (room.blocks / count.max(1)).clamp(BLOCKS[0], BLOCKS[1]) / WORD * WORD;
        let parts = (0..count).map(|_| Part::default()).collect();
        Ok(PartWriter { room: room.clone(), counts, part_of, parts, block, file: room.scratch.file()? })
    }

    /// Takes a word.
    #[inline]
    pub fn put(&mut self, word: u64) -> Result<(), SpillError> {
        let part = &mut self.parts[self.part_of[self.counts.bucket(word)] as usize];
        part.filling.extend_from_slice(&word.to_le_bytes());
        part.words += 1;
        if part.filling.len() >= self.block { part.write(&mut self.file) } else { Ok(()) }
    }

    /// All parts, to be read.
    pub fn finish(mut self) -> Result<Parts, SpillError> {
        for part in &mut self.parts {
            if !part.filling.is_empty() {
                part.write(&mut self.file)?;
            }
            part.filling = Vec::new();
        }
        Ok(Parts { shift: self.counts.shift(), parts: self.parts, file: self.file, room: self.room })
    }
}

impl Part {
    fn write(&mut self, file: &mut SpillFile) -> Result<(), SpillError> {
        self.blocks.push(file.end());
        file.append(&self.filling)?;
        self.filling.clear();
        Ok(())
    }

    /// Gives its words as they were put, a block at a time.
    fn read(
        &self,
        file: &SpillFile,
        mut each: impl FnMut(&[u64]) -> Result<(), BulkError>,
    ) -> Result<(), BulkError> {
        let (mut bytes, mut words) = (Vec::new(), Vec::new());
        for block in &self.blocks {
            file.read(*block, &mut bytes)?;
            read_words(&bytes, &mut words);
            each(&words)?;
        }
        Ok(())
    }
}

/// Words in parts.
pub(super) struct Parts {
    /// Words of one bucket differ in the bits below this one at most.
    shift: u32,
    parts: Vec<Part>,
    file: SpillFile,
    room: Room,
}

impl Parts {
    /// Gives all words in ascending order, some at a time.
    pub fn each(self, give: &mut dyn FnMut(&[u64]) -> Result<(), BulkError>) -> Result<(), BulkError> {
        for part in &self.parts {
            if part.words <= self.room.most {
                give(&sorted(part, &self.file)?)?;
            } else if self.shift == 0 {
                part.read(&self.file, &mut *give)?;
            } else {
                self.parted(part)?.each(give)?;
            }
        }
        Ok(())
    }

    /// A part that is one bucket with too many words, in parts of its own.
    fn parted(&self, part: &Part) -> Result<Parts, BulkError> {
        let mut counts = Counts::new(self.shift, PART);
        part.read(&self.file, |words| {
            words.iter().for_each(|word| counts.count(*word));
            Ok(())
        })?;
        let mut writer = PartWriter::new(counts, &self.room)?;
        part.read(&self.file, |words| Ok(words.iter().try_for_each(|word| writer.put(*word))?))?;
        Ok(writer.finish()?)
    }
}

/// The words of a part in order.
fn sorted(part: &Part, file: &SpillFile) -> Result<Vec<u64>, BulkError> {
    let mut words = Vec::with_capacity(part.words);
    part.read(file, |block| {
        words.extend_from_slice(block);
        Ok(())
    })?;
    Ok(super::words::sorted(words, 0))
}
