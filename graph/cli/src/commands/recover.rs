//! `recover`: all that is readable of a damaged store goes into a new one, and what is not is told.
//!
//! The damaged store is opened read-only. A recovery that fails removes the store that it created; one that saved
//! something is done, whatever was lost: that is data.

use std::fs;
use std::path::Path;
use std::time::Instant;

use foliograph::salvage::{SalvageOptions, SalvageReport, salvage};
use foliograph::storage_core::pager::Inspector;
use serde_json::json;

use super::{Context, import};
use crate::args::RecoverArgs;
use crate::failure::Failure;
use crate::output::thousands;
use crate::progress;
use crate::store;

/// Runs `recover`.
pub fn run(args: &RecoverArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let begin = Instant::now();
    let from = store::options(context.global).read_only(true).inspect(&args.store)?;
    let before = fs::symlink_metadata(&args.to).ok();
    let saved = save(&from, args, context);
    if saved.is_err() {
        import::undo(&args.to, before.as_ref());
    }
    print(&saved?, begin, context)
}

fn save(from: &Inspector, args: &RecoverArgs, context: &Context<'_>) -> Result<SalvageReport, Failure> {
    let size = from.device().info().page_size;
    let to = store::creating(context.global, Some(size)).create(Path::new(&args.to))?;
    let bar = progress::bar(context.global, "saving");
    let mut progress = |what: &'static str, done| {
        bar.set_message(what);
        bar.set_position(done);
        true
    };
    let options = SalvageOptions { older_root: args.older_root };
    let saved = salvage(from.device().clone(), &to, &options, &mut progress);
    bar.finish_and_clear();
    let report = saved?;
    to.close()?;
    Ok(report)
}

fn print(report: &SalvageReport, begin: Instant, context: &mut Context<'_>) -> Result<(), Failure> {
    report.notes.iter().for_each(|note| context.out.note(format_args!("note: {note}")));
    if report.old_versions {
        context.out.note("note: the allocation map is lost, too: what was deleted may be there again");
    }
    if context.out.is_json() {
        return object(report, begin, context);
    }
    let unknown = |count: Option<u64>| count.map_or("unknown".to_owned(), thousands);
    let mut rows = vec![
        ("version".to_owned(), report.version.to_string()),
        ("nodes saved".into(), thousands(report.nodes)),
        ("nodes without properties".into(), thousands(report.nodes_from_keys)),
        ("nodes of which only the id is left".into(), thousands(report.nodes_from_edges)),
        ("edges saved".into(), thousands(report.edges)),
        ("nodes lost".into(), unknown(report.nodes_lost)),
        ("edges lost".into(), unknown(report.edges_lost)),
        ("long values lost".into(), thousands(report.values_lost)),
        ("names lost".into(), thousands(report.names_lost)),
        ("entries left out".into(), thousands(report.refused)),
        ("unreadable pages".into(), thousands(report.unreadable_count)),
    ];
    if report.nodes_from_edges > 0 {
        let label = format!("{} (label {})", rows[3].1, report.placeholder_label);
        rows[3].1 = label;
    }
    context.out.table(&rows)?;
    for page in &report.unreadable {
        context.out.line(format_args!("page {} ({}): {}", page.page, page.owner, page.what))?;
    }
    match report.unreadable_count - report.unreadable.len() as u64 {
        0 => Ok(()),
        more => context.out.line(format_args!("and {more} more")),
    }
}

fn object(report: &SalvageReport, begin: Instant, context: &mut Context<'_>) -> Result<(), Failure> {
    let pages = report.unreadable.iter();
    let pages: Vec<_> =
        pages.map(|p| json!({ "page": p.page.get(), "owner": p.owner, "what": p.what })).collect();
    context.out.object(&json!({
        "version": report.version,
        "saved": {
            "nodes": report.nodes,
            "nodes_from_keys": report.nodes_from_keys,
            "nodes_from_edges": report.nodes_from_edges,
            "label": report.placeholder_label,
            "edges": report.edges,
            "edges_from_elsewhere": report.edges_from_elsewhere,
        },
        "lost": {
            "nodes": report.nodes_lost,
            "edges": report.edges_lost,
            "values": report.values_lost,
            "names": report.names_lost,
            "refused": report.refused,
            "pages": report.unreadable_count,
        },
        "unreadable": pages,
        "old_versions": report.old_versions,
        "notes": report.notes,
        "seconds": begin.elapsed().as_secs_f64(),
    }))
}
