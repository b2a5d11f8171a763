//! `bench`: reads, scans, writes and commits on this disk, for every backend compiled in, side by side.
//!
//! Must always be true: a store that was named is opened for reading only and never written, not even to recover it; what
//! is made here is gone at the end, also after an error; a backend that cannot run here is a column that says why, and
//! the backend that is active stands in the output. The backends take turns, for disks and machines drift.

mod column;
mod graph;
mod measure;
mod report;

use std::path::Path;

use foliograph::storage_core::device::DeviceErrorKind;
use foliograph::{Backend, OpenError, Options};

use super::Context;
use crate::args::BenchArgs;
use crate::failure::Failure;
use crate::{progress, sink, store, svg};
use column::{Column, Running};
use graph::Graph;
use measure::{Measure, Pace};
use report::Report;

/// Runs `bench`.
pub fn run(args: &BenchArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    if let (Some(svg), Some(store)) = (&args.svg, &args.store) {
        sink::refuse_store(svg, store)?;
    }
    let report = match &args.store {
        Some(store) => of_store(store, args, context)?,
        None => of_own(args, context)?,
    };
    if let Some(path) = &args.svg {
        svg::write(path, &svg::bars::draw(&report.chart()))?;
    }
    if context.out.is_json() {
        return context.out.object(&report.to_json());
    }
    report.lines().into_iter().try_for_each(|line| context.out.line(line))
}

/// Reads of a store that is there.
fn of_store(path: &Path, args: &BenchArgs, context: &Context<'_>) -> Result<Report, Failure> {
    let mut columns = columns(context, |options, _| {
        let db = options.read_only(true).open_existing(path)?;
        Ok(Running::new(db, None))
    })?;
    let mut measure = Measure::new(&mut columns, pace(args, context));
    measure.reads()?;
    let rows = measure.finish();
    let graph = format!("{}; it is only read: writes and commits are left out", path.display());
    Report::new(graph, context.global.direct, rows, &columns)
}

/// Everything, on stores of our own.
fn of_own(args: &BenchArgs, context: &Context<'_>) -> Result<Report, Failure> {
    let failed = |e| Failure::new(format!("cannot make a directory in {}: {e}", args.dir.display()));
    let dir = tempfile::Builder::new().prefix("foliograph-bench").tempdir_in(&args.dir).map_err(failed)?;
    let measured = measure_own(dir.path(), args, context);
    let removed = dir.close();
    let report = measured?;
    removed.map_err(|e| Failure::new(format!("cannot remove what was measured: {e}")))?;
    Ok(report)
}

fn measure_own(dir: &Path, args: &BenchArgs, context: &Context<'_>) -> Result<Report, Failure> {
    let pace = pace(args, context);
    pace.bar.set_message("making a graph");
    let graph = Graph::of_scale(args.scale);
    let mut columns = columns(context, |options, backend| {
        let path = |what: &str| dir.join(format!("{backend}-{what}.folio"));
        let db = options.clone().create(path("graph"))?;
        let floor = options.create(path("floor"))?;
        Ok(Running::new(db, Some(floor)))
    })?;
    let mut measure = Measure::new(&mut columns, pace);
    measure.load(&graph, dir)?;
    measure.reads()?;
    measure.writes()?;
    let rows = measure.finish();
    let about = format!("made for this, 2^{} nodes, degrees by a power law", args.scale);
    let report = Report::new(about, context.global.direct, rows, &columns);
    columns.into_iter().try_for_each(Column::close)?;
    report
}

fn pace(args: &BenchArgs, context: &Context<'_>) -> Pace {
    Pace { rounds: args.rounds, bar: progress::bar(context.global, "opening") }
}

/// A column for each backend, or for the one that was asked for. That none can run is an error.
fn columns(
    context: &Context<'_>,
    open: impl Fn(Options, Backend) -> Result<Running, OpenError>,
) -> Result<Vec<Column>, Failure> {
    let chosen = context.global.backend.as_ref();
    let backends = chosen.map_or(Backend::COMPILED, std::slice::from_ref);
    let mut columns = Vec::new();
    let mut refused = None;
    for backend in backends {
        let options = store::options(context.global).backend(*backend);
        let state = match open(options, *backend) {
            Ok(running) => Ok(running),
            Err(error) if cannot_run(&error) => {
                let why = error.to_string();
                refused = Some(error);
                Err(why)
            }
            Err(error) => return Err(error.into()),
        };
        columns.push(Column { backend: *backend, state });
    }
    match refused {
        Some(error) if columns.iter().all(|column| column.state.is_err()) => Err(error.into()),
        _ => Ok(columns),
    }
}

/// Whether that is no matter of the store, but of the backend and this machine.
fn cannot_run(error: &OpenError) -> bool {
    error.device().is_some_and(|e| e.kind() == DeviceErrorKind::Unsupported)
}
