//! About where lists begin, kept beside the parent of their page: so that a list's lines are asked for together with the
//! directory's, and not behind it.
//!
//! Must always be true: it is a hint. What is read is found by the directory; a hint that is wrong, or of a damaged page, costs
//! time and nothing else. Its memory comes out of the quota, and only what that has to spare: where it is used up there are
//! none.
//!
//! A list that nobody has read lately is two misses, each of which waits for memory: the directory's line, then the list's.
//! The hints of a page are a byte for one or two slots, or for more; its directory has two for each: so they stay nearer to the
//! processor.

use super::DIRECTORY;
use super::bytes::Bytes;
use super::directory::{Form, Head};
use crate::prefetch;
use storage_core::pager::{Quota, Taken};

/// The most hints of a page: one a line of a page of 16 KiB.
const MOST: usize = 256;

/// The slots of a directory that is found with one look: then there is nothing to say beforehand.
const FEW: usize = 32;

/// The bytes of a line, and how many of them are asked for: lists are short, and one hint is for a few.
const LINE: usize = 64;
const ASKED: usize = 3;

/// Where the lists of every so many slots begin.
#[derive(Debug)]
pub(super) struct Lines {
    /// Slots a hint, as a power of two.
    slots: u8,
    /// Bytes of the page a step, as a power of two.
    bytes: u8,
    kept: Option<Box<Kept>>,
}

#[derive(Debug)]
struct Kept {
    /// In steps from the beginning of the page; those of slots that there are not say nothing.
    begins: [u8; MOST],
    _taken: Taken,
}

impl Lines {
    /// Of a page with a dense directory of more than a line, if there is memory for it; else there are none.
    pub fn of(bytes: Bytes<'_>, head: &Head, quota: &Quota) -> Self {
        let step = bytes.page_len().div_ceil(MOST).next_power_of_two().ilog2();
        let every = head.slots.div_ceil(MOST).next_power_of_two().ilog2();
        let mut lines = Lines { slots: every as u8, bytes: step as u8, kept: None };
        if head.form == Form::Dense
            && head.slots > FEW
            && let Some(taken) = quota.take_spare(size_of::<Kept>())
        {
            let mut kept = Kept { begins: [0; MOST], _taken: taken };
            // Where none of those that share a hint has lists, it is that of those before them.
            let mut at = 0;
            let offsets = bytes.tail(DIRECTORY).chunks_exact(2).take(head.slots);
            let mut offsets = offsets.map(|two| u16::from_le_bytes([two[0], two[1]]));
            for begin in &mut kept.begins[..head.slots.div_ceil(1 << every)] {
                let some = offsets.by_ref().take(1 << every);
                let first = some.fold(0, |first, offset| if first == 0 { offset } else { first });
                if first != 0 {
                    at = usize::from(first);
                }
                *begin = (at >> step).min(MOST - 1) as u8;
            }
            lines.kept = Some(Box::new(kept));
        }
        lines
    }

    /// Asks the processor for the lists of a slot, or for others near to them.
    #[inline]
    pub fn ask(&self, page: &[u8], slot: u64) {
        let Some(begin) = self.about(slot) else { return };
        for line in 0..ASKED {
            prefetch::ahead(page, begin + line * LINE);
        }
    }

    /// Where the lists of a slot begin, or others a little before them.
    #[inline]
    pub fn about(&self, slot: u64) -> Option<usize> {
        let begin = self.kept.as_ref()?.begins.get((slot >> self.slots) as usize)?;
        Some(usize::from(*begin) << self.bytes)
    }
}
