//! The words of a property graph: ids, keys, values, directions. The feature `serde` writes and reads them.

use std::fmt;

/// A node's number: given by the store, or by the caller. `u64::MAX` is no id.
#[derive(
    Copy,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    zerocopy::FromBytes,
    zerocopy::IntoBytes,
    zerocopy::Immutable,
    zerocopy::KnownLayout,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(transparent)]
pub struct NodeId(pub u64);

impl NodeId {
    /// Numbers as ids, without a copy.
    #[inline]
    pub(crate) fn all(numbers: &[u64]) -> &[NodeId] {
        zerocopy::FromBytes::ref_from_bytes(zerocopy::IntoBytes::as_bytes(numbers))
            .expect("an id is a number")
    }

    /// Ids as numbers, without a copy.
    #[inline]
    pub(crate) fn numbers(ids: &[NodeId]) -> &[u64] {
        zerocopy::FromBytes::ref_from_bytes(zerocopy::IntoBytes::as_bytes(ids)).expect("an id is a number")
    }
}

impl NodeId {
    /// The largest id there may be.
    pub const MAX: NodeId = NodeId(u64::MAX - 1);
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A label's number in the catalog.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LabelId(pub u32);

/// An edge type's number in the catalog.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TypeId(pub u32);

/// A property name's number in the catalog.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PropertyId(pub u32);

/// A node's key: unique within its label. At most [`Key::MAX_LEN`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// An integer.
    Int(i64),
    /// A string.
    Text(String),
}

impl Key {
    /// The longest string key, in bytes: several keys must fit into the smallest page.
    pub const MAX_LEN: usize = 1024;
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Int(n) => write!(f, "{n}"),
            Key::Text(s) => f.write_str(s),
        }
    }
}

impl From<&str> for Key {
    fn from(s: &str) -> Self {
        Key::Text(s.to_owned())
    }
}

impl From<String> for Key {
    fn from(s: String) -> Self {
        Key::Text(s)
    }
}

impl From<i64> for Key {
    fn from(n: i64) -> Self {
        Key::Int(n)
    }
}

/// A property's value. Absent and null are the same, except inside a list.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Nothing: removes a property; stands only inside lists.
    Null,
    /// True or false.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A 64-bit float.
    Float(f64),
    /// UTF-8.
    Text(String),
    /// Any bytes.
    Bytes(Vec<u8>),
    /// Days since 1970-01-01, may be negative.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00:00Z, may be negative.
    Timestamp(i64),
    /// Values of any types; lists do not nest.
    List(Vec<Value>),
}

macro_rules! value_from {
    ($($type:ty => $make:expr;)*) => {$(
        impl From<$type> for Value {
            fn from(v: $type) -> Self {
                let make: fn($type) -> Value = $make;
                make(v)
            }
        }
    )*};
}

value_from! {
    bool => Value::Bool;
    i32 => |v| Value::Int(v.into());
    u32 => |v| Value::Int(v.into());
    i64 => Value::Int;
    f64 => Value::Float;
    &str => |v| Value::Text(v.to_owned());
    String => Value::Text;
    Vec<u8> => Value::Bytes;
    Vec<Value> => Value::List;
}

/// Named values, as [`props!`](crate::props) makes them.
pub type Props = Vec<(String, Value)>;

/// Properties by name: `props! { "born" => 1815, "name" => "Ada" }`.
#[macro_export]
macro_rules! props {
    ($($name:expr => $value:expr),* $(,)?) => {
        ::std::vec![$((::std::string::String::from($name), $crate::Value::from($value))),*] as $crate::Props
    };
}

/// Which way edges are followed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Direction {
    /// From source to target.
    #[default]
    Out,
    /// From target to source.
    In,
    /// Both ways.
    Both,
}

/// An edge, named: parallel edges of one type differ in rank.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Edge {
    /// Where it begins.
    pub source: NodeId,
    /// Its type.
    pub edge_type: TypeId,
    /// Where it ends.
    pub target: NodeId,
    /// 0, and upwards where there are parallel edges.
    pub rank: u32,
}
