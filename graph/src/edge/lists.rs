//! The lists of many vertices, one after the other, out of one tree.
//!
//! Must always be true: a list is whole, over all its leaves, with what was changed in memory; lists come in the order
//! (type, neighbour, rank).
//!
//! What is in memory is read without a lock, a count or a copy ([`Tree::unchanged`], [`Tree::quick`],
//! [`ReadPages::at_hand`]); only what is not goes through a finger, which keeps the way for the next time.
//!
//! Memory: at most 120 bytes for a vertex that was located, and what its lists take.

use super::page::{self, Again, EdgeLeaf};
use super::window::{Window, first_from};
use super::{EdgeKey, Entry};
use crate::btree::{Delta, Finger, Slot, Spot, Tree};
use storage_core::page::Written;
use storage_core::pager::{AtHand, Page, PageError, Quota, ReadPages};

/// So many levels of inner pages are read together, at most, for one window: that is a tree of more edges than disks hold.
const LEVELS: usize = 3;

/// So many vertices of a leaf are read at once, at most.
const AT_MOST: usize = 64;

/// Reads lists out of one tree.
#[derive(Debug)]
pub(crate) struct Lists<'a, const IN: bool, R: ReadPages> {
    tree: &'a Tree<EdgeLeaf<IN>>,
    pages: &'a R,
    near: Finger<'a, EdgeLeaf<IN>, R>,
    /// For lists over several leaves.
    far: Finger<'a, EdgeLeaf<IN>, R>,
    /// The vertices that were located, and the leaves where they begin: vertices in order often share one.
    located: Vec<Located>,
    leaves: Vec<LeafAt<'a, IN>>,
    /// A way was not in memory, since [`Lists::locate`] began.
    strayed: bool,
    /// The leaf that was looked up last.
    last: Option<LeafAt<'a, IN>>,
    /// Pages that were last looked up in, and read.
    kept: [Kept<'a, IN>; 2],
}

/// A page at hand, kept for as long as it is the one that is asked for: vertices in order often share one.
#[derive(Debug)]
struct Kept<'a, const IN: bool>(Option<(&'a Slot<EdgeLeaf<IN>>, AtHand<'a>)>);

impl<'a, const IN: bool> Kept<'a, IN> {
    #[inline]
    fn page<R: ReadPages>(&mut self, pages: &'a R, slot: &'a Slot<EdgeLeaf<IN>>) -> Option<&AtHand<'a>> {
        if self.0.as_ref().is_none_or(|(of, _)| !std::ptr::eq(*of, slot)) {
            self.0 = None;
            self.0 = Some((slot, pages.at_hand(slot.page, &slot.near)?));
        }
        self.0.as_ref().map(|(_, page)| page)
    }

    /// Asks the processor for what the look-up of a vertex in this page will read.
    #[inline]
    fn fetch(&self, vertex: u64, quota: &Quota) {
        if let Some((slot, page)) = &self.0
            && let Some(head) = slot.head()
        {
            head.ask(page, vertex, quota);
        }
    }
}

/// A vertex that was located.
#[derive(Copy, Clone, Debug)]
struct Located {
    vertex: u64,
    /// Its leaf's number.
    leaf: u32,
    /// The next leaf may go on with the vertex.
    goes_on: bool,
}

/// A leaf where vertices begin.
#[derive(Debug)]
struct LeafAt<'a, const IN: bool> {
    spot: Spot<'a, EdgeLeaf<IN>>,
    /// The page, if it is at hand and lent.
    lent: Option<&'a [u8]>,
}

impl<const IN: bool> LeafAt<'_, IN> {
    /// Whether a vertex lies strictly within its page, as far as is known: then no list of it reaches beyond.
    #[inline]
    fn has_within(&self, vertex: u64) -> bool {
        self.spot.slot.and_then(Slot::head).is_some_and(|head| head.is_within(vertex))
    }
}

/// Where a vertex stands.
#[derive(Debug)]
struct Place<'a, const IN: bool> {
    vertex: u64,
    leaf: LeafAt<'a, IN>,
    /// The next leaf may go on with the vertex.
    goes_on: bool,
}

impl<'a, const IN: bool> Place<'a, IN> {
    /// Of a vertex that is whole within a leaf that was not changed.
    #[inline]
    fn within(vertex: u64, slot: &'a Slot<EdgeLeaf<IN>>) -> Self {
        let spot = Spot { page: Some(slot.page), delta: None, slot: Some(slot) };
        Place { vertex, leaf: LeafAt { spot, lent: None }, goes_on: false }
    }
}

impl<const IN: bool> Copy for LeafAt<'_, IN> {}

impl<const IN: bool> Clone for LeafAt<'_, IN> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, const IN: bool, R: ReadPages> Lists<'a, IN, R> {
    pub fn new(tree: &'a Tree<EdgeLeaf<IN>>, pages: &'a R) -> Self {
        let (near, far) = (Finger::new(tree, pages), Finger::new(tree, pages));
        Lists {
            tree,
            pages,
            near,
            far,
            located: Vec::new(),
            leaves: Vec::new(),
            strayed: false,
            last: None,
            kept: [const { Kept(None) }; 2],
        }
    }

    /// Looks up where these vertices begin, and appends the pages that will be read for them and are not at hand. What was
    /// located before is forgotten.
    pub fn locate(
        &mut self,
        mut vertices: impl Iterator<Item = u64> + Clone,
        missing: &mut Vec<Written>,
    ) -> Result<(), PageError> {
        self.located.clear();
        self.leaves.clear();
        self.strayed = false;
        let mut asked = false;
        while let Some(vertex) = vertices.next() {
            let mut goes_on = false;
            if !self.leaves.last().is_some_and(|leaf| leaf.has_within(vertex)) {
                let Some(Place { leaf: LeafAt { spot, .. }, goes_on: more, .. }) = self.place(vertex)? else {
                    break;
                };
                if self.strayed && !asked {
                    asked = true;
                    self.bring_ways(vertices.clone())?;
                }
                let page = spot.slot.and_then(|slot| self.kept[0].page(self.pages, slot));
                if page.is_none() {
                    missing.extend(spot.page.filter(|at| missing.last() != Some(at)));
                }
                self.leaves.push(LeafAt { spot, lent: page.and_then(AtHand::as_lent) });
                goes_on = more;
            }
            self.kept[0].fetch(vertex, self.pages.pager().decoded());
            self.located.push(Located { vertex, leaf: self.leaves.len() as u32 - 1, goes_on });
        }
        Ok(())
    }

    /// Where the vertex stands that was located as number `index`; in an empty tree nothing was found.
    #[inline]
    fn located(&self, index: usize) -> Option<Place<'a, IN>> {
        let Located { vertex, leaf, goes_on } = *self.located.get(index)?;
        Some(Place { vertex, leaf: *self.leaves.get(leaf as usize)?, goes_on })
    }

    /// Looks up where a vertex begins; `None` in an empty tree.
    #[inline(always)]
    fn place(&mut self, vertex: u64) -> Result<Option<Place<'a, IN>>, PageError> {
        match self.tree.unchanged(vertex) {
            Some(slot) => Ok(Some(Place::within(vertex, slot))),
            None => self.any_place(vertex),
        }
    }

    /// The same where something was changed, or the vertex stands at a leaf's end.
    fn any_place(&mut self, vertex: u64) -> Result<Option<Place<'a, IN>>, PageError> {
        let place = match self.kept_place(vertex) {
            Some(place) => Some(place),
            None => self.look_up(vertex, &EdgeKey::first_of(vertex).to_bytes())?,
        };
        self.last = place.as_ref().map(|place| place.leaf);
        Ok(place)
    }

    /// The same if all on the way is in memory.
    fn kept_place(&self, vertex: u64) -> Option<Place<'a, IN>> {
        if let Some(leaf) = self.last.filter(|leaf| leaf.has_within(vertex)) {
            return Some(Place { vertex, leaf, goes_on: false });
        }
        let key = EdgeKey::first_of(vertex).to_bytes();
        let found = self.tree.quick(&key)?;
        let goes_on = found.goes_on(&key[..8]);
        Some(Place { vertex, leaf: LeafAt { spot: found.spot, lent: None }, goes_on })
    }

    /// The same where the way there is not in memory.
    #[cold]
    fn look_up(&mut self, vertex: u64, key: &[u8]) -> Result<Option<Place<'a, IN>>, PageError> {
        self.strayed = true;
        let Some(spot) = self.near.locate(key)? else { return Ok(None) };
        let goes_on = self.near.upper().is_some_and(|upper| page::goes_on(upper, vertex));
        Ok(Some(Place { vertex, leaf: LeafAt { spot, lent: None }, goes_on }))
    }

    /// Inner pages on the ways to these vertices are read together, and kept, where they are not in memory: level by level.
    #[cold]
    fn bring_ways(&mut self, vertices: impl Iterator<Item = u64> + Clone) -> Result<(), PageError> {
        for _ in 0..LEVELS {
            let ends = |vertex| Some((self.tree.way_ends(&EdgeKey::first_of(vertex).to_bytes())?, vertex));
            let mut ends: Vec<(Written, u64)> = vertices.clone().filter_map(ends).collect();
            ends.sort_unstable_by_key(|(page, _)| page.page());
            ends.dedup_by_key(|(page, _)| *page);
            let [first, _, ..] = ends[..] else { break };
            self.pages.prefetch(&ends.iter().map(|(page, _)| *page).collect::<Vec<_>>());
            for (_, vertex) in ends {
                self.tree.keep_way(self.pages, &EdgeKey::first_of(vertex).to_bytes())?;
            }
            if self.tree.way_ends(&EdgeKey::first_of(first.1).to_bytes()) == Some(first.0) {
                // There is no memory for it: then neither for those below.
                break;
            }
        }
        Ok(())
    }

    /// Appends the neighbours of the vertex that was located as number `index`, of one type or of all.
    #[inline]
    pub fn targets(
        &mut self,
        index: usize,
        edge_type: Option<u32>,
        out: &mut Vec<u64>,
    ) -> Result<(), PageError> {
        match self.located(index) {
            Some(place) => self.targets_of(place, edge_type, out),
            None => Ok(()),
        }
    }

    /// Appends the neighbours of some vertices, the first of these, until there are `enough`: of those that lie in the leaf of
    /// the first one, if that is at hand and was not changed. Returns how many were read, none where it is not so.
    pub fn targets_nearby(
        &mut self,
        vertices: &[u64],
        edge_type: Option<u32>,
        enough: usize,
        out: &mut Vec<u64>,
    ) -> Result<usize, PageError> {
        let Some((first, others)) = vertices.split_first() else { return Ok(0) };
        let place = match self.tree.unchanged(*first) {
            Some(slot) => Some(Place::within(*first, slot)),
            None => self.kept_place(*first),
        };
        let Some(Place { leaf, goes_on: false, .. }) = place else { return Ok(0) };
        let Spot { slot: Some(slot), delta: None, .. } = leaf.spot else { return Ok(0) };
        let count = 1 + others.iter().take(AT_MOST - 1).take_while(|other| leaf.has_within(**other)).count();
        let read = slot.again(self.pages, |page, head| {
            Again::new(page, head)?.targets_of_some(&vertices[..count], edge_type, enough, out)
        });
        read.unwrap_or(Ok(0))
    }

    /// Appends the neighbours of a vertex, of one type or of all.
    #[inline]
    pub fn targets_at_once(
        &mut self,
        vertex: u64,
        edge_type: Option<u32>,
        out: &mut Vec<u64>,
    ) -> Result<(), PageError> {
        let place = match self.tree.unchanged(vertex) {
            Some(slot) => {
                let read = |page: &[u8], head: &page::PageHead| {
                    head.ask(page, vertex, self.pages.pager().decoded());
                    Again::new(page, head)?.targets(vertex, edge_type, out)
                };
                match slot.again(self.pages, read) {
                    Some(read) => return read,
                    None => Some(Place::within(vertex, slot)),
                }
            }
            None => self.any_place(vertex)?,
        };
        place.map_or(Ok(()), |place| self.targets_of(place, edge_type, out))
    }

    #[inline]
    fn targets_of(
        &mut self,
        place: Place<'a, IN>,
        edge_type: Option<u32>,
        out: &mut Vec<u64>,
    ) -> Result<(), PageError> {
        let Place { vertex, leaf: LeafAt { spot: Spot { slot, delta, .. }, lent }, goes_on } = place;
        if let (Some(slot), false) = (slot, goes_on || changed(delta, vertex)) {
            return self.whole(slot, lent, (vertex, edge_type), out);
        }
        self.each_leaf(place, edge_type, |vertex, page, delta| {
            leaf_targets((page, delta), vertex, edge_type, out)
        })
    }

    /// Lists that are whole in one page, without changes.
    #[inline]
    fn whole(
        &mut self,
        slot: &'a Slot<EdgeLeaf<IN>>,
        lent: Option<&[u8]>,
        (vertex, edge_type): (u64, Option<u32>),
        out: &mut Vec<u64>,
    ) -> Result<(), PageError> {
        if let Some(head) = slot.head()
            && let Some(bytes) = lent.or_else(|| Some(self.kept[1].page(self.pages, slot)?))
        {
            return Again::new(bytes, head)
                .and_then(|page| page.targets(vertex, edge_type, out))
                .map_err(|what| slot.damage(what));
        }
        let page = slot.read(self.pages)?;
        page::targets(&page, vertex, edge_type, out).map(drop)
    }

    /// Appends the entries of the vertex that was located as number `index`, of one type or of all.
    pub fn entries(
        &mut self,
        index: usize,
        edge_type: Option<u32>,
        out: &mut Vec<Entry>,
    ) -> Result<(), PageError> {
        let Some(place) = self.located(index) else { return Ok(()) };
        self.each_leaf(place, edge_type, |vertex, page, delta| match edge_type {
            None => leaf_entries((page, delta), vertex, out),
            Some(edge_type) => entries_of((page, delta), (vertex, edge_type), out),
        })
    }

    /// Visits the leaves that may hold edges of a vertex, of one type or of all, in order.
    fn each_leaf(
        &mut self,
        Place { vertex, leaf: LeafAt { spot, .. }, goes_on }: Place<'a, IN>,
        edge_type: Option<u32>,
        mut visit: impl FnMut(u64, Option<&Page>, Option<&'a Changes>) -> Result<(), PageError>,
    ) -> Result<(), PageError> {
        if !goes_on {
            let Spot { page, delta, slot } = spot;
            if let Some(slot) = slot {
                return visit(vertex, Some(&slot.read(self.pages)?), delta);
            }
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
    let changes =
        leaf.delta.map_or(0, |delta| delta.range(EdgeKey::all_of(vertex, None)).take(most + 1).count());
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

/// Whether edges of the vertex were changed in this leaf.
pub(super) fn changed(delta: Option<&Changes>, vertex: u64) -> bool {
    delta.is_some_and(|delta| delta.range(EdgeKey::all_of(vertex, None)).next().is_some())
}

/// A vertex's neighbours in one leaf, of one type or of all.
pub(super) fn leaf_targets(
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
    for (key, change) in delta.range(EdgeKey::all_of(vertex, None)) {
        let entry = key.entry();
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
