//! What stands under a node's id: label, key, and properties by their numbers in the catalog.

use crate::model::{Key, Value};
use storage_core::page::Written;

/// A node's record.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeRecord {
    /// The label's number.
    pub label: u32,
    /// The key, unique within the label.
    pub key: Option<Key>,
    /// Values by property number, ascending.
    pub props: StoredProps,
}

impl NodeRecord {
    /// A node that has nothing but a label.
    pub fn plain(label: u32) -> Self {
        NodeRecord { label, key: None, props: Vec::new() }
    }

    /// Whether there is nothing but a label: such nodes are stored as runs.
    pub fn is_plain(&self) -> bool {
        self.key.is_none() && self.props.is_empty()
    }

    /// What is stored for a property.
    pub fn stored(&self, property: u32) -> Option<&Stored> {
        stored(&self.props, property)
    }
}

/// Values by property number, strictly ascending.
pub type StoredProps = Vec<(u32, Stored)>;

/// What is stored for a property in a sorted list.
pub fn stored(props: &[(u32, Stored)], property: u32) -> Option<&Stored> {
    props.binary_search_by_key(&property, |(id, _)| *id).ok().map(|at| &props[at].1)
}

/// The property number under which [`LongKind::Rest`] stands: the last one, and no property's own.
pub const REST: u32 = u32::MAX;

/// A value, here or elsewhere. Equal ones are stored as the same bytes: zero is not minus zero, and a float that is not
/// a number equals itself.
#[derive(Clone, Debug)]
pub enum Stored {
    /// In the record.
    Inline(Value),
    /// In overflow pages.
    Overflow {
        /// What the bytes are.
        kind: LongKind,
        /// How many bytes.
        len: u64,
        /// Where they begin.
        root: Written,
    },
}

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Stored::Inline(one), Stored::Inline(other)) => same(one, other),
            (
                Stored::Overflow { kind, len, root },
                Stored::Overflow { kind: other_kind, len: other_len, root: other_root },
            ) => (kind, len, root) == (other_kind, other_len, other_root),
            _ => false,
        }
    }
}

/// The same to the bit. Lists do not nest.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}

impl From<Value> for Stored {
    fn from(value: Value) -> Self {
        Stored::Inline(value)
    }
}

/// What bytes in overflow pages are. The codes are part of the file format.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum LongKind {
    /// A text's UTF-8.
    Text = 0,
    /// Bytes as they are.
    Bytes = 1,
    /// An encoded list.
    List = 2,
    /// All properties of a record that has too many for a page, as an encoded list of properties, whole.
    Rest = 3,
}

impl LongKind {
    /// The kind with this code.
    pub const fn from_code(code: u8) -> Option<LongKind> {
        match code {
            0 => Some(LongKind::Text),
            1 => Some(LongKind::Bytes),
            2 => Some(LongKind::List),
            3 => Some(LongKind::Rest),
            _ => None,
        }
    }
}

/// About how many bytes of memory properties take, for budgets.
pub fn props_weight(props: &[(u32, Stored)]) -> usize {
    let heap = |(_, stored): &(u32, Stored)| match stored {
        Stored::Inline(value) => value_heap(value),
        Stored::Overflow { .. } => 0,
    };
    std::mem::size_of_val(props) + props.iter().map(heap).sum::<usize>()
}

fn value_heap(value: &Value) -> usize {
    match value {
        Value::Text(s) => s.capacity(),
        Value::Bytes(b) => b.capacity(),
        Value::List(items) => {
            items.capacity() * size_of::<Value>() + items.iter().map(value_heap).sum::<usize>()
        }
        _ => 0,
    }
}
