//! Each planted bug is caught, so that we know that the suites can catch it; and the same stories without a bug are
//! clean, so that we know that it was the bug.
//!
//! | file | stories |
//! |---|---|
//! | `order` | the order of writes, as a recorded device sees it; the device suite |
//! | `states` | crash states of a small history, with a graph |
//! | `roots` | damage to one copy of a root record, also after a crash between the two (R4) |
//! | `reading` | held snapshots, lost writes, what the cache holds |
//! | `counts` | degrees, and what `check` finds, while a hub grows over pages |
//! | `changes` | edges whose changes wait in memory: ranks, lists, commits beside a checkpoint |
//! | `indexes` | property indexes and records |
//! | `savepoints` | random savepoints, next door |
//! | `traces`, next door | the traces R1 to R11: each but R8 has a bug that brings it back |
//! | `log` | crash states of stories through the log; damage to it; a device that fails; threads |
//!
//! [`catchers`] says which story catches which bug: a bug that has none fails the test. A bug that a second fence hides is
//! armed together with that one's, and that alone shows nothing. The test prints after how many states, calls or steps
//! each was caught.

mod changes;
mod counts;
mod indexes;
mod log;
mod order;
mod reading;
mod roots;
mod savepoints;
mod states;

use crate::traces::{guarded, log::*, roots::*, versions::*};
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

/// A trace (see `traces`): its test is the story.
macro_rules! trace {
    ($test:ident) => {
        by(stringify!($test), |bugs| {
            caught(0, || {
                arm(bugs, $test);
                Ok(1)
            })
        })
    };
}

/// What catches a bug.
fn catchers(bug: Bug) -> Vec<Catcher> {
    [of_pages(bug), of_log(bug), of_traces(bug)].into_iter().flatten().collect()
}

/// Bugs that have nothing to do with the log.
fn of_pages(bug: Bug) -> Vec<Catcher> {
    match bug {
        Bug::IndexBeforeWrite => {
            vec![by("order: named first", order::named_first), by("device suite", order::device_suite)]
        }
        Bug::MetaBeforeSync => vec![
            by("order: not durable", order::not_durable),
            by("device suite", order::device_suite),
            by("crash states of a graph", states::crash_states),
        ],
        Bug::ReuseLivePage => vec![
            by("order: live page", order::live_page),
            by("device suite", order::device_suite),
            by("crash states of a graph", states::crash_states),
        ],
        Bug::MapForgetsPages => vec![by("crash states of a graph", states::crash_states)],
        Bug::OneMetaCopy => vec![by("one copy of a root damaged", roots::damage_after_commits)],
        Bug::TornCopyStays => vec![by("one copy damaged after a crash", roots::damage_after_recovery)],
        Bug::PinsIgnored => vec![
            by("held snapshots", reading::held_snapshots),
            by("snapshots held over checkpoints", reading::held_over_checkpoints),
        ],
        Bug::StaleCount => vec![
            by("degrees of a growing hub", counts::degrees),
            by("a growing hub, checked", counts::checked),
        ],
        Bug::FilterForgets => vec![by("parallel edges in memory", changes::ranks)],
        Bug::DeletedStays => vec![by("lists that are written anew", changes::written_anew)],
        Bug::PartForgotten => vec![by("commits beside a checkpoint", changes::beside_a_checkpoint)],
        Bug::HalfOfAList => vec![
            by("lists to add that are refused", changes::refused_to_add),
            by("lists to delete that are refused", changes::refused_to_delete),
        ],
        Bug::LastOneEntersNowhere => vec![by("lists both ways", changes::both_ways)],
        Bug::ChecksumNotCompared => vec![by("damaged pages", reading::damaged_pages)],
        Bug::CheckNotCompared => vec![by("lost writes", reading::lost_writes)],
        Bug::IndexEntryForgotten | Bug::UniqueNotCompared => {
            vec![by("values of an index change", indexes::changed_values)]
        }
        Bug::RollbackForgetsFreed
        | Bug::SavepointPageReused
        | Bug::SavepointNotRebased
        | Bug::UndoneInRecord => vec![by("random savepoints", savepoints::random)],
        Bug::StaleCache => vec![
            by("what the cache holds", reading::cached_after_a_new_life),
            // The check of a reference keeps a stale page from being handed out (V3).
            Catcher { name: "warm reads", story: reading::warm_reads, beside: &[Bug::CheckNotCompared] },
        ],
        _ => vec![],
    }
}

/// Stories through the log.
fn of_log(bug: Bug) -> Vec<Catcher> {
    let groups = || by("crash states: groups", log::groups);
    let lives = || by("crash states: lives", log::lives);
    let checkpoints = || by("crash states: checkpoints beside commits", log::checkpoints);
    let long_values = || by("long values through the log", log::long_values);
    let device = || by("a device that fails", log::failed_group);
    match bug {
        Bug::MetaBeforeSync | Bug::MapForgetsPages | Bug::LogStartLate => vec![checkpoints()],
        Bug::MapNotInRoot => vec![checkpoints(), long_values()],
        Bug::ChangesForgotten => vec![long_values()],
        Bug::AckBeforeDurable | Bug::LengthNotDurable => vec![groups()],
        Bug::LifeWithoutRoot => vec![groups(), lives()],
        Bug::ChainNotMarked => vec![lives()],
        Bug::FollowerWokenEarly => vec![by("a follower while its group is in flight", log::follower)],
        Bug::FailedGroupPublished | Bug::SwallowedError => vec![device()],
        Bug::RelaxedBeforeFull => vec![by("what readers saw, after a crash", log::relaxed_behind_full)],
        Bug::ExtentNotLinked => vec![by("crash states: the log goes round", log::ring)],
        Bug::RecycledEarly => vec![by("crash states: a full log", log::full_beside_checkpoint)],
        Bug::NewestInsteadOfDurable => {
            vec![by("crash states: a checkpoint of what nobody waits for", log::checkpoint_of_relaxed)]
        }
        Bug::SaltKept => vec![
            by("a life after damage, with the same commit", log::same_after_damage),
            by("a life after damage, with another commit", log::other_after_damage),
        ],
        Bug::ChainNotCompared => vec![
            by("crash states: the log goes round, opened so", log::ring_opened),
            by("a life after damage, with another commit", log::other_after_damage),
        ],
        Bug::NoTestForLaterGroups => vec![by("every group damaged in turn", log::damaged_groups)],
        _ => vec![],
    }
}

/// The traces: each but R8 has a bug that brings it back.
fn of_traces(bug: Bug) -> Vec<Catcher> {
    match bug {
        Bug::LifeWithoutRoot => vec![trace!(r1_a_commit_replayed_in_memory_is_not_lost_by_a_second_crash)],
        Bug::QueueNotFlushed => {
            vec![trace!(r2_no_group_carries_a_commit_above_one_without_a_record_before_that_is_durable)]
        }
        Bug::LinkInLastBlock => {
            vec![trace!(r3_the_group_that_fills_an_extent_is_not_the_one_that_links_the_next)]
        }
        Bug::NoTestForLaterGroups => {
            vec![trace!(r3_a_damaged_group_that_links_is_reported_and_the_log_is_not_cut_silently)]
        }
        Bug::TornCopyStays => {
            vec![trace!(r4_a_root_record_torn_by_a_crash_is_made_whole_before_it_is_trusted)]
        }
        Bug::FallsBackSilently => vec![
            trace!(r5_both_copies_of_a_root_record_damaged_is_an_error_that_offers_the_older_one),
            trace!(r5_a_new_life_whose_root_record_is_damaged_in_both_copies_is_not_forgotten),
        ],
        // The allocator is the first to notice: it is given back once more by whoever frees the page for good.
        Bug::AbortFreesOld => vec![trace!(
            r6_pages_flushed_early_over_a_dirty_committed_version_may_be_used_again_after_an_abort
        )],
        Bug::FreedBeforeTakenIn => {
            vec![trace!(r7_no_checkpoint_is_durable_of_a_version_that_is_not_published)]
        }
        Bug::RelaxedBeforeFull => vec![trace!(r9_a_relaxed_commit_shows_no_full_one_before_that_is_durable)],
        Bug::LogStartLate => {
            vec![trace!(r10_commits_queued_after_a_checkpoint_was_chosen_are_behind_its_start)]
        }
        Bug::AnyGroupProves => vec![trace!(r11_groups_before_the_start_prove_nothing)],
        _ => vec![],
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
