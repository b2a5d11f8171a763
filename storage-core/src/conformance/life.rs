//! From one opening to the next: what was synced is there, one writer at a time, and a file that was cut says so
//! (D2, D5, D7, N1, N2).

use super::{Capability, Fixture, pattern, read, refused, reopenable, with_pages};
use crate::device::{DeviceErrorKind, PageDeviceExt, ReadPage, WriteBlock};
use crate::page::{PageBuf, PageCount, PageId, PageSize};

/// D2: everything before `sync`, and the length.
pub fn what_was_synced_is_found_again(fixture: &dyn Fixture, size: PageSize) {
    let device = reopenable(fixture, size, 30);
    for page in 5..25 {
        device.write_page(PageId::new(page), &pattern(size, page)).expect("written");
    }
    device.sync().expect("synced");
    device.close().expect("closed");
    drop(device);
    for _ in 0..2 {
        let device = fixture.open(false).expect("the store opens again");
        assert_eq!(device.info().page_size, size, "the page size was found");
        assert_eq!(device.page_count(), PageCount::new(30));
        for page in 5..25 {
            assert!(read(&*device, page)[..] == pattern(size, page)[..], "page {page}");
        }
        assert!(read(&*device, 29).iter().all(|b| *b == 0));
        // Dropping is closing.
    }
}

/// D2: exactly these blocks, without a sync.
pub fn durable_blocks_are_found_again(fixture: &dyn Fixture, size: PageSize) {
    let device = reopenable(fixture, size, 9);
    let block = pattern(PageSize::K4, 4);
    let offset = size.bytes() - 4096;
    device.write_durable(&[WriteBlock { page: PageId::new(7), offset, data: &block }]).expect("durable");
    device.close().expect("closed");
    let device = fixture.open(false).expect("the store opens again");
    assert!(read(&*device, 7)[offset..] == block[..]);
}

/// N2: a store is not overwritten.
pub fn create_refuses_an_existing_store(fixture: &dyn Fixture, size: PageSize) {
    let device = reopenable(fixture, size, 8);
    device.write_page(PageId::new(6), &pattern(size, 6)).expect("written");
    device.sync().expect("synced");
    device.close().expect("closed");
    refused(fixture.create(size), DeviceErrorKind::AlreadyExists, "create over a store");
    refused(fixture.create(PageSize::K8), DeviceErrorKind::AlreadyExists, "create with another page size");
    let device = fixture.open(false).expect("untouched");
    assert!(read(&*device, 6)[..] == pattern(size, 6)[..]);
}

/// N1: what has no superblock yet holds nothing; opening says so, creating begins again.
pub fn an_unfinished_creation_is_started_afresh(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 7);
    device.sync().expect("synced");
    device.close().expect("closed");
    refused(fixture.open(false), DeviceErrorKind::Unfinished, "opening zeros");
    let device = with_pages(fixture, size, 6);
    assert!(read(&*device, 5).iter().all(|b| *b == 0));
}

/// D7: from open to close, or drop.
pub fn the_lock_keeps_a_second_opener_out(fixture: &dyn Fixture, size: PageSize) {
    let device = reopenable(fixture, size, 6);
    refused(fixture.open(false), DeviceErrorKind::Locked, "a second opener");
    refused(fixture.create(size), DeviceErrorKind::Locked, "a second creator");
    if fixture.offers(Capability::ReadOnly) {
        refused(fixture.open(true), DeviceErrorKind::Locked, "a reader beside a writer");
    }
    device.close().expect("closed");
    let second = fixture.open(false).expect("close gives up the lock, though the device is still held");
    refused(fixture.open(false), DeviceErrorKind::Locked, "a third opener");
    drop(device);
    refused(
        fixture.open(false),
        DeviceErrorKind::Locked,
        "the first device's drop gives up nobody else's lock",
    );
    drop(second);
    fixture.open(false).expect("drop gives up the lock");
}

/// D7: a shared lock for readers, which keeps writers out.
pub fn readers_share_the_lock(fixture: &dyn Fixture, size: PageSize) {
    reopenable(fixture, size, 6).close().expect("closed");
    let one = fixture.open(true).expect("a reader");
    let two = fixture.open(true).expect("a second reader");
    refused(fixture.open(false), DeviceErrorKind::Locked, "a writer beside readers");
    drop(one);
    refused(fixture.open(false), DeviceErrorKind::Locked, "a writer beside a reader");
    assert!(read(&*two, 5).iter().all(|b| *b == 0));
    two.close().expect("closed");
    fixture.open(false).expect("a writer after all readers");
}

/// A device that was opened read-only changes nothing.
pub fn a_read_only_device_refuses_every_change(fixture: &dyn Fixture, size: PageSize) {
    let device = reopenable(fixture, size, 6);
    device.write_page(PageId::new(5), &pattern(size, 5)).expect("written");
    device.sync().expect("synced");
    device.close().expect("closed");
    let device = fixture.open(true).expect("opens read-only");
    assert!(device.info().read_only);
    let data = pattern(size, 1);
    let at = PageId::new(5);
    refused(device.write_page(at, &data), DeviceErrorKind::ReadOnly, "write");
    let block = WriteBlock { page: at, offset: 0, data: &data[..4096] };
    refused(device.write_durable(&[block]), DeviceErrorKind::ReadOnly, "write_durable");
    refused(device.grow(PageCount::new(9)), DeviceErrorKind::ReadOnly, "grow");
    refused(device.shrink(PageCount::new(5)), DeviceErrorKind::ReadOnly, "shrink");
    device.sync().expect("there is nothing to sync");
    assert_eq!(device.page_count(), PageCount::new(6));
    assert!(read(&*device, 5)[..] == pattern(size, 5)[..]);
}

/// D5: pages that should be there and are not are damage, not an endless loop and not zeros.
pub fn a_cut_file_is_a_short_file(fixture: &dyn Fixture, size: PageSize) {
    let device = reopenable(fixture, size, 12);
    device.write_page(PageId::new(6), &pattern(size, 6)).expect("written");
    fixture.cut(9 * size.bytes() as u64 + 100);
    let mut buf = PageBuf::zeroed(size.bytes());
    for page in [9, 10, 11] {
        let short = device.read_page(PageId::new(page), &mut buf);
        assert_eq!(short.as_ref().unwrap_err().page(), Some(PageId::new(page)), "the error names the page");
        refused(short, DeviceErrorKind::ShortFile, "a page behind the cut");
    }
    let mut other = buf.clone();
    let mut batch = [
        ReadPage { page: PageId::new(8), buf: &mut buf },
        ReadPage { page: PageId::new(9), buf: &mut other },
    ];
    refused(device.read(&mut batch), DeviceErrorKind::ShortFile, "a batch over the cut");
    assert!(read(&*device, 6)[..] == pattern(size, 6)[..], "pages before the cut are there");
}

/// Torn growth: a part of a page at the end is no page, and never shows in one that comes later.
pub fn a_partial_last_page_is_rounded_down(fixture: &dyn Fixture, size: PageSize) {
    let device = reopenable(fixture, size, 9);
    device.write_page(PageId::new(8), &pattern(size, 8)).expect("written");
    device.sync().expect("synced");
    device.close().expect("closed");
    fixture.cut(8 * size.bytes() as u64 + 1000);
    let device = fixture.open(false).expect("the store opens");
    assert_eq!(device.page_count(), PageCount::new(8));
    device.grow(PageCount::new(10)).expect("grown");
    for page in [8, 9] {
        assert!(read(&*device, page).iter().all(|b| *b == 0), "page {page} is new");
    }
}
