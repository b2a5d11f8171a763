//! Random histories against a graph in memory, on every device (I5, I6).
//!
//! A history is drawn from a seed that is printed: `FOLIOGRAPH_SEED` replays it, `FOLIOGRAPH_MODEL_CASES` asks for more
//! of them. After each commit everything is compared: both directions, properties, keys, counts, indexes, what is asked by
//! value; snapshots are compared when they are let go of, many commits later; `check` at each closing. A history that
//! fails is shrunk and printed: it belongs into `regressions` then, with what it was.

mod ask;
mod compare;
mod controls;
mod graph;
mod history;
mod hub;
mod indexes;
mod regressions;
mod run;

use crate::harness::{Device, seed};
use history::histories;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use run::run;

/// So many histories of up to so many steps. The first seed of each device is its own.
fn random_histories(device: Device, cases: u32, steps: usize) {
    if !device.runs_here() {
        return;
    }
    let cases = match std::env::var("FOLIOGRAPH_MODEL_CASES") {
        Ok(text) => text.parse().expect("FOLIOGRAPH_MODEL_CASES is a number"),
        Err(_) => cases,
    };
    let seed = seed(0xf0110 + device as u64);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&histories(steps), |history| run(device, &history).map_err(TestCaseError::fail));
    match result {
        Ok(()) => {}
        // `{:?}` of the history is what `regressions` takes.
        Err(TestError::Fail(why, history)) => panic!("{device:?}, seed {seed}: {why}\n{history:?}"),
        Err(abort) => panic!("{device:?}, seed {seed}: {abort}"),
    }
}

#[test]
fn histories_in_memory() {
    random_histories(Device::Memory, 1_200, 60);
}

#[test]
fn long_histories_in_memory() {
    random_histories(Device::Memory, 8, 600);
}

#[test]
fn histories_on_a_simulated_disk() {
    random_histories(Device::Simulated, 300, 60);
}

#[cfg(feature = "file")]
#[test]
fn histories_in_a_file() {
    random_histories(Device::File, 16, 60);
}

#[cfg(feature = "mmap")]
#[test]
fn histories_in_a_map() {
    random_histories(Device::Mmap, 16, 60);
}

#[cfg(feature = "uring")]
#[test]
fn histories_through_a_ring() {
    random_histories(Device::Uring, 16, 60);
}
