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

/// A question: conditions on properties by their names.
type Conditions = Vec<(&'static str, Asked)>;

fn everything(property: &'static str) -> Conditions {
    vec![(property, Asked::Between(Bound::Unbounded, Bound::Unbounded))]
}

/// Asks questions of a reader. What there is of indexes must be what the graph has.
pub fn ask<R: ReadPages>(reader: &Reader<R>, graph: &Graph) -> Outcome {
    known_indexes(reader, graph)?;
    let rng = &mut Rng::new((graph.nodes.len() * 1_000_003 + graph.edges.len()) as u64);
    let awkward = awkward();
    for Index { on, property, .. } in graph.indexes.iter().copied() {
        let there: Vec<&Value> = graph.having(on, PROPERTIES[property]).into_iter().map(|(v, _)| v).collect();
        answer(reader, graph, on, everything(PROPERTIES[property]))?;
        for _ in 0..3 {
            let mut asked = vec![(PROPERTIES[property], Asked::draw(rng, &there, &awkward))];
            if rng.chance(1, 4) {
                asked.push((PROPERTIES[rng.index(PROPERTIES.len())], Asked::draw(rng, &there, &awkward)));
            }
            answer(reader, graph, on, asked)?;
        }
    }
    for on in [On::Label(rng.index(LABELS.len())), On::Type(rng.index(TYPES.len()))] {
        answer(reader, graph, on, vec![])?;
        let property = PROPERTIES[rng.index(PROPERTIES.len())];
        let there: Vec<&Value> = graph.having(on, property).into_iter().map(|(v, _)| v).collect();
        answer(reader, graph, on, vec![(property, Asked::draw(rng, &there, &awkward))])?;
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

fn answer<R: ReadPages>(reader: &Reader<R>, graph: &Graph, on: On, asked: Conditions) -> Outcome {
    let told = |why| format!("{on:?} {asked:?}: {why}");
    let outcome = match on {
        On::Label(label) => {
            let has = |node: NodeId| Has::Node(node.0);
            compare(graph, on, &asked, || reader.nodes(LABELS[label]), has)
        }
        On::Type(number) => {
            let has = |e: Edge| Has::Edge((e.source.0, number, e.target.0, e.rank));
            compare(graph, on, &asked, || reader.edges(TYPES[number]), has)
        }
    };
    outcome.map_err(told)
}

fn compare<'a, R: ReadPages + 'a, T: Found>(
    graph: &Graph,
    on: On,
    asked: &Conditions,
    question: impl Fn() -> Question<'a, R, T>,
    has: impl Fn(T) -> Has,
) -> Outcome {
    let question = || asked.iter().fold(question(), |q, (name, asked)| q.with(name, asked.range()));
    let chosen = question().index().map(|index| index.property);
    let answers = asked.iter().filter(|(name, asked)| graph.index(on, name).is_some() && asked.fits_index());
    let answers: Vec<&str> = answers.map(|(name, _)| *name).collect();
    same("whether an index answers", chosen.is_some(), !answers.is_empty())?;
    if let Some(chosen) = chosen {
        same("an index that answers", answers.contains(&chosen), true)?;
    }
    let mut wanted: Vec<(Has, &Values)> = graph.all_of(on);
    wanted.retain(|(_, values)| {
        asked.iter().all(|(name, asked)| values.get(*name).is_some_and(|value| asked.admits(value)))
    });
    if let Some(by) = chosen {
        // They are in the order of ids, and stay so where values are equal.
        wanted.sort_by(|(_, a), (_, b)| order(&a[by], &b[by]));
    }
    let mut wanted: Vec<Has> = wanted.into_iter().map(|(has, _)| has).collect();
    let all = |question: Question<'a, R, T>| -> Result<Vec<Has>, String> {
        question.into_iter().map(|found| found.map(&has)).collect::<Result<_, ReadError>>().map_err(failed)
    };
    same("count", question().count().map_err(failed)?, wanted.len() as u64)?;
    same("first", question().first().map_err(failed)?.map(&has), wanted.first().copied())?;
    same("answers", &all(question())?, &wanted)?;
    wanted.reverse();
    same("answers, descending", all(question().descending())?, wanted)
}
