//! The n-th call fails: each device call of a history in turn, once or from there on for ever, in every way that a call
//! can fail; on the simulated disk, and on the real devices through the wrapper that fails by a plan.
//!
//! The normal run tries every call of the history (on real devices, and in the rarer ways, every few). A campaign tries
//! every call in the ways that the normal run samples, with other seeds for what a fault leaves open (which pages of a
//! batch were written, what a failed sync lost, where the power went):
//!
//! ```text
//! FOLIOGRAPH_CAMPAIGN=faults FOLIOGRAPH_SEED=7 cargo test -p tests --test suite nth_fault -- --nocapture
//! ```
//!
//! What must hold is said in `run.rs`; the history is in `stories.rs`. A failure names story, rule and seed.

mod known;
mod run;
mod stories;

use crate::harness::{self, Device, seed};
use foliograph::storage_core::device::Operation;
use foliograph::storage_core::device::faults::{Fault, FaultRule};
use run::Disk;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use stories::{HISTORY, MIXED, Start, Story, mixed_start, starts};

/// A run that takes this long hangs: others take milliseconds.
const HANGS: Duration = Duration::from_secs(120);

const OPERATIONS: [Operation; 7] = [
    Operation::Grow,
    Operation::Shrink,
    Operation::Read,
    Operation::Write,
    Operation::WriteDurable,
    Operation::Sync,
    Operation::Close,
];

fn campaign() -> bool {
    harness::campaign("faults")
}

/// What a sweep did.
#[derive(Default)]
struct Swept {
    runs: u64,
    quiet: u64,
    over: u64,
}

/// Makes a run, and what must hold after it; how many calls told nobody, and whether it ended early; `None` if no fault
/// fired. In a thread that is waited for, so that a hang is a failure with a name.
fn watched(
    story: &'static Story,
    start: &'static Start,
    device: Option<Device>,
    rule: FaultRule,
    seed: u64,
) -> Option<(u64, bool)> {
    let (send, receive) = channel();
    let thread = std::thread::spawn(move || {
        let disk = match device {
            None => Disk::simulated(start.image.as_ref(), seed),
            Some(device) => Disk::real(device, start.image.as_ref().expect("not the first story"), seed),
        };
        let (run, told) = story.tell(start, disk, Some(rule));
        let seen = run.fired().then_some((run.quiet, told.is_err()));
        run.verify(seed);
        send.send(seen)
    });
    let name = || format!("{} {device:?} {rule:?} seed {seed}", story.name);
    match receive.recv_timeout(HANGS) {
        Ok(done) => done,
        Err(RecvTimeoutError::Timeout) => panic!("{}: it hangs", name()),
        Err(RecvTimeoutError::Disconnected) => {
            let _ = thread.join();
            panic!("{}: see the panic above", name());
        }
    }
}

/// Fails the n-th call that the rule counts, for each n (or each `step`th) until no fault fires.
fn sweep(
    story: &'static Story,
    start: &'static Start,
    device: Option<Device>,
    step: u64,
    rule: impl Fn(u64) -> FaultRule,
) -> Swept {
    let seed = std::env::var("FOLIOGRAPH_SEED").map_or(1, |s| s.parse().expect("a number"));
    let step = if campaign() { 1 } else { step };
    let mut swept = Swept::default();
    for n in (1..).step_by(step as usize) {
        let Some((quiet, over)) = watched(story, start, device, rule(n), seed ^ n << 16) else { break };
        swept.runs += 1;
        swept.quiet += quiet;
        swept.over += u64::from(over);
    }
    swept
}

/// All stories of the history on the simulated disk.
fn history(
    what: &str,
    on: &[Option<Operation>],
    step: u64,
    rule: impl Fn(Option<Operation>, u64) -> FaultRule,
) {
    seed(1);
    let begun = Instant::now();
    let mut all = Swept::default();
    for (story, start) in HISTORY.iter().zip(starts()) {
        for on in on {
            let begun = Instant::now();
            let swept = sweep(story, start, None, step, |n| rule(*on, n));
            eprintln!("{what}: {}, {on:?}: {} runs, {:.1?}", story.name, swept.runs, begun.elapsed());
            all.runs += swept.runs;
            all.quiet += swept.quiet;
            all.over += swept.over;
        }
    }
    let Swept { runs, quiet, over } = all;
    let time = begun.elapsed();
    eprintln!("{what}: {runs} runs, {over} ended early, {quiet} calls told nobody, {time:.1?}");
    assert!(runs > 0, "{what}: something failed");
}

fn each() -> [Option<Operation>; 7] {
    OPERATIONS.map(Some)
}

#[test]
fn each_call_of_a_history_fails_once() {
    history("once", &each(), 1, |on, n| FaultRule::once(on, n, Fault::Io));
}

#[test]
fn the_device_disappears_at_each_call() {
    history("disappears", &[None], 1, |_, n| FaultRule::from_then_on(None, n, Fault::Io));
}

#[test]
fn from_each_call_on_its_kind_fails_for_ever() {
    let on = [Operation::Read, Operation::Grow, Operation::Shrink, Operation::Close].map(Some);
    history("for ever", &on, 3, |on, n| FaultRule::from_then_on(on, n, Fault::Io));
}

#[test]
fn transfers_stop_half_way() {
    let on = [Operation::Read, Operation::Write, Operation::WriteDurable].map(Some);
    history("short", &on, 3, |on, n| FaultRule::once(on, n, Fault::Short));
}

#[test]
fn the_disk_is_full_at_each_call() {
    let on = [Operation::Grow, Operation::Write, Operation::WriteDurable].map(Some);
    history("full", &on, 2, |on, n| FaultRule::once(on, n, Fault::DiskFull));
    history("stays full", &on[..1], 1, |on, n| FaultRule::from_then_on(on, n, Fault::DiskFull));
}

#[test]
fn each_call_on_real_devices_fails_once_and_for_ever() {
    for device in Device::REAL.into_iter().filter(|device| device.runs_here()) {
        let begun = Instant::now();
        let sweep =
            |step, rule: &dyn Fn(u64) -> FaultRule| sweep(&MIXED, mixed_start(), Some(device), step, rule);
        let once: u64 =
            OPERATIONS.iter().map(|on| sweep(5, &|n| FaultRule::once(*on, n, Fault::Io)).runs).sum();
        let gone = sweep(5, &|n| FaultRule::from_then_on(None, n, Fault::Io)).runs;
        let transfers = [Operation::Read, Operation::Write, Operation::WriteDurable].into_iter();
        let short: u64 = transfers.map(|on| sweep(9, &|n| FaultRule::once(on, n, Fault::Short)).runs).sum();
        eprintln!("{device:?}: {once} once, {gone} for ever, {short} short, {:.1?}", begun.elapsed());
        assert!(once > 40 && gone > 40, "calls all over the story were tried");
    }
}
