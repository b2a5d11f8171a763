//! `export`: nodes and edges into files or to stdout.
//!
//! A file that is there is overwritten; one that could not be written whole is removed.

use std::io::Write;
use std::path::Path;

use foliograph::export::{ExportError, write_edge_list, write_edges, write_nodes};
use foliograph::import::Dialect;
use foliograph::{ReadError, Snapshot};
use serde_json::json;

use super::{Context, snapshot};
use crate::args::{ExportArgs, ExportFormat};
use crate::failure::Failure;
use crate::sink::{refuse_store, write_to};

/// Runs `export`.
pub fn run(args: &ExportArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let (nodes, edges) = (args.nodes.as_deref(), args.edges.as_deref());
    if nodes.is_none() && edges.is_none() {
        return Err(
            Failure::usage("nothing to export").hint("say where with --nodes FILE, --edges FILE, or both")
        );
    }
    if nodes == edges {
        return Err(Failure::usage("nodes and edges cannot go to the same file"));
    }
    let format = |path: &Path| args.format.unwrap_or_else(|| by_name(path));
    if nodes.is_some_and(|path| format(path) == ExportFormat::Edgelist) {
        return Err(Failure::usage("an edge list has no nodes of its own").hint("use --edges alone"));
    }
    for path in [nodes, edges].into_iter().flatten() {
        refuse_store(path, &args.store)?;
    }
    let snapshot = snapshot(context, &args.store)?;
    let (mut written_nodes, mut written_edges) = (None, None);
    if let Some(path) = nodes {
        written_nodes = Some(to(path, context, |out| write_nodes(&*snapshot, dialect(format(path)), out))?);
    }
    if let Some(path) = edges {
        written_edges = Some(export_edges(path, format(path), args.lossy, &snapshot, context)?);
    }
    let to_stdout = [nodes, edges].contains(&Some(Path::new("-")));
    if context.out.is_json() && !to_stdout {
        return context.out.object(&json!({ "nodes": written_nodes, "edges": written_edges }));
    }
    Ok(())
}

fn export_edges(
    path: &Path,
    format: ExportFormat,
    lossy: bool,
    snapshot: &Snapshot,
    context: &mut Context<'_>,
) -> Result<u64, Failure> {
    if format != ExportFormat::Edgelist {
        return to(path, context, |out| write_edges(snapshot, dialect(format), out));
    }
    let (count, losses) = to(path, context, |out| write_edge_list(snapshot, lossy, out))?;
    if !losses.is_empty() {
        context.out.note(format_args!("dropped: {losses}"));
    }
    Ok(count)
}

/// The format that a file's name says, else tsv.
fn by_name(path: &Path) -> ExportFormat {
    match path.extension().and_then(|e| e.to_str()) {
        Some("csv") => ExportFormat::Csv,
        Some("el" | "edgelist" | "txt") => ExportFormat::Edgelist,
        _ => ExportFormat::Tsv,
    }
}

fn dialect(format: ExportFormat) -> Dialect {
    match format {
        ExportFormat::Csv => Dialect::Csv(b','),
        ExportFormat::Tsv | ExportFormat::Edgelist => Dialect::Tsv,
    }
}

/// Writes to a file, or to stdout.
fn to<T>(
    path: &Path,
    context: &mut Context<'_>,
    write: impl FnOnce(&mut dyn Write) -> Result<T, ExportError<ReadError>>,
) -> Result<T, Failure> {
    write_to(path, context.out, |out, name| write(out).map_err(|e| failed(name, e)))
}

fn failed(where_to: &str, error: ExportError<ReadError>) -> Failure {
    match error {
        ExportError::Read(error) => error.into(),
        ExportError::Write(error) => Failure::writing(where_to, &error),
        ExportError::Loses(_) => {
            Failure::new(&error).hint("--lossy leaves it out; csv and tsv hold everything")
        }
    }
}
