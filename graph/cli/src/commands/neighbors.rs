//! `neighbors`: who a node's edges lead to.

use serde_json::json;

use super::get::shown;
use super::{Context, snapshot};
use crate::args::NeighborsArgs;
use crate::failure::Failure;
use crate::json::props_to_json;
use crate::naming::{node_json, resolve};

/// Runs `neighbors`.
pub fn run(args: &NeighborsArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let snapshot = snapshot(context, &args.walk.store)?;
    let node = resolve(&snapshot, &args.walk.node)?;
    let mut neighbors = snapshot.neighbors(node);
    if let Some(way) = args.walk.steps.direction {
        neighbors = neighbors.direction(way.into());
    }
    for name in &args.walk.steps.types {
        neighbors = neighbors.of_type(name);
    }
    let limit = args.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    for neighbor in neighbors.into_iter().take(limit) {
        let neighbor = neighbor?;
        let edge_type = snapshot.type_name(neighbor.edge.edge_type);
        if context.out.is_json() {
            let mut object = node_json(&snapshot, neighbor.id)?;
            object["type"] = json!(edge_type);
            object["rank"] = json!(neighbor.edge.rank);
            object["props"] = props_to_json(&neighbor.props()?);
            context.out.object(&object)?;
            continue;
        }
        let name = shown(&snapshot.name(neighbor.id)?);
        match args.properties {
            true => context
                .out
                .line(format_args!("{name}\t{edge_type}\t{}", props_to_json(&neighbor.props()?)))?,
            false => context.out.line(format_args!("{name}\t{edge_type}"))?,
        }
    }
    Ok(())
}
