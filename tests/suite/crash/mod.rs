//! Crash states on the simulated disk (I2, I3, I4): whatever a power cut leaves, the store opens, holds exactly what was
//! acknowledged and the commit under way wholly or not at all, is whole, and goes on.
//!
//! | file | holds |
//! |---|---|
//! | `histories` | the catalogue of small histories; long random ones |
//! | `record` | runs a history once, and keeps journal and graphs |
//! | `model` | the graph in memory |
//! | `states` | names, makes and goes through the states |
//! | `oracle` | what must be true of one |
//!
//! A failing state is printed with its name; `FOLIOGRAPH_CRASH=name` tries just that one again (test `replay`), and
//! `FOLIOGRAPH_SEED` moves all random ones. The campaign runs any number of random states of long histories, with a tenth
//! of them crashing a second time: `FOLIOGRAPH_CAMPAIGN=crash FOLIOGRAPH_COUNT=1000000 cargo test -p tests --test suite
//! crash::campaign -- --nocapture`.

mod histories;
pub mod model;
mod oracle;
mod record;
mod states;

use crate::harness;
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::planted::{self, Bug};
use histories::CATALOGUE;
use rstest::rstest;
use states::{Landing, Name, Tally, Trial, tell};
use std::time::Instant;

fn say(what: &str, tally: &Tally, since: Instant) {
    let (each, took) = (since.elapsed().as_micros() as u64 / tally.states.max(1), since.elapsed());
    eprintln!(
        "{what}: {} points, {} states ({} more seen at the point before), at most {} units, {took:.1?}, {each} µs each",
        tally.points, tally.states, tally.same, tally.most_units
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
#[case::close_and_trim("close-and-trim")]
#[case::reopen_and_write("reopen-and-write")]
#[case::kill_and_write("kill-and-write")]
#[case::parallel_edges("parallel-edges")]
fn every_crash_point_of_a_small_history_is_survived(#[case] name: &str) {
    let since = Instant::now();
    let recorded = tell(name);
    let mut trial = Trial::new(name, &recorded);
    trial.every_point();
    assert!(trial.tally.points > 10 && trial.tally.states > trial.tally.points, "{:?}", trial.tally);
    say(name, &trial.tally, since);
}

#[test]
fn random_states_of_long_histories_are_survived() {
    let since = Instant::now();
    let seed = harness::seed(2);
    let (mut states, mut points) = (0, 0);
    for n in 0..40 {
        let (name, mut rng) = (format!("long-{}", seed.wrapping_add(n)), Rng::new(seed ^ (n << 32)));
        let recorded = tell(&name);
        let mut trial = Trial::new(&name, &recorded);
        trial.random(300, &mut rng);
        states += trial.tally.states;
        points += trial.tally.points;
    }
    assert!(states >= 10_000, "{states}");
    say("long histories", &Tally { states, points, ..Tally::default() }, since);
}

#[test]
fn a_second_crash_while_the_first_is_recovered_from_is_survived() {
    let since = Instant::now();
    let mut rng = Rng::new(harness::seed(3));
    let mut all = Tally::default();
    for history in CATALOGUE.iter().filter(|h| !["hub", "close-and-trim"].contains(&h.name)) {
        let recorded = tell(history.name);
        let mut trial = Trial::new(history.name, &recorded);
        trial.nested(1, 2, &mut rng);
        all.states += trial.tally.states;
    }
    assert!(all.states > 5_000, "{all:?}");
    say("second crashes", &all, since);
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
        states::replay(&name);
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
            let (again, point) = name.find();
            let pending = again.lives[life].journal.state(&point);
            assert_eq!(point.marks(), state.point.marks());
            assert_eq!(landing.image(&pending), landing.image(&state.pending), "{name}");
        }
    }
}

/// Any number of random states; see the module's head.
#[test]
fn campaign() {
    let wanted = std::env::var("FOLIOGRAPH_CAMPAIGN").is_ok_and(|what| what == "crash");
    let count =
        std::env::var("FOLIOGRAPH_COUNT").map_or(1_000_000, |n| n.parse().expect("a number of states"));
    let (count, since, seed) = (if wanted { count } else { 500 }, Instant::now(), harness::seed(4));
    let (mut all, mut last) = (Tally::default(), 0);
    for n in 0.. {
        if all.states >= count {
            break;
        }
        let history = seed.wrapping_add(n).wrapping_mul(0x9E37_79B9);
        let (name, mut rng) = (format!("long-{history}"), Rng::new(history ^ 1));
        let recorded = tell(&name);
        let mut trial = Trial::new(&name, &recorded);
        trial.random(400.min(count), &mut rng);
        if n % 5 == 0 && wanted {
            trial.nested(1, 1, &mut rng);
        }
        all.states += trial.tally.states;
        all.points += trial.tally.points;
        all.most_units = all.most_units.max(trial.tally.most_units);
        if all.states / 100_000 > last {
            last = all.states / 100_000;
            say("campaign", &all, since);
        }
    }
    assert!(all.states >= count);
    say("campaign", &all, since);
}
