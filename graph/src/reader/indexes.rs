//! Which property indexes there are.

use super::Reader;
use crate::catalog::{IndexDef, IndexOwner};
use crate::model::PropertyId;
use std::fmt;
use storage_core::pager::ReadPages;

/// What a property index is over.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IndexOn<'a> {
    /// The nodes of this label.
    Label(&'a str),
    /// The edges of this type.
    EdgeType(&'a str),
}

impl fmt::Display for IndexOn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IndexOn::Label(name) | IndexOn::EdgeType(name) => f.write_str(name),
        }
    }
}

/// A property index.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct IndexInfo<'a> {
    /// What it is over.
    pub on: IndexOn<'a>,
    /// The property's name.
    pub property: &'a str,
    /// Whether no two may have the same value.
    pub unique: bool,
    /// How many nodes, or edges, have the property.
    pub entries: u64,
}

impl<R: ReadPages> Reader<R> {
    /// All property indexes, oldest first.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// use foliograph::IndexOn;
    /// tx.create_index(IndexOn::Label("person"), "born", false)?;
    /// let index = tx.indexes().next().expect("there is one");
    /// assert_eq!((index.on, index.property, index.entries), (IndexOn::Label("person"), "born", 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn indexes(&self) -> impl Iterator<Item = IndexInfo<'_>> {
        self.catalog().indexes.values().map(|def| self.index_info(def))
    }

    pub(super) fn index_info(&self, def: &IndexDef) -> IndexInfo<'_> {
        let on = match def.owner {
            IndexOwner::Label(label) => IndexOn::Label(self.label_name(label)),
            IndexOwner::Type(edge_type) => IndexOn::EdgeType(self.type_name(edge_type)),
        };
        let property = self.catalog().property_name(def.property).unwrap_or("?");
        IndexInfo { on, property, unique: def.unique, entries: def.entries }
    }

    /// `label.property`, for messages.
    pub(crate) fn index_name(&self, def: &IndexDef) -> String {
        let info = self.index_info(def);
        format!("{}.{}", info.on, info.property)
    }

    pub(crate) fn index_owner(&self, on: IndexOn<'_>) -> Option<IndexOwner> {
        match on {
            IndexOn::Label(name) => self.label(name).map(IndexOwner::Label),
            IndexOn::EdgeType(name) => self.edge_type(name).map(IndexOwner::Type),
        }
    }

    pub(crate) fn index_def(&self, on: IndexOn<'_>, property: &str) -> Option<(u32, &IndexDef)> {
        let PropertyId(property) = self.property(property)?;
        self.catalog().index(self.index_owner(on)?, PropertyId(property))
    }
}
