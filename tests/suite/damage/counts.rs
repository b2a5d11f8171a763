//! Wrong counts behind valid checksums: `check` names the page that says them, degrees are wrong at worst, and nothing
//! panics or is lost.

use super::reseal::Reseal;
use super::store::{PAGE, Sample, hub, open, sample};
use foliograph::storage_core::device::memory::MemoryStore;
use foliograph::storage_core::page::PageKind;
use foliograph::{Database, Direction, NodeId, ReadError};

/// Where the counts of an inner page stand, and their width.
fn counts(sample: &Sample, page: usize) -> (Vec<usize>, usize) {
    let bytes = &sample.image[page * PAGE..][..PAGE];
    let used = u32::from_le_bytes(bytes[24..28].try_into().expect("4 bytes")) as usize;
    let (width, children) = (usize::from(bytes[33]), usize::from(u16::from_le_bytes([bytes[34], bytes[35]])));
    ((0..children).map(|n| used - (children - n) * width).collect(), width)
}

/// Asks for degrees of all sorts. Whatever they are, they are told.
fn degrees(db: &Database) -> Result<u64, ReadError> {
    let (snapshot, mut sum) = (db.begin_read()?, 0u64);
    for node in (0..60).map(|n| NodeId(n * 1_000_003)) {
        for direction in [Direction::Out, Direction::In, Direction::Both] {
            for name in [None, Some("knows"), Some("to")] {
                let degree = snapshot.degree(node).direction(direction);
                let degree = match name {
                    Some(name) => degree.of_type(name),
                    None => degree,
                };
                match degree.count() {
                    Ok(found) => sum = sum.saturating_add(found),
                    Err(ReadError::NoNode(_)) => {}
                    Err(e) => return Err(e),
                }
            }
        }
    }
    Ok(sum)
}

/// Opens the image, in which `page` says something wrong of a child. True if a degree is wrong for it.
fn judge(sample: &Sample, image: Vec<u8>, page: usize) -> bool {
    let db = open(&MemoryStore::new(image), false).expect("counts are not needed to open a store");
    let findings = db.check().expect("checked").findings;
    assert!(!findings.is_empty(), "page {page}: nobody notices");
    for finding in findings {
        assert!(finding.page.get() == page as u64 && finding.what.contains("entries below"), "{finding:?}");
    }
    degrees(&db).expect("a degree, right or wrong");
    let snapshot = db.begin_read().expect("begun");
    let different = sample.model.differences(&snapshot).expect("read");
    if let Some(different) = &different {
        assert!(different.contains("has degree"), "all but degrees is right: {different}");
    }
    drop(snapshot);
    // Writing goes on over it.
    let mut tx = db.begin_write().expect("begun");
    tx.delete_node(NodeId(8 * 1_000_003), true).expect("deleted");
    tx.commit().expect("committed");
    db.checkpoint().expect("a checkpoint");
    degrees(&db).expect("a degree, right or wrong");
    db.compact().expect("compacted");
    assert_eq!(db.check().expect("checked").findings, [], "whoever packs anew counts anew");
    different.is_some()
}

#[test]
fn every_wrong_count_is_found_and_costs_nothing_but_degrees() {
    let sample = hub();
    let reseal = Reseal::new(&sample);
    let inner = sample.pages.iter().filter(|info| info.kind == PageKind::Inner);
    let owners: Vec<_> = inner.clone().map(|info| info.owner).collect();
    assert!(owners.contains(&"edges out") && owners.contains(&"edges in"), "{owners:?}");
    let (mut wrong, mut degrees) = (0, 0);
    for page in inner.map(|info| info.id.get() as usize) {
        let (places, width) = counts(&sample, page);
        for at in places {
            let at = page * PAGE + at..page * PAGE + at + width;
            let mut le = [0; 8];
            le[..width].copy_from_slice(&sample.image[at.clone()]);
            let right = u64::from_le_bytes(le);
            for count in [0, right - 1, right + 1, u64::MAX] {
                let mut image = sample.image.clone();
                image[at.clone()].copy_from_slice(&count.to_le_bytes()[..width]);
                if image[at.clone()] == sample.image[at.clone()] {
                    continue;
                }
                reseal.page(&mut image, page);
                degrees += usize::from(judge(&sample, image, page));
                wrong += 1;
            }
        }
    }
    assert!(wrong > 100 && degrees > 10, "{wrong}, {degrees}");
    println!("{wrong} wrong counts, {degrees} of which make degrees wrong");
}

#[test]
fn counts_of_another_width_are_damage() {
    let sample = sample(10);
    let reseal = Reseal::new(&sample);
    let inner = sample.pages.iter().find(|info| info.kind == PageKind::Inner).expect("an inner page");
    let page = inner.id.get() as usize;
    for width in 0..=255 {
        let mut image = sample.image.clone();
        if std::mem::replace(&mut image[page * PAGE + 33], width) == width {
            continue;
        }
        reseal.page(&mut image, page);
        let Ok(db) = open(&MemoryStore::new(image), false) else { continue };
        let findings = db.check().expect("checked").findings;
        assert!(
            findings.iter().any(|finding| finding.page.get() == page as u64),
            "width {width}: {findings:?}"
        );
    }
}
