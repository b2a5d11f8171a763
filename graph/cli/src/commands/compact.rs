//! `compact`: the store written anew, densely, in the same file.

use std::fs;

use serde_json::json;

use super::Context;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::output::thousands;
use crate::progress;
use crate::store;

/// Runs `compact`.
pub fn run(args: &StoreArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let db = store::options(context.global).open_existing(&args.store)?;
    let (bar, control) = progress::watched(context.global, "compacting");
    let done = db.compact_with(control);
    bar.finish_and_clear();
    let before = done?.before;
    db.close()?;
    // Closing may have given back a little more.
    let unread = |e| Failure::new(format!("{}: {e}", args.store.display()));
    let after = fs::metadata(&args.store).map_err(unread)?.len();
    if context.out.is_json() {
        return context.out.object(&json!({ "before": before, "after": after }));
    }
    context.out.table(&[("before".into(), thousands(before)), ("after".into(), thousands(after))])
}
