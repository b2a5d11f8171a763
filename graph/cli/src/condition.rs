//! Conditions on properties, as `nodes --where` takes them.

use std::cmp::Ordering;
use std::ops::Bound;

use foliograph::text::{ColumnType, Scalar, read_value};
use foliograph::value::compare;
use foliograph::{Value, ValueRange};

use crate::failure::Failure;

/// A condition on a property. A node without the property meets none.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition {
    pub property: String,
    operator: Operator,
    text: String,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    BeginsWith,
}

impl Condition {
    /// `PROPERTY`, an operator and a value: split at the first operator.
    pub fn parse(text: &str) -> Result<Condition, Failure> {
        let at = text.find(['=', '<', '>', '^']);
        let operators = [
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("^=", Operator::BeginsWith),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let found = at.filter(|at| *at > 0).and_then(|at| {
            let (property, rest) = text.split_at(at);
            let (sign, operator) = operators.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
            Some(Condition { property: property.into(), operator, text: rest[sign.len()..].into() })
        });
        found.ok_or_else(|| {
            Failure::usage(format!("`{text}` is no condition"))
                .hint("write PROPERTY=VALUE, or one of < <= > >= ^= (begins with) instead of =")
        })
    }

    /// The condition's text is read as what the value is; where it is no such thing, the condition does not hold.
    pub fn holds(&self, value: &Value) -> bool {
        if let Value::List(items) = value {
            return items.iter().any(|item| !matches!(item, Value::List(_)) && self.holds(item));
        }
        if self.operator == Operator::BeginsWith {
            return matches!(value, Value::Text(text) if text.starts_with(&self.text));
        }
        let Some(order) = self.order(value) else { return false };
        match self.operator {
            Operator::Equal => order.is_eq(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::BeginsWith => false,
        }
    }

    /// Ranges of values of which one holds whatever meets the condition, as an index has them: of each type that the text
    /// can be read as, and all lists, for the condition is about their items. What is within them has yet to be asked.
    pub fn ranges(&self) -> Vec<ValueRange> {
        let lists = ValueRange::new(Bound::Included(Value::List(Vec::new())), Bound::Unbounded);
        if self.operator == Operator::BeginsWith {
            return vec![ValueRange::starting_with(self.text.as_str()), lists];
        }
        let read = |scalar| read_value(&self.text, ColumnType { scalar, list: false }).ok();
        let number = read(Scalar::Int).or_else(|| read(Scalar::Float));
        let others = [Scalar::Bool, Scalar::Text, Scalar::Bytes, Scalar::Date, Scalar::Timestamp].map(read);
        let end = |value: Value| match self.operator {
            Operator::Equal | Operator::BeginsWith => ValueRange::from(value),
            Operator::Less => ValueRange::from(..value),
            Operator::LessOrEqual => ValueRange::from(..=value),
            Operator::Greater => ValueRange::new(Bound::Excluded(value), Bound::Unbounded),
            Operator::GreaterOrEqual => ValueRange::from(value..),
        };
        number.into_iter().chain(others.into_iter().flatten()).map(end).chain([lists]).collect()
    }

    fn order(&self, value: &Value) -> Option<Ordering> {
        let read = |scalar| read_value(&self.text, ColumnType { scalar, list: false }).ok();
        let other = match Scalar::of(value)? {
            // Numbers are compared as numbers, whatever holds them.
            Scalar::Int | Scalar::Float => read(Scalar::Int).or_else(|| read(Scalar::Float))?,
            scalar => read(scalar)?,
        };
        Some(compare(value, &other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn holds(condition: &str, value: impl Into<Value>) -> bool {
        Condition::parse(condition).unwrap().holds(&value.into())
    }

    #[test]
    fn conditions_compare_by_the_values_type() {
        assert!(holds("born=1815", 1815) && !holds("born=1816", 1815));
        assert!(holds("x<2", 1.5) && holds("x<=1.5", 1.5) && holds("x>1.4", 1.5) && holds("x>=2", 2));
        assert!(holds("x>1.5", 2) && !holds("x>a", 2));
        assert!(holds("name=2", "2") && holds("name<b", "a") && holds("name^=Ad", "Ada"));
        assert!(holds("name=", "") && holds("name=a=b", "a=b"));
        assert!(holds("on=true", true) && holds("when<2026-01-01", Value::Date(0)));
        assert!(holds("tags=b", vec![Value::from("a"), Value::from("b")]));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", "name", "=x", "^x", "a^b"] {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
    }
}
