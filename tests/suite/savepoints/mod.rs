//! Savepoints of a write transaction against a stack of graphs in memory: whatever is undone is not in the transaction, the
//! commit, the record, or a page; whatever is not undone is.
//!
//! Each story is drawn from a seed that is printed: `FOLIOGRAPH_SEED` replays it, `FOLIOGRAPH_SAVEPOINTS` asks for more of
//! them. What every device must do is told in `foliograph::conformance`, crash states in `crash`.

mod failing;
pub mod run;

use crate::harness::seed;
use run::{Seen, run};
use std::time::Instant;

#[test]
fn random_savepoints_agree_with_a_stack_of_graphs() {
    let (since, first) = (Instant::now(), seed(30));
    let count = std::env::var("FOLIOGRAPH_SAVEPOINTS").map_or(150, |n| n.parse().expect("a number"));
    let mut all = Seen::default();
    for seed in first..first + count {
        all += run(seed).unwrap_or_else(|why| panic!("FOLIOGRAPH_SEED={seed}: {why}"));
    }
    eprintln!("{count} stories: {all:?}, {:.1?}", since.elapsed());
    assert!(all.rolled_back > 5 * count && all.over_a_flush > count, "{all:?}");
    assert!(all.logged > count / 2 && all.by_checkpoint > count / 2 && all.beside > count / 4, "{all:?}");
}
