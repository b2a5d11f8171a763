//! A pass over all lists of neighbours, in the order of the nodes, leaf after leaf: far faster than looking each list up.
//!
//! Must always be true: a node's edges come together, however many pages they lie on, and those along which it is left
//! before those along which it is entered; nodes ascend strictly. What changed in memory is seen. An edge that leads to no
//! node is damage, and so is the list of a node that is not there.
//!
//! Memory: a page's place in each direction. A node's list is given in pieces and never held.

use super::numbering::Numbering;
use crate::btree::{LeafView, Leaves, Merged};
use crate::edge::EdgeKey;
use crate::edge::page::{EdgeLeaf, PageWalk};
use crate::error::ReadError;
use crate::model::{Direction, TypeId};
use crate::reader::{Reader, Way};
use std::cell::Cell;
use std::iter::Peekable;
use storage_core::page::{PageId, PageKind};
use storage_core::pager::{PageError, ReadPages};

/// How many changed edges are given at once.
const SOME: usize = 64;

/// A pass over the lists of neighbours.
pub(crate) struct Sweep<'a, R: ReadPages> {
    reader: &'a Reader<R>,
    nodes: &'a Numbering,
    ways: &'a [Way],
    out: Option<Side<'a, R, false>>,
    into: Option<Side<'a, R, true>>,
    current: u64,
    /// Numbers of the neighbours that are given.
    some: Vec<usize>,
}

/// What the neighbours of a piece have in common.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Piece {
    /// The type of the edges.
    pub(crate) edge_type: u32,
    /// They end at the node.
    pub(crate) into: bool,
}

impl<'a, R: ReadPages> Sweep<'a, R> {
    /// Over the lists of edges that `ways` follow.
    pub(crate) fn new(reader: &'a Reader<R>, ways: &'a [Way], nodes: &'a Numbering) -> Self {
        let graph = &reader.graph;
        let follows = |against| ways.iter().any(|(_, direction)| *direction != against);
        let out = follows(Direction::In).then(|| Side::new(graph.out.leaves(&reader.pages, &[])));
        let into = follows(Direction::Out).then(|| Side::new(graph.into.leaves(&reader.pages, &[])));
        Sweep { reader, nodes, ways, out, into, current: 0, some: Vec::new() }
    }

    /// The number of the next node that has edges. They may be of other types than those that are followed.
    pub(crate) fn node(&mut self) -> Result<Option<usize>, ReadError> {
        let out = self.out.as_mut().map_or(Ok(None), Side::vertex)?;
        let into = self.into.as_mut().map_or(Ok(None), Side::vertex)?;
        let next = match (out, into) {
            (Some(out), Some(into)) => out.min(into),
            (Some(next), None) | (None, Some(next)) => next,
            (None, None) => return Ok(None),
        };
        self.current = next;
        self.nodes.index(next).map(Some).ok_or_else(|| nowhere(self.reader, next))
    }

    /// Passes over the node that [`Sweep::node`] gave.
    pub(crate) fn skip(&mut self) -> Result<(), ReadError> {
        self.read(|_, _| false)
    }

    /// Gives the numbers of the neighbours of the node that [`Sweep::node`] gave, in pieces, until `each` says that it is
    /// enough, and passes over the node. A neighbour that is linked both ways comes twice, if both are followed; a
    /// self-loop once.
    pub(crate) fn read(&mut self, mut each: impl FnMut(Piece, &[usize]) -> bool) -> Result<(), ReadError> {
        let (nodes, mut some, mut stray) = (self.nodes, std::mem::take(&mut self.some), None);
        let read = self.read_ids(|piece, ids| {
            some.clear();
            for id in ids {
                match nodes.index(*id) {
                    Some(index) => some.push(index),
                    None => stray = Some(*id),
                }
            }
            stray.is_none() && (some.is_empty() || each(piece, &some))
        });
        self.some = some;
        read?;
        stray.map_or(Ok(()), |id| Err(nowhere(self.reader, id)))
    }

    /// The same with ids, of which nobody has looked whether they are nodes.
    fn read_ids(&mut self, mut each: impl FnMut(Piece, &[u64]) -> bool) -> Result<(), ReadError> {
        let (vertex, ways, more) = (self.current, self.ways, Cell::new(true));
        let mut give = |piece: Piece, ids: &[u64]| {
            // Followed both ways, a self-loop was seen among the outgoing edges.
            let seen = piece.into && way_of(ways, piece.edge_type) == Some(Direction::Both);
            if seen && ids.contains(&vertex) {
                let others: Vec<u64> = ids.iter().copied().filter(|id| *id != vertex).collect();
                more.set(others.is_empty() || each(piece, &others));
            } else {
                more.set(each(piece, ids));
            }
            more.get()
        };
        if let Some(side) = &mut self.out {
            let wanted = |t| way_of(ways, t).is_some_and(|way| way != Direction::In);
            side.read(vertex, wanted, |edge_type, ids| give(Piece { edge_type, into: false }, ids))?;
        }
        if let Some(side) = &mut self.into {
            let wanted = |t| more.get() && way_of(ways, t).is_some_and(|way| way != Direction::Out);
            side.read(vertex, wanted, |edge_type, ids| give(Piece { edge_type, into: true }, ids))?;
        }
        Ok(())
    }

    /// Appends the numbers of all neighbours of the node that [`Sweep::node`] gave, and passes over it.
    pub(crate) fn list(&mut self, list: &mut Vec<usize>) -> Result<(), ReadError> {
        self.read(|_, some| {
            list.extend_from_slice(some);
            true
        })
    }
}

/// An edge begins or ends at a node that is not there.
pub(crate) fn nowhere<R: ReadPages>(reader: &Reader<R>, id: u64) -> ReadError {
    let root = reader.graph.out.root().flatten().map_or(PageId::new(0), |root| root.page());
    let what = format!("an edge begins or ends at node {id}, which is not there");
    PageError::damage(root, PageKind::EdgeOut, what).into()
}

/// Which way edges of a type are followed. Ways by type ascend.
#[inline]
pub(crate) fn way_of(ways: &[Way], edge_type: u32) -> Option<Direction> {
    match ways {
        [(None, direction)] => Some(*direction),
        _ => {
            let at = ways.binary_search_by_key(&Some(TypeId(edge_type)), |(of, _)| *of).ok()?;
            Some(ways[at].1)
        }
    }
}

/// One direction's lists.
struct Side<'a, R: ReadPages, const IN: bool> {
    leaves: Leaves<'a, EdgeLeaf<IN>, R>,
    here: Here<'a, IN>,
    /// The last vertex that was passed.
    passed: Option<u64>,
}

enum Here<'a, const IN: bool> {
    Nowhere,
    Page(PageWalk),
    Changed(Box<Peekable<Merged<'a, EdgeLeaf<IN>>>>),
}

impl<'a, R: ReadPages, const IN: bool> Side<'a, R, IN> {
    fn new(leaves: Leaves<'a, EdgeLeaf<IN>, R>) -> Self {
        Side { leaves, here: Here::Nowhere, passed: None }
    }

    /// The next vertex, on this leaf or a later one.
    fn vertex(&mut self) -> Result<Option<u64>, PageError> {
        loop {
            let next = match &mut self.here {
                Here::Nowhere => None,
                Here::Page(walk) => walk.vertex(),
                Here::Changed(entries) => match entries.peek() {
                    None => None,
                    Some(Ok((key, ()))) => Some(key.vertex),
                    Some(Err(error)) => return Err(error.clone()),
                },
            };
            if next.is_some() {
                return match next > self.passed {
                    true => Ok(next),
                    // No walk goes in circles, whatever leaves say.
                    false => Err(PageError::damage(
                        PageId::new(0),
                        if IN { PageKind::EdgeIn } else { PageKind::EdgeOut },
                        "leaves do not ascend",
                    )),
                };
            }
            let Some(leaf) = self.leaves.next().transpose()? else { return Ok(None) };
            self.here = Here::of(leaf)?;
        }
    }

    /// Gives the neighbours of `vertex`, if it is the next one, until `each` says that it is enough; and passes over it.
    fn read(
        &mut self,
        vertex: u64,
        wanted: impl Fn(u32) -> bool,
        mut each: impl FnMut(u32, &[u64]) -> bool,
    ) -> Result<(), PageError> {
        let mut more = true;
        while self.vertex()? == Some(vertex) {
            match &mut self.here {
                Here::Page(walk) if more => more = walk.read(&wanted, &mut each)?,
                Here::Page(walk) => walk.skip()?,
                Here::Changed(entries) => more = read_changed(entries, vertex, more, &wanted, &mut each)?,
                Here::Nowhere => {}
            }
        }
        self.passed = self.passed.max(Some(vertex));
        Ok(())
    }
}

impl<'a, const IN: bool> Here<'a, IN> {
    fn of(leaf: LeafView<'a, EdgeLeaf<IN>>) -> Result<Self, PageError> {
        Ok(match (&leaf.delta, &leaf.page) {
            (None, None) => Here::Nowhere,
            (None, Some(page)) => Here::Page(PageWalk::new(page.clone())?),
            (Some(_), _) => Here::Changed(Box::new(leaf.entries()?.peekable())),
        })
    }
}

/// The same for a leaf with changes. Returns whether `each` wants more.
fn read_changed<const IN: bool>(
    entries: &mut Peekable<Merged<'_, EdgeLeaf<IN>>>,
    vertex: u64,
    mut more: bool,
    wanted: &impl Fn(u32) -> bool,
    each: &mut impl FnMut(u32, &[u64]) -> bool,
) -> Result<bool, PageError> {
    let of_vertex = |item: &Result<(EdgeKey, ()), PageError>| match item {
        Ok((key, ())) => key.vertex == vertex,
        Err(_) => true,
    };
    let (mut some, mut of_type) = (Vec::with_capacity(SOME), 0);
    while let Some(item) = entries.next_if(of_vertex) {
        let (key, ()) = item?;
        if some.len() == SOME || key.edge_type != of_type {
            more = more && (some.is_empty() || each(of_type, &some));
            some.clear();
        }
        of_type = key.edge_type;
        if more && wanted(of_type) {
            some.push(key.neighbor);
        }
    }
    Ok(more && (some.is_empty() || each(of_type, &some)))
}
