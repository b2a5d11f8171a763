//! `nodes`: the names of nodes, by label and by conditions on properties.

use foliograph::{IndexOn, NodeView, ReadError};
use serde_json::json;

use super::get::shown;
use super::{Context, Open, snapshot};
use crate::args::NodesArgs;
use crate::condition::Condition;
use crate::failure::Failure;
use crate::json::key_to_json;

/// Runs `nodes`. By id; where an index is over one of the conditions' properties, by value.
pub fn run(args: &NodesArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let conditions =
        args.conditions.iter().map(|text| Condition::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let snapshot = snapshot(context, &args.store)?;
    if let Some(name) = &args.label
        && snapshot.label(name).is_none()
    {
        return Err(Failure::not_found(format!("no node has the label `{name}`")));
    }
    let limit = args.limit.unwrap_or(u64::MAX);
    let mut found = 0;
    for view in candidates(args, &conditions, &snapshot) {
        if found >= limit {
            return Ok(());
        }
        let view = view?;
        if meets(&conditions, &snapshot, &view)? {
            found += 1;
            print(&snapshot, &view, context)?;
        }
    }
    let asked = args.label.is_some() || !conditions.is_empty();
    if found == 0 && asked && limit > 0 { Err(Failure::not_found("no such node")) } else { Ok(()) }
}

/// Nodes of which some meet the conditions: out of an index where there is one, else all of the label.
fn candidates<'a>(
    args: &'a NodesArgs,
    conditions: &[Condition],
    snapshot: &'a Open,
) -> Box<dyn Iterator<Item = Result<NodeView, ReadError>> + 'a> {
    let Some(label) = &args.label else { return Box::new(snapshot.all_nodes()) };
    let view = |node| {
        let node = node?;
        snapshot.view(node)?.ok_or(ReadError::NoNode(node))
    };
    let indexed = conditions.iter().find(|condition| {
        snapshot
            .indexes()
            .any(|index| index.on == IndexOn::Label(label) && index.property == condition.property)
    });
    match indexed {
        None => Box::new(snapshot.nodes(label).into_iter().map(view)),
        Some(condition) => {
            let property = condition.property.clone();
            let ranges = condition.ranges().into_iter();
            Box::new(ranges.flat_map(move |range| snapshot.nodes(label).with(&property, range)).map(view))
        }
    }
}

fn meets(conditions: &[Condition], snapshot: &Open, view: &NodeView) -> Result<bool, Failure> {
    if conditions.is_empty() {
        return Ok(true);
    }
    let props = snapshot.props_of(view)?;
    let value = |condition: &Condition| props.iter().find(|(name, _)| *name == condition.property);
    Ok(conditions.iter().all(|condition| value(condition).is_some_and(|(_, value)| condition.holds(value))))
}

fn print(snapshot: &Open, view: &NodeView, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.out.is_json() {
        let label = snapshot.label_name(view.label);
        let key = key_to_json(view.key.as_ref());
        return context.out.object(&json!({ "id": view.id.0, "label": label, "key": key }));
    }
    context.out.line(shown(&snapshot.name_of(view)?))
}
