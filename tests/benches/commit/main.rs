//! What a commit costs, against its floor, on each backend: one table. The active backend stands in every line.
//!
//! The floor is the device's bare `write_durable` of one page to a written extent, on a file beside the store, on the same
//! disk. Store and floor take turns within one run, a few hundred operations each, for a shared disk drifts: only the
//! ratios mean something. The graph has 100,000 nodes and 400,000 edges; every commit adds edges between random nodes.
//!
//! `cargo bench -p benches --bench commit -- [--quick] [--backend NAME]`

mod floor;
mod load;

use floor::Floor;
use foliograph::{Backend, Database, Durability};
use load::{Busy, add_edges, add_edges_as, store};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many operations make a turn, and how many turns there are.
#[derive(Copy, Clone)]
struct Size {
    turn: usize,
    turns: usize,
}

/// Times of single operations.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn take(&mut self, operation: impl FnOnce()) {
        let since = Instant::now();
        operation();
        self.0.push(since.elapsed());
    }

    /// Only if it met the other thread at work.
    fn take_beside(&mut self, busy: &Busy, operation: impl FnOnce()) {
        let (before, since) = (busy.is_at_work(), Instant::now());
        operation();
        let time = since.elapsed();
        if before || busy.is_at_work() {
            self.0.push(time);
        }
    }

    fn total(&self) -> f64 {
        self.0.iter().sum::<Duration>().as_secs_f64()
    }

    fn quantile(&mut self, part: f64) -> f64 {
        self.0.sort_unstable();
        let at = ((self.0.len() - 1) as f64 * part) as usize;
        self.0[at].as_secs_f64() * 1e6
    }

    fn rate(&self) -> f64 {
        self.0.len() as f64 / self.total()
    }
}

fn line(backend: &str, what: &str, figures: &str) {
    println!("| {backend} | {what} | {figures} |");
}

/// One-edge commits: each waits for its durable write.
fn one_edge(db: &Database, floor: &Floor, size: Size) {
    let (mut commits, mut bare) = (Times::default(), Times::default());
    let mut seed = 1;
    for _ in 0..size.turns {
        for _ in 0..size.turn {
            bare.take(|| floor.write());
        }
        for _ in 0..size.turn {
            seed += 1;
            commits.take(|| add_edges(db, seed, 1));
        }
    }
    let figures = format!(
        "{:.0} commits/s, median {:.0} µs, p99 {:.0} µs; floor {:.0}/s, {:.0} µs, {:.0} µs; **{:.2}** of the floor",
        commits.rate(),
        commits.quantile(0.5),
        commits.quantile(0.99),
        bare.rate(),
        bare.quantile(0.5),
        bare.quantile(0.99),
        commits.rate() / bare.rate(),
    );
    line(floor.backend(), "one edge a commit, one thread", &figures);
}

/// One-edge commits that nobody waits for, until all are durable: how many of them come to a durable write.
fn relaxed(db: &Database, floor: &Floor, size: Size) {
    let (mut commits, before) = (Times::default(), db.pager().stats());
    let (since, count) = (Instant::now(), size.turn * size.turns * 4);
    for n in 0..count {
        commits.take(|| add_edges_as(db, 600_000_000 + n as u64, 1, Durability::Relaxed));
    }
    db.flush().expect("durable");
    let (took, after) = (since.elapsed(), db.pager().stats());
    let figures = format!(
        "**{:.0}** commits/s, median {:.1} µs, p99 {:.0} µs, most {:.0} µs; {} durable writes, {} roots",
        count as f64 / took.as_secs_f64(),
        commits.quantile(0.5),
        commits.quantile(0.99),
        commits.quantile(1.0),
        after.log.groups - before.log.groups,
        after.meta.generation - before.meta.generation,
    );
    line(floor.backend(), "one edge a commit, nobody waits", &figures);
}

/// Eight threads: commits a durable write, against a bare leader/follower loop on the floor's file.
fn eight_threads(db: &Database, floor: &Floor, size: Size) {
    const THREADS: usize = 8;
    let (mut ours, mut bare) = (Duration::ZERO, Duration::ZERO);
    let before = db.stats().expect("counted").log;
    let count = size.turn * size.turns / 4;
    for turn in 0..4 {
        let since = Instant::now();
        let next = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while next.fetch_add(1, Ordering::Relaxed) < count as u64 {
                        floor.commit();
                    }
                });
            }
        });
        bare += since.elapsed();
        let since = Instant::now();
        let next = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= count as u64 {
                            break;
                        }
                        add_edges(db, 1_000_000 * (turn + 1) + n, 1);
                    }
                });
            }
        });
        ours += since.elapsed();
    }
    let log = db.stats().expect("counted").log;
    let (groups, commits) = (log.groups - before.groups, log.commits - before.commits);
    let figures = format!(
        "{:.0} commits/s, **{:.1}** commits a durable write; bare loop {:.0}/s; **{:.2}** of it",
        4.0 * count as f64 / ours.as_secs_f64(),
        commits as f64 / groups as f64,
        4.0 * count as f64 / bare.as_secs_f64(),
        bare.as_secs_f64() / ours.as_secs_f64(),
    );
    line(floor.backend(), "one edge a commit, eight threads", &figures);
}

fn hundred_edges(db: &Database, floor: &Floor, size: Size) {
    let mut commits = Times::default();
    for n in 0..size.turn * size.turns / 4 {
        commits.take(|| add_edges(db, 77_000_000 + n as u64, 100));
    }
    let figures = format!(
        "**{:.0}** edges/s, median {:.0} µs, p99 {:.0} µs a commit",
        commits.rate() * 100.0,
        commits.quantile(0.5),
        commits.quantile(0.99)
    );
    line(floor.backend(), "100 edges a commit, one thread", &figures);
}

/// One-edge commits while checkpoints run one after the other; the floor meets as many page writes and syncs.
fn beside_checkpoints(db: &Database, floor: &Floor, size: Size) {
    let (mut commits, mut bare) = (Times::default(), Times::default());
    let mut seed = 500_000_000;
    let (mut checkpoints, mut pages) = (0, 0);
    for _ in 0..size.turns {
        let busy = Busy::checkpoints(db);
        for _ in 0..size.turn {
            seed += 1;
            commits.take_beside(&busy, || add_edges(db, seed, 1));
        }
        let done = busy.stop();
        let each = done.pages / done.rounds.max(1);
        (checkpoints, pages) = (checkpoints + done.rounds, pages + done.pages);
        let busy = floor.checkpoints(each);
        for _ in 0..size.turn {
            bare.take_beside(&busy, || floor.write());
        }
        busy.stop();
    }
    let (p99, floor_p99) = (commits.quantile(0.99), bare.quantile(0.99));
    let figures = format!(
        "p99 {p99:.0} µs, median {:.0} µs, over {checkpoints} checkpoints of {} pages; floor under the same writes p99 \
         {floor_p99:.0} µs, median {:.0} µs; **{:.2}** of the floor's p99",
        commits.quantile(0.5),
        pages / checkpoints.max(1),
        bare.quantile(0.5),
        p99 / floor_p99
    );
    line(floor.backend(), "one edge a commit, beside checkpoints", &figures);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|a| a == "--quick");
    let only = arguments.iter().position(|a| a == "--backend").and_then(|i| arguments.get(i + 1));
    let size = if quick { Size { turn: 250, turns: 8 } } else { Size { turn: 500, turns: 24 } };
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    println!("| backend | what | measured |\n|---|---|---|");
    for backend in Backend::COMPILED {
        if only.is_some_and(|name| *name != backend.to_string()) {
            continue;
        }
        let dir = tempfile::tempdir_in(&target).expect("target/ can be written");
        let db = match store(*backend, &dir.path().join("store.folio")) {
            Ok(db) => db,
            Err(e) => {
                eprintln!("!!!!! {backend} is left out: {e}");
                continue;
            }
        };
        let floor = Floor::beside(&db, &dir.path().join("floor.folio"));
        one_edge(&db, &floor, size);
        eight_threads(&db, &floor, size);
        hundred_edges(&db, &floor, size);
        beside_checkpoints(&db, &floor, size);
        relaxed(&db, &floor, size);
        let report = db.check().expect("checked");
        assert!(report.findings.is_empty(), "{report:?}");
        db.close().expect("closed");
    }
}
