//! Looking a leaf up through what is kept in memory alone: the hot path of reads.
//!
//! Must always be true: it finds what a [`super::Finger`] would find, or nothing. It reads no page, takes no lock and no
//! memory; a node on the way that is not kept is a reason to ask a finger, which keeps what it comes by.

use super::LeafFormat;
use super::decoded::{Decoded, Slot};
use super::finger::Spot;
use super::node::{Child, Node, Root, Shared, Tree};
use super::read::open;
use crate::prefetch;
use storage_core::page::Written;
use storage_core::pager::{PageError, ReadPages};

/// A leaf that was found, and where it ends.
pub(crate) struct Quick<'a, F: LeafFormat> {
    pub spot: Spot<'a, F>,
    /// The node, and the child in it, whose next child's separator ends the leaf; none is the last leaf.
    upper: Option<(&'a Decoded<F>, usize)>,
}

/// A leaf that was found, of which nothing was looked at yet: what its parent has of it.
pub(crate) struct Place<'a, F: LeafFormat> {
    changed: Option<&'a Shared<F>>,
    slot: &'a Slot<F>,
}

impl<'a, F: LeafFormat> Place<'a, F> {
    /// Asks the processor for what [`Place::spot`] looks at, and for what is kept of the page.
    #[inline]
    pub fn ask(&self) {
        prefetch::whole(self.slot);
        if let Some(node) = self.changed {
            node.ask();
        }
    }

    /// The leaf.
    #[inline]
    pub fn spot(&self) -> Option<Spot<'a, F>> {
        let slot = Some(self.slot);
        match self.changed.map(|node| &**node) {
            None => Some(Spot { page: Some(self.slot.page), delta: None, slot }),
            Some(Node::Leaf(leaf)) => Some(Spot { page: leaf.base, delta: Some(&leaf.delta), slot }),
            Some(Node::Inner(_)) => None,
        }
    }
}

/// Where a way leaves memory: the page, its place in its parent, and its level, of a root nobody knows it.
struct End<'a, F: LeafFormat> {
    page: Written,
    slot: Option<&'a Slot<F>>,
    level: Option<u8>,
}

impl<F: LeafFormat> Quick<'_, F> {
    /// Whether the leaf ends within the keys that begin with these bytes: so that it ends with a key that begins with
    /// them, and is longer.
    #[inline]
    pub fn goes_on(&self, bytes: &[u8]) -> bool {
        self.upper.is_some_and(|(node, index)| node.goes_on(index, bytes))
    }
}

impl<F: LeafFormat> Tree<F> {
    /// The leaf that covers `key`, if the way there is in memory.
    #[inline]
    pub(crate) fn quick(&self, key: &[u8]) -> Option<Quick<'_, F>> {
        self.kept_way(key).ok()
    }

    /// The place of the leaf that covers `key`, if the way there is in memory and begins above the leaf.
    #[inline]
    pub(crate) fn place(&self, key: &[u8]) -> Option<Place<'_, F>> {
        let mut child = self.root.as_ref()?.as_child();
        loop {
            let (node, inner) = match child {
                Child::Page(_, slot) => (slot?.inner()?, None),
                Child::Changed(node) => match &**node {
                    Node::Leaf(_) => return None,
                    Node::Inner(inner) => (&inner.node, Some(inner)),
                },
            };
            let index = node.search(key);
            let slot = node.child(index);
            let changed = inner.and_then(|inner| inner.changed.get(index));
            if node.level == 1 {
                return Some(Place { changed, slot });
            }
            child = changed.map_or(Child::Page(slot.page, Some(slot)), Child::Changed);
        }
    }

    /// What is kept of the leaf that covers the key of the bytes of `number`, big-endian, and zeros, and so all keys that begin
    /// with them: if nothing in the tree was changed since its last checkpoint, and all on the way is in memory. `None` says
    /// nothing.
    #[inline]
    pub(crate) fn unchanged(&self, number: u64) -> Option<&Slot<F>> {
        let Some(Root::Page(root)) = &self.root else { return None };
        let mut slot = &**root;
        while let Some(node) = slot.inner() {
            slot = node.child_over(number)?;
        }
        slot.head().map(|_| slot)
    }

    /// The page at which the way to `key` is no longer in memory; `None` if all of it is, or there is none.
    pub(crate) fn way_ends(&self, key: &[u8]) -> Option<Written> {
        Some(self.kept_way(key).err()??.page)
    }

    /// Keeps the page at which the way to `key` is no longer in memory, if there is memory for it, and none below.
    pub(crate) fn keep_way(&self, pages: &impl ReadPages, key: &[u8]) -> Result<(), PageError> {
        match self.kept_way(key) {
            Err(Some(End { page, slot, level })) => open(pages, page, slot, level).map(drop),
            Err(None) | Ok(_) => Ok(()),
        }
    }

    #[inline(always)]
    fn kept_way(&self, key: &[u8]) -> Result<Quick<'_, F>, Option<End<'_, F>>> {
        let mut child = self.root.as_ref().map(Root::as_child).ok_or(None)?;
        let (mut upper, mut level) = (None, None);
        // What the parent's page says of a child that was changed since.
        let mut old = None;
        loop {
            let (node, changed): (&Decoded<F>, _) = match child {
                Child::Page(page, slot) => {
                    let Some(slot) = slot else { return Err(Some(End { page, slot, level })) };
                    match slot.inner() {
                        Some(node) => (node, None),
                        // A root without a parent is a leaf only if it was read as one.
                        None if old.is_some() || slot.head().is_some() => {
                            return Ok(Quick {
                                spot: Spot { page: Some(page), delta: None, slot: Some(slot) },
                                upper,
                            });
                        }
                        None => return Err(Some(End { page, slot: Some(slot), level })),
                    }
                }
                Child::Changed(node) => match &**node {
                    Node::Leaf(leaf) => {
                        let spot = Spot { page: leaf.base, delta: Some(&leaf.delta), slot: old };
                        return Ok(Quick { spot, upper });
                    }
                    Node::Inner(inner) => (&inner.node, Some(inner)),
                },
            };
            let index = node.search(key);
            if index + 1 < node.count() {
                upper = Some((node, index));
            }
            let slot = node.child(index);
            child = changed.map_or(Child::Page(slot.page, Some(slot)), |inner| inner.child(index));
            level = Some(node.level - 1);
            old = (node.level == 1).then_some(slot);
        }
    }
}
