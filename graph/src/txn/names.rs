//! Giving numbers to names.
//!
//! Must always be true: a name that gets a number says so in the transaction's record, before anything that uses the
//! number. Whether it is a good name was asked before.

use super::WriteTransaction;
use super::record::Op;
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
}
