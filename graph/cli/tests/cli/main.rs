//! The command, from outside: what `foliograph` promises to whoever calls it, held against the built binary.
//!
//! | module | tells |
//! |---|---|
//! | `run` | how the binary is run here: with a time limit, and never a panic, a backtrace or a second `error:` line |
//! | `place` | stores on a real disk, backends that run here, data that is here |
//! | `commands` | each command's good answers, word by word |
//! | `algo` | algorithms over the whole graph against reference results, and their lines |
//! | `naming` | how nodes are named, and what an ambiguous name says |
//! | `calling` | options, exit codes, stdin and stdout, pipes that break |
//! | `tables` | what csv, tsv and edge lists say |
//! | `formats` | export and import as inverses, with every format; formats that only leave |
//! | `append` | rows that are added to what is there, and those that are there already |
//! | `apply` | changes as JSON lines |
//! | `bad_input` | bad rows and files: a clear error, and nothing is lost |
//! | `bad_place` | bad stores and places: no store, a newer one, one in use, read-only, a full disk |
//! | `damage` | a damaged store, through every command |
//! | `bench` | what is measured, and that it leaves nothing behind |
//! | `indexes` | property indexes, and what is asked through them |
//! | `log_damage` | a store that was killed, with a log that is torn or damaged |
//! | `log` | `wal`, stores that need recovery, and `backup` |
//! | `rescue` | what is saved of a damaged store, and given back of a loose one |
//! | `real` | real graphs with reference results, on every backend |
//! | `readme` | what README says works |
#![allow(missing_docs, reason = "tests tell their story in their names")]

mod algo;
mod append;
mod apply;
mod bad_input;
mod bad_place;
mod bench;
mod calling;
mod commands;
mod damage;
mod formats;
mod indexes;
mod log;
mod log_damage;
mod naming;
mod place;
mod readme;
mod real;
mod rescue;
mod run;
mod tables;
