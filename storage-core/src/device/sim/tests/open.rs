//! How a crash state opens.

use super::super::Rng;
use super::*;
use crate::device::probe::samples;
use crate::device::{DeviceErrorKind, OpenMode};

fn kind(image: Image) -> DeviceErrorKind {
    SimDevice::from_image(image).unwrap_err().kind()
}

#[test]
fn a_store_opens_with_its_page_size_and_nothing_unsynced() {
    for size in PageSize::ALL {
        // Cut into pages of another size: the probe decides, as in a file.
        let sim = SimDevice::from_image(Image::from_bytes(PageSize::K4, &samples::store(size))).unwrap();
        assert_eq!((sim.info().page_size, sim.page_count()), (size, PageCount::new(5)));
        assert_eq!((sim.pending().count(), sim.journal().steps().len()), (0, 0));
    }
}

#[test]
fn a_damaged_superblock_is_replaced_by_meta_copies() {
    let mut image = Image::from_bytes(PageSize::K8, &samples::store(PageSize::K8));
    image.flip(PageId::new(0), 100, 1);
    assert_eq!(SimDevice::from_image(image).unwrap().info().page_size, PageSize::K8);
}

#[test]
fn what_is_no_store_is_refused_as_a_file_is() {
    assert_eq!(kind(Image::new(PageSize::K4)), DeviceErrorKind::Unfinished);
    let mut zeros = Image::new(PageSize::K16);
    zeros.set_len(PageCount::new(7));
    assert_eq!(kind(zeros), DeviceErrorKind::Unfinished);
    assert_eq!(kind(Image::from_bytes(PageSize::K4, &[7; 4096])), DeviceErrorKind::NotAStore);
    let cut = &samples::store(PageSize::K16)[..16384];
    assert_eq!(kind(Image::from_bytes(PageSize::K16, cut)), DeviceErrorKind::ShortFile);
}

#[test]
fn create_goes_over_an_unfinished_store_and_over_nothing_else() {
    let create = |image| SimDevice::open_image(image, OpenMode::Create(PageSize::K4), 1);
    let store = Image::from_bytes(PageSize::K4, &samples::store(PageSize::K4));
    assert_eq!(create(store.clone()).unwrap_err().kind(), DeviceErrorKind::AlreadyExists);
    let foreign = Image::from_bytes(PageSize::K4, &[7; 4096]);
    assert_eq!(create(foreign).unwrap_err().kind(), DeviceErrorKind::NotAStore);
    let mut unfinished = store;
    unfinished.patch(PageId::new(0), 0, &[0; 4096]);
    let sim = create(unfinished).unwrap();
    assert_eq!(sim.page_count(), PageCount::new(0));
    assert_eq!(sim.pending().count(), 1, "that it was cut is not durable yet");
    sim.grow(PageCount::new(5)).unwrap();
    assert_eq!(firsts(&sim.volatile()), [0; 5]);
}

#[test]
fn life_goes_on_after_a_crash_and_after_another() {
    let mut image = Image::from_bytes(PageSize::K4, &samples::store(PageSize::K4));
    let mut rng = Rng::new(77);
    for life in 1..20u8 {
        let sim = SimDevice::from_image(image).unwrap();
        sim.grow(PageCount::new(10)).unwrap();
        write_durable(&sim, 5, 0, life);
        write(&sim, 6, life);
        image = sim.crash(&mut rng);
        assert_eq!(firsts(&image)[5], life, "what was durable survives every crash");
    }
}

#[test]
fn a_killed_process_loses_nothing_while_the_power_stays() {
    let sim = disk(PageSize::K4, 2);
    write(&sim, 1, 7);
    let next = sim.fork(1);
    assert_eq!(firsts(&next.volatile()), [0, 7]);
    assert_eq!(next.pending().count(), 1, "but it is still not durable");
    write(&next, 0, 9);
    assert_eq!(firsts(&sim.volatile()), [0, 7], "a fork changes alone");
}
