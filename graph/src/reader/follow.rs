//! Which edges a question follows: of which types, and which way each.
//!
//! Where nobody says a direction, it is the type's: undirected types are followed both ways, directed ones from source to
//! target.

use super::Reader;
use crate::model::{Direction, TypeId};
use storage_core::pager::{PageError, ReadPages};

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Follow {
    pub(crate) direction: Option<Direction>,
    /// Ascending, each once; `None` = all types.
    pub(crate) types: Option<Vec<TypeId>>,
}

/// A type, or all, and which way its edges are followed.
pub(crate) type Way = (Option<TypeId>, Direction);

impl Follow {
    /// One more type. A name that is not known adds none, and then nothing is followed rather than everything.
    pub(crate) fn add_type<R: ReadPages>(&mut self, reader: &Reader<R>, name: &str) {
        self.add_types(reader.edge_type(name).as_slice());
    }

    /// More types. Ids that are not known are followed nowhere.
    pub(crate) fn add_types(&mut self, ids: &[TypeId]) {
        let types = self.types.get_or_insert_default();
        types.extend_from_slice(ids);
        types.sort_unstable();
        types.dedup();
    }

    /// What it comes to in each tree.
    pub(crate) fn sides<R: ReadPages>(&self, reader: &Reader<R>) -> [Option<Side>; 2] {
        sides(&self.ways(reader))
    }

    /// As few ways as tell it all, types ascending.
    pub(crate) fn ways<R: ReadPages>(&self, reader: &Reader<R>) -> Vec<Way> {
        let undirected = |t: &TypeId| reader.catalog().types.get(t.0).is_some_and(|info| info.undirected);
        let own = |t: &TypeId| if undirected(t) { Direction::Both } else { Direction::Out };
        let way = |t: &TypeId| (Some(*t), self.direction.unwrap_or(own(t)));
        if let Some(types) = &self.types {
            return types.iter().map(way).collect();
        }
        if let Some(direction) = self.direction {
            return vec![(None, direction)];
        }
        let all: Vec<TypeId> = reader.edge_types().map(|(id, _)| id).collect();
        match all.iter().filter(|t| undirected(t)).count() {
            0 => vec![(None, Direction::Out)],
            n if n == all.len() => vec![(None, Direction::Both)],
            _ => all.iter().map(way).collect(),
        }
    }
}

/// What is wanted of one of the two trees.
#[derive(Clone, Debug)]
pub(crate) enum Side {
    /// All edges. Where the flag says so, self-loops were seen in the other tree.
    All(bool),
    /// Those of these types, ascending, each with such a flag of its own.
    Types(Vec<(u32, bool)>),
}

impl Side {
    /// Whether edges of this type are wanted, and then whether self-loops were seen in the other tree.
    pub(crate) fn wants(&self, edge_type: u32) -> Option<bool> {
        match self {
            Side::All(loops_seen) => Some(*loops_seen),
            Side::Types(types) => {
                let at = types.binary_search_by_key(&edge_type, |(id, _)| *id).ok()?;
                Some(types[at].1)
            }
        }
    }

    /// The type that is wanted, or none for all of them; `None` if there are several.
    pub(crate) fn one(&self) -> Option<Option<u32>> {
        match self {
            Side::All(_) => Some(None),
            Side::Types(types) => match types.as_slice() {
                [(id, _)] => Some(Some(*id)),
                _ => None,
            },
        }
    }

    /// Calls `each` with every type that is wanted, or with none for all of them, and whether its self-loops were seen in
    /// the other tree.
    pub(crate) fn each(
        &self,
        mut each: impl FnMut(Option<u32>, bool) -> Result<(), PageError>,
    ) -> Result<(), PageError> {
        match self {
            Side::All(loops_seen) => each(None, *loops_seen),
            Side::Types(types) => types.iter().try_for_each(|(id, loops_seen)| each(Some(*id), *loops_seen)),
        }
    }
}

/// What these ways want of the tree of outgoing edges, and of that of incoming ones. Followed both ways, a self-loop is
/// seen among the outgoing edges.
pub(crate) fn sides(ways: &[Way]) -> [Option<Side>; 2] {
    [Direction::Out, Direction::In].map(|own| {
        let wanted = ways.iter().filter(|(_, direction)| [own, Direction::Both].contains(direction));
        let loops_seen = |direction: &Direction| own == Direction::In && *direction == Direction::Both;
        let mut types = Vec::new();
        for (edge_type, direction) in wanted {
            match edge_type {
                None => return Some(Side::All(loops_seen(direction))),
                Some(edge_type) => types.push((edge_type.0, loops_seen(direction))),
            }
        }
        (!types.is_empty()).then_some(Side::Types(types))
    })
}

/// The same ways, backwards.
pub(crate) fn reversed(ways: &[Way]) -> Vec<Way> {
    let turn = |direction| match direction {
        Direction::Out => Direction::In,
        Direction::In => Direction::Out,
        Direction::Both => Direction::Both,
    };
    ways.iter().map(|(edge_type, direction)| (*edge_type, turn(*direction))).collect()
}

#[cfg(test)]
mod tests {
    use crate::{Direction, NodeId, Options, props};
    use std::sync::Arc;
    use storage_core::device::memory::MemoryDevice;
    use storage_core::page::PageSize;

    /// One undirected type among directed ones was followed one way only.
    #[test]
    fn each_type_is_followed_its_own_way_where_nobody_says() {
        let db = Options::new().create_device(Arc::new(MemoryDevice::new(PageSize::K4))).expect("created");
        let mut tx = db.begin_write().expect("begun");
        let [a, b, c] = [(); 3].map(|()| tx.add_anonymous("n", props! {}).expect("added"));
        tx.set_undirected("married", true).expect("set");
        tx.add_edge(b, "married", a, props! {}).expect("added");
        tx.add_edge(c, "follows", a, props! {}).expect("added");
        tx.add_edge(a, "married", a, props! {}).expect("added");
        tx.commit().expect("committed");
        let snapshot = db.begin_read().expect("begun");
        let names = |n: super::super::Neighbors<'_, _>| {
            n.into_iter().map(|n| n.expect("read").id).collect::<Vec<NodeId>>()
        };
        assert_eq!(names(snapshot.neighbors(a)), [a, b]);
        assert_eq!(names(snapshot.neighbors(a).incoming()), [a, b, c]);
        assert_eq!(names(snapshot.neighbors(a).of_type("nobody knows this")), []);
        assert_eq!(snapshot.degree(a).count().expect("counted"), 2);
        assert_eq!(snapshot.degree(a).direction(Direction::Both).count().expect("counted"), 3);
        assert_eq!(snapshot.bfs(a).summary().expect("walked").reached, 2);
        assert_eq!(snapshot.bfs(c).collect_levels().expect("walked"), [vec![c], vec![a], vec![b]]);
        let batch = |lists: super::super::NeighborsOf<'_, _>| {
            let mut out = Vec::new();
            lists.for_each(|_, list| out.extend_from_slice(list)).expect("read");
            out
        };
        assert_eq!(batch(snapshot.neighbors_of(&[a])), [a, b], "a self-loop comes once");
        assert_eq!(batch(snapshot.neighbors_of(&[a]).direction(Direction::Both)), [a, b, c]);
        assert_eq!(batch(snapshot.neighbors_of(&[a]).direction(Direction::Out)), [a]);
        let path = snapshot.shortest_path(c, b).find().expect("walked").expect("there is one");
        assert_eq!(path.nodes, [c, a, b]);
        assert_eq!(snapshot.shortest_path(b, c).find().expect("walked"), None);
    }
}
