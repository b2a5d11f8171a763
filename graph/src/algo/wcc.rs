//! Weakly connected components: which nodes hang together, whichever way edges point.
//!
//! Must always be true: two nodes have the same label exactly if a chain of edges joins them, and the label is the smallest
//! id of the component. One pass over the edges, each seen once.

use super::control::{Control, Ticker};
use super::numbering::Numbering;
use super::question::question;
use super::sweep::Sweep;
use super::values::NodeValues;
use crate::error::ReadError;
use crate::model::{Direction, NodeId};
use crate::reader::{Follow, Reader, Way};
use storage_core::pager::ReadPages;

/// A question for the weakly connected components; [`WeaklyConnected::run`] answers it.
#[derive(Debug)]
#[must_use]
pub struct WeaklyConnected<'a, R> {
    reader: &'a Reader<R>,
    follow: Follow,
    control: Control<'a>,
}

question!(WeaklyConnected);

impl<R: ReadPages> Reader<R> {
    /// Which nodes hang together, whichever way edges point.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
    /// let components = snapshot.weakly_connected().of_type("knows").run()?;
    /// let count = components.iter().filter(|(node, first)| node == first).count();
    /// # Ok(()) }
    /// ```
    pub fn weakly_connected(&self) -> WeaklyConnected<'_, R> {
        WeaklyConnected { reader: self, follow: Follow::default(), control: Control::new() }
    }
}

impl<R: ReadPages> WeaklyConnected<'_, R> {
    /// What it takes for a node: a label, and its id where ids are far apart.
    pub const BYTES_PER_NODE: u64 = 8 + Numbering::BYTES_PER_NODE;

    /// For each node the smallest id of its component.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and what reading fails with.
    pub fn run(self) -> Result<NodeValues<NodeId>, ReadError> {
        let mut ticker = Ticker::new(self.control);
        ticker.begin(self.reader.node_count())?;
        let nodes = Numbering::of(self.reader, &mut ticker)?;
        // Every edge is an outgoing one of some node.
        let follow = Follow { direction: Some(Direction::Out), ..self.follow };
        let ways: Vec<Way> = follow.ways(self.reader);
        let mut parents: Vec<u64> = (0..nodes.len() as u64).collect();
        let mut sweep = Sweep::new(self.reader, &ways, &nodes);
        let mut passed = 0;
        while let Some(node) = sweep.node()? {
            let mut root = find(&mut parents, node);
            let mut read = 1;
            sweep.read(|_, some| {
                read += some.len() as u64;
                for neighbor in some {
                    let other = find(&mut parents, *neighbor);
                    // The smaller one is the root, so it is the smallest of the component.
                    let (low, high) = (root.min(other), root.max(other));
                    parents[high] = low as u64;
                    root = low;
                }
                true
            })?;
            ticker.done((node + 1 - passed) as u64);
            passed = node + 1;
            ticker.step(read)?;
        }
        for node in 0..parents.len() {
            // Parents are smaller, so theirs are final.
            parents[node] = parents[parents[node] as usize];
            ticker.step(1)?;
        }
        labels(&nodes, &mut parents);
        ticker.finish();
        Ok(NodeValues::new(nodes, parents, NodeId))
    }
}

/// Turns numbers of nodes into their ids.
pub(super) fn labels(nodes: &Numbering, numbers: &mut [u64]) {
    for number in numbers {
        *number = nodes.id(*number as usize).0;
    }
}

/// The root of a node; the way there becomes half as long.
fn find(parents: &mut [u64], node: usize) -> usize {
    let mut at = node;
    while parents[at] != at as u64 {
        parents[at] = parents[parents[at] as usize];
        at = parents[at] as usize;
    }
    at
}

#[cfg(test)]
mod tests {

    use crate::algo::testing::Sketch;

    fn found(sketch: &Sketch) -> Vec<u64> {
        sketch.snapshot().weakly_connected().run().expect("read").iter().map(|(_, label)| label.0).collect()
    }

    #[test]
    fn the_smallest_id_names_a_component_whichever_way_edges_point() {
        let sketch = Sketch::directed(9, &[(7, 3), (3, 8), (5, 1), (2, 5), (2, 2), (6, 6), (8, 7), (8, 7)]);
        assert_eq!(found(&sketch), [0, 1, 1, 3, 4, 1, 6, 3, 3]);
        assert_eq!(found(&Sketch::directed(0, &[])), [0; 0]);
    }

    #[test]
    fn ids_may_be_as_large_as_they_like() {
        let ids = [3, 1 << 50, u64::MAX - 2, u64::MAX - 1];
        let sketch = Sketch::directed(4, &[(3, 1), (0, 2)]).ids(&ids);
        assert_eq!(found(&sketch), [3, 1 << 50, 3, 1 << 50]);
    }

    #[test]
    fn a_long_chain_is_one_component_in_every_order() {
        let chain: Vec<(u64, u64)> = (0..999).map(|n| (n * 7 % 1000, (n + 1) * 7 % 1000)).collect();
        assert!(found(&Sketch::directed(1000, &chain)).iter().all(|label| *label == 0));
    }
}
