//! The commands, a file each. Each takes the global options, its own arguments and where data goes.

pub mod algo;
pub mod apply;
pub mod backup;
pub mod bench;
pub mod bfs;
pub mod check;
pub mod compact;
pub mod completions;
pub mod degree;
pub mod demo;
pub mod export;
pub mod get;
pub mod import;
pub mod index;
pub mod neighbors;
pub mod nodes;
pub mod page;
pub mod pages;
pub mod path;
pub mod recover;
pub mod stats;
pub mod wal;

use foliograph::{Database, Direction, Snapshot};

use crate::args::{Command, Global, Way};
use crate::failure::Failure;
use crate::output::Output;

/// What every command gets.
pub struct Context<'a> {
    pub global: &'a Global,
    pub out: &'a mut Output,
}

/// Runs a command.
pub fn run(command: &Command, context: &mut Context<'_>) -> Result<(), Failure> {
    match command {
        Command::Import(args) => import::run(args, context),
        Command::Export(args) => export::run(args, context),
        Command::Get(args) => get::run(args, context),
        Command::Nodes(args) => nodes::run(args, context),
        Command::Neighbors(args) => neighbors::run(args, context),
        Command::Degree(args) => degree::run(args, context),
        Command::Bfs(args) => bfs::run(args, context),
        Command::Path(args) => path::run(args, context),
        Command::Algo(args) => algo::run(args, context),
        Command::Index(args) => index::run(args, context),
        Command::Stats(args) => stats::run(args, context),
        Command::Check(args) => check::run(args, context),
        Command::Pages(args) => pages::run(args, context),
        Command::Page(args) => page::run(args, context),
        Command::Wal(args) => wal::run(args, context),
        Command::Backup(args) => backup::run(args, context),
        Command::Recover(args) => recover::run(args, context),
        Command::Compact(args) => compact::run(args, context),
        Command::Apply(args) => apply::run(args, context),
        Command::Bench(args) => bench::run(args, context),
        Command::Demo(args) => demo::run(args, context),
        Command::Completions(args) => completions::run(args, context),
    }
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Out => Direction::Out,
            Way::In => Direction::In,
            Way::Both => Direction::Both,
        }
    }
}

/// A store that is open for reading, as its newest version. The store stays open as long as this lives.
pub struct Open {
    snapshot: Snapshot,
    _db: Database,
}

impl std::ops::Deref for Open {
    type Target = Snapshot;
    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

/// Opens a store for reading.
fn snapshot(context: &Context<'_>, store: &std::path::Path) -> Result<Open, Failure> {
    let db = crate::store::read(context.global, store)?;
    Ok(Open { snapshot: db.begin_read()?, _db: db })
}
