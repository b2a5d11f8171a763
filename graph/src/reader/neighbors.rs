//! Neighbours of one node.

use super::hops::{Ask, Fingers, Hops};
use super::lists::Hop;
use super::value::FromValue;
use super::{Cursor, Follow, Reader};
use crate::error::ReadError;
use crate::model::{Direction, Edge, NodeId, Props, TypeId};
use std::ops::{Bound, RangeBounds};
use storage_core::pager::ReadPages;

/// A question for the neighbours of one node. Iterating over it answers it, one item for each edge: ascending by
/// (neighbour, type, outgoing before incoming, rank), or descending.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let snapshot = foliograph::Database::open("people.folio")?.begin_read()?;
/// # let ada = foliograph::NodeId(0);
/// // A page of a long list, and the next one, by whoever holds the position.
/// let page: Vec<_> = snapshot.neighbors(ada).of_type("knows").into_iter().take(50).collect::<Result<_, _>>()?;
/// if let Some(last) = page.last() {
///     let position = last.cursor().to_string();
///     let next = snapshot.neighbors(ada).of_type("knows").after(position.parse()?);
///     println!("{} more", next.count()?);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Neighbors<'a, R> {
    reader: &'a Reader<R>,
    node: NodeId,
    follow: Follow,
    between: (u64, u64),
    after: Option<Hop>,
    backwards: bool,
}

impl<R: ReadPages> Reader<R> {
    /// The neighbours of a node: along its outgoing edges, and both ways along those of undirected types, unless it is
    /// told otherwise. A node that is not there is an error.
    ///
    /// What is not taken is not read: the first of a million neighbours cost a few pages. Takes 24 bytes of memory for
    /// each edge of the node, or of a node with many edges at most 1 MiB, and 1 KiB for each type and direction.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// # tx.commit()?;
    /// # let snapshot = db.begin_read()?;
    /// for neighbor in snapshot.neighbors(ada).outgoing().of_type("knows") {
    ///     let neighbor = neighbor?;
    ///     assert_eq!((neighbor.id, neighbor.get::<i64>("since")?), (charles, Some(1833)));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn neighbors(&self, node: NodeId) -> Neighbors<'_, R> {
        let (between, follow) = ((0, u64::MAX), Follow::default());
        Neighbors { reader: self, node, follow, between, after: None, backwards: false }
    }

    /// The edges from one node to another, parallel ones and all types, ascending by type and rank: the same as
    /// `neighbors(source).outgoing().between(target..=target)`. A source that is not there is an error.
    pub fn parallel_edges(&self, source: NodeId, target: NodeId) -> Neighbors<'_, R> {
        self.neighbors(source).outgoing().between(target..=target)
    }

    /// The edge of this type from one node to another: of parallel ones that with the lowest rank. `None` if there is
    /// none, as for a type that is not known; a source that is not there is an error.
    ///
    /// ```
    /// # use foliograph::{Options, PageSize, props, storage_core::device::memory::MemoryDevice};
    /// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
    /// # let mut tx = db.begin_write()?;
    /// # let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
    /// # let charles = tx.add_node("person", "charles", props! { "born" => 1791 })?;
    /// # let edge = tx.add_edge(ada, "knows", charles, props! { "since" => 1833 })?;
    /// # tx.commit()?;
    /// # let snapshot = db.begin_read()?;
    /// assert_eq!(snapshot.edge(ada, "knows", charles)?, Some(edge));
    /// assert_eq!(snapshot.edge(charles, "knows", ada)?, None);
    /// assert_eq!(snapshot.parallel_edges(ada, charles).count()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::NoNode`]; and [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn edge(&self, source: NodeId, edge_type: &str, target: NodeId) -> Result<Option<Edge>, ReadError> {
        let first = self.parallel_edges(source, target).of_type(edge_type).into_iter().next();
        Ok(first.transpose()?.map(|neighbor| neighbor.edge))
    }
}

impl<R: ReadPages> Neighbors<'_, R> {
    /// Follows edges from source to target.
    pub fn outgoing(self) -> Self {
        self.direction(Direction::Out)
    }

    /// Follows edges from target to source.
    pub fn incoming(self) -> Self {
        self.direction(Direction::In)
    }

    /// Follows edges this way. Both ways, a self-loop comes once, as an outgoing edge.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.follow.direction = Some(direction);
        self
    }

    /// Follows edges of this type (may be said several times). A name that is not known finds none.
    pub fn of_type(mut self, name: &str) -> Self {
        self.follow.add_type(self.reader, name);
        self
    }

    /// Follows edges of these types, and of those named before. No types at all find nothing.
    pub fn of_types(mut self, types: &[TypeId]) -> Self {
        self.follow.add_types(types);
        self
    }

    /// Only neighbours whose ids lie in this range. Said again, the last one holds.
    pub fn between(mut self, ids: impl RangeBounds<NodeId>) -> Self {
        self.between = ends(&ids);
        self
    }

    /// From the last neighbour to the first.
    pub fn descending(mut self) -> Self {
        self.backwards = true;
        self
    }

    /// From the first neighbour to the last, as it is unless told otherwise.
    pub fn ascending(mut self) -> Self {
        self.backwards = false;
        self
    }

    /// Goes on behind an edge that came before, in this snapshot or an earlier one, and whether or not it is still there.
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor.hop());
        self
    }

    /// How many edges there are, each looked at once. [`Reader::degree`] counts without looking, where no range is given.
    ///
    /// # Errors
    /// [`ReadError::NoNode`]; and [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn count(self) -> Result<u64, ReadError> {
        let mut hops = self.open()?;
        let mut count = 0;
        while hops.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

impl<'a, R: ReadPages> Neighbors<'a, R> {
    /// Follows these edges, in place of what was said before.
    pub(crate) fn follow(mut self, follow: Follow) -> Self {
        self.follow = follow;
        self
    }

    fn open(&self) -> Result<Hops<'a, R>, ReadError> {
        let Neighbors { reader, node, follow, between, after, backwards } = self;
        let (sides, between, after) = (follow.sides(reader), *between, *after);
        let ask = Ask { node: *node, sides, between, after, backwards: *backwards };
        let mut hops = Hops::open(reader, &ask, &mut Fingers::new(reader))?;
        // Whoever has edges is there.
        if hops.peek()?.is_none() && !reader.contains(*node)? {
            return Err(ReadError::NoNode(*node));
        }
        Ok(hops)
    }
}

/// The least and the greatest id in a range; the other way round if there is none.
pub(super) fn ends(ids: &impl RangeBounds<NodeId>) -> (u64, u64) {
    let none = (u64::MAX, 0);
    let least = match ids.start_bound() {
        Bound::Unbounded => Some(0),
        Bound::Included(id) => Some(id.0),
        Bound::Excluded(id) => id.0.checked_add(1),
    };
    let greatest = match ids.end_bound() {
        Bound::Unbounded => Some(u64::MAX),
        Bound::Included(id) => Some(id.0),
        Bound::Excluded(id) => id.0.checked_sub(1),
    };
    least.zip(greatest).unwrap_or(none)
}

impl<'a, R: ReadPages> IntoIterator for Neighbors<'a, R> {
    type Item = Result<Neighbor<'a, R>, ReadError>;
    type IntoIter = NeighborsIter<'a, R>;

    fn into_iter(self) -> Self::IntoIter {
        NeighborsIter { reader: self.reader, node: self.node, state: State::of(self.open()) }
    }
}

/// The answer to [`Neighbors`]. An error is an item, and the last one, never a short list.
#[derive(Debug)]
pub struct NeighborsIter<'a, R: ReadPages> {
    reader: &'a Reader<R>,
    node: NodeId,
    state: State<Hops<'a, R>>,
}

/// What an iterator of results is up to.
#[derive(Debug)]
pub(super) enum State<T> {
    Running(T),
    Failed(ReadError),
    Done,
}

impl<T> State<T> {
    pub(super) fn of(begun: Result<T, ReadError>) -> Self {
        begun.map_or_else(State::Failed, State::Running)
    }

    /// One step. After an error, or the end, there is nothing more.
    pub(super) fn step<I, E: Into<ReadError>>(
        &mut self,
        step: impl FnOnce(&mut T) -> Result<Option<I>, E>,
    ) -> Option<Result<I, ReadError>> {
        let item = match self {
            State::Running(running) => step(running).map_err(Into::into).transpose(),
            State::Failed(_) => match std::mem::replace(self, State::Done) {
                State::Failed(error) => Some(Err(error)),
                State::Running(_) | State::Done => None,
            },
            State::Done => None,
        };
        if !matches!(item, Some(Ok(_))) {
            *self = State::Done;
        }
        item
    }
}

impl<'a, R: ReadPages> Iterator for NeighborsIter<'a, R> {
    type Item = Result<Neighbor<'a, R>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let hop = self.state.step(Hops::next)?;
        let (reader, node) = (self.reader, self.node);
        Some(hop.map(|hop| Neighbor { reader, id: NodeId(hop.neighbor), edge: hop.edge(node), hop }))
    }
}

/// A neighbour and the edge that leads to it.
#[derive(Debug)]
pub struct Neighbor<'a, R> {
    reader: &'a Reader<R>,
    /// The node at the other end.
    pub id: NodeId,
    /// The edge.
    pub edge: Edge,
    hop: Hop,
}

impl<R: ReadPages> Neighbor<'_, R> {
    /// A property of the edge.
    ///
    /// # Errors
    /// [`ReadError::WrongType`]; and [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn get<T: FromValue>(&self, property: &str) -> Result<Option<T>, ReadError> {
        self.reader.get_edge(self.edge, property)
    }

    /// All properties of the edge.
    ///
    /// # Errors
    /// [`ReadError::Page`]: a page could not be read, or is damaged.
    pub fn props(&self) -> Result<Props, ReadError> {
        self.reader.edge_props(self.edge)
    }

    /// The place of this edge in the list, as a plain value: [`Neighbors::after`] goes on behind it.
    pub fn cursor(&self) -> Cursor {
        self.hop.into()
    }
}
