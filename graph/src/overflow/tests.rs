//! What long values promise, through a pager over pages in memory.

use super::*;
use std::collections::HashSet;
use std::sync::Arc;
use storage_core::device::memory::MemoryDevice;
use storage_core::device::sim::Rng;
use storage_core::page::{PageImage, PageKind, Written};
use storage_core::pager::{Pager, PagerOptions, ReadPages, Transaction};

fn pager(size: PageSize) -> Arc<Pager> {
    let device = Arc::new(MemoryDevice::new(size));
    let options = PagerOptions { cache_bytes: 16 * size.bytes(), ..PagerOptions::default() };
    Pager::create(device, &options).expect("a new store")
}

fn random_bytes(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng.fill(&mut bytes);
    bytes
}

/// Lengths about which something changes: none, one, one page, one page of references, and beyond.
fn lengths(size: PageSize) -> Vec<usize> {
    let shape = Shape::of(size);
    let (chunk, level_1) = (shape.chunk as usize, shape.capacity(1) as usize);
    let mut lengths = vec![0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 7, 5 << 20];
    if size <= PageSize::K8 {
        lengths.extend([level_1 - 1, level_1, level_1 + 1, 2 * level_1 + 1]);
    }
    lengths
}

#[test]
fn values_of_every_length_come_back_and_are_freed_whole() {
    let mut rng = Rng::new(11);
    for size in [PageSize::K4, PageSize::K16, PageSize::K64] {
        let pager = pager(size);
        for len in lengths(size) {
            let mut tx = pager.begin_write().expect("a transaction");
            let bytes = random_bytes(&mut rng, len);
            let root = write(&mut tx, &bytes).expect("written");
            let pages = tx.pages_written();
            assert!(read(&tx, root, len as u64).expect("readable") == bytes, "{len} bytes at {size}");
            let mut seen = HashSet::new();
            let mut note = |at: Written, page: &storage_core::pager::Page| {
                assert_eq!(page.id(), at.page());
                assert!(seen.insert(at), "a page is named once");
                Ok(())
            };
            visit(&tx, root, len as u64, &mut note).expect("visited");
            assert_eq!(seen.len(), pages, "{len} bytes at {size}: every page is reached");
            free(&mut tx, root, len as u64).expect("freed");
            assert_eq!(tx.pages_written(), 0, "{len} bytes at {size}: nothing is left");
        }
    }
}

#[test]
fn a_value_that_comes_in_parts_is_the_same_and_is_read_from_a_snapshot() {
    let mut rng = Rng::new(12);
    let pager = pager(PageSize::K4);
    for _ in 0..20 {
        let mut tx = pager.begin_write().expect("a transaction");
        let mut writer = Writer::new(PageSize::K4);
        let mut whole = Vec::new();
        for _ in 0..rng.below(30) {
            let len = rng.below(20_000) as usize;
            let part = random_bytes(&mut rng, len);
            writer.push(&mut tx, &part).expect("written");
            whole.extend_from_slice(&part);
        }
        let (root, len) = writer.finish(&mut tx).expect("written");
        assert_eq!(len, whole.len() as u64);
        // Only a reference in a page may be a root; any page will do that is read by its kind.
        let mut holder = PageImage::new(PageSize::K4, PageKind::Record, 0);
        holder.put_reference(HEADER_LEN, root);
        holder.set_used(HEADER_LEN + REFERENCE_LEN);
        let holder = tx.write(vec![holder]).expect("written")[0];
        tx.commit(Some(holder)).expect("committed");
        let snapshot = pager.begin_read();
        let page = snapshot.page(holder, PageKind::Record).expect("readable");
        let root = page.reference(HEADER_LEN).expect("a reference");
        let pieces: Vec<_> =
            chunks(&snapshot, root, len).expect("begun").collect::<Result<_, _>>().expect("readable");
        assert!(pieces.iter().flat_map(|piece| piece.iter()).eq(&whole));
        assert_eq!(pieces.len() as u64, len.div_ceil(Shape::of(PageSize::K4).chunk).max(1));
    }
}

#[test]
fn a_length_that_does_not_fit_the_pages_is_damage() {
    let pager = pager(PageSize::K4);
    let mut tx = pager.begin_write().expect("a transaction");
    for len in [0, 1, 4056, 4057, 100_000, 1 << 21] {
        let root = write(&mut tx, &vec![7; len]).expect("written");
        let len = len as u64;
        let multiple = len.div_ceil(4056) * 4056;
        for wrong in [len + 1, len.wrapping_sub(1), len + 4056, multiple + 1, 1 << 40, u64::MAX] {
            if wrong != len {
                let error = read(&tx, root, wrong).expect_err("another length");
                assert!(error.to_string().contains("damaged"), "{len} as {wrong}: {error}");
            }
        }
        assert!(free(&mut tx, root, 1 << 60).is_err());
    }
}

fn forged(tx: &mut Transaction, bytes: &[u8], used: usize) -> Written {
    let mut image = PageImage::new(PageSize::K4, PageKind::Overflow, CODEC);
    image.bytes_mut()[HEADER_LEN..used].copy_from_slice(&bytes[HEADER_LEN..used]);
    image.set_used(used);
    tx.write(vec![image]).expect("written")[0]
}

#[test]
fn pages_with_changed_bytes_never_panic_nor_loop() {
    let mut rng = Rng::new(13);
    let pager = pager(PageSize::K4);
    let mut tx = pager.begin_write().expect("a transaction");
    let len = 40_000;
    let root = write(&mut tx, &vec![7; len]).expect("written");
    let page = tx.page(root, PageKind::Overflow).expect("readable");
    for _ in 0..5000 {
        let mut bytes = page.to_vec();
        let used = page.used();
        for _ in 0..=rng.below(3) {
            // Mostly in the header, where it hurts.
            let room = if rng.chance(1, 2) { 8 } else { used - HEADER_LEN };
            let at = HEADER_LEN + rng.index(room);
            bytes[at] = if rng.chance(1, 2) { rng.next_u64() as u8 } else { bytes[at] ^ 1 };
        }
        let forged = forged(&mut tx, &bytes, used);
        if let Ok(value) = read(&tx, forged, len as u64) {
            assert_eq!(value.len(), len);
        }
        let _ = visit(&tx, forged, len as u64, &mut |_, _| Ok(()));
        let _ = tx.page(forged, PageKind::Overflow).map(|page| references(&page));
        tx.free(forged);
    }
}

#[test]
fn a_page_of_another_level_is_damage() {
    let pager = pager(PageSize::K4);
    let mut tx = pager.begin_write().expect("a transaction");
    let root = write(&mut tx, &vec![7; 40_000]).expect("written");
    let page = tx.page(root, PageKind::Overflow).expect("readable");
    let mut bytes = page.to_vec();
    bytes[LEVEL] = 2;
    let higher = forged(&mut tx, &bytes, page.used());
    let error = read(&tx, higher, 40_000).expect_err("level 2 where 1 should be");
    assert!(
        error.to_string().starts_with(&format!("page {} (overflow) is damaged", higher.page())),
        "{error}"
    );
    assert!(read(&tx, root, 40_000).is_ok());
}
