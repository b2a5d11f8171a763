//! Every byte flipped in turn, and every length cut.
//!
//! The store is opened and read after each flip in a page that is in use; it is checked, too, after those in a page's header
//! and a fourth of the others. Of pages that are not in use, one byte in sixteen is flipped. All of it, of all pages:
//! `FOLIOGRAPH_CAMPAIGN=sweep cargo test -p tests --test suite damage::sweep`.

use super::store::{PAGE, Sample, open, sample};
use crate::harness;
use foliograph::storage_core::device::DeviceErrorKind;
use foliograph::storage_core::device::memory::MemoryStore;
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::page::{HEADER_LEN, PageKind};
use foliograph::storage_core::pager::{self, PageError};
use foliograph::{OpenError, ReadError};
use rstest::rstest;
use std::time::Instant;

/// What a damaged store said: the pages that it named.
#[derive(Debug, Default)]
struct Said {
    opening: Option<u64>,
    reading: Option<u64>,
    findings: Vec<u64>,
    /// What the findings say.
    words: Vec<String>,
    /// Whether it was checked.
    checked: bool,
}

fn page_of(error: &PageError) -> u64 {
    match error {
        PageError::Damage { page, .. } => page.get(),
        other => panic!("damage must name its page, not: {other}"),
    }
}

fn page_of_read(error: &ReadError) -> u64 {
    match error {
        ReadError::Page(e) => page_of(e),
        other => panic!("damage must name its page, not: {other}"),
    }
}

fn page_of_open(error: &OpenError) -> u64 {
    match error {
        OpenError::Pager(pager::OpenError::Page(e)) => page_of(e),
        OpenError::Read(e) => page_of_read(e),
        other => panic!("damage must name its page, not: {other}"),
    }
}

/// Opens, checks where that is wanted, and reads everything; a wrong answer is a panic.
fn ask(sample: &Sample, store: &MemoryStore, read_only: bool, checked: bool) -> Said {
    let mut said = Said { checked, ..Said::default() };
    let db = match open(store, read_only) {
        Ok(db) => db,
        Err(e) => {
            said.opening = Some(page_of_open(&e));
            return said;
        }
    };
    match checked.then(|| db.check()) {
        None => {}
        Some(Ok(report)) => {
            said.findings = report.findings.iter().map(|f| f.page.get()).collect();
            said.words = report.findings.into_iter().map(|f| f.what).collect();
        }
        Some(Err(e)) => panic!("check must go on over damage, not: {e}"),
    }
    let read = db.begin_read().and_then(|snapshot| sample.model.differences(&snapshot));
    match read {
        Ok(None) => {}
        Ok(Some(wrong)) => panic!("a wrong answer: {wrong}"),
        Err(e) => said.reading = Some(page_of_read(&e)),
    }
    said
}

/// What must be said about a flipped byte of a page.
fn judge(said: &Said, page: usize, kind: Option<PageKind>, read_only: bool) {
    let named = Some(page as u64);
    match kind {
        None => assert!(said.opening.is_none() && said.reading.is_none() && said.findings.is_empty()),
        Some(PageKind::Meta) if !read_only => {
            // Opening has repaired it from its twin (R4).
            assert!(said.opening.is_none() && said.reading.is_none() && said.findings.is_empty());
        }
        Some(PageKind::Superblock | PageKind::Meta) => {
            assert!(said.opening.is_none() && said.reading.is_none());
            assert!(!said.checked || said.findings == [page as u64]);
        }
        Some(kind) => {
            if said.opening.is_some() {
                assert_eq!(said.opening, named);
                return;
            }
            assert!(said.findings.is_empty() != said.checked);
            assert!(said.findings.iter().all(|found| Some(*found) == named));
            // A full read needs every page but the map's.
            let needed = !matches!(kind, PageKind::MapRegion | PageKind::MapIndex);
            assert_eq!(said.reading, if needed { named } else { None });
        }
    }
}

/// Flips bytes of one page, each in turn.
fn flip_page(sample: &Sample, page: usize, read_only: bool, rng: &mut Rng) {
    let store = MemoryStore::new(sample.image.clone());
    let kind = sample.kind(page);
    let all = harness::campaign("sweep");
    for byte in (0..PAGE).filter(|byte| all || kind.is_some() || byte % 16 == page % 16) {
        let checked = all || byte < HEADER_LEN || byte % 4 == page % 4;
        let mask = if rng.chance(1, 2) { 0xFF } else { 1 << rng.below(8) };
        store.tamper(|bytes| bytes[page * PAGE + byte] ^= mask);
        let trial = || {
            let said = ask(sample, &store, read_only, checked);
            let name = format!("{said:?}");
            std::panic::catch_unwind(|| judge(&said, page, kind, read_only)).map_err(|_| name)
        };
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(trial));
        match judged {
            Ok(Ok(())) => {}
            Ok(Err(said)) => {
                panic!("page {page} ({kind:?}), byte {byte} ^ {mask:#x}, read only {read_only}: {said}")
            }
            Err(_) => {
                panic!("page {page} ({kind:?}), byte {byte} ^ {mask:#x}, read only {read_only}: a panic")
            }
        }
        store.tamper(|bytes| {
            // Opening may have repaired a root record; nothing else is ever written.
            bytes[..5 * PAGE].copy_from_slice(&sample.image[..5 * PAGE]);
            bytes[page * PAGE + byte] = sample.image[page * PAGE + byte];
        });
    }
    assert!(store.image() == sample.image, "page {page}: looking at a damaged store wrote to it");
}

/// In two halves, for two cores.
#[rstest]
#[case::even_pages(0)]
#[case::odd_pages(1)]
fn every_flipped_byte_is_answered_right_or_named(#[case] half: usize) {
    let (since, seed) = (Instant::now(), harness::seed(5));
    let sample = sample(10);
    let pages: Vec<usize> = (half..sample.image.len() / PAGE).step_by(2).collect();
    for page in &pages {
        flip_page(&sample, *page, false, &mut Rng::new(seed + *page as u64));
    }
    let (count, used) = (pages.len(), pages.iter().filter(|page| sample.kind(**page).is_some()).count());
    let each = since.elapsed().as_micros() as usize / (count * PAGE);
    eprintln!("{count} pages ({used} in use), {:.1?}, {each} µs a byte of them", since.elapsed());
}

#[test]
fn every_flipped_byte_of_the_fixed_pages_is_named_to_one_who_only_reads() {
    let sample = sample(10);
    let mut rng = Rng::new(harness::seed(6));
    (0..5).for_each(|page| flip_page(&sample, page, true, &mut rng));
}

/// A cut store is `ShortFile`, whatever is left; one of which nothing is left is no store yet.
#[test]
fn a_store_cut_at_every_length_is_a_short_file() {
    let since = Instant::now();
    let sample = sample(10);
    let store = MemoryStore::new(sample.image.clone());
    for len in (0..sample.image.len()).rev() {
        store.tamper(|bytes| bytes.truncate(len));
        let mut left = 0;
        for read_only in [false, true] {
            match open(&store, read_only).map(drop) {
                Err(OpenError::Pager(pager::OpenError::ShortFile { found, expected })) => {
                    assert_eq!(
                        (found.get() as usize, expected.get() as usize),
                        (len / PAGE, sample.image.len() / PAGE)
                    );
                }
                Err(e) => {
                    let kind = e.device().unwrap_or_else(|| panic!("{len} bytes: {e}")).kind();
                    let wanted =
                        if len == 0 { DeviceErrorKind::Unfinished } else { DeviceErrorKind::ShortFile };
                    assert_eq!(kind, wanted, "{len} bytes: {e}");
                }
                Ok(()) => panic!("{len} bytes open as if nothing were missing"),
            }
            store.tamper(|bytes| left = bytes.len());
            assert_eq!(left, len, "a refused store is not touched");
        }
    }
    eprintln!("{} lengths, twice, {:.1?}", sample.image.len(), since.elapsed());
}
