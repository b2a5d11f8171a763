//! A place between leaves, and steps over them in both directions.
//!
//! Must always be true: the frames are the way from the root to the leaf that comes next; a leaf's bounds come from the
//! frames above it (T4), and bounds that contradict each other are damage, so that no walk goes in circles (T9).
//!
//! It keeps a page per level pinned, and no leaf.

use super::LeafFormat;
use super::decoded::Decoded;
use super::inner::InnerPage;
use super::node::{Child, Inner, Leaf, Node, Tree};
use super::read::{LeafView, Loaded, open};
use storage_core::page::{PageKind, Written};
use storage_core::pager::{Page, PageError, ReadPages};

/// How many leaves a walk asks for ahead.
const AHEAD: usize = 8;

/// A place in a tree. After a seek the leaf found is what [`Cursor::next`] and [`Cursor::back`] give first.
pub(super) struct Cursor<'a, F: LeafFormat, R: ReadPages> {
    tree: &'a Tree<F>,
    pages: &'a R,
    frames: Vec<Frame<'a, F>>,
    place: Place<'a, F>,
    /// Leaves were given: from the second on, pages are asked for ahead.
    walking: bool,
}

enum Place<'a, F: LeafFormat> {
    /// No leaf, or none any more.
    End,
    /// This one comes next.
    Page(Page),
    /// This one comes next.
    Changed(&'a Leaf<F>),
}

/// An inner node on the way, and which child was taken.
pub(super) struct Frame<'a, F: LeafFormat> {
    pub node: Above<'a, F>,
    pub index: usize,
    pub level: u8,
}

pub(super) enum Above<'a, F: LeafFormat> {
    /// In memory.
    Kept(&'a Decoded<F>, Written),
    /// There is no memory to keep it.
    Page(Page),
    Changed(&'a Inner<F>),
}

impl<F: LeafFormat> Above<'_, F> {
    /// Two bounds contradict each other.
    pub fn damaged(&self) -> PageError {
        const WHAT: &str = "separators do not ascend";
        match self {
            Above::Page(page) => page.damage(WHAT),
            Above::Kept(_, at) => PageError::damage(at.page(), PageKind::Inner, WHAT),
            Above::Changed(inner) => PageError::damage(inner.base.page(), PageKind::Inner, WHAT),
        }
    }
}

impl<'a, F: LeafFormat> Frame<'a, F> {
    pub fn count(&self) -> Result<usize, PageError> {
        match &self.node {
            Above::Kept(node, _) => Ok(node.count()),
            Above::Page(page) => Ok(InnerPage::open(page)?.count()),
            Above::Changed(inner) => Ok(inner.count()),
        }
    }

    pub fn child(&self) -> Result<Child<'a, F>, PageError> {
        match &self.node {
            Above::Kept(node, _) => {
                let slot = node.child(self.index);
                Ok(Child::Page(slot.page, Some(slot)))
            }
            Above::Page(page) => Ok(Child::Page(InnerPage::open(page)?.child(self.index)?, None)),
            Above::Changed(inner) => Ok(inner.child(self.index)),
        }
    }

    /// Appends the separator of the child at `index`.
    pub fn separator(&self, index: usize, out: &mut Vec<u8>) -> Result<(), PageError> {
        match &self.node {
            Above::Kept(node, _) => {
                out.extend_from_slice(node.separators.get(index));
                Ok(())
            }
            Above::Page(page) => InnerPage::open(page)?.separator(index, out),
            Above::Changed(inner) => {
                out.extend_from_slice(inner.separator(index));
                Ok(())
            }
        }
    }

    /// Pages among the children in `range`.
    fn pages(&self, range: std::ops::Range<usize>) -> Result<Vec<Written>, PageError> {
        match &self.node {
            Above::Kept(node, _) => Ok(range.map(|index| node.child(index).page).collect()),
            Above::Page(page) => {
                let inner = InnerPage::open(page)?;
                range.map(|index| inner.child(index)).collect()
            }
            Above::Changed(inner) => {
                let page = |index| match inner.child(index) {
                    Child::Page(at, _) => Some(at),
                    Child::Changed(_) => None,
                };
                Ok(range.filter_map(page).collect())
            }
        }
    }

    /// Asks for the next few leaves under the same parent, every few leaves: the walk just came to this one.
    pub fn ask_ahead(&self, pages: &impl ReadPages, forward: bool) -> Result<(), PageError> {
        let count = self.count()?;
        let passed = if forward { self.index } else { count - 1 - self.index };
        if passed % AHEAD != 1 {
            return Ok(());
        }
        let range = if forward {
            self.index..(self.index + AHEAD).min(count)
        } else {
            (self.index + 1).saturating_sub(AHEAD)..self.index + 1
        };
        pages.prefetch(&self.pages(range)?);
        Ok(())
    }
}

/// Which child to take on the way down.
#[derive(Copy, Clone)]
pub(super) enum Take<'k> {
    First,
    Last,
    Covering(&'k [u8]),
}

impl<'a, F: LeafFormat, R: ReadPages> Cursor<'a, F, R> {
    pub fn new(tree: &'a Tree<F>, pages: &'a R) -> Self {
        Cursor { tree, pages, frames: Vec::new(), place: Place::End, walking: false }
    }

    /// Goes to the leaf that covers `key`; without one, to the last leaf.
    pub fn seek(&mut self, key: Option<&[u8]>) -> Result<(), PageError> {
        self.frames.clear();
        self.place = Place::End;
        match &self.tree.root {
            None => Ok(()),
            Some(root) => self.down(root.as_child(), None, key.map_or(Take::Last, Take::Covering)),
        }
    }

    /// From a child down to a leaf. `level` is the child's, as its parent says.
    fn down(
        &mut self,
        mut child: Child<'a, F>,
        mut level: Option<u8>,
        take: Take<'_>,
    ) -> Result<(), PageError> {
        loop {
            let (node, found) = match child {
                Child::Page(at, slot) => match open(self.pages, at, slot, level)? {
                    Loaded::Leaf(page) => {
                        self.place = Place::Page(page);
                        return Ok(());
                    }
                    Loaded::Inner(node, level) => (node, level),
                },
                Child::Changed(node) => match &**node {
                    Node::Leaf(leaf) => {
                        self.place = Place::Changed(leaf);
                        return Ok(());
                    }
                    Node::Inner(inner) => (Above::Changed(inner), inner.level),
                },
            };
            let index = choose(&node, take)?;
            let frame = Frame { node, index, level: found };
            child = frame.child()?;
            level = Some(found - 1);
            self.frames.push(frame);
        }
    }

    /// The leaf at the place; then the place is the next leaf's.
    pub fn next(&mut self) -> Result<Option<LeafView<'a, F>>, PageError> {
        self.view_and_move(true)
    }

    /// The leaf at the place; then the place is that of the leaf before.
    pub fn back(&mut self) -> Result<Option<LeafView<'a, F>>, PageError> {
        self.view_and_move(false)
    }

    fn view_and_move(&mut self, forward: bool) -> Result<Option<LeafView<'a, F>>, PageError> {
        if self.walking {
            self.step(forward)?;
        }
        self.walking = true;
        // The place is given away: a walk that lasts keeps no leaf's page.
        let (page, delta) = match std::mem::replace(&mut self.place, Place::End) {
            Place::End => return Ok(None),
            Place::Page(page) => (Some(page), None),
            Place::Changed(leaf) => {
                (leaf.base.map(|base| self.pages.page(base, F::KIND)).transpose()?, Some(&leaf.delta))
            }
        };
        let (lower, upper) = (self.lower()?, self.upper()?);
        if let (Some(upper), Some(frame)) = (&upper, self.frames.last())
            && *upper <= lower
        {
            return Err(frame.node.damaged());
        }
        Ok(Some(LeafView { page, delta, lower, upper }))
    }

    /// Moves to the neighbouring leaf.
    fn step(&mut self, forward: bool) -> Result<(), PageError> {
        self.place = Place::End;
        while let Some(frame) = self.frames.last_mut() {
            let more = if forward { frame.index + 1 < frame.count()? } else { frame.index > 0 };
            if !more {
                self.frames.pop();
                continue;
            }
            frame.index = if forward { frame.index + 1 } else { frame.index - 1 };
            let (child, level) = (frame.child()?, frame.level - 1);
            if level == 0 {
                frame.ask_ahead(self.pages, forward)?;
            }
            return self.down(child, Some(level), if forward { Take::First } else { Take::Last });
        }
        Ok(())
    }

    fn lower(&self) -> Result<Vec<u8>, PageError> {
        let mut out = Vec::new();
        if let Some(frame) = self.frames.iter().rev().find(|frame| frame.index > 0) {
            frame.separator(frame.index, &mut out)?;
        }
        Ok(out)
    }

    fn upper(&self) -> Result<Option<Vec<u8>>, PageError> {
        for frame in self.frames.iter().rev() {
            if frame.index + 1 < frame.count()? {
                let mut out = Vec::new();
                frame.separator(frame.index + 1, &mut out)?;
                return Ok(Some(out));
            }
        }
        Ok(None)
    }
}

pub(super) fn choose<F: LeafFormat>(node: &Above<'_, F>, take: Take<'_>) -> Result<usize, PageError> {
    match (node, take) {
        (_, Take::First) => Ok(0),
        (Above::Kept(node, _), Take::Last) => Ok(node.count() - 1),
        (Above::Kept(node, _), Take::Covering(key)) => Ok(node.search(key)),
        (Above::Page(page), Take::Last) => Ok(InnerPage::open(page)?.count() - 1),
        (Above::Page(page), Take::Covering(key)) => InnerPage::open(page)?.search(key),
        (Above::Changed(inner), Take::Last) => Ok(inner.count() - 1),
        (Above::Changed(inner), Take::Covering(key)) => Ok(inner.search(key)),
    }
}
