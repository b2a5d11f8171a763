//! Changing a tree: down to the leaf, and into its delta (T2).
//!
//! Must always be true: nodes that only this tree holds are changed in place, nodes that clones hold too are copied
//! first, one by one and shallowly (T1). An error leaves the tree as it was, but perhaps with more of it in memory.
//! Nothing is written, and only inner pages are read.

use super::decoded::{Decoded, Slot};
use super::inner::InnerPage;
use super::node::{Changed, Inner, Leaf, Node, Root, Shared, Tree};
use super::{LeafFormat, MAX_KEY_LEN, delta};
use std::sync::Arc;
use storage_core::page::PageKind;
use storage_core::pager::{PageError, ReadPages};

impl<F: LeafFormat> Tree<F> {
    /// Puts `value` under `key`, whether or not there was one.
    ///
    /// # Errors
    /// [`PageError`]: a page on the way could not be read, or is damaged.
    pub fn put(&mut self, pages: &impl ReadPages, key: F::Key, value: F::Value) -> Result<(), PageError> {
        self.change(pages, key, Some(value))
    }

    /// Removes `key`, whether or not it is there.
    ///
    /// # Errors
    /// [`PageError`]: a page on the way could not be read, or is damaged.
    pub fn delete(&mut self, pages: &impl ReadPages, key: F::Key) -> Result<(), PageError> {
        if self.root.is_none() {
            return Ok(());
        }
        self.change(pages, key, None)
    }

    /// Puts under `key` what shall be there; `None` for nothing.
    fn change(
        &mut self,
        pages: &impl ReadPages,
        key: F::Key,
        value: Option<F::Value>,
    ) -> Result<(), PageError> {
        let root = self.root.get_or_insert_with(|| {
            let node = Node::Leaf(Leaf::over(None));
            self.changed.count(&node);
            Root::Changed(Shared::new(node))
        });
        let leaf = F::with_bytes(&key, |bytes| {
            debug_assert!(bytes.len() <= MAX_KEY_LEN, "a key of {} bytes", bytes.len());
            leaf_of(root, &mut self.changed, pages, bytes)
        })?;
        let weight = &mut self.changed.weight;
        *weight += delta::weight::<F>(&key, value.as_ref());
        leaf.delta.insert(key, value, |key, old| *weight -= delta::weight::<F>(key, old));
        Ok(())
    }
}

/// The leaf that covers `key`, made changeable, and every node on the way to it.
fn leaf_of<'t, F: LeafFormat>(
    root: &'t mut Root<F>,
    changed: &mut Changed,
    pages: &impl ReadPages,
    key: &[u8],
) -> Result<&'t mut Leaf<F>, PageError> {
    let mut fresh = |slot: &Slot<F>, level, part| {
        let node = node_of_page(pages, slot, level)?;
        changed.count(&node);
        if part {
            changed.count_part::<F>();
        }
        Ok::<_, PageError>(node)
    };
    if let Root::Page(slot) = root {
        *root = Root::Changed(Shared::new(fresh(slot, None, false)?));
    }
    let Root::Changed(node) = root else { unreachable!("made so above") };
    let mut node = node;
    loop {
        match node.change() {
            Node::Leaf(leaf) => return Ok(leaf),
            Node::Inner(inner) => {
                let level = inner.level - 1;
                node = inner.change(inner.search(key), |slot, part| fresh(slot, Some(level), part))?;
            }
        }
    }
}

/// The page as a node in memory. `level` is what the parent says; of a root nobody says it.
fn node_of_page<F: LeafFormat>(
    pages: &impl ReadPages,
    slot: &Slot<F>,
    level: Option<u8>,
) -> Result<Node<F>, PageError> {
    let at = slot.page;
    if let Some(node) = slot.inner() {
        return Ok(Node::Inner(Inner::over(at, Arc::clone(node))));
    }
    let leaf = || Node::Leaf(Leaf::over(Some(at)));
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
    let kept = Decoded::kept(&inner, pages.pager().decoded()).and_then(|node| slot.keep(node));
    let node = match kept {
        Some(node) => Arc::clone(node),
        None => Arc::new(Decoded::new(&inner)?),
    };
    Ok(Node::Inner(Inner::over(at, node)))
}
