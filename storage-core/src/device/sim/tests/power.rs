//! What a power cut leaves of unsynced operations.

use super::super::{Fate, Outcome, Rng, Unit};
use super::*;
use std::collections::BTreeSet;

#[test]
fn what_was_written_is_read_at_once_and_durable_only_after_a_sync() {
    let sim = disk(PageSize::K4, 4);
    write(&sim, 2, 7);
    assert_eq!(firsts(&sim.volatile()), [0, 0, 7, 0]);
    assert_eq!(firsts(sim.pending().durable()), [0; 4]);
    sim.sync().unwrap();
    assert_eq!(firsts(sim.pending().durable()), [0, 0, 7, 0]);
    assert_eq!(sim.pending().count(), 0);
}

#[test]
fn an_unsynced_write_may_be_lost_kept_or_torn() {
    let sim = disk(PageSize::K4, 1);
    write(&sim, 0, 7);
    let pending = sim.pending();
    let mut rng = Rng::new(3);
    let (mut lost, mut kept, mut torn) = (0, 0, 0);
    for _ in 0..300 {
        let image = pending.random(&mut rng);
        let sectors: BTreeSet<Vec<u8>> =
            image.page(PageId::new(0)).unwrap().chunks(512).map(<[u8]>::to_vec).collect();
        assert!(
            sectors.iter().all(|s| *s == [0; 512] || *s == [7; 512]),
            "a sector is old or new, never mixed"
        );
        match (sectors.len(), sectors.contains(&vec![7; 512])) {
            (1, false) => lost += 1,
            (1, true) => kept += 1,
            _ => torn += 1,
        }
    }
    assert!(lost > 30 && kept > 30 && torn > 30, "lost {lost}, kept {kept}, torn {torn}");
}

#[test]
fn a_torn_write_has_just_the_sectors_of_its_mask() {
    let sim = disk(PageSize::K8, 1);
    write(&sim, 0, 7);
    let outcome = Outcome { fates: vec![Fate::Torn(1 << 15 | 1)], order: Vec::new(), data_extends: true };
    let image = sim.pending().land(&outcome);
    let page = image.page(PageId::new(0)).unwrap();
    for (n, sector) in page.chunks(512).enumerate() {
        assert_eq!(sector[0], if n == 0 || n == 15 { 7 } else { 0 }, "sector {n}");
    }
}

#[test]
fn write_durable_makes_only_its_own_blocks_durable() {
    let sim = disk(PageSize::K16, 3);
    write(&sim, 1, 1);
    write(&sim, 2, 2);
    write_durable(&sim, 1, 2, 9);
    let pending = sim.pending();
    assert_eq!(blocks(pending.durable(), 1), [0, 0, 9, 0]);
    assert_eq!(blocks(pending.durable(), 2), [0; 4]);
    assert_eq!(blocks(&sim.volatile(), 1), [1, 1, 9, 1]);
    assert_eq!(pending.count(), 2, "the other blocks of page 1 and page 2 are still unsynced");
    sim.sync().unwrap();
    assert_eq!(sim.pending().durable(), &sim.volatile());
}

#[test]
fn a_write_before_a_durable_block_never_lands_over_it_and_one_after_it_may() {
    let sim = disk(PageSize::K16, 1);
    write(&sim, 0, 1);
    write_durable(&sim, 0, 2, 9);
    assert_eq!(blocks(&sim.pending().subset(1), 0), [1, 1, 9, 1]);
    let mut rng = Rng::new(1);
    for _ in 0..200 {
        assert_eq!(blocks(&sim.pending().random(&mut rng), 0)[2], 9);
    }
    write(&sim, 0, 3);
    assert_eq!(blocks(&sim.pending().subset(0b10), 0), [3; 4]);
    assert_eq!(blocks(&sim.pending().subset(0b01), 0), [1, 1, 9, 1]);
}

#[test]
fn a_write_all_of_whose_blocks_were_written_durably_later_is_no_longer_pending() {
    let sim = disk(PageSize::K8, 1);
    write(&sim, 0, 1);
    write_durable(&sim, 0, 0, 2);
    assert_eq!(sim.pending().count(), 1);
    write_durable(&sim, 0, 1, 3);
    assert_eq!(sim.pending().count(), 0);
    assert_eq!(blocks(sim.pending().durable(), 0), [2, 3]);
}

#[test]
fn all_subsets_are_enumerated_exactly_once() {
    let sim = disk(PageSize::K4, 10);
    (0..10).for_each(|page| write(&sim, page, page as u8 + 1));
    let pending = sim.pending();
    let states: Vec<Vec<u8>> = pending.subsets().map(|(_, image)| firsts(&image)).collect();
    let different: BTreeSet<&Vec<u8>> = states.iter().collect();
    assert_eq!((states.len(), different.len()), (1024, 1024));
    for (mask, image) in pending.subsets() {
        let expected: Vec<u8> = (0..10).map(|n| if mask >> n & 1 == 1 { n as u8 + 1 } else { 0 }).collect();
        assert_eq!(firsts(&image), expected);
    }
}

#[test]
fn overlapping_writes_land_in_any_order() {
    let sim = disk(PageSize::K4, 1);
    write(&sim, 0, 1);
    write(&sim, 0, 2);
    let by_mask: Vec<u8> = sim.pending().subsets().map(|(_, image)| firsts(&image)[0]).collect();
    assert_eq!(by_mask, [0, 1, 2, 2], "that both landed in the other order is the state of the first alone");
    let both = |order: &[usize]| {
        let outcome = Outcome { fates: vec![Fate::Landed; 2], order: order.to_vec(), data_extends: true };
        firsts(&sim.pending().land(&outcome))[0]
    };
    assert_eq!((both(&[0, 1]), both(&[1, 0])), (2, 1));
    let mut rng = Rng::new(5);
    let three_way_mix = (0..500).any(|_| {
        let image = sim.pending().random(&mut rng);
        let bytes: BTreeSet<u8> = image.page(PageId::new(0)).unwrap().iter().copied().collect();
        bytes.len() == 3
    });
    assert!(three_way_mix, "old, first and second write mixed by sectors");
}

#[test]
fn growth_may_be_lost_apart_from_data() {
    let sim = disk(PageSize::K4, 2);
    sim.grow(PageCount::new(6)).unwrap();
    write(&sim, 4, 7);
    let pending = sim.pending();
    assert!(matches!(pending.units(), [Unit::Grow(_), Unit::Page { .. }]));
    let states: Vec<Vec<u8>> = pending.subsets().map(|(_, image)| firsts(&image)).collect();
    assert_eq!(states[0b00], [0, 0], "both lost");
    assert_eq!(states[0b01], [0; 6], "the length without the data");
    assert_eq!(states[0b10], [0, 0, 0, 0, 7], "the data carries the length as far as it reaches");
    assert_eq!(states[0b11], [0, 0, 0, 0, 7, 0]);
    let vanished = Outcome { fates: vec![Fate::Lost, Fate::Landed], order: Vec::new(), data_extends: false };
    assert_eq!(firsts(&pending.land(&vanished)), [0, 0], "or vanishes beyond the end");
    let mut rng = Rng::new(2);
    let seen: BTreeSet<u64> = (0..200).map(|_| pending.random(&mut rng).page_count().get()).collect();
    assert_eq!(seen, BTreeSet::from([2, 5, 6]));
}

#[test]
fn a_durable_write_takes_the_length_it_needs_along() {
    let sim = disk(PageSize::K4, 2);
    sim.grow(PageCount::new(6)).unwrap();
    write_durable(&sim, 3, 0, 7);
    assert_eq!(firsts(&sim.pending().subset(0)), [0, 0, 0, 7]);
    assert_eq!(firsts(&sim.pending().subset(1)), [0, 0, 0, 7, 0, 0]);
}

#[test]
fn a_cut_that_lands_takes_earlier_writes_along_and_leaves_later_ones() {
    let sim = disk(PageSize::K4, 4);
    write(&sim, 3, 1);
    sim.shrink(PageCount::new(2)).unwrap();
    sim.grow(PageCount::new(4)).unwrap();
    write(&sim, 2, 2);
    let state = |mask| firsts(&sim.pending().subset(mask));
    assert_eq!(state(0b0001), [0, 0, 0, 1], "the cut was lost");
    assert_eq!(state(0b0010), [0, 0]);
    assert_eq!(state(0b0011), [0, 0], "a write from before the cut does not come back behind it");
    assert_eq!(state(0b0110), [0; 4]);
    assert_eq!(state(0b1010), [0, 0, 2], "a write from after it carries the length");
    assert_eq!(state(0b1111), [0, 0, 2, 0]);
    sim.sync().unwrap();
    assert_eq!(sim.pending().durable(), &sim.volatile());
}

#[test]
fn a_durable_write_behind_an_unsynced_cut_makes_the_cut_durable() {
    let sim = disk(PageSize::K4, 4);
    write(&sim, 3, 1);
    sim.shrink(PageCount::new(2)).unwrap();
    sim.grow(PageCount::new(4)).unwrap();
    write_durable(&sim, 2, 0, 9);
    for (mask, image) in sim.pending().subsets() {
        assert_eq!(firsts(&image)[..3], [0, 0, 9], "mask {mask:b}");
    }
}

#[test]
fn corners_have_nothing_everything_each_alone_and_all_but_one() {
    let sim = disk(PageSize::K4, 3);
    (0..3).for_each(|page| write(&sim, page, page as u8 + 1));
    let pending = sim.pending();
    let states: BTreeSet<Vec<u8>> =
        pending.corners().map(|outcome| firsts(&pending.land(&outcome))).collect();
    for state in [[0, 0, 0], [1, 2, 3], [1, 0, 0], [0, 2, 0], [0, 0, 3], [0, 2, 3], [1, 0, 3], [1, 2, 0]] {
        assert!(states.contains(state.as_slice()), "{state:?}");
    }
    let torn = pending.corners().any(|outcome| outcome.fates.contains(&Fate::Torn(0b1111)));
    assert!(torn);
}
