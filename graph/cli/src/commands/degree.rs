//! `degree`: how many edges a node has.

use serde_json::json;

use super::{Context, snapshot};
use crate::args::WalkArgs;
use crate::failure::Failure;
use crate::naming::resolve;

/// Runs `degree`.
pub fn run(args: &WalkArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let snapshot = snapshot(context, &args.store)?;
    let mut degree = snapshot.degree(resolve(&snapshot, &args.node)?);
    if let Some(way) = args.steps.direction {
        degree = degree.direction(way.into());
    }
    for name in &args.steps.types {
        degree = degree.of_type(name);
    }
    let count = degree.count()?;
    if context.out.is_json() {
        return context.out.object(&json!({ "degree": count }));
    }
    context.out.line(count)
}
