//! A tree in memory: a root that is a page, or changed nodes over pages.
//!
//! Must always be true: T1, T2, T4, T8. A changed inner node always comes from a page (trees grow only in a flush), so
//! its separators are those of the page and never change: clones share them.

use super::LeafFormat;
use super::inner::InnerPage;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage_core::page::Written;
use storage_core::pager::PageError;

/// An ordered map from keys to values in pages: a value that is cheap to clone. See [the module](super).
pub struct Tree<F: LeafFormat> {
    pub(super) root: Option<Child<F>>,
    pub(super) weight: usize,
}

/// What a parent holds: a page that is written, or a node that is not yet one (T1).
pub(super) enum Child<F: LeafFormat> {
    Page(Written),
    Dirty(Arc<Node<F>>),
}

/// A changed node.
pub(super) enum Node<F: LeafFormat> {
    Leaf(Leaf<F>),
    Inner(Inner<F>),
}

/// Changes of a leaf: `None` deletes.
pub(super) type Delta<F> = BTreeMap<<F as LeafFormat>::Key, Option<<F as LeafFormat>::Value>>;

/// A changed leaf: the page it replaces, and the changes (T2).
pub(super) struct Leaf<F: LeafFormat> {
    pub base: Option<Written>,
    pub delta: Delta<F>,
}

/// A changed inner node: at least one child was changed.
pub(super) struct Inner<F: LeafFormat> {
    pub base: Written,
    pub level: u8,
    pub separators: Arc<Separators>,
    pub children: Vec<Child<F>>,
}

/// Bytes that a changed leaf takes beside its delta.
pub(super) const LEAF_WEIGHT: usize = 96;

impl<F: LeafFormat> Tree<F> {
    /// A tree without keys.
    pub fn empty() -> Self {
        Tree { root: None, weight: 0 }
    }

    /// The tree under this root page; no root, no keys.
    pub fn open(root: Option<Written>) -> Self {
        Tree { root: root.map(Child::Page), weight: 0 }
    }

    /// The root page; `None` while there are changes that were not flushed, `Some(None)` if the tree is empty.
    pub fn root(&self) -> Option<Option<Written>> {
        match &self.root {
            None => Some(None),
            Some(Child::Page(page)) => Some(Some(*page)),
            Some(Child::Dirty(_)) => None,
        }
    }

    /// True if there are changes that were not flushed.
    pub fn is_dirty(&self) -> bool {
        matches!(self.root, Some(Child::Dirty(_)))
    }

    /// Bytes of memory that the changes take (T8). Clones that share changes count them each.
    pub fn weight(&self) -> usize {
        self.weight
    }
}

impl<F: LeafFormat> Default for Tree<F> {
    fn default() -> Self {
        Tree::empty()
    }
}

impl<F: LeafFormat> Clone for Tree<F> {
    fn clone(&self) -> Self {
        Tree { root: self.root.clone(), weight: self.weight }
    }
}

impl<F: LeafFormat> Clone for Child<F> {
    fn clone(&self) -> Self {
        match self {
            Child::Page(page) => Child::Page(*page),
            Child::Dirty(node) => Child::Dirty(Arc::clone(node)),
        }
    }
}

impl<F: LeafFormat> Clone for Node<F> {
    fn clone(&self) -> Self {
        match self {
            Node::Leaf(leaf) => Node::Leaf(Leaf { base: leaf.base, delta: leaf.delta.clone() }),
            Node::Inner(inner) => Node::Inner(Inner {
                base: inner.base,
                level: inner.level,
                separators: Arc::clone(&inner.separators),
                children: inner.children.clone(),
            }),
        }
    }
}

impl<F: LeafFormat> std::fmt::Debug for Tree<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.root() {
            Some(root) => write!(f, "Tree({root:?})"),
            None => write!(f, "Tree({} bytes changed)", self.weight),
        }
    }
}

impl<F: LeafFormat> Inner<F> {
    /// Decodes a page to change it. That its separators ascend is checked here, that they keep to the bounds which its
    /// parent gives by the flush, which knows them (T9).
    pub fn decode(at: Written, page: &InnerPage<'_>) -> Result<Self, PageError> {
        page.validate(&[], None)?;
        let separators = Separators::decode(page)?;
        let children =
            (0..page.count()).map(|index| page.child(index).map(Child::Page)).collect::<Result<_, _>>()?;
        Ok(Inner { base: at, level: page.level(), separators: Arc::new(separators), children })
    }

    /// Bytes it takes in memory, without its children.
    pub fn weight(&self) -> usize {
        96 + self.children.len() * size_of::<Child<F>>()
            + self.separators.bytes.len()
            + 4 * self.separators.ends.len()
    }

    /// The child that covers `key`.
    pub fn search(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.children.len() - 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.separators.get(middle + 1) <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The bounds of child `index`, if `bounds` are the node's.
    pub fn child_bounds<'a>(&'a self, index: usize, bounds: Bounds<'a>) -> Bounds<'a> {
        Bounds {
            lower: if index == 0 { bounds.lower } else { self.separators.get(index) },
            upper: if index + 1 < self.children.len() {
                Some(self.separators.get(index + 1))
            } else {
                bounds.upper
            },
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

/// Separators, flat: of child 1, 2, … (the first has none).
pub(super) struct Separators {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Separators {
    fn decode(page: &InnerPage<'_>) -> Result<Self, PageError> {
        let mut out = Separators { bytes: Vec::new(), ends: Vec::with_capacity(page.count()) };
        for index in 0..page.count() {
            page.separator(index, &mut out.bytes)?;
            out.ends.push(u32::try_from(out.bytes.len()).expect("a page's separators are at most 64 Mi"));
        }
        Ok(out)
    }

    /// The separator of child `index`; empty for the first.
    pub fn get(&self, index: usize) -> &[u8] {
        let begin = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.bytes[begin..self.ends[index] as usize]
    }
}
