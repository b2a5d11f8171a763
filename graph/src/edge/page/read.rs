//! Reading adjacency leaves: what the edge layer calls. Damage becomes an error that names the page.

use super::leaf::{Leaf, PageHead};
use super::{EdgeKey, Parsed, count};
use crate::prefetch;
use std::ops::Bound;
use storage_core::pager::{Page, PageError};

/// What [`targets`] found of a vertex in one leaf.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Neighbours appended.
    pub edges: usize,
    /// No greater vertex is in this page: the vertex may go on in the next leaf. Whether it does, [`goes_on`] tells.
    pub at_end: bool,
}

/// Whether a vertex with edges in (or missing from) a leaf may have more in the next one: `upper` is the next leaf's lower
/// bound. A leaf that begins with a new vertex has that vertex alone for its bound, one that begins inside a vertex's
/// edges has a longer one.
pub fn goes_on(upper: &[u8], vertex: u64) -> bool {
    upper.strip_prefix(&vertex.to_be_bytes()).is_some_and(|rest| !rest.is_empty())
}

/// Opens the page and maps damage to its error.
#[inline]
fn with<T>(page: &Page, read: impl FnOnce(Leaf<'_>) -> Parsed<T>) -> Result<T, PageError> {
    Leaf::parse(page, page.used(), page.codec()).and_then(read).map_err(|what| page.damage(what))
}

/// The page's fields.
pub(super) fn head(page: &Page) -> Result<PageHead, PageError> {
    with(page, |leaf| Ok(leaf.kept()))
}

/// A page at hand, with its fields: see [`crate::btree::Quick`]. Damage is said in words, for whoever knows the page.
pub(crate) struct Again<'p>(Leaf<'p>);

impl<'p> Again<'p> {
    #[inline]
    pub fn new(page: &'p [u8], head: &PageHead) -> Parsed<Self> {
        Ok(Again(Leaf::again(page, head)?))
    }

    /// As [`targets`].
    #[inline]
    pub fn targets(&self, vertex: u64, edge_type: Option<u32>, out: &mut Vec<u64>) -> Parsed<()> {
        self.0.targets(vertex, edge_type, out)
    }

    /// As [`targets`], of some vertices until there are `enough` neighbours. Returns how many were read, at least one.
    pub fn targets_of_some(
        &self,
        vertices: &[u64],
        edge_type: Option<u32>,
        enough: usize,
        out: &mut Vec<u64>,
    ) -> Parsed<usize> {
        self.0.targets_of_some(vertices, edge_type, enough, out)
    }

    /// Whether this very edge is in the page.
    pub fn has(&self, key: &EdgeKey) -> Parsed<bool> {
        find_in(self.0, key)
    }

    /// As [`ranks`].
    pub fn ranks(&self, list: (u64, u32), neighbor: u64, out: &mut Vec<u32>) -> Parsed<()> {
        self.0.ranks(list, neighbor, out)
    }

    /// Asks the processor for the first two lines of a vertex's lists. What is wrong with the page is told by whoever reads
    /// them.
    #[inline]
    pub fn ask(&self, vertex: u64) {
        if let Ok(Some(at)) = self.0.head.find(self.0.bytes, vertex) {
            let page = self.0.bytes.padded().0;
            prefetch::ahead(page, at);
            prefetch::ahead(page, at + 64);
        }
    }
}

/// Appends the neighbours of `vertex`, a neighbour for each edge: by type, then ascending. With `edge_type` only that
/// type's. After an error `out` is what it was.
///
/// # Errors
/// [`PageError::Damage`](storage_core::pager::PageError): the page contradicts itself.
pub fn targets(
    page: &Page,
    vertex: u64,
    edge_type: Option<u32>,
    out: &mut Vec<u64>,
) -> Result<Segment, PageError> {
    let before = out.len();
    with(page, |leaf| {
        leaf.targets(vertex, edge_type, out)?;
        Ok(Segment { edges: out.len() - before, at_end: vertex >= leaf.last() })
    })
}

/// Appends type, neighbour and rank of each edge of `vertex`, in order. After an error `out` is what it was.
///
/// # Errors
/// [`PageError::Damage`](storage_core::pager::PageError): the page contradicts itself.
pub fn edges(page: &Page, vertex: u64, out: &mut Vec<(u32, u64, u32)>) -> Result<(), PageError> {
    with(page, |leaf| leaf.edges(vertex, out))
}

/// The edges of one type of `vertex` in this page that go to `from` and beyond, as neighbour and rank, strictly ascending.
/// What comes before is passed over without being looked at. Ends after the first error.
pub(crate) fn steps(
    page: &Page,
    vertex: u64,
    edge_type: u32,
    from: u64,
) -> Result<impl Iterator<Item = Result<(u64, u32), PageError>>, PageError> {
    let damage = |what| page.damage(what);
    let leaf = Leaf::parse(page, page.used(), page.codec()).map_err(damage)?;
    let list = leaf.find(vertex, edge_type).map_err(damage)?;
    let steps = list.map(|list| list.steps(from)).transpose().map_err(damage)?;
    Ok(steps.into_iter().flatten().map(move |step| step.map_err(damage)))
}

/// Appends the types of which `vertex` has edges in this page, ascending.
pub(crate) fn types(page: &Page, vertex: u64, out: &mut Vec<u32>) -> Result<(), PageError> {
    with(page, |leaf| leaf.types(vertex, out))
}

/// How many edges (of one type, or of all) `vertex` has in this page. Decodes no list.
///
/// # Errors
/// [`PageError::Damage`](storage_core::pager::PageError): the page contradicts itself.
pub fn degree(page: &Page, vertex: u64, edge_type: Option<u32>) -> Result<u64, PageError> {
    with(page, |leaf| leaf.degree(vertex, edge_type))
}

/// How many edges of this page lie between two keys. Decodes only a list that the range ends in, up to there.
pub(super) fn count(page: &Page, from: Bound<&EdgeKey>, to: Bound<&EdgeKey>) -> Result<u64, PageError> {
    with(page, |leaf| match count::closed(from, to) {
        Some((from, to)) => leaf.count(from, to),
        None => Ok(0),
    })
}

/// How many of these keys, which ascend, are in this page. The lists of each vertex are decoded once.
pub(super) fn held<'k>(page: &Page, keys: impl Iterator<Item = &'k EdgeKey>) -> Result<u64, PageError> {
    with(page, |leaf| {
        let (mut held, mut vertex, mut edges) = (0, None, Vec::new());
        let mut at = 0;
        for key in keys {
            if vertex != Some(key.vertex) {
                (vertex, at) = (Some(key.vertex), 0);
                edges.clear();
                leaf.edges(key.vertex, &mut edges)?;
            }
            let entry = key.entry();
            at += edges[at..].partition_point(|edge| *edge < entry);
            held += u64::from(edges.get(at) == Some(&entry));
        }
        Ok(held)
    })
}

/// Whether `vertex` has an edge of this type to `neighbor` in this page, of any rank.
///
/// # Errors
/// [`PageError::Damage`](storage_core::pager::PageError): the page contradicts itself.
pub fn contains(page: &Page, vertex: u64, edge_type: u32, neighbor: u64) -> Result<bool, PageError> {
    with(page, |leaf| leaf.find(vertex, edge_type)?.map_or(Ok(false), |list| list.contains(neighbor)))
}

/// Appends the ranks of the edges of this type from `vertex` to `neighbor` in this page, ascending.
///
/// # Errors
/// [`PageError::Damage`](storage_core::pager::PageError): the page contradicts itself.
pub fn ranks(
    page: &Page,
    vertex: u64,
    edge_type: u32,
    neighbor: u64,
    out: &mut Vec<u32>,
) -> Result<(), PageError> {
    with(page, |leaf| leaf.ranks((vertex, edge_type), neighbor, out))
}

/// Whether this very edge is in this page.
pub(super) fn find(page: &Page, key: &EdgeKey) -> Result<bool, PageError> {
    with(page, |leaf| find_in(leaf, key))
}

/// The same without I/O.
pub(super) fn find_in(leaf: Leaf<'_>, key: &EdgeKey) -> Parsed<bool> {
    let Some(list) = leaf.find(key.vertex, key.edge_type)? else { return Ok(false) };
    list.has(key.neighbor, key.rank)
}

/// The smallest vertex in this page.
///
/// # Errors
/// [`PageError::Damage`](storage_core::pager::PageError): the page contradicts itself.
pub fn first_vertex(page: &Page) -> Result<u64, PageError> {
    with(page, |leaf| Ok(leaf.head.first))
}

/// The greatest vertex in this page.
///
/// # Errors
/// [`PageError::Damage`](storage_core::pager::PageError): the page contradicts itself.
pub fn last_vertex(page: &Page) -> Result<u64, PageError> {
    with(page, |leaf| Ok(leaf.last()))
}

/// The vertices in this page, ascending.
///
/// # Errors
/// [`PageError::Damage`](storage_core::pager::PageError): the page contradicts itself.
pub fn vertices(page: &Page) -> Result<impl Iterator<Item = u64>, PageError> {
    let leaf = Leaf::parse(page, page.used(), page.codec()).map_err(|what| page.damage(what))?;
    Ok(leaf.vertices())
}

/// Gives each vertex of the page with its neighbours (of one type, or of all) to `each`, ascending; `buffer` holds
/// them meanwhile. Vertices without such edges are left out. Damage may show after some were given.
///
/// # Errors
/// [`PageError::Damage`](storage_core::pager::PageError): the page contradicts itself.
pub fn scan(
    page: &Page,
    edge_type: Option<u32>,
    buffer: &mut Vec<u64>,
    each: &mut impl FnMut(u64, &[u64]),
) -> Result<(), PageError> {
    with(page, |leaf| leaf.scan(edge_type, buffer, each))
}

/// Checks everything that the layout says about a page.
///
/// # Errors
/// [`PageError::Damage`](storage_core::pager::PageError): the page contradicts itself.
pub fn validate(page: &Page) -> Result<(), PageError> {
    with(page, |leaf| leaf.strict().check_all(leaf.bytes))
}
