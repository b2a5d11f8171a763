//! `import`: files into a new store.
//!
//! An existing store is refused before anything is read. An import that fails removes the store that it created.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use foliograph::bulk::{BulkOptions, IdMode, OnError, Phase};
use foliograph::{Database, LoadReport, PageSize};
use indicatif::ProgressBar;
use serde_json::json;

use super::Context;
use crate::args::{ImportArgs, OnRowError};
use crate::failure::Failure;
use crate::input::load::{failed, load, rejected};
use crate::input::plan::{Plan, plan};
use crate::output::thousands;
use crate::progress;
use crate::store;

/// What an import did.
pub struct Report {
    pub load: LoadReport,
    pub seconds: f64,
    pub bytes: u64,
    pub backend: &'static str,
}

/// Runs `import`.
pub fn run(args: &ImportArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let skip = args.on_error == OnRowError::Skip;
    let (report, plan) = create(&args.store, args.page_size, skip, context, || {
        let plan = plan(args, &beside(&args.store))?;
        plan.notes.iter().for_each(|note| context.out.note(note));
        Ok(plan)
    })?;
    print(&report, &plan, context)
}

/// Where temporary files go: beside the store, for that is the disk that has room for it.
pub fn beside(store: &Path) -> PathBuf {
    match store.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Creates a store, and then makes the plan and fills the store with its files.
pub fn create(
    path: &Path,
    page_size: Option<PageSize>,
    skip: bool,
    context: &Context<'_>,
    plan: impl FnOnce() -> Result<Plan, Failure>,
) -> Result<(Report, Plan), Failure> {
    let begin = Instant::now();
    let before = fs::symlink_metadata(path).ok();
    let db = match store::creating(context.global, page_size).create(path) {
        Ok(db) => db,
        Err(error) => {
            // A creation that failed half-way, for example on a full disk, leaves no file behind either.
            undo(path, before.as_ref());
            return Err(error.into());
        }
    };
    let filled = plan().and_then(|plan| Ok((fill(db, path, &plan, skip, context)?, plan)));
    match filled {
        Ok(((load, bytes, backend), plan)) => {
            Ok((Report { load, seconds: begin.elapsed().as_secs_f64(), bytes, backend }, plan))
        }
        Err(failure) => {
            undo(path, before.as_ref());
            Err(failure)
        }
    }
}

/// Makes the path what it was: nothing, or an empty file. A file that held anything was not created here.
pub fn undo(path: &Path, before: Option<&fs::Metadata>) {
    // The failure is what matters; that there may be nothing to remove does not.
    match before {
        None => drop(fs::remove_file(path)),
        Some(file) if file.is_file() && file.len() == 0 => {
            drop(fs::OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(0)));
        }
        Some(_) => {}
    }
}

fn fill(
    db: Database,
    path: &Path,
    plan: &Plan,
    skip: bool,
    context: &Context<'_>,
) -> Result<(LoadReport, u64, &'static str), Failure> {
    let bar = progress::bar(context.global, "reading rows");
    let bulk = load(plan, skip, |words| BulkOptions {
        ids: if words { IdMode::Key } else { IdMode::Auto },
        ..options(path, plan, skip, context, &bar)
    });
    let loaded = bulk.and_then(|bulk| db.begin_write()?.load(bulk).map_err(|e| failed(plan, &e)));
    bar.finish_and_clear();
    let report = loaded?;
    let backend = db.device_info().backend;
    db.close()?;
    let bytes = fs::metadata(path).map_err(|e| Failure::new(format!("{}: {e}", path.display())))?.len();
    Ok((report, bytes, backend))
}

fn options(path: &Path, plan: &Plan, skip: bool, context: &Context<'_>, bar: &ProgressBar) -> BulkOptions {
    let defaults = BulkOptions::default();
    let bar = bar.clone();
    let mut last = None;
    BulkOptions {
        memory_budget: context.global.memory.unwrap_or(defaults.memory_budget),
        temp_dir: Some(beside(path)),
        on_error: if skip { OnError::Skip } else { OnError::Stop },
        implicit_nodes: plan.implicit_nodes,
        progress: Some(Box::new(move |phase: Phase, done, total| {
            if last != Some(phase) {
                last = Some(phase);
                bar.reset();
                bar.set_message(phase.to_string());
            }
            if total > 0 {
                bar.set_length(total);
            }
            bar.set_style(progress::style(total > 0));
            bar.set_position(done);
            true
        })),
        ..defaults
    }
}

/// Prints what an import did.
pub fn print(report: &Report, plan: &Plan, context: &mut Context<'_>) -> Result<(), Failure> {
    let Report { load, seconds, bytes, backend } = report;
    for row in &load.first_rejected {
        context.out.note(format_args!("rejected: {}", rejected(plan, row.place, &row.problem)));
    }
    let more = load.rejected.saturating_sub(load.first_rejected.len() as u64);
    if more > 0 {
        context.out.note(format_args!("rejected: {more} more"));
    }
    let rate = if *seconds > 0.0 { load.edges as f64 / seconds } else { 0.0 };
    let per_edge = (load.edges > 0).then(|| *bytes as f64 / load.edges as f64);
    if context.out.is_json() {
        return context.out.object(&json!({
            "nodes": load.nodes,
            "edges": load.edges,
            "rejected": load.rejected,
            "seconds": seconds,
            "edges_per_second": rate,
            "bytes": bytes,
            "bytes_per_edge": per_edge,
            "backend": backend,
        }));
    }
    let per_edge = per_edge.map_or("-".to_owned(), |bytes| format!("{bytes:.2}"));
    context.out.table(&[
        ("nodes".into(), thousands(load.nodes)),
        ("edges".into(), thousands(load.edges)),
        ("rejected".into(), thousands(load.rejected)),
        ("seconds".into(), format!("{seconds:.3}")),
        ("edges a second".into(), thousands(rate as u64)),
        ("bytes".into(), thousands(*bytes)),
        ("bytes an edge".into(), per_edge),
        ("backend".into(), (*backend).into()),
    ])
}
