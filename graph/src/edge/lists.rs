//! The lists of many vertices, one after the other, out of one tree.
//!
//! Must always be true: a list is whole, over all its leaves, with what was changed in memory; lists come in the order
//! (type, neighbour, rank). The leaf at hand is not looked up again for the next vertex that is in it.
//!
//! Memory: 16 bytes for a vertex that was located, and what its lists take.

use super::page::{self, EdgeLeaf};
use super::window::{Window, first_from};
use super::{EdgeKey, Entry};
use crate::btree::{Delta, Finger, Spot};
use storage_core::page::Written;
use storage_core::pager::{Page, PageError, ReadPages};

/// Reads lists out of one tree.
#[derive(Debug)]
pub(crate) struct Lists<'a, const IN: bool, R: ReadPages> {
    near: Finger<'a, EdgeLeaf<IN>, R>,
    /// For lists over several leaves.
    far: Finger<'a, EdgeLeaf<IN>, R>,
    spots: Vec<Spot<'a, EdgeLeaf<IN>>>,
    places: Vec<Place>,
}

/// Where a vertex that was located stands.
#[derive(Copy, Clone, Debug)]
struct Place {
    vertex: u64,
    /// Which of the spots; none in an empty tree.
    spot: u32,
    /// The next leaf may go on with the vertex.
    goes_on: bool,
}

impl<'a, const IN: bool, R: ReadPages> Lists<'a, IN, R> {
    pub fn new(tree: &'a crate::btree::Tree<EdgeLeaf<IN>>, pages: &'a R) -> Self {
        let (near, far) = (Finger::new(tree, pages), Finger::new(tree, pages));
        Lists { near, far, spots: Vec::new(), places: Vec::new() }
    }

    /// Looks up where these vertices begin, and appends the pages that will be read for them. What was located before is
    /// forgotten.
    pub fn locate(
        &mut self,
        vertices: impl Iterator<Item = u64>,
        pages: &mut Vec<Written>,
    ) -> Result<(), PageError> {
        self.spots.clear();
        self.places.clear();
        for vertex in vertices {
            let Some(spot) = self.near.locate(&EdgeKey::first_of(vertex).to_bytes())? else { break };
            if self.spots.last().is_none_or(|last| !last.is(&spot)) {
                self.spots.push(spot);
                pages.extend(spot.page);
            }
            let goes_on = self.near.upper().is_some_and(|upper| page::goes_on(upper, vertex));
            self.places.push(Place { vertex, spot: self.spots.len() as u32 - 1, goes_on });
        }
        Ok(())
    }

    /// Appends the neighbours of the vertex that was located as number `index`, of one type or of all.
    pub fn targets(
        &mut self,
        index: usize,
        edge_type: Option<u32>,
        out: &mut Vec<u64>,
    ) -> Result<(), PageError> {
        self.each_leaf(index, edge_type, |vertex, page, delta| {
            leaf_targets((page, delta), vertex, edge_type, out)
        })
    }

    /// Appends the entries of the vertex that was located as number `index`, of one type or of all.
    pub fn entries(
        &mut self,
        index: usize,
        edge_type: Option<u32>,
        out: &mut Vec<Entry>,
    ) -> Result<(), PageError> {
        self.each_leaf(index, edge_type, |vertex, page, delta| match edge_type {
            None => leaf_entries((page, delta), vertex, out),
            Some(edge_type) => entries_of((page, delta), (vertex, edge_type), out),
        })
    }

    /// Visits the leaves that may hold edges of a vertex, of one type or of all, in order.
    fn each_leaf(
        &mut self,
        index: usize,
        edge_type: Option<u32>,
        mut visit: impl FnMut(u64, Option<&Page>, Option<&'a Changes>) -> Result<(), PageError>,
    ) -> Result<(), PageError> {
        // In an empty tree nothing was found.
        let Some(Place { vertex, spot, goes_on }) = self.places.get(index).copied() else { return Ok(()) };
        if !goes_on {
            let Spot { page, delta } = self.spots[spot as usize];
            let page = page.map(|at| self.near.read(at)).transpose()?;
            return visit(vertex, page, delta);
        }
        let first = EdgeKey { edge_type: edge_type.unwrap_or(0), ..EdgeKey::first_of(vertex) };
        let last = edge_type.unwrap_or(u32::MAX);
        let mut next = Some(first);
        while let Some(key) = next {
            let Some(leaf) = self.far.seek(&key.to_bytes())? else { break };
            visit(vertex, leaf.page, leaf.delta)?;
            next =
                leaf.upper.and_then(first_from).filter(|key| (key.vertex, key.edge_type) <= (vertex, last));
        }
        self.far.release();
        Ok(())
    }
}

/// Appends all entries of a vertex, if they are in one leaf and there are at most `most` of them, and says whether that is
/// so.
pub(crate) fn few<const IN: bool, R: ReadPages>(
    finger: &mut Finger<'_, EdgeLeaf<IN>, R>,
    vertex: u64,
    most: usize,
    out: &mut Vec<Entry>,
) -> Result<bool, PageError> {
    let Some(leaf) = finger.seek(&EdgeKey::first_of(vertex).to_bytes())? else { return Ok(true) };
    if leaf.upper.is_some_and(|upper| page::goes_on(upper, vertex)) {
        return Ok(false);
    }
    let of_page = leaf.page.map_or(Ok(0), |page| page::degree(page, vertex, None))?;
    let changes = leaf.delta.map_or(0, |delta| delta.range(range_of(vertex)).take(most + 1).count());
    if of_page + changes as u64 > most as u64 {
        return Ok(false);
    }
    leaf_entries((leaf.page, leaf.delta), vertex, out)?;
    Ok(true)
}

/// What was changed in a leaf: of either tree, for it is the same type.
type Changes = Delta<EdgeLeaf<false>>;

/// A leaf: its page, and what was changed since.
pub(super) type Leaf<'p, 'd> = (Option<&'p Page>, Option<&'d Changes>);

fn range_of(vertex: u64) -> std::ops::RangeInclusive<EdgeKey> {
    let last = EdgeKey { vertex, edge_type: u32::MAX, neighbor: u64::MAX, rank: u32::MAX };
    EdgeKey::first_of(vertex)..=last
}

/// Whether edges of the vertex were changed in this leaf.
pub(super) fn changed(delta: Option<&Changes>, vertex: u64) -> bool {
    delta.is_some_and(|delta| delta.range(range_of(vertex)).next().is_some())
}

/// A vertex's neighbours in one leaf, of one type or of all.
fn leaf_targets(
    (page, delta): Leaf<'_, '_>,
    vertex: u64,
    edge_type: Option<u32>,
    out: &mut Vec<u64>,
) -> Result<(), PageError> {
    if !changed(delta, vertex) {
        return page.map_or(Ok(()), |page| page::targets(page, vertex, edge_type, out).map(|_| ()));
    }
    let mut entries = Vec::new();
    match edge_type {
        None => leaf_entries((page, delta), vertex, &mut entries)?,
        Some(edge_type) => entries_of((page, delta), (vertex, edge_type), &mut entries)?,
    }
    out.extend(entries.iter().map(|(_, neighbor, _)| *neighbor));
    Ok(())
}

/// A vertex's entries of one type in one leaf.
fn entries_of(
    leaf: Leaf<'_, '_>,
    (vertex, edge_type): (u64, u32),
    out: &mut Vec<Entry>,
) -> Result<(), PageError> {
    let mut stands = Vec::new();
    let (low, high) = ((0, 0), (u64::MAX, u32::MAX));
    let window = Window { vertex, edge_type, low, high, backwards: false };
    window.of_leaf(leaf, usize::MAX, &mut stands)?;
    out.extend(stands.iter().map(|(neighbor, rank)| (edge_type, *neighbor, *rank)));
    Ok(())
}

/// A vertex's entries in one leaf: the page's, with the changes applied.
pub(super) fn leaf_entries(
    (page, delta): Leaf<'_, '_>,
    vertex: u64,
    out: &mut Vec<Entry>,
) -> Result<(), PageError> {
    let Some(delta) = delta.filter(|delta| changed(Some(delta), vertex)) else {
        return page.map_or(Ok(()), |page| page::edges(page, vertex, out));
    };
    let mut base = Vec::new();
    if let Some(page) = page {
        page::edges(page, vertex, &mut base)?;
    }
    let mut base = base.into_iter().peekable();
    for (key, change) in delta.range(range_of(vertex)) {
        let entry = (key.edge_type, key.neighbor, key.rank);
        while let Some(before) = base.next_if(|b| *b < entry) {
            out.push(before);
        }
        base.next_if_eq(&entry);
        if change.is_some() {
            out.push(entry);
        }
    }
    out.extend(base);
    Ok(())
}
