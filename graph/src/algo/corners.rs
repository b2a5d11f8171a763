//! Finding every triangle once, and crediting its corners: what triangle counts and clustering are made of.
//!
//! A triangle is found at its corner of the highest degree: the neighbours there are marked, and the lists of those of
//! lower degree are read and compared with the marks. So a hub's list is read once, not once for each neighbour, and
//! nobody's list is read more often than the root of twice the number of edges.
//!
//! Must always be true: self-loops are no side of a triangle, and parallel edges are one; each triangle is found exactly
//! once.
//!
//! Memory: 17 bytes a node, and two nodes' lists, 16 bytes an edge.

use super::control::Ticker;
use super::numbering::Numbering;
use super::sweep::{Piece, Sweep, nowhere, way_of};
use crate::error::ReadError;
use crate::model::{Direction, NodeId};
use crate::reader::{Reader, Way};
use storage_core::pager::ReadPages;

/// How many nodes' lists are asked for at once.
const BATCH: usize = 512;

/// Which arcs there are between two nodes: 1 forth, 2 back.
type Arcs = u8;

/// How much a side is worth to the corner that it lies opposite of.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Worth {
    /// One, whatever it is made of.
    Side,
    /// As many as there are arcs: one or two.
    Arcs,
}

/// What was found of each node.
pub(super) struct Corners {
    /// Neighbours, the node itself apart, each once.
    pub(super) degrees: Vec<u64>,
    /// The worth of the sides opposite, over all triangles.
    pub(super) worths: Vec<u64>,
    /// How many triangles there are.
    pub(super) triangles: u64,
}

impl Corners {
    /// Degrees, worths and marks.
    pub(super) const BYTES_PER_NODE: u64 = 17;

    /// Finds all triangles. `ways` say which edges count, and which way they point.
    pub(super) fn find<R: ReadPages>(
        reader: &Reader<R>,
        nodes: &Numbering,
        (ways, worth): (&[Way], Worth),
        ticker: &mut Ticker<'_>,
    ) -> Result<Corners, ReadError> {
        let around: Vec<Way> = ways.iter().map(|(of, _)| (*of, Direction::Both)).collect();
        let degrees = degrees(Sweep::new(reader, &around, nodes), nodes.len(), ticker)?;
        let (worths, marks) = (vec![0; nodes.len()], vec![0; nodes.len()]);
        let corners = Corners { degrees, worths, triangles: 0 };
        let mut search = Search { reader, nodes, ways, around: &around, worth, corners, marks, first: 0 };
        search.run(ticker)?;
        Ok(search.corners)
    }

    /// Whether a node comes before another: the one with fewer neighbours does.
    fn below(&self, one: usize, other: usize) -> bool {
        (self.degrees[one], one) < (self.degrees[other], other)
    }
}

fn degrees<R: ReadPages>(
    mut sweep: Sweep<'_, R>,
    count: usize,
    ticker: &mut Ticker<'_>,
) -> Result<Vec<u64>, ReadError> {
    let mut degrees = vec![0; count];
    let mut list = Vec::new();
    while let Some(node) = sweep.node()? {
        list.clear();
        sweep.list(&mut list)?;
        ticker.step(1 + list.len() as u64)?;
        list.sort_unstable();
        list.dedup();
        degrees[node] = list.iter().filter(|neighbor| **neighbor != node).count() as u64;
        ticker.done(1);
    }
    Ok(degrees)
}

struct Search<'a, R> {
    reader: &'a Reader<R>,
    nodes: &'a Numbering,
    ways: &'a [Way],
    around: &'a [Way],
    worth: Worth,
    corners: Corners,
    /// The arcs between the node in hand and each other.
    marks: Vec<Arcs>,
    /// What the sides opposite of the node in hand are worth.
    first: u64,
}

impl<R: ReadPages> Search<'_, R> {
    fn run(&mut self, ticker: &mut Ticker<'_>) -> Result<(), ReadError> {
        let mut sweep = Sweep::new(self.reader, self.around, self.nodes);
        let mut list: Vec<usize> = Vec::new();
        while let Some(node) = sweep.node()? {
            ticker.done(1);
            if self.corners.degrees[node] < 2 {
                sweep.skip()?;
                ticker.step(1)?;
                continue;
            }
            list.clear();
            let (ways, marks) = (self.ways, &mut self.marks);
            sweep.read(|piece, some| {
                let arcs = arcs_of(ways, piece);
                some.iter().for_each(|neighbor| marks[*neighbor] |= arcs);
                list.extend_from_slice(some);
                true
            })?;
            ticker.step(1 + list.len() as u64)?;
            list.sort_unstable();
            list.dedup();
            self.first = 0;
            self.at(node, &list, ticker)?;
            self.corners.worths[node] += self.first;
            list.iter().for_each(|neighbor| self.marks[*neighbor] = 0);
        }
        Ok(())
    }

    /// Finds the triangles whose highest corner is `node`, whose neighbours are marked.
    fn at(&mut self, node: usize, list: &[usize], ticker: &mut Ticker<'_>) -> Result<(), ReadError> {
        let below =
            |corners: &Corners, other: usize| corners.degrees[other] > 1 && corners.below(other, node);
        let mut batch: Vec<(usize, NodeId)> = Vec::with_capacity(BATCH.min(list.len()));
        for some in list.chunks(BATCH) {
            let lower = some.iter().filter(|other| below(&self.corners, **other));
            batch.clear();
            batch.extend(lower.map(|other| (*other, self.nodes.id(*other))));
            self.lower(&batch, ticker)?;
        }
        Ok(())
    }

    /// Reads the lists of some lower neighbours.
    fn lower(&mut self, batch: &[(usize, NodeId)], ticker: &mut Ticker<'_>) -> Result<(), ReadError> {
        let (reader, ways, around) = (self.reader, self.ways, self.around);
        let ids: Vec<NodeId> = batch.iter().map(|(_, id)| *id).collect();
        let mut third: Vec<(usize, Arcs)> = Vec::new();
        if self.worth == Worth::Side || ways.iter().all(|(_, direction)| *direction == Direction::Both) {
            // All sides are worth the same: which edges they are made of does not matter.
            return reader.for_each_list(&ids, around, |place, list| {
                let second = batch[place].0;
                ticker.step(1 + list.len() as u64)?;
                self.third(second, list.iter().map(|id| (*id, 3)), &mut third)
            });
        }
        reader.for_each_hops(&ids, around, |place, list| {
            let second = batch[place].0;
            ticker.step(1 + list.len() as u64)?;
            let arcs = |edge_type, into| arcs_of(ways, Piece { edge_type, into });
            let ends = list.iter().map(|hop| (hop.neighbor, arcs(hop.edge_type, hop.into)));
            self.third(second, ends, &mut third)
        })
    }

    /// Credits the corners of the triangles with the marked node and `second`, whose neighbours are given.
    fn third(
        &mut self,
        second: usize,
        ends: impl Iterator<Item = (u64, Arcs)>,
        third: &mut Vec<(usize, Arcs)>,
    ) -> Result<(), ReadError> {
        third.clear();
        for (id, arcs) in ends {
            let end = self.nodes.index(id).ok_or_else(|| nowhere(self.reader, id))?;
            if self.marks[end] != 0 && self.corners.below(end, second) {
                third.push((end, arcs));
            }
        }
        third.sort_unstable();
        for same in third.chunk_by(|a, b| a.0 == b.0) {
            let end = same[0].0;
            let opposite = same.iter().fold(0, |all, (_, arcs)| all | arcs);
            self.corners.triangles += 1;
            self.first += self.value(opposite);
            self.corners.worths[second] += self.value(self.marks[end]);
            self.corners.worths[end] += self.value(self.marks[second]);
        }
        Ok(())
    }

    fn value(&self, arcs: Arcs) -> u64 {
        match self.worth {
            Worth::Side => 1,
            Worth::Arcs => arcs.count_ones().into(),
        }
    }
}

/// The arcs that edges of a list stand for.
fn arcs_of(ways: &[Way], piece: Piece) -> Arcs {
    match (way_of(ways, piece.edge_type), piece.into) {
        (Some(Direction::Both), _) => 3,
        (Some(Direction::Out), false) | (Some(Direction::In), true) => 1,
        (Some(Direction::Out), true) | (Some(Direction::In), false) => 2,
        (None, _) => 0,
    }
}
