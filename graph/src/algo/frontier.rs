//! The nodes of one level: a list while they are few, bits when they are many.
//!
//! Must always be true: each node stands there once (who pushes sees to it). Takes half a byte for each node of the graph
//! at most, whatever comes.

/// A set of nodes by number.
#[derive(Debug)]
pub(super) struct Frontier {
    /// How many nodes the graph has.
    nodes: usize,
    few: Vec<usize>,
    /// Empty as long as `few` holds them all.
    bits: Vec<u64>,
    count: usize,
}

/// A list of more than one in so many nodes takes more than the bits.
const MANY: usize = 128;

impl Frontier {
    pub(super) fn new(nodes: usize) -> Self {
        Frontier { nodes, few: Vec::new(), bits: Vec::new(), count: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// One that is not there yet.
    pub(super) fn push(&mut self, node: usize) {
        self.count += 1;
        match self.bits.get_mut(node / 64) {
            Some(word) => *word |= 1 << (node % 64),
            None => {
                self.few.push(node);
                if self.few.len() > self.nodes / MANY + MANY {
                    self.make_bits();
                }
            }
        }
    }

    /// From here on [`Frontier::contains`] may be asked.
    pub(super) fn make_bits(&mut self) {
        if self.bits.is_empty() {
            self.bits = vec![0; self.nodes / 64 + 1];
            for node in std::mem::take(&mut self.few) {
                self.bits[node / 64] |= 1 << (node % 64);
            }
        }
    }

    /// Whether a node is there, after [`Frontier::make_bits`].
    #[inline]
    pub(super) fn contains(&self, node: usize) -> bool {
        self.bits.get(node / 64).is_some_and(|word| word >> (node % 64) & 1 == 1)
    }

    /// From here on [`Frontier::iter`] gives them in order.
    pub(super) fn sort(&mut self) {
        self.few.sort_unstable();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let bits = self.bits.iter().enumerate().filter(|(_, word)| **word != 0);
        let many = bits.flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        });
        self.few.iter().copied().chain(many)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_hold_the_same() {
        for count in [0, 1, 100, 140, 1000] {
            let mut frontier = Frontier::new(1000);
            let nodes: Vec<usize> = (0..count).map(|n| n * 7919 % 1000).collect();
            nodes.iter().for_each(|node| frontier.push(*node));
            assert_eq!(frontier.len(), count);
            frontier.sort();
            let mut sorted = nodes.clone();
            sorted.sort_unstable();
            assert_eq!(frontier.iter().collect::<Vec<_>>(), sorted);
            frontier.make_bits();
            assert_eq!(frontier.iter().collect::<Vec<_>>(), sorted);
            assert!((0..2000).all(|node| frontier.contains(node) == sorted.binary_search(&node).is_ok()));
        }
    }
}
