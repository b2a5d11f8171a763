//! Counting triangles.
//!
//! Must always be true: a triangle is three nodes of which each two are linked, whichever way and however often; a
//! self-loop links no two.

use super::control::{Control, Ticker};
use super::corners::{Corners, Worth};
use super::numbering::Numbering;
use super::question::question;
use super::values::NodeValues;
use crate::error::ReadError;
use crate::reader::{Follow, Reader};
use storage_core::pager::ReadPages;

/// A question for triangles; [`Triangles::run`] answers it.
#[derive(Debug)]
#[must_use]
pub struct Triangles<'a, R> {
    reader: &'a Reader<R>,
    follow: Follow,
    control: Control<'a>,
}

question!(Triangles);

/// How many triangles there are.
#[derive(Clone, Debug)]
pub struct TriangleCount {
    /// In the whole graph.
    pub total: u64,
    /// Those that each node is a corner of: three times the total in all.
    pub corners: NodeValues<u64>,
}

impl<R: ReadPages> Reader<R> {
    /// How many triangles there are, and of how many each node is a corner.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
    /// println!("{} triangles", snapshot.triangles().of_type("knows").run()?.total);
    /// # Ok(()) }
    /// ```
    pub fn triangles(&self) -> Triangles<'_, R> {
        Triangles { reader: self, follow: Follow::default(), control: Control::new() }
    }
}

impl<R: ReadPages> Triangles<'_, R> {
    /// What it takes for a node: its degree, a count, a mark, and its id where ids are far apart.
    pub const BYTES_PER_NODE: u64 = Corners::BYTES_PER_NODE + Numbering::BYTES_PER_NODE;

    /// The counts.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and what reading fails with.
    pub fn run(self) -> Result<TriangleCount, ReadError> {
        let mut ticker = Ticker::new(self.control);
        ticker.begin(self.reader.node_count().saturating_mul(2))?;
        let nodes = Numbering::of(self.reader, &mut ticker)?;
        let ways = self.follow.ways(self.reader);
        let found = Corners::find(self.reader, &nodes, (&ways, Worth::Side), &mut ticker)?;
        ticker.finish();
        let corners = NodeValues::new(nodes, found.worths, |count| count);
        Ok(TriangleCount { total: found.triangles, corners })
    }
}

#[cfg(test)]
mod tests {
    use crate::algo::testing::Sketch;

    fn count(nodes: u64, edges: &[(u64, u64)]) -> (u64, Vec<u64>) {
        let found = Sketch::directed(nodes, edges).snapshot().triangles().run().expect("read");
        (found.total, found.corners.iter().map(|(_, count)| count).collect())
    }

    #[test]
    fn three_nodes_linked_in_any_way_are_one_triangle() {
        assert_eq!(count(3, &[(0, 1), (1, 2), (0, 2)]), (1, vec![1, 1, 1]));
        assert_eq!(count(3, &[(0, 1), (1, 0), (1, 2), (1, 2), (2, 0), (1, 1)]), (1, vec![1, 1, 1]));
        assert_eq!(count(3, &[(0, 1), (1, 2), (2, 2), (0, 0)]), (0, vec![0, 0, 0]));
        let all = |n: u64| (0..n).flat_map(move |a| (0..a).map(move |b| (a, b))).collect::<Vec<_>>();
        assert_eq!(count(7, &all(7)), (35, vec![15; 7]));
        assert_eq!(count(0, &[]), (0, vec![]));
    }
}
