//! Asks for nodes and edges by the values of their properties: equalities, ranges and prefixes, both ways round, with one
//! condition and with two, where there is an index and where there is none.
//!
//! What is asked is drawn from the graph itself and from awkward values, by a seed that follows from the graph: a history
//! that is run again asks the same.

use super::compare::{Outcome, failed, same};
use super::graph::{Graph, LABELS, PROPERTIES, TYPES, Values};
use super::indexes::{Has, Index, On};
use crate::values::{awkward, fits_index, key_len, order, rank};
use foliograph::index::MAX_INDEXED;
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::pager::ReadPages;
use foliograph::{Edge, Found, IndexInfo, IndexOn, NodeId, Question, ReadError, Reader, Value, ValueRange};
use std::ops::Bound;

/// A condition on a property's value.
#[derive(Clone, Debug)]
enum Asked {
    Between(Bound<Value>, Bound<Value>),
    Prefix(String),
}

fn end(bound: &Bound<Value>) -> Option<&Value> {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value),
        Bound::Unbounded => None,
    }
}

impl Asked {
    fn range(&self) -> ValueRange {
        match self {
            Asked::Between(from, to) => ValueRange::new(from.clone(), to.clone()),
            Asked::Prefix(prefix) => ValueRange::starting_with(prefix.as_str()),
        }
    }

    /// A range stays within the type of its ends.
    fn admits(&self, value: &Value) -> bool {
        match self {
            Asked::Prefix(prefix) => matches!(value, Value::Text(text) if text.starts_with(prefix.as_str())),
            Asked::Between(from, to) => {
                let ends = end(from).into_iter().chain(end(to));
                let above = match from {
                    Bound::Included(from) => order(value, from).is_ge(),
                    Bound::Excluded(from) => order(value, from).is_gt(),
                    Bound::Unbounded => true,
                };
                let below = match to {
                    Bound::Included(to) => order(value, to).is_le(),
                    Bound::Excluded(to) => order(value, to).is_lt(),
                    Bound::Unbounded => true,
                };
                ends.into_iter().all(|end| rank(end) == rank(value)) && above && below
            }
        }
    }

    /// Whether an index can answer: its ends are values that could be in one.
    fn fits_index(&self) -> bool {
        match self {
            Asked::Prefix(prefix) => key_len(&Value::from(prefix.as_str())) - 2 <= MAX_INDEXED,
            Asked::Between(from, to) => end(from).into_iter().chain(end(to)).all(fits_index),
        }
    }

    /// Of the values that are there, and of awkward ones.
    fn draw(rng: &mut Rng, there: &[&Value], awkward: &[Value]) -> Asked {
        let mut value = || match rng.chance(2, 3) && !there.is_empty() {
            true => there[rng.index(there.len())].clone(),
            false => awkward[rng.index(awkward.len())].clone(),
        };
        let (a, b) = (value(), value());
        let bound = |rng: &mut Rng, value: Value| match rng.below(5) {
            0 => Bound::Unbounded,
            1 | 2 => Bound::Excluded(value),
            _ => Bound::Included(value),
        };
        match (rng.below(6), a) {
            (0, a) => Asked::Between(Bound::Included(a.clone()), Bound::Included(a)),
            (1, a) => Asked::Between(Bound::Excluded(a.clone()), bound(rng, a)),
            (2 | 3, Value::Text(text)) => {
                let most = rng.index(text.chars().count() + 1).min(40);
                Asked::Prefix(text.chars().take(most).collect())
            }
            // The wrong way round in half of the cases, and then nothing is there.
            (_, a) => Asked::Between(bound(rng, a), bound(rng, b)),
        }
    }
}

/// A question: conditions on properties by their names, and the property that the answer is to be in the order of.
#[derive(Clone, Default, Debug)]
struct Asking {
    conditions: Vec<(&'static str, Asked)>,
    order: Option<&'static str>,
}

impl Asking {
    fn with(mut self, property: &'static str, asked: Asked) -> Asking {
        self.conditions.push((property, asked));
        self
    }

    fn everything(property: &'static str) -> Asking {
        Asking::default().with(property, Asked::Between(Bound::Unbounded, Bound::Unbounded))
    }

    fn question<'a, R: ReadPages, T: Found>(&self, all: Question<'a, R, T>) -> Question<'a, R, T> {
        let question = self.conditions.iter().fold(all, |q, (name, asked)| q.with(name, asked.range()));
        self.order.into_iter().fold(question, Question::ordered_by)
    }
}

fn any_property(rng: &mut Rng) -> &'static str {
    PROPERTIES[rng.index(PROPERTIES.len())]
}

/// Asks questions of a reader. What there is of indexes must be what the graph has.
pub fn ask<R: ReadPages>(reader: &Reader<R>, graph: &Graph) -> Outcome {
    known_indexes(reader, graph)?;
    let rng = &mut Rng::new((graph.nodes.len() * 1_000_003 + graph.edges.len()) as u64);
    let awkward = awkward();
    for Index { on, property, .. } in graph.indexes.iter().copied() {
        let property = PROPERTIES[property];
        let there: Vec<&Value> = graph.having(on, property).into_iter().map(|(v, _)| v).collect();
        answer(reader, graph, on, Asking::everything(property))?;
        for _ in 0..3 {
            let mut asking = Asking::default().with(property, Asked::draw(rng, &there, &awkward));
            if rng.chance(1, 4) {
                asking = asking.with(any_property(rng), Asked::draw(rng, &there, &awkward));
            }
            answer(reader, graph, on, asking)?;
        }
        let mut asking = Asking { order: Some(property), ..Asking::default() };
        if rng.chance(2, 3) {
            asking = asking.with(any_property(rng), Asked::draw(rng, &there, &awkward));
        }
        answer(reader, graph, on, asking)?;
    }
    for on in [On::Label(rng.index(LABELS.len())), On::Type(rng.index(TYPES.len()))] {
        answer(reader, graph, on, Asking::default())?;
        let property = any_property(rng);
        let there: Vec<&Value> = graph.having(on, property).into_iter().map(|(v, _)| v).collect();
        answer(reader, graph, on, Asking::default().with(property, Asked::draw(rng, &there, &awkward)))?;
        answer(reader, graph, on, Asking { order: Some(property), ..Asking::default() })?;
    }
    Ok(())
}

fn known_indexes<R: ReadPages>(reader: &Reader<R>, graph: &Graph) -> Outcome {
    let found: Vec<IndexInfo<'_>> = reader.indexes().collect();
    let wanted = graph.indexes.iter().map(|index| IndexInfo {
        on: named(index.on),
        property: index.name(),
        unique: index.unique,
        entries: graph.having(index.on, index.name()).len() as u64,
    });
    same("indexes", found, wanted.collect())
}

/// What a store calls it.
pub fn named(on: On) -> IndexOn<'static> {
    match on {
        On::Label(label) => IndexOn::Label(LABELS[label]),
        On::Type(edge_type) => IndexOn::EdgeType(TYPES[edge_type]),
    }
}

fn answer<R: ReadPages>(reader: &Reader<R>, graph: &Graph, on: On, asking: Asking) -> Outcome {
    let told = |why| format!("{on:?} {asking:?}: {why}");
    let outcome = match on {
        On::Label(label) => {
            let has = |node: NodeId| Has::Node(node.0);
            let known = reader.label(LABELS[label]).is_some();
            compare((graph, on, known), &asking, || asking.question(reader.nodes(LABELS[label])), has)
        }
        On::Type(number) => {
            let has = |e: Edge| Has::Edge((e.source.0, number, e.target.0, e.rank));
            let known = reader.edge_type(TYPES[number]).is_some();
            compare((graph, on, known), &asking, || asking.question(reader.edges(TYPES[number])), has)
        }
    };
    outcome.map_err(told)
}

fn compare<'a, R: ReadPages + 'a, T: Found>(
    (graph, on, known): (&Graph, On, bool),
    asking: &Asking,
    question: impl Fn() -> Question<'a, R, T>,
    has: impl Fn(T) -> Has,
) -> Outcome {
    let chosen = question().index().map(|index| index.property);
    let all = |question: Question<'a, R, T>| -> Result<Vec<Has>, ReadError> {
        question.into_iter().map(|found| found.map(&has)).collect()
    };
    if let Some(order) = asking.order {
        let there = graph.index(on, order).map(|_| order);
        same("the index of the order", chosen, there)?;
        if there.is_none() {
            let refused = |found| matches!(found, Err(ReadError::NoIndex(_)));
            let found = [refused(question().count().map(drop)), refused(all(question()).map(drop))];
            // A label or type that the store never had has nobody, and that is an answer.
            same("refused", found, [known; 2])?;
            return Ok(());
        }
    } else {
        let may = |name: &str, asked: &Asked| graph.index(on, name).is_some() && asked.fits_index();
        let may: Vec<&str> =
            asking.conditions.iter().filter(|(name, asked)| may(name, asked)).map(|(n, _)| *n).collect();
        let right = chosen.map_or(may.is_empty(), |chosen| may.contains(&chosen));
        same("an index that answers", right, true).map_err(|why| format!("{chosen:?} of {may:?}: {why}"))?;
    }
    let wanted = wanted((graph, on), asking, chosen);
    same("count", question().count().map_err(failed)?, wanted.len() as u64)?;
    same("first", question().first().map_err(failed)?.map(&has), wanted.first().copied())?;
    same("answers", &all(question()).map_err(failed)?, &wanted)?;
    let down: Vec<Has> = wanted.into_iter().rev().collect();
    same("answers, descending", all(question().descending()).map_err(failed)?, down)
}

/// In the order of a property's values, or in that of ids.
fn wanted((graph, on): (&Graph, On), asking: &Asking, by: Option<&str>) -> Vec<Has> {
    let mut wanted: Vec<(Has, &Values)> = graph.all_of(on);
    wanted.retain(|(_, values)| {
        let there = asking.order.is_none_or(|order| values.contains_key(order));
        let admits = |name: &str, asked: &Asked| values.get(name).is_some_and(|value| asked.admits(value));
        there && asking.conditions.iter().all(|(name, asked)| admits(name, asked))
    });
    if let Some(by) = by {
        // They are in the order of ids, and stay so where values are equal.
        wanted.sort_by(|(_, a), (_, b)| order(&a[by], &b[by]));
    }
    wanted.into_iter().map(|(has, _)| has).collect()
}
