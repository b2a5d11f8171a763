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
use std::sync::OnceLock;
use storage_core::pager::{Quota, Taken};

/// The most hints of a page: one a line of a page of 16 KiB.
const MOST: usize = 256;

/// The slots of a directory that is found with one look: then there is nothing to say beforehand.
const FEW: usize = 32;

/// The bytes of a line, and how many of them are asked for: lists are short, and one hint is for a few.
const LINE: usize = 64;
const ASKED: usize = 3;

/// Where the lists of every so many slots begin: made when somebody asks a page that is at hand, and not when it is read for the
/// first time, for that may be the only time.
#[derive(Debug, Default)]
pub(super) struct Lines(OnceLock<Option<Box<Hints>>>);

#[derive(Debug)]
struct Hints {
    /// In steps from the beginning of the page; those of slots that there are not say nothing.
    begins: [u8; MOST],
    _taken: Taken,
}

/// How many slots share a hint, as a power of two.
fn shared(head: &Head) -> u32 {
    head.slots.div_ceil(MOST).next_power_of_two().ilog2()
}

/// Bytes of a page a step, as a power of two.
fn step(bytes: Bytes<'_>) -> u32 {
    bytes.page_len().div_ceil(MOST).next_power_of_two().ilog2()
}

impl Hints {
    /// Of a page with a dense directory of more than a line, if there is memory for it; else there are none.
    #[cold]
    fn of(bytes: Bytes<'_>, head: &Head, quota: &Quota) -> Option<Box<Self>> {
        if head.form != Form::Dense || head.slots <= FEW {
            return None;
        }
        let mut hints = Hints { begins: [0; MOST], _taken: quota.take_spare(size_of::<Self>())? };
        let shared = 1 << shared(head);
        let offsets = bytes.tail(DIRECTORY).chunks_exact(2).take(head.slots);
        let mut offsets = offsets.map(|two| u16::from_le_bytes([two[0], two[1]]));
        // Where none of those that share a hint has lists, it is that of those before them.
        let mut at = 0;
        for begin in &mut hints.begins[..head.slots.div_ceil(shared)] {
            let first =
                offsets.by_ref().take(shared).fold(0, |first, at| if first == 0 { at } else { first });
            if first != 0 {
                at = usize::from(first);
            }
            *begin = (at >> step(bytes)).min(MOST - 1) as u8;
        }
        Some(Box::new(hints))
    }
}

impl Lines {
    /// Asks the processor for the lists of a vertex, or for others near to them.
    #[inline]
    pub fn ask(&self, bytes: Bytes<'_>, head: &Head, vertex: u64, quota: &Quota) {
        let Some(begin) = self.about(bytes, head, vertex, quota) else { return };
        let (page, _) = bytes.padded();
        for line in 0..ASKED {
            prefetch::ahead(page, begin + line * LINE);
        }
    }

    /// Where the lists of a vertex begin, or others a little before them.
    #[inline]
    pub fn about(&self, bytes: Bytes<'_>, head: &Head, vertex: u64, quota: &Quota) -> Option<usize> {
        let hints = self.0.get_or_init(|| Hints::of(bytes, head, quota)).as_ref()?;
        let slot = vertex.checked_sub(head.first)?;
        let begin = hints.begins.get((slot >> shared(head)) as usize)?;
        Some(usize::from(*begin) << step(bytes))
    }
}
