//! A place in a tree that is kept from one look-up to the next: what lies near costs little.
//!
//! Must always be true: the leaf at the place covers the key that was looked up last, and bounds that say otherwise are
//! damage: so whoever goes on from a bound comes to another leaf, and every walk ends (T9). The frames are the way to that
//! leaf. After an error there is no place.
//!
//! It keeps a page a level, and the leaf that was read last: its holder says when to let that one go.

use super::LeafFormat;
use super::cursor::{Above, Frame, Take, choose};
use super::decoded::Slot;
use super::delta::Delta;
use super::node::{Child, Node, Tree};
use super::read::{Loaded, open};
use storage_core::page::Written;
use storage_core::pager::{Page, PageError, ReadPages};

/// A place in a tree: see [the module](self).
pub(crate) struct Finger<'a, F: LeafFormat, R: ReadPages> {
    tree: &'a Tree<F>,
    pages: &'a R,
    frames: Vec<Frame<'a, F>>,
    place: Option<Spot<'a, F>>,
    lower: Vec<u8>,
    upper: Vec<u8>,
    /// No leaf comes after this one: `upper` says nothing.
    last: bool,
    /// The leaf page that was read last.
    held: Option<(Written, Page)>,
    /// The look-up before this one ended one leaf before, or behind, under the same parent.
    stepped: Option<bool>,
}

/// A leaf that was found and not yet read: its page, and what was changed since.
pub(crate) struct Spot<'a, F: LeafFormat> {
    pub page: Option<Written>,
    pub delta: Option<&'a Delta<F>>,
    /// What is kept of the page beside its parent.
    pub slot: Option<&'a Slot<F>>,
}

impl<F: LeafFormat> Copy for Spot<'_, F> {}

impl<F: LeafFormat> Clone for Spot<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: LeafFormat> Spot<'_, F> {
    /// The value under a key that the leaf covers, if there is one.
    pub fn get(&self, pages: &impl ReadPages, key: &F::Key) -> Result<Option<F::Value>, PageError> {
        if let Some(change) = self.delta.and_then(|delta| delta.get(key)) {
            return Ok(change.clone());
        }
        let at_hand = self.again(pages, |page, head| F::find_again(page, head, key));
        match at_hand.transpose()?.flatten() {
            Some(found) => Ok(found),
            None => self.read(pages)?.map_or(Ok(None), |page| F::find(&page, key)),
        }
    }

    /// What `read` makes of its page, if it has one and that is at hand: see [`Slot::again`].
    #[inline]
    pub fn again<T>(
        &self,
        pages: &impl ReadPages,
        read: impl FnOnce(&[u8], &F::Head) -> Result<T, &'static str>,
    ) -> Option<Result<T, PageError>> {
        self.page.and(self.slot)?.again(pages, read)
    }

    /// Reads its page, if it has one.
    pub fn read(&self, pages: &impl ReadPages) -> Result<Option<Page>, PageError> {
        match (self.page, self.slot) {
            (Some(_), Some(slot)) => slot.read(pages).map(Some),
            (Some(at), None) => pages.page(at, F::KIND).map(Some),
            (None, _) => Ok(None),
        }
    }
}

impl<F: LeafFormat> std::fmt::Debug for Spot<'_, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spot({:?}, {} changes)", self.page, self.delta.map_or(0, |delta| delta.len()))
    }
}

/// A leaf that was read, as it is now.
pub(crate) struct Seen<'s, 'a, F: LeafFormat> {
    pub page: Option<&'s Page>,
    pub delta: Option<&'a Delta<F>>,
    /// No key of the leaf is smaller, as key bytes; empty for the first leaf.
    pub lower: &'s [u8],
    /// Every key of the leaf is smaller, as key bytes; `None` for the last leaf.
    pub upper: Option<&'s [u8]>,
}

impl<'a, F: LeafFormat, R: ReadPages> Finger<'a, F, R> {
    pub fn new(tree: &'a Tree<F>, pages: &'a R) -> Self {
        Finger {
            tree,
            pages,
            frames: Vec::new(),
            place: None,
            lower: Vec::new(),
            upper: Vec::new(),
            last: false,
            held: None,
            stepped: None,
        }
    }

    /// Finds the leaf that covers `key`; `None` in an empty tree. Reads inner pages at most.
    pub fn locate(&mut self, key: &[u8]) -> Result<Option<Spot<'a, F>>, PageError> {
        if self.place.is_none() || !self.covers(key) {
            self.go(key)?;
        }
        Ok(self.place)
    }

    /// Finds and reads the leaf that covers `key`; `None` in an empty tree.
    pub fn seek(&mut self, key: &[u8]) -> Result<Option<Seen<'_, 'a, F>>, PageError> {
        let Some(spot) = self.locate(key)? else { return Ok(None) };
        if let (Some(forward), Some(frame)) = (self.stepped.take(), self.frames.last()) {
            frame.ask_ahead(self.pages, forward)?;
        }
        if let Some(at) = spot.page {
            self.read(at)?;
        }
        Ok(Some(Seen {
            page: spot.page.and(self.held.as_ref().map(|(_, page)| page)),
            delta: spot.delta,
            lower: &self.lower,
            upper: self.upper(),
        }))
    }

    /// Reads the page of a leaf that was located, unless it is the one that is held.
    pub fn read(&mut self, at: Written) -> Result<&Page, PageError> {
        let held = match self.held.take() {
            Some(held) if held.0 == at => held,
            _ => (at, self.pages.page(at, F::KIND)?),
        };
        Ok(&self.held.insert(held).1)
    }

    /// Lets the leaf's page go: the next look-up reads it again.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// Where the leaf at the place ends, as key bytes.
    pub fn upper(&self) -> Option<&[u8]> {
        (!self.last).then_some(&self.upper)
    }

    fn covers(&self, key: &[u8]) -> bool {
        key >= self.lower.as_slice() && (self.last || key < self.upper.as_slice())
    }

    /// Goes to another leaf, from as far below the root as the way there is the same.
    fn go(&mut self, key: &[u8]) -> Result<(), PageError> {
        self.place = None;
        self.stepped = None;
        let Some(root) = &self.tree.root else { return Ok(()) };
        let mut depth = 0;
        while let Some(frame) = self.frames.get_mut(depth) {
            let (before, index) = (frame.index, choose(&frame.node, Take::Covering(key))?);
            frame.index = index;
            depth += 1;
            if index != before {
                if frame.level == 1 && index.abs_diff(before) == 1 {
                    self.stepped = Some(index > before);
                }
                break;
            }
        }
        self.frames.truncate(depth);
        let (child, level) = match self.frames.last() {
            Some(frame) => (frame.child()?, Some(frame.level - 1)),
            None => (root.as_child(), None),
        };
        let spot = self.down(child, level, key)?;
        self.find_bounds(key)?;
        self.place = Some(spot);
        Ok(())
    }

    /// From a child down to the leaf. `level` is the child's, as its parent says.
    fn down(
        &mut self,
        mut child: Child<'a, F>,
        mut level: Option<u8>,
        key: &[u8],
    ) -> Result<Spot<'a, F>, PageError> {
        loop {
            let (node, found) = match child {
                Child::Page(at, slot) if level == Some(0) => {
                    return Ok(Spot { page: Some(at), delta: None, slot });
                }
                Child::Page(at, slot) => match open(self.pages, at, slot, level)? {
                    Loaded::Leaf(page) => {
                        self.held = Some((at, page));
                        return Ok(Spot { page: Some(at), delta: None, slot });
                    }
                    Loaded::Inner(node, level) => (node, level),
                },
                Child::Changed(node) => match &**node {
                    Node::Leaf(leaf) => {
                        return Ok(Spot { page: leaf.base, delta: Some(&leaf.delta), slot: None });
                    }
                    Node::Inner(inner) => (Above::Changed(inner), inner.level),
                },
            };
            let index = choose(&node, Take::Covering(key))?;
            let frame = Frame { node, index, level: found };
            child = frame.child()?;
            level = Some(found - 1);
            self.frames.push(frame);
        }
    }

    fn find_bounds(&mut self, key: &[u8]) -> Result<(), PageError> {
        self.lower.clear();
        if let Some(frame) = self.frames.iter().rev().find(|frame| frame.index > 0) {
            frame.separator(frame.index, &mut self.lower)?;
        }
        self.upper.clear();
        self.last = true;
        for frame in self.frames.iter().rev() {
            if frame.index + 1 < frame.count()? {
                frame.separator(frame.index + 1, &mut self.upper)?;
                self.last = false;
                break;
            }
        }
        if self.covers(key) {
            return Ok(());
        }
        let Some(frame) = self.frames.last() else { return Ok(()) };
        Err(frame.node.damaged())
    }
}

impl<F: LeafFormat, R: ReadPages> std::fmt::Debug for Finger<'_, F, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Finger({} levels, {:02x?} up to {:02x?})", self.frames.len(), self.lower, self.upper())
    }
}
