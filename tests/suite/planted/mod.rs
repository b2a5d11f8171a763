//! Each planted bug is caught, so that we know that the suites can catch it; and the same stories without a bug are
//! clean, so that we know that it was the bug.
//!
//! | file | stories |
//! |---|---|
//! | `order` | the order of writes, as a recorded device sees it; the device suite |
//! | `states` | crash states of a small history, with a graph |
//! | `roots` | damage to one copy of a root record, also after a crash between the two (R4) |
//! | `reading` | held snapshots, lost writes, what the cache holds |
//! | `log` | crash states of stories through the log; damage to it; a device that fails; threads |
//!
//! [`catchers`] says which story catches which bug: there is none without one. A bug that a second fence hides is armed
//! together with that one's, and those alone show nothing of the sort. The test prints after how many states, calls or steps each was caught.

mod log;
mod order;
mod reading;
mod roots;
mod states;

use crate::traces::guarded;
use foliograph::storage_core::planted::{self, Bug};
use foliograph::{Durability, Options, PageSize};
use std::collections::BTreeMap;
use std::time::Instant;

/// When a story noticed that something is wrong, and what.
#[derive(Debug)]
pub struct Caught {
    after: u64,
    why: String,
}

/// A story told with these bugs armed: how many states, calls or steps it went through, or after how many it noticed.
type Story = fn(&[Bug]) -> Result<u64, Caught>;

/// A story, its name, and the bugs that are armed beside.
struct Catcher {
    name: &'static str,
    story: Story,
    beside: &'static [Bug],
}

const fn by(name: &'static str, story: Story) -> Catcher {
    Catcher { name, story, beside: &[] }
}

/// What catches a bug. There is an answer for every bug, or this does not compile; and [`Bug::ALL`] has every bug.
fn catchers(bug: Bug) -> Vec<Catcher> {
    match bug {
        Bug::IndexBeforeWrite => {
            vec![by("order: named first", order::named_first), by("device suite", order::device_suite)]
        }
        Bug::MetaBeforeSync => vec![
            by("order: not durable", order::not_durable),
            by("device suite", order::device_suite),
            by("crash states of a graph", states::crash_states),
            by("crash states: checkpoints beside commits", log::checkpoints),
        ],
        Bug::ReuseLivePage => vec![
            by("order: live page", order::live_page),
            by("device suite", order::device_suite),
            by("crash states of a graph", states::crash_states),
        ],
        Bug::MapForgetsPages => vec![
            by("crash states of a graph", states::crash_states),
            by("crash states: checkpoints beside commits", log::checkpoints),
        ],
        Bug::MapNotInRoot => vec![
            by("crash states: checkpoints beside commits", log::checkpoints),
            by("long values through the log", log::long_values),
        ],
        Bug::OneMetaCopy => vec![by("one copy of a root damaged", roots::damage_after_commits)],
        Bug::TornCopyStays => vec![by("one copy damaged after a crash", roots::damage_after_recovery)],
        Bug::PinsIgnored => vec![
            by("held snapshots", reading::held_snapshots),
            by("snapshots held over checkpoints", reading::held_over_checkpoints),
        ],
        Bug::ChecksumNotCompared => vec![by("damaged pages", reading::damaged_pages)],
        Bug::CheckNotCompared => vec![by("lost writes", reading::lost_writes)],
        Bug::StaleCache => vec![
            by("what the cache holds", reading::cached_after_a_new_life),
            // The check of a reference keeps a stale page from being handed out (V3).
            Catcher { name: "warm reads", story: reading::warm_reads, beside: &[Bug::CheckNotCompared] },
        ],
        Bug::AckBeforeDurable => vec![by("crash states: groups", log::groups)],
        Bug::FollowerWokenEarly => vec![by("a follower while its group is in flight", log::follower)],
        Bug::FailedGroupPublished => vec![by("a device that fails: what readers see", log::failed_group)],
        Bug::SwallowedError => vec![by("a device that fails: what is acknowledged", log::failed_group)],
        Bug::RelaxedBeforeFull => {
            vec![by("what readers saw is there after a crash", log::relaxed_behind_full)]
        }
        Bug::ExtentNotLinked => vec![by("crash states: the log goes round", log::ring)],
        Bug::LengthNotDurable => vec![by("crash states: groups", log::groups)],
        Bug::SaltKept => vec![
            by("a life after damage, with the same commit: dead groups replayed", log::same_after_damage),
            by("a life after damage, with another commit: false corruption", log::other_after_damage),
        ],
        Bug::LifeWithoutRoot => {
            vec![by("crash states: groups", log::groups), by("crash states: lives", log::lives)]
        }
        Bug::RecycledEarly => {
            vec![by("crash states: a full log beside a checkpoint", log::full_beside_checkpoint)]
        }
        Bug::LogStartLate => vec![by("crash states: checkpoints beside commits", log::checkpoints)],
        Bug::NewestInsteadOfDurable => {
            vec![by("crash states: a checkpoint beside what nobody waits for", log::checkpoint_of_relaxed)]
        }
        Bug::ChangesForgotten => vec![by("long values through the log", log::long_values)],
        Bug::ChainNotMarked => vec![by("crash states: lives", log::lives)],
        Bug::ChainNotCompared => vec![
            by("crash states: the log goes round, opened so", log::ring_opened),
            by("a life after damage, with another commit: dead groups replayed", log::other_after_damage),
        ],
        Bug::NoTestForLaterGroups => vec![by("every group damaged in turn", log::damaged_groups)],
    }
}

/// The options of stories that have nothing to do with the log: every commit is a checkpoint.
fn options() -> Options {
    let options = Options::new().page_size(PageSize::K4).cache_pages(16).memory_budget(8 << 10);
    options.background(false).durability(Durability::Checkpoint)
}

/// Runs with bugs armed on this thread.
fn arm<R>(bugs: &[Bug], body: impl FnOnce() -> R) -> R {
    match bugs.split_first() {
        Some((bug, rest)) => planted::with(*bug, || arm(rest, body)),
        None => body(),
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Every story that catches something tells nothing without a bug.
#[test]
fn the_stories_that_catch_are_clean_without_a_bug() {
    let mut stories = BTreeMap::new();
    for bug in Bug::ALL {
        for catcher in catchers(*bug) {
            // What the bugs beside show by themselves, this bug need not have shown.
            stories.insert(catcher.name, catcher.story);
        }
    }
    for (name, story) in stories {
        let since = Instant::now();
        match story(&[]) {
            Ok(states) => eprintln!("no bug: {name}: {states} steps are clean, {:.1?}", since.elapsed()),
            Err(caught) => panic!("no bug, {name}: {caught:?}"),
        }
    }
}

#[test]
fn every_planted_bug_is_caught() {
    for (nth, bug) in Bug::ALL.iter().enumerate() {
        assert_eq!(*bug as usize, nth, "all of them, in order");
        let catchers = catchers(*bug);
        assert!(!catchers.is_empty(), "{bug:?} has nobody who catches it");
        for Catcher { name, story, beside } in catchers {
            let since = Instant::now();
            let armed: Vec<Bug> = beside.iter().copied().chain([*bug]).collect();
            let caught = story(&armed).expect_err(&format!("{armed:?}: not caught by {name}"));
            let (why, after) = (caught.why.lines().next().unwrap_or("?").to_owned(), caught.after);
            eprintln!("{armed:?}: caught by {name} after {after} steps, {:.1?}: {why}", since.elapsed());
        }
    }
}

/// A story of which only the first wrong step counts.
fn caught<T>(after: u64, body: impl FnOnce() -> Result<T, String>) -> Result<T, Caught> {
    guarded(body).map_err(|why| Caught { after, why })
}
