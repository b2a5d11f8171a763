//! A queue of nodes by distance, in which a distance may fall: each node stands there once, so memory is bounded by nodes
//! where a queue of all that was ever pushed is bounded by edges.
//!
//! Must always be true: `heap` is a binary heap by the distances that it is asked with, and `places` says where each node
//! stands in it. Of nodes with the same distance the one with the smaller number comes first.

/// The queue. Distances are the caller's: each call takes them.
pub(super) struct Heap {
    heap: Vec<usize>,
    /// Where each node is in `heap`; [`NOWHERE`] if it is not.
    places: Vec<usize>,
}

const NOWHERE: usize = usize::MAX;

impl Heap {
    /// Bytes for a node of the graph.
    pub(super) const BYTES_PER_NODE: u64 = 16;

    pub(super) fn new(nodes: usize) -> Self {
        Heap { heap: Vec::with_capacity(nodes), places: vec![NOWHERE; nodes] }
    }

    /// The distance of a node fell: it goes forward, or comes in.
    pub(super) fn fell(&mut self, node: usize, distances: &[u64]) {
        if self.places[node] == NOWHERE {
            self.places[node] = self.heap.len();
            self.heap.push(node);
        }
        let mut at = self.places[node];
        while at > 0 && before(node, self.heap[(at - 1) / 2], distances) {
            self.put(at, self.heap[(at - 1) / 2]);
            at = (at - 1) / 2;
        }
        self.put(at, node);
    }

    /// Takes out the nearest.
    pub(super) fn pop(&mut self, distances: &[u64]) -> Option<usize> {
        let last = self.heap.pop()?;
        self.places[last] = NOWHERE;
        let Some(nearest) = self.heap.first().copied() else { return Some(last) };
        self.places[nearest] = NOWHERE;
        let mut at = 0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let child = match (self.heap.get(left), self.heap.get(right)) {
                (Some(l), Some(r)) if before(*r, *l, distances) => right,
                (Some(_), _) => left,
                _ => break,
            };
            if !before(self.heap[child], last, distances) {
                break;
            }
            self.put(at, self.heap[child]);
            at = child;
        }
        self.put(at, last);
        Some(nearest)
    }

    fn put(&mut self, at: usize, node: usize) {
        self.heap[at] = node;
        self.places[node] = at;
    }
}

fn before(one: usize, other: usize, distances: &[u64]) -> bool {
    (distances[one], one) < (distances[other], other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage_core::device::sim::Rng;

    #[test]
    fn nodes_come_out_by_their_newest_distance() {
        let mut rng = Rng::new(11);
        for nodes in [1, 2, 3, 10, 200] {
            let mut distances = vec![u64::MAX; nodes];
            let mut heap = Heap::new(nodes);
            for _ in 0..3 * nodes {
                let node = rng.below(nodes as u64) as usize;
                let distance = rng.below(50);
                if distance < distances[node] {
                    distances[node] = distance;
                    heap.fell(node, &distances);
                }
            }
            let mut wanted: Vec<usize> = (0..nodes).filter(|node| distances[*node] != u64::MAX).collect();
            wanted.sort_by_key(|node| (distances[*node], *node));
            let found: Vec<usize> = std::iter::from_fn(|| heap.pop(&distances)).collect();
            assert_eq!(found, wanted);
            assert!(heap.places.iter().all(|place| *place == NOWHERE));
        }
    }
}
