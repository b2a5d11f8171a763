//! Property indexes: from the values of one property to the nodes of a label, or the edges of a type, that have them.
//!
//! A key is the value's order-preserving bytes ([`crate::value::key_bytes`]), which delimit themselves, and then who has
//! it: a node's id, or source, target and rank of an edge, big-endian. Nothing stands under a key. So the entries come
//! in the order of values, and within a value in that of ids; and the entries of one value are those whose keys begin with
//! its bytes, for no value's bytes begin another's.
//!
//! Must always be true: there is exactly one entry for each node of the label (each edge of the type) that has the
//! property, and none else (I5); in a unique index no two entries have the same value. Null is no value.
//!
//! It is not: the value itself. An integer and a float of the same number are one value here; what is stored is in the
//! record.

use crate::btree::{Range, RangeBack, RecordLeaf, Tree};
use crate::catalog::IndexOwner;
use crate::model::{Edge, NodeId, Value};
use crate::value::{Reader, decode_key, key_bytes};
use std::cmp::Ordering;
use std::ops::Bound;
use storage_core::page::{PageId, PageKind};
use storage_core::pager::{PageError, ReadPages};

/// The longest value that can be indexed, in bytes of its key: several entries must fit into the smallest page. For a
/// text that is its UTF-8 and three bytes (one more for each NUL).
pub const MAX_INDEXED: usize = 1024;

/// Who has a value.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Entity {
    /// A node.
    Node(NodeId),
    /// An edge.
    Edge(Edge),
}

/// The value's part of keys; `None` if it is too long to be indexed, or null.
pub(crate) fn value_bytes(value: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    if *value == Value::Null {
        return None;
    }
    key_bytes(value, &mut bytes);
    (bytes.len() <= MAX_INDEXED).then_some(bytes)
}

/// The key of an entry: a value's bytes, and who has it.
pub(crate) fn entry(mut value: Vec<u8>, entity: Entity) -> Vec<u8> {
    match entity {
        Entity::Node(node) => value.extend(node.0.to_be_bytes()),
        Entity::Edge(Edge { source, target, rank, .. }) => {
            value.extend(source.0.to_be_bytes());
            value.extend(target.0.to_be_bytes());
            value.extend(rank.to_be_bytes());
        }
    }
    value
}

/// Takes a key apart: where its value's bytes end, and who has it. `None` if it is no key of such an index.
pub(crate) fn split(key: &[u8], owner: IndexOwner) -> Option<(&[u8], Entity)> {
    let mut reader = Reader::new(key);
    decode_key(&mut reader).ok()?;
    let (value, mut rest) = (&key[..reader.position()], Reader::new(&key[reader.position()..]));
    let mut number = || rest.array::<8>().map(u64::from_be_bytes);
    let entity = match owner {
        IndexOwner::Label(_) => Entity::Node(NodeId(number().ok()?)),
        IndexOwner::Type(edge_type) => {
            let (source, target) = (NodeId(number().ok()?), NodeId(number().ok()?));
            let rank = u32::from_be_bytes(rest.array().ok()?);
            Entity::Edge(Edge { source, edge_type, target, rank })
        }
    };
    rest.is_empty().then_some((value, entity))
}

/// Longer than what follows a value's bytes in any key, and above it.
const PAST_ENTITIES: [u8; 21] = [0xff; 21];

/// The keys of the values within a range.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct KeyRange {
    pub(crate) from: Bound<Vec<u8>>,
    pub(crate) to: Bound<Vec<u8>>,
}

impl KeyRange {
    /// The entries of one value.
    pub(crate) fn of_value(value: &[u8]) -> KeyRange {
        let past = [value, &PAST_ENTITIES].concat();
        KeyRange { from: Bound::Included(value.to_vec()), to: Bound::Excluded(past) }
    }

    /// The entries from one value's to another's, each as its bytes.
    pub(crate) fn between(from: Bound<Vec<u8>>, to: Bound<Vec<u8>>) -> KeyRange {
        let past = |mut value: Vec<u8>| {
            value.extend(PAST_ENTITIES);
            value
        };
        let from = match from {
            Bound::Excluded(value) => Bound::Excluded(past(value)),
            other => other,
        };
        let to = match to {
            Bound::Included(value) => Bound::Excluded(past(value)),
            other => other,
        };
        KeyRange { from, to }
    }

    /// True if no key lies within: a tree's range would have to be asked the wrong way round.
    pub(crate) fn is_empty(&self) -> bool {
        let bytes = |bound: &Bound<Vec<u8>>| match bound {
            Bound::Included(bytes) | Bound::Excluded(bytes) => Some(bytes.clone()),
            Bound::Unbounded => None,
        };
        match (bytes(&self.from), bytes(&self.to)) {
            (Some(from), Some(to)) => match from.cmp(&to) {
                Ordering::Less => false,
                Ordering::Equal => {
                    !matches!((&self.from, &self.to), (Bound::Included(_), Bound::Included(_)))
                }
                Ordering::Greater => true,
            },
            _ => false,
        }
    }
}

/// The entities of an index within a range of keys, ascending or descending.
pub(crate) enum Scan<'a, R: ReadPages> {
    Empty,
    Up(Box<Range<'a, RecordLeaf, R>>, IndexOwner, PageId),
    Down(Box<RangeBack<'a, RecordLeaf, R>>, IndexOwner, PageId),
}

impl<'a, R: ReadPages> Scan<'a, R> {
    pub(crate) fn new(
        (tree, owner): (&'a Tree<RecordLeaf>, IndexOwner),
        pages: &'a R,
        range: KeyRange,
        descending: bool,
    ) -> Self {
        let root = root_page(tree);
        match (range.is_empty(), descending) {
            (true, _) => Scan::Empty,
            (false, false) => Scan::Up(Box::new(tree.range(pages, (range.from, range.to))), owner, root),
            (false, true) => {
                Scan::Down(Box::new(tree.range_back(pages, (range.from, range.to))), owner, root)
            }
        }
    }
}

impl<R: ReadPages> Iterator for Scan<'_, R> {
    type Item = Result<Entity, PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (item, owner, root) = match self {
            Scan::Empty => return None,
            Scan::Up(range, owner, root) => (range.next()?, *owner, *root),
            Scan::Down(range, owner, root) => (range.next()?, *owner, *root),
        };
        Some(item.and_then(|(key, _)| match split(&key, owner) {
            Some((_, entity)) => Ok(entity),
            None => Err(malformed(root)),
        }))
    }
}

/// The first entity that has a value, but for the one given.
pub(crate) fn holder(
    tree: &Tree<RecordLeaf>,
    pages: &impl ReadPages,
    owner: IndexOwner,
    value: &[u8],
) -> Result<Option<Entity>, PageError> {
    Scan::new((tree, owner), pages, KeyRange::of_value(value), false).next().transpose()
}

fn root_page(tree: &Tree<RecordLeaf>) -> PageId {
    tree.root().flatten().map_or(PageId::new(0), |root| root.page())
}

fn malformed(root: PageId) -> PageError {
    PageError::damage(root, PageKind::Record, "an entry of a property index is malformed")
}
