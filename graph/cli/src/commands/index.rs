//! `index`: the property indexes of a store: listed, made, dropped.

use foliograph::{IndexOn, WriteError};
use serde_json::json;

use super::get::shown;
use super::{Context, snapshot};
use crate::args::{IndexAction, IndexArgs, IndexedArgs};
use crate::failure::Failure;
use crate::output::thousands;
use crate::progress;
use crate::store;

/// Runs `index`.
pub fn run(args: &IndexArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    match &args.action {
        IndexAction::List => list(args, context),
        IndexAction::Create { indexed, unique } => change(args, indexed, Some(*unique), context),
        IndexAction::Drop { indexed } => change(args, indexed, None, context),
    }
}

fn list(args: &IndexArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let snapshot = snapshot(context, &args.store)?;
    for index in snapshot.indexes() {
        let (what, name) = match index.on {
            IndexOn::Label(name) => ("label", name),
            IndexOn::EdgeType(name) => ("type", name),
        };
        if context.out.is_json() {
            context.out.object(&json!({
                what: name, "property": index.property, "unique": index.unique, "entries": index.entries
            }))?;
        } else {
            let unique = if index.unique { "\tunique" } else { "" };
            context.out.line(format_args!(
                "{what}\t{}\t{}\t{}{unique}",
                shown(name),
                shown(index.property),
                index.entries
            ))?;
        }
    }
    Ok(())
}

/// Makes an index, unique or not, or drops it.
fn change(
    args: &IndexArgs,
    indexed: &IndexedArgs,
    create: Option<bool>,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let name = indexed.name.as_str();
    let on = if indexed.edge_type { IndexOn::EdgeType(name) } else { IndexOn::Label(name) };
    let db = store::options(context.global).open_existing(&args.store)?;
    let mut tx = db.begin_write()?;
    let what = if indexed.edge_type { "edge type" } else { "label" };
    let known = if indexed.edge_type { tx.edge_type(name).is_some() } else { tx.label(name).is_some() };
    let bar = progress::bar(context.global, if create.is_some() { "indexing" } else { "dropping" });
    let done = match create {
        Some(unique) => tx.create_index(on, &indexed.property, unique),
        None => tx.drop_index(on, &indexed.property),
    };
    bar.finish_and_clear();
    match done {
        Err(e @ WriteError::NoIndex(_)) => return Err(Failure::not_found(e)),
        done => done?,
    }
    if create.is_some() && !known {
        context.out.note(format_args!("there is no {what} `{name}` yet; the index is for those to come"));
    }
    let entries = tx.indexes().find(|i| i.on == on && i.property == indexed.property).map(|i| i.entries);
    tx.commit()?;
    db.close()?;
    if context.out.is_json() {
        let unique = create.unwrap_or(false);
        return context
            .out
            .object(&json!({ "property": indexed.property, "unique": unique, "entries": entries }));
    }
    match entries {
        Some(entries) => context.out.table(&[("entries".into(), thousands(entries))]),
        None => Ok(()),
    }
}
