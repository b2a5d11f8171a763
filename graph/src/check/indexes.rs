//! Property indexes: each holds exactly what the records have (I5).
//!
//! That they hold the same is compared by the count and the sum of a hash over the entries, which needs no memory; only
//! where those differ is every entry looked up, to name what is wrong.

use super::Checker;
use crate::btree::{RecordLeaf, Tree};
use crate::catalog::{Catalog, IndexDef, IndexOwner};
use crate::error::ReadError;
use crate::index::{Entity, entry, split, value_bytes};
use crate::model::{PropertyId, Value};
use crate::node::{decode_props, stored, value_of, whole_props};
use std::collections::HashMap;
use storage_core::page::{PageId, PageKind};
use storage_core::pager::PageError;
use twox_hash::XxHash3_64;

/// Entries, counted and hashed.
#[derive(Copy, Clone, PartialEq, Eq, Default)]
struct Sum {
    entries: u64,
    hash: u128,
}

impl Sum {
    fn add(&mut self, key: &[u8]) {
        self.entries += 1;
        let hash =
            u128::from(XxHash3_64::oneshot(key)) << 64 | u128::from(XxHash3_64::oneshot_with_seed(1, key));
        self.hash = self.hash.wrapping_add(hash);
    }
}

/// What the indexes should hold, by what the records have.
pub(super) struct Wanted(HashMap<(IndexOwner, PropertyId), Sum>);

impl Wanted {
    pub(super) fn new(catalog: &Catalog) -> Self {
        Wanted(catalog.indexes.values().map(|def| ((def.owner, def.property), Sum::default())).collect())
    }

    /// A record has a value.
    pub(super) fn add(&mut self, of: (IndexOwner, PropertyId), entity: Entity, value: &Value) {
        let Some(sum) = self.0.get_mut(&of) else { return };
        match value_bytes(value) {
            Some(bytes) => sum.add(&entry(bytes, entity)),
            // It cannot be there, so no sum may be equal.
            None => sum.add(&[]),
        }
    }
}

impl Checker<'_, '_> {
    pub(super) fn check_indexes(&mut self, wanted: &Wanted) -> Result<(), ReadError> {
        let graph = self.graph.clone();
        for (id, def) in &graph.catalog.indexes {
            let Some(tree) = graph.indexes.get(id) else { continue };
            let name = format!("index {id}");
            let at = tree.root().flatten().map_or(self.root_page(0), |root| root.page());
            let Some(found) = self.sum_of(tree, def, (&name, at))? else { continue };
            let wanted = wanted.0.get(&(def.owner, def.property)).copied().unwrap_or_default();
            if found.entries != def.entries {
                let what = format!(
                    "the catalog counts {} entries of {name}, there are {}",
                    def.entries, found.entries
                );
                self.note(at, PageKind::Record, what);
            }
            if found != wanted {
                let what =
                    format!("{name} has {} entries, the records have {}", found.entries, wanted.entries);
                self.note(at, PageKind::Record, what);
                self.name_wrong(tree, def, (&name, at))?;
            }
        }
        Ok(())
    }

    /// Goes over an index; `None` if it could not be read to its end.
    fn sum_of(
        &mut self,
        tree: &Tree<RecordLeaf>,
        def: &IndexDef,
        (name, at): (&str, PageId),
    ) -> Result<Option<Sum>, ReadError> {
        let mut sum = Sum::default();
        let mut last: Option<Vec<u8>> = None;
        self.ticker.next_round()?;
        for entry in tree.range(self.snapshot, ..) {
            self.compared()?;
            let (key, record) = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    self.caught(Err(e))?;
                    return Ok(None);
                }
            };
            sum.add(&key);
            let Some((value, _)) = split(&key, def.owner) else {
                self.note(at, PageKind::Record, format!("an entry of {name} is malformed"));
                continue;
            };
            if !record.is_empty() {
                self.note(at, PageKind::Record, format!("something stands under a key of {name}"));
            }
            if last.as_ref().is_some_and(|last| *last >= key) {
                self.note(at, PageKind::Record, format!("the entries of {name} are not in order"));
                return Ok(None);
            }
            let twin = last
                .as_ref()
                .and_then(|last| split(last, def.owner))
                .is_some_and(|(before, _)| before == value);
            if def.unique && twin {
                self.note(at, PageKind::Record, format!("{name} is unique, and has a value twice"));
            }
            last = Some(key);
        }
        Ok(Some(sum))
    }

    /// Looks every entry up. (What is missing is known by number only: to name it would be to build the index.)
    fn name_wrong(
        &mut self,
        tree: &Tree<RecordLeaf>,
        def: &IndexDef,
        (name, at): (&str, PageId),
    ) -> Result<(), ReadError> {
        for entry in tree.range(self.snapshot, ..) {
            self.ticker.step(1)?;
            let (key, _) = entry?;
            let Some((value, entity)) = split(&key, def.owner) else { continue };
            match self.has(def, value, entity) {
                Ok(true) => {}
                Ok(false) => {
                    self.note(
                        at,
                        PageKind::Record,
                        format!("{name} names {entity:?} for a value that it has not"),
                    );
                }
                Err(e) => drop(self.caught(Err(e))?),
            }
        }
        Ok(())
    }

    fn has(&self, def: &IndexDef, value: &[u8], entity: Entity) -> Result<bool, PageError> {
        let props = match entity {
            Entity::Node(node) => match self.graph.nodes.get(self.snapshot, &node.0)? {
                Some(record) if IndexOwner::Label(crate::model::LabelId(record.label)) == def.owner => {
                    record.props
                }
                _ => return Ok(false),
            },
            Entity::Edge(edge) => {
                let Some(record) = self.graph.edge_props.get(self.snapshot, &crate::edge::props_key(edge))?
                else {
                    return Ok(false);
                };
                let root = self.root_page(4);
                decode_props(&record).map_err(|e| PageError::damage(root, PageKind::Record, e.0))?
            }
        };
        let props = whole_props(self.snapshot, props)?;
        let Some(found) = stored(&props, def.property.0) else { return Ok(false) };
        Ok(value_bytes(&value_of(self.snapshot, found)?).is_some_and(|bytes| bytes == value))
    }
}
