//! RMAT graphs: many small vertices and a few huge ones, from a seed.
//!
//! Chakrabarti, Zhan, Faloutsos, "R-MAT: A Recursive Model for Graph Mining", SDM 2004, with the parameters of Graph500
//! (a 0.57, b and c 0.19, d 0.05; 16 edges drawn for each vertex). Ids are shuffled, so that they say nothing of the
//! degree. Loops and repeated edges are left out; what remains is in random order, as drawn edges are.

use super::{Edge, Graph};
use crate::rng::Rng;

const A: f64 = 0.57;
const B: f64 = 0.19;
const C: f64 = 0.19;
const EDGES_A_VERTEX: u64 = 16;
const SEED: u64 = 20_040_422;

/// The graph of 2^`scale` vertices.
pub fn generate(scale: u32) -> Graph {
    let nodes = 1u32 << scale;
    let mut rng = Rng::new(SEED + u64::from(scale));
    let mut ids: Vec<u32> = (0..nodes).collect();
    rng.shuffle(&mut ids);
    let mut edges: Vec<Edge> = (0..u64::from(nodes) * EDGES_A_VERTEX)
        .map(|_| draw(scale, &mut rng))
        .filter(|(source, target)| source != target)
        .map(|(source, target)| (ids[source as usize], ids[target as usize]))
        .collect();
    edges.sort_unstable();
    edges.dedup();
    rng.shuffle(&mut edges);
    Graph { nodes, edges }
}

/// One edge: at each level one of the four quarters of the matrix.
fn draw(scale: u32, rng: &mut Rng) -> Edge {
    let (mut source, mut target) = (0, 0);
    for _ in 0..scale {
        let at = rng.fraction();
        let (down, right) = (at >= A + B, (A..A + B).contains(&at) || at >= A + B + C);
        source = source << 1 | u32::from(down);
        target = target << 1 | u32::from(right);
    }
    (source, target)
}
