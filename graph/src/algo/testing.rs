//! Small graphs in memory, for the tests beside each algorithm.

use crate::{Database, NewNode, NodeId, Options, Snapshot, Value};
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::page::PageSize;

/// An empty store in memory.
pub(crate) fn database() -> Database {
    Options::new().create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("created")
}

/// Nodes with these ids.
pub(crate) fn nodes(ids: &[u64]) -> Snapshot {
    Sketch::directed(ids.len() as u64, &[]).ids(ids).snapshot()
}

/// A graph to be drawn: nodes from 0 on, and edges between them.
pub(crate) struct Sketch {
    ids: Vec<u64>,
    edges: Vec<(u64, &'static str, u64, Option<Value>)>,
}

impl Sketch {
    /// Edges of a directed type.
    pub(crate) fn directed(nodes: u64, edges: &[(u64, u64)]) -> Sketch {
        Sketch::mixed(nodes, edges, &[])
    }

    /// Edges of a directed type, and of an undirected one.
    pub(crate) fn mixed(nodes: u64, directed: &[(u64, u64)], undirected: &[(u64, u64)]) -> Sketch {
        let of = |edge_type| move |(from, to): &(u64, u64)| (*from, edge_type, *to, None);
        let edges = directed.iter().map(of("directed")).chain(undirected.iter().map(of("undirected")));
        Sketch { ids: (0..nodes).collect(), edges: edges.collect() }
    }

    /// Edges of a directed type with the property `w`; null is none.
    pub(crate) fn weighted(nodes: u64, edges: &[(u64, u64, Value)]) -> Sketch {
        let edge = |(from, to, w): &(u64, u64, Value)| (*from, "directed", *to, Some(w.clone()));
        Sketch { ids: (0..nodes).collect(), edges: edges.iter().map(edge).collect() }
    }

    /// The same nodes with these ids, ascending.
    pub(crate) fn ids(mut self, ids: &[u64]) -> Sketch {
        self.ids = ids.to_vec();
        self
    }

    /// Half of it is on pages, and half, over the same pages, in memory.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let db = database();
        let (first, second) = self.edges.split_at(self.edges.len() / 2);
        let mut tx = db.begin_write().expect("begun");
        if self.edges.iter().any(|(_, edge_type, ..)| *edge_type == "undirected") {
            tx.set_undirected("undirected", true).expect("set");
        }
        for id in &self.ids {
            let node = NewNode { id: Some(NodeId(*id)), ..NewNode::default() };
            tx.insert_node("node", node).expect("added");
        }
        self.add(&mut tx, first);
        tx.commit().expect("committed");
        db.checkpoint().expect("written");
        let mut tx = db.begin_write().expect("begun");
        self.add(&mut tx, second);
        tx.commit().expect("committed");
        db.begin_read().expect("begun")
    }

    fn add(&self, tx: &mut crate::WriteTransaction, edges: &[(u64, &'static str, u64, Option<Value>)]) {
        for (from, edge_type, to, weight) in edges {
            let ends = [from, to].map(|place| NodeId(self.ids[*place as usize]));
            let props = weight.iter().map(|w| ("w".to_owned(), w.clone())).collect();
            tx.add_edge(ends[0], edge_type, ends[1], props).expect("added");
        }
    }
}
