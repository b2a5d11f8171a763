//! Every byte of the log flipped; the log zeroed from every sector on, sector by sector, and cut.

use super::store::{EXTENT_BYTES, Logged, Outcome, Trial, blocks_of, long, small};
use crate::harness;
use foliograph::PageSize;
use foliograph::storage_core::device::memory::MemoryDevice;
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::pager::{BLOCK, LogReader};
use rstest::rstest;
use std::time::Instant;

/// A byte of the log: the group that it belongs to, its place in the group, and in the file.
#[derive(Copy, Clone, Debug)]
struct Place {
    group: usize,
    within: usize,
    at: usize,
}

/// Every byte of every group, padding included.
fn places(logged: &Logged) -> Vec<Place> {
    let mut places = Vec::new();
    for group in 0..logged.groups.len() {
        let blocks = &logged.blocks[logged.at[group]..logged.at[group + 1]];
        let bytes = blocks.iter().flat_map(|at| *at..*at + BLOCK).enumerate();
        places.extend(bytes.map(|(within, at)| Place { group, within, at }));
    }
    places
}

impl Logged {
    /// What must come of a group that is damaged: the last one is the end, and any other is proven by a later one.
    fn wanted(&self, group: usize) -> Result<usize, (u64, u64)> {
        if group + 1 >= self.groups.len() {
            return Ok(self.commits_before(group));
        }
        Err((self.groups[group].number, self.groups[group].page.get()))
    }

    fn check(&self, outcome: &Outcome, wanted: Result<usize, (u64, u64)>) -> Result<(), String> {
        let right = match (outcome, wanted) {
            (Outcome::Prefix(commits), Ok(wanted)) => *commits == wanted,
            (Outcome::Damage { group, page, .. }, Err(wanted)) => (*group, *page) == wanted,
            _ => false,
        };
        if right { Ok(()) } else { Err(format!("{outcome:?} instead of {wanted:?}")) }
    }

    /// What the reader of the log says, without opening the store.
    fn read(&self, device: &MemoryDevice) -> Outcome {
        let mut reader = LogReader::new(device, &self.meta.uuid, self.meta.log.clone());
        let mut groups = 0;
        loop {
            match reader.next() {
                Ok(Some(group)) => assert!(group == self.groups[groups], "another group"),
                Ok(None) => return Outcome::Prefix(self.commits_before(groups)),
                Err(e) => return Self::refused(&foliograph::storage_core::pager::OpenError::from(e).into()),
            }
            groups += 1;
        }
    }
}

#[rstest]
#[case::pages_of_4_kib(PageSize::K4)]
#[case::pages_of_16_kib(PageSize::K16)]
fn every_byte_of_a_log_flipped_is_the_end_or_damage_that_names_its_group(#[case] size: PageSize) {
    let (since, mut rng) = (Instant::now(), Rng::new(harness::seed(9)));
    let logged = small(size);
    let mut trial = Trial::new(&logged);
    let mut states = 0;
    for place in places(&logged) {
        let Place { group, within, at } = place;
        let covered = within < logged.covered(group);
        let wanted = if covered { logged.wanted(group) } else { Ok(logged.models.len() - 1) };
        // The padding is passed over; a part of it is enough to open the store for.
        if !covered && !(within + at / BLOCK).is_multiple_of(32) {
            continue;
        }
        let masks =
            if within < 96 { vec![0x01, 0x80, 0xFF, 1 << rng.below(8)] } else { vec![1 << rng.below(8)] };
        for mask in masks {
            let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| trial.flip(at, mask)));
            let judged = judged.map_err(|_| "a panic".to_owned());
            if let Err(wrong) = judged.and_then(|outcome| logged.check(&outcome, wanted)) {
                panic!("{size:?}, {place:?} ^ {mask:#x}: {wrong}");
            }
            states += 1;
        }
    }
    eprintln!("{states} states, {} bytes of log, {:.1?}", logged.used().len() * BLOCK, since.elapsed());
}

/// Read without opening, but for headers and links; see the module for the bytes of long records.
#[rstest]
#[case::pages_of_4_kib(PageSize::K4)]
#[case::pages_of_16_kib(PageSize::K16)]
fn every_byte_of_a_long_log_flipped_is_seen(#[case] size: PageSize) {
    let (since, seed) = (Instant::now(), harness::seed(10));
    let logged = long(size);
    let mut trial = Trial::new(&logged);
    let store = foliograph::storage_core::device::memory::MemoryStore::new(logged.image.clone());
    let device = MemoryDevice::open(&store, &foliograph::storage_core::device::OpenOptions::open());
    let device = device.expect("a whole store");
    let every = if super::campaign().is_some() { 1 } else { 17 };
    let (mut states, mut opened) = (0, 0);
    for place in places(&logged) {
        let Place { group, within, at } = place;
        let short = logged.covered(group) <= BLOCK || within < 96 + 12 * logged.groups[group].links.len();
        if !short && !(within + seed as usize).is_multiple_of(every) {
            continue;
        }
        let covered = within < logged.covered(group);
        let wanted = if covered { logged.wanted(group) } else { Ok(logged.models.len() - 1) };
        let mask = if at % 2 == 0 { 0xFF } else { 1 << (at / 2 % 8) };
        store.tamper(|bytes| bytes[at] ^= mask);
        let read = logged.read(&device);
        store.tamper(|bytes| bytes[at] ^= mask);
        let mut result = logged.check(&read, wanted);
        if within < 96 + 12 * logged.groups[group].links.len() && within % 4 == at / BLOCK % 4 {
            result = result.and_then(|()| logged.check(&trial.flip(at, mask), wanted));
            opened += 1;
        }
        if let Err(wrong) = result {
            panic!("{size:?}, {place:?} ^ {mask:#x}: {wrong}");
        }
        states += 1;
    }
    let bytes = logged.used().len() * BLOCK;
    eprintln!("{states} states ({opened} opened), {bytes} bytes of log, {:.1?}", since.elapsed());
}

/// The first group that loses something it needs, if the bytes in `gone` are lost; only bytes that are not zero anyway.
fn first_lost(logged: &Logged, gone: impl Fn(usize) -> bool) -> usize {
    let lost = places(logged)
        .into_iter()
        .find(|p| p.within < logged.covered(p.group) && gone(p.at) && logged.image[p.at] != 0);
    lost.map_or(logged.groups.len(), |place| place.group)
}

/// From this sector of the chain on there are zeroes, to the end of the chain.
#[rstest]
#[case::small_4_kib(small(PageSize::K4))]
#[case::small_16_kib(small(PageSize::K16))]
#[case::long_4_kib(long(PageSize::K4))]
#[case::long_16_kib(long(PageSize::K16))]
fn a_log_zeroed_from_any_sector_on_is_a_prefix_and_the_store_works_on(#[case] logged: Logged) {
    let since = Instant::now();
    let mut trial = Trial::new(&logged);
    let sectors: Vec<usize> = logged.blocks.iter().flat_map(|at| (*at..*at + BLOCK).step_by(512)).collect();
    let used = logged.at[logged.groups.len()] * BLOCK / 512;
    let places = places(&logged);
    let step = if logged.used().len() * BLOCK > EXTENT_BYTES { 8 } else { 1 };
    for from in (0..=used).step_by(step) {
        // Groups follow one another as the chain does.
        let lost = places.iter().find(|place| {
            let sector = (logged.at[place.group] * BLOCK + place.within) / 512;
            sector >= from && place.within < logged.covered(place.group) && logged.image[place.at] != 0
        });
        let whole = lost.map_or(logged.groups.len(), |place| place.group);
        let outcome = trial.with(|bytes| sectors[from..].iter().for_each(|at| bytes[*at..*at + 512].fill(0)));
        assert_eq!(outcome, Outcome::Prefix(logged.commits_before(whole)), "from sector {from} on");
        logged.works_on(&trial.store, logged.commits_before(whole));
    }
    eprintln!("{} states, {:.1?}", used / step + 1, since.elapsed());
}

#[rstest]
#[case::pages_of_4_kib(small(PageSize::K4))]
#[case::pages_of_16_kib(small(PageSize::K16))]
fn a_zeroed_sector_is_the_end_in_the_last_group_and_damage_before_it(#[case] logged: Logged) {
    let mut trial = Trial::new(&logged);
    for at in logged.used().to_vec().into_iter().flat_map(|at| (at..at + BLOCK).step_by(512)) {
        let lost = first_lost(&logged, |byte| (at..at + 512).contains(&byte));
        let wanted =
            if lost == logged.groups.len() { Ok(logged.models.len() - 1) } else { logged.wanted(lost) };
        let outcome = trial.with(|bytes| bytes[at..at + 512].fill(0));
        if let Err(wrong) = logged.check(&outcome, wanted) {
            panic!("sector at {at}: {wrong}");
        }
        // Whoever wants to save what is left gets all commits before it.
        let tolerated = trial.tolerant(|bytes| bytes[at..at + 512].fill(0));
        assert_eq!(tolerated, logged.commits_before(lost));
    }
}

/// The root record knows how long the file was when its log began; extents that were linked later lie behind that.
#[rstest]
#[case::small_4_kib(small(PageSize::K4))]
#[case::small_16_kib(small(PageSize::K16))]
#[case::long_4_kib(long(PageSize::K4))]
#[case::long_16_kib(long(PageSize::K16))]
fn a_file_that_is_cut_anywhere_in_its_log_opens_with_nothing_wrong_or_is_refused(#[case] logged: Logged) {
    let page = logged.page();
    let mut trial = Trial::new(&logged);
    let first = *logged.blocks.iter().min().expect("a log");
    let promised = logged.meta.page_count as usize * page;
    let (mut short, mut damaged, mut whole) = (0, 0, 0);
    for length in (first..logged.image.len()).rev().step_by(if page > BLOCK { 1536 } else { 512 }) {
        let left = length / page * page;
        match trial.with(|bytes| bytes.truncate(length)) {
            Outcome::Short => {
                assert!(left < promised, "{length} bytes are enough for the root record");
                short += 1;
            }
            Outcome::Damage { group, what, .. } => {
                let group = logged.groups.iter().find(|g| g.number == group).expect("one of these");
                let beyond = |e| blocks_of(e, page).any(|at| at + BLOCK > left);
                assert!(group.links.iter().any(|e| beyond(*e)), "{length} bytes: {what}");
                damaged += 1;
            }
            Outcome::Prefix(commits) => {
                assert_eq!(commits, logged.models.len() - 1);
                assert!(left >= promised && logged.blocks.iter().all(|at| at + BLOCK <= left));
                whole += 1;
            }
            Outcome::Root => unreachable!("the root records are whole"),
        }
    }
    eprintln!("{short} too short, {damaged} damaged, {whole} whole");
    assert!(short > 0 && (damaged > 0 || logged.groups.iter().all(|group| group.links.is_empty())));
}
