//! `demo`: builds a store from the graph that is embedded in the binary, and shows the commands at work on it.
//!
//! The graph is the packages of Debian bookworm and what they depend on: see `data/README.md`.

mod questions;

use std::path::Path;

use clap::Parser;
use serde_json::json;

use super::{Context, import};
use crate::args::{Cli, Command, DemoArgs};
use crate::failure::Failure;
use crate::input::file::InputFile;
use crate::input::plan::embedded;
use questions::Answer;

const NODES: &[u8] = include_bytes!("../../../data/debian-nodes.tsv.xz");
const EDGES: &[u8] = include_bytes!("../../../data/debian-edges.tsv.xz");

/// What is shown: what it is good for, and the command behind `foliograph`; `STORE` stands for the store.
const SHOWN: [(&str, &[&str]); 9] = [
    ("What it holds, and how its pages are used:", &["stats", "STORE"]),
    ("One package:", &["get", "STORE", "package/curl"]),
    (
        "What it depends on, with the version each edge asks for:",
        &["neighbors", "STORE", "package/curl", "--type", "depends", "--properties"],
    ),
    (
        "How many packages depend on the C library:",
        &["degree", "STORE", "package/libc6", "--type", "depends", "--direction", "in"],
    ),
    ("How far its dependencies reach:", &["bfs", "STORE", "package/curl", "--type", "depends", "--summary"]),
    (
        "A shortest path from a browser to the compression library:",
        &["path", "STORE", "package/firefox-esr", "package/xz-utils", "--direction", "both"],
    ),
    (
        "Large packages of one section:",
        &["nodes", "STORE", "--label", "package", "--where", "section=games", "--where", "size>500000000"],
    ),
    ("A page of the store, decoded:", &["page", "STORE", "1"]),
    ("Whether everything is as it should be:", &["check", "STORE"]),
];

/// Runs `demo`.
pub fn run(args: &DemoArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::new(format!("cannot make a temporary directory: {e}"));
    let (temporary, path) = match &args.store {
        Some(path) => (None, path.clone()),
        None => {
            let dir = tempfile::Builder::new().prefix("foliograph-demo").tempdir().map_err(failed)?;
            let path = dir.path().join("debian.folio");
            (Some(dir), path)
        }
    };
    let plan = embedded(
        InputFile::embedded("debian-nodes.tsv", NODES),
        InputFile::embedded("debian-edges.tsv", EDGES),
    );
    title(context, "The packages of Debian bookworm and what they depend on, into a store:")?;
    line(context, &["import", "STORE", "debian-nodes.tsv.xz", "debian-edges.tsv.xz"])?;
    let how = import::How { page_size: args.page_size, ..import::How::default() };
    let (report, plan) = import::fill(&path, how, context, |_| Ok(plan))?;
    import::print(&report, &plan, context)?;
    for (what, command) in SHOWN {
        title(context, what)?;
        line(context, command)?;
        show(&path, command, context)?;
    }
    title(context, "What an application asks, each question one query of the library:")?;
    ask(&path, context)?;
    match temporary {
        Some(dir) => {
            context.out.note("\nThe store was temporary; `foliograph demo STORE` keeps it.");
            dir.close().map_err(|e| Failure::new(format!("cannot remove the temporary directory: {e}")))
        }
        None => {
            context.out.note(format_args!("\nThe store is {}.", path.display()));
            Ok(())
        }
    }
}

fn ask(store: &Path, context: &mut Context<'_>) -> Result<(), Failure> {
    let db = crate::store::options(context.global).open_existing(store)?;
    questions::prepare(&db)?;
    for Answer { question, lines } in questions::answers(&db.begin_read()?)? {
        if context.out.is_json() {
            context.out.object(&json!({ "question": question, "answer": lines }))?;
            continue;
        }
        context.out.line(format_args!("\n  {question}"))?;
        for line in lines {
            context.out.line(format_args!("    {line}"))?;
        }
    }
    Ok(db.close()?)
}

/// With `--json` only data goes to stdout.
fn title(context: &mut Context<'_>, text: &str) -> Result<(), Failure> {
    if context.out.is_json() { Ok(()) } else { context.out.line(format_args!("\n{text}")) }
}

fn line(context: &mut Context<'_>, words: &[&str]) -> Result<(), Failure> {
    if context.out.is_json() {
        return Ok(());
    }
    let words: Vec<String> = words
        .iter()
        .map(|word| match *word {
            "STORE" => "debian.folio".to_owned(),
            word if word.contains('>') => format!("'{word}'"),
            word => word.to_owned(),
        })
        .collect();
    context.out.line(format_args!("$ foliograph {}", words.join(" ")))
}

/// Runs one of the shown commands as if it had been typed.
fn show(store: &Path, words: &[&str], context: &mut Context<'_>) -> Result<(), Failure> {
    let store = store.as_os_str();
    let words = words.iter().map(|word| if *word == "STORE" { store } else { word.as_ref() });
    let cli = Cli::try_parse_from(std::iter::once("foliograph".as_ref()).chain(words))
        .map_err(|e| Failure::new(format!("the demo's own command is wrong: {e}")))?;
    debug_assert!(!matches!(cli.command, Command::Demo(_)));
    super::run(&cli.command, &mut Context { global: context.global, out: context.out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shown_command_is_a_command() {
        for (_, words) in SHOWN {
            Cli::try_parse_from(std::iter::once(&"foliograph").chain(words)).unwrap();
        }
    }
}
