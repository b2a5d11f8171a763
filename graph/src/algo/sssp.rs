//! Least sums of weights from one node to all others (Dijkstra).
//!
//! Must always be true: every edge out of a node that is reached has a weight, a number that is not negative, or it is an
//! error. Sums of ints are exact: as long as all weights that were met are ints and their sums fit, nothing is rounded; the
//! first float, or sum that does not fit, begins the search again with floats. An infinite weight is as good as no edge.
//! Each node's edges are read once.

use super::control::{Control, Ticker};
use super::heap::Heap;
use super::numbering::Numbering;
use super::question::{directed, question};
use super::sweep::nowhere;
use super::values::NodeValues;
use super::weights::{Weight, Weights};
use crate::error::ReadError;
use crate::model::{Direction, NodeId};
use crate::reader::{Follow, Reader, Way};
use storage_core::pager::ReadPages;

/// A question for the least sums of weights from one node to all others; [`Sssp::run`] answers it. Follows outgoing edges,
/// and those of undirected types both ways, unless it is told otherwise. Of parallel edges the lightest counts.
#[derive(Debug)]
#[must_use]
pub struct Sssp<'a, R> {
    reader: &'a Reader<R>,
    source: NodeId,
    property: String,
    follow: Follow,
    control: Control<'a>,
}

question!(Sssp);
directed!(Sssp);

/// A sum of weights.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Distance {
    /// All weights that were met are ints, and all sums fit.
    Int(i64),
    /// Not so; a finite number.
    Float(f64),
}

impl Distance {
    /// The number, rounded where it is an int beyond 2⁵³.
    pub fn as_f64(self) -> f64 {
        match self {
            Distance::Int(n) => n as f64,
            Distance::Float(x) => x,
        }
    }
}

impl<R: ReadPages> Reader<R> {
    /// The least sum of a property of edges from a node to each other.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("roads.folio")?.begin_read()?;
    /// # let [here, there] = [foliograph::NodeId(0), foliograph::NodeId(1)];
    /// let distances = snapshot.sssp(here, "metres").run()?;
    /// if let Some(Some(distance)) = distances.get(there) {
    ///     println!("{} m", distance.as_f64());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn sssp(&self, source: NodeId, property: &str) -> Sssp<'_, R> {
        let (follow, control) = (Follow::default(), Control::new());
        Sssp { reader: self, source, property: property.to_owned(), follow, control }
    }
}

/// How sums are held in words that are ordered as they are.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Sums {
    Ints,
    /// The bits of a float that is not negative ascend with it.
    Floats,
}

impl Sums {
    fn unreached(self) -> u64 {
        match self {
            Sums::Ints => u64::MAX,
            Sums::Floats => f64::INFINITY.to_bits(),
        }
    }

    /// `None`: not as ints.
    fn plus(self, sum: u64, weight: Weight) -> Option<u64> {
        match (self, weight) {
            (Sums::Ints, Weight::Int(n)) => sum.checked_add(n).filter(|sum| *sum <= i64::MAX as u64),
            (Sums::Ints, Weight::Float(x)) if x.is_infinite() => Some(self.unreached()),
            (Sums::Ints, Weight::Float(_)) => None,
            (Sums::Floats, Weight::Int(n)) => Some((f64::from_bits(sum) + n as f64).to_bits()),
            (Sums::Floats, Weight::Float(x)) => Some((f64::from_bits(sum) + x).to_bits()),
        }
    }
}

/// Why a search ended early.
enum Halt {
    Failed(ReadError),
    NotInts,
}

impl From<ReadError> for Halt {
    fn from(error: ReadError) -> Self {
        Halt::Failed(error)
    }
}

impl<R: ReadPages> Sssp<'_, R> {
    /// What it takes for a node: a sum, its place in the queue, and its id where ids are far apart.
    pub const BYTES_PER_NODE: u64 = 8 + Heap::BYTES_PER_NODE + Numbering::BYTES_PER_NODE;

    /// The sums; `None` for a node that is not reached.
    ///
    /// # Errors
    /// [`ReadError::BadWeight`] at an edge whose weight is missing, negative or no number, [`ReadError::NoNode`] where the
    /// source is not there, [`ReadError::Cancelled`], and what reading fails with.
    pub fn run(mut self) -> Result<NodeValues<Option<Distance>>, ReadError> {
        let mut ticker = Ticker::new(std::mem::take(&mut self.control));
        ticker.begin(self.reader.node_count())?;
        let nodes = Numbering::of(self.reader, &mut ticker)?;
        let source = nodes.index(self.source.0).ok_or(ReadError::NoNode(self.source))?;
        let found = match self.search(Sums::Ints, source, &nodes, &mut ticker) {
            Err(Halt::NotInts) => {
                ticker.next_round()?;
                self.search(Sums::Floats, source, &nodes, &mut ticker).map(|sums| (Sums::Floats, sums))
            }
            found => found.map(|sums| (Sums::Ints, sums)),
        };
        match found {
            Ok((Sums::Ints, sums)) => {
                ticker.finish();
                Ok(NodeValues::new(nodes, sums, |word| i64::try_from(word).ok().map(Distance::Int)))
            }
            Ok((Sums::Floats, sums)) => {
                ticker.finish();
                Ok(NodeValues::new(nodes, sums, |word| {
                    Some(f64::from_bits(word)).filter(|x| x.is_finite()).map(Distance::Float)
                }))
            }
            Err(Halt::Failed(error)) => Err(error),
            Err(Halt::NotInts) => unreachable!("any weight can be added to a float"),
        }
    }

    fn search(
        &self,
        kind: Sums,
        source: usize,
        nodes: &Numbering,
        ticker: &mut Ticker<'_>,
    ) -> Result<Vec<u64>, Halt> {
        let ways: Vec<Way> = self.follow.ways(self.reader);
        let weights = Weights::new(self.reader, &self.property);
        let mut sums = vec![kind.unreached(); nodes.len()];
        let mut heap = Heap::new(nodes.len());
        sums[source] = 0;
        heap.fell(source, &sums);
        let mut hops = Vec::new();
        while let Some(at) = heap.pop(&sums) {
            let (node, sum) = (nodes.id(at), sums[at]);
            self.reader.for_each_hops::<ReadError>(&[node], &ways, |_, list| {
                hops.clear();
                hops.extend_from_slice(list);
                Ok(())
            })?;
            ticker.done(1);
            ticker.step(1 + hops.len() as u64)?;
            weights.each(node, &mut hops, |neighbor, weight| {
                let target = nodes.index(neighbor).ok_or_else(|| nowhere(self.reader, neighbor))?;
                let through = kind.plus(sum, weight).ok_or(Halt::NotInts)?;
                if through < sums[target] {
                    sums[target] = through;
                    heap.fell(target, &sums);
                }
                Ok::<(), Halt>(())
            })?;
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algo::testing::Sketch;
    use crate::model::Value;

    fn run(edges: &[(u64, u64, Value)], direction: Direction) -> Result<Vec<Option<Distance>>, ReadError> {
        let snapshot = Sketch::weighted(5, edges).snapshot();
        let found = snapshot.sssp(NodeId(0), "w").direction(direction).run()?;
        Ok(found.iter().map(|(_, distance)| distance).collect())
    }

    fn ints(edges: &[(u64, u64, i64)], direction: Direction) -> Vec<Option<i64>> {
        let edges: Vec<_> = edges.iter().map(|(from, to, w)| (*from, *to, Value::Int(*w))).collect();
        let int = |distance: Option<Distance>| {
            distance.map(|distance| match distance {
                Distance::Int(n) => n,
                Distance::Float(x) => panic!("{x} is no int"),
            })
        };
        run(&edges, direction).expect("walked").into_iter().map(int).collect()
    }

    #[test]
    fn the_lightest_of_parallel_edges_counts_and_a_longer_way_may_be_lighter() {
        let edges = [(0, 3, 10), (0, 1, 9), (0, 1, 1), (1, 2, 2), (2, 3, 0), (3, 3, 0), (4, 0, 7)];
        assert_eq!(ints(&edges, Direction::Out), [Some(0), Some(1), Some(3), Some(3), None]);
        assert_eq!(ints(&edges, Direction::In), [Some(0), None, None, None, Some(7)]);
        assert_eq!(ints(&edges, Direction::Both), [Some(0), Some(1), Some(3), Some(3), Some(7)]);
    }

    #[test]
    fn sums_of_ints_are_exact_as_long_as_they_fit() {
        let large = (1 << 62) + 1;
        let edges = [(0, 1, large), (1, 2, large - 4)];
        assert_eq!(ints(&edges, Direction::Out)[1..3], [Some(large), Some(2 * (large - 2))]);
        let edges = [(0, 1, Value::Int(i64::MAX)), (1, 2, Value::Int(1))];
        let found = run(&edges, Direction::Out).expect("walked");
        assert_eq!(found[2], Some(Distance::Float(9_223_372_036_854_775_808.0)));
        assert_eq!(found[0], Some(Distance::Float(0.0)));
    }

    #[test]
    fn an_infinite_weight_is_as_good_as_no_edge() {
        let inf = Value::Float(f64::INFINITY);
        let edges = [(0, 1, inf.clone()), (0, 2, Value::Int(1)), (2, 3, inf.clone())];
        let distance = |n| Some(Distance::Int(n));
        assert_eq!(
            run(&edges, Direction::Out).expect("walked"),
            [distance(0), None, distance(1), None, None]
        );
        let edges = [(0, 1, inf), (0, 2, Value::Float(0.5)), (2, 1, Value::Float(-0.0))];
        let distance = |x| Some(Distance::Float(x));
        assert_eq!(
            run(&edges, Direction::Out).expect("walked"),
            [distance(0.0), distance(0.5), distance(0.5), None, None]
        );
    }

    #[test]
    fn a_weight_that_is_none_is_an_error_that_names_where_the_edge_begins() {
        for weight in [Value::Int(-1), Value::Float(-0.5), Value::Float(f64::NAN), "1".into(), Value::Null] {
            for direction in [Direction::Out, Direction::Both] {
                let edges = [(0, 1, Value::Int(1)), (1, 2, weight.clone())];
                let found = run(&edges, direction);
                assert!(
                    matches!(found, Err(ReadError::BadWeight { node: NodeId(1), .. })),
                    "{weight:?}: {found:?}"
                );
            }
        }
        // Where nobody comes nobody looks.
        assert!(run(&[(1, 2, Value::Int(-1))], Direction::Out).is_ok());
    }
}
