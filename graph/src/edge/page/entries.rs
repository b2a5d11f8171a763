//! The entries of a page in key order, for merging with changes: one vertex is decoded at a time.

use super::bytes::Bytes;
use super::leaf::{Leaf, Strict};
use super::{EdgeKey, EdgeLeaf, Packer};
use crate::btree::{Ahead, PackedLeaf};
use crate::edge::Entry;
use storage_core::pager::{Page, PageError};

/// All edges of a page as keys, strictly ascending. Checks the page on the way; ends after the first error.
#[derive(Debug)]
pub struct Entries {
    page: Page,
    walk: Option<Strict>,
    vertex: u64,
    edges: Vec<Entry>,
    at: usize,
}

impl Entries {
    pub(super) fn new(page: Page) -> Result<Self, PageError> {
        let leaf = Leaf::parse(&page, page.used(), page.codec()).map_err(|what| page.damage(what))?;
        let walk = Some(leaf.strict());
        Ok(Entries { page, walk, vertex: 0, edges: Vec::new(), at: 0 })
    }

    /// The edge that comes next.
    fn next_key(&mut self) -> Result<Option<EdgeKey>, PageError> {
        while self.at == self.edges.len() {
            if !self.advance()? {
                return Ok(None);
            }
        }
        let (edge_type, neighbor, rank) = self.edges[self.at];
        Ok(Some(EdgeKey { vertex: self.vertex, edge_type, neighbor, rank }))
    }

    /// What is left of its vertex' edges, or those up to `end`; they are passed over.
    fn take(&mut self, end: Option<&EdgeKey>) -> &[Entry] {
        let rest = &self.edges[self.at..];
        let count = end.map_or(rest.len(), |end| rest.partition_point(|edge| *edge <= end.entry()));
        self.at += count;
        &self.edges[self.at - count..self.at]
    }

    /// Decodes the next vertex; false at the end.
    fn advance(&mut self) -> Result<bool, PageError> {
        let Some(walk) = &mut self.walk else { return Ok(false) };
        self.edges.clear();
        self.at = 0;
        let next =
            Bytes::new(&self.page, self.page.used()).and_then(|bytes| walk.next(bytes, &mut self.edges));
        match next {
            Ok(Some(vertex)) => {
                self.vertex = vertex;
                Ok(true)
            }
            Ok(None) => {
                self.walk = None;
                Ok(false)
            }
            Err(what) => {
                self.walk = None;
                self.edges.clear();
                Err(self.page.damage(what))
            }
        }
    }
}

/// Gives a packer the edges of the next vertex, with the changes made to them, or as many of them as the changes at hand tell
/// of: see [`crate::btree::LeafFormat::merge`].
pub(super) fn merge<const IN: bool>(
    mut page: Option<&mut Entries>,
    ahead: &mut Ahead<'_, '_, EdgeLeaf<IN>>,
    (packer, out): (&mut Packer<IN>, &mut Vec<PackedLeaf>),
    mut seen: impl FnMut(&EdgeKey) -> Result<(), PageError>,
) -> Result<bool, PageError> {
    let of_page = page.as_mut().map_or(Ok(None), |page| page.next_key())?;
    let changed = ahead.changes.first().map(|(key, _)| **key);
    let Some(first) = of_page.into_iter().chain(changed).min() else { return Ok(false) };
    seen(&first)?;
    let of_first = |key: &EdgeKey| key.vertex == first.vertex;
    let count = ahead.changes.iter().take_while(|(key, _)| of_first(key)).count();
    let (changes, behind) = ahead.changes.split_at(count);
    ahead.changes = behind;
    // Behind the last one nothing is known yet, if there are more.
    let end = changes.last().filter(|_| behind.is_empty() && ahead.more).map(|(key, _)| *key);
    let page = page.filter(|_| of_page.as_ref().is_some_and(of_first));
    let edges = page.map_or([].as_slice(), |page| page.take(end));
    if let Some(last) = packer.push_merged(first.vertex, edges, (changes, ahead.growth), out) {
        seen(&last)?;
    }
    Ok(true)
}

impl Iterator for Entries {
    type Item = Result<(EdgeKey, ()), PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_key().transpose()?;
        self.at += usize::from(next.is_ok());
        Some(next.map(|key| (key, ())))
    }
}
