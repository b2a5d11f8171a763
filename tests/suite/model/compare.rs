//! Compares all that a reader shows with the graph in memory.

use super::ask::ask;
use super::graph::{Graph, LABELS, Name, TYPES, Values};
use crate::values::identical;
use foliograph::storage_core::pager::ReadPages;
use foliograph::{Direction, Edge, Key, NodeId, Props, ReadError, Reader, TypeId};
use std::collections::BTreeSet;

const DIRECTIONS: [Direction; 3] = [Direction::Out, Direction::In, Direction::Both];

/// A difference, or a failure to read, in words.
pub type Outcome = Result<(), String>;

/// A reader and what it must show.
struct Pair<'a, R> {
    reader: &'a Reader<R>,
    graph: &'a Graph,
}

/// Everything: counts, nodes with properties and keys, edges with properties in both directions, degrees, walks, indexes
/// and what is asked by value.
pub fn compare<R: ReadPages>(reader: &Reader<R>, graph: &Graph) -> Outcome {
    let pair = Pair { reader, graph };
    pair.counts()?;
    pair.nodes()?;
    pair.keys()?;
    pair.edges()?;
    for node in graph.nodes.keys() {
        pair.lists(*node)?;
    }
    pair.batches()?;
    pair.walks()?;
    ask(reader, graph)
}

pub fn failed(error: ReadError) -> String {
    format!("reading failed: {error}")
}

pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Outcome {
    if found == wanted {
        return Ok(());
    }
    let short = |value: &T| format!("{value:?}").chars().take(600).collect::<String>();
    Err(format!("{what}: found {}, not {}", short(&found), short(&wanted)))
}

/// Properties, bit by bit: no NaN equals itself.
fn same_props(what: &str, props: Props, wanted: &Values) -> Outcome {
    let count = props.len();
    let found: Values = props.into_iter().collect();
    same("properties that are given once", count, found.len())?;
    let alike = found.len() == wanted.len()
        && found.iter().zip(wanted).all(|((a, x), (b, y))| a == b && identical(x, y));
    if alike { Ok(()) } else { same(what, format!("{found:?}"), format!("{wanted:?}")) }
}

impl<R: ReadPages> Pair<'_, R> {
    fn edge(&self, (source, edge_type, target, rank): Name) -> Option<Edge> {
        let edge_type = self.reader.edge_type(TYPES[edge_type])?;
        Some(Edge { source: NodeId(source), edge_type, target: NodeId(target), rank })
    }

    fn counts(&self) -> Outcome {
        let Pair { reader, graph } = self;
        same("node count", reader.node_count(), graph.nodes.len() as u64)?;
        same("edge count", reader.edge_count(), graph.edges.len() as u64)?;
        same("keyed count", reader.keyed_count(), graph.keys.len() as u64)?;
        for (i, name) in LABELS.iter().enumerate() {
            let found =
                reader.labels().find(|(_, l)| l.name == *name).map_or((0, 0), |(_, l)| (l.nodes, l.keyed));
            let nodes = graph.nodes.values().filter(|n| n.label == i).count() as u64;
            let keyed = graph.keys.keys().filter(|(label, _)| *label == i).count() as u64;
            same(name, found, (nodes, keyed))?;
        }
        for (i, name) in TYPES.iter().enumerate() {
            let known = reader.edge_types().find(|(_, t)| t.name == *name);
            let found = known.map_or((0, false), |(_, t)| (t.edges, t.undirected));
            let edges = graph.edges.keys().filter(|(_, t, ..)| *t == i).count() as u64;
            same(name, found, (edges, graph.undirected[i]))?;
        }
        Ok(())
    }

    fn nodes(&self) -> Outcome {
        let mut wanted = self.graph.nodes.iter();
        for view in self.reader.all_nodes() {
            let view = view.map_err(failed)?;
            let Some((id, node)) = wanted.next() else {
                return Err(format!("node {} should not be there", view.id));
            };
            same("node in order", view.id.0, *id)?;
            same("label", self.reader.label_name(view.label), LABELS[node.label])?;
            same("key", &view.key, &node.key)?;
            let props = self.reader.props_of(&view).map_err(failed)?;
            same_props(&format!("properties of node {id}"), props, &node.props)?;
            let again = self.reader.view(view.id).map_err(failed)?;
            let again = again.ok_or_else(|| format!("node {id} is listed, and not found"))?;
            same("label and key by id", (again.label, &again.key), (view.label, &view.key))?;
            let props = self.reader.props_of(&again).map_err(failed)?;
            same_props(&format!("properties by id of node {id}"), props, &node.props)?;
        }
        wanted.next().map_or(Ok(()), |(id, _)| Err(format!("node {id} is missing")))
    }

    fn keys(&self) -> Outcome {
        for ((label, key), id) in &self.graph.keys {
            let found = self.reader.node(LABELS[*label], key.clone()).map_err(failed)?;
            same(&format!("node of key {key}"), found, Some(NodeId(*id)))?;
        }
        // Keys that were there once, or never, find nothing.
        for n in 0..48 {
            let key = super::history::key(n);
            self.keys_of(&key)?;
        }
        Ok(())
    }

    fn keys_of(&self, key: &Key) -> Outcome {
        for (label, name) in LABELS.iter().enumerate() {
            let wanted = self.graph.keys.get(&(label, key.clone())).copied().map(NodeId);
            same(
                &format!("key {key} of {name}"),
                self.reader.node(name, key.clone()).map_err(failed)?,
                wanted,
            )?;
        }
        Ok(())
    }

    fn edges(&self) -> Outcome {
        let mut wanted = Vec::new();
        for (name, values) in &self.graph.edges {
            let edge = self.edge(*name).ok_or_else(|| format!("type {} is missing", TYPES[name.1]))?;
            wanted.push((edge, values));
        }
        wanted.sort_unstable_by_key(|(edge, _)| *edge);
        let mut wanted = wanted.into_iter();
        for edge in self.reader.all_edges() {
            let edge = edge.map_err(failed)?;
            let Some((next, values)) = wanted.next() else {
                return Err(format!("{edge:?} should not be there"));
            };
            same("edge in order", edge, next)?;
            same("edge by name", self.reader.edge_exists(edge).map_err(failed)?, true)?;
            let props = self.reader.edge_props(edge).map_err(failed)?;
            same_props(&format!("properties of {edge:?}"), props, values)?;
        }
        wanted.next().map_or(Ok(()), |(edge, _)| Err(format!("{edge:?} is missing")))
    }

    /// The neighbours as the store must list them.
    fn wanted(&self, node: u64, direction: Direction, only: Option<usize>) -> Vec<(NodeId, Edge)> {
        let mut names = BTreeSet::new();
        if direction != Direction::In {
            names.extend(self.graph.out(node));
        }
        if direction != Direction::Out {
            names.extend(self.graph.incoming(node));
        }
        let wanted = names.into_iter().filter(|name| only.is_none_or(|t| t == name.1));
        let mut edges: Vec<(NodeId, Edge)> = wanted
            .filter_map(|name| self.edge(name))
            .map(|edge| (if edge.source.0 == node { edge.target } else { edge.source }, edge))
            .collect();
        edges.sort_unstable_by_key(|(id, e)| (*id, e.edge_type, e.source.0 != node, e.rank));
        edges
    }

    fn lists(&self, node: u64) -> Outcome {
        for direction in DIRECTIONS {
            self.list(node, direction, None)?;
        }
        let types: BTreeSet<usize> = self.graph.out(node).map(|name| name.1).take(40).collect();
        for t in types {
            self.list(node, Direction::Out, Some(t))?;
            self.list(node, Direction::In, Some(t))?;
        }
        Ok(())
    }

    fn list(&self, node: u64, direction: Direction, only: Option<usize>) -> Outcome {
        let mut question = self.reader.neighbors(NodeId(node)).direction(direction);
        let mut degree = self.reader.degree(NodeId(node)).direction(direction);
        if let Some(t) = only {
            question = question.of_type(TYPES[t]);
            degree = degree.of_type(TYPES[t]);
        }
        let found: Result<Vec<_>, _> = question.into_iter().map(|n| n.map(|n| (n.id, n.edge))).collect();
        let wanted = self.wanted(node, direction, only);
        same("degree", degree.count().map_err(failed)?, wanted.len() as u64)?;
        same(&format!("neighbours of {node} {direction:?} {only:?}"), found.map_err(failed)?, wanted)
    }

    /// All lists of one type in one question, incoming and outgoing; ids that are not there come with nothing.
    fn batches(&self) -> Outcome {
        let mut nodes: Vec<NodeId> = self.graph.nodes.keys().copied().map(NodeId).collect();
        nodes.push(NodeId(u64::MAX - 77));
        for (number, name) in TYPES.iter().enumerate() {
            let Some(edge_type) = self.reader.edge_type(name) else { continue };
            self.batch(&nodes, (edge_type, number), Direction::Out)?;
            self.batch(&nodes, (edge_type, number), Direction::In)?;
        }
        Ok(())
    }

    fn batch(&self, nodes: &[NodeId], (id, number): (TypeId, usize), direction: Direction) -> Outcome {
        let mut found = Vec::new();
        let question = self.reader.neighbors_of(nodes).direction(direction).of_type(id);
        question.for_each(|node, targets| found.push((node, targets.to_vec()))).map_err(failed)?;
        same("lists in a batch", found.len(), nodes.len())?;
        for ((node, found), asked) in found.into_iter().zip(nodes) {
            same("node in a batch", node, *asked)?;
            let mut wanted: Vec<NodeId> = match direction {
                Direction::In => {
                    self.graph.incoming(node.0).filter(|n| n.1 == number).map(|n| NodeId(n.0)).collect()
                }
                _ => self.graph.out(node.0).filter(|n| n.1 == number).map(|n| NodeId(n.2)).collect(),
            };
            wanted.sort_unstable();
            same(&format!("list of {node} in a batch"), found, wanted)?;
        }
        Ok(())
    }

    /// A search from the first node, in every direction.
    fn walks(&self) -> Outcome {
        let Some((start, _)) = self.graph.nodes.first_key_value() else { return Ok(()) };
        for direction in DIRECTIONS {
            let levels =
                self.reader.bfs(NodeId(*start)).direction(direction).collect_levels().map_err(failed)?;
            let mut seen = BTreeSet::from([*start]);
            let mut level = vec![NodeId(*start)];
            for found in &levels {
                same("level", found, &level)?;
                let around = level.iter().flat_map(|n| self.wanted(n.0, direction, None));
                let next: BTreeSet<u64> =
                    around.map(|(id, _)| id.0).filter(|id| !seen.contains(id)).collect();
                seen.extend(&next);
                level = next.into_iter().map(NodeId).collect();
            }
            same("what is farther away", level, vec![])?;
        }
        Ok(())
    }
}
