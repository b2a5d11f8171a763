//! All lists of a tree, leaf after leaf: the fastest way through a whole graph.
//!
//! Must always be true: vertices come ascending, each once with its whole list, over however many leaves it goes and with
//! what was changed in memory; vertices without such edges are left out. An error is never a short list.
//!
//! Memory: the longest list, twice.

use super::page::{self, EdgeLeaf};
use super::window::first_from;
use crate::btree::{LeafView, Tree};
use storage_core::pager::{PageError, ReadPages};

/// Gives each vertex with its neighbours, of one type or of all: by type, then ascending.
pub(crate) fn scan<const IN: bool, R: ReadPages>(
    tree: &Tree<EdgeLeaf<IN>>,
    pages: &R,
    edge_type: Option<u32>,
    visit: &mut impl FnMut(u64, &[u64]),
) -> Result<(), PageError> {
    let (mut list, mut held) = (Vec::new(), Held { vertex: None, list: Vec::new() });
    for leaf in tree.leaves(pages, &[]) {
        let leaf = leaf?;
        // Where the next leaf begins within a vertex's edges, this one may have the first of them.
        let goes_on = leaf.upper.as_deref().and_then(first_from).map(|key| key.vertex);
        let goes_on =
            goes_on.filter(|vertex| leaf.upper.as_deref().is_some_and(|upper| page::goes_on(upper, *vertex)));
        if let (Some(page), None, None, None) = (&leaf.page, leaf.delta, goes_on, held.vertex) {
            // Nearly all leaves: whole lists, without changes.
            page::scan(page, edge_type, &mut list, visit)?;
            continue;
        }
        let mut each = |vertex: u64, list: &[u64]| held.give(vertex, list, goes_on, visit);
        match (&leaf.page, leaf.delta) {
            (Some(page), None) => page::scan(page, edge_type, &mut list, &mut each)?,
            (None, None) => {}
            (_, Some(_)) => changed(&leaf, edge_type, &mut list, &mut each)?,
        }
    }
    held.let_go(visit);
    Ok(())
}

/// The same of a leaf with changes.
fn changed<const IN: bool>(
    leaf: &LeafView<'_, EdgeLeaf<IN>>,
    edge_type: Option<u32>,
    list: &mut Vec<u64>,
    each: &mut impl FnMut(u64, &[u64]),
) -> Result<(), PageError> {
    let mut of = None;
    list.clear();
    for entry in leaf.entries()? {
        let (key, ()) = entry?;
        if of != Some(key.vertex) {
            if let Some(vertex) = of.filter(|_| !list.is_empty()) {
                each(vertex, list);
            }
            list.clear();
            of = Some(key.vertex);
        }
        if edge_type.is_none_or(|wanted| wanted == key.edge_type) {
            list.push(key.neighbor);
        }
    }
    if let Some(vertex) = of.filter(|_| !list.is_empty()) {
        each(vertex, list);
    }
    Ok(())
}

/// The list of a vertex that may go on in the next leaf.
struct Held {
    vertex: Option<u64>,
    list: Vec<u64>,
}

impl Held {
    fn give(&mut self, vertex: u64, list: &[u64], goes_on: Option<u64>, visit: &mut dyn FnMut(u64, &[u64])) {
        if self.vertex != Some(vertex) {
            self.let_go(visit);
            if goes_on != Some(vertex) {
                return visit(vertex, list);
            }
            self.vertex = Some(vertex);
        }
        self.list.extend_from_slice(list);
    }

    fn let_go(&mut self, visit: &mut dyn FnMut(u64, &[u64])) {
        if let Some(vertex) = self.vertex.take() {
            visit(vertex, &self.list);
            self.list.clear();
        }
    }
}
