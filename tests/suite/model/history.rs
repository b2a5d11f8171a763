//! Histories: what happens to a store, one step after another, and how such a history is drawn.
//!
//! Must always be true: a step means something in every graph (a pick is taken modulo what is there), so that a history
//! stays a history when steps are left out; that is how a failing one is shrunk.

use super::graph::{LABELS, PROPERTIES, TYPES};
use super::indexes::On;
use crate::values::awkward;
use foliograph::{Key, NodeId, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// One of the nodes, or of the edges, that are there, modulo their number; one more than there are is one that is not.
pub type Pick = u16;

/// Properties by number.
pub type Given = Vec<(u8, Val)>;

/// Which id a new node gets.
#[derive(Copy, Clone, Debug)]
pub enum Id {
    /// The store's choice.
    Next,
    /// This one.
    At(u64),
    /// So far below `u64::MAX`; 0 is no id.
    Top(u8),
}

impl Id {
    pub fn node(self) -> Option<NodeId> {
        match self {
            Id::Next => None,
            Id::At(id) => Some(NodeId(id)),
            Id::Top(below) => Some(NodeId(u64::MAX - u64::from(below))),
        }
    }
}

/// A value, in words that stay short when they are printed.
#[derive(Clone, Debug)]
pub enum Val {
    Null,
    Bool(bool),
    Int(i64),
    Float(i32),
    Date(i16),
    Timestamp(i32),
    Text(u8),
    List(Vec<i64>),
    /// One of the awkward ones, modulo their number: they meet.
    Awkward(u8),
    /// Bytes, this many, from this seed.
    Long(u32, u8),
}

impl Val {
    pub fn value(&self) -> Value {
        match self {
            Val::Null => Value::Null,
            Val::Bool(v) => Value::Bool(*v),
            Val::Int(v) => Value::Int(*v),
            Val::Float(v) => Value::Float(f64::from(*v) / 8.0),
            Val::Date(v) => Value::Date((*v).into()),
            Val::Timestamp(v) => Value::Timestamp((*v).into()),
            Val::Text(n) => Value::Text("grün".repeat(usize::from(*n))),
            Val::List(items) => Value::List(items.iter().map(|v| Value::Int(*v)).collect()),
            Val::Awkward(n) => {
                let mut all = awkward();
                all.swap_remove(usize::from(*n) % all.len())
            }
            Val::Long(len, seed) => {
                let byte = |i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8 ^ seed;
                Value::Bytes((0..*len).map(byte).collect())
            }
        }
    }
}

/// One of few keys, so that they meet: integers, strings, and strings of the greatest length.
pub fn key(n: u8) -> Key {
    match n % 48 {
        n @ 0..20 => Key::Int(i64::from(n) - 3),
        n @ 20..40 => Key::Text(format!("k{n}")),
        n => Key::Text(format!("{n}{}", "x".repeat(Key::MAX_LEN - 2))),
    }
}

/// One step of a history.
#[derive(Clone, Debug)]
pub enum Step {
    Add {
        label: usize,
        key: Option<u8>,
        id: Id,
        props: Given,
    },
    /// A run of plain nodes.
    Plain {
        label: usize,
        count: u16,
    },
    Upsert {
        label: usize,
        key: u8,
        props: Given,
    },
    Set {
        node: Pick,
        props: Given,
    },
    Delete {
        node: Pick,
        detach: bool,
    },
    Link {
        from: Pick,
        edge_type: usize,
        to: Pick,
        rank: Option<u32>,
        props: Given,
    },
    /// New plain nodes, and an edge from the hub to each, or from each to it; with numbers, which are equal in pairs.
    Fan {
        hub: Pick,
        edge_type: usize,
        into: bool,
        numbered: bool,
        count: u16,
    },
    /// Nodes with texts nearly as long as an index takes, in no order: some hundreds of them make a large index.
    Wide {
        label: usize,
        property: u8,
        count: u16,
    },
    Index {
        on: On,
        property: usize,
        unique: bool,
    },
    /// Drops one of the indexes, or asks to drop one that there is not.
    Unindex {
        index: Pick,
    },
    SetEdge {
        edge: Pick,
        props: Given,
    },
    Unlink {
        edge: Pick,
    },
    Undirected {
        edge_type: usize,
        undirected: bool,
    },
    /// Compares the transaction with what it must show by now.
    Look,
    /// Makes a savepoint.
    Save,
    /// Goes back to one of the savepoints.
    Undo(Pick),
    /// Releases one of the savepoints.
    Forget(Pick),
    Commit,
    Abort,
    Reopen,
    /// Keeps a snapshot.
    Hold,
    /// Compares the oldest snapshot that is kept, and lets go of it.
    Release,
}

/// A history and the store that it happens to.
#[derive(Clone, Debug)]
pub struct History {
    /// Bytes that the changes of a transaction may take in memory.
    pub memory_budget: usize,
    pub large_pages: bool,
    pub steps: Vec<Step>,
}

fn value() -> impl Strategy<Value = Val> {
    prop_oneof![
        3 => Just(Val::Null),
        1 => any::<bool>().prop_map(Val::Bool),
        3 => any::<i64>().prop_map(Val::Int),
        1 => any::<i32>().prop_map(Val::Float),
        1 => any::<i16>().prop_map(Val::Date),
        1 => any::<i32>().prop_map(Val::Timestamp),
        3 => (0u8..60).prop_map(Val::Text),
        6 => any::<u8>().prop_map(Val::Awkward),
        1 => vec(any::<i64>(), 0..5).prop_map(Val::List),
        1 => (900u32..30_000, any::<u8>()).prop_map(|(len, seed)| Val::Long(len, seed)),
    ]
}

fn given(most: usize) -> impl Strategy<Value = Given> {
    btree_map(0u8..5, value(), 0..=most).prop_map(|props| props.into_iter().collect())
}

fn id() -> impl Strategy<Value = Id> {
    prop_oneof![
        12 => Just(Id::Next),
        3 => (0u64..400).prop_map(Id::At),
        2 => (0u32..63, 0u64..3).prop_map(|(bit, more)| Id::At((1 << bit) + more)),
        1 => (0u8..4).prop_map(Id::Top),
    ]
}

fn node_step() -> impl Strategy<Value = Step> {
    let label = 0..LABELS.len();
    prop_oneof![
        8 => (label.clone(), proptest::option::of(any::<u8>()), id(), given(3))
            .prop_map(|(label, key, id, props)| Step::Add { label, key, id, props }),
        2 => (label.clone(), 1u16..90).prop_map(|(label, count)| Step::Plain { label, count }),
        3 => (label, any::<u8>(), given(3)).prop_map(|(label, key, props)| Step::Upsert { label, key, props }),
        5 => (any::<Pick>(), given(4)).prop_map(|(node, props)| Step::Set { node, props }),
        3 => (any::<Pick>(), any::<bool>()).prop_map(|(node, detach)| Step::Delete { node, detach }),
    ]
}

fn edge_step() -> impl Strategy<Value = Step> {
    let edge_type = 0..TYPES.len();
    let rank = prop_oneof![
        12 => Just(None),
        2 => (0u32..6).prop_map(Some),
        1 => (0u32..3).prop_map(|below| Some(u32::MAX - below)),
    ];
    // Ends are drawn from few picks, so that there are parallel edges, and from the same one, so that there are loops.
    let end = prop_oneof![2 => 0u16..6, 1 => any::<Pick>()];
    prop_oneof![
        10 => (end.clone(), edge_type.clone(), end.clone(), rank, given(2))
            .prop_map(|(from, edge_type, to, rank, props)| Step::Link { from, edge_type, to, rank, props }),
        2 => (end.clone(), edge_type.clone())
            .prop_map(|(at, edge_type)| Step::Link { from: at, edge_type, to: at, rank: None, props: vec![] }),
        1 => (end, edge_type.clone(), any::<bool>(), any::<bool>(), 1u16..250).prop_map(
            |(hub, edge_type, into, numbered, count)| Step::Fan { hub, edge_type, into, numbered, count }
        ),
        4 => (any::<Pick>(), given(3)).prop_map(|(edge, props)| Step::SetEdge { edge, props }),
        4 => any::<Pick>().prop_map(|edge| Step::Unlink { edge }),
        1 => (edge_type, any::<bool>())
            .prop_map(|(edge_type, undirected)| Step::Undirected { edge_type, undirected }),
    ]
}

fn index_step() -> impl Strategy<Value = Step> {
    let property = 0..PROPERTIES.len();
    let on = prop_oneof![
        3 => (0..LABELS.len()).prop_map(On::Label),
        2 => (0..TYPES.len()).prop_map(On::Type),
    ];
    prop_oneof![
        12 => (on, property.clone(), any::<bool>())
            .prop_map(|(on, property, unique)| Step::Index { on, property, unique }),
        4 => any::<Pick>().prop_map(|index| Step::Unindex { index }),
        1 => (0..LABELS.len(), property, 1u16..400)
            .prop_map(|(label, property, count)| Step::Wide { label, property: property as u8, count }),
    ]
}

fn turn() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Commit),
        1 => Just(Step::Abort),
        1 => Just(Step::Reopen),
        1 => Just(Step::Look),
        3 => Just(Step::Save),
        2 => any::<Pick>().prop_map(Step::Undo),
        1 => any::<Pick>().prop_map(Step::Forget),
        3 => Just(Step::Hold),
        1 => Just(Step::Release),
    ]
}

/// Histories of up to so many steps.
pub fn histories(most: usize) -> impl Strategy<Value = History> {
    let step = prop_oneof![12 => node_step(), 16 => edge_step(), 3 => index_step(), 8 => turn()];
    // The smallest budget writes pages after every change, the next one after some dozens.
    let budget = prop_oneof![Just(0), Just(4 << 10), Just(256 << 20)];
    (budget, proptest::bool::weighted(0.2), vec(step, 1..=most))
        .prop_map(|(memory_budget, large_pages, steps)| History { memory_budget, large_pages, steps })
}
