//! Rounds of killing: apply, kill, look, and again, always the same store.

use super::story::lines_in;
use super::victim::{Place, Victim, runs_here, spin};
use foliograph::storage_core::device::sim::Rng;
use rstest::rstest;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Rounds for each backend and durability.
const ROUNDS: u64 = 40;

fn rounds() -> u64 {
    let campaign = std::env::var("FOLIOGRAPH_CAMPAIGN").is_ok_and(|what| what == "kill");
    match std::env::var("FOLIOGRAPH_COUNT") {
        Ok(count) if campaign => count.parse().expect("FOLIOGRAPH_COUNT is a number"),
        _ => ROUNDS,
    }
}

fn seed(default: u64) -> u64 {
    let seed = std::env::var("FOLIOGRAPH_SEED").map_or(default, |text| text.parse().expect("a number"));
    eprintln!("seed {seed} (FOLIOGRAPH_SEED={seed} makes the same choices)");
    seed
}

/// What is counted, so that one sees that all sorts of moments were hit.
#[derive(Default, Debug)]
struct Tally {
    lines: u64,
    /// Kills before anything was acknowledged.
    early: u64,
    /// Kills of processes that only open and recover.
    opening: u64,
    /// Lines that were there though nobody was told.
    unheard: u64,
    /// Acknowledged lines that a kill took (relaxed).
    lost: u64,
}

struct Killing {
    place: Place,
    durability: &'static str,
    rng: Rng,
    /// Lines that the store is known to hold.
    lines: u64,
    tally: Tally,
}

impl Killing {
    /// One process applies for a while and is killed; then, sometimes, others that only open the store.
    fn round(&mut self, number: u64) {
        let every = [1, 1, 3, 10][self.rng.index(4)];
        let (every_word, begin) = (every.to_string(), self.lines);
        let log = if self.rng.chance(3, 4) { "512KiB" } else { "4MiB" };
        let options = ["--log-size", log, "--memory", "256KiB", "--cache", "16p", "--page-size", "4096"];
        let words = ["--durability", self.durability, "--commit-every", &every_word];
        let words: Vec<&str> = options.into_iter().chain(words).collect();
        let mut victim = Victim::apply(&self.place, &words, begin);
        let wanted = if self.rng.chance(1, 5) { 0 } else { self.rng.below(60) };
        let mut acknowledged = 0;
        for _ in 0..wanted {
            acknowledged = victim.hear();
        }
        // From nothing to some commits' time; from the start of a process to its opening.
        spin(1 << self.rng.below(21));
        let (_, last) = victim.kill();
        acknowledged = last.unwrap_or(acknowledged);
        self.tally.early += u64::from(acknowledged == 0);
        for _ in 0..self.rng.below(3) {
            self.kill_while_opening(&options);
        }
        self.look(number, begin, acknowledged, every);
    }

    fn kill_while_opening(&mut self, options: &[&str]) {
        self.place.wait_for_lock();
        let words: Vec<&str> = ["-"].iter().chain(options).copied().collect();
        let victim = Victim::of(&self.place, "apply", &words);
        spin(1 << self.rng.below(21));
        victim.kill();
        self.tally.opening += 1;
    }

    /// The store opens, and holds the story up to a commit: one that nobody has to miss.
    fn look(&mut self, number: u64, begin: u64, acknowledged: u64, every: u64) {
        // A copy mostly: then the next process finds the log as the kill left it.
        let db = if number % 4 == 3 { self.place.open() } else { self.place.open_copy() };
        let lines = lines_in(&db);
        assert!(lines >= begin, "what was there before is gone: {lines} of {begin} lines");
        assert_eq!((lines - begin) % every, 0, "a part of a commit of {every} lines is there");
        let told = begin + acknowledged;
        if self.durability == "relaxed" {
            self.tally.lost += told.saturating_sub(lines);
        } else {
            assert!(lines >= told, "acknowledged and gone: {lines} lines of {told}");
        }
        self.tally.unheard += lines.saturating_sub(told);
        if number % 4 >= 2 {
            assert_eq!(db.check().expect("checked").findings, []);
        }
        db.close().expect("closed");
        self.tally.lines += lines - begin;
        self.lines = lines;
    }
}

#[rstest]
fn a_process_that_is_killed_again_and_again_loses_nothing_that_it_acknowledged(
    #[values("file", "mmap", "uring")] backend: &'static str,
    #[values("full", "checkpoint", "relaxed")] durability: &'static str,
) {
    if !runs_here(backend) {
        return;
    }
    let since = Instant::now();
    let rng = Rng::new(seed(0xdead + backend.len() as u64 * 16 + durability.len() as u64));
    let place = Place::new(backend);
    let mut killing = Killing { place, durability, rng, lines: 0, tally: Tally::default() };
    let rounds = rounds();
    for number in 0..rounds {
        killing.round(number);
    }
    let (tally, replayed) = (&killing.tally, killing.place.replayed.load(Ordering::Relaxed));
    let time = since.elapsed();
    eprintln!("{backend}, {durability}: {rounds} rounds in {time:.1?}, {replayed} replayed, {tally:?}");
    assert!(tally.lines > 0, "something was written in all that time");
    assert_eq!(replayed > 0, durability != "checkpoint", "commits were done again where there is a log");
    let db = killing.place.open();
    assert_eq!(lines_in(&db), killing.lines);
    db.close().expect("closed");
}
