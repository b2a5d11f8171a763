//! `nodes`: the names of nodes, by label and by conditions on properties.

use std::cmp::Ordering;

use foliograph::text::{ColumnType, Scalar, read_value};
use foliograph::value::compare;
use foliograph::{Snapshot, Value};
use serde_json::json;

use super::get::shown;
use super::{Context, snapshot};
use crate::args::NodesArgs;
use crate::failure::Failure;
use crate::json::key_to_json;

/// Runs `nodes`.
pub fn run(args: &NodesArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let conditions =
        args.conditions.iter().map(|text| Condition::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let snapshot = snapshot(context, &args.store)?;
    let limit = args.limit.unwrap_or(u64::MAX);
    let label = match &args.label {
        Some(name) => match snapshot.label(name) {
            Some(label) => Some(label),
            None => return Err(Failure::not_found(format!("no node has the label `{name}`"))),
        },
        None => None,
    };
    let mut found = 0;
    for view in snapshot.all_nodes() {
        if found >= limit {
            return Ok(());
        }
        let view = view?;
        if label.is_some_and(|label| label != view.label) {
            continue;
        }
        if !conditions.is_empty() && !conditions.iter().all(matching(&snapshot, &view)?) {
            continue;
        }
        found += 1;
        if context.out.is_json() {
            let label = snapshot.label_name(view.label);
            let key = key_to_json(view.key.as_ref());
            context.out.object(&json!({ "id": view.id.0, "label": label, "key": key }))?;
        } else {
            context.out.line(shown(&snapshot.name_of(&view)?))?;
        }
    }
    let asked = label.is_some() || !conditions.is_empty();
    if found == 0 && asked && limit > 0 { Err(Failure::not_found("no such node")) } else { Ok(()) }
}

/// Whether a node meets a condition.
fn matching(
    snapshot: &Snapshot,
    view: &foliograph::NodeView,
) -> Result<impl Fn(&Condition) -> bool + use<>, Failure> {
    let props = snapshot.props_of(view)?;
    Ok(move |condition: &Condition| {
        let value = props.iter().find(|(name, _)| *name == condition.property).map(|(_, value)| value);
        value.is_some_and(|value| condition.holds(value))
    })
}

/// A condition on a property. A node without the property meets none.
#[derive(Clone, PartialEq, Debug)]
struct Condition {
    property: String,
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
    fn parse(text: &str) -> Result<Condition, Failure> {
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
    fn holds(&self, value: &Value) -> bool {
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

    fn holds(condition: &str, value: impl Into<Value>) -> bool {
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
