//! Damage to the log (PAGER L): a store that was killed while its log held commits, with bytes of it changed, missing or
//! replaced, opens with a prefix of those commits, or says that the log is damaged where that is proven (L3). Never a
//! panic, never another record, nothing of another store or of an earlier life of the log; and what opened works on.
//!
//! | file | holds |
//! |---|---|
//! | `store` | stores with a log, the graph after each of their commits, and how a damaged one is judged |
//! | `frame` | groups and root records made by hand, with valid checksums |
//! | `bytes` | every byte flipped; zeroed and cut from every sector on |
//! | `stale` | logs of other stores, and of earlier lives of the same store |
//! | `forged` | groups whose checksums hold and whose contents cannot be |
//! | `roots` | root records whose log start is forged |
//!
//! A log of small groups is flipped at every byte. In a long one every 17th byte of the long records is, from a place
//! that the seed chooses; the campaign flips all of them and forges more: `FOLIOGRAPH_CAMPAIGN=log-damage
//! FOLIOGRAPH_COUNT=1000000 FOLIOGRAPH_SEED=8 cargo test -p tests --test suite log_damage -- --nocapture`.

mod bytes;
mod forged;
mod frame;
mod roots;
mod stale;
mod store;

/// How many random states the campaign asks for, if it is this one.
fn campaign() -> Option<u64> {
    let wanted = crate::harness::campaign("log-damage");
    let count = std::env::var("FOLIOGRAPH_COUNT").ok().filter(|_| wanted);
    count.map(|n| n.parse().expect("a number of states"))
}
