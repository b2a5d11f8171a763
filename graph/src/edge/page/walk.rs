//! A page's vertices one after another, each read only as far as somebody wants: for passes over the whole graph.
//!
//! Must always be true: vertices ascend strictly, and each list begins behind the one before it; together not more edges
//! are given than a page may hold, so that time is bounded by the page's size, whatever its bytes say.

use super::bytes::Bytes;
use super::directory::Head;
use super::leaf::Leaf;
use super::{EDGES_A_BYTE, simd};
use storage_core::pager::{Page, PageError};

const TOO_MANY: &str = "more edges than a page may hold";

/// A place among the vertices of a page.
#[derive(Debug)]
pub(crate) struct PageWalk {
    page: Page,
    head: Head,
    slot: usize,
    vertex: Option<u64>,
    /// No list may begin before.
    floor: usize,
    /// How many edges may still come.
    left: usize,
    /// A list that is read at once.
    list: Vec<u64>,
}

impl PageWalk {
    /// Before the first vertex of a page.
    pub(crate) fn new(page: Page) -> Result<Self, PageError> {
        let leaf = Leaf::parse(&page, page.used(), page.codec()).map_err(|what| page.damage(what))?;
        let (head, left) = (leaf.head, EDGES_A_BYTE * page.len());
        let mut walk =
            PageWalk { page, head, slot: 0, vertex: None, floor: head.end(), left, list: Vec::new() };
        walk.settle().map_err(|what| walk.page.damage(what))?;
        Ok(walk)
    }

    /// The vertex that comes next; `None` at the end.
    #[inline]
    pub(crate) fn vertex(&self) -> Option<u64> {
        self.vertex
    }

    /// Passes over the next vertex.
    pub(crate) fn skip(&mut self) -> Result<(), PageError> {
        self.slot += 1;
        self.settle().map_err(|what| self.page.damage(what))
    }

    /// Gives the neighbours of the next vertex, of the types that are `wanted`, some at a time with their type, until
    /// `each` says that it is enough. Then the vertex is passed. Returns whether `each` wants more.
    pub(crate) fn read(
        &mut self,
        wanted: impl Fn(u32) -> bool,
        mut each: impl FnMut(u32, &[u64]) -> bool,
    ) -> Result<bool, PageError> {
        let Some(vertex) = self.vertex else { return Ok(true) };
        let more = self.read_at(vertex, wanted, &mut each).map_err(|what| self.page.damage(what))?;
        self.skip()?;
        Ok(more)
    }

    fn read_at(
        &mut self,
        vertex: u64,
        wanted: impl Fn(u32) -> bool,
        each: &mut impl FnMut(u32, &[u64]) -> bool,
    ) -> Result<bool, &'static str> {
        let bytes = Bytes::new(&self.page, self.page.used())?;
        let at = self.head.offset(bytes, self.slot);
        if at < self.floor {
            return Err("lists overlap");
        }
        self.floor = at + 1;
        let left = &mut self.left;
        self.list.clear();
        // Most lists are short and of the page's main type.
        if wanted(self.head.main_type) && simd::plain(bytes, at, vertex, &mut self.list).is_some() {
            *left = left.checked_sub(self.list.len()).ok_or(TOO_MANY)?;
            return Ok(each(self.head.main_type, &self.list));
        }
        let mut too_many = false;
        let more = Leaf { bytes, head: self.head }.some(vertex, at, wanted, &mut |edge_type, some| {
            too_many = some.len() > *left;
            *left = left.saturating_sub(some.len());
            !too_many && each(edge_type, some)
        })?;
        if too_many { Err(TOO_MANY) } else { Ok(more) }
    }

    /// Goes on to the slot of a vertex that has lists.
    fn settle(&mut self) -> Result<(), &'static str> {
        let bytes = Bytes::new(&self.page, self.page.used())?;
        self.slot = self.head.with_lists(bytes, self.slot);
        let next = (self.slot < self.head.slots).then(|| self.head.vertex(bytes, self.slot));
        if next.is_some() && self.vertex >= next {
            return Err("vertices do not ascend");
        }
        self.vertex = next;
        Ok(())
    }
}
