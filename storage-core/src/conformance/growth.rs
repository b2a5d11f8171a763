//! The length has one owner: it grows through `grow`, falls through `shrink`, and in no other way (D4, D6).

use super::{Fixture, pattern, read, refused, with_pages};
use crate::device::{DeviceErrorKind, PageDeviceExt};
use crate::page::{PageCount, PageId, PageSize};
use std::sync::atomic::{AtomicBool, Ordering};

/// Pages that nobody wrote are zero.
pub fn new_pages_are_zero(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 3);
    device.write_page(PageId::new(2), &pattern(size, 2)).expect("written");
    device.grow(PageCount::new(20)).expect("grown");
    for page in [0, 1, 3, 19] {
        assert!(read(&*device, page).iter().all(|b| *b == 0), "page {page}");
    }
    assert!(read(&*device, 2)[..] == pattern(size, 2)[..]);
}

/// A smaller wish is granted already.
pub fn grow_never_shortens(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 10);
    let count = device.page_count();
    for wish in [0, 1, 9, 10] {
        assert_eq!(device.grow(PageCount::new(wish)).expect("granted"), count);
    }
    assert_eq!(device.page_count(), count);
}

/// D4: threads that grow at once never cut each other, and never see the length fall.
pub fn threads_that_grow_never_see_the_length_fall(fixture: &dyn Fixture, size: PageSize) {
    const END: u64 = 200;
    let device = with_pages(fixture, size, 1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let growers: Vec<_> = (0..2u64)
            .map(|thread| {
                let device = &device;
                scope.spawn(move || {
                    for page in (1 + thread..END).step_by(2) {
                        let count = device.grow(PageCount::new(page + 1)).expect("grown");
                        assert!(count.get() > page && device.page_count() >= count);
                        // The page is there at once, and nobody else's growth takes it away.
                        device.write_page(PageId::new(page), &pattern(size, page)).expect("written");
                        assert!(read(&**device, page)[..] == pattern(size, page)[..]);
                    }
                })
            })
            .collect();
        let watcher = scope.spawn(|| {
            let mut seen = PageCount::default();
            while !done.load(Ordering::Acquire) {
                let now = device.page_count();
                assert!(now >= seen, "the length fell from {seen} to {now}");
                seen = now;
            }
        });
        let ended: Vec<_> = growers.into_iter().map(|grower| grower.join()).collect();
        done.store(true, Ordering::Release);
        watcher.join().expect("the length never falls");
        assert!(ended.into_iter().all(|end| end.is_ok()), "a growing thread failed");
    });
    for page in 1..END {
        assert!(read(&*device, page)[..] == pattern(size, page)[..], "page {page} was cut off");
    }
}

/// What `shrink` cut is out of bounds, and comes back as zeros.
pub fn shrink_cuts_and_regrown_pages_are_zero(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 12);
    for page in 0..12 {
        device.write_page(PageId::new(page), &pattern(size, page)).expect("written");
    }
    device.shrink(PageCount::new(5)).expect("cut");
    assert_eq!(device.page_count(), PageCount::new(5));
    let mut buf = pattern(size, 0);
    refused(device.read_page(PageId::new(5), &mut buf), DeviceErrorKind::OutOfBounds, "a page that was cut");
    refused(device.shrink(PageCount::new(6)), DeviceErrorKind::InvalidRequest, "a shrink that grows");
    device.grow(PageCount::new(9)).expect("grown again");
    for page in 0..9 {
        let expected = read(&*device, page);
        let zero = expected.iter().all(|b| *b == 0);
        assert!(if page < 5 { expected[..] == pattern(size, page)[..] } else { zero }, "page {page}");
    }
}

/// D6: no disk is as large as this; the device goes on as before.
pub fn a_full_disk_poisons_nothing(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 2);
    let largest = i64::MAX as u64 / size.bytes() as u64;
    for pages in [u64::MAX, u64::MAX / size.bytes() as u64, largest] {
        refused(device.grow(PageCount::new(pages)), DeviceErrorKind::DiskFull, "growth beyond any disk");
    }
    assert_eq!(device.page_count(), PageCount::new(2));
    device.write_page(PageId::new(1), &pattern(size, 4)).expect("not poisoned");
    device.sync().expect("not poisoned");
    assert_eq!(device.grow(PageCount::new(3)).expect("not poisoned"), PageCount::new(3));
    assert!(read(&*device, 1)[..] == pattern(size, 4)[..]);
}
