//! Giving numbers to names, and other names to numbers.
//!
//! Must always be true: a name that gets a number says so in the transaction's record, before anything that uses the
//! number. Whether it is a good name was asked before. Whatever else is stored has numbers, so a new name for one is a
//! change of the catalog alone.

use super::record::Op;
use super::{WriteTransaction, check_name};
use crate::error::WriteError;
use crate::model::{LabelId, PropertyId, TypeId};

impl WriteTransaction {
    pub(super) fn intern_label(&mut self, name: &str) -> LabelId {
        if let Some(known) = self.label(name) {
            return known;
        }
        let id = LabelId(self.catalog_mut().labels.intern(name));
        self.ops.push(&Op::Label { id, name: name.into() });
        id
    }

    pub(super) fn intern_type(&mut self, name: &str) -> TypeId {
        if let Some(known) = self.edge_type(name) {
            return known;
        }
        let id = TypeId(self.catalog_mut().types.intern(name));
        self.ops.push(&Op::EdgeType { id, name: name.into() });
        id
    }

    pub(super) fn intern_property(&mut self, name: &str) -> PropertyId {
        if let Some(known) = self.property(name) {
            return known;
        }
        let id = PropertyId(self.catalog_mut().properties.intern(name));
        self.ops.push(&Op::Property { id, name: name.into() });
        id
    }

    /// Gives a label another name: what bears it bears it by that name from now on. Takes the same time however many nodes
    /// there are. Snapshots that are held keep the old name, which may be given again.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let device = std::sync::Arc::new(MemoryDevice::new(PageSize::K4));
    /// # let db = Options::new().create_device(device)?;
    /// let mut tx = db.begin_write()?;
    /// let ada = tx.add_node("human", "ada", props! {})?;
    /// tx.rename_label("human", "person")?;
    /// assert_eq!(tx.node("person", "ada")?, Some(ada));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WriteError::UnknownName`] if no label has the old name, [`WriteError::NameTaken`] if another one has the new name,
    /// [`WriteError::BadName`]: nothing is changed.
    pub fn rename_label(&mut self, old: &str, new: &str) -> Result<(), WriteError> {
        let known = self.label(old).ok_or_else(|| unknown("label", old))?;
        if !may_rename("label", known, (self.label(new), new))? {
            return Ok(());
        }
        self.attempt(|tx| {
            tx.catalog_mut().labels.rename(known.0, new);
            tx.ops.push(&Op::RenameLabel { id: known, name: new.into() });
            tx.changed(true)
        })
    }

    /// Gives an edge type another name: see [`WriteTransaction::rename_label`].
    ///
    /// # Errors
    /// The same.
    pub fn rename_edge_type(&mut self, old: &str, new: &str) -> Result<(), WriteError> {
        let known = self.edge_type(old).ok_or_else(|| unknown("edge type", old))?;
        if !may_rename("edge type", known, (self.edge_type(new), new))? {
            return Ok(());
        }
        self.attempt(|tx| {
            tx.catalog_mut().types.rename(known.0, new);
            tx.ops.push(&Op::RenameEdgeType { id: known, name: new.into() });
            tx.changed(true)
        })
    }

    /// Gives a property another name, on nodes and edges: see [`WriteTransaction::rename_label`].
    ///
    /// # Errors
    /// The same.
    pub fn rename_property(&mut self, old: &str, new: &str) -> Result<(), WriteError> {
        let known = self.property(old).ok_or_else(|| unknown("property name", old))?;
        if !may_rename("property name", known, (self.property(new), new))? {
            return Ok(());
        }
        self.attempt(|tx| {
            tx.catalog_mut().properties.rename(known.0, new);
            tx.ops.push(&Op::RenameProperty { id: known, name: new.into() });
            tx.changed(true)
        })
    }
}

fn unknown(what: &'static str, name: &str) -> WriteError {
    WriteError::UnknownName { what, name: name.to_owned() }
}

/// False if it has that name already, and there is nothing to do.
fn may_rename<T: PartialEq>(what: &'static str, id: T, new: (Option<T>, &str)) -> Result<bool, WriteError> {
    check_name(new.1, what)?;
    match new.0 {
        Some(taken) if taken == id => Ok(false),
        Some(_) => Err(WriteError::NameTaken { what, name: new.1.to_owned() }),
        None => Ok(true),
    }
}
