//! What the simulated disk does when it fails.

use super::super::Unit;
use super::*;
use crate::device::faults::{Fault, FaultRule};
use crate::device::{DeviceErrorKind, Growth, Operation, Result};

fn kind<T: std::fmt::Debug>(result: Result<T>) -> DeviceErrorKind {
    result.unwrap_err().kind()
}

fn page_of(sim: &SimDevice, page: u64) -> Vec<u8> {
    let mut buf = vec![0; sim.info().page_size.bytes()];
    sim.read_page(PageId::new(page), &mut buf).unwrap();
    buf
}

#[test]
fn garbage_page_ids_and_wrong_buffers_are_refused_and_change_nothing() {
    let sim = disk(PageSize::K4, 2);
    for page in [2, u64::MAX] {
        assert_eq!(kind(sim.write_page(PageId::new(page), &[0; 4096])), DeviceErrorKind::OutOfBounds);
        assert_eq!(kind(sim.read_page(PageId::new(page), &mut [0; 4096])), DeviceErrorKind::OutOfBounds);
        let block = WriteBlock { page: PageId::new(page), offset: 0, data: &[0; 4096] };
        assert_eq!(kind(sim.write_durable(&[block])), DeviceErrorKind::OutOfBounds);
    }
    assert_eq!(kind(sim.write_page(PageId::new(0), &[0; 512])), DeviceErrorKind::InvalidRequest);
    let block = WriteBlock { page: PageId::new(0), offset: 4096, data: &[0; 4096] };
    assert_eq!(kind(sim.write_durable(&[block])), DeviceErrorKind::InvalidRequest);
    assert_eq!(kind(sim.grow(PageCount::new(u64::MAX))), DeviceErrorKind::DiskFull);
    assert!(sim.journal().steps().is_empty());
    assert!(sim.sync().is_ok(), "nothing of this is poison");
}

#[test]
fn after_a_failed_sync_the_device_is_poisoned() {
    let sim = disk(PageSize::K4, 2);
    sim.faults().add(FaultRule::once(Operation::Sync, 1, Fault::Io));
    write(&sim, 0, 1);
    assert_eq!(kind(sim.sync()), DeviceErrorKind::Io);
    let later = sim.sync().unwrap_err();
    assert_eq!((later.kind(), later.operation()), (DeviceErrorKind::Poisoned, Operation::Sync));
    assert_eq!(kind(sim.read_page(PageId::new(0), &mut [0; 4096])), DeviceErrorKind::Poisoned);
    assert!(sim.close().is_ok());
    assert_eq!(kind(sim.sync()), DeviceErrorKind::Closed);
}

#[test]
fn a_failed_sync_loses_writes_and_a_second_one_succeeds_all_the_same() {
    let sim = disk(PageSize::K4, 16);
    sim.set_poisoning(false);
    sim.faults().add(FaultRule::once(Operation::Sync, 1, Fault::Io));
    (0..16).for_each(|page| write(&sim, page, 1));
    assert_eq!(kind(sim.sync()), DeviceErrorKind::Io);
    sim.sync().unwrap();
    let durable = firsts(sim.pending().durable());
    assert!(durable.contains(&0) && durable.contains(&1), "a part is lost for good: {durable:?}");
    assert_eq!(firsts(&sim.volatile()), [1; 16], "though it is still read");
    let last = sim.journal().states().last().unwrap();
    assert_eq!(last.pending.durable(), sim.pending().durable(), "the journal tells the same story");
}

#[test]
fn a_failed_write_leaves_any_part_of_its_batch() {
    let sim = disk(PageSize::K4, 16);
    sim.faults().add(FaultRule::once(Operation::Write, 1, Fault::Io));
    let data = [7; 4096];
    let batch: Vec<_> =
        (0..16).map(|n| crate::device::WritePage { page: PageId::new(n), data: &data }).collect();
    assert_eq!(kind(sim.write(&batch)), DeviceErrorKind::Io);
    let units = sim.pending().count();
    assert!(units > 0 && units < 16, "{units} pages were written");
}

#[test]
fn a_failed_durable_write_is_there_or_not_and_never_durable() {
    let sim = disk(PageSize::K64, 1);
    sim.faults().add(FaultRule::once(Operation::WriteDurable, 1, Fault::DiskFull));
    let data = vec![7; 65536];
    let block = WriteBlock { page: PageId::new(0), offset: 0, data: &data };
    assert_eq!(kind(sim.write_durable(&[block])), DeviceErrorKind::DiskFull);
    let pending = sim.pending();
    assert!(pending.count() > 0 && pending.units().iter().all(|unit| matches!(unit, Unit::Block { .. })));
    assert_eq!(blocks(pending.durable(), 0), [0; 16]);
}

#[test]
fn short_transfers_are_errors() {
    let sim = disk(PageSize::K4, 2);
    sim.faults().add(FaultRule::once(Operation::Read, 1, Fault::Short));
    assert_eq!(kind(sim.read_page(PageId::new(0), &mut [0; 4096])), DeviceErrorKind::ShortFile);
    sim.faults().add(FaultRule::once(Operation::Write, 1, Fault::Short));
    assert_eq!(kind(sim.write_page(PageId::new(0), &[7; 4096])), DeviceErrorKind::Io);
}

#[test]
fn lost_and_misdirected_writes_are_acknowledged() {
    let sim = disk(PageSize::K4, 4);
    sim.faults().add(FaultRule::once(Operation::Write, 1, Fault::Lost));
    sim.faults().add(FaultRule::once(Operation::Write, 2, Fault::Misdirected));
    write(&sim, 1, 7);
    assert_eq!(firsts(&sim.volatile()), [0; 4]);
    write(&sim, 1, 8);
    let now = firsts(&sim.volatile());
    assert!(now[1] == 0 && now.iter().filter(|b| **b == 8).count() == 1, "{now:?}");
}

#[test]
fn a_bit_flipped_on_read_is_gone_the_next_time_and_one_at_rest_stays() {
    let sim = disk(PageSize::K4, 2);
    write(&sim, 1, 1);
    sim.sync().unwrap();
    sim.faults().add(FaultRule::once(Operation::Read, 1, Fault::FlipBit));
    assert_ne!(page_of(&sim, 1), [1; 4096]);
    assert_eq!(page_of(&sim, 1), [1; 4096]);
    sim.flip_at_rest(PageId::new(1), 100, 0x10);
    assert_eq!(page_of(&sim, 1)[100], 0x11);
    assert_eq!(sim.pending().durable().page(PageId::new(1)).unwrap()[100], 0x11);
}

#[test]
fn an_unsynced_page_covers_damage_at_rest_until_it_is_lost() {
    let sim = disk(PageSize::K4, 1);
    write(&sim, 0, 1);
    sim.flip_at_rest(PageId::new(0), 0, 0x80);
    assert_eq!(page_of(&sim, 0)[0], 1);
    assert_eq!((firsts(&sim.pending().subset(0)), firsts(&sim.pending().subset(1))), (vec![0x80], vec![1]));
}

#[test]
fn a_full_disk_stops_growth_and_nothing_else() {
    let sim = disk(PageSize::K4, 2);
    sim.set_capacity(PageCount::new(4));
    assert_eq!(kind(sim.grow(PageCount::new(5))), DeviceErrorKind::DiskFull);
    assert_eq!(sim.grow(PageCount::new(4)).unwrap(), PageCount::new(4));
    write(&sim, 3, 1);
    sim.sync().unwrap();
}

#[test]
fn where_growth_reserves_nothing_a_write_finds_the_disk_full_and_poisons() {
    let sim = SimDevice::new(PageSize::K4, 1).with_growth(Growth::LengthOnly);
    sim.set_capacity(PageCount::new(2));
    sim.grow(PageCount::new(100)).unwrap();
    write(&sim, 50, 1);
    write(&sim, 99, 1);
    write(&sim, 50, 2);
    assert_eq!(kind(sim.write_page(PageId::new(3), &[1; 4096])), DeviceErrorKind::DiskFull);
    assert_eq!(kind(sim.sync()), DeviceErrorKind::Poisoned);
}

#[test]
fn each_call_of_a_story_can_be_failed_in_turn() {
    let story = |sim: &SimDevice| -> Result<()> {
        sim.grow(PageCount::new(3))?;
        sim.write_page(PageId::new(2), &[1; 4096])?;
        sim.sync()?;
        sim.read_page(PageId::new(2), &mut [0; 4096])
    };
    let calm = disk(PageSize::K4, 2);
    let before = calm.faults().calls(None);
    story(&calm).unwrap();
    let calls = calm.faults().calls(None) - before;
    assert_eq!(calls, 4);
    for nth in 1..=calls {
        let sim = disk(PageSize::K4, 2);
        sim.faults().add(FaultRule::from_then_on(None, nth, Fault::Io));
        assert_eq!(kind(story(&sim)), DeviceErrorKind::Io, "call {nth}");
    }
}

#[test]
fn a_sync_that_lies_leaves_everything_unsynced() {
    let sim = disk(PageSize::K4, 1);
    sim.faults().add(FaultRule::once(Operation::Sync, 1, Fault::Lost));
    write(&sim, 0, 1);
    sim.sync().unwrap();
    assert_eq!((sim.pending().count(), firsts(sim.pending().durable())), (1, vec![0]));
}

#[test]
fn a_block_that_failed_does_not_come_back_over_one_that_was_durable_later() {
    for seed in 0..10 {
        let sim = SimDevice::new(PageSize::K4, seed);
        sim.grow(PageCount::new(1)).unwrap();
        sim.sync().unwrap();
        sim.set_poisoning(false);
        sim.faults().add(FaultRule::once(Operation::WriteDurable, 1, Fault::Io));
        let block = WriteBlock { page: PageId::new(0), offset: 0, data: &[1; 4096] };
        assert_eq!(kind(sim.write_durable(&[block])), DeviceErrorKind::Io);
        write_durable(&sim, 0, 0, 2);
        for (_, image) in sim.pending().subsets() {
            assert_eq!(firsts(&image), [2], "seed {seed}");
        }
    }
}
