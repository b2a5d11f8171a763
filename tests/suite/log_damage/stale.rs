//! Logs of other stores, and what earlier lives of the same log left: none of it is ever replayed (L2, L3, R11).

use super::frame::{change_root, root};
use super::store::{LIMIT, Logged, Outcome, Step, Trial, Writing, long, small};
use foliograph::PageSize;
use foliograph::storage_core::pager::{BLOCK, LOG_LIMITS};
use rstest::rstest;

/// Copies the bytes of other blocks, in their order, to the blocks from `at` on.
fn copy(logged: &Logged, image: &mut [u8], at: usize, from: &Logged, blocks: &[usize]) {
    for (to, from_at) in logged.blocks[at..].iter().zip(blocks) {
        image[*to..][..BLOCK].copy_from_slice(&from.image[*from_at..][..BLOCK]);
    }
}

/// The same story in another store: the same numbers, pages, records and lengths.
#[rstest]
#[case::small_4_kib(small)]
#[case::long_4_kib(long)]
fn the_log_of_another_store_in_the_place_of_this_one_is_no_log(#[case] make: fn(PageSize) -> Logged) {
    let (logged, other) = (make(PageSize::K4), make(PageSize::K4));
    assert!(logged.uuid() != other.uuid() && logged.blocks == other.blocks && logged.at == other.at);
    let mut trial = Trial::new(&logged);
    let whole = |bytes: &mut Vec<u8>| copy(&logged, bytes, 0, &other, &other.blocks);
    assert_eq!(trial.with(whole), Outcome::Prefix(0));
    logged.works_on(&trial.store, 0);
    // And with the place where the other one's log starts: its salt, its numbers.
    let fields = |of: &Logged| {
        let page = 1 + (of.meta.generation % 2) as usize;
        of.image[page * of.page()..][root::GROUP..root::END].to_vec()
    };
    let outcome = trial.with(|bytes| {
        whole(bytes);
        change_root(&logged, bytes, |record| record[root::GROUP..root::END].copy_from_slice(&fields(&other)));
    });
    assert_eq!(outcome, Outcome::Prefix(0));
    logged.works_on(&trial.store, 0);
    // One group of it, behind the end and in the place of each group.
    for group in 0..other.groups.len() {
        let blocks = &other.blocks[other.at[group]..other.at[group + 1]];
        let put = |bytes: &mut Vec<u8>| copy(&logged, bytes, logged.at[logged.groups.len()], &other, blocks);
        assert_eq!(trial.with(put), Outcome::Prefix(logged.models.len() - 1));
        let put = |bytes: &mut Vec<u8>| copy(&logged, bytes, logged.at[group], &other, blocks);
        let outcome = trial.with(put);
        match &outcome {
            Outcome::Damage { group: named, .. } => assert_eq!(*named, logged.groups[group].number),
            _ => assert_eq!(outcome, Outcome::Prefix(logged.commits_before(logged.groups.len() - 1))),
        }
        assert_eq!(trial.tolerant(put), logged.commits_before(group));
    }
}

/// A whole root record of another store does not fit the superblock.
#[test]
fn the_root_record_of_another_store_is_not_taken() {
    let (logged, other) = (small(PageSize::K4), small(PageSize::K4));
    let store = foliograph::storage_core::device::memory::MemoryStore::new(logged.image.clone());
    let fixed = logged.page()..5 * logged.page();
    store.tamper(|bytes| bytes[fixed.clone()].copy_from_slice(&other.image[fixed.clone()]));
    let error =
        super::store::open(&store, &super::store::options(PageSize::K4)).expect_err("two stores in one");
    assert!(error.is_damage() && error.hint().is_some(), "{error}");
    assert!(error.to_string().contains("different stores"), "{error}");
}

/// Puts every group of `old` behind the end of the log, and in the place of each of its groups.
fn old_groups_in_all_places(logged: &Logged, old: &Logged) -> u64 {
    let mut trial = Trial::new(logged);
    let (mut states, mut damaged) = (0, 0);
    let end = logged.groups.len();
    for group in 0..old.groups.len() {
        let blocks = &old.blocks[old.at[group]..old.at[group + 1]];
        for place in 0..=end {
            let at = logged.at[place];
            if at + blocks.len() > logged.blocks.len() {
                continue;
            }
            let put = |bytes: &mut Vec<u8>| copy(logged, bytes, at, old, blocks);
            states += 1;
            match trial.with(put) {
                Outcome::Prefix(commits) => {
                    let last = at + blocks.len() - 1;
                    let covers_last = last >= logged.at[end - 1];
                    let wanted = if place == end { end } else { place };
                    assert!(place == end || covers_last, "group {group} in place {place} is not seen");
                    assert_eq!(commits, logged.commits_before(wanted), "group {group} in place {place}");
                    if states % 8 == 0 {
                        logged.works_on(&trial.store, commits);
                    }
                }
                Outcome::Damage { group: named, .. } => {
                    assert_eq!(named, logged.groups[place].number, "group {group} in place {place}");
                    damaged += 1;
                }
                other => unreachable!("neither cut nor forged: {other:?}"),
            }
        }
    }
    assert!(damaged > 0);
    states
}

/// Killed, opened and killed again: the second life lies where the first one did.
#[rstest]
#[case::pages_of_4_kib(PageSize::K4)]
#[case::pages_of_16_kib(PageSize::K16)]
fn what_an_earlier_life_left_is_never_replayed(#[case] size: PageSize) {
    let first = small(size);
    let mut writing = Writing::reopen(&first, LIMIT);
    for step in (40..52).step_by(2) {
        writing.group([Step::Small(step), Step::Small(step + 1)]);
    }
    let second = writing.image();
    assert_ne!(first.groups[0].salt, second.groups[0].salt);
    assert!(first.blocks.iter().any(|at| second.blocks.contains(at)), "the second life lies elsewhere");
    let states = old_groups_in_all_places(&second, &first);
    // The other way round: what a later life wrote, in an older copy of the store.
    let back = old_groups_in_all_places(&first, &second);
    eprintln!("{states} + {back} states");
    // All of the first life's log comes back where it was.
    let mut trial = Trial::new(&second);
    let outcome = trial.with(|bytes| {
        for at in first.used().iter().filter(|at| second.blocks.contains(at)) {
            bytes[*at..][..BLOCK].copy_from_slice(&first.image[*at..][..BLOCK]);
        }
    });
    let hit = first.used().iter().any(|at| second.used().contains(at));
    let whole = outcome == Outcome::Prefix(second.models.len() - 1);
    assert!(whole != hit, "{outcome:?}");
}

/// Within one life extents are used again, too: what was in them has the same salt, and lower numbers.
#[rstest]
#[case::pages_of_4_kib(PageSize::K4)]
#[case::pages_of_16_kib(PageSize::K16)]
fn what_a_recycled_extent_held_is_never_replayed(#[case] size: PageSize) {
    let mut writing = Writing::new(size, LOG_LIMITS.0);
    let (mut old, mut step) = (Vec::new(), 0);
    for round in 0..12 {
        for _ in 0..12 {
            writing.group([Step::Small(step), Step::Small(step + 1)]);
            step += 2;
        }
        if round % 3 == 1 {
            old.push(writing.image());
        }
        writing.checkpoint();
    }
    for _ in 0..4 {
        writing.group([Step::Small(step), Step::Small(step + 1), Step::Small(step + 2)]);
        step += 3;
    }
    let logged = writing.image();
    let mut states = 0;
    let mut same_place = 0;
    for old in &old {
        assert_eq!(old.groups[0].salt, logged.groups[0].salt, "one life");
        same_place += old.used().iter().filter(|at| logged.blocks.contains(at)).count();
        states += old_groups_in_all_places(&logged, old);
    }
    assert!(same_place > 0, "no extent was used again");
    eprintln!("{states} states");
}
