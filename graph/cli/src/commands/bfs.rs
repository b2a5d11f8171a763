//! `bfs`: breadth-first search from a node.

use std::time::Instant;

use serde_json::json;

use super::get::shown;
use super::{Context, snapshot};
use crate::args::BfsArgs;
use crate::failure::Failure;
use crate::naming::{node_json, resolve};

/// Runs `bfs`.
pub fn run(args: &BfsArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let snapshot = snapshot(context, &args.walk.store)?;
    let start = resolve(&snapshot, &args.walk.node)?;
    let begin = Instant::now();
    let mut bfs = snapshot.bfs(start);
    if let Some(way) = args.walk.steps.direction {
        bfs = bfs.direction(way.into());
    }
    for name in &args.walk.steps.types {
        bfs = bfs.of_type(name);
    }
    if let Some(depth) = args.depth {
        bfs = bfs.max_depth(depth);
    }
    if args.summary {
        let summary = bfs.summary()?;
        let (reached, depth) = (summary.reached, summary.depth);
        if context.out.is_json() {
            let seconds = begin.elapsed().as_secs_f64();
            return context.out.object(&json!({ "reached": reached, "depth": depth, "seconds": seconds }));
        }
        return context
            .out
            .table(&[("reached".into(), reached.to_string()), ("depth".into(), depth.to_string())]);
    }
    for (distance, level) in bfs.collect_levels()?.into_iter().enumerate() {
        for node in level {
            if context.out.is_json() {
                let mut object = node_json(&snapshot, node)?;
                object["distance"] = json!(distance);
                context.out.object(&object)?;
            } else {
                context.out.line(format_args!("{}\t{distance}", shown(&snapshot.name(node)?)))?;
            }
        }
    }
    Ok(())
}
