//! Groups that were written read back, wherever they lie; chains that cannot be are refused.
//!
//! Holds [`TestLog`], a log on a device in memory with the plainest possible writer; `tests_damage.rs` uses it too.

use super::chain::{Chain, MOST_EXTENTS};
use super::frame::{Head, blocks_for, encode};
use super::{BLOCK, Extent, Group, LogError, LogReader, LogStart};
use crate::device::memory::{MemoryDevice, MemoryStore};
use crate::device::metered::Metered;
use crate::device::sim::Rng;
use crate::device::{OpenOptions, PageDevice, WriteBlock};
use crate::page::{PageCount, PageId, PageSize};
use std::collections::VecDeque;
use std::sync::Arc;

pub(super) const UUID: [u8; 16] = *b"a store's UUID..";

pub(super) fn extent(first: u64, pages: u32) -> Extent {
    Extent { first: PageId::new(first), pages }
}

/// Records that differ in every byte: group, position.
pub(super) fn record(number: u64, length: usize) -> Vec<u8> {
    (0..length).map(|i| (number * 31 + i as u64 * 7 + 1) as u8).collect()
}

/// A log, and the records of its groups.
pub(super) struct TestLog {
    pub store: MemoryStore,
    pub device: Arc<MemoryDevice>,
    pub size: PageSize,
    /// Where the first group lies.
    pub start: LogStart,
    /// What was written, in order.
    pub groups: Vec<Vec<Vec<u8>>>,
    /// Subtracted from the number of the group before, to give `durable`; 1 is what full durability has.
    pub lag: u64,
    pub next: Head,
    /// Where the free blocks are, in order: offset in the file.
    room: VecDeque<u64>,
}

impl TestLog {
    /// A log that begins with group 40 in `block` of the first extent, on a device of `pages` pages.
    pub fn new(size: PageSize, pages: u64, extents: &[Extent], block: u32) -> Self {
        let store = MemoryStore::new(Vec::new());
        let device = Arc::new(MemoryDevice::open(&store, &OpenOptions::create(size)).unwrap());
        device.grow(PageCount::new(pages)).unwrap();
        let start = LogStart { group: 40, previous_check: 77, salt: 5, block, extents: extents.to_vec() };
        let next = Head { number: 40, salt: 5, previous_check: 77, durable: 39, first_lsn: 900 };
        let mut log =
            TestLog { store, device, size, start, groups: Vec::new(), lag: 1, next, room: VecDeque::new() };
        log.link(extents);
        log.room.drain(..block as usize);
        log
    }

    fn link(&mut self, extents: &[Extent]) {
        for extent in extents {
            let from = extent.first.offset(self.size).unwrap();
            let blocks = extent.pages as usize * self.size.bytes() / BLOCK;
            self.room.extend((0..blocks as u64).map(|block| from + block * BLOCK as u64));
        }
    }

    /// Blocks that are left.
    pub fn room(&self) -> usize {
        self.room.len()
    }

    /// Appends a group; says at which offsets of the file its blocks lie.
    pub fn append(&mut self, records: &[Vec<u8>], links: &[Extent]) -> Vec<u64> {
        let parts: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let head = Head { durable: self.next.number - self.lag, ..self.next };
        let (bytes, check) = encode(&head, links, &parts, &UUID);
        let length = records.iter().map(Vec::len).sum();
        assert_eq!(bytes.len(), BLOCK * blocks_for(links.len(), length, records.len()));
        let offsets: Vec<u64> = self.room.drain(..bytes.len() / BLOCK).collect();
        for (offset, data) in offsets.iter().zip(bytes.chunks(BLOCK)) {
            let page = PageId::new(offset / self.size.bytes() as u64);
            let offset = *offset as usize % self.size.bytes();
            self.device.write_durable(&[WriteBlock { page, offset, data }]).unwrap();
        }
        self.next.number += 1;
        self.next.previous_check = check;
        self.next.first_lsn += records.len() as u64;
        self.link(links);
        self.groups.push(records.to_vec());
        offsets
    }

    /// Appends a group of one record of this many bytes.
    pub fn append_bytes(&mut self, length: usize) -> Vec<u64> {
        self.append(&[record(self.next.number, length)], &[])
    }

    pub fn reader(&self) -> LogReader<'_> {
        LogReader::new(&*self.device, &UUID, self.start.clone())
    }

    /// Reads to the end; every group must be the one that was written, whatever happened to the log since.
    pub fn read(&self) -> (Vec<Group>, Option<LogError>) {
        let mut reader = self.reader();
        let (groups, error) = read_all(&mut reader);
        assert!(groups.len() <= self.groups.len(), "{} groups, {} written", groups.len(), self.groups.len());
        let mut lsn = 900;
        for (at, group) in groups.iter().enumerate() {
            assert_eq!((group.number, group.first_lsn), (40 + at as u64, lsn));
            assert!(group.records == self.groups[at], "a wrong record in group {}", group.number);
            lsn += group.records.len() as u64;
        }
        assert_eq!(reader.end().group, 40 + groups.len() as u64);
        (groups, error)
    }

    /// Reads to the end, which must be one; how many groups there are before it.
    pub fn read_to_end(&self) -> usize {
        let (groups, error) = self.read();
        assert!(error.is_none(), "{error:?}");
        groups.len()
    }

    /// Reads to damage; the groups before it and what is said of it.
    pub fn read_to_damage(&self) -> (usize, u64, String) {
        let (groups, error) = self.read();
        let Some(LogError::Damaged { group, what, .. }) = error else { panic!("no damage: {error:?}") };
        (groups.len(), group, what.into_owned())
    }
}

pub(super) fn read_all(reader: &mut LogReader<'_>) -> (Vec<Group>, Option<LogError>) {
    let mut groups = Vec::new();
    let error = loop {
        match reader.next() {
            Ok(Some(group)) => groups.push(group),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(reader.next(), Ok(None)), "after the end, and after an error, nothing comes");
    (groups, error)
}

#[test]
fn groups_of_all_sizes_read_back_from_pages_of_all_sizes() {
    for size in PageSize::ALL {
        let page = size.bytes();
        let lengths = [
            0,
            1,
            BLOCK - 101,
            BLOCK - 100,
            BLOCK - 99,
            3 * BLOCK,
            page - 100,
            page,
            page + 1,
            5 * page + 17,
        ];
        let mut log = TestLog::new(size, 100, &[extent(9, 70)], 1);
        for length in lengths {
            log.append_bytes(length);
        }
        log.append(&[], &[]);
        log.append(&[vec![], record(1, 5), vec![], record(2, BLOCK)], &[]);
        let (groups, error) = log.read();
        assert!(error.is_none() && groups.len() == log.groups.len(), "{size}: {error:?}");
        assert_eq!((groups[0].page, groups[0].block, groups[0].blocks), log_place(page));
        assert_eq!(
            groups.iter().map(|g| g.blocks as usize).sum::<usize>() + log.room() + 1,
            70 * page / BLOCK
        );
        assert!(
            groups
                .windows(2)
                .all(|two| two[1].previous_check == two[0].check && two[1].durable < two[1].number)
        );
    }
}

/// Block 1 of an extent that begins at page 9.
fn log_place(page: usize) -> (PageId, u32, u32) {
    if page == BLOCK { (PageId::new(10), 0, 1) } else { (PageId::new(9), 1, 1) }
}

#[test]
fn a_record_larger_than_an_extent_goes_on_in_the_next_ones() {
    for size in [PageSize::K4, PageSize::K16, PageSize::K64] {
        let mut log = TestLog::new(size, 64, &[extent(30, 2), extent(10, 3)], 0);
        log.append(&[record(1, 10)], &[extent(40, 1), extent(20, 9)]);
        let large = log.append_bytes(5 * size.bytes());
        assert!(large.len() > 5 * size.bytes() / BLOCK);
        log.append_bytes(7);
        assert_eq!(log.read_to_end(), 3, "{size}");
        let mut reader = log.reader();
        read_all(&mut reader);
        assert_eq!(reader.chain(), [extent(30, 2), extent(10, 3), extent(40, 1), extent(20, 9)]);
        // Two extents are behind the end, and so is all of the third: its place is the start of the fourth.
        let end = reader.end();
        assert_eq!(end.extents.last(), Some(&extent(20, 9)));
        assert_eq!((end.group, end.previous_check, end.salt), (43, log.next.previous_check, 5));
        assert_eq!(reader.next_lsn(), Some(903));
    }
}

#[test]
fn a_group_cannot_lie_in_the_extents_that_it_links_itself() {
    let mut log = TestLog::new(PageSize::K4, 64, &[extent(30, 2)], 0);
    log.append(&[record(1, 2 * BLOCK - 200)], &[extent(10, 8)]);
    assert_eq!((log.room(), log.read_to_end()), (8, 1));
    // The same group, one block longer, with its third block where its own link points.
    let mut log = TestLog::new(PageSize::K4, 64, &[extent(30, 2), extent(10, 8)], 0);
    log.append(&[record(1, 2 * BLOCK)], &[extent(20, 8)]);
    log.start.extents.pop();
    assert_eq!(log.read_to_damage(), (0, 40, "it is longer than what is left of the log".to_owned()));
}

#[test]
fn reading_goes_on_from_the_end_that_another_reading_found() {
    let mut log = TestLog::new(PageSize::K8, 64, &[extent(30, 2)], 0);
    log.append(&[record(1, 10)], &[extent(10, 2), extent(50, 2)]);
    for round in 0..9 {
        let mut reader = log.reader();
        read_all(&mut reader);
        let end = reader.end();
        let mut rest = LogReader::new(&*log.device, &UUID, end.clone());
        assert!(matches!(rest.next(), Ok(None)), "round {round}");
        assert_eq!(rest.end(), end, "round {round}");
        let whole = end.extents.iter().map(|extent| extent.pages * 2).sum::<u32>();
        assert_eq!((whole - end.block) as usize, log.room(), "round {round}");
        assert!(log.room() == 0 || end.block < end.extents[0].pages * 2, "round {round}: {end:?}");
        log.append_bytes(1);
        let mut rest = LogReader::new(&*log.device, &UUID, end);
        assert_eq!(read_all(&mut rest).0[0].records, [record(41 + round, 1)]);
    }
}

#[test]
fn a_full_log_ends_where_its_last_extent_ends() {
    let mut log = TestLog::new(PageSize::K4, 16, &[extent(6, 2)], 0);
    log.append_bytes(1);
    log.append_bytes(1);
    let mut reader = log.reader();
    assert_eq!(read_all(&mut reader).0.len(), 2);
    assert_eq!((reader.end().block, reader.end().extents), (2, vec![extent(6, 2)]));
    assert!(matches!(LogReader::new(&*log.device, &UUID, reader.end()).next(), Ok(None)));
}

#[test]
fn no_extents_are_no_log() {
    let device = MemoryDevice::new(PageSize::K16);
    let start = LogStart { group: 9, salt: 3, ..LogStart::default() };
    let mut reader = LogReader::new(&device, &UUID, start.clone());
    assert!(matches!(reader.next(), Ok(None)));
    assert_eq!((reader.end(), reader.chain()), (start, &[][..]));
}

const IMPOSSIBLE: [(Extent, &str); 10] = [
    (Extent { first: PageId::new(20), pages: 0 }, "without pages"),
    (Extent { first: PageId::new(0), pages: 1 }, "superblock"),
    (Extent { first: PageId::new(4), pages: 2 }, "superblock"),
    (Extent { first: PageId::new(64), pages: 1 }, "outside the file"),
    (Extent { first: PageId::new(60), pages: 5 }, "outside the file"),
    (Extent { first: PageId::new(u64::MAX), pages: u32::MAX }, "outside the file"),
    (Extent { first: PageId::new(30), pages: 2 }, "overlaps"),
    (Extent { first: PageId::new(29), pages: 2 }, "overlaps"),
    (Extent { first: PageId::new(31), pages: 9 }, "overlaps"),
    (Extent { first: PageId::new(5), pages: 59 }, "overlaps"),
];

#[test]
fn a_group_that_links_an_impossible_extent_is_damage() {
    for (bad, says) in IMPOSSIBLE {
        let mut log = TestLog::new(PageSize::K4, 64, &[extent(30, 2)], 0);
        log.append(&[record(1, 10)], &[extent(10, 3)]);
        let (bytes, _) = encode(&log.next, &[extent(50, 1), bad], &[], &UUID);
        let page = PageId::new(31);
        log.device.write_durable(&[WriteBlock { page, offset: 0, data: &bytes }]).unwrap();
        let (groups, group, what) = log.read_to_damage();
        assert!(groups == 1 && group == 41 && what.contains(says), "{bad:?}: {what}");
        let mut reader = log.reader();
        read_all(&mut reader);
        assert_eq!(reader.chain(), [extent(30, 2), extent(10, 3)], "{bad:?}");
    }
}

#[test]
fn a_refused_extent_leaves_the_chain_as_it_was() {
    for (bad, _) in IMPOSSIBLE {
        let mut chain = Chain::new(PageSize::K8.bytes());
        let device = PageCount::new(64);
        chain.append(&[extent(30, 2)], device).unwrap();
        chain.append(&[extent(50, 3), extent(40, 1), bad], device).unwrap_err();
        assert_eq!((chain.extents(), chain.blocks()), (&[extent(30, 2)][..], 4), "{bad:?}");
        // What was refused with it may come again, and lies where it would have.
        chain.append(&[extent(40, 1), extent(50, 3)], device).unwrap();
        assert_eq!((chain.blocks(), chain.locate(4), chain.locate(12)), (12, (1, 0), (2, 6)), "{bad:?}");
        assert_eq!((chain.page(5), chain.page(9)), ((PageId::new(40), 1), (PageId::new(51), 1)), "{bad:?}");
    }
}

#[test]
fn a_start_in_an_impossible_extent_is_damage() {
    for (bad, says) in IMPOSSIBLE {
        let mut log = TestLog::new(PageSize::K4, 64, &[extent(30, 2)], 0);
        log.start.extents.push(bad);
        let (_, group, what) = log.read_to_damage();
        assert!(group == 40 && what.contains(says), "{bad:?}: {what}");
        assert_eq!(log.reader().end(), log.start);
    }
    for block in [3, u32::MAX] {
        let mut log = TestLog::new(PageSize::K4, 64, &[extent(30, 2), extent(10, 8)], 0);
        log.start.block = block;
        assert!(log.read_to_damage().2.contains("outside its extent"));
        log.start.extents.clear();
        assert!(log.read_to_damage().2.contains("outside its extent"));
    }
    // The block behind the last one of an extent is the first of the next.
    let mut log = TestLog::new(PageSize::K4, 64, &[extent(30, 2), extent(10, 8)], 2);
    log.append_bytes(5);
    assert_eq!(log.read().0[0].page, PageId::new(10));
}

#[test]
fn a_chain_has_a_bounded_number_of_extents() {
    let pages = MOST_EXTENTS as u64 + 100;
    let links: Vec<Extent> = (20..).take(MOST_EXTENTS - 1).map(|first| extent(first, 1)).collect();
    let mut log = TestLog::new(PageSize::K4, pages, &[extent(5, 14)], 0);
    log.append(&[], &links);
    assert_eq!(log.read_to_end(), 1);
    log.append(&[], &[extent(pages - 1, 1)]);
    assert!(log.read_to_damage().2.contains("too many"));
}

#[test]
fn a_short_log_is_read_in_short_reads_and_a_long_one_in_long_ones() {
    let mut log = TestLog::new(PageSize::K4, 3000, &[extent(5, 2990)], 0);
    log.append_bytes(10);
    let metered = Metered::new(log.device.clone());
    let mut reader = LogReader::new(&metered, &UUID, log.start.clone());
    reader.next().unwrap().unwrap();
    assert_eq!((metered.meters().read.calls, metered.meters().read.bytes), (1, 64 << 10));
    assert!(reader.next().unwrap().is_none());
    // 64, 128, 256, 512 KiB, then 1 MiB each: every page once.
    assert_eq!((metered.meters().read.calls, metered.meters().read.pages), (4 + 11, 2990));
}

#[test]
fn random_logs_read_back() {
    for seed in 0..60 {
        println!("seed {seed}");
        let mut rng = Rng::new(seed);
        let size = PageSize::ALL[rng.index(5)];
        let mut free: Vec<Extent> = (0..40).map(|i| extent(5 + i * 6, 1 + rng.below(6) as u32)).collect();
        rng.shuffle(&mut free);
        let mut log = TestLog::new(size, 250, &[free.pop().unwrap()], 0);
        loop {
            let mut records = Vec::new();
            for i in 0..rng.below(4) {
                let most = 1 << rng.below(17);
                records.push(record(i, rng.index(most)));
            }
            let links: Vec<Extent> = free.drain(..rng.index(4).min(free.len())).collect();
            let length = records.iter().map(Vec::len).sum();
            if blocks_for(links.len(), length, records.len()) > log.room() {
                break;
            }
            log.append(&records, &links);
        }
        assert_eq!(log.read_to_end(), log.groups.len());
    }
}
