//! The same answers as petgraph gives: 1,000 random graphs with parallel edges, self-loops, parts that are not reached,
//! weights of zero and infinity, several types, undirected ones among them, and ids far apart.
//!
//! Each graph is drawn from a seed of its own, which a failure prints: `FOLIOGRAPH_SEED=… FOLIOGRAPH_GRAPHS=1` draws it
//! alone; `FOLIOGRAPH_GRAPHS` asks for more. What petgraph has no algorithm for is compared with one that nobody can
//! doubt, however slow.

mod components;
mod copies;
mod paths;
mod sketch;
mod walks;
mod whole;

use crate::harness::seed;
use foliograph::{NodeId, Snapshot};
use petgraph::graph::{DiGraph, NodeIndex};
use sketch::Sketch;

/// Edges of the reference: number of the type, weight.
type Reference = DiGraph<NodeId, (usize, f64)>;

/// A graph three times: as it was drawn, in a store, in a petgraph.
struct Case {
    sketch: Sketch,
    snapshot: Snapshot,
    reference: Reference,
}

/// Says which graph it was, if the test fails over it.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "graph of seed {}: FOLIOGRAPH_SEED={} FOLIOGRAPH_GRAPHS=1 draws it alone",
                self.0, self.0
            );
        }
    }
}

fn for_each_graph(mut check: impl FnMut(&Case)) {
    let seed = seed(0x9e76);
    let graphs = match std::env::var("FOLIOGRAPH_GRAPHS") {
        Ok(text) => text.parse().expect("FOLIOGRAPH_GRAPHS is a number"),
        Err(_) => 1_000,
    };
    for seed in seed..seed.saturating_add(graphs) {
        let told = Told(seed);
        let sketch = Sketch::new(seed);
        let snapshot = sketch.store().begin_read().expect("begun");
        let reference = sketch.reference();
        check(&Case { sketch, snapshot, reference });
        drop(told);
    }
}

impl Case {
    fn id(&self, index: NodeIndex) -> NodeId {
        self.reference[index]
    }

    fn index(&self, id: NodeId) -> NodeIndex {
        let at = self.sketch.ids.binary_search(&id.0).expect("it is a node");
        NodeIndex::new(at)
    }

    /// Some nodes to begin at.
    fn starts(&self) -> Vec<NodeIndex> {
        let count = self.sketch.ids.len();
        self.reference.node_indices().step_by(1.max(count / 4)).collect()
    }

    /// What a walk along these nodes weighs at least; `None` if it is none.
    fn weigh(&self, nodes: &[NodeId]) -> Option<f64> {
        nodes.windows(2).try_fold(0.0, |sum, step| {
            let between = self.reference.edges_connecting(self.index(step[0]), self.index(step[1]));
            between.map(|edge| edge.weight().1).reduce(f64::min).map(|weight| sum + weight)
        })
    }
}
