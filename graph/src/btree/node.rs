//! A tree in memory: a root that is a page, or changed nodes over pages.
//!
//! Must always be true: T1, T2, T4, T8. A changed inner node always comes from a page (trees grow only in a flush), so
//! its separators and the pages below are those of the page and never change: clones share them. What does change is
//! kept in a table of parts and in runs that are shared, so that to copy a node takes little, however much it holds.

use super::LeafFormat;
use super::children::{Children, Counted};
use super::decoded::{Decoded, Slot};
use super::delta::Delta;
use crate::prefetch;
use std::ops::{Deref, Range};
use std::sync::Arc;
use storage_core::page::Written;

/// An ordered map from keys to values in pages: a value that is cheap to clone. See [the module](super).
pub struct Tree<F: LeafFormat> {
    pub(super) root: Option<Root<F>>,
    pub(super) changed: Changed,
}

/// What the changed nodes of a tree come to (T8).
#[derive(Copy, Clone, Default)]
pub(super) struct Changed {
    pub weight: usize,
    pub nodes: usize,
}

impl Changed {
    /// Counts a part of a table of children.
    pub fn count_part<F: LeafFormat>(&mut self) {
        self.weight += Children::<Shared<F>>::PART;
    }

    /// Counts a node that came from its page, or from nothing.
    pub fn count<F: LeafFormat>(&mut self, node: &Node<F>) {
        self.nodes += 1;
        self.weight += match node {
            Node::Leaf(_) => Leaf::<F>::WEIGHT,
            Node::Inner(inner) => inner.weight(),
        };
    }
}

/// The root: a page that is written, or a node that is not yet one (T1).
pub(super) enum Root<F: LeafFormat> {
    /// With what is kept of it and of all below, which clones share.
    Page(Arc<Slot<F>>),
    Changed(Shared<F>),
}

/// A changed node, which clones of the tree share until one of them changes it.
pub(super) struct Shared<F: LeafFormat>(Arc<Node<F>>);

/// What stands below a parent, or is the root.
pub(super) enum Child<'a, F: LeafFormat> {
    /// A page, and what is kept of it, unless its parent is not kept.
    Page(Written, Option<&'a Slot<F>>),
    Changed(&'a Shared<F>),
}

/// A changed node.
pub(super) enum Node<F: LeafFormat> {
    Leaf(Leaf<F>),
    Inner(Inner<F>),
}

/// A changed leaf: the page it replaces, and the changes (T2).
pub(super) struct Leaf<F: LeafFormat> {
    pub base: Option<Written>,
    pub delta: Delta<F>,
}

/// A changed inner node: at least one child was changed.
pub(super) struct Inner<F: LeafFormat> {
    pub base: Written,
    pub level: u8,
    /// What the page says.
    pub node: Arc<Decoded<F>>,
    /// The changed children, by their place.
    pub changed: Children<Shared<F>>,
}

/// A child as its parent's page has it: where it is, and how many entries are below it (T11).
#[derive(Copy, Clone)]
pub(super) struct Old {
    pub page: Written,
    pub count: u64,
}

impl<F: LeafFormat> Tree<F> {
    /// A tree without keys.
    pub fn empty() -> Self {
        Tree { root: None, changed: Changed::default() }
    }

    /// The tree under this root page; no root, no keys.
    pub fn open(root: Option<Written>) -> Self {
        Tree { root: root.map(Root::page), changed: Changed::default() }
    }

    /// The root page; `None` while there are changes that were not flushed, `Some(None)` if the tree is empty.
    pub fn root(&self) -> Option<Option<Written>> {
        match &self.root {
            None => Some(None),
            Some(Root::Page(slot)) => Some(Some(slot.page)),
            Some(Root::Changed(_)) => None,
        }
    }

    /// True if there are changes that were not flushed.
    pub fn is_dirty(&self) -> bool {
        matches!(self.root, Some(Root::Changed(_)))
    }

    /// Bytes of memory that the changes take (T8). Clones that share changes count them each.
    pub fn weight(&self) -> usize {
        self.changed.weight
    }

    /// How many changed nodes are in memory, leaves and inner nodes (T8). Clones that share nodes count them each.
    pub fn changed_nodes(&self) -> usize {
        self.changed.nodes
    }
}

impl<F: LeafFormat> Default for Tree<F> {
    fn default() -> Self {
        Tree::empty()
    }
}

impl<F: LeafFormat> Clone for Tree<F> {
    fn clone(&self) -> Self {
        Tree { root: self.root.clone(), changed: self.changed }
    }
}

impl<F: LeafFormat> Copy for Child<'_, F> {}

impl<F: LeafFormat> Clone for Child<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: LeafFormat> Root<F> {
    /// The root that is this page.
    pub fn page(at: Written) -> Self {
        // Nobody asks how many entries are below a root.
        Root::Page(Arc::new(Slot::new(at, 0)))
    }

    pub fn as_child(&self) -> Child<'_, F> {
        match self {
            Root::Page(slot) => Child::Page(slot.page, Some(slot)),
            Root::Changed(node) => Child::Changed(node),
        }
    }
}

impl<F: LeafFormat> Clone for Root<F> {
    fn clone(&self) -> Self {
        match self {
            Root::Page(slot) => Root::Page(Arc::clone(slot)),
            Root::Changed(node) => Root::Changed(node.clone()),
        }
    }
}

impl<F: LeafFormat> Shared<F> {
    pub fn new(node: Node<F>) -> Self {
        Shared(Arc::new(node))
    }

    /// Asks the processor for the node and its count.
    #[inline]
    pub fn ask(&self) {
        prefetch::count_of(&self.0);
        prefetch::whole(&*self.0);
    }

    /// The node to change: a copy, if others hold it too.
    pub fn change(&mut self) -> &mut Node<F> {
        Arc::make_mut(&mut self.0)
    }
}

impl<F: LeafFormat> Counted for Shared<F> {
    #[inline]
    fn ask_count(&self) {
        prefetch::count_of(&self.0);
    }

    #[inline]
    fn ask_rest(&self) {
        if Arc::strong_count(&self.0) == 1
            && let Node::Leaf(leaf) = &*self.0
        {
            leaf.delta.ask_parts();
        }
    }
}

impl<F: LeafFormat> Clone for Shared<F> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

impl<F: LeafFormat> Deref for Shared<F> {
    type Target = Node<F>;

    fn deref(&self) -> &Node<F> {
        &self.0
    }
}

/// The very same node: so nothing was changed in or below it.
impl<F: LeafFormat> PartialEq for Shared<F> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<F: LeafFormat> Clone for Node<F> {
    fn clone(&self) -> Self {
        match self {
            Node::Leaf(leaf) => Node::Leaf(Leaf { base: leaf.base, delta: leaf.delta.clone() }),
            Node::Inner(inner) => Node::Inner(Inner {
                base: inner.base,
                level: inner.level,
                node: Arc::clone(&inner.node),
                changed: inner.changed.clone(),
            }),
        }
    }
}

impl<F: LeafFormat> std::fmt::Debug for Tree<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.root() {
            Some(root) => write!(f, "Tree({root:?})"),
            None => write!(f, "Tree({} bytes changed)", self.changed.weight),
        }
    }
}

impl<F: LeafFormat> Leaf<F> {
    /// Bytes that a changed leaf takes beside its delta: the node, and the rest of the delta's vector. Its place is its
    /// parent's.
    pub const WEIGHT: usize = 96 + 8 * size_of::<(F::Key, Option<F::Value>)>();

    /// A leaf that is still what its page says; without a page, empty.
    pub fn over(base: Option<Written>) -> Self {
        Leaf { base, delta: Delta::<F>::new() }
    }
}

impl<F: LeafFormat> Inner<F> {
    /// A node over a page, to be changed. That its separators ascend was checked when it was decoded, that they keep to
    /// the bounds which its parent gives is by the flush, which knows them (T9).
    pub fn over(base: Written, node: Arc<Decoded<F>>) -> Self {
        Inner { base, level: node.level, node, changed: Children::new() }
    }

    /// How many children it has.
    pub fn count(&self) -> usize {
        self.node.count()
    }

    /// The child at `index`.
    pub fn child(&self, index: usize) -> Child<'_, F> {
        match self.changed.get(index) {
            Some(node) => Child::Changed(node),
            None => {
                let slot = self.node.child(index);
                Child::Page(slot.page, Some(slot))
            }
        }
    }

    /// The child at `place` as the page has it, whether or not it was changed since.
    pub fn old(&self, place: usize) -> Old {
        let slot = self.node.child(place);
        Old { page: slot.page, count: slot.count }
    }

    /// The separator of child `index`; empty for the first.
    pub fn separator(&self, index: usize) -> &[u8] {
        self.node.separators.get(index)
    }

    /// How many entries the page says that there are below all children in `range`, whether or not they were changed
    /// since.
    pub fn below_all(&self, range: Range<usize>) -> u64 {
        self.node.below_all(range)
    }

    /// The child at `index` to change; `fresh` makes a node of a page that none was made of yet, and is told whether the table
    /// of children becomes larger by a part.
    pub fn change<E>(
        &mut self,
        index: usize,
        fresh: impl FnOnce(&Slot<F>, bool) -> Result<Node<F>, E>,
    ) -> Result<&mut Shared<F>, E> {
        let slot = self.node.child(index);
        self.changed.change(index, |part| fresh(slot, part).map(Shared::new))
    }

    /// Bytes it takes in memory, without its children, and without what is kept of its page in any case.
    pub fn weight(&self) -> usize {
        128 + Children::<Shared<F>>::weight(self.count()) + self.node.weight()
    }

    /// The child that covers `key`.
    pub fn search(&self, key: &[u8]) -> usize {
        self.node.search(key)
    }

    /// The bounds of child `index`, if `bounds` are the node's.
    pub fn child_bounds<'a>(&'a self, index: usize, bounds: Bounds<'a>) -> Bounds<'a> {
        Bounds {
            lower: if index == 0 { bounds.lower } else { self.separator(index) },
            upper: if index + 1 < self.count() { Some(self.separator(index + 1)) } else { bounds.upper },
        }
    }
}

/// What a parent says of a child's keys: not below `lower`, and below `upper` if there is one (T4).
#[derive(Copy, Clone, Debug)]
pub(super) struct Bounds<'a> {
    pub lower: &'a [u8],
    pub upper: Option<&'a [u8]>,
}

impl Bounds<'static> {
    /// The root's.
    pub const ALL: Bounds<'static> = Bounds { lower: &[], upper: None };
}
