//! Commits that stand only in the log, where they cannot be replayed over the damaged store: their operations are done one
//! by one on what was saved.
//!
//! Must always be true: what an operation says is done as far as what it needs was saved; a node that it names and that is
//! lost comes back as one that an edge names does. Operations are done in their order, up to the first record that cannot
//! be read.

use super::sink::Sink;
use super::{Job, SalvageError, SalvageReport};
use crate::edge::keys;
use crate::error::WriteError;
use crate::model::{NodeId, PropertyId, Value};
use crate::txn::record::{NumberedProps, Op, operations};
use storage_core::pager::LogReader;

impl Job<'_> {
    /// Does the operations of the whole log.
    pub(super) fn records(&mut self, sink: &mut Sink) -> Result<(), SalvageError> {
        let device = self.source.inspector.device().clone();
        let meta = self.source.meta.clone();
        let mut log = LogReader::new(device.as_ref(), &meta.uuid, meta.log);
        // What is wrong with the log was said when it was read the first time.
        while let Ok(Some(group)) = log.next() {
            for record in &group.records {
                for op in operations(record) {
                    let Ok(op) = op else {
                        self.report.refused += 1;
                        return Ok(());
                    };
                    self.tick("commits of the log")?;
                    sink.operation(&mut self.report, op)?;
                }
            }
        }
        Ok(())
    }
}

fn numbered(props: NumberedProps<'_>) -> Vec<(u32, Value)> {
    props.into_owned().into_iter().map(|(PropertyId(number), value)| (number, value)).collect()
}

/// One less, where it is known.
fn less(count: &mut Option<u64>, by: u64) {
    *count = count.map(|count| count.saturating_sub(by));
}

impl Sink {
    fn operation(&mut self, report: &mut SalvageReport, op: Op<'_>) -> Result<(), SalvageError> {
        match op {
            Op::AddNode { node, label, key, props } => {
                self.names.node_count = self.names.node_count.map(|count| count + 1);
                let key = key.map(|key| key.into_owned());
                self.node(report, node.0, (label.0, key), numbered(props))?;
            }
            Op::SetNode { node, changes } => {
                if self.end(report, node)? {
                    let changes = self.named(numbered(changes));
                    let done = self.tx.set_all(node, changes);
                    refusable(report, done)?;
                }
            }
            Op::DeleteNode { node, .. } => self.delete(report, node)?,
            Op::AddEdge { edge, props } => {
                self.names.edge_count = self.names.edge_count.map(|count| count + 1);
                let props = self.named(numbered(props));
                self.edge(report, keys(edge).0, props)?;
            }
            Op::SetEdge { edge, changes } => {
                let key = keys(edge).0;
                let mut changes = numbered(changes);
                if let Some(edge) = self.existing(key)? {
                    let changes = self.named(changes);
                    let done = self.tx.set_edge_all(edge, changes);
                    refusable(report, done)?;
                } else {
                    changes.retain(|(_, value)| *value != Value::Null);
                    let changes = self.named(changes);
                    let added = self.edge(report, key, changes)?;
                    report.edges_from_elsewhere += u64::from(added);
                }
            }
            Op::DeleteEdge { edge } => {
                less(&mut self.names.edge_count, 1);
                if let Some(edge) = self.existing(keys(edge).0)? {
                    self.tx.delete_edge(edge)?;
                    report.edges = report.edges.saturating_sub(1);
                }
            }
            Op::Undirected { edge_type, undirected } => {
                let name = self.names.types.name(edge_type.0).to_owned();
                let done = self.tx.set_undirected(&name, undirected);
                refusable(report, done)?;
            }
            Op::CreateIndex { owner, property, unique, .. } => {
                self.names.indexes.insert((owner, property), unique);
            }
            op @ (Op::Label { .. }
            | Op::EdgeType { .. }
            | Op::Property { .. }
            | Op::RenameLabel { .. }
            | Op::RenameEdgeType { .. }
            | Op::RenameProperty { .. }) => self.naming(report, op)?,
        }
        Ok(())
    }

    fn naming(&mut self, report: &mut SalvageReport, op: Op<'_>) -> Result<(), SalvageError> {
        match op {
            Op::Label { id, name } => self.names.labels.learn(id.0, &name),
            Op::EdgeType { id, name } => self.names.types.learn(id.0, &name),
            Op::Property { id, name } => self.names.properties.learn(id.0, &name),
            Op::RenameLabel { id, name } => {
                if let Some(old) = self.names.labels.rename(id.0, &name)
                    && self.tx.label(&old).is_some()
                {
                    refusable(report, self.tx.rename_label(&old, &name))?;
                }
            }
            Op::RenameEdgeType { id, name } => {
                if let Some(old) = self.names.types.rename(id.0, &name)
                    && self.tx.edge_type(&old).is_some()
                {
                    refusable(report, self.tx.rename_edge_type(&old, &name))?;
                }
            }
            Op::RenameProperty { id, name } => {
                if let Some(old) = self.names.properties.rename(id.0, &name)
                    && self.tx.property(&old).is_some()
                {
                    refusable(report, self.tx.rename_property(&old, &name))?;
                }
            }
            _ => report.refused += 1,
        }
        Ok(())
    }

    fn delete(&mut self, report: &mut SalvageReport, node: NodeId) -> Result<(), SalvageError> {
        less(&mut self.names.node_count, 1);
        if !self.contains(node)? {
            return Ok(());
        }
        let edges = self.tx.delete_node(node, true)?;
        self.forget_last();
        less(&mut self.names.edge_count, edges);
        report.edges = report.edges.saturating_sub(edges);
        // Which of them it was counted under is not known any more.
        let counts = [&mut report.nodes, &mut report.nodes_from_keys, &mut report.nodes_from_edges];
        if let Some(count) = counts.into_iter().find(|count| **count > 0) {
            *count -= 1;
        }
        Ok(())
    }
}

/// What cannot be done on what was saved is left out.
fn refusable<T>(report: &mut SalvageReport, done: Result<T, WriteError>) -> Result<(), SalvageError> {
    match done {
        Ok(_) => Ok(()),
        Err(e) if e.is_refusal() => {
            report.refused += 1;
            Ok(())
        }
        Err(e) => Err(e.into()),
    }
}
