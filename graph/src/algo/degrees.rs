//! The degree of every node, in one pass over the lists.
//!
//! Must always be true: it is what [`Reader::degree`](crate::Reader::degree) says of each node; parallel edges count each,
//! and a self-loop that is followed both ways counts once.

use super::control::{Control, Ticker};
use super::numbering::Numbering;
use super::question::{directed, question};
use super::sweep::Sweep;
use super::values::NodeValues;
use crate::error::ReadError;
use crate::model::Direction;
use crate::reader::{Follow, Reader};
use storage_core::pager::ReadPages;

/// A question for the degree of each node; [`Degrees::run`] answers it. Counts outgoing edges, and those of undirected types
/// both ways, unless it is told otherwise.
#[derive(Debug)]
#[must_use]
pub struct Degrees<'a, R> {
    reader: &'a Reader<R>,
    follow: Follow,
    control: Control<'a>,
}

question!(Degrees);
directed!(Degrees);

impl<R: ReadPages> Reader<R> {
    /// How many edges each node has. For one node see [`Reader::degree`].
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use foliograph::Direction;
    /// # let snapshot = foliograph::Database::open("web.folio")?.begin_read()?;
    /// let most_linked = snapshot.degrees().direction(Direction::In).run()?.top(10);
    /// # Ok(()) }
    /// ```
    pub fn degrees(&self) -> Degrees<'_, R> {
        Degrees { reader: self, follow: Follow::default(), control: Control::new() }
    }
}

impl<R: ReadPages> Degrees<'_, R> {
    /// What it takes for a node: its degree, and its id where ids are far apart.
    pub const BYTES_PER_NODE: u64 = 8 + Numbering::BYTES_PER_NODE;

    /// The degrees.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and what reading fails with.
    pub fn run(self) -> Result<NodeValues<u64>, ReadError> {
        let mut ticker = Ticker::new(self.control);
        ticker.begin(self.reader.node_count())?;
        let nodes = Numbering::of(self.reader, &mut ticker)?;
        let ways = self.follow.ways(self.reader);
        let mut degrees = vec![0; nodes.len()];
        let mut list = Vec::new();
        let mut sweep = Sweep::new(self.reader, &ways, &nodes);
        while let Some(node) = sweep.node()? {
            list.clear();
            sweep.list(&mut list)?;
            degrees[node] = list.len() as u64;
            ticker.step(1 + list.len() as u64)?;
        }
        ticker.finish();
        Ok(NodeValues::new(nodes, degrees, |degree| degree))
    }
}

#[cfg(test)]
mod tests {
    use crate::algo::testing::Sketch;
    use crate::model::{Direction, NodeId};

    #[test]
    fn degrees_are_what_each_node_says() {
        let snapshot =
            Sketch::mixed(6, &[(0, 1), (0, 1), (0, 2), (1, 1), (4, 0)], &[(2, 3), (3, 3)]).snapshot();
        for direction in [None, Some(Direction::Out), Some(Direction::In), Some(Direction::Both)] {
            let (mut all, one) = (snapshot.degrees(), |node| snapshot.degree(node));
            if let Some(direction) = direction {
                all = all.direction(direction);
            }
            let all = all.run().expect("read");
            for (node, degree) in all.iter() {
                let one = direction.map_or(one(node), |d| one(node).direction(d));
                assert_eq!(one.count().expect("counted"), degree, "{node} {direction:?}");
            }
        }
    }

    #[test]
    fn the_top_comes_in_order_and_ties_by_id() {
        let snapshot = Sketch::directed(5, &[(1, 0), (1, 2), (3, 0), (3, 1), (4, 0)]).snapshot();
        let degrees = snapshot.degrees().run().expect("read");
        assert_eq!(degrees.top(3), [(NodeId(1), 2), (NodeId(3), 2), (NodeId(4), 1)]);
        assert_eq!(degrees.top(0), []);
        assert_eq!(degrees.top(99).len(), 5);
        assert!(Sketch::directed(0, &[]).snapshot().degrees().run().expect("read").top(3).is_empty());
    }
}
