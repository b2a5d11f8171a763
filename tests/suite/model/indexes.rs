//! Property indexes as the graph in memory has them: which there are, and what they refuse. They hold nothing: who has a
//! value is asked of all that there is.

use super::graph::{Graph, Name, PROPERTIES, Refusal, TYPES, Values};
use crate::values::{fits_index, order};
use foliograph::{Props, Value};

/// What an index is over: a label, or a type, by its number.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum On {
    Label(usize),
    Type(usize),
}

/// An index, over a property by its number in [`PROPERTIES`].
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Index {
    pub on: On,
    pub property: usize,
    pub unique: bool,
}

impl Index {
    pub fn name(&self) -> &'static str {
        PROPERTIES[self.property]
    }
}

/// Who has a value. The order is that of entries of one value in one index.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Has {
    Node(u64),
    Edge(Name),
}

impl Has {
    /// As an error says it.
    pub fn words(self) -> String {
        match self {
            Has::Node(id) => format!("node {id}"),
            Has::Edge((source, edge_type, target, rank)) => {
                format!("{source} -{}-> {target} (rank {rank})", TYPES[edge_type])
            }
        }
    }
}

impl Graph {
    /// Everyone who has the property, in the order of values, and then of ids.
    pub fn having(&self, on: On, property: &str) -> Vec<(&Value, Has)> {
        let all = self.all_of(on).into_iter();
        let mut all: Vec<(&Value, Has)> =
            all.filter_map(|(has, values)| Some((values.get(property)?, has))).collect();
        all.sort_by(|(a, who), (b, other)| order(a, b).then(who.cmp(other)));
        all
    }

    /// The index over a property, if there is one.
    pub fn index(&self, on: On, property: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.on == on && index.name() == property)
    }

    pub fn create_index(&mut self, index: Index) -> Result<(), Refusal> {
        if self.index(index.on, index.name()).is_some() {
            return Err(Refusal::IndexExists);
        }
        let having = self.having(index.on, index.name());
        if having.iter().any(|(value, _)| !fits_index(value)) {
            return Err(Refusal::TooLong);
        }
        let twins = having.windows(2).find(|two| order(two[0].0, two[1].0).is_eq());
        if let (true, Some(twins)) = (index.unique, twins) {
            return Err(Refusal::NotUnique(twins[0].1.words()));
        }
        self.indexes.push(index);
        Ok(())
    }

    pub fn drop_index(&mut self, on: On, property: usize) -> Result<(), Refusal> {
        let there = self.indexes.iter().position(|index| (index.on, index.property) == (on, property));
        self.indexes.remove(there.ok_or(Refusal::NoIndex)?);
        Ok(())
    }

    /// Whether the indexes let somebody who had these values have the new ones.
    pub fn admit(&self, on: On, had: &Values, props: &Props) -> Result<(), Refusal> {
        for index in self.indexes.iter().filter(|index| index.on == on) {
            let given = props.iter().find(|(name, value)| name == index.name() && *value != Value::Null);
            let Some((name, value)) = given else { continue };
            if !fits_index(value) {
                return Err(Refusal::TooLong);
            }
            // Its own value again, or an equal one, is nobody else's.
            if !index.unique || had.get(name).is_some_and(|had| order(had, value).is_eq()) {
                continue;
            }
            let taken = self.having(on, name).into_iter().find(|(other, _)| order(other, value).is_eq());
            if let Some((_, has)) = taken {
                return Err(Refusal::NotUnique(has.words()));
            }
        }
        Ok(())
    }
}
