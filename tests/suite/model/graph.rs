//! The graph in memory: what a store of pages must look like from outside.
//!
//! Must always be true: it says of every change what comes of it, refusals included, before the store is asked; it knows
//! nothing of pages. Maps and nothing else: whoever doubts the model can see that it is right.

use super::indexes::{Has, Index, On};
use foliograph::{Key, NewNode, Props, Value, WriteError};
use std::collections::{BTreeMap, BTreeSet};

pub const LABELS: [&str; 3] = ["city", "person", "wörd"];
pub const TYPES: [&str; 4] = ["knows", "likes", "road", "z"];
pub const PROPERTIES: [&str; 5] = ["a", "b", "c", "d", "ö"];

/// Properties by name, without nulls.
pub type Values = BTreeMap<String, Value>;

/// An edge: source, number of the type in [`TYPES`], target, rank.
pub type Name = (u64, usize, u64, u32);

/// Why a change is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    NodeExists,
    KeyExists(u64),
    NoNode(u64),
    NoEdge,
    EdgeExists,
    HasEdges,
    BadId,
    Exhausted,
    /// Who has the value already, in words.
    NotUnique(String),
    TooLong,
    IndexExists,
    NoIndex,
}

impl Refusal {
    /// The store's refusal in these words; anything else is a failure.
    pub fn of(error: WriteError) -> Result<Self, String> {
        Ok(match error {
            WriteError::NodeExists(_) => Refusal::NodeExists,
            WriteError::KeyExists { id, .. } => Refusal::KeyExists(id.0),
            WriteError::NoNode(id) => Refusal::NoNode(id.0),
            WriteError::NoEdge(_) => Refusal::NoEdge,
            WriteError::EdgeExists(_) => Refusal::EdgeExists,
            WriteError::HasEdges(_) => Refusal::HasEdges,
            WriteError::BadId(_) => Refusal::BadId,
            WriteError::Exhausted(_) => Refusal::Exhausted,
            WriteError::NotUnique { holder, .. } => Refusal::NotUnique(holder),
            // Of all that makes a value a bad one, no history has any other.
            WriteError::BadValue { .. } => Refusal::TooLong,
            WriteError::IndexExists(_) => Refusal::IndexExists,
            WriteError::NoIndex(_) => Refusal::NoIndex,
            other => return Err(format!("the store failed: {other}")),
        })
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    pub label: usize,
    pub key: Option<Key>,
    pub props: Values,
}

/// One version of the graph.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Graph {
    pub nodes: BTreeMap<u64, Node>,
    pub keys: BTreeMap<(usize, Key), u64>,
    pub edges: BTreeMap<Name, Values>,
    /// The same edges as (target, source, type, rank).
    pub into: BTreeSet<(u64, u64, usize, u32)>,
    pub undirected: [bool; TYPES.len()],
    /// Oldest first.
    pub indexes: Vec<Index>,
    next_id: u64,
}

/// Sets what is given; null removes.
fn merge(values: &mut Values, props: Props) {
    for (name, value) in props {
        match value {
            Value::Null => drop(values.remove(&name)),
            value => drop(values.insert(name, value)),
        }
    }
}

impl Graph {
    pub fn add(&mut self, label: usize, new: NewNode) -> Result<u64, Refusal> {
        let id = match new.id {
            Some(id) if id.0 == u64::MAX => return Err(Refusal::BadId),
            Some(id) if self.nodes.contains_key(&id.0) => return Err(Refusal::NodeExists),
            Some(id) => id.0,
            None if self.next_id == u64::MAX => return Err(Refusal::Exhausted),
            None => self.next_id,
        };
        if let Some(key) = &new.key
            && let Some(other) = self.keys.get(&(label, key.clone()))
        {
            return Err(Refusal::KeyExists(*other));
        }
        self.admit(On::Label(label), &Values::new(), &new.props)?;
        if let Some(key) = &new.key {
            self.keys.insert((label, key.clone()), id);
        }
        self.next_id = self.next_id.max(id + 1);
        let mut props = Values::new();
        merge(&mut props, new.props);
        self.nodes.insert(id, Node { label, key: new.key, props });
        Ok(id)
    }

    pub fn upsert(&mut self, label: usize, key: Key, props: Props) -> Result<(u64, bool), Refusal> {
        match self.keys.get(&(label, key.clone())) {
            Some(id) => {
                let id = *id;
                self.set(id, props).map(|()| (id, false))
            }
            None => self.add(label, NewNode { id: None, key: Some(key), props }).map(|id| (id, true)),
        }
    }

    pub fn set(&mut self, node: u64, props: Props) -> Result<(), Refusal> {
        let found = self.nodes.get(&node).ok_or(Refusal::NoNode(node))?;
        self.admit(On::Label(found.label), &found.props, &props)?;
        merge(&mut self.nodes.get_mut(&node).expect("just found").props, props);
        Ok(())
    }

    pub fn link(
        &mut self,
        (source, edge_type, target): (u64, usize, u64),
        rank: Option<u32>,
        props: Props,
    ) -> Result<u32, Refusal> {
        for end in [source, target] {
            if !self.nodes.contains_key(&end) {
                return Err(Refusal::NoNode(end));
            }
        }
        let alike = (source, edge_type, target, 0)..=(source, edge_type, target, u32::MAX);
        let rank = match (rank, self.edges.range(alike).next_back()) {
            (Some(rank), _) if self.edges.contains_key(&(source, edge_type, target, rank)) => {
                return Err(Refusal::EdgeExists);
            }
            (Some(rank), _) => rank,
            (None, None) => 0,
            (None, Some(((.., last), _))) => last.checked_add(1).ok_or(Refusal::Exhausted)?,
        };
        self.admit(On::Type(edge_type), &Values::new(), &props)?;
        let mut values = Values::new();
        merge(&mut values, props);
        self.edges.insert((source, edge_type, target, rank), values);
        self.into.insert((target, source, edge_type, rank));
        Ok(rank)
    }

    pub fn unlink(&mut self, edge: Name) -> Result<(), Refusal> {
        let (source, edge_type, target, rank) = edge;
        self.edges.remove(&edge).ok_or(Refusal::NoEdge)?;
        self.into.remove(&(target, source, edge_type, rank));
        Ok(())
    }

    pub fn set_edge(&mut self, edge: Name, props: Props) -> Result<(), Refusal> {
        let had = self.edges.get(&edge).ok_or(Refusal::NoEdge)?;
        self.admit(On::Type(edge.1), had, &props)?;
        merge(self.edges.get_mut(&edge).expect("just found"), props);
        Ok(())
    }

    /// How many edges went with the node.
    pub fn delete(&mut self, node: u64, detach: bool) -> Result<u64, Refusal> {
        if !self.nodes.contains_key(&node) {
            return Err(Refusal::NoNode(node));
        }
        let edges: BTreeSet<Name> = self.out(node).chain(self.incoming(node)).collect();
        if !edges.is_empty() && !detach {
            return Err(Refusal::HasEdges);
        }
        for edge in &edges {
            self.unlink(*edge)?;
        }
        let gone = self.nodes.remove(&node).ok_or(Refusal::NoNode(node))?;
        if let Some(key) = gone.key {
            self.keys.remove(&(gone.label, key));
        }
        Ok(edges.len() as u64)
    }

    /// All nodes of a label, or edges of a type, in their order.
    pub fn all_of(&self, on: On) -> Vec<(Has, &Values)> {
        match on {
            On::Label(label) => {
                let nodes = self.nodes.iter().filter(|(_, node)| node.label == label);
                nodes.map(|(id, node)| (Has::Node(*id), &node.props)).collect()
            }
            On::Type(edge_type) => {
                let edges = self.edges.iter().filter(|(name, _)| name.1 == edge_type);
                edges.map(|(name, values)| (Has::Edge(*name), values)).collect()
            }
        }
    }

    /// Edges that leave a node.
    pub fn out(&self, node: u64) -> impl Iterator<Item = Name> {
        self.edges.range((node, 0, 0, 0)..=(node, usize::MAX, u64::MAX, u32::MAX)).map(|(name, _)| *name)
    }

    /// Edges that lead to a node.
    pub fn incoming(&self, node: u64) -> impl Iterator<Item = Name> {
        let all = (node, 0, 0, 0)..=(node, u64::MAX, usize::MAX, u32::MAX);
        self.into.range(all).map(|(target, source, edge_type, rank)| (*source, *edge_type, *target, *rank))
    }
}
