//! Everything at once for a while: writers, readers, checkpoints, compaction, backups, on every device, with little of
//! everything: a cache of 16 pages, the smallest log, a small budget for changes, so that checkpoints, recycling of the
//! log, early flushes and waiting for room all happen. That they did is counted, and asserted.
//!
//! What must hold in every snapshot, whatever runs: accounts have a fixed sum; every edge is there from both ends and adds
//! up to what its ends say; two counters are equal; a snapshot that is read again, much later, is the same. At the end the
//! store is what a model in memory says, closed, opened again, and checked.
//!
//! `FOLIOGRAPH_SOAK` says for how many seconds: 60 without it in CI, else 10. All devices run at the same time. An hour:
//!
//! ```text
//! FOLIOGRAPH_SOAK=3600 cargo test -p tests --test suite soak:: -- --nocapture
//! ```

mod bank;
mod readers;
mod writers;

use crate::harness::{Bench, Device, seed};
use bank::{Model, open_bank};
use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::device::{OpenOptions, PageDevice};
use foliograph::{Database, Options, PageSize};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const LOG: u64 = 512 << 10;
const BUDGET: usize = 128 << 10;

/// What has happened, so that a soak in which nothing happens fails.
#[derive(Debug, Default)]
struct Counts {
    commits: AtomicU64,
    aborts: AtomicU64,
    /// Transactions that outgrew their budget, and so were durable in pages at once.
    outgrown: AtomicU64,
    /// Times that a writer met a log that was three quarters full.
    tight: AtomicU64,
    /// Checkpoints that were asked for, besides those of the thread.
    asked: AtomicU64,
    /// Times that the log's start came back to an extent that it had left.
    recycled: AtomicU64,
    compactions: AtomicU64,
    snapshots: AtomicU64,
    /// Snapshots that were read again after they were held.
    again: AtomicU64,
    /// Stores as a kill would have left them, recovered and found whole.
    kills: AtomicU64,
    /// Backups that were made beside all this, opened and found whole.
    backups: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counts {
    fn of(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}

/// What the threads of one soak share.
struct Soak {
    db: Database,
    model: Mutex<Model>,
    counts: Counts,
    end: AtomicBool,
    /// The bytes below, where they are in memory.
    memory: Option<MemoryStore>,
}

impl Soak {
    fn goes_on(&self) -> bool {
        !self.end.load(Ordering::Relaxed)
    }
}

type Counter = fn(&Counts) -> &AtomicU64;

fn seconds() -> u64 {
    let required = ["CI", "FOLIOGRAPH_REQUIRE"].iter().any(|name| std::env::var_os(name).is_some());
    match std::env::var("FOLIOGRAPH_SOAK") {
        Ok(text) => text.parse().expect("FOLIOGRAPH_SOAK is a number of seconds"),
        Err(_) => [10, 60][usize::from(required)],
    }
}

#[test]
fn readers_writers_checkpoints_and_compaction_at_once_on_every_device() {
    let (time, seed) = (Duration::from_secs(seconds()), seed(0x50a4));
    let devices = [Device::File, Device::Mmap, Device::Uring, Device::Memory];
    let devices: Vec<Device> = devices.into_iter().filter(|device| device.runs_here()).collect();
    let all: Vec<Counts> = std::thread::scope(|scope| {
        let run = |device| scope.spawn(move || soak(device, seed + device as u64, time));
        let threads: Vec<_> = devices.into_iter().map(run).collect();
        // What went wrong is said; here it is enough that something did.
        threads.into_iter().map(|thread| thread.join().expect("a soak failed")).collect()
    });
    let rare: [(&str, Counter); 6] = [
        ("transactions that outgrew their budget", |counts| &counts.outgrown),
        ("times that the log was tight", |counts| &counts.tight),
        ("times that the log came round", |counts| &counts.recycled),
        ("compactions", |counts| &counts.compactions),
        ("looks at a kill", |counts| &counts.kills),
        ("backups", |counts| &counts.backups),
    ];
    for (what, counter) in rare {
        let number: u64 = all.iter().map(|counts| Counts::of(counter(counts))).sum();
        assert!(number > 0 || time.as_secs() < 5, "no {what} in {time:?}");
    }
}

fn soak(device: Device, seed: u64, time: Duration) -> Counts {
    let mut bench = Bench::new(device, PageSize::K4, 16);
    let interval = Some(Duration::from_millis(200));
    bench.options = bench.options.clone().log_limit(LOG).memory_budget(BUDGET).checkpoint_interval(interval);
    let memory = (device == Device::Memory).then(|| MemoryStore::new(Vec::new()));
    let open = |create: bool| match &memory {
        Some(store) => over(store, create, &bench.options),
        None if create => bench.create(),
        None => bench.open(),
    };
    let db = open(true);
    let model = Mutex::new(open_bank(&db));
    let (counts, end) = (Counts::default(), AtomicBool::new(false));
    let soak = Arc::new(Soak { db, model, counts, end, memory: memory.clone() });
    run(&soak, seed, time);
    let Soak { db, model, counts, .. } = Arc::into_inner(soak).expect("all threads have ended");
    let model = model.into_inner().expect("nobody panicked");
    expect_busy(device, &db, &counts, time);
    model.expect_in(&db);
    db.close().expect("closed");
    let db = open(false);
    assert!(db.pager().durable_meta().log.extents.is_empty(), "closed: there is no log");
    model.expect_in(&db);
    assert_eq!(db.check().expect("checked").findings, []);
    db.compact().expect("compacted");
    model.expect_in(&db);
    let pages = db.pager().device().page_count().get();
    assert!(pages < 2048, "{device:?}: {pages} pages of 4 KiB for a few hundred nodes");
    assert_eq!(db.check().expect("checked").findings, []);
    db.close().expect("closed");
    counts
}

fn over(store: &MemoryStore, create: bool, options: &Options) -> Database {
    let how = if create { OpenOptions::create(PageSize::K4) } else { OpenOptions::open() };
    let device: Arc<dyn PageDevice> = Arc::new(MemoryDevice::open(store, &how).expect("a store"));
    let db = if create { options.create_device(device) } else { options.open_device(device) };
    db.expect("opens")
}

type Work = fn(&Soak, Rng);

fn run(soak: &Arc<Soak>, seed: u64, time: Duration) {
    let work: [Work; 6] =
        [writers::write, writers::write, writers::write_in_groups, readers::read, readers::read, keep_house];
    let threads = work.into_iter().enumerate().map(|(n, work)| {
        let soak = soak.clone();
        std::thread::spawn(move || {
            let rng = Rng::new(seed * 100 + n as u64);
            // One that fails ends them all.
            let _end = EndAll(&soak.end);
            work(&soak, rng);
        })
    });
    let threads: Vec<_> = threads.collect();
    let since = Instant::now();
    while since.elapsed() < time && soak.goes_on() {
        std::thread::sleep(Duration::from_millis(50));
    }
    soak.end.store(true, Ordering::Relaxed);
    let limit = Instant::now() + Duration::from_secs(120);
    while !threads.iter().all(|thread| thread.is_finished()) {
        assert!(Instant::now() < limit, "a thread hangs: it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

struct EndAll<'a>(&'a AtomicBool);

impl Drop for EndAll<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Checkpoints, compactions, flushes, all of them seldom, for else the thread has nothing to do; and in memory a look at
/// what a kill would leave.
fn keep_house(soak: &Soak, mut rng: Rng) {
    let Soak { db, counts, .. } = soak;
    let mut left = Vec::new();
    while soak.goes_on() {
        match rng.below(200) {
            0..8 => {
                if let Some(checkpoint) = db.begin_checkpoint().expect("begun") {
                    checkpoint.finish().expect("durable");
                }
                count(&counts.asked);
            }
            8 => {
                db.checkpoint().expect("durable");
                count(&counts.asked);
            }
            9 => {
                db.compact().expect("compacted");
                count(&counts.compactions);
            }
            10..13 => db.flush().expect("flushed"),
            13..16 => assert_eq!(db.check().expect("checked").findings, []),
            16..30 => look_at_a_kill(soak),
            30..33 => back_up(soak),
            _ => {}
        }
        let log = db.pager().durable_meta().log;
        if let Some(first) = log.extents.first() {
            let start = (log.salt, first.first);
            if let Some(at) = left.iter().position(|place| *place == start)
                && at + 1 < left.len()
            {
                count(&counts.recycled);
                left.remove(at);
            }
            if left.last() != Some(&start) {
                left.push(start);
            }
        }
        std::thread::sleep(Duration::from_millis(rng.below(20)));
    }
}

fn look_at_a_kill(soak: &Soak) {
    let Some(memory) = &soak.memory else { return };
    let copy = MemoryStore::new(memory.image());
    let db = over(&copy, false, &Options::new().background(false).cache_pages(16));
    bank::expect_sound(&db.begin_read().expect("a snapshot"));
    assert_eq!(db.check().expect("checked").findings, []);
    count(&soak.counts.kills);
}

/// A backup holds at least what could be seen before it began.
fn back_up(soak: &Soak) {
    let seen = soak.db.begin_read().expect("a snapshot").version();
    let copy = MemoryStore::new(Vec::new());
    let to = MemoryDevice::open(&copy, &OpenOptions::create(PageSize::K4)).expect("a new store");
    let to: Arc<dyn PageDevice> = Arc::new(to);
    soak.db.backup_device(&to, &mut |_| true).expect("backed up");
    to.close().expect("closed");
    let db = over(&copy, false, &Options::new().background(false).cache_pages(16));
    let snapshot = db.begin_read().expect("a snapshot");
    assert!(snapshot.version() >= seen, "version {} of {seen}", snapshot.version());
    bank::expect_sound(&snapshot);
    assert_eq!(db.check().expect("checked").findings, []);
    count(&soak.counts.backups);
}

fn expect_busy(device: Device, db: &Database, counts: &Counts, time: Duration) {
    let stats = db.pager().stats();
    let (log, generation) = (stats.log, stats.meta.generation);
    eprintln!("{device:?}, {time:?}: {generation} root records, {log:?}, {counts:?}");
    assert!(log.bytes <= LOG, "the log has a limit");
    let busy = [
        ("commits", Counts::of(&counts.commits)),
        ("aborts", Counts::of(&counts.aborts)),
        ("checkpoints", Counts::of(&counts.asked)),
        ("snapshots", Counts::of(&counts.snapshots)),
        ("snapshots read again", Counts::of(&counts.again)),
        ("root records", generation.saturating_sub(10)),
        ("commits that shared a group", log.commits.saturating_sub(log.groups)),
    ];
    for (what, number) in busy {
        assert!(number > 0 || time.as_secs() < 5, "{device:?}: no {what} in {time:?}");
    }
}
