//! Crash states on the simulated disk (I2, I3, I4): whatever a power cut leaves, the store opens, holds exactly what was
//! acknowledged and the commit under way wholly or not at all, is whole, and goes on.
//!
//! | file | holds |
//! |---|---|
//! | `histories`, `logged`, `indexed` | the catalogue of small histories |
//! | `long` | long random ones |
//! | `record` | runs a history once, and keeps journal and graphs |
//! | `model`, `indexes` | the graph in memory, and its property indexes |
//! | `states` | names and makes states |
//! | `digest` | tells states apart by their bytes |
//! | `trial` | goes through the states |
//! | `oracle` | what must be true of one |
//!
//! A failing state is printed with its name; `FOLIOGRAPH_CRASH=name` tries just that one again (test `replay`), and
//! `FOLIOGRAPH_SEED` moves all random ones.
//!
//! # The campaign
//!
//! Any number of random states of long histories; one in ten of them crashes again while it recovers, and once more while
//! it recovers from that. Each history has a seed of its own, counted from `FOLIOGRAPH_SEED`. Ten million:
//!
//! ```text
//! FOLIOGRAPH_CAMPAIGN=crash FOLIOGRAPH_COUNT=10000000 cargo test -p tests --test suite crash::campaign -- --nocapture
//! ```

mod digest;
mod histories;
mod indexed;
pub mod indexes;
mod logged;
pub mod long;
pub mod model;
mod oracle;
mod record;
mod states;
mod trial;

use crate::harness;
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::planted::{self, Bug};
use histories::CATALOGUE;
use rstest::rstest;
use states::{Landing, Name, tell};
use std::time::Instant;
use trial::{Tally, Trial};

fn say(what: &str, tally: &Tally, since: Instant) {
    let (each, took) = (since.elapsed().as_micros() as u64 / tally.opened.max(1), since.elapsed());
    eprintln!(
        "{what}: {} points, {} states, {:?} crashes again, {} opened, at most {} units, {took:.1?}, {each} µs each",
        tally.points, tally.states, tally.again, tally.opened, tally.most_units
    );
}

#[rstest]
#[case::create("create")]
#[case::first_commit("first-commit")]
#[case::add_nodes("add-nodes")]
#[case::add_edges("add-edges")]
#[case::hub("hub")]
#[case::delete("delete")]
#[case::delete_all("delete-all")]
#[case::overflow("overflow")]
#[case::update("update")]
#[case::early_flush("early-flush")]
#[case::abort_then_commit("abort-then-commit")]
#[case::savepoints("savepoints")]
#[case::savepoints_flushed("savepoints-flushed")]
#[case::savepoints_beside("savepoints-beside")]
#[case::renames("renames")]
#[case::close_and_trim("close-and-trim")]
#[case::reopen_and_write("reopen-and-write")]
#[case::kill_and_write("kill-and-write")]
#[case::parallel_edges("parallel-edges")]
#[case::log_commit("log-commit")]
#[case::group_commit("group-commit")]
#[case::relaxed("relaxed")]
#[case::checkpoint_commits("checkpoint-commits")]
#[case::checkpoint_beside("checkpoint-beside")]
#[case::two_checkpoints("two-checkpoints")]
#[case::log_growth("log-growth")]
#[case::log_recycling("log-recycling")]
#[case::great_record("great-record")]
#[case::flush_after_log("flush-after-log")]
#[case::flush_beside("flush-beside")]
#[case::abort_beside("abort-beside")]
#[case::bulk_load("bulk-load")]
#[case::compact("compact")]
#[case::kill_and_replay("kill-and-replay")]
#[case::held_snapshot("held-snapshot")]
#[case::log_of_nothing("log-of-nothing")]
#[case::given_up("given-up")]
#[case::index_over_data("index-over-data")]
#[case::index_in_log("index-in-log")]
#[case::index_unique("index-unique")]
#[case::index_dropped("index-dropped")]
#[case::index_on_pages("index-on-pages")]
#[case::index_beside("index-beside")]
#[case::index_of_hub("index-of-hub")]
#[case::index_compacted("index-compacted")]
#[case::index_flushed("index-flushed")]
fn every_crash_point_of_a_small_history_is_survived(#[case] name: &str) {
    let since = Instant::now();
    let recorded = tell(name);
    let mut trial = Trial::new(name, &recorded);
    trial.every_point();
    assert!(trial.tally.points > 10 && trial.tally.opened >= 10, "{:?}", trial.tally);
    say(name, &trial.tally, since);
}

/// Random states of long histories of their own seeds, from `first` on, until there are `wanted`.
fn random_states(first: u64, wanted: u64, each: u64, nested: u64) -> Tally {
    let (since, mut all, mut last) = (Instant::now(), Tally::default(), 0);
    for seed in first.. {
        if all.states >= wanted {
            eprintln!("histories of seeds {first}..{seed}");
            break;
        }
        let (name, mut rng) = (format!("long-{seed}"), Rng::new(seed ^ 0x5EED));
        let recorded = tell(&name);
        let mut trial = Trial::new(&name, &recorded);
        trial.random(each.min(wanted), nested, &mut rng);
        all.add(&trial.tally);
        if all.states / 100_000 > last {
            last = all.states / 100_000;
            say(&format!("long histories up to seed {seed}"), &all, since);
        }
    }
    say("long histories", &all, since);
    all
}

#[rstest]
fn random_states_of_long_histories_are_survived(#[values(0, 1, 2, 3)] quarter: u64) {
    let first = harness::seed(2).wrapping_add(quarter << 32);
    let tally = random_states(first, 25_000, 250, 16);
    assert!(tally.again[1] > 500, "{tally:?}");
}

#[test]
fn crashes_in_the_recovery_of_a_crash_in_recovery_are_survived() {
    let since = Instant::now();
    let mut rng = Rng::new(harness::seed(3));
    let mut all = Tally::default();
    for history in CATALOGUE {
        let recorded = tell(history.name);
        let mut trial = Trial::new(history.name, &recorded);
        trial.random(250, 1, &mut rng);
        all.add(&trial.tally);
    }
    say("second and third crashes", &all, since);
    assert!(all.again[1] > 3_000, "{all:?}");
}

/// The first crash state of a small history that is not survived, with bugs that are armed on this thread.
pub fn first_failure(history: &str) -> Option<String> {
    std::panic::catch_unwind(|| {
        let recorded = tell(history);
        Trial::new(history, &recorded).every_point();
    })
    .err()
    .map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[rstest]
#[case::meta_before_sync(Bug::MetaBeforeSync)]
#[case::reuse_live_page(Bug::ReuseLivePage)]
#[case::map_forgets_pages(Bug::MapForgetsPages)]
fn a_planted_bug_is_noticed(#[case] bug: Bug) {
    assert_eq!(first_failure("first-commit"), None, "without the bug");
    let failure = planted::with(bug, || first_failure("delete"));
    eprintln!(
        "{bug:?}: {}",
        failure.as_deref().and_then(|text| text.lines().next()).unwrap_or("not noticed")
    );
    assert!(failure.is_some(), "{bug:?} is not noticed");
}

/// The state that `FOLIOGRAPH_CRASH` names; without it, that a name leads back to the state it was made of.
#[test]
fn replay() {
    if let Ok(name) = std::env::var("FOLIOGRAPH_CRASH") {
        trial::replay(&name);
        return;
    }
    let recorded = tell("reopen-and-write");
    for (life, state) in [0, 1, 3].into_iter().flat_map(|life| {
        let states = recorded.lives[life].journal.states();
        states.filter(|state| state.pending.count() > 2).map(move |state| (life, state)).take(3)
    }) {
        for landing in [Landing::Mask(5), Landing::Whole(8), Landing::Corner(2), Landing::Torn(99)] {
            let name = Name::new("reopen-and-write", life, &state.point, landing);
            assert_eq!(Name::parse(&name.to_string()), Some(name.clone()));
            let again = tell(&name.history);
            let point = name.point(&again.lives[life].journal);
            let pending = again.lives[life].journal.state(&point);
            assert_eq!(point.marks(), state.point.marks());
            assert_eq!(landing.image(&pending), landing.image(&state.pending), "{name}");
        }
    }
}

/// Any number of random states; see the module's head.
#[test]
fn campaign() {
    let wanted = harness::campaign("crash");
    let count =
        std::env::var("FOLIOGRAPH_COUNT").map_or(1_000_000, |n| n.parse().expect("a number of states"));
    let count = if wanted { count } else { 500 };
    assert!(random_states(harness::seed(4_000_000), count, 400, 10).states >= count);
}
