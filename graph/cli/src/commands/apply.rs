//! `apply`: changes as JSON lines, in transactions of so many lines.
//!
//! A line that cannot be applied ends it with the line's number, and nothing of its transaction stays; what was committed
//! before stays. A store that is not there is created.

use std::io::{BufRead, BufReader, Read};

use foliograph::{Database, Edge, NewNode, NodeId, WriteError, WriteTransaction};
use serde_json::json;

use super::Context;
use super::import::beside;
use crate::args::ApplyArgs;
use crate::change::{BadLine, Change, EdgeRef, NodeRef, parse_change};
use crate::failure::Failure;
use crate::input::file::InputFile;
use crate::store;

/// The longest line.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// Runs `apply`.
pub fn run(args: &ApplyArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let name = args.file.to_string_lossy();
    // stdin is read as it comes: acknowledgements are of use only while more lines follow.
    let (name, input): (String, Box<dyn Read>) = match &*name {
        "-" => ("stdin".into(), Box::new(std::io::stdin().lock())),
        path => {
            let file = InputFile::new(path, &beside(&args.store))?;
            (file.name.clone(), Box::new(file.open()?))
        }
    };
    let options = store::creating(context.global, args.page_size).durability(args.durability.into());
    let db = options.open(&args.store)?;
    let mut lines =
        Lines { reader: BufReader::with_capacity(64 << 10, input), name, line: 0, text: Vec::new() };
    let counts = apply(&db, &mut lines, args, context)?;
    db.close()?;
    if context.out.is_json() && !args.acks {
        return context.out.object(&json!({ "changes": counts.changes, "commits": counts.commits }));
    }
    context.out.note(format_args!("{} changes in {} commits", counts.changes, counts.commits));
    Ok(())
}

#[derive(Default)]
struct Counts {
    changes: u64,
    commits: u64,
}

fn apply<R: Read>(
    db: &Database,
    lines: &mut Lines<R>,
    args: &ApplyArgs,
    context: &mut Context<'_>,
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    let mut open: Option<(WriteTransaction, u64)> = None;
    while let Some(change) = lines.next()? {
        let (mut tx, in_tx) = match open.take() {
            Some(open) => open,
            None => (db.begin_write()?, 0),
        };
        one(&mut tx, change).map_err(|e| lines.at(&e))?;
        counts.changes += 1;
        if in_tx + 1 < args.commit_every {
            open = Some((tx, in_tx + 1));
            continue;
        }
        commit(tx, lines, args, context)?;
        counts.commits += 1;
    }
    if let Some((tx, _)) = open {
        commit(tx, lines, args, context)?;
        counts.commits += 1;
    }
    Ok(counts)
}

fn commit<R>(
    tx: WriteTransaction,
    lines: &Lines<R>,
    args: &ApplyArgs,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    tx.commit()?;
    if !args.acks {
        return Ok(());
    }
    if context.out.is_json() {
        context.out.object(&json!({ "committed": lines.line }))?;
    } else {
        context.out.line(format_args!("committed {}", lines.line))?;
    }
    context.out.flush()
}

/// Why a change cannot be applied.
enum Refused {
    /// Something it names is not there.
    Unknown(String),
    Write(WriteError),
}

impl<E: Into<WriteError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Refused::Write(error.into())
    }
}

fn one(tx: &mut WriteTransaction, change: Change) -> Result<(), Refused> {
    match change {
        Change::AddNode { label, key, id, props } => {
            tx.insert_node(&label, NewNode { id: id.map(NodeId), key, props })?;
        }
        Change::UpsertNode { label, key, props } => {
            tx.upsert_node(&label, key, props)?;
        }
        Change::AddEdge { edge, props } => {
            let (from, to) = (node(tx, &edge.from)?, node(tx, &edge.to)?);
            tx.insert_edge((from, &edge.edge_type, to), edge.rank, props)?;
        }
        Change::SetNode { node: named, props } => {
            let id = node(tx, &named)?;
            tx.set_all(id, props)?;
        }
        Change::SetEdge { edge: named, props } => {
            let edge = edge(tx, &named)?;
            tx.set_edge_all(edge, props)?;
        }
        Change::DeleteEdge(named) => {
            let edge = edge(tx, &named)?;
            tx.delete_edge(edge)?;
        }
        Change::DeleteNode { node: named, detach } => {
            let id = node(tx, &named)?;
            tx.delete_node(id, detach)?;
        }
        Change::EdgeType { edge_type, undirected } => tx.set_undirected(&edge_type, undirected)?,
    }
    Ok(())
}

fn node(tx: &WriteTransaction, named: &NodeRef) -> Result<NodeId, Refused> {
    let (found, name) = match named {
        NodeRef::Id(id) => {
            let id = NodeId(*id);
            (tx.contains(id)?.then_some(id), format!("@{id}"))
        }
        NodeRef::Named(label, key) => (tx.node(label, key.clone())?, format!("{label}/{key}")),
    };
    found.ok_or_else(|| Refused::Unknown(format!("no node `{name}`")))
}

fn edge(tx: &WriteTransaction, named: &EdgeRef) -> Result<Edge, Refused> {
    let (source, target) = (node(tx, &named.from)?, node(tx, &named.to)?);
    let Some(edge_type) = tx.edge_type(&named.edge_type) else {
        return Err(Refused::Unknown(format!("no edge of type `{}`", named.edge_type)));
    };
    Ok(Edge { source, edge_type, target, rank: named.rank.unwrap_or(0) })
}

/// Lines that hold changes; empty ones are skipped.
struct Lines<R> {
    reader: BufReader<R>,
    name: String,
    line: u64,
    text: Vec<u8>,
}

impl<R: Read> Lines<R> {
    fn next(&mut self) -> Result<Option<Change>, Failure> {
        loop {
            self.text.clear();
            let mut limited = self.reader.by_ref().take(MAX_LINE_BYTES + 1);
            let read = limited.read_until(b'\n', &mut self.text);
            let read = read.map_err(|e| Failure::new(format!("cannot read {}: {e}", self.name)))?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            if read as u64 > MAX_LINE_BYTES {
                let what = format!("a line longer than {MAX_LINE_BYTES} bytes");
                return Err(self.bad(&BadLine { column: 0, what, hint: "" }));
            }
            if self.line == 1 && self.text.starts_with(b"\xef\xbb\xbf") {
                self.text.drain(..3);
            }
            if self.text.trim_ascii().is_empty() {
                continue;
            }
            let text = std::str::from_utf8(&self.text).map_err(|e| {
                let at = e.valid_up_to();
                let what = format!("broken UTF-8 (byte 0x{:02x})", self.text[at]);
                self.bad(&BadLine { column: at + 1, what, hint: "input is UTF-8" })
            })?;
            return parse_change(text.trim_end()).map(Some).map_err(|bad| self.bad(&bad));
        }
    }
}

impl<R> Lines<R> {
    fn bad(&self, bad: &BadLine) -> Failure {
        let (name, line) = (&self.name, self.line);
        let message = match bad.column {
            0 => format!("{name}:{line}: {}", bad.what),
            column => format!("{name}:{line}:{column}: {}", bad.what),
        };
        Failure::new(message).hint(bad.hint)
    }

    /// A change that could not be applied.
    fn at(&self, refused: &Refused) -> Failure {
        let (name, line) = (&self.name, self.line);
        match refused {
            Refused::Unknown(what) => Failure::new(format!("{name}:{line}: {what}")),
            Refused::Write(error) => Failure::new(format!("{name}:{line}: {error}")).maybe_hint(error.hint()),
        }
    }
}
