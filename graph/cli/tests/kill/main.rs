//! Processes that are killed (SIGKILL) at random moments: while they commit, make checkpoints, open, recover, import and
//! compact. After each kill the store opens, holds what it must, and is written again by the next process.
//!
//! With `--durability` full and checkpoint every commit that was acknowledged is there; with relaxed a prefix of the
//! commits. The page cache survives a kill: what a crash of the machine does to it is told in `tests/suite/crash`.
//!
//! | module | tells |
//! |---|---|
//! | `story` | the lines that are applied, and what a store holds after so many of them |
//! | `victim` | a process that is fed lines, heard, and killed |
//! | `rounds` | rounds of killing on every backend with every durability |
//! | `others` | `import` and `compact` are killed; a second process is refused |
//!
//! What is random is which process is killed when, counted in what it has acknowledged and a short spin. A seed is
//! printed and can be given back (`FOLIOGRAPH_SEED`), but a kill hits the same instruction only by luck. More rounds:
//!
//! ```text
//! FOLIOGRAPH_CAMPAIGN=kill FOLIOGRAPH_COUNT=500 cargo test -p foliograph-cli --test kill -- --nocapture
//! ```
//!
//! makes 500 rounds for each backend and durability.
#![allow(missing_docs, reason = "tests tell their story in their names")]
#![cfg(unix)]

mod others;
mod rounds;
mod story;
mod victim;
