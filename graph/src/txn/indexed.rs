//! Keeping property indexes true while records change.
//!
//! Must always be true: what an index refuses is found before anything is changed ([`WriteTransaction::plan`]); the
//! entries change in the same breath as the record ([`WriteTransaction::keep_indexes`]).
//!
//! It is not: making and dropping indexes (`indexes.rs`).

use super::WriteTransaction;
use crate::btree::Record;
use crate::catalog::{IndexDef, IndexOwner};
use crate::error::WriteError;
use crate::index::{Entity, entry, holder, value_bytes};
use crate::model::{Edge, PropertyId, Props, Value};
use crate::node::{Stored, StoredProps, stored};
use crate::reader::Reader;
use storage_core::planted::{Bug, armed};

/// What changes in one index.
#[derive(Debug)]
pub(super) struct EntryChange {
    index: u32,
    remove: Option<Vec<u8>>,
    put: Option<Vec<u8>>,
}

impl WriteTransaction {
    /// What setting these properties changes in the indexes of their owner; refused if a value can not be indexed, or is
    /// another one's in a unique index. `old` is what is there already.
    pub(super) fn plan(
        &self,
        (owner, entity): (IndexOwner, Entity),
        changes: &Props,
        old: &[(u32, Stored)],
    ) -> Result<Vec<EntryChange>, WriteError> {
        let mut plan = Vec::new();
        for (index, def) in self.catalog().indexes_of(owner) {
            let property = self.catalog().property_name(def.property).unwrap_or_default();
            let Some((_, value)) = changes.iter().find(|(name, _)| name == property) else { continue };
            let before = self.old_bytes(old, def.property)?;
            let after = match value {
                Value::Null => None,
                value => Some(value_bytes(value).ok_or_else(|| too_long(property))?),
            };
            if before == after {
                continue;
            }
            if let (Some(after), true) = (&after, def.unique && !armed(Bug::UniqueNotCompared))
                && let Some(holder) = holder(&self.graph.indexes[&index], &self.pages, owner, after)?
            {
                return Err(self.not_unique(def, value, holder));
            }
            let key = |value| entry(value, entity);
            plan.push(EntryChange { index, remove: before.map(key), put: after.map(key) });
        }
        Ok(plan)
    }

    /// What is taken out of the indexes when a record goes.
    pub(super) fn plan_removal(
        &self,
        (owner, entity): (IndexOwner, Entity),
        old: &[(u32, Stored)],
    ) -> Result<Vec<EntryChange>, WriteError> {
        let mut plan = Vec::new();
        for (index, def) in self.catalog().indexes_of(owner) {
            if let Some(value) = self.old_bytes(old, def.property)? {
                plan.push(EntryChange { index, remove: Some(entry(value, entity)), put: None });
            }
        }
        Ok(plan)
    }

    fn old_bytes(&self, old: &[(u32, Stored)], property: PropertyId) -> Result<Option<Vec<u8>>, WriteError> {
        let Some(stored) = stored(old, property.0) else { return Ok(None) };
        Ok(value_bytes(&self.layers.node.value(&self.pages, stored)?))
    }

    pub(super) fn keep_indexes(&mut self, plan: Vec<EntryChange>) -> Result<(), WriteError> {
        for EntryChange { index, remove, put } in plan {
            let Reader { pages, graph, .. } = &mut self.reader;
            let Some(tree) = graph.indexes.get_mut(&index) else { continue };
            let (less, more) = (u64::from(remove.is_some()), u64::from(put.is_some()));
            if let Some(key) = remove {
                tree.delete(pages, key)?;
            }
            if let Some(key) = put
                && !armed(Bug::IndexEntryForgotten)
            {
                tree.put(pages, key, Record::default())?;
            }
            if less != more
                && let Some(def) = self.catalog_mut().indexes.get_mut(&index)
            {
                def.entries = def.entries.saturating_add(more).saturating_sub(less);
            }
        }
        Ok(())
    }

    /// True if some index is over the edges of this type.
    pub(super) fn is_indexed(&self, owner: IndexOwner) -> bool {
        self.catalog().indexes_of(owner).next().is_some()
    }

    /// Before an edge goes: its entries.
    pub(super) fn drop_edge_entries(&mut self, edge: Edge) -> Result<(), WriteError> {
        let owner = IndexOwner::Type(edge.edge_type);
        if !self.is_indexed(owner) {
            return Ok(());
        }
        let props: StoredProps = self.stored_edge_props(edge)?;
        let plan = self.plan_removal((owner, Entity::Edge(edge)), &props)?;
        self.keep_indexes(plan)
    }

    pub(super) fn not_unique(&self, def: &IndexDef, value: &Value, holder: Entity) -> WriteError {
        let holder = match holder {
            Entity::Node(node) => format!("node {node}"),
            Entity::Edge(edge) => self.describe(edge),
        };
        WriteError::NotUnique { index: self.index_name(def), value: short(value), holder }
    }
}

/// So much of a value is shown in an error.
const MOST_CHARS: usize = 60;

fn short(value: &Value) -> String {
    if let Value::List(items) = value {
        return format!("a list of {}", items.len());
    }
    let mut text = String::new();
    crate::text::write::write_scalar(value, &mut text);
    match text.char_indices().nth(MOST_CHARS) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

pub(super) fn too_long(property: &str) -> WriteError {
    WriteError::BadValue {
        property: property.to_owned(),
        why: "it is indexed, and too long for that (1 KiB)",
    }
}
