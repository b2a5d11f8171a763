//! Nodes of a label, and edges of a type, by the values of their properties.
//!
//! Must always be true: the answer is the same with an index and without one, but for its order. Where an index is over
//! one of the properties it gives the candidates, in the order of values, and the other conditions are asked of the
//! records; else all nodes (or edges) are looked at, in the order of ids. [`Question::index`] says which it is.
//!
//! Memory: none that grows with the answer.

use super::indexes::{IndexInfo, IndexOn};
use super::range::ValueRange;
use super::{Edges, Nodes, Reader};
use crate::catalog::{IndexDef, IndexOwner};
use crate::edge::page::EdgeLeaf;
use crate::edge::{EdgeKey, edge_of};
use crate::error::ReadError;
use crate::index::{Entity, Scan};
use crate::model::{Edge, LabelId, NodeId, PropertyId};
use crate::node::page::NodeLeaf;
use crate::node::{StoredProps, stored, whole_props};
use std::marker::PhantomData;
use storage_core::pager::ReadPages;

/// What is asked for: [`NodeId`] or [`Edge`].
pub trait Found: Sized + sealed::Sealed {}

mod sealed {
    pub trait Sealed {
        fn of(entity: super::Entity) -> Option<Self>
        where
            Self: Sized;
    }
}

impl Found for NodeId {}

impl sealed::Sealed for NodeId {
    fn of(entity: Entity) -> Option<NodeId> {
        match entity {
            Entity::Node(node) => Some(node),
            Entity::Edge(_) => None,
        }
    }
}

impl Found for Edge {}

impl sealed::Sealed for Edge {
    fn of(entity: Entity) -> Option<Edge> {
        match entity {
            Entity::Node(_) => None,
            Entity::Edge(edge) => Some(edge),
        }
    }
}

/// A question for nodes of a label, or edges of a type. Iterating over it answers it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use foliograph::{IndexOn, Options, props, NodeId, storage_core::{page::PageSize, device::memory::MemoryDevice}};
/// # let db = Options::new().create_device(std::sync::Arc::new(MemoryDevice::new(PageSize::K4)))?;
/// let mut tx = db.begin_write()?;
/// tx.create_index(IndexOn::Label("person"), "born", false)?;
/// let ada = tx.add_node("person", "ada", props! { "born" => 1815 })?;
/// tx.add_node("person", "alan", props! { "born" => 1912 })?;
/// tx.commit()?;
/// let snapshot = db.begin_read()?;
/// let early = snapshot.nodes("person").with("born", 1810..=1820).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(early, [ada]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Question<'a, R, T> {
    reader: &'a Reader<R>,
    /// `None`: the name is not known.
    owner: Option<IndexOwner>,
    /// A property that is not known is nobody's.
    conditions: Vec<(Option<PropertyId>, ValueRange)>,
    descending: bool,
    /// The property that the answer is in the order of, and its name.
    order: Option<(Option<PropertyId>, String)>,
    found: PhantomData<T>,
}

impl<R: ReadPages> Reader<R> {
    /// The nodes of a label: all of them in id order, or those that further conditions let through. An unknown label has
    /// none.
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
    /// let early = snapshot.nodes("person").with("born", ..1800).collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(early, [charles]);
    /// assert_eq!(snapshot.nodes("person").count()?, 2);
    /// assert_eq!(snapshot.nodes("person").with("born", 1815).first()?, Some(ada));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn nodes(&self, label: &str) -> Question<'_, R, NodeId> {
        Question::new(self, self.index_owner(IndexOn::Label(label)))
    }

    /// The edges of a type: all of them in the order (source, target, rank), or those that further conditions let
    /// through. An unknown type has none.
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
    /// assert_eq!(snapshot.edges("knows").with("since", 1830..1840).first()?, Some(edge));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn edges(&self, edge_type: &str) -> Question<'_, R, Edge> {
        Question::new(self, self.index_owner(IndexOn::EdgeType(edge_type)))
    }
}

impl<'a, R: ReadPages, T: Found> Question<'a, R, T> {
    fn new(reader: &'a Reader<R>, owner: Option<IndexOwner>) -> Self {
        Question { reader, owner, conditions: Vec::new(), descending: false, order: None, found: PhantomData }
    }

    /// Only those whose property lies in a range: a value, a range of values, or a [`ValueRange`]. May be said several
    /// times; all must hold. `..` asks for those that have the property.
    pub fn with(mut self, property: &str, range: impl Into<ValueRange>) -> Self {
        self.conditions.push((self.reader.property(property), range.into()));
        self
    }

    /// Only those whose property is a text that begins so.
    pub fn starting_with(self, property: &str, prefix: &str) -> Self {
        self.with(property, ValueRange::starting_with(prefix))
    }

    /// The other way round: from the greatest value (or id) down.
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// In the order of this property's values, by the index over it; those that lack it are left out. Without such an
    /// index the answer is [`ReadError::NoIndex`].
    pub fn ordered_by(mut self, property: &str) -> Self {
        self.order = Some((self.reader.property(property), property.to_owned()));
        self
    }

    /// The index that answers, if there is one; the answer comes in the order of its values.
    pub fn index(&self) -> Option<IndexInfo<'a>> {
        let def = match &self.order {
            // No other one answers, nor does the question without it.
            Some((property, _)) => self.reader.catalog().index(self.owner?, (*property)?)?.1,
            None => self.chosen()?.2,
        };
        Some(self.reader.index_info(def))
    }

    /// The first one, if there is one.
    ///
    /// # Errors
    /// [`ReadError::NoIndex`] where an order was asked for that no index gives; [`ReadError::Page`]: a page could
    /// not be read, or is damaged.
    pub fn first(self) -> Result<Option<T>, ReadError> {
        self.into_iter().next().transpose()
    }

    /// How many there are. Without a condition and an order that is known; else they are gone over.
    ///
    /// # Errors
    /// [`ReadError::NoIndex`] where an order was asked for that no index gives; [`ReadError::Page`]: a page could
    /// not be read, or is damaged.
    pub fn count(self) -> Result<u64, ReadError> {
        if self.conditions.is_empty() && self.order.is_none() {
            let catalog = self.reader.catalog();
            return Ok(match self.owner {
                None => 0,
                Some(IndexOwner::Label(label)) => catalog.labels.get(label.0).map_or(0, |info| info.nodes),
                Some(IndexOwner::Type(edge_type)) => {
                    catalog.types.get(edge_type.0).map_or(0, |info| info.edges)
                }
            });
        }
        self.into_iter().try_fold(0, |count, found| found.map(|_| count + 1))
    }

    /// The same as iterating: for chains.
    pub fn collect<C: FromIterator<Result<T, ReadError>>>(self) -> C {
        self.into_iter().collect()
    }

    /// The order that was asked for becomes a condition: that the property is there.
    fn settle_order(&mut self) -> Result<(), ReadError> {
        let Some((property, name)) = &self.order else { return Ok(()) };
        let Some(owner) = self.owner else { return Ok(()) };
        if property.and_then(|property| self.reader.catalog().index(owner, property)).is_none() {
            let owner = match owner {
                IndexOwner::Label(label) => self.reader.label_name(label),
                IndexOwner::Type(edge_type) => self.reader.type_name(edge_type),
            };
            return Err(ReadError::NoIndex(format!("{owner}.{name}")));
        }
        if !self.conditions.iter().any(|(of, range)| of == property && range.keys().is_some()) {
            self.conditions.push((*property, ValueRange::from(..)));
        }
        Ok(())
    }

    /// The condition that an index answers: that of the order; else of several an equality, a unique one before others.
    fn chosen(&self) -> Option<(usize, u32, &'a IndexDef)> {
        let owner = self.owner?;
        let indexed = self.conditions.iter().enumerate().filter_map(|(at, (property, range))| {
            let (id, def) = self.reader.catalog().index(owner, (*property)?)?;
            range.keys()?;
            Some((at, id, def, range.is_equality()))
        });
        let ordered = |def: &IndexDef| self.order.as_ref().is_some_and(|(of, _)| *of == Some(def.property));
        let best = indexed.min_by_key(|(at, _, def, equality)| (!ordered(def), !equality, !def.unique, *at));
        best.map(|(at, id, def, _)| (at, id, def))
    }

    fn candidates(&mut self) -> Candidates<'a, R> {
        let reader = self.reader;
        let Some(owner) = self.owner else { return Candidates::None };
        if let Some((at, index, _)) = self.chosen()
            && let Some(tree) = reader.graph.indexes.get(&index)
        {
            let (_, range) = self.conditions.remove(at);
            let keys = range.keys().expect("asked before it was chosen");
            return Candidates::Indexed(Scan::new((tree, owner), &reader.pages, keys, self.descending));
        }
        match (owner, self.descending) {
            (IndexOwner::Label(_), false) => Candidates::Nodes(reader.all_nodes()),
            (IndexOwner::Label(_), true) => {
                Candidates::NodesBack(reader.graph.nodes.range_back(&reader.pages, ..))
            }
            (IndexOwner::Type(_), false) => Candidates::Edges(reader.all_edges()),
            (IndexOwner::Type(_), true) => {
                Candidates::EdgesBack(reader.graph.out.range_back(&reader.pages, ..))
            }
        }
    }
}

impl<'a, R: ReadPages, T: Found> IntoIterator for Question<'a, R, T> {
    type Item = Result<T, ReadError>;
    type IntoIter = Answers<'a, R, T>;

    fn into_iter(mut self) -> Answers<'a, R, T> {
        let candidates = match self.settle_order() {
            Ok(()) => self.candidates(),
            Err(e) => Candidates::Failed(Some(e)),
        };
        let Question { reader, owner, conditions, .. } = self;
        Answers { reader, owner, conditions, candidates, found: PhantomData }
    }
}

/// Where answers come from.
enum Candidates<'a, R: ReadPages> {
    None,
    Failed(Option<ReadError>),
    Indexed(Scan<'a, R>),
    Nodes(Nodes<'a, R>),
    NodesBack(crate::btree::RangeBack<'a, NodeLeaf, R>),
    Edges(Edges<'a, R>),
    EdgesBack(crate::btree::RangeBack<'a, EdgeLeaf<false>, R>),
}

/// Who may be an answer: with its label or type, and its properties where they are at hand.
type Candidate = (Entity, Option<IndexOwner>, Option<StoredProps>);

impl<R: ReadPages> Candidates<'_, R> {
    fn next(&mut self) -> Option<Result<Candidate, ReadError>> {
        let node = |id, label, props| {
            (Entity::Node(NodeId(id)), Some(IndexOwner::Label(LabelId(label))), Some(props))
        };
        let edge = |edge: Edge| (Entity::Edge(edge), Some(IndexOwner::Type(edge.edge_type)), None);
        Some(match self {
            Candidates::None => return None,
            Candidates::Failed(error) => Err(error.take()?),
            Candidates::Indexed(scan) => scan.next()?.map(|e| (e, None, None)).map_err(Into::into),
            Candidates::Nodes(nodes) => nodes.next()?.map(|view| node(view.id.0, view.label.0, view.props)),
            Candidates::NodesBack(nodes) => {
                nodes.next()?.map(|(id, r)| node(id, r.label, r.props)).map_err(Into::into)
            }
            Candidates::Edges(edges) => edges.next()?.map(edge),
            Candidates::EdgesBack(edges) => {
                edges.next()?.map(|(key, ()): (EdgeKey, ())| edge(edge_of(key, false))).map_err(Into::into)
            }
        })
    }
}

/// The answers to a [`Question`]. An error is an item, never a short list.
pub struct Answers<'a, R: ReadPages, T> {
    reader: &'a Reader<R>,
    owner: Option<IndexOwner>,
    conditions: Vec<(Option<PropertyId>, ValueRange)>,
    candidates: Candidates<'a, R>,
    found: PhantomData<T>,
}

impl<R: ReadPages, T> std::fmt::Debug for Answers<'_, R, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answers({} conditions)", self.conditions.len())
    }
}

impl<R: ReadPages, T> Answers<'_, R, T> {
    fn admits(&self, (entity, owner, props): &mut Candidate) -> Result<bool, ReadError> {
        if owner.is_some() && *owner != self.owner {
            return Ok(false);
        }
        if self.conditions.is_empty() {
            return Ok(true);
        }
        let reader = self.reader;
        let props = match (props.take(), *entity) {
            (Some(props), _) => whole_props(&reader.pages, props)?,
            (None, Entity::Node(node)) => reader.record(node)?.ok_or(ReadError::NoNode(node))?.props,
            (None, Entity::Edge(edge)) => reader.stored_edge_props(edge)?,
        };
        for (property, range) in &self.conditions {
            let Some(found) = property.and_then(|PropertyId(property)| stored(&props, property)) else {
                return Ok(false);
            };
            if !range.contains(&reader.layers.node.value(&reader.pages, found)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl<R: ReadPages, T: Found> Iterator for Answers<'_, R, T> {
    type Item = Result<T, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let admitted = self.candidates.next()?.and_then(|mut candidate| {
                let admitted = self.admits(&mut candidate)?;
                Ok(admitted.then_some(candidate.0))
            });
            match admitted {
                Ok(None) => {}
                Ok(Some(entity)) => return T::of(entity).map(Ok),
                Err(e) => {
                    self.candidates = Candidates::None;
                    return Some(Err(e));
                }
            }
        }
    }
}
