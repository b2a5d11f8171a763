//! Groups whose checksums hold and that follow on the last one, and whose contents cannot be: damage that names them, a
//! store that is not changed, and memory within bounds.

use super::frame::Frame;
use super::store::{LIMIT, Logged, Outcome, Step, Trial, Writing, long, open, options, small};
use crate::harness;
use foliograph::PageSize;
use foliograph::props;
use foliograph::storage_core::device::memory::MemoryStore;
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::page::PageId;
use foliograph::storage_core::pager::Extent;
use rstest::rstest;
use std::panic::AssertUnwindSafe;

fn extent(first: u64, pages: u32) -> Extent {
    Extent { first: PageId::new(first), pages }
}

/// Puts the group behind the last one, and expects damage that says these words; whoever tolerates it has all commits.
fn is_damage(logged: &Logged, words: &str, change: impl FnOnce(&mut Frame)) {
    let mut frame = Frame::after(logged);
    change(&mut frame);
    let end = logged.at[logged.groups.len()];
    let mut trial = Trial::new(logged);
    let outcome = trial.with(|image| frame.put(logged, image, end));
    let page = logged.blocks[end] / logged.page();
    match outcome {
        Outcome::Damage { group, page: named, what } => {
            assert!(what.contains(words), "{what}");
            assert!(group == frame.number, "group {group}: {what}");
            assert!(named == page as u64 || what.contains("the map says"), "page {named}: {what}");
        }
        other => panic!("{words}: {other:?}"),
    }
    assert_eq!(trial.tolerant(|image| frame.put(logged, image, end)), logged.models.len() - 1, "{words}");
}

#[rstest]
#[case::pages_of_4_kib(PageSize::K4)]
#[case::pages_of_16_kib(PageSize::K16)]
fn links_that_cannot_be_are_damage(#[case] size: PageSize) {
    let logged = small(size);
    let pages = (logged.image.len() / logged.page()) as u64;
    let log = logged.meta.log.extents[0];
    let links = [
        (extent(5, 1), "the map says that it is in use"),
        (extent(log.first.get() - 1, 1), "the map says that it is in use"),
        (log, "overlaps"),
        (extent(log.first.get() + u64::from(log.pages) - 1, 1), "overlaps"),
        (extent(pages, 1), "outside the file"),
        (extent(pages - 1, 2), "outside the file"),
        (extent(5, u32::MAX), "outside the file"),
        (extent(u64::MAX, u32::MAX), "outside the file"),
        (extent(u64::MAX - 3, 4), "outside the file"),
        (extent(pages - 1, 0), "without pages"),
        (extent(0, 1), "superblock"),
        (extent(4, 2), "superblock"),
    ];
    for (link, words) in links {
        is_damage(&logged, words, |frame| frame.links = vec![link]);
        // And behind one that can be.
        let free = extent(pages - 1, 1);
        if link.first != free.first {
            is_damage(&logged, words, |frame| frame.links = vec![free, link]);
        }
        is_damage(&logged, "overlaps", |frame| frame.links = vec![free, free]);
    }
}

#[test]
fn counts_and_lengths_that_do_not_fit_are_damage() {
    let logged = long(PageSize::K4);
    let record = vec![1; 50];
    is_damage(&logged, "shorter than its contents", |frame| frame.link_count = Some(u32::MAX));
    is_damage(&logged, "shorter than its contents", |frame| frame.record_count = Some(u32::MAX));
    is_damage(&logged, "longer than its contents", |frame| {
        frame.records = vec![record.clone()];
        frame.record_count = Some(0);
    });
    is_damage(&logged, "shorter than its contents", |frame| {
        // Its first bytes taken for the length of a record.
        frame.links = vec![extent(u64::from(u32::MAX), 3)];
        (frame.link_count, frame.record_count) = (Some(0), Some(1));
    });
    for length in [u64::MAX, u64::MAX - 96, 1 << 40, (logged.blocks.len() * 4096) as u64] {
        is_damage(&logged, "longer than what is left", |frame| frame.body_len = Some(length));
    }
    is_damage(&logged, "before it was written", |frame| frame.durable = frame.number);
    is_damage(&logged, "before it was written", |frame| frame.durable = u64::MAX);
}

#[rstest]
#[case::pages_of_4_kib(PageSize::K4)]
#[case::pages_of_16_kib(PageSize::K16)]
fn records_that_cannot_be_replayed_are_damage(#[case] size: PageSize) {
    let logged = small(size);
    let adds_a_node = logged.groups[0].records[0].clone();
    let mut newer = adds_a_node.clone();
    newer[0] = 99;
    let long = logged.groups.iter().flat_map(|g| &g.records).max_by_key(|r| r.len()).expect("records");
    let records = [
        Vec::new(),
        vec![0; 10],
        vec![0xFF; 3000],
        newer,
        adds_a_node.clone(),
        adds_a_node[..adds_a_node.len() - 1].to_vec(),
        long[..long.len() / 2].to_vec(),
        [adds_a_node.as_slice(), &[77]].concat(),
    ];
    for record in records {
        is_damage(&logged, "", |frame| frame.records = vec![record.clone()]);
    }
}

/// The last group has three commits; the second of them cannot be replayed.
#[test]
fn a_record_in_the_middle_of_a_group_is_where_a_tolerant_opening_ends() {
    let logged = small(PageSize::K4);
    let last = logged.groups.len() - 1;
    let mut frame = Frame::of(&logged, last);
    assert_eq!(frame.records.len(), 3);
    frame.records[1] = b"no record".to_vec();
    let mut trial = Trial::new(&logged);
    let put = |image: &mut Vec<u8>| frame.put(&logged, image, logged.at[last]);
    let outcome = trial.with(put);
    assert!(matches!(&outcome, Outcome::Damage { group, .. } if *group == frame.number), "{outcome:?}");
    assert_eq!(trial.tolerant(put), logged.commits_before(last) + 1);
}

/// A group that does not follow is not read; that it was durable only a later one can say (L3).
#[test]
fn a_group_with_a_wrong_lsn_is_the_end_unless_a_later_one_proves_it() {
    let logged = small(PageSize::K4);
    let (end, uuid) = (logged.at[logged.groups.len()], logged.meta.uuid);
    let all = logged.models.len() - 1;
    let mut trial = Trial::new(&logged);
    let record = logged.groups[0].records[0].clone();
    for wrong in [0, 1, 2, u64::MAX] {
        let mut frame = Frame::after(&logged);
        frame.first_lsn = if wrong == 0 { 0 } else { frame.first_lsn.wrapping_add(wrong) };
        frame.records = vec![record.clone()];
        assert_eq!(trial.with(|image| frame.put(&logged, image, end)), Outcome::Prefix(all), "{wrong}");
        logged.works_on(&trial.store, all);
        let both = |image: &mut Vec<u8>| {
            frame.put(&logged, image, end);
            frame.next(&uuid).put(&logged, image, end + 1);
        };
        let outcome = trial.with(both);
        assert!(matches!(&outcome, Outcome::Damage { group, .. } if *group == frame.number), "{outcome:?}");
        assert_eq!(trial.tolerant(both), all);
    }
    // The first one follows on the root.
    for wrong in [1, 2, u64::MAX] {
        let mut frame = Frame::of(&logged, 0);
        frame.first_lsn = frame.first_lsn.wrapping_add(wrong);
        let put = |image: &mut Vec<u8>| frame.put(&logged, image, logged.at[0]);
        let outcome = trial.with(put);
        assert!(
            matches!(&outcome, Outcome::Damage { group, what, .. }
                if *group == frame.number && what.contains("begins with commit")),
            "{outcome:?}"
        );
        assert_eq!(trial.tolerant(put), 0);
    }
}

/// The last group, or a copy of any behind the last one, changed at random; and one that follows on it. And where.
fn forge(logged: &Logged, rng: &mut Rng) -> ([Frame; 2], usize) {
    let (group, last) = (rng.index(logged.groups.len()), logged.groups.len() - 1);
    let (mut frame, at) = if rng.chance(1, 2) {
        (Frame::of(logged, last), logged.at[last])
    } else {
        let records = Frame::of(logged, group).records;
        (Frame { records, ..Frame::after(logged) }, logged.at[last + 1])
    };
    for record in &mut frame.records {
        for _ in 0..rng.below(4) {
            let at = rng.index(record.len());
            match rng.below(4) {
                0 => record[at] ^= 1 << rng.below(8),
                1 => record[at] = rng.next_u64() as u8,
                2 => record.truncate(at + 1),
                _ => record[at] = [0, 0xFF, 0x7F, 0x80][rng.index(4)],
            }
        }
    }
    for _ in 0..rng.below(12).saturating_sub(9) {
        let pages = 2 * logged.meta.page_count;
        frame.links.push(extent(rng.below(pages), rng.below(20) as u32));
    }
    match rng.below(20) {
        0 => frame.record_count = Some(rng.next_u64() as u32 >> rng.below(32)),
        1 => frame.link_count = Some(rng.next_u64() as u32 >> rng.below(32)),
        2 => frame.body_len = Some(rng.next_u64() >> rng.below(64)),
        3 => frame.durable = rng.next_u64() >> rng.below(64),
        4 => frame.first_lsn = rng.next_u64() >> rng.below(64),
        _ => {}
    }
    let next = frame.next(&logged.meta.uuid);
    ([frame, next], at)
}

/// A forged record may well be one that can be replayed; then the store is whole with it.
#[test]
fn random_groups_with_valid_checksums_are_replayed_or_damage() {
    if !harness::alone("log_damage::forged::random_groups_with_valid_checksums_are_replayed_or_damage") {
        return;
    }
    let (seed, before) = (harness::seed(12), harness::peak());
    let logged = [small(PageSize::K4), small(PageSize::K16)];
    let (mut opened, mut damaged) = (0, 0);
    for state in 0..super::campaign().unwrap_or(4_000) {
        let mut rng = Rng::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ state);
        let logged = &logged[state as usize % 2];
        let mut image = logged.image.clone();
        let (frames, mut at) = forge(logged, &mut rng);
        for frame in frames {
            frame.put(logged, &mut image, at);
            at += frame.seal(&logged.meta.uuid).len() / 4096;
        }
        let store = MemoryStore::new(image.clone());
        let tried =
            std::panic::catch_unwind(AssertUnwindSafe(|| match open(&store, &options(logged.size)) {
                Ok(db) => {
                    let mut tx = db.begin_write().expect("an open store");
                    tx.add_node("after", "all of it", props! {}).expect("a new node");
                    tx.commit().expect("memory does not fail");
                    let report = db.check().expect("memory does not fail");
                    assert_eq!(report.findings, []);
                    true
                }
                Err(error) => {
                    assert!(matches!(Logged::refused(&error), Outcome::Damage { .. }), "{error}");
                    logged.unchanged(&store.image(), &image, &error);
                    false
                }
            }));
        match tried {
            Ok(true) => opened += 1,
            Ok(false) => damaged += 1,
            Err(_) => panic!("FOLIOGRAPH_SEED={seed}, state {state}"),
        }
    }
    let more = (harness::peak() - before) >> 10;
    eprintln!("{opened} opened, {damaged} damaged, {more} MiB more memory");
    assert!(opened > 50 && damaged > 50, "{opened} opened, {damaged} damaged");
    assert!(more < 1024, "{more} MiB more memory");
}

/// Not damaged at all: a record longer than a page, and one longer than an extent.
#[rstest]
#[case::pages_of_4_kib(PageSize::K4)]
#[case::pages_of_16_kib(PageSize::K16)]
#[case::pages_of_64_kib(PageSize::K64)]
fn records_longer_than_a_page_and_than_an_extent_are_replayed(#[case] size: PageSize) {
    let logged = long(size);
    let trial = Trial::new(&logged);
    let db = open(&trial.store, &options(size)).expect("a store that was killed");
    assert_eq!(logged.prefix(&db), logged.models.len() - 1);
    drop(db);
    logged.works_on(&trial.store, logged.models.len() - 1);
    // And again, killed in the same way a second time.
    let mut writing = Writing::reopen(&logged, LIMIT);
    writing.group([Step::Long(super::store::EXTENT_BYTES * 3 / 2), Step::Small(70)]);
    let again = writing.image();
    let trial = Trial::new(&again);
    assert_eq!(again.prefix(&open(&trial.store, &options(size)).expect("killed twice")), 2);
}
