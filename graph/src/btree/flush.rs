//! Writing a changed tree: level by level from the leaves up, until one page is left (T3).
//!
//! Must always be true: a level is written before the next one is encoded, and the next one is encoded from
//! [`Entry`]s, which only written pages have. The tree in memory is not touched before everything is written: after
//! an error it is what it was, though its transaction can only be dropped (M3).
//!
//! Beside the pages of a batch it keeps the entries of one level under changed parents.

use super::LeafFormat;
use super::inner::{Entry, InnerPage, room};
use super::leaves::{LeafFlush, Siblings};
use super::levels::Lists;
use super::node::{Bounds, Changed, Child, Inner, Node, Old, Root, Tree};
use super::pack::{Packed, cut_evenly, underfull};
use super::read::load;
use storage_core::page::{PageKind, PageSize, Written};
use storage_core::pager::{PageError, ReadPages, Transaction, WriteError};

impl<F: LeafFormat> Tree<F> {
    /// Writes all changes and frees the pages that they replace. Afterwards the tree is clean. Returns its root, `None`
    /// for a tree without keys. Clones of the tree keep their changes, and must not be flushed too: they would free
    /// the same pages.
    ///
    /// # Errors
    /// [`WriteError`]: a page could not be read or written, or is damaged; the disk is full.
    pub fn flush(&mut self, tx: &mut Transaction) -> Result<Option<Written>, WriteError> {
        let Some(Root::Changed(root)) = &self.root else {
            return Ok(self.root().flatten());
        };
        let (level, entries, replaced) = match &**root {
            Node::Leaf(_) => {
                let mut out = Lists::new(tx.pager().page_size());
                LeafFlush::<F>::run(tx, &mut out, Siblings::Root(root))?;
                (0, out.finish(tx)?, Vec::new())
            }
            Node::Inner(inner) => flush_inner(tx, inner)?,
        };
        let entries = entries.into_iter().flatten().collect();
        let page = finish_root::<F>(tx, level, entries)?;
        replaced.into_iter().for_each(|page| tx.free(page));
        self.root = page.map(Root::page);
        self.changed = Changed::default();
        Ok(page)
    }
}

/// The changed inner nodes of one level, in order.
type Level<'a, F> = Vec<(&'a Inner<F>, Bounds<'a>)>;

/// What the children of a level's nodes became, node by node.
type Below = Vec<Vec<Entry>>;

/// Flushes everything below the root. Returns the level of the root's new children, the children, and the pages of the
/// inner nodes that were replaced.
fn flush_inner<F: LeafFormat>(
    tx: &mut Transaction,
    root: &Inner<F>,
) -> Result<(u8, Below, Vec<Written>), WriteError> {
    let size = tx.pager().page_size();
    let mut levels: Vec<Level<'_, F>> = Vec::new();
    levels.resize_with(usize::from(root.level) + 1, Vec::new);
    collect(root, Bounds::ALL, &mut levels)?;
    let replaced = levels.iter().flatten().map(|(inner, _)| inner.base).collect();

    let mut lists: Below = Vec::new();
    for (level, nodes) in (0u8..).zip(&levels).skip(1) {
        let mut out = Lists::new(size);
        let mut below = lists.into_iter();
        for (inner, bounds) in nodes {
            if level == 1 {
                LeafFlush::run(tx, &mut out, Siblings::Under(inner, *bounds))?;
            } else {
                flush_children(tx, &mut out, inner, *bounds, &mut below)?;
            }
        }
        lists = out.finish(tx)?;
    }
    Ok((root.level - 1, lists, replaced))
}

/// Sorts the changed inner nodes by level, and checks them against their bounds (T9).
fn collect<'a, F: LeafFormat>(
    inner: &'a Inner<F>,
    bounds: Bounds<'a>,
    levels: &mut [Level<'a, F>],
) -> Result<(), PageError> {
    let last = inner.count() - 1;
    let low = last > 0 && inner.separator(1) <= bounds.lower;
    let high = last > 0 && bounds.upper.is_some_and(|upper| inner.separator(last) >= upper);
    if low || high {
        return Err(PageError::damage(
            inner.base.page(),
            PageKind::Inner,
            "a separator lies outside of what the page's parent says",
        ));
    }
    for (place, node) in inner.changed.iter() {
        if let Node::Inner(below) = &**node {
            collect(below, inner.child_bounds(place, bounds), levels)?;
        }
    }
    levels[usize::from(inner.level)].push((inner, bounds));
    Ok(())
}

/// Neighbouring inner nodes that are packed together, or one that was not changed.
struct Group<'a> {
    bounds: Bounds<'a>,
    unchanged: Option<Old>,
    entries: Vec<Entry>,
    /// Unchanged pages that were taken in.
    replaced: Vec<Written>,
}

/// Packs the children of one node of level 2 or more into pages; `below` has the children's children.
fn flush_children<'a, F: LeafFormat>(
    tx: &mut Transaction,
    out: &mut Lists,
    parent: &'a Inner<F>,
    bounds: Bounds<'a>,
    below: &mut impl Iterator<Item = Vec<Entry>>,
) -> Result<(), WriteError> {
    let (size, level) = (tx.pager().page_size(), parent.level - 1);
    let mut groups: Vec<Group<'a>> = Vec::with_capacity(parent.count());
    for index in 0..parent.count() {
        let bounds = parent.child_bounds(index, bounds);
        let mut group = Group { bounds, unchanged: None, entries: Vec::new(), replaced: Vec::new() };
        match parent.child(index) {
            Child::Page(..) => group.unchanged = Some(parent.old(index)),
            Child::Changed(_) => {
                group.entries = below.next().unwrap_or_default();
                // Without children it just goes: its range falls to the node before.
                let Some(first) = group.entries.first_mut() else { continue };
                first.separator = bounds.lower.into();
            }
        }
        match groups.pop_if(|before| small(before, size)) {
            Some(before) => groups.push(merge(tx, level, before, group)?),
            None => groups.push(group),
        }
    }
    if groups.len() > 1
        && let Some(last) = groups.pop_if(|last| small(last, size))
        && let Some(before) = groups.pop()
    {
        groups.push(merge(tx, level, before, last)?);
    }
    out.begin();
    groups.into_iter().try_for_each(|group| emit(tx, out, level, group))
}

/// True if the group is rewritten anyway, and is underfull.
fn small(group: &Group<'_>, size: PageSize) -> bool {
    group.unchanged.is_none() && underfull(room(&group.entries), size)
}

fn merge<'a>(
    tx: &mut Transaction,
    level: u8,
    before: Group<'a>,
    group: Group<'a>,
) -> Result<Group<'a>, WriteError> {
    let (mut left, right) = (open(tx, level, before)?, open(tx, level, group)?);
    left.bounds.upper = right.bounds.upper;
    left.entries = join(tx, level - 1, left.entries, right.entries, left.bounds.upper)?;
    left.replaced.extend(right.replaced);
    Ok(left)
}

/// Puts the children of two neighbouring nodes together; they are pages of `level`, and no key of theirs reaches `upper`.
/// A child that was its node's only one may have an only child itself, because it had nobody to merge with. Now it has:
/// the two pages that meet become one, or two that are even (T6). The recursion is as deep as the level, which falls.
fn join(
    tx: &mut Transaction,
    level: u8,
    mut left: Vec<Entry>,
    mut right: Vec<Entry>,
    upper: Option<&[u8]>,
) -> Result<Vec<Entry>, WriteError> {
    if level > 0
        && (left.len() == 1 || right.len() == 1)
        && let (Some(one), Some(other)) = (left.last(), right.first())
    {
        let behind = right.get(1).map_or(upper, |next| Some(&*next.separator));
        let first = children(tx, level, one, Some(&other.separator))?;
        let second = children(tx, level, other, behind)?;
        if first.len() == 1 || second.len() == 1 {
            let (one_page, other_page) = (one.page, other.page);
            let below = join(tx, level - 1, first, second, behind)?;
            left.pop();
            right.remove(0);
            left.extend(write_all(tx, level, &below)?);
            tx.free(one_page);
            tx.free(other_page);
        }
    }
    left.extend(right);
    Ok(left)
}

fn children(
    tx: &Transaction,
    level: u8,
    node: &Entry,
    upper: Option<&[u8]>,
) -> Result<Vec<Entry>, PageError> {
    let page = tx.page(node.page, PageKind::Inner)?;
    InnerPage::at_level(&page, level)?.entries(&node.separator, upper)
}

/// Writes pages of `level` that hold these entries.
fn write_all(tx: &mut Transaction, level: u8, entries: &[Entry]) -> Result<Vec<Entry>, WriteError> {
    let size = tx.pager().page_size();
    let mut out = Lists::new(size);
    out.begin();
    for piece in cut_evenly(entries, size) {
        out.push_packed(tx, Packed::inner(size, level, &entries[piece]))?;
    }
    Ok(out.finish(tx)?.into_iter().flatten().collect())
}

/// Reads an unchanged node's entries, to be packed with its neighbour's.
fn open<'a>(tx: &mut Transaction, level: u8, mut group: Group<'a>) -> Result<Group<'a>, WriteError> {
    if let Some(Old { page: at, .. }) = group.unchanged.take() {
        let page = tx.page(at, PageKind::Inner)?;
        group.entries = InnerPage::at_level(&page, level)?.entries(group.bounds.lower, group.bounds.upper)?;
        group.replaced.push(at);
    }
    Ok(group)
}

fn emit(tx: &mut Transaction, out: &mut Lists, level: u8, group: Group<'_>) -> Result<(), WriteError> {
    if let Some(old) = group.unchanged {
        out.push_written(group.bounds.lower.into(), old);
        return Ok(());
    }
    let size = tx.pager().page_size();
    for piece in cut_evenly(&group.entries, size) {
        out.push_packed(tx, Packed::inner(size, level, &group.entries[piece]))?;
    }
    group.replaced.into_iter().for_each(|page| tx.free(page));
    Ok(())
}

/// Puts levels on top until one page is left; or takes levels off while the root has a single child (T6). `entries` are
/// pages of `level`.
fn finish_root<F: LeafFormat>(
    tx: &mut Transaction,
    mut level: u8,
    mut entries: Vec<Entry>,
) -> Result<Option<Written>, WriteError> {
    let grown = entries.len() > 1;
    while entries.len() > 1 {
        level += 1;
        entries = write_all(tx, level, &entries)?;
    }
    let Some(mut root) = entries.pop().map(|entry| entry.page) else { return Ok(None) };
    while !grown && level > 0 {
        let page = load::<F>(tx, root, level)?;
        let inner = InnerPage::at_level(&page, level)?;
        if inner.count() > 1 {
            break;
        }
        tx.free(root);
        (root, level) = (inner.child(0)?, level - 1);
    }
    Ok(Some(root))
}
