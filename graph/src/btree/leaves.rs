//! Flushing the leaves under one parent: changed leaves become page images, unchanged ones stay what they are.
//!
//! Must always be true: leaves leave in key order; a group of leaves that is packed as one stream keeps the lower bound
//! of its first (T4); the page of every leaf in it is freed when the group leaves, not earlier, for until then it may
//! have to be read again. At most two groups and a batch are in memory.
//!
//! A leaf that comes out under a third full takes the leaf after it into its stream, the last one the leaf before it
//! (T7). An empty one just goes: its range falls to the leaf before it.

use super::delta::Delta;
use super::format::{LeafFormat, LeafPacker, PackedLeaf};
use super::levels::{Lists, batch_pages};
use super::node::{Bounds, Child, Inner, Node, Old, Shared};
use super::pack::{Packed, underfull};
use super::remade::Remade;
use std::ops::Range;
use storage_core::page::{HEADER_LEN, PageSize, Written};
use storage_core::pager::{PageError, ReadPages, Transaction, WriteError};
use storage_core::planted::{Bug, armed};

/// The most pages for which a stream is packed a second time to come out even.
const EVEN_AT_MOST: usize = 8;

/// The leaves of one parent; or the root alone, if it is a leaf.
pub(super) enum Siblings<'a, F: LeafFormat> {
    Under(&'a Inner<F>, Bounds<'a>),
    Root(&'a Shared<F>),
}

impl<'a, F: LeafFormat> Siblings<'a, F> {
    fn count(&self) -> usize {
        match self {
            Siblings::Under(inner, _) => inner.count(),
            Siblings::Root(_) => 1,
        }
    }

    fn child(&self, index: usize) -> Child<'a, F> {
        match self {
            Siblings::Under(inner, _) => inner.child(index),
            Siblings::Root(node) => Child::Changed(node),
        }
    }

    fn bounds(&self, index: usize) -> Bounds<'a> {
        match self {
            Siblings::Under(inner, bounds) => inner.child_bounds(index, *bounds),
            Siblings::Root(_) => Bounds::ALL,
        }
    }

    /// A leaf's page, if it has one, with the number of its entries. The root has no parent to say the number: 0, which
    /// nobody asks for, because nothing is above a single page.
    fn old(&self, index: usize) -> Option<Old> {
        match self {
            Siblings::Under(inner, _) => Some(inner.old(index)),
            Siblings::Root(_) => self.leaf(index).0.map(|page| Old { page, count: 0 }),
        }
    }

    /// A leaf's page and its changes. A leaf without changes is its page.
    fn leaf(&self, index: usize) -> (Option<Written>, Option<&'a Delta<F>>) {
        match self.child(index) {
            Child::Page(at, _) => (Some(at), None),
            Child::Changed(node) => match &**node {
                Node::Leaf(leaf) => (leaf.base, Some(&leaf.delta).filter(|delta| !delta.is_empty())),
                // Levels fall by one (T5), so nothing but leaves is below a node of level 1.
                Node::Inner(_) => unreachable!("an inner node where leaves are"),
            },
        }
    }
}

/// Neighbouring leaves, packed together or left alone.
struct Group {
    leaves: Range<usize>,
    packed: Vec<PackedLeaf>,
    /// The first leaf as it is: nothing was changed. Those behind it are empty.
    unchanged: Option<Old>,
    /// Pages of the group that are out already: it was too large to wait.
    gone: usize,
    /// Entries were put before the end of a page.
    inserted: bool,
}

impl Group {
    /// Nothing is left of these leaves.
    fn is_empty(&self) -> bool {
        self.unchanged.is_none() && self.gone == 0 && self.packed.is_empty()
    }

    fn used(&self) -> usize {
        self.packed.iter().map(|leaf| leaf.image.used() - HEADER_LEN).sum()
    }

    fn underfull<F: LeafFormat>(&self, size: PageSize) -> bool {
        self.gone == 0 && self.packed.len() == 1 && underfull(F::fill(&self.packed[0].image), size)
    }

    /// The percentage to fill pages to so that they come out even, where that is worth packing again.
    fn even_fill(&self, size: PageSize) -> Option<u8> {
        let count = self.packed.len();
        let uneven = self.gone == 0 && self.inserted && (2..=EVEN_AT_MOST).contains(&count);
        let body = size.bytes() - HEADER_LEN;
        if !uneven || self.packed[count - 1].image.used() - HEADER_LEN > body / 2 {
            return None;
        }
        u8::try_from(self.used() * 100 / (count * body) + 4).ok().filter(|percent| *percent < 100)
    }
}

/// Flushes the leaves of one parent into the last list of `out`.
pub(super) struct LeafFlush<'f, 'a, F: LeafFormat> {
    tx: &'f mut Transaction,
    out: &'f mut Lists,
    siblings: Siblings<'a, F>,
    size: PageSize,
    /// The group before, which may yet have to take the last leaf in.
    held: Option<Group>,
}

impl<'f, 'a, F: LeafFormat> LeafFlush<'f, 'a, F> {
    pub fn run(
        tx: &'f mut Transaction,
        out: &'f mut Lists,
        siblings: Siblings<'a, F>,
    ) -> Result<(), WriteError> {
        let size = tx.pager().page_size();
        out.begin();
        let mut flush = LeafFlush { tx, out, siblings, size, held: None };
        let mut at = 0;
        while at < flush.siblings.count() {
            let group = flush.group(at)?;
            at = group.leaves.end;
            if group.is_empty()
                && let Some(before) = &mut flush.held
            {
                before.leaves.end = at;
                continue;
            }
            if let Some(before) = flush.held.replace(group) {
                flush.emit(before)?;
            }
        }
        match flush.held.take() {
            Some(last) => flush.emit(last),
            None => Ok(()),
        }
    }

    /// The group that begins with leaf `at`.
    fn group(&mut self, at: usize) -> Result<Group, WriteError> {
        if let (Some(_), None) = self.siblings.leaf(at) {
            let unchanged = self.siblings.old(at);
            return Ok(Group { leaves: at..at + 1, packed: Vec::new(), unchanged, gone: 0, inserted: false });
        }
        let count = self.siblings.count();
        let mut group = self.pack(at..at + 1)?;
        while group.underfull::<F>(self.size) && group.leaves.end < count {
            // Twice as many each time, if they have to be written anyway: many nearly empty ones take few rounds.
            let mut end = group.leaves.end + 1;
            let most = count.min(group.leaves.end + group.leaves.len());
            while end < most && matches!(self.siblings.child(end), Child::Changed(_)) {
                end += 1;
            }
            group = self.pack(at..end)?;
        }
        if group.underfull::<F>(self.size)
            && let Some(before) = self.held.take_if(|before| before.gone == 0)
        {
            group = self.pack(before.leaves.start..group.leaves.end)?;
        }
        Ok(group)
    }

    /// Packs leaves as one stream; a second time, if they come out uneven.
    fn pack(&mut self, leaves: Range<usize>) -> Result<Group, WriteError> {
        let group = self.pack_to(leaves.clone(), 100)?;
        let Some(percent) = group.even_fill(self.size) else { return Ok(group) };
        let even = self.pack_to(leaves, percent)?;
        Ok(if even.packed.len() == group.packed.len() { even } else { group })
    }

    fn pack_to(&mut self, leaves: Range<usize>, percent: u8) -> Result<Group, WriteError> {
        let inserted = leaves.len() > 1;
        let mut group =
            Group { leaves: leaves.clone(), packed: Vec::new(), unchanged: None, gone: 0, inserted };
        let mut packer = F::packer(self.size, percent);
        for index in leaves {
            let (base, delta) = self.siblings.leaf(index);
            let page = base.map(|base| self.tx.page(base, F::KIND)).transpose()?;
            let mut leaf = Remade::<F>::new(page, delta)?;
            let mut within =
                Within { bounds: self.siblings.bounds(index), base, key: Vec::new(), first: true };
            while leaf.pack((&mut packer, &mut group.packed), &mut |key| within.next::<F>(key))? {
                if group.packed.len() >= batch_pages(self.size) {
                    self.spill(&mut group)?;
                }
            }
            within.end::<F>()?;
            group.inserted |= leaf.growth().inserted();
        }
        packer.finish(&mut group.packed);
        Ok(group)
    }

    /// Lets go of the pages of a stream that is too long to wait, and of what waits before it.
    fn spill(&mut self, group: &mut Group) -> Result<(), WriteError> {
        if let Some(before) = self.held.take() {
            self.emit(before)?;
        }
        self.emit_packed(group)
    }

    fn emit(&mut self, mut group: Group) -> Result<(), WriteError> {
        self.emit_packed(&mut group)?;
        if let Some(old) = group.unchanged {
            let first = self.siblings.bounds(group.leaves.start).lower.into();
            self.out.push_written(first, old);
            group.leaves.start += 1;
        }
        for index in group.leaves {
            if let (Some(page), _) = self.siblings.leaf(index) {
                self.tx.free(page);
            }
        }
        Ok(())
    }

    fn emit_packed(&mut self, group: &mut Group) -> Result<(), WriteError> {
        for leaf in group.packed.drain(..) {
            let mut packed = Packed::from(leaf);
            if group.gone == 0 {
                packed.separator = self.siblings.bounds(group.leaves.start).lower.into();
                if armed(Bug::StaleCount)
                    && let Some(old) = self.siblings.old(group.leaves.start)
                {
                    packed.count = old.count;
                }
            }
            group.gone += 1;
            self.out.push_packed(self.tx, packed)?;
        }
        Ok(())
    }
}

/// Checks that a leaf's keys lie inside its bounds (T9): else separators made from them would not ascend. Keys ascend, so
/// it need not see those between the first and the last.
struct Within<'a> {
    bounds: Bounds<'a>,
    base: Option<Written>,
    key: Vec<u8>,
    first: bool,
}

impl Within<'_> {
    fn next<F: LeafFormat>(&mut self, key: &F::Key) -> Result<(), PageError> {
        self.key.clear();
        F::key_bytes(key, &mut self.key);
        if std::mem::take(&mut self.first) && self.key.as_slice() < self.bounds.lower {
            return Err(self.outside::<F>());
        }
        Ok(())
    }

    fn end<F: LeafFormat>(&self) -> Result<(), PageError> {
        match self.bounds.upper {
            Some(upper) if !self.first && self.key.as_slice() >= upper => Err(self.outside::<F>()),
            _ => Ok(()),
        }
    }

    fn outside<F: LeafFormat>(&self) -> PageError {
        // Changes are put where their keys belong, so it is the page.
        let page = self.base.map_or(storage_core::page::PageId::new(0), |base| base.page());
        PageError::damage(page, F::KIND, "a key lies outside of what the page's parent says")
    }
}
