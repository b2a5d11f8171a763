//! Changing a tree: down to the leaf, and into its delta (T2).
//!
//! Must always be true: nodes that only this tree holds are changed in place, nodes that clones hold too are copied
//! first, one by one and shallowly (T1). An error leaves the tree as it was, but perhaps with more of it in memory.

use super::inner::InnerPage;
use super::node::{Child, Inner, LEAF_WEIGHT, Leaf, Node, Tree};
use super::{LeafFormat, MAX_KEY_LEN};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::Arc;
use storage_core::page::{PageKind, Written};
use storage_core::pager::{PageError, ReadPages, Transaction, WriteError};

impl<F: LeafFormat> Tree<F> {
    /// Puts `value` under `key`, whether or not there was one.
    pub fn put(&mut self, tx: &mut Transaction, key: F::Key, value: F::Value) -> Result<(), WriteError> {
        self.change(tx, key, Some(value))
    }

    /// Removes `key`, whether or not it is there.
    pub fn delete(&mut self, tx: &mut Transaction, key: F::Key) -> Result<(), WriteError> {
        if self.root.is_none() {
            return Ok(());
        }
        self.change(tx, key, None)
    }

    fn change(
        &mut self,
        tx: &mut Transaction,
        key: F::Key,
        value: Option<F::Value>,
    ) -> Result<(), WriteError> {
        let mut bytes = Vec::with_capacity(32);
        F::key_bytes(&key, &mut bytes);
        debug_assert!(bytes.len() <= MAX_KEY_LEN, "a key of {} bytes", bytes.len());
        let root = self.root.get_or_insert_with(|| {
            self.weight += LEAF_WEIGHT;
            Child::Dirty(Arc::new(Node::Leaf(Leaf { base: None, delta: BTreeMap::new() })))
        });
        let leaf = leaf_of(root, &mut self.weight, &*tx, &bytes)?;
        self.weight += F::weight(&key, value.as_ref());
        match leaf.delta.entry(key) {
            // Without a page below, a deleted key need not be remembered.
            Slot::Vacant(slot) if value.is_none() && leaf.base.is_none() => {
                self.weight -= F::weight(slot.key(), None);
            }
            Slot::Vacant(slot) => {
                slot.insert(value);
            }
            Slot::Occupied(slot) if value.is_none() && leaf.base.is_none() => {
                self.weight -= F::weight(slot.key(), None);
                let (key, old) = slot.remove_entry();
                self.weight -= F::weight(&key, old.as_ref());
            }
            Slot::Occupied(mut slot) => {
                let old = slot.insert(value);
                self.weight -= F::weight(slot.key(), old.as_ref());
            }
        }
        Ok(())
    }
}

/// The leaf that covers `key`, made changeable, and every node on the way to it.
fn leaf_of<'t, F: LeafFormat>(
    root: &'t mut Child<F>,
    weight: &mut usize,
    pages: &impl ReadPages,
    key: &[u8],
) -> Result<&'t mut Leaf<F>, PageError> {
    let mut child = root;
    let mut level = None;
    loop {
        if let Child::Page(at) = *child {
            let node = node_of_page(pages, at, level)?;
            *weight += match &node {
                Node::Leaf(_) => LEAF_WEIGHT,
                Node::Inner(inner) => inner.weight(),
            };
            *child = Child::Dirty(Arc::new(node));
        }
        let Child::Dirty(node) = child else { unreachable!("made so above") };
        match Arc::make_mut(node) {
            Node::Leaf(leaf) => return Ok(leaf),
            Node::Inner(inner) => {
                let index = inner.search(key);
                level = Some(inner.level - 1);
                child = &mut inner.children[index];
            }
        }
    }
}

/// The page as a node in memory. `level` is what the parent says; of a root nobody says it.
fn node_of_page<F: LeafFormat>(
    pages: &impl ReadPages,
    at: Written,
    level: Option<u8>,
) -> Result<Node<F>, PageError> {
    let leaf = || Node::Leaf(Leaf { base: Some(at), delta: BTreeMap::new() });
    let page = match level {
        Some(0) => return Ok(leaf()),
        Some(_) => pages.page(at, PageKind::Inner)?,
        None => pages.page_of(at, &[PageKind::Inner, F::KIND])?,
    };
    if page.kind() == F::KIND {
        return Ok(leaf());
    }
    let inner = match level {
        Some(level) => InnerPage::at_level(&page, level)?,
        None => InnerPage::open(&page)?,
    };
    Ok(Node::Inner(Inner::decode(at, &inner)?))
}
