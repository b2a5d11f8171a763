//! `import`: files into a new store, or with `--append` into one that is there.
//!
//! Without `--append` an existing store is refused before anything is read. An import that fails removes the store that it
//! created, and leaves one that was there as it was: what is appended is one transaction.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use foliograph::bulk::{BulkOptions, IdMode, OnDuplicate, OnError, Phase};
use foliograph::{Database, LoadReport, OpenError, PageSize};
use indicatif::ProgressBar;
use serde_json::json;

use super::Context;
use crate::args::{ImportArgs, OnRowError};
use crate::failure::Failure;
use crate::input::load::{failed, load, rejected};
use crate::input::plan::{Holds, Plan, plan};
use crate::output::thousands;
use crate::progress;
use crate::store;

/// What an import did.
pub struct Report {
    pub load: LoadReport,
    /// Edges that the store holds.
    pub held: u64,
    pub seconds: f64,
    pub bytes: u64,
    pub backend: &'static str,
    pub appended: bool,
}

/// How a store is filled.
#[derive(Copy, Clone, Default)]
pub struct How {
    /// Bytes of a page, where the store is created.
    pub page_size: Option<PageSize>,
    /// Rows that cannot be taken are left out.
    pub skip: bool,
    /// The store may be there, and this is what becomes of rows about what it holds.
    pub append: Option<OnDuplicate>,
}

/// Runs `import`.
pub fn run(args: &ImportArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    if args.on_duplicate.is_some() && !args.append {
        return Err(Failure::usage("--on-duplicate is for --append: a new store holds nothing yet")
            .hint("--on-error skip leaves out rows that an earlier row made impossible"));
    }
    let how = How {
        page_size: args.page_size,
        skip: args.on_error == OnRowError::Skip,
        append: args.append.then(|| args.on_duplicate.map_or_else(OnDuplicate::default, Into::into)),
    };
    let (report, plan) = fill(&args.store, how, context, |holds| {
        let plan = plan(args, holds, &beside(&args.store))?;
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

/// Creates or opens a store, and then makes the plan, which may depend on what the store holds, and fills the store with
/// its files.
pub fn fill(
    path: &Path,
    how: How,
    context: &Context<'_>,
    plan: impl FnOnce(Option<Holds>) -> Result<Plan, Failure>,
) -> Result<(Report, Plan), Failure> {
    let begin = Instant::now();
    let before = fs::symlink_metadata(path).ok();
    let db = match open(path, how, context) {
        Ok(db) => db,
        Err(error) => {
            // A creation that failed half-way, for example on a full disk, leaves no file behind either.
            undo(path, before.as_ref());
            return Err(error.into());
        }
    };
    let filled = holds(&db, how).and_then(plan).and_then(|plan| {
        let report = load_plan(db, path, &plan, how, context)?;
        Ok((Report { seconds: begin.elapsed().as_secs_f64(), ..report }, plan))
    });
    filled.inspect_err(|_| undo(path, before.as_ref()))
}

fn open(path: &Path, how: How, context: &Context<'_>) -> Result<Database, OpenError> {
    let options = store::creating(context.global, how.page_size);
    match how.append {
        None => options.create(path),
        Some(_) => options.memory_budget(memory(how, context)).open(path),
    }
}

/// Bytes for rows that wait; what is appended needs as much again for changes.
fn memory(how: How, context: &Context<'_>) -> usize {
    let all = context.global.memory.unwrap_or(BulkOptions::default().memory_budget);
    if how.append.is_some() { all / 2 } else { all }
}

/// What is in a store that is appended to.
fn holds(db: &Database, how: How) -> Result<Option<Holds>, Failure> {
    if how.append.is_none() {
        return Ok(None);
    }
    let snapshot = db.begin_read()?;
    Ok(Some(Holds { nodes: snapshot.node_count() > 0, keys: snapshot.keyed_count() > 0 }))
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

fn load_plan(
    db: Database,
    path: &Path,
    plan: &Plan,
    how: How,
    context: &Context<'_>,
) -> Result<Report, Failure> {
    let bar = progress::bar(context.global, "reading rows");
    let bulk = load(plan, how.skip, |words| BulkOptions {
        ids: if words { IdMode::Key } else { IdMode::Auto },
        ..options(path, plan, how, context, &bar)
    });
    let loaded = bulk.and_then(|bulk| db.begin_write()?.load(bulk).map_err(|e| failed(plan, &e)));
    bar.finish_and_clear();
    let load = loaded?;
    let (held, backend) = (db.begin_read()?.edge_count(), db.device_info().backend);
    db.close()?;
    let bytes = fs::metadata(path).map_err(|e| Failure::new(format!("{}: {e}", path.display())))?.len();
    Ok(Report { load, held, seconds: 0.0, bytes, backend, appended: how.append.is_some() })
}

fn options(path: &Path, plan: &Plan, how: How, context: &Context<'_>, bar: &ProgressBar) -> BulkOptions {
    let bar = bar.clone();
    let mut last = None;
    BulkOptions {
        memory_budget: memory(how, context),
        temp_dir: Some(beside(path)),
        on_error: if how.skip { OnError::Skip } else { OnError::Stop },
        on_duplicate: how.append,
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
        ..BulkOptions::default()
    }
}

/// Prints what an import did.
pub fn print(report: &Report, plan: &Plan, context: &mut Context<'_>) -> Result<(), Failure> {
    let Report { load, held, seconds, bytes, backend, appended } = report;
    for row in &load.first_rejected {
        context.out.note(format_args!("rejected: {}", rejected(plan, row.place, &row.problem)));
    }
    let more = load.rejected.saturating_sub(load.first_rejected.len() as u64);
    if more > 0 {
        context.out.note(format_args!("rejected: {more} more"));
    }
    let rate = if *seconds > 0.0 { load.edges as f64 / seconds } else { 0.0 };
    let per_edge = (*held > 0).then(|| *bytes as f64 / *held as f64);
    if context.out.is_json() {
        let mut object = json!({
            "nodes": load.nodes,
            "edges": load.edges,
            "rejected": load.rejected,
            "seconds": seconds,
            "edges_per_second": rate,
            "bytes": bytes,
            "bytes_per_edge": per_edge,
            "backend": backend,
        });
        if *appended {
            object["skipped"] = load.skipped.into();
            object["updated"] = load.updated.into();
        }
        return context.out.object(&object);
    }
    let per_edge = per_edge.map_or("-".to_owned(), |bytes| format!("{bytes:.2}"));
    let mut table = vec![
        ("nodes".into(), thousands(load.nodes)),
        ("edges".into(), thousands(load.edges)),
        ("rejected".into(), thousands(load.rejected)),
    ];
    if *appended {
        table.push(("skipped".into(), thousands(load.skipped)));
        table.push(("updated".into(), thousands(load.updated)));
    }
    table.extend([
        ("seconds".into(), format!("{seconds:.3}")),
        ("edges a second".into(), thousands(rate as u64)),
        ("bytes".into(), thousands(*bytes)),
        ("bytes an edge".into(), per_edge),
        ("backend".into(), (*backend).into()),
    ]);
    context.out.table(&table)
}
