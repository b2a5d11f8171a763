//! The entries of a page in key order, for merging with changes: one vertex is decoded at a time.

use super::EdgeKey;
use super::bytes::Bytes;
use super::leaf::{Leaf, Strict};
use storage_core::pager::{Page, PageError};

/// All edges of a page as keys, strictly ascending. Checks the page on the way; ends after the first error.
#[derive(Debug)]
pub struct Entries {
    page: Page,
    walk: Option<Strict>,
    vertex: u64,
    edges: Vec<(u32, u64, u32)>,
    at: usize,
}

impl Entries {
    pub(super) fn new(page: Page) -> Result<Self, PageError> {
        let leaf = Leaf::parse(&page, page.used(), page.codec()).map_err(|what| page.damage(what))?;
        let walk = Some(leaf.strict());
        Ok(Entries { page, walk, vertex: 0, edges: Vec::new(), at: 0 })
    }

    /// What is decoded of a vertex and lies below `end`; it is passed over.
    pub(super) fn at_hand(&mut self, end: Option<&EdgeKey>) -> (u64, &[(u32, u64, u32)]) {
        let rest = self.edges.get(self.at..).unwrap_or_default();
        let count = match end {
            Some(end) if end.vertex < self.vertex => 0,
            Some(end) if end.vertex == self.vertex => {
                let end = (end.edge_type, end.neighbor, end.rank);
                rest.partition_point(|edge| *edge < end)
            }
            _ => rest.len(),
        };
        self.at += count;
        (self.vertex, &self.edges[self.at - count..self.at])
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

impl Iterator for Entries {
    type Item = Result<(EdgeKey, ()), PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.edges.len() {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
        let (edge_type, neighbor, rank) = *self.edges.get(self.at)?;
        self.at += 1;
        Some(Ok((EdgeKey { vertex: self.vertex, edge_type, neighbor, rank }, ())))
    }
}
