//! Root records whose checksums hold and whose log start is forged: damage, or a log that is not there; never a wrong
//! record, and nothing is written to what was refused.

use super::frame::{change_root, root};
use super::store::{Logged, Outcome, Trial, open, options, small};
use crate::harness;
use foliograph::PageSize;
use foliograph::storage_core::device::sim::Rng;

fn put(record: &mut [u8], at: usize, value: u64, bytes: usize) {
    record[at..at + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
}

/// Where the root's version is in a root record.
const LSN: usize = 64;

/// One field of the log start, and what must come of it.
#[test]
fn a_log_start_that_cannot_be_is_damage() {
    let logged = small(PageSize::K16);
    let mut trial = Trial::new(&logged);
    let pages = (logged.image.len() / logged.page()) as u64;
    let extent = logged.meta.log.extents[0];
    let blocks = u64::from(extent.pages) * 4;
    let cases = [
        ("without pages", root::PAGES, 0, 4),
        ("outside the file", root::PAGES, u64::from(u32::MAX), 4),
        ("outside the file", root::FIRST, pages, 8),
        ("outside the file", root::FIRST, u64::MAX, 8),
        ("superblock and root records", root::FIRST, 1, 8),
        ("in use", root::FIRST, 5, 8),
        ("outside its extent", root::BLOCK, blocks + 1, 4),
        ("not there, but group", root::GROUP, logged.groups[0].number - 1, 8),
        ("not there, but group", root::PREVIOUS_CHECK, 1, 8),
        ("not there, but group", root::BLOCK, 1, 4),
    ];
    for (words, field, value, bytes) in cases {
        let outcome =
            trial.with(|image| change_root(&logged, image, |record| put(record, field, value, bytes)));
        let Outcome::Damage { what, .. } = outcome else { panic!("field {field} = {value}: {outcome:?}") };
        assert!(what.contains(words), "field {field} = {value}: {what}");
        let tolerated =
            trial.tolerant(|image| change_root(&logged, image, |record| put(record, field, value, bytes)));
        assert_eq!(tolerated, 0, "field {field} = {value}");
    }
}

/// The start of a life that never was, or behind the last group: nothing proves that there was more.
#[test]
fn a_log_start_that_nothing_speaks_against_is_an_empty_log() {
    let logged = small(PageSize::K16);
    let mut trial = Trial::new(&logged);
    let end = &logged.end;
    let cases = [
        vec![(root::SALT, 1, 8)],
        vec![(root::GROUP, end.group, 8)],
        vec![(root::GROUP, 1 << 60, 8)],
        vec![(root::EXTENTS, 0, 4)],
        vec![(root::BLOCK, u64::from(logged.meta.log.extents[0].pages) * 4, 4)],
        vec![(root::GROUP, end.group, 8), (root::BLOCK, u64::from(end.block), 4)],
    ];
    for fields in cases {
        let change =
            |record: &mut [u8]| fields.iter().for_each(|(at, value, n)| put(record, *at, *value, *n));
        assert_eq!(trial.with(|image| change_root(&logged, image, change)), Outcome::Prefix(0), "{fields:?}");
        logged.works_on(&trial.store, 0);
    }
}

/// A start that leaves the first group out is valid in itself; the root's version is not the one that it follows on.
#[test]
fn a_log_start_behind_the_first_group_skips_commits_and_is_damage() {
    let logged = small(PageSize::K4);
    let mut trial = Trial::new(&logged);
    let (first, second) = (&logged.groups[0], &logged.groups[1]);
    let skip = |image: &mut Vec<u8>| {
        change_root(&logged, image, |record| {
            put(record, root::GROUP, second.number, 8);
            put(record, root::PREVIOUS_CHECK, first.check, 8);
            put(record, root::BLOCK, logged.at[1] as u64, 4);
        });
    };
    let outcome = trial.with(skip);
    let (group, page) = (logged.groups[1].number, logged.groups[1].page.get());
    assert!(
        matches!(&outcome, Outcome::Damage { group: g, page: p, what } if (*g, *p) == (group, page)
            && what.contains("begins with commit")),
        "{outcome:?}"
    );
    assert_eq!(trial.tolerant(skip), 0);
}

#[test]
fn a_root_record_whose_numbers_have_come_to_their_end_is_damage() {
    let logged = small(PageSize::K4);
    let mut image = logged.image.clone();
    for at in [LSN, root::GROUP] {
        change_root(&logged, &mut image, |record| put(record, at, u64::MAX, 8));
        let store = foliograph::storage_core::device::memory::MemoryStore::new(image.clone());
        let opened = open(&store, &options(PageSize::K4));
        let Err(error) = opened else { panic!("field {at}: opened") };
        assert!(error.is_damage() && error.hint().is_some(), "{error}");
        image.clone_from(&logged.image);
    }
}

/// Anything in all of its fields.
#[test]
fn random_log_starts_never_give_a_wrong_record() {
    let seed = harness::seed(11);
    let count = super::campaign().unwrap_or(3_000);
    let logged: Vec<Logged> = vec![small(PageSize::K4), small(PageSize::K16)];
    let mut seen = [0; 3];
    for state in 0..count {
        let mut rng = Rng::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ state);
        let logged = &logged[state as usize % 2];
        let mut trial = Trial::new(logged);
        let fields = [
            (root::GROUP, logged.meta.log.group, 8),
            (root::PREVIOUS_CHECK, logged.meta.log.previous_check, 8),
            (root::SALT, logged.meta.log.salt, 8),
            (root::BLOCK, u64::from(logged.meta.log.block), 4),
            (root::EXTENTS, logged.meta.log.extents.len() as u64, 4),
            (root::FIRST, logged.meta.log.extents[0].first.get(), 8),
            (root::PAGES, u64::from(logged.meta.log.extents[0].pages), 4),
            (root::FIRST + 12, 0, 8),
            (root::PAGES + 12, 0, 4),
        ];
        let mut changes = Vec::new();
        for (at, truth, bytes) in fields {
            match rng.below(8) {
                0 => changes.push((at, truth.wrapping_add(rng.below(5)).wrapping_sub(2), bytes)),
                1 => changes.push((at, rng.below(logged.meta.page_count * 2), bytes)),
                2 if rng.chance(1, 4) => changes.push((at, rng.next_u64(), bytes)),
                _ => {}
            }
        }
        let change =
            |record: &mut [u8]| changes.iter().for_each(|(at, value, n)| put(record, *at, *value, *n));
        let trying = || trial.with(|image| change_root(logged, image, change));
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(trying)) {
            Ok(Outcome::Prefix(commits)) => seen[usize::from(commits > 0)] += 1,
            Ok(_) => seen[2] += 1,
            Err(_) => panic!("FOLIOGRAPH_SEED={seed}, state {state}: {changes:?}"),
        }
    }
    eprintln!("{} empty, {} with commits, {} damaged", seen[0], seen[1], seen[2]);
    assert!(seen.iter().all(|n| *n > 50), "{seen:?}");
}
