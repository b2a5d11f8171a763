//! The graph that is measured where no store is named: the same for everybody, from a fixed seed.
//!
//! Degrees follow a power law on both sides, as those of web pages and people do: most nodes have a few edges, some have
//! thousands. Ids say nothing of degrees, no edge stands twice, and each node has a key.

use std::path::Path;
use std::sync::Arc;

use foliograph::bulk::{Bulk, BulkError, BulkOptions, EdgeRow, NodeRow, Place, RowId};
use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::{Database, Key, props};

use crate::failure::Failure;

/// The type of its edges.
pub const EDGE: &str = "edge";
/// The label of its nodes.
const LABEL: &str = "node";

/// Edges by source, each with its targets, ascending.
pub struct Graph {
    nodes: u64,
    edges: Vec<(u32, u32)>,
}

impl Graph {
    /// 2 to the power of `scale` nodes.
    pub fn of_scale(scale: u32) -> Graph {
        let nodes = 1u64 << scale;
        let mut rng = Rng::new(u64::from(scale));
        let mut edges = Vec::new();
        let mut targets = Vec::new();
        for source in 0..nodes {
            targets.clear();
            // Pareto: at least 4, in the mean 12, now and then very many.
            let degree = (4.0 * unit(&mut rng).powf(-1.0 / 1.5)).min(nodes as f64 / 8.0);
            for _ in 0..degree as u64 {
                // The cube prefers low ranks; the odd factor spreads ranks over all ids.
                let rank = (nodes as f64 * unit(&mut rng).powi(3)) as u64;
                targets.push((rank.wrapping_mul(0x9e37_79b9_7f4a_7c15) % nodes) as u32);
            }
            targets.sort_unstable();
            targets.dedup();
            edges.extend(targets.iter().map(|target| (source as u32, *target)));
        }
        Graph { nodes, edges }
    }

    /// How many edges there are.
    pub fn edge_count(&self) -> u64 {
        self.edges.len() as u64
    }

    /// Loads it into a new store, durably.
    pub fn load(&self, db: &Database, scratch: &Path) -> Result<(), Failure> {
        let bulk = self.rows(scratch)?;
        db.begin_write()?.load(bulk).map_err(Failure::new)?;
        Ok(())
    }

    fn rows(&self, scratch: &Path) -> Result<Bulk, BulkError> {
        let mut bulk =
            Bulk::new(BulkOptions { temp_dir: Some(scratch.to_owned()), ..BulkOptions::default() });
        let (label, edge_type): (Arc<str>, Arc<str>) = (LABEL.into(), EDGE.into());
        for id in 0..self.nodes {
            bulk.add_node(NodeRow {
                space: 0,
                id: Some(RowId::Int(id)),
                label: label.clone(),
                key: Some(Key::Text(format!("n{id}"))),
                props: props! {},
                place: Place::default(),
            })?;
        }
        for (from, to) in &self.edges {
            bulk.add_edge(EdgeRow {
                from: (0, RowId::Int(u64::from(*from))),
                to: (0, RowId::Int(u64::from(*to))),
                edge_type: edge_type.clone(),
                undirected: false,
                rank: None,
                props: props! {},
                place: Place::default(),
            })?;
        }
        Ok(bulk)
    }
}

/// From just above 0 up to 1.
fn unit(rng: &mut Rng) -> f64 {
    ((rng.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_nodes_have_many_edges_and_no_edge_stands_twice() {
        let graph = Graph::of_scale(12);
        assert!(graph.edges.is_sorted_by(|a, b| a < b));
        let mut degrees = vec![[0u32; 2]; 1 << 12];
        for (from, to) in &graph.edges {
            degrees[*from as usize][0] += 1;
            degrees[*to as usize][1] += 1;
        }
        for side in 0..2 {
            let most = degrees.iter().map(|d| d[side]).max().unwrap();
            let mean = graph.edge_count() as u32 / (1 << 12);
            assert!((6..20).contains(&mean) && most > 20 * mean, "mean {mean}, most {most}");
        }
    }
}
