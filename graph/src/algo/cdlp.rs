//! Communities by label propagation, as LDBC Graphalytics defines it.
//!
//! Each node begins with its own id for a label. In each iteration all nodes at once take the label that most of their
//! edges' other ends have, of several the smallest.
//!
//! Must always be true: the answer is the same on every run. Each edge is a vote at both of its ends: a neighbour that is
//! linked both ways has two (as Graphalytics says), and so has one with two parallel edges; a self-loop is one vote for a
//! node's own label. A node without edges keeps its label.

use super::control::{Control, Ticker};
use super::numbering::Numbering;
use super::question::{directed, question};
use super::sweep::Sweep;
use super::values::NodeValues;
use super::wcc::labels;
use crate::error::ReadError;
use crate::model::{Direction, NodeId};
use crate::reader::{Follow, Reader};
use storage_core::pager::ReadPages;

/// A question for communities by label propagation; [`Cdlp::run`] answers it. Edges count at both ends, unless it is told
/// otherwise: with [`Direction::Out`] a node asks only those its edges lead to.
#[derive(Debug)]
#[must_use]
pub struct Cdlp<'a, R> {
    reader: &'a Reader<R>,
    iterations: u64,
    follow: Follow,
    control: Control<'a>,
}

question!(Cdlp);
directed!(Cdlp);

impl<R: ReadPages> Reader<R> {
    /// Which community each node belongs to, after 10 iterations unless it is told otherwise.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
    /// let communities = snapshot.cdlp().iterations(5).run()?;
    /// # Ok(()) }
    /// ```
    pub fn cdlp(&self) -> Cdlp<'_, R> {
        let follow = Follow { direction: Some(Direction::Both), ..Follow::default() };
        Cdlp { reader: self, iterations: 10, follow, control: Control::new() }
    }
}

impl<R: ReadPages> Cdlp<'_, R> {
    /// What it takes for a node: two labels, and its id where ids are far apart.
    pub const BYTES_PER_NODE: u64 = 16 + Numbering::BYTES_PER_NODE;

    /// How many iterations at most; each reads all edges once in both directions. It ends before where nothing changes any
    /// more.
    pub fn iterations(mut self, iterations: u64) -> Self {
        self.iterations = iterations;
        self
    }

    /// The labels: ids of nodes.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and what reading fails with.
    pub fn run(self) -> Result<NodeValues<NodeId>, ReadError> {
        let mut ticker = Ticker::new(self.control);
        ticker.begin(self.reader.node_count().saturating_mul(self.iterations))?;
        let nodes = Numbering::of(self.reader, &mut ticker)?;
        let ways = self.follow.ways(self.reader);
        let mut now: Vec<u64> = (0..nodes.len() as u64).collect();
        let mut next = now.clone();
        for iteration in 0..self.iterations {
            if iteration > 0 {
                ticker.next_round()?;
            }
            let sweep = Sweep::new(self.reader, &ways, &nodes);
            if !propagate(sweep, &now, &mut next, &mut ticker)? {
                break;
            }
            std::mem::swap(&mut now, &mut next);
        }
        drop(next);
        labels(&nodes, &mut now);
        ticker.finish();
        Ok(NodeValues::new(nodes, now, NodeId))
    }
}

/// One iteration; false if no label changed.
fn propagate<R: ReadPages>(
    mut sweep: Sweep<'_, R>,
    now: &[u64],
    next: &mut [u64],
    ticker: &mut Ticker<'_>,
) -> Result<bool, ReadError> {
    let (mut changed, mut passed) = (false, 0);
    let mut votes = Vec::new();
    while let Some(node) = sweep.node()? {
        votes.clear();
        sweep.read(|_, some| {
            votes.extend(some.iter().map(|neighbor| now[*neighbor]));
            true
        })?;
        next[node] = winner(&mut votes).unwrap_or(now[node]);
        changed |= next[node] != now[node];
        ticker.done((node + 1 - passed) as u64);
        passed = node + 1;
        ticker.step(1 + votes.len() as u64)?;
    }
    ticker.done((now.len() - passed) as u64);
    Ok(changed)
}

/// The most frequent label, of several the smallest.
fn winner(votes: &mut [u64]) -> Option<u64> {
    votes.sort_unstable();
    let mut best = None;
    for same in votes.chunk_by(|a, b| a == b) {
        if best.is_none_or(|(count, _)| same.len() > count) {
            best = Some((same.len(), same[0]));
        }
    }
    best.map(|(_, label)| label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algo::testing::Sketch;

    fn found(sketch: &Sketch, iterations: u64) -> Vec<u64> {
        let found = sketch.snapshot().cdlp().iterations(iterations).run().expect("read");
        found.iter().map(|(_, label)| label.0).collect()
    }

    #[test]
    fn most_votes_win_and_of_several_labels_the_smallest() {
        let sketch = Sketch::directed(5, &[(1, 0), (2, 0), (3, 0), (3, 2)]);
        assert_eq!(found(&sketch, 0), [0, 1, 2, 3, 4]);
        assert_eq!(found(&sketch, 1), [1, 0, 0, 0, 4]);
        assert_eq!(found(&sketch, 2), [0, 1, 0, 0, 4]);
    }

    #[test]
    fn linked_both_ways_or_twice_is_two_votes_and_a_loop_is_one_for_oneself() {
        let both_ways = Sketch::directed(3, &[(0, 1), (0, 2), (2, 0)]);
        assert_eq!(found(&both_ways, 1), [2, 0, 0]);
        let twice = Sketch::mixed(3, &[], &[(0, 1), (0, 2), (0, 2)]);
        assert_eq!(found(&twice, 1), [2, 0, 0]);
        let looped = Sketch::directed(2, &[(1, 0), (1, 1), (0, 0)]);
        assert_eq!(found(&looped, 1), [0, 0], "one vote each, the smallest wins");
        assert_eq!(found(&Sketch::directed(2, &[(1, 1), (1, 1), (1, 0)]), 1), [1, 1]);
    }

    #[test]
    fn who_asks_only_where_edges_lead_hears_less() {
        let snapshot = Sketch::directed(3, &[(2, 0), (1, 2)]).snapshot();
        let found = snapshot.cdlp().direction(Direction::Out).iterations(1).run().expect("read");
        assert_eq!(found.iter().map(|(_, label)| label.0).collect::<Vec<_>>(), [0, 2, 0]);
    }

    #[test]
    fn labels_are_ids_however_large() {
        let sketch = Sketch::directed(3, &[(2, 1)]).ids(&[5, 1 << 60, u64::MAX - 1]);
        assert_eq!(found(&sketch, 1), [5, u64::MAX - 1, 1 << 60]);
    }
}
