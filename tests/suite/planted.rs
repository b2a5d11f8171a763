//! Each planted bug is caught, so that we know that the suites can catch it; and the same histories without a bug are
//! clean, so that we know that it was the bug.
//!
//! | bug | caught by |
//! |---|---|
//! | `IndexBeforeWrite`, `MetaBeforeSync`, `ReuseLivePage` | the order of writes, as a recorded device sees it; the device suite |
//! | `MetaBeforeSync`, `ReuseLivePage`, `MapForgetsPages` | crash states |
//! | `OneMetaCopy` | damage to one copy of the root record |
//! | `TornCopyStays` | damage to one copy after a crash between the two (R4) |
//! | `PinsIgnored` | a held snapshot |
//! | `CheckNotCompared` | lost writes |
//! | `StaleCache` | what the cache holds; and wrong answers once the check of references, the fence before it, is gone too |
//!
//! Each test prints after how many states, or calls, the bug was caught.

use crate::harness::seed;
use crate::history::{self, Contents, LARGE, SMALL};
use crate::observed::{recorded, tell, tight, watch};
use foliograph::storage_core::conformance::watch::Breach;
use foliograph::storage_core::conformance::{CASES, Capability, Fixture};
use foliograph::storage_core::device::faults::{Fault, FaultRule};
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::device::sim::{Image, Journal, Rng, SimDevice};
use foliograph::storage_core::device::{DeviceErrorKind, Operation, PageDevice, Result as DeviceResult};
use foliograph::storage_core::page::{PageId, PageImage, PageKind};
use foliograph::storage_core::pager::{Pager, PagerOptions, ReadPages};
use foliograph::storage_core::planted::{self, Bug};
use foliograph::{Database, Options, PageSize};
use rstest::rstest;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

fn options() -> Options {
    Options::new().page_size(PageSize::K4).cache_pages(16).memory_budget(8 << 10)
}

/// Runs with a bug armed, or with none.
fn with<R>(bug: Option<Bug>, body: impl FnOnce() -> R) -> R {
    match bug {
        Some(bug) => planted::with(bug, body),
        None => body(),
    }
}

/// A panic of the store is a failure like another: an assertion noticed something.
fn guarded<T>(body: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        Err(format!("it panics: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?")))
    })
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

// The order of writes.

/// Runs the large history over a recorded device; the first breach, with how many calls it took.
fn observe(bug: Option<Bug>, picked: fn(&Breach) -> bool) -> Option<(usize, Breach)> {
    let device = recorded(Arc::new(MemoryDevice::new(PageSize::K4)));
    let ran = with(bug, || {
        guarded(|| {
            let db = tight(&options()).create_device(device.clone()).map_err(said)?;
            tell(&db, 0..6, LARGE)?;
            db.close().map_err(said)
        })
    });
    assert!(bug.is_some() || ran.is_ok(), "{ran:?}");
    watch(&[device.take()], picked).0
}

#[rstest]
#[case::index_before_write(Bug::IndexBeforeWrite, |b: &Breach| matches!(b, Breach::NamedFirst { .. }))]
#[case::meta_before_sync(Bug::MetaBeforeSync, |b: &Breach| matches!(b, Breach::NotDurable { .. }))]
#[case::reuse_live_page(Bug::ReuseLivePage, |b: &Breach| matches!(b, Breach::LivePage { .. }))]
fn a_wrong_order_of_writes_is_observed(#[case] bug: Bug, #[case] picked: fn(&Breach) -> bool) {
    let (calls, breach) = observe(Some(bug), picked).expect("the bug shows in the order of writes");
    eprintln!("{bug:?}: caught after {calls} calls: {breach:?}");
    assert_eq!(observe(None, |_| true), None, "without the bug nothing is found");
}

/// A device for the conformance suite, as somebody else would bring it.
struct Theirs;

impl Fixture for Theirs {
    fn create(&self, size: PageSize) -> DeviceResult<Arc<dyn PageDevice>> {
        Ok(Arc::new(MemoryDevice::new(size)))
    }

    fn offers(&self, _: Capability) -> bool {
        false
    }
}

fn broken_cases(bug: Option<Bug>) -> Vec<&'static str> {
    let broken = |case: &&foliograph::storage_core::conformance::Case| {
        let run = || case.run_if_offered(&Theirs, PageSize::K4);
        catch_unwind(AssertUnwindSafe(|| with(bug, run))).is_err()
    };
    CASES.iter().filter(broken).map(|case| case.name).collect()
}

#[test]
fn the_device_suite_notices_a_pager_that_writes_in_the_wrong_order() {
    assert_eq!(broken_cases(None), Vec::<&str>::new());
    for (bug, case) in [
        (Bug::IndexBeforeWrite, "every_page_is_written_before_it_is_named"),
        (Bug::MetaBeforeSync, "what_a_root_reaches_is_durable_before_the_root"),
        (Bug::ReuseLivePage, "no_page_is_written_while_the_durable_root_reaches_it"),
    ] {
        let broken = broken_cases(Some(bug));
        assert!(broken.contains(&case), "{bug:?} breaks {broken:?}");
        eprintln!("{bug:?}: caught by {broken:?}");
    }
}

// Crash states.

const COMMITS: u64 = 4;

/// Runs the small history on a simulated disk; marks 2v and 2v + 1 stand before and behind the commit of version v.
fn run(device: &Arc<SimDevice>) -> Result<(), String> {
    device.mark(0);
    let db = options().create_device(device.clone()).map_err(said)?;
    device.mark(1);
    for n in 0..COMMITS {
        let mut tx = db.begin_write().map_err(said)?;
        history::change(&mut tx, n, SMALL).map_err(said)?;
        device.mark(2 * n + 2);
        tx.commit().map_err(said)?;
        device.mark(2 * n + 3);
    }
    db.close().map_err(said)
}

/// What a crash state may hold: the newest acknowledged version, and the one whose commit was under way.
fn allowed(marks: &[u64]) -> (Option<u64>, Option<u64>) {
    match marks.last() {
        None => (None, None),
        Some(mark) if mark % 2 == 0 => ((mark / 2).checked_sub(1), Some(mark / 2)),
        Some(mark) => (Some(mark / 2), None),
    }
}

/// The store opens, holds what it may hold, is whole, and goes on. Returns the version it held.
fn survive(
    image: Image,
    (acknowledged, asked): (Option<u64>, Option<u64>),
    expected: &[Contents],
) -> Result<(), String> {
    let device = match SimDevice::from_image(image) {
        Err(e) if e.kind() == DeviceErrorKind::Unfinished && acknowledged.is_none() => return Ok(()),
        opened => Arc::new(opened.map_err(said)?),
    };
    let db = options().open_device(device.clone()).map_err(said)?;
    let version = db.begin_read().map_err(said)?.version();
    if Some(version) != acknowledged && Some(version) != asked {
        return Err(format!("holds version {version}, {acknowledged:?} was acknowledged"));
    }
    whole(&db, &expected[version as usize])?;
    let mut tx = db.begin_write().map_err(said)?;
    history::change(&mut tx, version, SMALL).map_err(said)?;
    tx.commit().map_err(said)?;
    db.close().map_err(said)?;
    let device = SimDevice::from_image(device.volatile()).map_err(said)?;
    let db = options().open_device(Arc::new(device)).map_err(said)?;
    whole(&db, &expected[version as usize + 1])
}

fn whole(db: &Database, expected: &Contents) -> Result<(), String> {
    let found = history::contents(&db.begin_read().map_err(said)?).map_err(said)?;
    if let Some(difference) = history::difference(&found, expected) {
        return Err(difference);
    }
    let findings = db.check().map_err(said)?.findings;
    findings.first().map_or(Ok(()), |f| Err(format!("check: page {} ({}): {}", f.page, f.kind, f.what)))
}

/// Goes through crash states of the small history until one fails; how many there were, and why it failed.
fn crash_states(bug: Option<Bug>) -> (u64, Result<(), String>) {
    let expected = history::expected(&options(), COMMITS + 1, SMALL);
    let device = Arc::new(SimDevice::new(PageSize::K4, 1));
    if let Err(why) = with(bug, || guarded(|| run(&device))) {
        assert!(bug.is_some(), "{why}");
        eprintln!("{bug:?}: the history itself stops: {why}");
    }
    let mut rng = Rng::new(seed(5));
    let mut states = 0;
    for state in device.journal().states() {
        let pending = &state.pending;
        let corners: Vec<_> = pending.corners().collect();
        let random = (0..6).map(|_| pending.random_outcome(&mut rng));
        for outcome in corners.into_iter().step_by(3).chain(random) {
            states += 1;
            let (image, allowed) = (pending.land(&outcome), allowed(state.point.marks()));
            if let Err(why) = guarded(|| survive(image, allowed, &expected)) {
                return (states, Err(format!("step {}: {why}", state.point.step())));
            }
        }
    }
    (states, Ok(()))
}

#[test]
fn the_small_history_survives_every_crash_without_a_bug() {
    let (states, result) = crash_states(None);
    assert_eq!(result, Ok(()), "after {states} states");
    assert!(states > 1000, "{states}");
    eprintln!("no bug: {states} crash states are survived");
}

#[rstest]
#[case(Bug::MetaBeforeSync)]
#[case(Bug::ReuseLivePage)]
#[case(Bug::MapForgetsPages)]
fn crash_states_catch(#[case] bug: Bug) {
    let (states, result) = crash_states(Some(bug));
    let why = result.expect_err("a bug that no crash state shows");
    eprintln!("{bug:?}: caught after {states} crash states: {why}");
}

// Root records.

/// Damages each of the four copies of the root record in turn: whatever one it is, the store must open at `newest`.
fn one_damaged_copy(image: &Image, newest: u64, states: &mut u64) -> Result<(), String> {
    for page in 1..5 {
        *states += 1;
        let mut damaged = image.clone();
        damaged.flip(PageId::new(page), 60, 0x10);
        let device = SimDevice::from_image(damaged).map_err(said)?;
        let db = options().open_device(Arc::new(device)).map_err(|e| format!("page {page} damaged: {e}"))?;
        let version = db.begin_read().map_err(said)?.version();
        if version < newest {
            return Err(format!("page {page} damaged: version {newest} is lost, {version} is what opens"));
        }
    }
    Ok(())
}

/// After every acknowledged commit.
fn damage_after_commits(bug: Option<Bug>) -> (u64, Result<(), String>) {
    let device = Arc::new(SimDevice::new(PageSize::K4, 1));
    with(bug, || guarded(|| run(&device))).expect("the history runs");
    let mut states = 0;
    let result = journal_ends(&device.journal())
        .into_iter()
        .try_for_each(|(image, newest)| guarded(|| one_damaged_copy(&image, newest, &mut states)));
    (states, result)
}

/// What is durable wherever a commit had just been acknowledged.
fn journal_ends(journal: &Journal) -> Vec<(Image, u64)> {
    let acknowledged = |marks: &[u64]| marks.last().filter(|m| *m % 2 == 1).map(|m| m / 2);
    let states = journal.states();
    states.filter_map(|s| Some((s.pending.durable().clone(), acknowledged(s.point.marks())?))).collect()
}

#[test]
fn a_root_record_with_one_copy_is_caught() {
    let (states, result) = damage_after_commits(None);
    assert_eq!(result, Ok(()));
    eprintln!("no bug: {states} damaged copies lose nothing");
    let (states, result) = damage_after_commits(Some(Bug::OneMetaCopy));
    eprintln!("OneMetaCopy: caught after {states} damaged copies: {}", result.expect_err("nothing was lost"));
}

/// R4: a crash anywhere, the store is opened for writing and thereby says what it holds, and only then one copy of a root
/// record is damaged. What it said must stay.
fn damage_after_recovery(bug: Option<Bug>) -> (u64, Result<(), String>) {
    let device = Arc::new(SimDevice::new(PageSize::K4, 1));
    guarded(|| run(&device)).expect("the history runs");
    let mut states = 0;
    for state in device.journal().states().filter(|s| s.point.marks().len() > 1) {
        for outcome in state.pending.corners().step_by(2).collect::<Vec<_>>() {
            let result = guarded(|| {
                let opened = Arc::new(SimDevice::from_image(state.pending.land(&outcome)).map_err(said)?);
                let db = with(bug, || options().open_device(opened.clone())).map_err(said)?;
                let version = db.begin_read().map_err(said)?.version();
                // Only what recovery made durable counts: the process is killed, and the power goes.
                one_damaged_copy(opened.pending().durable(), version, &mut states)
            });
            if result.is_err() {
                return (states, result);
            }
        }
    }
    (states, Ok(()))
}

#[test]
fn a_copy_that_recovery_leaves_torn_or_old_is_caught() {
    let (states, result) = damage_after_recovery(None);
    assert_eq!(result, Ok(()));
    eprintln!("no bug: {states} damaged copies after recovery lose nothing");
    let (states, result) = damage_after_recovery(Some(Bug::TornCopyStays));
    eprintln!(
        "TornCopyStays: caught after {states} damaged copies: {}",
        result.expect_err("nothing was lost")
    );
}

// Reading.

/// Holds a snapshot of every version while the history goes on; the first one that changes, and after how many commits.
fn held_snapshots(bug: Option<Bug>) -> Result<u64, (u64, String)> {
    let device = MemoryDevice::new(PageSize::K4);
    let expected = history::expected(&options(), 10, SMALL);
    with(bug, || {
        let db = options().create_device(Arc::new(device)).expect("a new store");
        let mut held = Vec::new();
        for n in 0..10 {
            let went_on = guarded(|| {
                let mut tx = db.begin_write().map_err(said)?;
                history::change(&mut tx, n, SMALL).map_err(said)?;
                tx.commit().map_err(said)?;
                held.push((db.begin_read().map_err(said)?, n as usize + 1));
                held.iter().try_for_each(|(snapshot, version)| {
                    let found = history::contents(snapshot).map_err(|e| format!("version {version}: {e}"))?;
                    let different = history::difference(&found, &expected[*version]);
                    different.map_or(Ok(()), |d| Err(format!("version {version}: {d}")))
                })
            });
            went_on.map_err(|why| (n + 1, why))?;
        }
        Ok(10)
    })
}

#[test]
fn a_pin_that_is_ignored_is_caught_by_held_snapshots() {
    assert_eq!(held_snapshots(None), Ok(10));
    let (commits, why) = held_snapshots(Some(Bug::PinsIgnored)).expect_err("no snapshot changed");
    eprintln!("PinsIgnored: caught after {commits} commits: {why}");
}

/// What became of a lost write.
#[derive(PartialEq, Eq, Debug)]
enum Fate {
    /// Nobody needed the page.
    Harmless,
    /// An error said so.
    Noticed,
    /// A wrong answer, or a panic.
    Wrong(String),
}

/// Loses a page of the nth write of the disk, which says nothing of it.
fn lost_write(nth: u64, bug: Option<Bug>, expected: &Contents) -> Fate {
    let device = Arc::new(SimDevice::new(PageSize::K4, nth));
    device.faults().add(FaultRule::once(Operation::Write, nth, Fault::Lost));
    let found = with(bug, || {
        guarded(|| {
            run(&device)?;
            let opened = SimDevice::from_image(device.volatile()).map_err(said)?;
            let db = options().open_device(Arc::new(opened)).map_err(said)?;
            history::contents(&db.begin_read().map_err(said)?).map_err(said)
        })
    });
    match found {
        Ok(found) => history::difference(&found, expected).map_or(Fate::Harmless, Fate::Wrong),
        Err(why) if why.starts_with("it panics") => Fate::Wrong(why),
        Err(_) => Fate::Noticed,
    }
}

#[test]
fn a_check_that_is_not_compared_is_caught_by_lost_writes() {
    let expected = history::expected(&options(), COMMITS, SMALL).pop().expect("the last");
    let device = Arc::new(SimDevice::new(PageSize::K4, 1));
    run(&device).expect("no fault was planned");
    let writes = device.faults().calls(Operation::Write);
    let mut noticed = 0;
    for nth in 1..=writes {
        match lost_write(nth, None, &expected) {
            Fate::Wrong(why) => panic!("write {nth} lost: {why}"),
            fate => noticed += u64::from(fate == Fate::Noticed),
        }
    }
    assert!(noticed > writes / 8, "{noticed} of {writes}");
    eprintln!("no bug: of {writes} lost writes {noticed} make errors, none a wrong answer");
    let (first, why) = (1..=writes)
        .find_map(|nth| match lost_write(nth, Some(Bug::CheckNotCompared), &expected) {
            Fate::Wrong(why) => Some((nth, why)),
            _ => None,
        })
        .expect("an older life of a page passed nowhere");
    eprintln!("CheckNotCompared: caught after {first} lost writes: {why}");
}

/// A page is cached, freed, and its place is written anew: how many pages the cache held before and holds then.
fn cached_after_a_new_life() -> (usize, usize) {
    let device = Arc::new(MemoryDevice::new(PageSize::K4));
    let pager = Pager::create(device, &PagerOptions::default()).expect("a new store");
    let page = |fill: u8| {
        let mut image = PageImage::new(PageSize::K4, PageKind::Record, 0);
        image.bytes_mut()[100] = fill;
        image.set_used(101);
        image
    };
    let write = |fill: u8| {
        let mut tx = pager.begin_write().expect("begun");
        tx.root().into_iter().for_each(|old| tx.free(old));
        let new = tx.write(vec![page(fill)]).expect("written")[0];
        tx.commit(Some(new)).expect("committed");
        new
    };
    let first = write(1);
    assert_eq!(pager.begin_read().page(first, PageKind::Record).expect("read")[100], 1);
    let held = |pager: &Pager| pager.stats().cache_pages;
    let before = held(&pager);
    let places: Vec<_> = (2..9).map(|fill| write(fill).page()).collect();
    assert!(places.contains(&first.page()), "its place was written again: {places:?}");
    (before, held(&pager))
}

/// Reads everything after every commit, with a cache that holds it all.
fn warm_reads(expected: &[Contents]) -> Result<(), String> {
    let options = options().cache_pages(4096);
    let db = options.create_device(Arc::new(MemoryDevice::new(PageSize::K4))).map_err(said)?;
    for n in 0..8 {
        let mut tx = db.begin_write().map_err(said)?;
        history::change(&mut tx, n, SMALL).map_err(said)?;
        tx.commit().map_err(said)?;
        let found = history::contents(&db.begin_read().map_err(said)?).map_err(said)?;
        if let Some(difference) = history::difference(&found, &expected[n as usize + 1]) {
            return Err(format!("commit {n}: {difference}"));
        }
    }
    Ok(())
}

#[test]
fn a_stale_cache_is_caught_by_what_it_holds_and_by_wrong_answers_once_the_fence_before_it_is_gone() {
    assert_eq!(cached_after_a_new_life(), (1, 0));
    let stale = planted::with(Bug::StaleCache, cached_after_a_new_life);
    assert_eq!(stale, (1, 1), "the page of an older life is still there");
    eprintln!("StaleCache: caught after 1 page: the cache holds {stale:?} pages");
    // The check of a reference keeps it from being handed out (V3). Without that:
    let expected = history::expected(&options(), 8, SMALL);
    let reads = || guarded(|| warm_reads(&expected));
    assert_eq!(reads(), Ok(()));
    assert_eq!(planted::with(Bug::CheckNotCompared, reads), Ok(()), "the cache is not stale");
    let both = || planted::with(Bug::StaleCache, reads);
    let why = planted::with(Bug::CheckNotCompared, both).expect_err("nothing stale was handed out");
    eprintln!("StaleCache and CheckNotCompared: caught: {why}");
}
