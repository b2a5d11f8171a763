//! Local clustering coefficients, as LDBC Graphalytics defines them.
//!
//! Of a node with d neighbours (of either direction, each once): how many of the d (d − 1) arcs that there may be between
//! them are there. Of an undirected edge there are two. 0 where there are fewer than two neighbours.
//!
//! Must always be true: self-loops and parallel edges change nothing.

use super::control::{Control, Ticker};
use super::corners::{Corners, Worth};
use super::numbering::Numbering;
use super::question::{directed, question};
use super::values::NodeValues;
use crate::error::ReadError;
use crate::model::Direction;
use crate::reader::{Follow, Reader};
use storage_core::pager::ReadPages;

/// A question for the local clustering coefficients; [`Lcc::run`] answers it. Edges of directed types count as they point,
/// and those of undirected types both ways, unless it is told otherwise: with [`Direction::Both`] all count both ways.
/// Neighbours are always those of either direction.
#[derive(Debug)]
#[must_use]
pub struct Lcc<'a, R> {
    reader: &'a Reader<R>,
    follow: Follow,
    control: Control<'a>,
}

question!(Lcc);
directed!(Lcc);

impl<R: ReadPages> Reader<R> {
    /// How closely the neighbours of each node are linked among themselves, from 0 to 1.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
    /// let coefficients = snapshot.lcc().run()?;
    /// let mean = coefficients.iter().map(|(_, c)| c).sum::<f64>() / coefficients.len() as f64;
    /// # Ok(()) }
    /// ```
    pub fn lcc(&self) -> Lcc<'_, R> {
        Lcc { reader: self, follow: Follow::default(), control: Control::new() }
    }
}

impl<R: ReadPages> Lcc<'_, R> {
    /// What it takes for a node: its degree, a count, a mark, and its id where ids are far apart.
    pub const BYTES_PER_NODE: u64 = Corners::BYTES_PER_NODE + Numbering::BYTES_PER_NODE;

    /// The coefficients.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and what reading fails with.
    pub fn run(self) -> Result<NodeValues<f64>, ReadError> {
        let mut ticker = Ticker::new(self.control);
        ticker.begin(self.reader.node_count().saturating_mul(2))?;
        let nodes = Numbering::of(self.reader, &mut ticker)?;
        let ways = self.follow.ways(self.reader);
        let corners = Corners::find(self.reader, &nodes, (&ways, Worth::Arcs), &mut ticker)?;
        let Corners { mut worths, degrees, .. } = corners;
        for (worth, degree) in worths.iter_mut().zip(degrees) {
            let pairs = degree as f64 * (degree as f64 - 1.0);
            *worth = if degree < 2 { 0.0 } else { *worth as f64 / pairs }.to_bits();
        }
        ticker.finish();
        Ok(NodeValues::new(nodes, worths, f64::from_bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algo::testing::Sketch;
    use std::collections::BTreeSet;

    /// Straight from the definition; undirected edges are given as two arcs.
    fn naive(nodes: u64, arcs: &[(u64, u64)]) -> Vec<f64> {
        let arcs: BTreeSet<_> = arcs.iter().filter(|(from, to)| from != to).copied().collect();
        let linked = |v: u64| -> BTreeSet<u64> {
            let ends = arcs.iter().filter(|(from, to)| *from == v || *to == v);
            ends.map(|(from, to)| if *from == v { *to } else { *from }).collect()
        };
        let coefficient = |v| {
            let around = linked(v);
            let inside =
                arcs.iter().filter(|(from, to)| around.contains(from) && around.contains(to)).count();
            let degree = around.len() as f64;
            if around.len() < 2 { 0.0 } else { inside as f64 / (degree * (degree - 1.0)) }
        };
        (0..nodes).map(coefficient).collect()
    }

    fn run(sketch: &Sketch, direction: Option<Direction>) -> Vec<f64> {
        let snapshot = sketch.snapshot();
        let mut question = snapshot.lcc();
        if let Some(direction) = direction {
            question = question.direction(direction);
        }
        question.run().expect("read").iter().map(|(_, c)| c).collect()
    }

    fn both(edges: &[(u64, u64)]) -> Vec<(u64, u64)> {
        edges.iter().flat_map(|(from, to)| [(*from, *to), (*to, *from)]).collect()
    }

    #[test]
    fn arcs_between_neighbours_count_once_however_many_edges_there_are() {
        let edges = [(0, 1), (0, 1), (1, 2), (2, 1), (2, 0), (3, 0), (3, 3), (0, 0), (3, 2), (4, 3)];
        let sketch = Sketch::directed(6, &edges);
        assert_eq!(run(&sketch, None), naive(6, &edges));
        assert_eq!(run(&sketch, Some(Direction::In)), naive(6, &edges));
        assert_eq!(run(&sketch, Some(Direction::Both)), naive(6, &both(&edges)));
        assert_eq!(run(&Sketch::mixed(6, &[], &edges), None), naive(6, &both(&edges)));
        assert_eq!(run(&Sketch::directed(1, &[(0, 0)]), None), [0.0]);
        assert_eq!(run(&Sketch::directed(0, &[]), None), [0.0; 0]);
    }

    #[test]
    fn directed_and_undirected_edges_stand_beside_each_other() {
        let (one_way, two_way) = ([(0, 1), (1, 2), (3, 1)], [(2, 0), (0, 3), (1, 0)]);
        let arcs: Vec<_> = one_way.iter().copied().chain(both(&two_way)).collect();
        assert_eq!(run(&Sketch::mixed(4, &one_way, &two_way), None), naive(4, &arcs));
    }

    #[test]
    fn random_graphs_have_the_coefficients_of_the_definition() {
        let mut rng = storage_core::device::sim::Rng::new(5);
        for round in 0..60 {
            let nodes = 1 + rng.below(14);
            let edges: Vec<_> = (0..rng.below(60)).map(|_| (rng.below(nodes), rng.below(nodes))).collect();
            let sketch = Sketch::directed(nodes, &edges);
            assert_eq!(run(&sketch, None), naive(nodes, &edges), "round {round}");
            assert_eq!(run(&sketch, Some(Direction::Both)), naive(nodes, &both(&edges)), "round {round}");
        }
    }
}
