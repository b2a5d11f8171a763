//! The directory of a page: which vertices have lists here, and where they begin.
//!
//! Dense: one u16 a consecutive id, found by subtraction. Sparse: ascending deltas and as many u16, found by binary
//! search. Dense is the faster one by far, so it is taken unless it wastes more than a sixteenth of the page.

use super::bytes::{Bytes, word};
use super::{DIRECTORY, Parsed};
use storage_core::page::HEADER_LEN;

/// What is wrong with a vertex that is no id.
pub(super) const BEYOND: &str = "a vertex beyond the largest id";

/// The form of a directory, as the page's flags name it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// An offset for each of consecutive ids, 0 for those without edges.
    Dense,
    /// Ascending deltas of that many bytes, and an offset for each.
    Sparse(usize),
}

impl Form {
    fn from_flags(flags: u64) -> Parsed<Self> {
        match flags {
            0 => Ok(Form::Dense),
            1..=3 => Ok(Form::Sparse(1 << flags)),
            _ => Err("unknown page flags"),
        }
    }

    fn flags(self) -> u16 {
        match self {
            Form::Dense => 0,
            Form::Sparse(bytes) => bytes.ilog2() as u16,
        }
    }

    /// The narrowest sparse form for vertices up to `first + span`.
    pub fn sparse_for(span: u64) -> Self {
        match span {
            ..=0xffff => Form::Sparse(2),
            0x1_0000..=0xffff_ffff => Form::Sparse(4),
            _ => Form::Sparse(8),
        }
    }

    /// Bytes of a directory of this form, for `count` vertices with edges up to `first + span`. Saturates.
    pub fn len(self, span: u64, count: usize) -> usize {
        match self {
            Form::Dense => usize::try_from(span.saturating_add(1)).unwrap_or(usize::MAX).saturating_mul(2),
            Form::Sparse(bytes) => count.saturating_mul(bytes + 2),
        }
    }
}

/// The fields between page header and directory.
#[derive(Copy, Clone, Debug)]
pub(super) struct Head {
    /// The first vertex.
    pub first: u64,
    /// Entries of the directory.
    pub slots: usize,
    /// Which kind of directory.
    pub form: Form,
    /// The type of lists without a table.
    pub main_type: u32,
}

impl Head {
    /// Reads and checks the fields; the directory lies within the used bytes and names no id beyond the largest.
    pub fn parse(bytes: Bytes<'_>) -> Parsed<Self> {
        let first = bytes.uint(HEADER_LEN, 8).map_err(|_| "no room for the page's fields")?;
        let slots = bytes.uint(HEADER_LEN + 8, 2)? as usize;
        let form = Form::from_flags(bytes.uint(HEADER_LEN + 10, 2)?)?;
        let main_type = bytes.uint(HEADER_LEN + 12, 4)? as u32;
        let head = Head { first, slots, form, main_type };
        if slots == 0 {
            return Err("a page without vertices");
        }
        if head.end() > bytes.used() {
            return Err("the directory reaches beyond the used bytes");
        }
        match first.checked_add(head.delta(bytes, slots - 1)) {
            None | Some(u64::MAX) => Err(BEYOND),
            Some(_) => Ok(head),
        }
    }

    /// Where the lists begin.
    pub fn end(&self) -> usize {
        match self.form {
            Form::Dense => DIRECTORY + 2 * self.slots,
            Form::Sparse(bytes) => DIRECTORY + (bytes + 2) * self.slots,
        }
    }

    /// How far the vertex of a slot lies from the first.
    #[inline]
    fn delta(&self, bytes: Bytes<'_>, slot: usize) -> u64 {
        match self.form {
            Form::Dense => slot as u64,
            Form::Sparse(len) => word(bytes.tail(DIRECTORY + len * slot)) & (u64::MAX >> (64 - 8 * len)),
        }
    }

    /// The vertex of a slot. Of a damaged sparse directory it may be any.
    pub fn vertex(&self, bytes: Bytes<'_>, slot: usize) -> u64 {
        self.first.wrapping_add(self.delta(bytes, slot))
    }

    /// Where the lists of a slot begin; 0 if there are none.
    #[inline]
    pub fn offset(&self, bytes: Bytes<'_>, slot: usize) -> usize {
        let offsets = match self.form {
            Form::Dense => DIRECTORY,
            Form::Sparse(len) => DIRECTORY + len * self.slots,
        };
        (word(bytes.tail(offsets + 2 * slot)) & 0xffff) as usize
    }

    /// The first slot from `slot` on that has lists; of all slots, if there is none.
    #[inline]
    pub fn with_lists(&self, bytes: Bytes<'_>, slot: usize) -> usize {
        let mut slot = slot;
        while self.form == Form::Dense && slot < self.slots && self.offset(bytes, slot) == 0 {
            slot += 1;
        }
        slot
    }

    /// Where the lists of `vertex` begin, if it has any here.
    #[inline]
    pub fn find(&self, bytes: Bytes<'_>, vertex: u64) -> Parsed<Option<usize>> {
        let Some(delta) = vertex.checked_sub(self.first) else { return Ok(None) };
        let slot = match self.form {
            Form::Dense if delta >= self.slots as u64 => return Ok(None),
            Form::Dense => delta as usize,
            Form::Sparse(_) => match self.search(bytes, delta) {
                Ok(slot) => slot,
                Err(_) => return Ok(None),
            },
        };
        match self.offset(bytes, slot) {
            0 if self.form == Form::Dense => Ok(None),
            at if at < self.end() => Err("a list begins before the lists"),
            at => Ok(Some(at)),
        }
    }

    /// Where a look-up of `vertex` begins to read.
    #[inline]
    pub fn begins(&self, vertex: u64) -> usize {
        match self.form {
            Form::Dense => DIRECTORY + 2 * vertex.saturating_sub(self.first).min(self.slots as u64) as usize,
            Form::Sparse(len) => DIRECTORY + len * (self.slots / 2),
        }
    }

    /// The first slot whose vertex is not below this one; of all slots, if there is none.
    #[inline]
    pub fn slot_from(&self, bytes: Bytes<'_>, vertex: u64) -> usize {
        let Some(delta) = vertex.checked_sub(self.first) else { return 0 };
        match self.form {
            Form::Dense => usize::try_from(delta).map_or(self.slots, |slot| slot.min(self.slots)),
            Form::Sparse(_) => self.search(bytes, delta).unwrap_or_else(|slot| slot),
        }
    }

    /// The slot with this delta, or else where it would be.
    fn search(&self, bytes: Bytes<'_>, delta: u64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.slots);
        while low < high {
            let middle = (low + high) / 2;
            match self.delta(bytes, middle).cmp(&delta) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// Writes the fields and the directory; `offsets` names each vertex and where its lists begin.
    pub fn write(&self, page: &mut [u8], offsets: impl Iterator<Item = (u64, usize)>) {
        page[HEADER_LEN..HEADER_LEN + 8].copy_from_slice(&self.first.to_le_bytes());
        let slots = u16::try_from(self.slots).expect("a page has at most 64 KiB");
        page[HEADER_LEN + 8..HEADER_LEN + 10].copy_from_slice(&slots.to_le_bytes());
        page[HEADER_LEN + 10..HEADER_LEN + 12].copy_from_slice(&self.form.flags().to_le_bytes());
        page[HEADER_LEN + 12..DIRECTORY].copy_from_slice(&self.main_type.to_le_bytes());
        for (index, (vertex, offset)) in offsets.enumerate() {
            let delta = vertex - self.first;
            let at = match self.form {
                Form::Dense => DIRECTORY + 2 * delta as usize,
                Form::Sparse(len) => {
                    let at = DIRECTORY + len * index;
                    page[at..at + len].copy_from_slice(&delta.to_le_bytes()[..len]);
                    DIRECTORY + len * self.slots + 2 * index
                }
            };
            let offset = u16::try_from(offset).expect("a page has at most 64 KiB");
            page[at..at + 2].copy_from_slice(&offset.to_le_bytes());
        }
    }
}
