//! Which edges a question follows: of which types, and which way each.
//!
//! Where nobody says a direction, it is the type's: undirected types are followed both ways, directed ones from source to
//! target.

use super::Reader;
use crate::model::{Direction, TypeId};
use storage_core::pager::ReadPages;

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
        let types = self.types.get_or_insert_default();
        types.extend(reader.edge_type(name));
        types.sort_unstable();
        types.dedup();
    }

    /// As few ways as tell it all.
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
