//! Nodes and keys: records in order, labels known, counts right, and the key index mirrors the records (I5).

use super::Checker;
use super::indexes::Wanted;
use crate::catalog::{IndexOwner, Names};
use crate::error::ReadError;
use crate::index::{Entity, key_of, node_of};
use crate::model::{LabelId, NodeId, PropertyId};
use crate::node::{StoredProps, value_of, whole_props};
use storage_core::page::PageKind;
use storage_core::pager::PageError;

/// The ids of all nodes: bits where they lie close together, sorted runs where they do not.
pub(super) struct NodeIds(Vec<(u64, u64)>);

impl NodeIds {
    pub(super) fn contains(&self, id: u64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= id);
        after > 0 && id - self.0[after - 1].0 < self.0[after - 1].1
    }

    fn push(&mut self, id: u64) {
        match self.0.last_mut() {
            Some((first, count)) if *first + *count == id => *count += 1,
            _ => self.0.push((id, 1)),
        }
    }
}

impl Checker<'_, '_> {
    /// Reads every node; `None` if the tree could not be read to its end.
    pub(super) fn check_nodes(&mut self, wanted: &mut Wanted) -> Result<Option<NodeIds>, ReadError> {
        let graph = self.graph.clone();
        let mut ids = NodeIds(Vec::new());
        let mut labels = vec![(0u64, 0u64); graph.catalog.labels.iter().len()];
        let root = self.root_page(0);
        self.ticker.next_round()?;
        for entry in graph.nodes.range(self.snapshot, ..) {
            self.compared()?;
            let (id, record) = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    self.caught(Err(e))?;
                    return Ok(None);
                }
            };
            if ids.0.last().is_some_and(|(first, count)| id < *first + *count) {
                self.note(root, PageKind::Node, format!("node {id} is not in order"));
                return Ok(None);
            }
            ids.push(id);
            match labels.get_mut(record.label as usize) {
                Some((nodes, keyed)) => {
                    *nodes += 1;
                    *keyed += u64::from(record.key.is_some());
                }
                None => self.note(root, PageKind::Node, format!("node {id} has an unknown label")),
            }
            if let Some(key) = &record.key {
                let found = self.key_entry(&graph, LabelId(record.label), key);
                match found {
                    Ok(Some(node)) if node.0 == id => {}
                    Ok(_) => {
                        self.note(root, PageKind::Node, format!("node {id} is missing in the key index"))
                    }
                    Err(e) => drop(self.caught(Err(e))?),
                }
            }
            self.check_props((id, record.label), record.props, wanted)?;
        }
        self.compare_counts(&graph.catalog.labels, &labels, graph.catalog.node_count);
        let last = ids.0.last().map_or(0, |(first, count)| first + count);
        if graph.catalog.next_node < last {
            self.note(root, PageKind::Record, "the catalog's next node id is in use");
        }
        Ok(Some(ids))
    }

    fn check_props(
        &mut self,
        (id, label): (u64, u32),
        props: StoredProps,
        wanted: &mut Wanted,
    ) -> Result<(), ReadError> {
        let (owner, entity) = (IndexOwner::Label(LabelId(label)), Entity::Node(NodeId(id)));
        let catalog = self.graph.catalog.clone();
        let snapshot = self.snapshot;
        let mut unknown = false;
        let readable = whole_props(snapshot, props).and_then(|props| {
            unknown = props.iter().any(|(property, _)| catalog.properties.get(*property).is_none());
            props.iter().try_for_each(|(property, stored)| {
                let value = value_of(snapshot, stored)?;
                wanted.add((owner, PropertyId(*property)), entity, &value);
                Ok(())
            })
        });
        self.caught(readable)?;
        if unknown {
            let root = self.root_page(0);
            self.note(root, PageKind::Node, format!("node {id} has an unknown property"));
        }
        Ok(())
    }

    fn key_entry(
        &self,
        graph: &crate::trees::Graph,
        label: LabelId,
        key: &crate::model::Key,
    ) -> Result<Option<crate::model::NodeId>, PageError> {
        use storage_core::pager::ReadPages;
        crate::index::KeyIndex::new(self.snapshot.pager().clone()).get(&graph.keys, self.snapshot, label, key)
    }

    fn compare_counts(&mut self, names: &Names<crate::catalog::LabelInfo>, found: &[(u64, u64)], total: u64) {
        let root = self.root_page(0);
        for ((_, info), (nodes, keyed)) in names.iter().zip(found) {
            if (info.nodes, info.keyed) != (*nodes, *keyed) {
                let what = format!(
                    "the catalog counts {} nodes ({} with key) of label `{}`, there are {nodes} ({keyed})",
                    info.nodes, info.keyed, info.name
                );
                self.note(root, PageKind::Record, what);
            }
        }
        let sum: u64 = found.iter().map(|(nodes, _)| nodes).sum();
        if sum != total {
            self.note(root, PageKind::Record, format!("the catalog counts {total} nodes, there are {sum}"));
        }
    }

    /// Every entry of the key index names a node that has that label and key. (That every keyed node has an entry was
    /// seen with the nodes.)
    pub(super) fn check_keys(&mut self) -> Result<(), ReadError> {
        let graph = self.graph.clone();
        let root = self.root_page(1);
        let mut count = 0u64;
        self.ticker.next_round()?;
        for entry in graph.keys.range(self.snapshot, ..) {
            self.compared()?;
            let (bytes, record) = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    self.caught(Err(e))?;
                    return Ok(());
                }
            };
            count += 1;
            let (Some((label, key)), Some(node)) = (key_of(&bytes), node_of(&record)) else {
                self.note(root, PageKind::Record, "an entry of the key index is malformed");
                continue;
            };
            match graph.nodes.get(self.snapshot, &node.0) {
                Ok(Some(found)) if found.label == label.0 && found.key.as_ref() == Some(&key) => {}
                Ok(_) => self.note(
                    root,
                    PageKind::Record,
                    format!("the key index names node {node} for a key it has not"),
                ),
                Err(e) => drop(self.caught(Err(e))?),
            }
        }
        if count != graph.catalog.keyed() {
            let what =
                format!("the key index has {count} entries for {} nodes with keys", graph.catalog.keyed());
            self.note(root, PageKind::Record, what);
        }
        Ok(())
    }
}
