//! Property indexes of the graph in memory, and changes of them that go to a store and to it alike.
//!
//! Must always be true: the graph says first whether a change is refused; the store must say the same, and one that is
//! refused changes neither.

use super::model::{Change, Model, Name, Wrong};
use crate::values::{fits_index, order};
use foliograph::storage_core::pager::ReadPages;
use foliograph::{Edge, Found, IndexInfo, IndexOn, Key, NodeId, Props, Question, ReadError, Reader, Value};
use foliograph::{NewNode, WriteError};
use std::collections::BTreeMap;

/// What an index is over.
#[derive(Clone, Debug, PartialEq)]
pub enum On {
    Label(String),
    Type(String),
}

/// An index.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    pub on: On,
    pub property: String,
    pub unique: bool,
}

/// Who has a value, in the order of entries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Has {
    Node(u64),
    Edge(Name),
}

impl On {
    pub fn label(name: &str) -> On {
        On::Label(name.to_owned())
    }

    pub fn edges(name: &str) -> On {
        On::Type(name.to_owned())
    }

    pub fn name(&self) -> IndexOn<'_> {
        match self {
            On::Label(name) => IndexOn::Label(name),
            On::Type(name) => IndexOn::EdgeType(name),
        }
    }
}

impl Model {
    /// Everyone who has the property, in the order of values, and then of ids.
    fn having(&self, on: &On, property: &str) -> Vec<(&Value, Has)> {
        let mut all: Vec<(&Value, Has)> = match on {
            On::Label(label) => {
                let nodes = self.nodes.iter().filter(|(_, node)| node.label == *label);
                nodes.filter_map(|(id, node)| Some((node.props.get(property)?, Has::Node(*id)))).collect()
            }
            On::Type(edge_type) => {
                let edges = self.edges.iter().filter(|(name, _)| name.1 == *edge_type);
                edges.filter_map(|(name, p)| Some((p.get(property)?, Has::Edge(name.clone())))).collect()
            }
        };
        all.sort_by(|(a, who), (b, other)| order(a, b).then_with(|| who.cmp(other)));
        all
    }

    /// Where the index stands among all of them.
    fn index(&self, on: &On, property: &str) -> Option<usize> {
        self.indexes.iter().position(|index| index.on == *on && index.property == property)
    }

    /// Whether the index lets somebody who had these values have the new one.
    pub fn admits(&self, on: &On, had: &BTreeMap<String, Value>, property: &str, value: &Value) -> bool {
        let Some(index) = self.index(on, property).filter(|_| *value != Value::Null) else { return true };
        let own = had.get(property).is_some_and(|had| order(had, value).is_eq());
        let taken = || self.having(on, property).iter().any(|(other, _)| order(other, value).is_eq());
        fits_index(value) && (own || !self.indexes[index].unique || !taken())
    }

    fn admits_index(&self, index: &Index) -> bool {
        let having = self.having(&index.on, &index.property);
        let twins = having.windows(2).any(|two| order(two[0].0, two[1].0).is_eq());
        having.iter().all(|(value, _)| fits_index(value)) && !(index.unique && twins)
    }

    /// The first difference between the indexes of a snapshot and these.
    pub fn differing_index<R: ReadPages>(&self, reader: &Reader<R>) -> Result<Option<Wrong>, ReadError> {
        let wanted: Vec<IndexInfo<'_>> = self.indexes.iter().map(|index| self.info(index)).collect();
        let found: Vec<IndexInfo<'_>> = reader.indexes().collect();
        if found != wanted {
            return Ok(Some(format!("the indexes are {found:?}, not {wanted:?}")));
        }
        for Index { on, property, .. } in &self.indexes {
            let wrong = match on {
                On::Label(label) => {
                    let has = |node: NodeId| Has::Node(node.0);
                    self.differing_answer((on, property), || reader.nodes(label), has)?
                }
                On::Type(edge_type) => {
                    let has = |e: Edge| Has::Edge((e.source.0, edge_type.clone(), e.target.0, e.rank));
                    self.differing_answer((on, property), || reader.edges(edge_type), has)?
                }
            };
            if let Some(wrong) = wrong {
                return Ok(Some(format!("the index over {on:?}.{property}: {wrong}")));
            }
        }
        Ok(None)
    }

    fn info<'m>(&'m self, index: &'m Index) -> IndexInfo<'m> {
        let entries = self.having(&index.on, &index.property).len() as u64;
        IndexInfo { on: index.on.name(), property: &index.property, unique: index.unique, entries }
    }

    /// All that have the property, up and down, and all that have the value in the middle.
    fn differing_answer<'r, R: ReadPages + 'r, T: Found>(
        &self,
        (on, property): (&On, &str),
        question: impl Fn() -> Question<'r, R, T>,
        has: impl Fn(T) -> Has,
    ) -> Result<Option<Wrong>, ReadError> {
        let all = |question: Question<'r, R, T>| -> Result<Vec<Has>, ReadError> {
            assert!(question.index().is_some(), "an index answers");
            question.into_iter().map(|found| found.map(&has)).collect()
        };
        let wanted = self.having(on, property);
        let mut whole: Vec<Has> = wanted.iter().map(|(_, has)| has.clone()).collect();
        let found = all(question().with(property, ..))?;
        if found != whole {
            return Ok(Some(format!("it has {found:?}, not {whole:?}")));
        }
        whole.reverse();
        let found = all(question().with(property, ..).descending())?;
        if found != whole {
            return Ok(Some(format!("from its end it has {found:?}, not {whole:?}")));
        }
        let Some((middle, _)) = wanted.get(wanted.len() / 2) else { return Ok(None) };
        let equal: Vec<Has> =
            wanted.iter().filter(|(v, _)| order(v, middle).is_eq()).map(|(_, h)| h.clone()).collect();
        let found = all(question().with(property, (*middle).clone()))?;
        Ok((found != equal).then(|| format!("{middle:?} have {found:?}, not {equal:?}")))
    }
}

impl Change<'_> {
    /// Makes an index, unless what is there does not let it; says whether it was made.
    pub fn index(&mut self, on: On, property: &str, unique: bool) -> bool {
        let index = Index { on, property: property.to_owned(), unique };
        let made = self.tx.create_index(index.on.name(), property, unique);
        if self.model.index(&index.on, property).is_some() {
            assert!(matches!(made, Err(WriteError::IndexExists(_))), "{index:?}: {made:?}");
            return false;
        }
        let admitted = self.model.admits_index(&index);
        if admitted {
            made.expect("an index is made");
            self.model.indexes.push(index);
        } else {
            refused(made);
        }
        admitted
    }

    /// Drops an index that is there.
    pub fn drop_index(&mut self, on: &On, property: &str) {
        let at = self.model.index(on, property).expect("the model has it");
        self.tx.drop_index(on.name(), property).expect("an index is dropped");
        self.model.indexes.remove(at);
    }

    /// A node that an index refuses.
    pub fn refused_node(&mut self, label: &str, key: impl Into<Key>, props: Props) {
        self.refuses(On::label(label), &props);
        let new = NewNode { id: None, key: Some(key.into()), props };
        refused(self.tx.insert_node(label, new));
    }

    /// An edge that an index refuses.
    pub fn refused_edge(&mut self, (source, edge_type, target): (NodeId, &str, NodeId), props: Props) {
        self.refuses(On::edges(edge_type), &props);
        refused(self.tx.add_edge(source, edge_type, target, props));
    }

    fn refuses(&self, on: On, props: &Props) {
        let had = BTreeMap::new();
        let all = props.iter().all(|(name, value)| self.model.admits(&on, &had, name, value));
        assert!(!all, "the model refuses it too");
    }
}

/// What an index refuses leaves everything as it was.
pub fn refused<T: std::fmt::Debug>(done: Result<T, WriteError>) {
    let error = done.expect_err("an index refuses it");
    assert!(matches!(error, WriteError::NotUnique { .. } | WriteError::BadValue { .. }), "{error}");
}
