//! `export`: nodes and edges into files or to stdout.
//!
//! A file that is there is overwritten; one that could not be written whole is removed.

use std::io::Write;
use std::path::Path;

use foliograph::export::{
    ExportError, Losses, Written, table_losses, write_dot, write_edge_list, write_edges, write_graphml,
    write_json_edges, write_json_nodes, write_nodes,
};
use foliograph::import::Dialect;
use foliograph::{ReadError, Snapshot};
use serde_json::json;

use super::{Context, snapshot};
use crate::args::{ExportArgs, ExportFormat};
use crate::failure::Failure;
use crate::progress::Watched;
use crate::sink::{refuse_store, write_to};

/// What goes into one file.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Part {
    Nodes,
    Edges,
    /// Nodes, and then edges.
    All,
}

/// Runs `export`.
pub fn run(args: &ExportArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let targets = targets(args)?;
    for (path, ..) in &targets {
        refuse_store(path, &args.store)?;
    }
    let snapshot = snapshot(context, &args.store)?;
    let (mut nodes, mut edges) = (None, None);
    for (path, part, format) in &targets {
        let written = export(path, *part, *format, args.lossy, &snapshot, context)?;
        if *part != Part::Edges || written.nodes > 0 {
            nodes = Some(written.nodes);
        }
        if *part != Part::Nodes {
            edges = Some(written.edges);
        }
        if !written.losses.is_empty() {
            context.out.note(format_args!("dropped: {}", written.losses));
        }
    }
    let to_stdout = targets.iter().any(|(path, ..)| *path == Path::new("-"));
    if context.out.is_json() && !to_stdout {
        return context.out.object(&json!({ "nodes": nodes, "edges": edges }));
    }
    Ok(())
}

/// Which file gets what, and how.
fn targets(args: &ExportArgs) -> Result<Vec<(&Path, Part, ExportFormat)>, Failure> {
    use ExportFormat::{Csv, Dot, Edgelist, Graphml, Jsonl, Tsv};
    let format = |path: &Path, default| args.format.or_else(|| by_name(path)).unwrap_or(default);
    let targets = match (args.file.as_deref(), args.nodes.as_deref(), args.edges.as_deref()) {
        (Some(file), ..) => vec![(file, Part::All, format(file, Jsonl))],
        (None, None, None) => {
            return Err(Failure::usage("nothing to export")
                .hint("say where with --nodes FILE, --edges FILE, or both; or FILE alone for jsonl, graphml and dot"));
        }
        (None, Some(nodes), Some(edges)) if nodes == edges => vec![(nodes, Part::All, format(nodes, Tsv))],
        (None, nodes, edges) => {
            let nodes = nodes.map(|path| (path, Part::Nodes, format(path, Tsv)));
            nodes.into_iter().chain(edges.map(|path| (path, Part::Edges, format(path, Tsv)))).collect()
        }
    };
    for (_, part, format) in &targets {
        match (format, part) {
            (Edgelist, Part::Nodes) => {
                return Err(Failure::usage("an edge list has no nodes of its own").hint("use --edges alone"));
            }
            (Csv | Tsv, Part::All) => {
                return Err(Failure::usage("nodes and edges cannot go to the same file").hint(
                    "csv and tsv have a file for each: --nodes FILE --edges FILE; jsonl takes both in one",
                ));
            }
            (Graphml | Dot, Part::Edges) if targets.len() > 1 => {
                return Err(Failure::usage("GraphML and DOT hold nodes and edges in one file")
                    .hint("name it once: foliograph export STORE FILE"));
            }
            _ => {}
        }
    }
    Ok(targets)
}

/// The format that a file's name says.
fn by_name(path: &Path) -> Option<ExportFormat> {
    Some(match path.extension()?.to_str()? {
        "csv" => ExportFormat::Csv,
        "tsv" => ExportFormat::Tsv,
        "el" | "edgelist" | "txt" => ExportFormat::Edgelist,
        "jsonl" | "ndjson" => ExportFormat::Jsonl,
        "graphml" | "xml" => ExportFormat::Graphml,
        "dot" | "gv" => ExportFormat::Dot,
        _ => return None,
    })
}

/// Writes one file. GraphML and DOT declare the nodes that edges connect, so edges come with all nodes.
fn export(
    path: &Path,
    part: Part,
    format: ExportFormat,
    lossy: bool,
    snapshot: &Snapshot,
    context: &mut Context<'_>,
) -> Result<Written, Failure> {
    let (nodes, edges) = (snapshot.node_count(), snapshot.edge_count());
    let source = &Watched::new(snapshot, context.global, (nodes + edges) * 2);
    let with_edges = part != Part::Nodes;
    let written = to(path, context, |out| match (format, part) {
        (ExportFormat::Csv | ExportFormat::Tsv, Part::Nodes) => {
            let nodes = write_nodes(source, dialect(format), out)?;
            Ok(Written { nodes, edges: 0, losses: Losses::default() })
        }
        (ExportFormat::Csv | ExportFormat::Tsv, _) => {
            let edges = write_edges(source, dialect(format), out)?;
            Ok(Written { nodes: 0, edges, losses: table_losses(snapshot) })
        }
        (ExportFormat::Edgelist, _) => {
            let (edges, losses) = write_edge_list(source, lossy, out)?;
            Ok(Written { nodes: 0, edges, losses })
        }
        (ExportFormat::Jsonl, _) => {
            let nodes = if part == Part::Edges { 0 } else { write_json_nodes(source, &mut *out)? };
            let edges = if part == Part::Nodes { 0 } else { write_json_edges(source, &mut *out)? };
            Ok(Written { nodes, edges, losses: Losses::default() })
        }
        (ExportFormat::Graphml, _) => write_graphml(source, with_edges, lossy, out),
        (ExportFormat::Dot, _) => write_dot(source, with_edges, lossy, out),
    });
    source.done();
    written
}

fn dialect(format: ExportFormat) -> Dialect {
    match format {
        ExportFormat::Csv => Dialect::Csv(b','),
        _ => Dialect::Tsv,
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
            Failure::new(&error).hint("--lossy leaves it out; jsonl, csv and tsv hold everything")
        }
        ExportError::TooLong { .. } => Failure::new(format_args!("{where_to}: {error}")),
        other => Failure::new(other),
    }
}
