//! Carrying changes over: what was done to a tree since a version of it was flushed, done to the flushed one too.
//!
//! Must always be true: T10. What both versions share in memory is passed over, so the work is that of the difference.
//! The pages that the versions build on are not read; of the flushed tree inner pages are, where something is put.

use super::LeafFormat;
use super::children::Children;
use super::delta::Delta;
use super::node::{Child, Inner, Leaf, Node, Root, Shared, Tree};
use storage_core::page::Written;
use storage_core::pager::{PageError, ReadPages};

/// Said when two trees are not versions over the same pages: whoever calls has mixed them up.
const APART: &str = "a tree is rebased from a version that it was made from";

impl<F: LeafFormat> Tree<F> {
    /// Makes `onto`, which holds what `flushed_from` holds, hold what `now` holds. `flushed_from` is a version, `onto`
    /// what flushing a clone of it gave, and `now` came from a clone of it by [`Tree::put`] and [`Tree::delete`] alone.
    /// Afterwards the same can be done again, from that `now` to a later one. `pages` sees the pages of `onto`.
    ///
    /// After an error `onto` holds a part of the changes, and is no version.
    ///
    /// # Panics
    /// If `now` was not made from `flushed_from` in this way.
    ///
    /// # Errors
    /// [`PageError`]: a page could not be read, or is damaged.
    pub fn rebase(
        now: &Tree<F>,
        flushed_from: &Tree<F>,
        onto: &mut Tree<F>,
        pages: &impl ReadPages,
    ) -> Result<(), PageError> {
        let then = flushed_from.root.as_ref().map(Root::as_child);
        match &now.root {
            Some(now) => rebase_child(now.as_child(), then, onto, pages),
            None => {
                // Changes do not take a root away: they leave one without entries.
                assert!(then.is_none(), "{APART}");
                Ok(())
            }
        }
    }
}

/// What was done to a child since; `then` is what stood in its place, `None` if nothing did.
fn rebase_child<F: LeafFormat>(
    now: Child<'_, F>,
    then: Option<Child<'_, F>>,
    onto: &mut Tree<F>,
    pages: &impl ReadPages,
) -> Result<(), PageError> {
    let now = match (now, then) {
        (Child::Changed(now), Some(Child::Changed(then))) if now == then => return Ok(()),
        (Child::Changed(now), _) => now,
        (Child::Page(now, _), then) => {
            // Changes do not make a page of a changed node.
            assert!(matches!(then, Some(Child::Page(page, _)) if page == now), "{APART}");
            return Ok(());
        }
    };
    match &**now {
        Node::Leaf(leaf) => rebase_leaf(leaf, then, onto, pages),
        Node::Inner(inner) => rebase_inner(inner, then, onto, pages),
    }
}

fn rebase_leaf<F: LeafFormat>(
    now: &Leaf<F>,
    then: Option<Child<'_, F>>,
    onto: &mut Tree<F>,
    pages: &impl ReadPages,
) -> Result<(), PageError> {
    let none = Delta::<F>::new();
    let (base, delta) = match then {
        None => (None, &none),
        Some(Child::Page(at, _)) => (Some(at), &none),
        Some(Child::Changed(node)) => match &**node {
            Node::Leaf(leaf) => (leaf.base, &leaf.delta),
            Node::Inner(_) => panic!("{APART}"),
        },
    };
    assert!(now.base == base, "{APART}");
    delta.differences(&now.delta, |key, change| match change {
        Some(Some(value)) => onto.put(pages, key.clone(), value.clone()),
        // Changes are never taken back; if one were, it would be where no page is below.
        Some(None) | None => onto.delete(pages, key.clone()),
    })
}

fn rebase_inner<F: LeafFormat>(
    now: &Inner<F>,
    then: Option<Child<'_, F>>,
    onto: &mut Tree<F>,
    pages: &impl ReadPages,
) -> Result<(), PageError> {
    let none = Children::<Shared<F>>::new();
    let (base, changed): (Written, _) = match then {
        Some(Child::Page(at, _)) => (at, &none),
        Some(Child::Changed(node)) => match &**node {
            Node::Inner(inner) => (inner.base, &inner.changed),
            Node::Leaf(_) => panic!("{APART}"),
        },
        None => panic!("{APART}"),
    };
    assert!(now.base == base, "{APART}");
    for (place, then, node) in changed.differences(&now.changed) {
        let Some(node) = node else { panic!("{APART}") };
        let then = then.map_or_else(|| Child::Page(now.old(place).page, None), Child::Changed);
        rebase_child(Child::Changed(node), Some(then), onto, pages)?;
    }
    Ok(())
}
