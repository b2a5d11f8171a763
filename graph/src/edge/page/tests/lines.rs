//! Hints where lists begin: near, never behind, and none where there is no memory for them.

use super::*;
use crate::edge::page::directory::Form;
use crate::edge::page::lines::Lines;
use storage_core::device::OpenOptions;
use storage_core::device::memory::{MemoryDevice, MemoryStore};
use storage_core::pager::{Pager, PagerOptions, Quota};

/// Memory for hints comes out of a pager's.
fn pager() -> std::sync::Arc<Pager> {
    let options = OpenOptions::create(PageSize::K16);
    let device = MemoryDevice::open(&MemoryStore::new(Vec::new()), &options).expect("a device");
    Pager::create(std::sync::Arc::new(device), &PagerOptions::default()).expect("a store")
}

/// A directory of every form: many vertices of few edges, few of many, with holes, and one vertex with thousands.
fn graphs() -> [Keys; 4] {
    let few = (0..20_000).map(|vertex| key(vertex, 0, vertex * 7, 0));
    let many = (0..300).flat_map(|vertex| (0..100).map(move |n| key(vertex, 0, n * 1000 + vertex, 0)));
    let holes = (0..500).flat_map(|n| (0..=n % 9).map(move |to| key(n * 3 + n % 5, 0, to * 99, 0)));
    let hub = (0..40_000).map(|n| key(100 + n / 39_000, 0, n * 3, 0));
    [few.collect(), many.collect(), holes.collect(), hub.collect()]
}

fn about(lines: &Lines, leaf: Leaf<'_>, slot: u64, quota: &Quota) -> Option<usize> {
    lines.about(leaf.bytes, &leaf.head, leaf.head.first.checked_add(slot)?, quota)
}

#[test]
fn a_hint_is_where_the_first_list_of_its_slots_begins() {
    let pager = pager();
    let (mut all, mut near) = (0, 0);
    for (size, keys) in SIZES.into_iter().flat_map(|size| graphs().map(|keys| (size, keys))) {
        for leaf in pack(size, 100, &keys) {
            let leaf = open(&leaf);
            let lines = Lines::default();
            let about = |slot| about(&lines, leaf, slot, pager.decoded());
            let mut before = 0;
            for slot in 0..leaf.head.slots {
                let at = leaf.head.offset(leaf.bytes, slot);
                let Some(about) = about(slot as u64) else {
                    assert!(leaf.head.form != Form::Dense || leaf.head.slots <= 32, "there is memory");
                    continue;
                };
                assert!(before <= about, "hints ascend with slots");
                before = about;
                if at != 0 {
                    assert!(about <= at, "a hint lies behind the list");
                    // In a page of 64 KiB a step is four lines.
                    if size != PageSize::K64 {
                        all += 1;
                        near += usize::from(at - about < 192);
                    }
                }
            }
            assert_eq!(about(1 << 40), None, "of no slot");
        }
    }
    assert!(near * 10 > all * 9, "most lists begin in the lines that are asked for: {near} of {all}");
    assert_eq!(pager.decoded().taken(), 0, "and all was given back");
}

#[test]
fn without_memory_there_are_none() {
    let pager = pager();
    let quota = pager.decoded();
    let leaves = pack(PageSize::K16, 100, &graphs()[1]);
    let leaf = open(&leaves[0]);
    let mut kept = vec![Lines::default()];
    while about(&kept[kept.len() - 1], leaf, 0, quota).is_some() {
        kept.push(Lines::default());
    }
    assert!(kept.len() > 1);
    assert!(quota.take(3 * quota.taken()).is_some(), "three quarters of it are left for nodes");
    assert_eq!(about(&Lines::default(), leaf, 0, quota), None);
}
