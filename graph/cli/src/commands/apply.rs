//! `apply`: changes as JSON lines, in transactions of so many lines.
//!
//! A line that cannot be applied ends it with the line's number, and nothing of its transaction stays; what was committed
//! before stays. A store that is not there is created.

use std::io::Read;

use foliograph::bulk::Place;
use foliograph::import::JsonLines;
use foliograph::{ApplyError, Database, WriteTransaction};
use serde_json::json;

use super::Context;
use super::import::beside;
use crate::args::ApplyArgs;
use crate::failure::Failure;
use crate::input::file::{InputFile, at};
use crate::store;

/// Runs `apply`.
pub fn run(args: &ApplyArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let name = args.file.to_string_lossy();
    // stdin is read as it comes: acknowledgements are of use only while more lines follow.
    let (file, input): (Option<InputFile>, Box<dyn Read>) = match &*name {
        "-" => (None, Box::new(std::io::stdin().lock())),
        path => {
            let file = InputFile::new(path, &beside(&args.store))?;
            let input = file.open()?;
            (Some(file), Box::new(input))
        }
    };
    let name = file.map_or("stdin".into(), |file| file.name);
    let options = store::creating(context.global, args.page_size).durability(args.durability.into());
    let db = options.open(&args.store)?;
    let counts = apply(&db, (&name, input), args, context)?;
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

fn apply(
    db: &Database,
    (name, input): (&str, Box<dyn Read>),
    args: &ApplyArgs,
    context: &mut Context<'_>,
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    let mut last = Place::default();
    let mut open: Option<(WriteTransaction, u64)> = None;
    for line in JsonLines::new(input, 0) {
        let (place, change) = line.map_err(|e| at(name, &e))?;
        last = place;
        let (mut tx, in_tx) = match open.take() {
            Some(open) => open,
            None => (db.begin_write()?, 0),
        };
        tx.apply(change).map_err(|e| refused(name, place, &e))?;
        counts.changes += 1;
        if in_tx + 1 < args.commit_every {
            open = Some((tx, in_tx + 1));
            continue;
        }
        commit(tx, last, args, context)?;
        counts.commits += 1;
    }
    if let Some((tx, _)) = open {
        commit(tx, last, args, context)?;
        counts.commits += 1;
    }
    Ok(counts)
}

fn commit(
    tx: WriteTransaction,
    last: Place,
    args: &ApplyArgs,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    tx.commit()?;
    if !args.acks {
        return Ok(());
    }
    if context.out.is_json() {
        context.out.object(&json!({ "committed": last.line }))?;
    } else {
        context.out.line(format_args!("committed {}", last.line))?;
    }
    context.out.flush()
}

/// A change that could not be made, with its line.
fn refused(name: &str, place: Place, error: &ApplyError) -> Failure {
    Failure::new(format!("{name}:{}: {error}", place.line)).maybe_hint(error.hint())
}
