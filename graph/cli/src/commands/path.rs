//! `path`: a shortest path between two nodes.

use serde_json::{Value as Json, json};

use super::get::shown;
use super::{Context, snapshot};
use crate::args::PathArgs;
use crate::failure::Failure;
use crate::json::value_to_json;
use crate::naming::{node_json, resolve};

/// Runs `path`.
pub fn run(args: &PathArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let snapshot = snapshot(context, &args.store)?;
    let (from, to) = (resolve(&snapshot, &args.from)?, resolve(&snapshot, &args.to)?);
    let mut search = snapshot.shortest_path(from, to);
    if let Some(way) = args.steps.direction {
        search = search.direction(way.into());
    }
    for name in &args.steps.types {
        search = search.of_type(name);
    }
    let found = match &args.weight {
        Some(property) => {
            search.weighted_by(property).find()?.map(|found| (found.path, value_to_json(&found.weight)))
        }
        None => search.find()?.map(|path| {
            let length = json!(path.edge_count());
            (path, length)
        }),
    };
    let Some((path, length)) = found else {
        return Err(Failure::not_found(format!("there is no path from `{}` to `{}`", args.from, args.to)));
    };
    if context.out.is_json() {
        let nodes = path.nodes.iter().map(|node| node_json(&snapshot, *node)).collect::<Result<Json, _>>()?;
        return context.out.object(&json!({ "nodes": nodes, "length": length }));
    }
    for node in &path.nodes {
        context.out.line(shown(&snapshot.name(*node)?))?;
    }
    Ok(())
}
