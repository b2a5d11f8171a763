//! A graph in memory, and changes that go to a store and to it alike: what every crash state is compared with.
//!
//! Must always be true: the graph knows nothing of pages; ids and ranks are taken from the store's answers, and must be
//! new. Equality covers every node with label, key and properties, the key index, every edge with its properties, the
//! lists of both directions, and property indexes (`indexes`).

use super::indexes::{Index, On, refused};
use crate::values::identical;
use foliograph::storage_core::pager::ReadPages;
use foliograph::{
    Direction, Edge, Key, NewNode, NodeId, Props, Reader, Savepoint, Value, WriteError, WriteTransaction,
};
use std::collections::{BTreeMap, BTreeSet};

/// A node as the model has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub label: String,
    pub key: Option<Key>,
    pub props: BTreeMap<String, Value>,
}

/// An edge without its numbers for types: source, type, target, rank.
pub type Name = (u64, String, u64, u32);

/// The graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub nodes: BTreeMap<u64, Node>,
    pub edges: BTreeMap<Name, BTreeMap<String, Value>>,
    /// Oldest first.
    pub indexes: Vec<Index>,
    /// (target, source, type, rank): the other direction.
    into: BTreeSet<(u64, u64, String, u32)>,
}

/// A write transaction and the model that it will have made.
pub struct Change<'m> {
    pub tx: WriteTransaction,
    pub model: &'m mut Model,
}

fn sorted(props: Props) -> BTreeMap<String, Value> {
    props.into_iter().filter(|(_, value)| *value != Value::Null).collect()
}

fn merge(props: &mut BTreeMap<String, Value>, name: &str, value: Value) {
    match value {
        Value::Null => drop(props.remove(name)),
        value => drop(props.insert(name.to_owned(), value)),
    }
}

impl Change<'_> {
    /// Adds a node with a key.
    pub fn node(&mut self, label: &str, key: impl Into<Key>, props: Props) -> NodeId {
        self.insert(label, NewNode { id: None, key: Some(key.into()), props })
    }

    /// Adds a node without a key.
    pub fn plain(&mut self, label: &str) -> NodeId {
        self.insert(label, NewNode::default())
    }

    /// Adds any node.
    pub fn insert(&mut self, label: &str, new: NewNode) -> NodeId {
        let node = Node { label: label.to_owned(), key: new.key.clone(), props: sorted(new.props.clone()) };
        let id = self.tx.insert_node(label, new).expect("a node is added");
        assert!(self.model.nodes.insert(id.0, node).is_none(), "node {id} was there already");
        id
    }

    /// Adds an edge; the store gives the rank.
    pub fn edge(&mut self, source: NodeId, edge_type: &str, target: NodeId, props: Props) -> Edge {
        let edge = self.tx.add_edge(source, edge_type, target, props.clone()).expect("an edge is added");
        let name = (source.0, edge_type.to_owned(), target.0, edge.rank);
        self.model.into.insert((target.0, source.0, edge_type.to_owned(), edge.rank));
        assert!(self.model.edges.insert(name, sorted(props)).is_none(), "{edge:?} was there already");
        edge
    }

    /// Deletes a node and its edges.
    pub fn delete(&mut self, node: NodeId) {
        self.tx.delete_node(node, true).expect("a node is deleted");
        self.model.nodes.remove(&node.0).expect("the model has it too");
        self.model.edges.retain(|(source, _, target, _), _| *source != node.0 && *target != node.0);
        self.model.into.retain(|(target, source, ..)| *source != node.0 && *target != node.0);
    }

    /// Deletes an edge.
    pub fn delete_edge(&mut self, name: &Name) {
        let edge = self.named(name);
        self.tx.delete_edge(edge).expect("an edge is deleted");
        self.model.edges.remove(name).expect("the model has it too");
        self.model.into.remove(&(name.2, name.0, name.1.clone(), name.3));
    }

    /// Sets or, with [`Value::Null`], removes a property of a node; or an index refuses it.
    pub fn set(&mut self, node: NodeId, property: &str, value: impl Into<Value>) {
        let value = value.into();
        let there = &self.model.nodes[&node.0];
        let admitted = self.model.admits(&On::label(&there.label), &there.props, property, &value);
        let done = self.tx.set(node, property, value.clone());
        if !admitted {
            return refused(done);
        }
        done.expect("a property is set");
        merge(&mut self.model.nodes.get_mut(&node.0).expect("the model has it too").props, property, value);
    }

    /// Sets or removes a property of an edge; or an index refuses it.
    pub fn set_edge(&mut self, name: &Name, property: &str, value: impl Into<Value>) {
        let (edge, value) = (self.named(name), value.into());
        let admitted = self.model.admits(&On::edges(&name.1), &self.model.edges[name], property, &value);
        let done = self.tx.set_edge(edge, property, value.clone());
        if !admitted {
            return refused(done);
        }
        done.expect("a property is set");
        merge(self.model.edges.get_mut(name).expect("the model has it too"), property, value);
    }

    /// Gives a label another name.
    pub fn rename_label(&mut self, old: &str, new: &str) {
        self.tx.rename_label(old, new).expect("a label is renamed");
        for node in self.model.nodes.values_mut().filter(|node| node.label == old) {
            new.clone_into(&mut node.label);
        }
    }

    /// Gives an edge type another name.
    pub fn rename_type(&mut self, old: &str, new: &str) {
        self.tx.rename_edge_type(old, new).expect("an edge type is renamed");
        let named = |name: String| if name == old { new.to_owned() } else { name };
        let Model { edges, into, .. } = &mut *self.model;
        let renamed = std::mem::take(edges).into_iter();
        *edges = renamed.map(|((s, name, t, rank), props)| ((s, named(name), t, rank), props)).collect();
        let renamed = std::mem::take(into).into_iter();
        *into = renamed.map(|(t, s, name, rank)| (t, s, named(name), rank)).collect();
    }

    /// Gives a property another name.
    pub fn rename_property(&mut self, old: &str, new: &str) {
        self.tx.rename_property(old, new).expect("a property is renamed");
        let nodes = self.model.nodes.values_mut().map(|node| &mut node.props);
        for props in nodes.chain(self.model.edges.values_mut()) {
            if let Some(value) = props.remove(old) {
                props.insert(new.to_owned(), value);
            }
        }
    }

    /// Where both are, to go back to.
    pub fn savepoint(&mut self) -> (Savepoint, Model) {
        (self.tx.savepoint(), self.model.clone())
    }

    /// Both go back.
    pub fn rollback(&mut self, (savepoint, model): &(Savepoint, Model)) {
        self.tx.rollback_to(savepoint).expect("it is there");
        self.model.clone_from(model);
    }

    fn named(&self, (source, edge_type, target, rank): &Name) -> Edge {
        let edge_type = self.tx.edge_type(edge_type).expect("a type that has edges");
        Edge { source: NodeId(*source), edge_type, target: NodeId(*target), rank: *rank }
    }
}

/// A difference, or an error of the store, in words.
pub type Wrong = String;

fn wrong(error: impl std::fmt::Display) -> Wrong {
    format!("reading failed: {error}")
}

impl Model {
    /// Reads all of a snapshot and compares it with this graph.
    pub fn compare<R: ReadPages>(&self, snapshot: &Reader<R>) -> Result<(), Wrong> {
        self.differences(snapshot).map_err(wrong)?.map_or(Ok(()), Err)
    }

    /// The first difference to a snapshot; an error is an error of the store.
    pub fn differences<R: ReadPages>(
        &self,
        snapshot: &Reader<R>,
    ) -> Result<Option<Wrong>, foliograph::ReadError> {
        let counts = (snapshot.node_count(), snapshot.edge_count());
        if counts != (self.nodes.len() as u64, self.edges.len() as u64) {
            let wanted = (self.nodes.len(), self.edges.len());
            return Ok(Some(format!("(nodes, edges) are counted {counts:?}, not {wanted:?}")));
        }
        if let Some(wrong) = self.differing_node(snapshot)? {
            return Ok(Some(wrong));
        }
        if let Some(wrong) = self.differing_edge(snapshot)? {
            return Ok(Some(wrong));
        }
        if let Some(wrong) = self.differing_list(snapshot)? {
            return Ok(Some(wrong));
        }
        self.differing_index(snapshot)
    }

    fn differing_node<R: ReadPages>(
        &self,
        snapshot: &Reader<R>,
    ) -> Result<Option<Wrong>, foliograph::ReadError> {
        let mut wanted = self.nodes.iter();
        for view in snapshot.all_nodes() {
            let view = view?;
            let Some((id, node)) = wanted.next() else {
                return Ok(Some(format!("node {} should not be", view.id)));
            };
            let label = snapshot.label_name(view.label);
            if (view.id.0, label, &view.key) != (*id, node.label.as_str(), &node.key) {
                return Ok(Some(format!("node {id} is {} {label} {:?}", view.id, view.key)));
            }
            if let Some(wrong) = differing_props(&snapshot.props_of(&view)?, &node.props) {
                return Ok(Some(format!("node {id}: {wrong}")));
            }
            if let Some(key) = &node.key
                && snapshot.node(&node.label, key.clone())? != Some(NodeId(*id))
            {
                return Ok(Some(format!("the key of node {id} finds another one")));
            }
        }
        Ok(wanted.next().map(|(id, _)| format!("node {id} is missing")))
    }

    fn differing_edge<R: ReadPages>(
        &self,
        snapshot: &Reader<R>,
    ) -> Result<Option<Wrong>, foliograph::ReadError> {
        let (mut found, mut last) = (0, None);
        for edge in snapshot.all_edges() {
            let edge = edge?;
            if last.replace(edge) >= Some(edge) {
                return Ok(Some(format!("{edge:?} is not in order")));
            }
            found += 1;
            let edge_type = snapshot.type_name(edge.edge_type).to_owned();
            let name = (edge.source.0, edge_type, edge.target.0, edge.rank);
            let Some(props) = self.edges.get(&name) else {
                return Ok(Some(format!("edge {name:?} should not be")));
            };
            if let Some(wrong) = differing_props(&snapshot.edge_props(edge)?, props) {
                return Ok(Some(format!("edge {name:?}: {wrong}")));
            }
        }
        // All that were found differ, and are the model's.
        Ok((found < self.edges.len())
            .then(|| format!("only {found} of {} edges are found", self.edges.len())))
    }

    /// Lists node by node, incoming, and the degrees: the whole in tree, and the other paths into the out tree.
    fn differing_list<R: ReadPages>(
        &self,
        snapshot: &Reader<R>,
    ) -> Result<Option<Wrong>, foliograph::ReadError> {
        let mut list = Vec::new();
        for id in self.nodes.keys() {
            list.clear();
            for neighbor in snapshot.neighbors(NodeId(*id)).incoming() {
                let edge = neighbor?.edge;
                list.push((edge.target.0, edge.source.0, snapshot.type_name(edge.edge_type), edge.rank));
            }
            list.sort_unstable();
            let from = (*id, 0, String::new(), 0);
            let wanted = self.into.range(from..).take_while(|(target, ..)| target == id);
            if !wanted.map(|(t, s, name, rank)| (*t, *s, name.as_str(), *rank)).eq(list.iter().copied()) {
                return Ok(Some(format!("what leads to node {id} differs: {list:?}")));
            }
            let wanted = self.edges.range((*id, String::new(), 0, 0)..).take_while(|((s, ..), _)| s == id);
            let wanted = wanted.count() as u64;
            let degree = snapshot.degree(NodeId(*id)).direction(Direction::Out).count()?;
            if degree != wanted {
                return Ok(Some(format!("node {id} has degree {degree}, not {wanted}")));
            }
        }
        Ok(None)
    }
}

impl Model {
    /// Puts a node that the store got without this model: a bulk load's.
    pub fn put_node(&mut self, id: u64, label: &str, key: Option<Key>, props: Props) {
        self.nodes.insert(id, Node { label: label.to_owned(), key, props: sorted(props) });
    }

    /// Puts an edge without properties that the store got without this model.
    pub fn put_edge(&mut self, source: u64, edge_type: &str, target: u64, rank: u32) {
        self.edges.insert((source, edge_type.to_owned(), target, rank), BTreeMap::new());
        self.into.insert((target, source, edge_type.to_owned(), rank));
    }
}

/// What every store that survived is asked to do: see [`Model::with_more`].
pub struct More {
    pub id: NodeId,
    pub first: Option<NodeId>,
    pub gone: Option<Name>,
    /// Indexed properties of the first node.
    pub set: Vec<String>,
    /// An index more is made.
    pub index: bool,
}

impl Model {
    /// The graph after one more change that touches every tree, and what that change is: a node with key and property,
    /// edges between it and the first node, and the first edge deleted; where there are indexes, the values of the first
    /// node that are in one are changed, and an index is made over what was added.
    pub fn with_more(&self) -> (Model, More) {
        let mut model = self.clone();
        let id = model.nodes.last_key_value().map_or(0, |(id, _)| id + 1);
        let more = More {
            id: NodeId(id),
            first: model.nodes.keys().next().map(|id| NodeId(*id)),
            gone: model.edges.keys().next().cloned(),
            set: model.indexed_of_first(),
            index: !model.indexes.is_empty() && !model.indexes.contains(&more_index()),
        };
        let key = Some(Key::Text(format!("after {id}")));
        let props = BTreeMap::from([("after".to_owned(), Value::Int(1))]);
        model.nodes.insert(id, Node { label: "after".to_owned(), key, props });
        if let Some(name) = &more.gone {
            model.edges.remove(name);
            model.into.remove(&(name.2, name.0, name.1.clone(), name.3));
        }
        for (from, to) in more.edges() {
            model.edges.insert((from.0, "after".to_owned(), to.0, 0), BTreeMap::new());
            model.into.insert((to.0, from.0, "after".to_owned(), 0));
        }
        for property in &more.set {
            let first =
                more.first.and_then(|first| model.nodes.get_mut(&first.0)).expect("it has properties");
            first.props.insert(property.clone(), more.value());
        }
        model.indexes.extend(more.index.then(more_index));
        (model, more)
    }

    fn indexed_of_first(&self) -> Vec<String> {
        let Some(first) = self.nodes.values().next() else { return Vec::new() };
        let on = On::label(&first.label);
        self.indexes.iter().filter(|index| index.on == on).map(|index| index.property.clone()).collect()
    }
}

/// The index that a survivor makes.
fn more_index() -> Index {
    Index { on: On::label("after"), property: "after".to_owned(), unique: false }
}

impl More {
    fn edges(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let id = self.id;
        self.first.into_iter().flat_map(move |first| [(id, first), (first, id)])
    }

    /// A value that nobody had.
    fn value(&self) -> Value {
        Value::Text(format!("after {}", self.id))
    }

    /// Makes the change.
    pub fn apply(&self, tx: &mut WriteTransaction) -> Result<(), WriteError> {
        let key = Some(Key::Text(format!("after {}", self.id)));
        let props = foliograph::props! { "after" => 1 };
        tx.insert_node("after", NewNode { id: Some(self.id), key, props })?;
        if let Some((source, name, target, rank)) = &self.gone {
            let edge_type = tx.edge_type(name).expect("the store equals the model");
            let (source, target) = (NodeId(*source), NodeId(*target));
            tx.delete_edge(Edge { source, edge_type, target, rank: *rank })?;
        }
        for (from, to) in self.edges() {
            tx.add_edge(from, "after", to, Props::new())?;
        }
        for property in &self.set {
            tx.set(self.first.expect("it has properties"), property, self.value())?;
        }
        if self.index {
            tx.create_index(more_index().on.name(), "after", false)?;
        }
        Ok(())
    }
}

fn differing_props(found: &Props, wanted: &BTreeMap<String, Value>) -> Option<Wrong> {
    let alike = |name: &String, value: &Value| wanted.get(name).is_some_and(|w| identical(w, value));
    if found.len() == wanted.len() && found.iter().all(|(name, value)| alike(name, value)) {
        return None;
    }
    let short = |text: String| text.chars().take(300).collect::<String>();
    Some(short(format!("properties are {found:?}, not {wanted:?}")))
}
