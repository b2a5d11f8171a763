//! R4, R5: copies of root records, torn and damaged.

use super::tale::{Tale, survive, up_to};
use super::words::{Words, pager_options, root_record};
use foliograph::storage_core::device::sim::{Image, Journal, Moment, SimDevice, Step};
use foliograph::storage_core::page::PageId;
use foliograph::storage_core::pager::{FIXED_PAGES, OpenError, Pager, PagerOptions};
use std::sync::Arc;

fn flipped(image: &Image, pages: &[u64]) -> Image {
    let mut damaged = image.clone();
    pages.iter().for_each(|page| damaged.flip(PageId::new(*page), 60, 0x10));
    damaged
}

/// The pages of the slot that holds the newest root record.
fn newest_slot(image: &Image) -> [u64; 2] {
    let first = 1 + root_record(image).generation % 2;
    [first, first + 2]
}

fn open_error(image: &Image) -> Option<OpenError> {
    let disk = Arc::new(SimDevice::from_image(image.clone()).expect("a store"));
    Pager::open(disk, &pager_options()).err()
}

/// Every one of the four copies is damaged in turn: nothing is lost.
fn any_copy_may_be_damaged(image: &Image, version: u64) {
    for page in 1..5 {
        survive(flipped(image, &[page]), version, version)
            .unwrap_or_else(|why| panic!("page {page} damaged, version {version}: {why}"));
    }
}

/// R4: a crash during the write of a root record leaves one new copy, the other old or torn; recovery accepts the new one,
/// the store is used; that one copy is damaged: it falls back to the older root without noticing, by one damaged copy.
///
/// Here opening rewrites the other copy first. Every crash while a root record is written, opened; one copy damaged at
/// once, or after the store was used.
#[test]
pub fn r4_a_root_record_torn_by_a_crash_is_made_whole_before_it_is_trusted() {
    let store = Words::create();
    store.commit_by_checkpoint().expect("durable");
    store.disk.restart_journal();
    store.commit_by_checkpoint().expect("durable");
    let (mut torn, mut newer) = (0, 0);
    let journal = store.disk.journal();
    for (page, landed) in writes_under_way(&journal) {
        // What a crash leaves; and a copy that is torn within what it says, so that it is invalid.
        let invalid = landed.iter().map(|image| flipped(image, &[page])).collect::<Vec<_>>();
        for image in landed.into_iter().chain(invalid) {
            let opened = Words::open(image).expect("opens");
            let said = opened.words().expect("readable").len() as u64;
            assert!(said == 1 || said == 2);
            (torn, newer) = (torn + 1, newer + u64::from(said == 2));
            any_copy_may_be_damaged(&opened.durable(), said);
            assert_eq!(opened.commit(), Ok(said + 1));
            any_copy_may_be_damaged(&opened.durable(), said + 1);
        }
    }
    assert!(torn > 8 && newer > 0 && newer < torn, "{newer} of {torn} hold the new root");
    eprintln!("R4: {torn} crash states, {} damaged copies", torn * 8);
}

/// For every copy of a root record: its page, and what a crash leaves while it is being written.
fn writes_under_way(journal: &Journal) -> Vec<(u64, Vec<Image>)> {
    let during = journal.states().filter(|state| state.point.moment() == Moment::During);
    let one = during.map(|state| {
        let Step::Durable(blocks) = &journal.steps()[state.point.step()] else { panic!("during what?") };
        let landed = state.pending.corners().map(|outcome| state.pending.land(&outcome));
        (blocks[0].page.get(), landed.collect())
    });
    one.filter(|(page, _)| *page < FIXED_PAGES).collect()
}

/// R5 (a): checkpoint n durable, the log's position moved on or the commits in it never logged; both copies of n are
/// damaged: falling back is silent loss.
///
/// Here it is an error that offers the older root, and the older root is there if it is asked for.
#[test]
pub fn r5_both_copies_of_a_root_record_damaged_is_an_error_that_offers_the_older_one() {
    let unlogged = Words::create();
    for _ in 0..2 {
        unlogged.commit_by_checkpoint().expect("durable");
    }
    let moved_on = Words::create();
    for _ in 0..2 {
        moved_on.commit().expect("durable");
        moved_on.checkpoint().expect("durable");
    }
    for store in [unlogged, moved_on] {
        let image = store.crash();
        let damaged = flipped(&image, &newest_slot(&image));
        let error = open_error(&damaged).expect("it is not fallen back past");
        assert!(matches!(error, OpenError::DamagedRoot { older_root: true, .. }), "{error}");
        assert!(
            error.is_damage() && error.hint().is_some_and(|hint| hint.contains("older_root")),
            "{error:?}"
        );
        let older = PagerOptions { older_root: true, ..pager_options() };
        let store = Words::open_with(damaged, &older).expect("the older root");
        assert_eq!(store.words().expect("readable"), up_to(1));
        assert!(store.begin().is_err(), "it is open for reading");
    }
}

/// R5 (b): open with a new salt, commit, both copies damaged: the older record knows only the old salt, so the later groups
/// prove nothing. The same error.
#[test]
pub fn r5_a_new_life_whose_root_record_is_damaged_in_both_copies_is_not_forgotten() {
    let store = Words::create();
    store.commit().expect("durable");
    let again = Words::open(store.crash()).expect("opens");
    again.commit().expect("durable");
    let image = again.crash();
    let damaged = flipped(&image, &newest_slot(&image));
    let error = open_error(&damaged).expect("two commits are behind it");
    assert!(matches!(error, OpenError::DamagedRoot { older_root: true, .. }), "{error}");
    let mut both = newest_slot(&image).to_vec();
    both.extend([3 - both[0], 7 - both[1]]);
    let error = open_error(&flipped(&image, &both)).expect("no root is left");
    assert!(matches!(error, OpenError::DamagedRoot { older_root: false, .. }), "{error}");
}

/// R5, the other way: an invalid slot that is an error must not come of a mere crash, so copies are written one after the
/// other. And the price that is left: one copy damaged *and* a crash that tears its twin is refused, never silent.
#[test]
pub fn r5_no_mere_crash_leaves_both_copies_invalid_and_with_a_damaged_twin_it_is_refused_not_silent() {
    let story = |tale: &mut Tale| {
        tale.commit_by_checkpoint()?;
        tale.commit()?;
        tale.checkpoint()?;
        tale.commit_by_checkpoint()
    };
    let states = Tale::tell(story).expect("told").survives(5);
    let store = Words::create();
    for _ in 0..3 {
        store.commit_by_checkpoint().expect("durable");
    }
    store.disk.restart_journal();
    store.commit_by_checkpoint().expect("durable");
    let (mut opened, mut refused) = (0, 0);
    let journal = store.disk.journal();
    let writes = writes_under_way(&journal);
    assert_eq!(writes.len(), 2, "one copy after the other");
    for (page, landed) in writes {
        let twin = if page < 3 { page + 2 } else { page - 2 };
        for image in landed {
            // Torn, its twin whole: what was acknowledged is there.
            survive(flipped(&image, &[page]), 3, 4).expect("its twin is whole");
            // Torn, its twin damaged: refused. Not torn, its twin damaged: at least what was acknowledged.
            match open_error(&flipped(&image, &[page, twin])).expect("no copy is left") {
                OpenError::DamagedRoot { older_root: true, .. } => refused += 1,
                other => panic!("pages {page} and {twin}: {other}"),
            }
            survive(flipped(&image, &[twin]), 3, 4).expect("the copy that is written is valid");
            opened += 2;
        }
    }
    eprintln!(
        "R5: {states} crash states; torn beside a damaged twin: {refused} refused; {opened} others open"
    );
}
