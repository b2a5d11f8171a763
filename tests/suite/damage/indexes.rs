//! Damage to property indexes, and to the catalog's records of them, behind valid checksums: the rest of the store says what
//! an index must hold, so `check` finds whatever is wrong with one, and salvage makes it anew.

use super::reseal::Reseal;
use super::store::{INDEXES, PAGE, Sample, open, sample};
use crate::crash::model::Wrong;
use crate::harness;
use foliograph::salvage::{SalvageOptions, salvage};
use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::device::{OpenOptions, PageDevice};
use foliograph::storage_core::page::REFERENCE_LEN;
use foliograph::{Database, Options, PageSize};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// What came of a damaged byte.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
    NotOpened,
    Found,
    /// The store is as it was: the byte said nothing.
    Harmless,
    /// Only whether an index is unique is another: nothing else in the store knows that.
    NotUnique,
}

/// The bytes of a page that are worth damaging: all but its checksum.
fn bytes_of(sample: &Sample, owner: &str) -> Vec<(usize, usize)> {
    let pages = sample.pages.iter().filter(|info| info.owner == owner);
    pages.flat_map(|info| (8..info.used).map(|within| (info.id.get() as usize, within))).collect()
}

/// The bytes of the catalog's records of indexes: the three lengths, key, bytes and references of each. The catalog of the
/// sample is one leaf whose keys share no prefix.
fn records_of_indexes(sample: &Sample) -> Vec<Vec<(usize, usize)>> {
    let mut found = Vec::new();
    for info in sample.pages.iter().filter(|info| info.owner == "catalog") {
        let page = info.id.get() as usize;
        let bytes = &sample.image[page * PAGE..][..info.used];
        for at in 40..bytes.len() - 5 {
            let (lengths, key) = (&bytes[at - 3..at], &bytes[at..at + 5]);
            if lengths[0] == 5 && key[..4] == *b"x\0\0\0" {
                let len = 5 + usize::from(lengths[1]) + REFERENCE_LEN * usize::from(lengths[2]);
                found.push((at - 3..at + len).map(|within| (page, within)).collect());
            }
        }
    }
    found
}

fn try_one(sample: &Sample, store: &MemoryStore) -> Result<Outcome, Wrong> {
    let Ok(db) = open(store, true) else { return Ok(Outcome::NotOpened) };
    let report = db.check().map_err(|e| e.to_string())?;
    if !report.findings.is_empty() {
        return Ok(Outcome::Found);
    }
    let snapshot = db.begin_read().map_err(|e| e.to_string())?;
    let mut model = sample.model.clone();
    for unique in [false, true] {
        match model.differences(&snapshot).map_err(|e| format!("check finds nothing: {e}"))? {
            None if unique => return Ok(Outcome::NotUnique),
            None => return Ok(Outcome::Harmless),
            Some(wrong) if unique => return Err(format!("check finds nothing: {wrong}")),
            Some(_) => {
                let read: Vec<bool> = snapshot.indexes().map(|index| index.unique).collect();
                model.indexes.iter_mut().zip(read).for_each(|(index, unique)| index.unique = unique);
            }
        }
    }
    unreachable!("the second time ends it")
}

fn damage_each(sample: &Sample, bytes: &[(usize, usize)], ways: u64, seed: u64) -> BTreeMap<Outcome, u64> {
    let reseal = Reseal::new(sample);
    let store = MemoryStore::new(Vec::new());
    let mut tally = BTreeMap::new();
    for (page, within) in bytes.iter().copied() {
        for way in 0..ways {
            let mut rng = Rng::new(seed ^ (page as u64) << 32 ^ (within as u64) << 8 ^ way);
            let mut image = sample.image.clone();
            let byte = &mut image[page * PAGE + within];
            *byte = match rng.below(3) {
                0 => *byte ^ (1 << rng.below(8)),
                1 => byte.wrapping_add([1, 255][rng.index(2)]),
                _ => byte.wrapping_add(1 + rng.below(255) as u8),
            };
            reseal.page(&mut image, page);
            store.tamper(|bytes| *bytes = image);
            let name = format!("page {page}, byte {within}, way {way}, seed {seed}");
            let outcome = catch_unwind(AssertUnwindSafe(|| try_one(sample, &store)));
            let outcome = outcome.unwrap_or_else(|_| panic!("{name}: it panics"));
            *tally.entry(outcome.unwrap_or_else(|why| panic!("{name}: {why}"))).or_default() += 1;
        }
    }
    tally
}

#[test]
fn whatever_is_wrong_with_an_index_is_found() {
    let (since, seed) = (Instant::now(), harness::seed(9));
    let sample = sample(12);
    let tally = damage_each(&sample, &bytes_of(&sample, INDEXES), 1, seed);
    eprintln!("pages of indexes: {tally:?}, {:.1?}", since.elapsed());
    let count = |outcome| tally.get(&outcome).copied().unwrap_or(0);
    assert!(count(Outcome::Found) > 5_000 && count(Outcome::Harmless) < 200, "{tally:?}");
    assert_eq!(count(Outcome::NotOpened) + count(Outcome::NotUnique), 0, "{tally:?}");
}

#[test]
fn whatever_is_wrong_with_what_the_catalog_says_of_an_index_is_found() {
    let (since, seed) = (Instant::now(), harness::seed(10));
    let sample = sample(12);
    let records = records_of_indexes(&sample);
    assert_eq!(records.len(), sample.model.indexes.len());
    // The last one is empty: over another label it would be empty, too.
    let bytes = records[..records.len() - 1].concat();
    let tally = damage_each(&sample, &bytes, 12, seed);
    eprintln!("records of indexes: {tally:?}, {:.1?}", since.elapsed());
    let count = |outcome| tally.get(&outcome).copied().unwrap_or(0);
    assert!(count(Outcome::Found) > 300 && count(Outcome::NotOpened) > 200, "{tally:?}");
    assert!(count(Outcome::NotUnique) > 0, "the flag was among them: {tally:?}");
}

/// Saves a damaged store; what is saved must be sound.
fn saved(store: &MemoryStore) -> Database {
    let from = MemoryDevice::open(store, &OpenOptions { read_only: true, ..OpenOptions::open() });
    let to = Options::new().background(false).create_device(Arc::new(MemoryDevice::new(PageSize::K4)));
    let to = to.expect("a new store");
    let from = Arc::new(from.expect("its size is whole")) as Arc<dyn PageDevice>;
    salvage(from, &to, &SalvageOptions::default(), &mut |_, _| true).expect("roots are whole");
    to
}

/// Lies in an index are not believed: the records are.
#[test]
fn a_store_with_a_damaged_index_is_saved_whole() {
    let seed = harness::seed(11);
    let sample = sample(12);
    let reseal = Reseal::new(&sample);
    let store = MemoryStore::new(Vec::new());
    let mut rng = Rng::new(seed);
    let bytes = bytes_of(&sample, INDEXES);
    for round in 0..60 {
        let mut image = sample.image.clone();
        for _ in 0..[1, 3, 40, 400][rng.index(4)] {
            let (page, within) = bytes[rng.index(bytes.len())];
            image[page * PAGE + within] = rng.next_u64() as u8;
            reseal.page(&mut image, page);
        }
        store.tamper(|bytes| *bytes = image);
        let to = saved(&store);
        let story = format!("seed {seed}, round {round}");
        let snapshot = to.begin_read().expect("a whole store");
        let mut model = sample.model.clone();
        // They are made in another order.
        let names = snapshot.indexes().map(|index| format!("{}.{}", index.on, index.property));
        let order: Vec<String> = names.collect();
        model.indexes.sort_by_key(|index| {
            let name = format!("{}.{}", index.on.name(), index.property);
            order.iter().position(|other| *other == name)
        });
        assert_eq!(model.differences(&snapshot).expect("readable"), None, "{story}");
        assert_eq!(to.check().expect("checked").findings, [], "{story}");
    }
}
