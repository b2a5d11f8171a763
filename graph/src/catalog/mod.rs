//! The catalog: names, counts, property indexes, and the roots of all other trees.
//!
//! Must always be true: an id that was given to a name keeps it for ever; counts equal what the trees hold (I5, `check`
//! compares them); every root is the root of the version that the catalog belongs to.
//!
//! On disk it is a tree of records whose root the pager holds. In memory it is this value: read whole when a version is
//! opened, cloned by a write transaction, and written back record by record where it changed. It is not: node or edge
//! data, nor anything that grows with the graph.

mod format;
#[cfg(test)]
mod tests;

pub(crate) use format::{index_def, load, save};

use crate::model::{LabelId, PropertyId, TypeId};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// A label and how many nodes bear it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LabelInfo {
    /// Its name.
    pub name: String,
    /// Nodes that bear it.
    pub nodes: u64,
    /// Those of them that have a key.
    pub keyed: u64,
}

/// An edge type and how many edges have it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TypeInfo {
    /// Its name.
    pub name: String,
    /// Edges of it.
    pub edges: u64,
    /// Its edges have no direction: queries follow them both ways unless told otherwise.
    pub undirected: bool,
}

/// Names by id and ids by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) labels: Names<LabelInfo>,
    pub(crate) types: Names<TypeInfo>,
    pub(crate) properties: Names<String>,
    pub(crate) node_count: u64,
    pub(crate) edge_count: u64,
    /// The next id that the store gives.
    pub(crate) next_node: u64,
    /// Property indexes by their numbers.
    pub(crate) indexes: BTreeMap<u32, IndexDef>,
}

/// What a property index is over.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IndexOwner {
    /// Nodes of a label.
    Label(LabelId),
    /// Edges of a type.
    Type(TypeId),
}

/// A property index. There is at most one for an owner and a property.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct IndexDef {
    pub(crate) owner: IndexOwner,
    pub(crate) property: PropertyId,
    /// No two of its nodes, or edges, have the same value.
    pub(crate) unique: bool,
    /// How many have the property.
    pub(crate) entries: u64,
}

/// Interned names: ids count from 0 in the order of first use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Names<T> {
    items: Vec<T>,
    ids: HashMap<String, u32>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Names { items: Vec::new(), ids: HashMap::new() }
    }
}

/// Something with a name.
pub(crate) trait Named {
    fn name(&self) -> &str;
    fn from_name(name: &str) -> Self;
    fn set_name(&mut self, name: &str);
}

impl Named for String {
    fn name(&self) -> &str {
        self
    }
    fn from_name(name: &str) -> Self {
        name.to_owned()
    }
    fn set_name(&mut self, name: &str) {
        name.clone_into(self);
    }
}

impl Named for LabelInfo {
    fn name(&self) -> &str {
        &self.name
    }
    fn from_name(name: &str) -> Self {
        LabelInfo { name: name.to_owned(), ..Default::default() }
    }
    fn set_name(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }
}

impl Named for TypeInfo {
    fn name(&self) -> &str {
        &self.name
    }
    fn from_name(name: &str) -> Self {
        TypeInfo { name: name.to_owned(), ..Default::default() }
    }
    fn set_name(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }
}

impl<T: Named> Names<T> {
    pub(crate) fn id(&self, name: &str) -> Option<u32> {
        self.ids.get(name).copied()
    }

    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        self.items.get(id as usize)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.items.get_mut(id as usize)
    }

    /// The id of a name, given now if it has none.
    pub(crate) fn intern(&mut self, name: &str) -> u32 {
        if let Some(id) = self.id(name) {
            return id;
        }
        let id = self.push(T::from_name(name));
        id.expect("a name without an id is not in the table")
    }

    /// Adds an item; `None`, and nothing is changed, if its name is there already.
    pub(crate) fn push(&mut self, item: T) -> Option<u32> {
        let id = u32::try_from(self.items.len()).expect("fewer than 2³² names");
        match self.ids.entry(item.name().to_owned()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(place) => place.insert(id),
        };
        self.items.push(item);
        Some(id)
    }

    /// Gives the item another name, under the same id. The name is not in the table.
    pub(crate) fn rename(&mut self, id: u32, name: &str) {
        let item = &mut self.items[id as usize];
        self.ids.remove(item.name());
        item.set_name(name);
        let taken = self.ids.insert(name.to_owned(), id);
        debug_assert!(taken.is_none(), "names differ");
    }

    /// Items in the order of their ids; their names differ.
    pub(crate) fn from_items(items: Vec<T>) -> Self {
        let mut names = Names { items: Vec::with_capacity(items.len()), ids: HashMap::new() };
        for item in items {
            names.push(item).expect("names differ");
        }
        names
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (u32, &T)> {
        self.items.iter().enumerate().map(|(i, item)| (i as u32, item))
    }
}

impl Catalog {
    pub(crate) fn label_name(&self, id: LabelId) -> Option<&str> {
        self.labels.get(id.0).map(|l| l.name.as_str())
    }

    pub(crate) fn type_name(&self, id: TypeId) -> Option<&str> {
        self.types.get(id.0).map(|t| t.name.as_str())
    }

    pub(crate) fn property_name(&self, id: PropertyId) -> Option<&str> {
        self.properties.get(id.0).map(String::as_str)
    }

    /// The index over a property, if there is one.
    pub(crate) fn index(&self, owner: IndexOwner, property: PropertyId) -> Option<(u32, &IndexDef)> {
        self.indexes_of(owner).find(|(_, def)| def.property == property)
    }

    /// The indexes over nodes of a label, or edges of a type.
    pub(crate) fn indexes_of(&self, owner: IndexOwner) -> impl Iterator<Item = (u32, &IndexDef)> {
        self.indexes.iter().map(|(id, def)| (*id, def)).filter(move |(_, def)| def.owner == owner)
    }

    /// Nodes that have a key, over all labels.
    pub(crate) fn keyed(&self) -> u64 {
        self.labels.iter().fold(0, |sum, (_, l)| sum.saturating_add(l.keyed))
    }
}
