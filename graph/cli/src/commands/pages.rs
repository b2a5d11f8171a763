//! `pages`: a line a page: id, kind, version, used bytes, owner. Of a store that needs recovery it shows the newest root
//! and the log beside it, and writes nothing.

use foliograph::storage_core::pager;
use foliograph::{Database, OpenError};
use serde_json::json;

use super::Context;
use crate::args::PagesArgs;
use crate::failure::Failure;
use crate::output::counted;
use crate::{progress, store, svg};

/// The store as it is. Commits that stand only in the log have no pages yet.
fn open(args: &PagesArgs, context: &Context<'_>) -> Result<Database, Failure> {
    let error = match store::as_it_is(context.global, &args.store) {
        Ok(db) => return Ok(db),
        Err(error) => error,
    };
    let why = match (&error, store::commits_to_recover(&error)) {
        (_, Some(commits)) => {
            format!(
                "the store needs recovery: {} in the log stand in no page yet",
                counted(commits, "commit")
            )
        }
        (OpenError::Pager(pager::OpenError::Log(e)), _) => e.to_string(),
        _ => return Err(error.into()),
    };
    context.out.note(format_args!("note: {why}"));
    Ok(store::options(context.global).root_only(true).open_existing(&args.store)?)
}

/// Runs `pages`.
pub fn run(args: &PagesArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let db = open(args, context)?;
    let (bar, control) = progress::watched(context.global, "reading pages");
    let pages = db.pages_with(control);
    bar.finish_and_clear();
    let pages = pages?;
    if let Some(path) = &args.svg {
        let count = db.pager().device().page_count().get();
        svg::write(path, &svg::map::draw(&pages, count))?;
    }
    for page in &pages {
        if context.out.is_json() {
            context.out.object(&json!({
                "id": page.id.get(),
                "kind": page.kind.word(),
                "version": page.version,
                "used": page.used,
                "owner": page.owner,
            }))?;
        } else {
            let (id, kind, version, used, owner) = (page.id, page.kind, page.version, page.used, page.owner);
            context.out.line(format_args!("{id}\t{kind}\t{version}\t{used}\t{owner}"))?;
        }
    }
    Ok(())
}
