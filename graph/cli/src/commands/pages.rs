//! `pages`: a line a page: id, kind, version, used bytes, owner.

use serde_json::json;

use super::Context;
use crate::args::PagesArgs;
use crate::failure::Failure;
use crate::{store, svg};

/// Runs `pages`.
pub fn run(args: &PagesArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let db = store::read(context.global, &args.store)?;
    let pages = db.pages()?;
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
