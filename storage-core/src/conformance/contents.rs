//! What was written is what is read (D1), however it is batched and whoever does it.

use super::{Fixture, pattern, read, with_pages};
use crate::device::{BLOCK_LEN, PageDevice, PageDeviceExt, ReadPage, WriteBlock, WritePage};
use crate::page::{PageBuf, PageCount, PageId, PageRun, PageSize};

fn write_all(device: &dyn PageDevice, pages: &[u64], round: u64) {
    let size = device.info().page_size;
    let images: Vec<PageBuf> = pages.iter().map(|page| pattern(size, page ^ round)).collect();
    let batch: Vec<WritePage<'_>> =
        pages.iter().zip(&images).map(|(page, data)| WritePage { page: PageId::new(*page), data }).collect();
    device.write(&batch).expect("a batch in bounds is written");
}

/// A batch that reads these pages, a buffer each.
fn reads<'b>(pages: &[u64], bufs: &'b mut [PageBuf]) -> Vec<ReadPage<'b>> {
    let read = |(page, buf): (&u64, &'b mut PageBuf)| ReadPage { page: PageId::new(*page), buf };
    pages.iter().zip(bufs).map(read).collect()
}

fn expect_all(device: &dyn PageDevice, pages: &[u64], round: u64) {
    let size = device.info().page_size;
    let mut bufs: Vec<PageBuf> = pages.iter().map(|_| PageBuf::zeroed(size.bytes())).collect();
    let mut batch = reads(pages, &mut bufs);
    device.read(&mut batch).expect("a batch in bounds is read");
    for (read, page) in batch.iter().zip(pages) {
        assert_eq!(read.page.get(), *page, "the batch stays in the caller's order");
    }
    for (buf, page) in bufs.iter().zip(pages) {
        assert!(buf[..] == pattern(size, page ^ round)[..], "page {page} holds what was written");
    }
}

/// D1, one page at a time, from the thread that wrote it and from another.
pub fn a_page_is_read_back_as_written(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 6);
    for page in [3, 0, 5] {
        device.write_page(PageId::new(page), &pattern(size, page)).expect("written");
        assert!(read(&*device, page)[..] == pattern(size, page)[..]);
    }
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(read(&*device, 3)[..] == pattern(size, 3)[..]));
    });
    device.write_page(PageId::new(3), &pattern(size, 77)).expect("written again");
    assert!(read(&*device, 3)[..] == pattern(size, 77)[..]);
    for untouched in [1, 2, 4] {
        assert!(read(&*device, untouched).iter().all(|b| *b == 0));
    }
}

/// A batch is one unit, and may have any order.
pub fn a_batch_takes_neighbours_gaps_and_any_order(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 64);
    let pages = [9, 8, 10, 40, 2, 63, 41, 0, 30, 31, 32, 33, 11];
    write_all(&*device, &pages, 5);
    expect_all(&*device, &pages, 5);
    let mut others = pages;
    others.reverse();
    expect_all(&*device, &others, 5);
    for untouched in [1, 7, 12, 29, 34, 39, 42, 62] {
        assert!(read(&*device, untouched).iter().all(|b| *b == 0), "page {untouched} was not in the batch");
    }
}

/// More neighbours than a vectored call takes (IOV_MAX is 1024), and a gap among them.
pub fn a_batch_may_be_longer_than_one_vectored_call(fixture: &dyn Fixture, size: PageSize) {
    if size.bytes() > PageSize::K16.bytes() {
        return; // the number of pages is the point, not their bytes
    }
    let pages: Vec<u64> = (0..1400).filter(|page| *page != 1234).collect();
    let device = with_pages(fixture, size, 1400);
    write_all(&*device, &pages, 9);
    expect_all(&*device, &pages, 9);
    assert!(read(&*device, 1234).iter().all(|b| *b == 0));
}

/// D8: of neighbours, of pages far apart and of more than a device has in flight; while the call runs, with their bytes.
pub fn a_batch_tells_of_each_page_once(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 320);
    let all: Vec<u64> = (0..320).collect();
    write_all(&*device, &all, 4);
    let apart: Vec<u64> = (0..160).map(|n| 2 * n).rev().collect();
    for pages in [&[][..], &[7], &[5, 6, 7], &[9, 3, 200, 3], &all, &apart] {
        let mut bufs: Vec<PageBuf> = pages.iter().map(|_| PageBuf::zeroed(size.bytes())).collect();
        let mut batch = reads(pages, &mut bufs);
        let mut told = Vec::new();
        let arrived = &mut |page: PageId, bytes: &[u8]| {
            assert!(bytes == &pattern(size, page.get() ^ 4)[..], "page {page} is told of with its bytes");
            told.push(page.get());
        };
        device.read_each(&mut batch, arrived).expect("a batch in bounds is read");
        told.sort_unstable();
        let mut asked = pages.to_vec();
        asked.sort_unstable();
        assert_eq!(told, asked, "each entry is told of once");
        assert!(pages.iter().zip(&bufs).all(|(page, buf)| buf[..] == pattern(size, page ^ 4)[..]));
    }
}

/// A buffer need not be aligned, whatever the device needs itself.
pub fn unaligned_buffers_are_served(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 5);
    let bytes = size.bytes();
    let mut memory = PageBuf::zeroed(4 * bytes + 64);
    for (n, page) in [2u64, 3, 4].into_iter().enumerate() {
        let at = 7 + n * (bytes + 1);
        memory[at..at + bytes].copy_from_slice(&pattern(size, page));
    }
    let batch: Vec<WritePage<'_>> = [2u64, 3, 4]
        .into_iter()
        .enumerate()
        .map(|(n, page)| WritePage { page: PageId::new(page), data: &memory[7 + n * (bytes + 1)..][..bytes] })
        .collect();
    device.write(&batch[1..]).expect("unaligned batch");
    device.write(&batch[..1]).expect("unaligned page");
    expect_all(&*device, &[2, 3, 4], 0);

    let mut memory = PageBuf::zeroed(4 * bytes);
    let (first, rest) = memory[3..].split_at_mut(bytes);
    let mut batch = [
        ReadPage { page: PageId::new(4), buf: first },
        ReadPage { page: PageId::new(3), buf: &mut rest[5..][..bytes] },
    ];
    device.read(&mut batch).expect("unaligned reads");
    assert!(batch[0].buf[..] == pattern(size, 4)[..] && batch[1].buf[..] == pattern(size, 3)[..]);
    device.read_page(PageId::new(2), &mut memory[1..=bytes]).expect("unaligned read");
    assert!(memory[1..=bytes] == pattern(size, 2)[..]);

    memory[9..9 + BLOCK_LEN].fill(0x3c);
    let block = WriteBlock { page: PageId::new(1), offset: 0, data: &memory[9..9 + BLOCK_LEN] };
    device.write_durable(&[block]).expect("unaligned block");
    assert!(read(&*device, 1)[..BLOCK_LEN].iter().all(|b| *b == 0x3c));
}

/// Nothing to do is no error.
pub fn an_empty_batch_is_nothing(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 1);
    device.read(&mut []).expect("no pages");
    device.write(&[]).expect("no pages");
    device.write_durable(&[]).expect("no blocks");
    device.prefetch(&[]);
    device.sync().expect("nothing to sync");
}

/// Two requests for one page are two copies of it.
pub fn a_page_may_be_read_twice_in_a_batch(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 4);
    write_all(&*device, &[0, 1, 2, 3], 1);
    expect_all(&*device, &[2, 1, 2, 3, 2], 1);
}

/// Any number of threads read and write at once; each finds what it wrote.
pub fn threads_do_not_disturb_each_other(fixture: &dyn Fixture, size: PageSize) {
    const THREADS: u64 = 6;
    const EACH: u64 = 10;
    let device = with_pages(fixture, size, THREADS * EACH);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let device = &device;
            scope.spawn(move || {
                // Interleaved with everybody else's.
                let own: Vec<u64> = (0..EACH).map(|n| n * THREADS + thread).collect();
                for round in 0..12 {
                    let some = &own[..1 + (round as usize * 5) % own.len()];
                    write_all(&**device, some, round << 32);
                    expect_all(&**device, some, round << 32);
                    if round % 4 == 3 {
                        device.sync().expect("sync beside other threads");
                    }
                }
            });
        }
    });
}

/// D2: durable blocks are parts of pages, several pages in a call, and leave the rest as it is.
pub fn durable_blocks_change_only_themselves(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 4);
    write_all(&*device, &[0, 1, 2, 3], 6);
    let block = pattern(PageSize::K4, 99);
    let last = size.bytes() - BLOCK_LEN;
    let whole = pattern(size, 98);
    device
        .write_durable(&[
            WriteBlock { page: PageId::new(3), offset: 0, data: &whole },
            WriteBlock { page: PageId::new(1), offset: last, data: &block },
            WriteBlock { page: PageId::new(2), offset: 0, data: &block },
        ])
        .expect("blocks in bounds");
    expect_all(&*device, &[0], 6);
    let (one, two) = (pattern(size, 1 ^ 6), pattern(size, 2 ^ 6));
    assert!(read(&*device, 1)[..last] == one[..last] && read(&*device, 1)[last..] == block[..]);
    assert!(read(&*device, 2)[..BLOCK_LEN] == block[..]);
    assert!(read(&*device, 2)[BLOCK_LEN..] == two[BLOCK_LEN..]);
    assert!(read(&*device, 3)[..] == whole[..]);
}

/// Advice about pages that do not exist, or run past the end of numbers, is ignored; about others it changes nothing.
pub fn prefetch_is_only_advice(fixture: &dyn Fixture, size: PageSize) {
    let device = with_pages(fixture, size, 8);
    write_all(&*device, &[0, 7], 2);
    let run = |start, count| PageRun { start: PageId::new(start), count: PageCount::new(count) };
    device.prefetch(&[run(0, 8), run(7, 1), run(3, 0)]);
    device.prefetch(&[run(8, 1), run(4, 1000), run(u64::MAX, 1), run(u64::MAX, u64::MAX), run(0, u64::MAX)]);
    assert_eq!(device.page_count(), PageCount::new(8));
    expect_all(&*device, &[0, 7], 2);
}
