//! PageRank, as LDBC Graphalytics defines it.
//!
//! Ranks begin at 1/N; in each iteration a node's rank is (1 − d)/N + d × (the sum of r(u)/out(u) over the edges that lead
//! there + D/N), where D is the rank of nodes without outgoing edges, which is spread over all.
//!
//! Must always be true: ranks sum to 1. Parallel edges count each, as links would, and so does a self-loop.

use super::control::{Control, Ticker};
use super::numbering::Numbering;
use super::question::{directed, question};
use super::sweep::Sweep;
use super::values::NodeValues;
use crate::error::ReadError;
use crate::model::Direction;
use crate::reader::{Follow, Reader};
use storage_core::pager::ReadPages;

/// A question for the rank of each node; [`PageRank::run`] answers it. Rank flows along outgoing edges, and along those of
/// undirected types both ways, unless it is told otherwise.
#[derive(Debug)]
#[must_use]
pub struct PageRank<'a, R> {
    reader: &'a Reader<R>,
    damping: f64,
    iterations: u64,
    follow: Follow,
    control: Control<'a>,
}

question!(PageRank);
directed!(PageRank);

impl<R: ReadPages> Reader<R> {
    /// How important each node is: the chance to be there for somebody who follows edges at random. With damping 0.85
    /// and 30 iterations, unless it is told otherwise.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let snapshot = foliograph::Database::open("web.folio")?.begin_read()?;
    /// let ranks = snapshot.page_rank().iterations(20).run()?;
    /// let best = ranks.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    /// # Ok(()) }
    /// ```
    pub fn page_rank(&self) -> PageRank<'_, R> {
        let (follow, control) = (Follow::default(), Control::new());
        PageRank { reader: self, damping: 0.85, iterations: 30, follow, control }
    }
}

impl<R: ReadPages> PageRank<'_, R> {
    /// What it takes for a node: two ranks, and its id where ids are far apart.
    pub const BYTES_PER_NODE: u64 = 16 + Numbering::BYTES_PER_NODE;

    /// The chance to follow an edge rather than to begin anywhere: between 0 and 1, anything beyond is taken as these.
    #[allow(clippy::manual_clamp, reason = "what is no number becomes 0, where `clamp` would keep it")]
    pub fn damping(mut self, damping: f64) -> Self {
        self.damping = damping.max(0.0).min(1.0);
        self
    }

    /// How many iterations; each reads all edges once.
    pub fn iterations(mut self, iterations: u64) -> Self {
        self.iterations = iterations;
        self
    }

    /// The ranks.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], and what reading fails with.
    pub fn run(self) -> Result<NodeValues<f64>, ReadError> {
        let mut ticker = Ticker::new(self.control);
        ticker.begin(self.reader.node_count().saturating_mul(self.iterations))?;
        let nodes = Numbering::of(self.reader, &mut ticker)?;
        let ways = self.follow.ways(self.reader);
        let count = nodes.len() as f64;
        let mut ranks = vec![1.0 / count; nodes.len()];
        let mut next = vec![0.0; nodes.len()];
        for iteration in 0..self.iterations {
            if iteration > 0 {
                ticker.next_round()?;
            }
            next.fill(0.0);
            let sweep = Sweep::new(self.reader, &ways, &nodes);
            let idle = spread(sweep, &ranks, &mut next, &mut ticker)?;
            let base = (1.0 - self.damping) / count + self.damping * idle / count;
            for rank in &mut next {
                *rank = base + self.damping * *rank;
            }
            std::mem::swap(&mut ranks, &mut next);
        }
        drop(next);
        ticker.finish();
        let words = ranks.into_iter().map(f64::to_bits).collect();
        Ok(NodeValues::new(nodes, words, f64::from_bits))
    }
}

/// Gives each node's rank to those its edges lead to, in equal parts. Returns the rank of those without edges.
fn spread<R: ReadPages>(
    mut sweep: Sweep<'_, R>,
    ranks: &[f64],
    next: &mut [f64],
    ticker: &mut Ticker<'_>,
) -> Result<f64, ReadError> {
    let (mut idle, mut passed) = (0.0, 0);
    let mut list = Vec::new();
    while let Some(node) = sweep.node()? {
        idle += ranks[passed..node].iter().sum::<f64>();
        ticker.done((node + 1 - passed) as u64);
        passed = node + 1;
        list.clear();
        sweep.list(&mut list)?;
        if list.is_empty() {
            idle += ranks[node];
        }
        let part = ranks[node] / list.len() as f64;
        for target in &list {
            next[*target] += part;
        }
        ticker.step(1 + list.len() as u64)?;
    }
    ticker.done((ranks.len() - passed) as u64);
    Ok(idle + ranks[passed..].iter().sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algo::testing::Sketch;

    /// Straight from the definition.
    fn naive(nodes: usize, edges: &[(u64, u64)], damping: f64, iterations: u64) -> Vec<f64> {
        let degree = |u: u64| edges.iter().filter(|(from, _)| *from == u).count() as f64;
        let mut ranks = vec![1.0 / nodes as f64; nodes];
        for _ in 0..iterations {
            let idle: f64 = (0..nodes).filter(|u| degree(*u as u64) == 0.0).map(|u| ranks[u]).sum();
            let given = |v: u64| -> f64 {
                let to = edges.iter().filter(|(_, to)| *to == v);
                to.map(|(from, _)| ranks[*from as usize] / degree(*from)).sum()
            };
            let rank = |v| (1.0 - damping) / nodes as f64 + damping * (given(v) + idle / nodes as f64);
            ranks = (0..nodes as u64).map(rank).collect();
        }
        ranks
    }

    fn close(found: &NodeValues<f64>, wanted: &[f64]) {
        let found: Vec<f64> = found.iter().map(|(_, rank)| rank).collect();
        assert_eq!(found.len(), wanted.len());
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} is not {wanted:?}");
    }

    #[test]
    fn ranks_flow_along_every_edge_and_from_dead_ends_to_all() {
        let edges = [(0, 1), (0, 1), (0, 2), (1, 1), (1, 3), (2, 0), (4, 0)];
        let snapshot = Sketch::directed(6, &edges).snapshot();
        for (damping, iterations) in [(0.85, 0), (0.85, 1), (0.85, 20), (0.0, 3), (1.0, 7)] {
            let ranks = snapshot.page_rank().damping(damping).iterations(iterations).run().expect("read");
            close(&ranks, &naive(6, &edges, damping, iterations));
            assert!((ranks.iter().map(|(_, rank)| rank).sum::<f64>() - 1.0).abs() < 1e-12);
        }
        let back: Vec<(u64, u64)> = edges.iter().map(|(from, to)| (*to, *from)).collect();
        let ranks = snapshot.page_rank().direction(Direction::In).iterations(5).run().expect("read");
        close(&ranks, &naive(6, &back, 0.85, 5));
    }

    #[test]
    fn undirected_edges_carry_rank_both_ways_and_a_loop_once() {
        let snapshot = Sketch::mixed(4, &[], &[(0, 1), (1, 2), (2, 2)]).snapshot();
        let ranks = snapshot.page_rank().iterations(9).run().expect("read");
        close(&ranks, &naive(4, &[(0, 1), (1, 0), (1, 2), (2, 1), (2, 2)], 0.85, 9));
    }

    #[test]
    fn an_empty_graph_has_no_ranks_and_a_lone_node_has_it_all() {
        assert!(Sketch::directed(0, &[]).snapshot().page_rank().run().expect("read").is_empty());
        let alone = Sketch::directed(1, &[]).snapshot().page_rank().run().expect("read");
        close(&alone, &[1.0]);
    }
}
