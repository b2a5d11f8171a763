//! A graph in arrays, and a generator of graphs.

use foliograph::storage_core::device::sim::rng::Rng;

/// Outgoing lists, one after the other, each ascending.
pub struct Csr {
    ends: Vec<usize>,
    targets: Vec<u64>,
}

impl Csr {
    /// From edges that are sorted, each once.
    pub fn new(nodes: usize, edges: &[(u32, u32)]) -> Self {
        let mut ends = vec![0; nodes + 1];
        let mut sorted = edges.to_vec();
        sorted.sort_unstable();
        for (from, _) in &sorted {
            ends[*from as usize + 1] += 1;
        }
        for at in 1..ends.len() {
            ends[at] += ends[at - 1];
        }
        Csr { ends, targets: sorted.into_iter().map(|(_, to)| u64::from(to)).collect() }
    }

    pub fn nodes(&self) -> u64 {
        self.ends.len() as u64 - 1
    }

    pub fn edges(&self) -> usize {
        self.targets.len()
    }

    pub fn list(&self, node: u64) -> &[u64] {
        &self.targets[self.ends[node as usize]..self.ends[node as usize + 1]]
    }

    /// The sum of all distances from a node, top-down with a queue.
    pub fn bfs(&self, source: u64) -> u64 {
        let mut distances = vec![u64::MAX; self.nodes() as usize];
        let (mut queue, mut sum, mut level) = (vec![source], 0u64, 0);
        distances[source as usize] = 0;
        while !queue.is_empty() {
            level += 1;
            let mut next = Vec::new();
            for node in queue {
                for target in self.list(node) {
                    if distances[*target as usize] == u64::MAX {
                        distances[*target as usize] = level;
                        sum += level;
                        next.push(*target);
                    }
                }
            }
            queue = next;
        }
        sum
    }
}

/// Edges of an RMAT graph (Chakrabarti, Zhan, Faloutsos 2004), in the order in which they are drawn, each once.
pub fn rmat(scale: u32, degree: usize, seed: u64) -> Vec<(u32, u32)> {
    let mut rng = Rng::new(seed);
    let mut ids: Vec<u32> = (0..1 << scale).collect();
    for at in (1..ids.len()).rev() {
        ids.swap(at, rng.below(at as u64 + 1) as usize);
    }
    let mut edges: Vec<(u64, u32, u32)> = (0..degree << scale)
        .map(|n| {
            let (mut from, mut to) = (0usize, 0usize);
            for _ in 0..scale {
                let (down, right) = match rng.below(100) {
                    0..57 => (0, 0),
                    57..76 => (0, 1),
                    76..95 => (1, 0),
                    _ => (1, 1),
                };
                (from, to) = (from << 1 | down, to << 1 | right);
            }
            (n as u64, ids[from], ids[to])
        })
        .filter(|(_, from, to)| from != to)
        .collect();
    edges.sort_unstable_by_key(|(n, from, to)| (*from, *to, *n));
    edges.dedup_by_key(|(_, from, to)| (*from, *to));
    edges.sort_unstable();
    edges.into_iter().map(|(_, from, to)| (from, to)).collect()
}
