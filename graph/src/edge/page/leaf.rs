//! A page as a whole, without I/O: its vertices, the lists of a vertex, and the strict walk over everything.
//!
//! Must always be true: single look-ups check what they touch; [`Leaf::strict`] checks everything, so that keys ascend
//! strictly and every used byte belongs to exactly one list.

use super::bytes::Bytes;
use super::directory::{BEYOND, Form, Head};
use super::lines::Lines;
use super::list::{List, TYPES};
use super::{CODEC, EDGES_A_BYTE, EdgeKey, Parsed, simd};
use crate::prefetch;
use storage_core::pager::Quota;

/// A page whose fields and directory bounds have been checked.
#[derive(Copy, Clone)]
pub(super) struct Leaf<'a> {
    pub bytes: Bytes<'a>,
    pub head: Head,
}

/// The fields of a page, checked: with them, its lists are found without looking at its first bytes again.
#[derive(Debug)]
pub struct PageHead {
    head: Head,
    used: usize,
    lines: Lines,
}

impl PageHead {
    /// Whether a vertex lies between the first and the last one of the page, if that is known without the page.
    #[inline]
    pub(crate) fn is_within(&self, vertex: u64) -> bool {
        self.head.form == Form::Dense
            && vertex > self.head.first
            && vertex - self.head.first < self.head.slots as u64 - 1
    }

    /// Where a look-up of a vertex begins to read.
    #[inline]
    pub(crate) fn begins(&self, vertex: u64) -> usize {
        self.head.begins(vertex)
    }

    /// Asks the processor for where the look-up of a vertex begins to read, and for its lists, about. What is wrong with the
    /// page is told by whoever reads them.
    #[inline]
    pub(crate) fn ask(&self, page: &[u8], vertex: u64, quota: &Quota) {
        prefetch::ahead(page, self.begins(vertex));
        if let Ok(bytes) = Bytes::new(page, self.used) {
            self.lines.ask(bytes, &self.head, vertex, quota);
        }
    }
}

/// Where a vertex's lists stand: one of the main type, or a table.
pub(super) enum Lists<'a> {
    One(usize),
    Table(Table<'a>),
}

/// A table of types.
#[derive(Copy, Clone)]
pub(super) struct Table<'a> {
    bytes: Bytes<'a>,
    count: usize,
    type_len: usize,
    /// Where the types begin; the offsets follow them.
    types: usize,
}

impl<'a> Table<'a> {
    fn parse(bytes: Bytes<'a>, at: usize) -> Parsed<Self> {
        let form = bytes.byte(at + 1)?;
        let type_len = match form & 3 {
            3 => return Err("a type table of unknown form"),
            log => 1 << log,
        };
        let (count, types) = match usize::from(form >> 2) {
            0 => (bytes.uint(at + 2, 2)? as usize, at + 4),
            count => (count, at + 2),
        };
        if count == 0 {
            return Err("a type table without types");
        }
        bytes
            .check(types, count * (type_len + 2))
            .map_err(|_| "a type table reaches beyond the used bytes")?;
        Ok(Table { bytes, count, type_len, types })
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn edge_type(&self, index: usize) -> Parsed<u32> {
        Ok(self.bytes.uint(self.types + index * self.type_len, self.type_len)? as u32)
    }

    pub fn offset(&self, index: usize) -> Parsed<usize> {
        Ok(self.bytes.uint(self.types + self.count * self.type_len + 2 * index, 2)? as usize)
    }

    pub fn end(&self) -> usize {
        self.types + self.count * (self.type_len + 2)
    }

    /// The first type that is not below `edge_type`.
    pub fn place(&self, edge_type: u32) -> Parsed<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = (low + high) / 2;
            if self.edge_type(middle)? < edge_type { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// Where the list of `edge_type` begins.
    fn find(&self, edge_type: u32) -> Parsed<Option<usize>> {
        let index = self.place(edge_type)?;
        if index == self.count || self.edge_type(index)? != edge_type {
            return Ok(None);
        }
        let at = self.offset(index)?;
        if at < self.end() { Err("a list begins before its type table ends") } else { Ok(Some(at)) }
    }
}

impl<'a> Leaf<'a> {
    /// A page with its header, as an image has it before it is written.
    pub fn parse(page: &'a [u8], used: usize, codec: u8) -> Parsed<Self> {
        if codec != CODEC {
            return Err("a layout of edge pages that this version does not know");
        }
        let bytes = Bytes::new(page, used)?;
        Ok(Leaf { bytes, head: Head::parse(bytes)? })
    }

    /// What may be kept of the page.
    pub fn kept(&self) -> PageHead {
        PageHead { head: self.head, used: self.bytes.used(), lines: Lines::default() }
    }

    /// The same page again.
    #[inline]
    pub fn again(page: &'a [u8], kept: &PageHead) -> Parsed<Self> {
        Ok(Leaf { bytes: Bytes::new(page, kept.used)?, head: kept.head })
    }

    pub fn lists(&self, at: usize) -> Parsed<Lists<'a>> {
        match self.bytes.byte(at)? {
            TYPES => Ok(Lists::Table(Table::parse(self.bytes, at)?)),
            _ => Ok(Lists::One(at)),
        }
    }

    /// The last vertex.
    pub fn last(&self) -> u64 {
        self.head.vertex(self.bytes, self.head.slots - 1)
    }

    /// The list of one type of a vertex whose lists begin at `at`.
    fn list(&self, vertex: u64, at: usize, edge_type: u32) -> Parsed<Option<List<'a>>> {
        let at = match self.lists(at)? {
            Lists::One(at) => Some(at).filter(|_| edge_type == self.head.main_type),
            Lists::Table(table) => table.find(edge_type)?,
        };
        at.map(|at| List::parse(self.bytes, at, vertex)).transpose()
    }

    /// The list of one type of `vertex`, if there is one.
    pub fn find(&self, vertex: u64, edge_type: u32) -> Parsed<Option<List<'a>>> {
        match self.head.find(self.bytes, vertex)? {
            Some(at) => self.list(vertex, at, edge_type),
            None => Ok(None),
        }
    }

    /// Appends the ranks of the edges of one type from `vertex` to `neighbor`, ascending.
    pub fn ranks(&self, list: (u64, u32), neighbor: u64, out: &mut Vec<u32>) -> Parsed<()> {
        self.find(list.0, list.1)?.map_or(Ok(()), |list| list.ranks_of(neighbor, out))
    }

    /// Gives all lists of a vertex to `each`, which says where a list ends. No list overlaps another, and types ascend
    /// strictly. Returns where the last list ends.
    fn each(
        &self,
        vertex: u64,
        at: usize,
        mut each: impl FnMut(u32, List<'a>) -> Parsed<usize>,
    ) -> Parsed<usize> {
        let table = match self.lists(at)? {
            Lists::One(at) => return each(self.head.main_type, List::parse(self.bytes, at, vertex)?),
            Lists::Table(table) => table,
        };
        let (mut end, mut before) = (table.end(), None);
        for index in 0..table.count {
            let edge_type = table.edge_type(index)?;
            if before >= Some(edge_type) {
                return Err("types do not ascend");
            }
            before = Some(edge_type);
            if table.offset(index)? != end {
                return Err("a list does not begin where the one before it ends");
            }
            end = each(edge_type, List::parse(self.bytes, end, vertex)?)?;
        }
        Ok(end)
    }

    /// Appends the neighbours of the vertex whose lists begin at `at`. Returns where the last list read ends.
    #[inline]
    fn targets_at(
        &self,
        vertex: u64,
        at: usize,
        edge_type: Option<u32>,
        out: &mut Vec<u64>,
    ) -> Parsed<usize> {
        if edge_type.is_none_or(|wanted| wanted == self.head.main_type)
            && let Some(end) = simd::plain(self.bytes, at, vertex, out)
        {
            return Ok(end);
        }
        self.targets_of_any(vertex, at, edge_type, out)
    }

    /// The same, field by field.
    #[inline(never)]
    fn targets_of_any(
        &self,
        vertex: u64,
        at: usize,
        edge_type: Option<u32>,
        out: &mut Vec<u64>,
    ) -> Parsed<usize> {
        match edge_type {
            None => self.each(vertex, at, |_, list| list.targets(out)),
            Some(wanted) => match self.list(vertex, at, wanted)? {
                Some(list) => list.targets(out),
                None => Ok(at),
            },
        }
    }

    /// Gives the neighbours of the vertex whose lists begin at `at`, of the types that are `wanted`, a block at a time,
    /// until `each` says that it is enough. Returns whether it wants more.
    pub fn some(
        &self,
        vertex: u64,
        at: usize,
        wanted: impl Fn(u32) -> bool,
        each: &mut impl FnMut(u32, &[u64]) -> bool,
    ) -> Parsed<bool> {
        let table = match self.lists(at)? {
            Lists::Table(table) => table,
            Lists::One(_) if !wanted(self.head.main_type) => return Ok(true),
            Lists::One(at) => {
                let list = List::parse(self.bytes, at, vertex)?;
                return list.blocks(|block| each(self.head.main_type, block));
            }
        };
        let (mut floor, mut before) = (table.end(), None);
        for index in 0..table.count {
            let (edge_type, at) = (table.edge_type(index)?, table.offset(index)?);
            if at < floor || before >= Some(edge_type) {
                return Err("lists overlap, or types do not ascend");
            }
            (floor, before) = (at + 1, Some(edge_type));
            if wanted(edge_type)
                && !List::parse(self.bytes, at, vertex)?.blocks(|block| each(edge_type, block))?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Appends the neighbours of `vertex`. After an error `out` is what it was.
    #[inline]
    pub fn targets(&self, vertex: u64, edge_type: Option<u32>, out: &mut Vec<u64>) -> Parsed<()> {
        let Some(at) = self.head.find(self.bytes, vertex)? else { return Ok(()) };
        // Where it goes on is not known before it is read: both come at once.
        prefetch::ahead(self.bytes.padded().0, at + 64);
        let len = out.len();
        self.targets_at(vertex, at, edge_type, out).map(drop).inspect_err(|_| out.truncate(len))
    }

    /// The same of some vertices, one after the other, until there are `enough` neighbours or one has lists that are not as
    /// most are. Returns how many were read, at least one. After an error `out` may have some of them.
    pub fn targets_of_some(
        &self,
        vertices: &[u64],
        edge_type: Option<u32>,
        enough: usize,
        out: &mut Vec<u64>,
    ) -> Parsed<usize> {
        let mut read = 0;
        if edge_type.is_none_or(|wanted| wanted == self.head.main_type) {
            // What is wrong is told below.
            let place =
                |vertex| self.head.find(self.bytes, vertex).map_or(self.bytes.used(), |at| at.unwrap_or(0));
            read = simd::plain_lists(self.bytes, vertices, place, enough, out);
        }
        if read < vertices.len() && (read == 0 || out.len() < enough) {
            self.targets(vertices[read], edge_type, out)?;
            read += 1;
        }
        Ok(read)
    }

    /// Appends type, neighbour and rank of each edge of `vertex`. After an error `out` is what it was.
    pub fn edges(&self, vertex: u64, out: &mut Vec<(u32, u64, u32)>) -> Parsed<()> {
        let Some(at) = self.head.find(self.bytes, vertex)? else { return Ok(()) };
        let len = out.len();
        self.each(vertex, at, |edge_type, list| list.edges(edge_type, out))
            .map(|_| ())
            .inspect_err(|_| out.truncate(len))
    }

    /// Appends the types of which `vertex` has edges here.
    pub fn types(&self, vertex: u64, out: &mut Vec<u32>) -> Parsed<()> {
        let Some(at) = self.head.find(self.bytes, vertex)? else { return Ok(()) };
        match self.lists(at)? {
            Lists::One(_) => out.push(self.head.main_type),
            Lists::Table(table) => {
                for index in 0..table.count {
                    out.push(table.edge_type(index)?);
                }
            }
        }
        Ok(())
    }

    /// How many edges `vertex` has here. Reads the lists' fields only.
    pub fn degree(&self, vertex: u64, edge_type: Option<u32>) -> Parsed<u64> {
        let (from, to) = EdgeKey::all_of(vertex, edge_type).into_inner();
        self.count(from, to)
    }

    /// The vertices that have lists here.
    pub fn vertices(&self) -> impl Iterator<Item = u64> + use<'a> {
        let Leaf { bytes, head } = *self;
        let dense = head.form == Form::Dense;
        (0..head.slots)
            .filter(move |slot| !dense || head.offset(bytes, *slot) != 0)
            .map(move |slot| head.vertex(bytes, slot))
    }

    /// Gives each vertex and its neighbours to `each`, in order; vertices without such edges are left out. No list is
    /// read twice, so that time is bounded by the page's bytes.
    pub fn scan(
        &self,
        edge_type: Option<u32>,
        out: &mut Vec<u64>,
        each: &mut impl FnMut(u64, &[u64]),
    ) -> Parsed<()> {
        let mut pass = Pass { slot: 0, end: self.head.end(), before: None };
        let main = edge_type.is_none_or(|wanted| wanted == self.head.main_type);
        loop {
            if main {
                simd::scan(*self, &mut pass, out, each);
            }
            let Some((vertex, at)) = pass.next(*self) else { break };
            out.clear();
            pass.passed(vertex, self.targets_at(vertex, at, edge_type, out)?);
            if !out.is_empty() {
                each(vertex, out);
            }
        }
        if pass.slot < self.head.slots { Err("lists overlap, or vertices do not ascend") } else { Ok(()) }
    }

    /// Begins the strict walk.
    pub fn strict(&self) -> Strict {
        Strict { head: self.head, slot: 0, end: self.head.end(), before: None, edges: 0 }
    }
}

/// A place in a pass over a page's lists.
pub(super) struct Pass {
    pub slot: usize,
    /// Where the last list that was read ends, and whose it is.
    pub end: usize,
    before: Option<u64>,
}

impl Pass {
    /// The next vertex with lists, and where they begin. `None` at the end, and where what comes lies before what came: then
    /// slots are left.
    #[inline]
    pub fn next(&mut self, leaf: Leaf<'_>) -> Option<(u64, usize)> {
        let (head, bytes) = (&leaf.head, leaf.bytes);
        self.slot = head.with_lists(bytes, self.slot);
        if self.slot == head.slots {
            return None;
        }
        let (vertex, at) = (head.vertex(bytes, self.slot), head.offset(bytes, self.slot));
        (at >= self.end && self.before < Some(vertex)).then_some((vertex, at))
    }

    /// The lists of that vertex were read.
    #[inline]
    pub fn passed(&mut self, vertex: u64, end: usize) {
        (self.slot, self.end, self.before) = (self.slot + 1, end, Some(vertex));
    }
}

/// The strict walk over a page, vertex by vertex. It holds no borrow, so that it can stand beside the page.
#[derive(Clone, Debug)]
pub(super) struct Strict {
    head: Head,
    slot: usize,
    end: usize,
    before: Option<u64>,
    edges: usize,
}

impl Strict {
    /// The next vertex; its edges are appended to `out`. At the end everything has been checked.
    pub fn next(&mut self, bytes: Bytes<'_>, out: &mut Vec<(u32, u64, u32)>) -> Parsed<Option<u64>> {
        let next = self.head.with_lists(bytes, self.slot);
        if next > self.slot && (self.slot == 0 || next == self.head.slots) {
            return Err("the directory begins or ends with a vertex without edges");
        }
        self.slot = next;
        if self.slot == self.head.slots {
            return if self.end == bytes.used() {
                Ok(None)
            } else {
                Err("used bytes that belong to no list")
            };
        }
        let vertex = self.head.vertex(bytes, self.slot);
        let ascends = match self.before {
            None => vertex == self.head.first,
            Some(before) => before < vertex,
        };
        if !ascends {
            return Err("vertices do not ascend from the first one");
        }
        // The header's check sees the last one alone; where those before it do not ascend, it comes too late.
        if vertex == u64::MAX {
            return Err(BEYOND);
        }
        if self.head.offset(bytes, self.slot) != self.end {
            return Err("a list does not begin where the one before it ends");
        }
        let (leaf, len) = (Leaf { bytes, head: self.head }, out.len());
        self.end = leaf.each(vertex, self.end, |edge_type, list| list.edges(edge_type, out))?;
        self.edges += out.len() - len;
        if self.edges > EDGES_A_BYTE * bytes.page_len() {
            return Err("more edges than a page may hold");
        }
        self.slot += 1;
        self.before = Some(vertex);
        Ok(Some(vertex))
    }

    /// Checks the whole page.
    pub fn check_all(mut self, bytes: Bytes<'_>) -> Parsed<()> {
        let mut edges = Vec::new();
        while self.next(bytes, &mut edges)?.is_some() {
            edges.clear();
        }
        match bytes.rest().iter().all(|byte| *byte == 0) {
            true => Ok(()),
            false => Err("bytes beyond the used length are not zero"),
        }
    }
}
