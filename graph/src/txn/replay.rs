//! Replaying the records of the log: what was done, done again (L5).
//!
//! Must always be true: every operation takes the way that an application's call takes, with the choices that the record
//! carries; one that is refused, or a name that gets another number, is corruption. After an error the transaction can
//! only be dropped.
//!
//! It is not: finding records, nor asking whether they are the right ones for this state: the log's frames say that.

use super::record::{NumberedProps, Op, ReplayError, operations};
use super::{NewNode, WriteTransaction, check_name};
use crate::catalog::IndexOwner;
use crate::model::{Edge, LabelId, PropertyId, Props, TypeId};
use crate::reader::IndexOn;
use std::borrow::Cow;
use storage_core::pager;

#[cfg(test)]
mod tests;

impl WriteTransaction {
    /// Does again what the record says. The transaction has no record of its own from then on: it ends as a checkpoint.
    pub(crate) fn replay(&mut self, record: &[u8]) -> Result<(), ReplayError> {
        if self.broken {
            return Err(ReplayError::Write(pager::WriteError::Failed.into()));
        }
        self.ops.drop_all();
        let result = self.replay_all(record);
        self.broken |= result.is_err();
        result
    }

    fn replay_all(&mut self, record: &[u8]) -> Result<(), ReplayError> {
        for (i, op) in operations(record).enumerate() {
            let op = op.map_err(|e| corrupt(e.to_string()))?;
            let verb = op.verb();
            self.replay_one(op).map_err(|e| match e {
                ReplayError::Corrupt { what } => corrupt(format!("operation {} ({verb}): {what}", i + 1)),
                other => other,
            })?;
        }
        Ok(())
    }

    fn replay_one(&mut self, op: Op<'_>) -> Result<(), ReplayError> {
        match op {
            Op::AddNode { node, label, key, props } => {
                let (label, props) = (self.name_of_label(label)?, self.by_name(props)?);
                let node = NewNode { id: Some(node), key: key.map(Cow::into_owned), props };
                self.insert_node(&label, node)?;
            }
            Op::SetNode { node, changes } => {
                let changes = self.by_name(changes)?;
                self.set_all(node, changes)?;
            }
            Op::DeleteNode { node, detach } => {
                self.delete_node(node, detach)?;
            }
            Op::AddEdge { edge: Edge { source, edge_type, target, rank }, props } => {
                let (edge_type, props) = (self.name_of_type(edge_type)?, self.by_name(props)?);
                self.insert_edge((source, &edge_type, target), Some(rank), props)?;
            }
            Op::SetEdge { edge, changes } => {
                let changes = self.by_name(changes)?;
                self.set_edge_all(edge, changes)?;
            }
            Op::DeleteEdge { edge } => self.delete_edge(edge)?,
            Op::Undirected { edge_type, undirected } => {
                let edge_type = self.name_of_type(edge_type)?;
                self.set_undirected(&edge_type, undirected)?;
            }
            Op::CreateIndex { index, owner, property, unique } => {
                let property = self.name_of_property(property)?;
                match owner {
                    IndexOwner::Label(label) => {
                        let label = self.name_of_label(label)?;
                        self.create_index(IndexOn::Label(&label), &property, unique)?;
                    }
                    IndexOwner::Type(edge_type) => {
                        let edge_type = self.name_of_type(edge_type)?;
                        self.create_index(IndexOn::EdgeType(&edge_type), &property, unique)?;
                    }
                }
                let made = self.catalog().indexes.last_key_value().map(|(id, _)| *id);
                if made != Some(index) {
                    return Err(corrupt(format!("index {index} here would be another one: {made:?}")));
                }
            }
            op @ (Op::Label { .. }
            | Op::EdgeType { .. }
            | Op::Property { .. }
            | Op::RenameLabel { .. }
            | Op::RenameEdgeType { .. }
            | Op::RenameProperty { .. }) => self.replay_name(op)?,
        }
        Ok(())
    }

    fn replay_name(&mut self, op: Op<'_>) -> Result<(), ReplayError> {
        match op {
            Op::Label { id, name } => {
                check_name(&name, "label")?;
                let known = self.label(&name).is_some();
                check_number(&name, known, (id.0, self.intern_label(&name).0))?;
            }
            Op::EdgeType { id, name } => {
                check_name(&name, "edge type")?;
                let known = self.edge_type(&name).is_some();
                check_number(&name, known, (id.0, self.intern_type(&name).0))?;
            }
            Op::Property { id, name } => {
                check_name(&name, "property name")?;
                let known = self.property(&name).is_some();
                check_number(&name, known, (id.0, self.intern_property(&name).0))?;
            }
            Op::RenameLabel { id, name } => {
                let old = self.name_of_label(id)?;
                self.rename_label(&old, &name)?;
            }
            Op::RenameEdgeType { id, name } => {
                let old = self.name_of_type(id)?;
                self.rename_edge_type(&old, &name)?;
            }
            Op::RenameProperty { id, name } => {
                let old = self.name_of_property(id)?;
                self.rename_property(&old, &name)?;
            }
            other => return Err(corrupt(format!("{other} is no name"))),
        }
        Ok(())
    }

    fn name_of_label(&self, id: LabelId) -> Result<String, ReplayError> {
        let name = self.catalog().label_name(id);
        Ok(name.ok_or_else(|| corrupt(format!("there is no label {}", id.0)))?.to_owned())
    }

    fn name_of_type(&self, id: TypeId) -> Result<String, ReplayError> {
        let name = self.catalog().type_name(id);
        Ok(name.ok_or_else(|| corrupt(format!("there is no edge type {}", id.0)))?.to_owned())
    }

    fn name_of_property(&self, id: PropertyId) -> Result<String, ReplayError> {
        let name = self.catalog().property_name(id);
        Ok(name.ok_or_else(|| corrupt(format!("there is no property {}", id.0)))?.to_owned())
    }

    fn by_name(&self, props: NumberedProps<'_>) -> Result<Props, ReplayError> {
        let named = |(id, value)| Ok((self.name_of_property(id)?, value));
        props.into_owned().into_iter().map(named).collect()
    }
}

/// A name comes first where it has no number yet, and gets the one that it got then.
fn check_number(name: &str, known: bool, (wanted, given): (u32, u32)) -> Result<(), ReplayError> {
    if known {
        return Err(corrupt(format!("`{name}` has the number {given} already")));
    }
    if wanted != given {
        return Err(corrupt(format!("`{name}` has the number {wanted} here, and would get {given}")));
    }
    Ok(())
}

fn corrupt(what: String) -> ReplayError {
    ReplayError::Corrupt { what }
}
