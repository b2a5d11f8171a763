//! What a computation found for each node.

use super::numbering::Numbering;
use crate::model::NodeId;
use std::fmt;

/// A value for each node of the graph, in the order of ids. Takes 8 bytes a node, and up to 8 more where ids are far
/// apart.
#[derive(Clone)]
pub struct NodeValues<T> {
    nodes: Numbering,
    words: Vec<u64>,
    read: fn(u64) -> T,
}

impl<T> NodeValues<T> {
    /// Values as words, in the order of the numbers, and what a word says.
    pub(crate) fn new(nodes: Numbering, words: Vec<u64>, read: fn(u64) -> T) -> Self {
        debug_assert_eq!(nodes.len(), words.len());
        NodeValues { nodes, words, read }
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// A node's value; `None` if there is no such node.
    pub fn get(&self, node: NodeId) -> Option<T> {
        self.nodes.index(node.0).map(|index| (self.read)(self.words[index]))
    }

    /// All nodes with their values, ascending by id.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, T)> + '_ {
        self.nodes.ids().zip(&self.words).map(|(node, word)| (node, (self.read)(*word)))
    }
}

impl<T: PartialOrd> NodeValues<T> {
    /// The nodes with the greatest values, greatest first, and among equal ones the least ids; all, if there are no more.
    /// What compares with nothing (NaN) comes last. Takes memory for twice as many as are asked for.
    pub fn top(&self, count: usize) -> Vec<(NodeId, T)> {
        let order = |a: &(NodeId, T), b: &(NodeId, T)| match b.1.partial_cmp(&a.1) {
            Some(order) => order.then(a.0.cmp(&b.0)),
            None => is_nothing(&a.1).cmp(&is_nothing(&b.1)).then(a.0.cmp(&b.0)),
        };
        let mut top = Vec::new();
        for found in self.iter() {
            top.push(found);
            if top.len() >= count.saturating_mul(2).max(64) {
                top.sort_by(order);
                top.truncate(count);
            }
        }
        top.sort_by(order);
        top.truncate(count);
        top
    }
}

fn is_nothing<T: PartialOrd>(value: &T) -> bool {
    value.partial_cmp(value).is_none()
}

impl<T: fmt::Debug> fmt::Debug for NodeValues<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(node, value)| (node.0, value))).finish()
    }
}
