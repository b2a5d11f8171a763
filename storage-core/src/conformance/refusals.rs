//! What a device refuses, and that it does so before anything has happened (D3, D6, D7).

use super::{Fixture, pattern, read, refused, with_pages};
use crate::device::{
    DeviceErrorKind, Operation, PageDevice, PageDeviceExt, ReadPage, Result, WriteBlock, WritePage,
};
use crate::page::{PageBuf, PageCount, PageId, PageRun, PageSize};

/// D3: a garbage id makes no monster file.
pub fn pages_out_of_bounds_are_refused_and_nothing_grows(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 4);
    let mut buf = pattern(size, 1);
    for page in [4, 5, 1 << 40, u64::MAX / size.bytes() as u64, u64::MAX].map(PageId::new) {
        let read = device.read_page(page, &mut buf);
        assert_eq!(read.as_ref().unwrap_err().page(), Some(page), "the error names the page");
        refused(read, DeviceErrorKind::OutOfBounds, "a read");
        refused(device.write_page(page, &buf), DeviceErrorKind::OutOfBounds, "a write");
        let block = WriteBlock { page, offset: 0, data: &buf[..4096] };
        refused(device.write_durable(&[block]), DeviceErrorKind::OutOfBounds, "a durable write");
        assert!(device.mapped(page).is_none());
    }
    assert_eq!(device.page_count(), PageCount::new(4));
    device.write_page(PageId::new(3), &buf).expect("a refusal is no poison");
    device.sync().expect("a refusal is no poison");
}

/// A batch is checked as a whole before any of it is done.
pub fn a_batch_with_one_bad_page_writes_none(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 4);
    let data = pattern(size, 8);
    let write = |page| WritePage { page: PageId::new(page), data: &data };
    refused(device.write(&[write(1), write(2), write(4)]), DeviceErrorKind::OutOfBounds, "a batch");
    let block = |page| WriteBlock { page: PageId::new(page), offset: 0, data: &data };
    refused(device.write_durable(&[block(1), block(9)]), DeviceErrorKind::OutOfBounds, "durable blocks");
    for page in 0..4 {
        assert!(read(&*device, page).iter().all(|b| *b == 0), "page {page} was written by a refused batch");
    }
    let (mut one, mut two) = (PageBuf::zeroed(size.bytes()), PageBuf::zeroed(size.bytes()));
    let mut batch =
        [ReadPage { page: PageId::new(0), buf: &mut one }, ReadPage { page: PageId::new(4), buf: &mut two }];
    refused(device.read(&mut batch), DeviceErrorKind::OutOfBounds, "a batch of reads");
}

/// Whole pages, whole blocks.
pub fn wrong_lengths_are_refused(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 4);
    let page = PageId::new(1);
    let mut buf = PageBuf::zeroed(2 * size.bytes());
    for len in [0, 1, size.bytes() - 1, size.bytes() + 1, 2 * size.bytes()] {
        refused(device.read_page(page, &mut buf[..len]), DeviceErrorKind::InvalidRequest, "a read");
        refused(device.write_page(page, &buf[..len]), DeviceErrorKind::InvalidRequest, "a write");
    }
    for (offset, len) in [(0, 0), (0, 100), (1, 4096), (size.bytes(), 4096), (0, 2 * size.bytes())] {
        let block = WriteBlock { page, offset, data: &buf[..len] };
        refused(device.write_durable(&[block]), DeviceErrorKind::InvalidRequest, "a durable write");
    }
    device.write_page(page, &buf[..size.bytes()]).expect("a refusal is no poison");
}

/// Every call that can fail, each with a valid request.
fn every_call(device: &dyn PageDevice) -> [(&'static str, Result<()>); 6] {
    let size = device.info().page_size;
    let mut buf = pattern(size, 5);
    let page = PageId::new(1);
    [
        ("read", device.read_page(page, &mut buf)),
        ("write", device.write_page(page, &buf)),
        ("write_durable", device.write_durable(&[WriteBlock { page, offset: 0, data: &buf[..4096] }])),
        ("sync", device.sync()),
        ("grow", device.grow(PageCount::new(50)).map(|_| ())),
        ("shrink", device.shrink(PageCount::new(2))),
    ]
}

/// After `close` nothing works, and nothing panics.
pub fn a_closed_device_refuses_everything(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 4);
    device.write_page(PageId::new(1), &pattern(size, 3)).expect("written");
    device.close().expect("closed");
    for (call, result) in every_call(&*device) {
        refused(result, DeviceErrorKind::Closed, call);
    }
    assert!(device.mapped(PageId::new(1)).is_none());
    device.prefetch(&[PageRun { start: PageId::new(0), count: PageCount::new(4) }]);
    device.close().expect("closing twice is no error");
}

/// D6: after the first failure every call fails with that cause, also when the disk would work again.
pub fn poison_is_sticky(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 4);
    fixture.fail_next(&device, Operation::Write);
    let batch = pattern(size, 1);
    let write = |page| WritePage { page: PageId::new(page), data: &batch };
    let first = device.write(&[write(1), write(3)]).expect_err("the fault shows");
    assert_eq!(first.kind(), DeviceErrorKind::Io, "{first}");
    still_poisoned(&*device, Operation::Write);
    for fault in [Operation::WriteDurable, Operation::Sync] {
        device.close().expect("a poisoned device can be closed");
        let Ok(device) = again(fixture, size) else { return };
        fixture.fail_next(&device, fault);
        let data = pattern(PageSize::K4, 2);
        let block = WriteBlock { page: PageId::new(2), offset: 0, data: &data };
        let failed = match fault {
            Operation::Sync => device.sync(),
            _ => device.write_durable(&[block]),
        };
        refused(failed, DeviceErrorKind::Io, "the fault");
        still_poisoned(&*device, fault);
        device.close().expect("a poisoned device can be closed");
    }
}

/// The fixture's place holds no store yet, only zeros: it can be created once more.
fn again(fixture: &dyn Fixture, size: PageSize) -> Result<std::sync::Arc<dyn PageDevice>> {
    let device = fixture.create(size)?;
    device.grow(PageCount::new(4))?;
    Ok(device)
}

fn still_poisoned(device: &dyn PageDevice, cause: Operation) {
    for _ in 0..2 {
        for (call, result) in every_call(device) {
            let operation = result.as_ref().err().map(|error| error.operation());
            refused(result, DeviceErrorKind::Poisoned, call);
            assert_eq!(operation, Some(cause), "{call} names the first cause");
        }
    }
    assert!(device.mapped(PageId::new(1)).is_none());
}
