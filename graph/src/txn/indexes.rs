//! Making and dropping property indexes.
//!
//! Must always be true: an index is whole from the moment that it is there: what the store holds already is in it. One
//! that is refused, because two have the same value or a value is too long, leaves nothing.
//!
//! A small index is entries in memory like any other change, and its making is in the record (L5). A larger one is sorted,
//! within the memory for changes and beyond that in temporary files, and built from the bottom; it commits by checkpoint,
//! as does dropping one: its pages are freed at once, so no checkpoint may be writing them.

use super::WriteTransaction;
use super::indexed::too_long;
use super::record::Op;
use crate::btree::{Record, RecordLeaf, Tree};
use crate::bulk::{Scratch, Sorted, Sorter, Spill, SpillError};
use crate::catalog::{IndexDef, IndexOwner};
use crate::error::WriteError;
use crate::index::{Entity, entry, split, value_bytes};
use crate::model::{PropertyId, TypeId, Value};
use crate::node::stored;
use crate::reader::{IndexOn, Reader};
use crate::value::{Malformed, Reader as Bytes, put_varint};
use std::cmp::Ordering;
use std::sync::Arc;
use storage_core::pager::{ReadPages, Transaction};

/// An index of at most so many bytes of keys is made in memory, and its making is in the log; of fewer, if the memory for
/// changes is less.
const SMALL: usize = 256 << 10;

/// The least memory for sorting: what a record makes is then never sorted in a file, whatever replays it.
const LEAST_TO_SORT: usize = 8 * SMALL;

/// How full the pages of a new index are: it will be added to.
const FILL_PERCENT: u8 = 90;

/// The key of an entry, for sorting.
#[derive(Debug)]
struct Row(Vec<u8>);

impl Spill for Row {
    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn heap_bytes(&self) -> usize {
        self.0.capacity()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.0.len() as u64, out);
        out.extend_from_slice(&self.0);
    }

    fn decode(reader: &mut Bytes<'_>) -> Result<Self, Malformed> {
        Ok(Row(reader.counted()?.to_vec()))
    }

    fn sort(rows: &mut Vec<Self>) {
        // No two are equal, so there is no order of equals to keep, and no scratch space to take.
        rows.sort_unstable_by(Self::order);
    }
}

impl WriteTransaction {
    /// Makes an index over a property of the nodes of a label, or of the edges of a type, which holds also what is in the
    /// store already. With `unique`, no two of them may have the same value, from now on. Names that are new are made.
    ///
    /// Refused, with nothing changed: if there is an index over that property already; if two have the same value; if a
    /// value is too long to be indexed ([`crate::index::MAX_INDEXED`]).
    ///
    /// Takes what is left of the memory for changes, and 2 MiB at least; beyond that it sorts in temporary files.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// use foliograph::{IndexOn, WriteError};
    /// tx.create_index(IndexOn::Label("person"), "born", true)?;
    /// let twin = tx.add_node("person", "george", props! { "born" => 1815 });
    /// assert!(matches!(twin, Err(WriteError::NotUnique { .. })));
    /// tx.drop_index(IndexOn::Label("person"), "born")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Refused: [`WriteError::IndexExists`], [`WriteError::NotUnique`], [`WriteError::BadValue`],
    /// [`WriteError::BadName`]. [`WriteError::Sort`]: a temporary file failed; nothing is changed. An I/O error:
    /// the transaction can only be dropped then.
    pub fn create_index(&mut self, on: IndexOn<'_>, property: &str, unique: bool) -> Result<(), WriteError> {
        super::check_name(property, "property name")?;
        match on {
            IndexOn::Label(label) => super::check_name(label, "label")?,
            IndexOn::EdgeType(edge_type) => super::check_name(edge_type, "edge type")?,
        }
        self.attempt(|tx| tx.try_create_index(on, property, unique))
    }

    fn try_create_index(&mut self, on: IndexOn<'_>, property: &str, unique: bool) -> Result<(), WriteError> {
        if let Some((_, def)) = self.index_def(on, property) {
            return Err(WriteError::IndexExists(self.index_name(def)));
        }
        let built = match (self.index_owner(on), self.property(property)) {
            (Some(owner), Some(property)) => self.build(IndexDef { owner, property, unique, entries: 0 })?,
            // A name that is new has nothing yet.
            _ => Built::default(),
        };
        // From here on nothing is refused.
        let owner = match on {
            IndexOn::Label(label) => IndexOwner::Label(self.intern_label(label)),
            IndexOn::EdgeType(edge_type) => IndexOwner::Type(self.intern_type(edge_type)),
        };
        let property = self.intern_property(property);
        let catalog = self.catalog_mut();
        let id = catalog.indexes.last_key_value().map_or(0, |(last, _)| last + 1);
        catalog.indexes.insert(id, IndexDef { owner, property, unique, entries: built.entries });
        self.ops.push(&Op::CreateIndex { index: id, owner, property, unique });
        self.reader.graph.indexes.insert(id, built.tree);
        self.changed(true)
    }

    /// Drops an index. The commit is a checkpoint.
    ///
    /// # Errors
    /// Refused: [`WriteError::NoIndex`]. An I/O error: the transaction can only be dropped then.
    pub fn drop_index(&mut self, on: IndexOn<'_>, property: &str) -> Result<(), WriteError> {
        self.attempt(|tx| {
            let Some((id, _)) = tx.index_def(on, property) else {
                return Err(WriteError::NoIndex(format!("{on}.{property}")));
            };
            tx.begin_flush()?;
            tx.catalog_without_record().indexes.remove(&id);
            let Reader { pages, graph, .. } = &mut tx.reader;
            if let Some(mut tree) = graph.indexes.remove(&id) {
                // A changed tree does not name all the pages that are its own.
                tree.flush(pages)?;
                free_tree(&tree, pages)?;
            }
            tx.changed(false)
        })
    }

    /// Sorts what there is, and makes a tree of it. What is refused leaves no page.
    fn build(&mut self, def: IndexDef) -> Result<Built, WriteError> {
        let left = self.db.inner.memory_budget.saturating_sub(self.reader.graph.weight());
        let budget = left.max(LEAST_TO_SORT);
        let mut sorter = Sorter::new(budget, 0, &Scratch::default());
        let mut bytes = 0;
        self.each_value(&def, |tx, value, entity| {
            let name = || tx.catalog().property_name(def.property).unwrap_or_default();
            let key = entry(value_bytes(&value).ok_or_else(|| too_long(name()))?, entity);
            bytes += key.len();
            Ok(sorter.push(Row(key))?)
        })?;
        let entries = sorter.len();
        let rows = sorter.finish()?;
        let small = SMALL.min(self.db.inner.memory_budget);
        let tree = if bytes <= small { self.in_memory(&def, rows)? } else { self.on_pages(&def, rows)? };
        Ok(Built { tree, entries })
    }

    fn in_memory(&self, def: &IndexDef, rows: Sorted<Row>) -> Result<Tree<RecordLeaf>, WriteError> {
        let mut tree = Tree::empty();
        let mut last = None;
        for row in rows {
            let Row(key) = row?;
            self.check_unique(def, &mut last, &key)?;
            tree.put(&self.reader.pages, key, Record::default())?;
        }
        Ok(tree)
    }

    fn on_pages(&mut self, def: &IndexDef, rows: Sorted<Row>) -> Result<Tree<RecordLeaf>, WriteError> {
        self.begin_flush()?;
        let size = self.reader.pages.pager().page_size();
        let mut builder = Tree::<RecordLeaf>::builder(size, FILL_PERCENT);
        let mut last = None;
        let mut refused = None;
        for row in rows {
            let checked = row.map_err(WriteError::from).and_then(|Row(key)| {
                self.check_unique(def, &mut last, &key)?;
                Ok(key)
            });
            match checked {
                Ok(key) => builder.push(&mut self.reader.pages, key, Record::default())?,
                Err(e) => {
                    refused = Some(e);
                    break;
                }
            }
        }
        let tree = builder.finish(&mut self.reader.pages)?;
        match refused {
            None => Ok(tree),
            Some(error) => {
                free_tree(&tree, &mut self.reader.pages)?;
                Err(error)
            }
        }
    }

    /// Two keys in a row with one value are two that have it.
    fn check_unique(&self, def: &IndexDef, last: &mut Option<Vec<u8>>, key: &[u8]) -> Result<(), WriteError> {
        if !def.unique {
            return Ok(());
        }
        let (value, _) = split(key, def.owner).expect("a key that was just made");
        if let Some(before) = last
            && let Some((same, holder)) = split(before, def.owner)
            && same == value
        {
            let value = crate::value::decode_key(&mut Bytes::new(value)).expect("a key that was just made");
            return Err(self.not_unique(def, &value, holder));
        }
        *last = Some(key.to_vec());
        Ok(())
    }

    /// Calls back with each value of the property, and who has it.
    fn each_value(
        &self,
        def: &IndexDef,
        mut each: impl FnMut(&Self, Value, Entity) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let PropertyId(property) = def.property;
        match def.owner {
            IndexOwner::Label(label) => {
                for view in self.all_nodes() {
                    let view = view?;
                    if view.label != label {
                        continue;
                    }
                    let props = crate::node::whole_props(&self.reader.pages, view.props)?;
                    if let Some(found) = stored(&props, property) {
                        let value = self.layers.node.value(&self.reader.pages, found)?;
                        each(self, value, Entity::Node(view.id))?;
                    }
                }
            }
            IndexOwner::Type(TypeId(edge_type)) => {
                for record in self.graph.edge_props.range(&self.reader.pages, ..) {
                    let (edge, props) = self.edge_record(record?)?;
                    if edge.edge_type.0 == edge_type
                        && let Some(found) = stored(&props, property)
                    {
                        let value = self.layers.node.value(&self.reader.pages, found)?;
                        each(self, value, Entity::Edge(edge))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A new index.
#[derive(Default)]
struct Built {
    tree: Tree<RecordLeaf>,
    entries: u64,
}

/// Frees every page of a tree whose entries name none.
fn free_tree(tree: &Tree<RecordLeaf>, pages: &mut Transaction) -> Result<(), WriteError> {
    let mut all = Vec::new();
    tree.visit(&*pages, &mut |at, _| {
        all.push(at);
        Ok(())
    })?;
    all.into_iter().for_each(|at| pages.free(at));
    Ok(())
}

impl From<SpillError> for WriteError {
    fn from(e: SpillError) -> Self {
        WriteError::Sort(Arc::new(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NodeId;

    /// A replay without a temporary directory would have failed, or been taken for damage.
    #[test]
    fn an_index_that_a_record_makes_is_sorted_in_memory() {
        for value in [Value::Bool(true), Value::Int(1 << 60), Value::Text("x".repeat(900))] {
            let mut sorter = Sorter::new(LEAST_TO_SORT, 0, &Scratch::default());
            let (mut bytes, mut node) = (0, 0);
            while bytes <= SMALL {
                let key = entry(value_bytes(&value).expect("short"), Entity::Node(NodeId(node)));
                bytes += key.len();
                node += 1;
                sorter.push(Row(key)).expect("in memory");
            }
            assert!(matches!(sorter.finish(), Ok(Sorted::Memory(_))), "{node} keys of {value:?}");
        }
    }
}
