//! Damaged, torn and foreign logs: a prefix of the groups, or damage where a later group proves it; never a wrong record.

use super::frame::{HEADER_LEN, Head, Header, body_check, encode, seed};
use super::tests::{TestLog, UUID, extent, read_all, record};
use super::{BLOCK, LogError, LogReader, LogStart};
use crate::device::memory::MemoryDevice;
use crate::device::sim::Rng;
use crate::device::{DeviceErrorKind, PageDevice, WriteBlock};
use crate::page::{PageId, PageSize};

/// Three groups of 1, 2 and 1 blocks, from the start of page 9 on.
fn three_groups(size: PageSize) -> (TestLog, Vec<Vec<u64>>) {
    let mut log = TestLog::new(size, 20, &[extent(9, 8)], 0);
    let groups = vec![
        log.append(&[record(1, 300), record(2, 40)], &[]),
        log.append(&[record(3, BLOCK), record(4, 100)], &[]),
        log.append(&[record(5, 700)], &[]),
    ];
    (log, groups)
}

/// The bytes of a three-group log that a check covers: offset in the file, index of the group.
fn covered(log: &TestLog, groups: &[Vec<u64>]) -> Vec<(usize, usize)> {
    let image = log.store.image();
    let mut bytes = Vec::new();
    for (index, offsets) in groups.iter().enumerate() {
        let first = offsets[0] as usize;
        let header = Header::decode(seed(&UUID), &image[first..]).unwrap();
        let length = HEADER_LEN + header.body_len as usize;
        bytes.extend((first..first + length).map(|at| (at, index)));
    }
    bytes
}

#[test]
fn every_byte_flipped_leaves_a_prefix_and_is_damage_where_a_later_group_proves_it() {
    for size in [PageSize::K4, PageSize::K16] {
        let (log, groups) = three_groups(size);
        let covered = covered(&log, &groups);
        let first = groups[0][0] as usize;
        let mut next = covered.iter().peekable();
        for at in first..groups[2][0] as usize + BLOCK {
            log.store.tamper(|bytes| bytes[at] ^= 1 << (at % 8));
            let (read, error) = log.read();
            match next.next_if(|(covered, _)| *covered == at) {
                None => assert!(read.len() == 3 && error.is_none(), "byte {at} is padding: {error:?}"),
                Some((_, 2)) => assert!(read.len() == 2 && error.is_none(), "byte {at}: {error:?}"),
                Some((_, index)) => {
                    let Some(LogError::Damaged { group, page, .. }) = &error else {
                        panic!("byte {at}: {error:?}")
                    };
                    let place = PageId::new(groups[*index][0] / size.bytes() as u64);
                    assert_eq!((read.len(), *group, *page), (*index, 40 + *index as u64, place), "byte {at}");
                    assert!(error.unwrap().hint().is_some_and(|hint| hint.contains("wal")));
                }
            }
            log.store.tamper(|bytes| bytes[at] ^= 1 << (at % 8));
        }
        assert!(next.next().is_none());
        assert_eq!(log.read_to_end(), 3);
    }
}

#[test]
fn zeroed_from_any_sector_on_the_log_is_a_prefix() {
    let (log, groups) = three_groups(PageSize::K8);
    let whole = log.store.image();
    let covered = covered(&log, &groups);
    for from in (groups[0][0] as usize..whole.len()).step_by(512) {
        log.store.tamper(|bytes| bytes[from..].fill(0));
        let lost = covered.iter().find(|(at, _)| *at >= from).map_or(3, |(_, index)| *index);
        // A group whose last sectors are zero anyway is whole without them.
        assert_eq!(log.read_to_end(), lost, "from {from}");
        log.store.tamper(|bytes| bytes.copy_from_slice(&whole));
    }
}

#[test]
fn a_zeroed_sector_is_the_end_in_the_last_group_and_damage_before_it() {
    let (log, groups) = three_groups(PageSize::K4);
    let whole = log.store.image();
    let covered = covered(&log, &groups);
    for from in (groups[0][0] as usize..groups[2][0] as usize + BLOCK).step_by(512) {
        log.store.tamper(|bytes| bytes[from..from + 512].fill(0));
        match covered.iter().find(|(at, _)| (from..from + 512).contains(at)) {
            None => assert_eq!(log.read_to_end(), 3, "sector at {from}"),
            Some((_, 2)) => assert_eq!(log.read_to_end(), 2, "sector at {from}"),
            Some((_, index)) => assert_eq!(log.read_to_damage().0, *index, "sector at {from}"),
        }
        log.store.tamper(|bytes| bytes.copy_from_slice(&whole));
    }
}

#[test]
fn a_torn_last_group_ends_the_log_whichever_of_its_sectors_are_missing() {
    let mut log = TestLog::new(PageSize::K4, 20, &[extent(9, 8)], 0);
    log.append_bytes(100);
    let end = log.reader_end();
    let offsets = log.append_bytes(BLOCK + 2000); // 12 sectors
    let whole = log.store.image();
    let sectors: Vec<usize> = (0..12).map(|i| offsets[i / 8] as usize + i % 8 * 512).collect();
    for landed in 0..1u32 << 12 {
        log.store.tamper(|bytes| {
            bytes.copy_from_slice(&whole);
            for (i, at) in sectors.iter().enumerate() {
                if landed >> i & 1 == 0 {
                    bytes[*at..*at + 512].fill(0);
                }
            }
        });
        let expected = if landed == (1 << 12) - 1 { 2 } else { 1 };
        assert_eq!(log.read_to_end(), expected, "landed: {landed:012b}");
        assert!(expected == 2 || log.reader_end() == end);
    }
}

impl TestLog {
    fn reader_end(&self) -> LogStart {
        let mut reader = self.reader();
        read_all(&mut reader);
        reader.end()
    }

    /// Zeroes the block at this offset of the file.
    fn lose(&self, offset: u64) {
        self.store.tamper(|bytes| bytes[offset as usize..][..BLOCK].fill(0));
    }
}

#[test]
fn a_group_of_an_earlier_salt_or_of_another_store_is_the_end() {
    let (mut log, _) = three_groups(PageSize::K4);
    log.start.salt = 6;
    assert_eq!(log.read_to_end(), 0);
    log.start.salt = 5;
    assert_eq!(read_all(&mut LogReader::new(&*log.device, b"another UUID ...", log.start.clone())).0, []);
    log.start.previous_check ^= 1;
    // The groups that follow do not chain to it either, but they are of this life, and say that it was durable.
    assert_eq!(log.read_to_damage().0, 0);
}

#[test]
fn groups_of_an_earlier_salt_behind_the_end_prove_nothing() {
    let (mut log, groups) = three_groups(PageSize::K4);
    // A new life begins at the second group's place; the third group still lies behind it.
    log.groups.truncate(1);
    log.start = log.reader().first_end();
    log.start.salt = 99;
    let mut reader = LogReader::new(&*log.device, &UUID, log.start.clone());
    assert!(matches!(reader.next(), Ok(None)));
    assert_eq!((reader.end().group, reader.end().block), (41, 1));
    assert_eq!(groups[1][0], 10 * 4096);
}

impl LogReader<'_> {
    /// The place after the first group.
    fn first_end(mut self) -> LogStart {
        assert!(matches!(self.next(), Ok(Some(_))));
        self.end()
    }
}

#[test]
fn a_lost_group_is_the_end_while_no_later_one_says_that_it_was_durable() {
    let mut log = TestLog::new(PageSize::K4, 20, &[extent(9, 8)], 0);
    let first = log.append_bytes(10);
    let second = log.append_bytes(10);
    log.lag = 3; // the next groups were submitted when only group 39 was durable, then 40, then 41
    log.append_bytes(10);
    let whole = log.store.image();
    let restore = |log: &TestLog| log.store.tamper(|bytes| bytes.copy_from_slice(&whole));
    log.lose(second[0]);
    assert_eq!(log.read_to_end(), 1);
    restore(&log);
    log.lose(first[0]);
    // Group 41 was submitted when group 40 was durable.
    assert_eq!(log.read_to_damage().0, 0);
    restore(&log);
    log.append_bytes(10);
    log.lose(second[0]);
    assert_eq!(log.read_to_end(), 1);
    log.append_bytes(10); // 44 knows that 41 is durable
    assert_eq!(log.read_to_damage().0, 1);
}

#[test]
fn a_damaged_link_group_is_proven_by_the_group_behind_it_in_its_extent() {
    // R3: the new extent is found only through the damaged group; the group behind that one shows the loss.
    let mut log = TestLog::new(PageSize::K4, 40, &[extent(9, 3)], 0);
    log.append_bytes(10);
    let link = log.append(&[record(2, 10)], &[extent(20, 4)]);
    log.append_bytes(10);
    log.append_bytes(10);
    assert_eq!((log.read_to_end(), link[0]), (4, 10 * 4096));
    log.lose(link[0]);
    assert_eq!((log.read_to_damage().0, log.read_to_damage().1), (1, 41));
    // And without damage to the link, a loss is proven from the next extent too.
    let mut log = TestLog::new(PageSize::K4, 40, &[extent(9, 2)], 0);
    log.append(&[], &[extent(20, 4)]);
    let last = log.append_bytes(10);
    log.append_bytes(10);
    log.lose(last[0]);
    assert_eq!((log.read_to_damage().0, log.read_to_damage().1), (1, 41));
}

#[test]
fn groups_before_the_start_never_prove_anything() {
    // R11: the log starts behind the third group. What was before it, and what a recycled extent holds of it, is old.
    let (mut log, groups) = three_groups(PageSize::K4);
    let image = log.store.image();
    log.start = log.reader_end();
    log.groups.clear();
    let missing = LogReader::new(&*log.device, &UUID, log.start.clone()).next();
    assert!(matches!(missing, Ok(None)), "{missing:?}");
    // The old groups once more, behind the place of the missing one.
    log.store.tamper(|bytes| {
        for (old, to) in groups.concat().iter().zip((15 * 4096..).step_by(4096)) {
            bytes.copy_within(*old as usize..*old as usize + BLOCK, to);
        }
    });
    let mut reader = LogReader::new(&*log.device, &UUID, log.start.clone());
    let missing = reader.next();
    assert!(matches!(missing, Ok(None)) && log.store.image() != image, "{missing:?}");
    assert_eq!(reader.end(), log.start);
}

#[test]
fn a_later_group_in_the_place_of_one_that_is_needed_is_damage() {
    let mut log = TestLog::new(PageSize::K4, 20, &[extent(9, 8)], 0);
    let first = log.append_bytes(10);
    log.append_bytes(10);
    let later = log.append_bytes(10);
    log.store.tamper(|bytes| {
        bytes.copy_within(later[0] as usize..later[0] as usize + BLOCK, first[0] as usize);
    });
    let (groups, group, what) = log.read_to_damage();
    assert!(groups == 0 && group == 40 && what.contains("group 42 (page 9)"), "{what}");
}

#[test]
fn a_group_whose_lsn_does_not_follow_is_not_read() {
    let mut log = TestLog::new(PageSize::K4, 20, &[extent(9, 8)], 0);
    log.append_bytes(10);
    log.next.first_lsn += 1;
    log.append_bytes(10);
    assert_eq!(log.read_to_end(), 1);
    log.append_bytes(10);
    assert_eq!(log.read_to_damage().0, 1);
}

#[test]
fn a_device_that_fails_is_an_error_and_not_the_end() {
    let (log, groups) = three_groups(PageSize::K4);
    log.store.tamper(|bytes| bytes.truncate(groups[1][1] as usize));
    let (read, error) = log.read();
    let Some(LogError::Device(error)) = error else { panic!("{error:?}") };
    // The first read takes several pages, so not even the first group is there.
    assert_eq!((read.len(), error.kind()), (0, DeviceErrorKind::ShortFile));
    log.device.close().unwrap();
    assert!(matches!(log.read().1, Some(LogError::Device(e)) if e.kind() == DeviceErrorKind::Closed));
}

#[test]
fn random_bytes_are_the_end_or_damage_and_never_panic() {
    for seed in 0..300 {
        println!("seed {seed}");
        let mut rng = Rng::new(seed);
        let mut bytes = vec![0; 64 * 4096];
        rng.fill(&mut bytes);
        let device = MemoryDevice::from_image(bytes, Some(PageSize::ALL[rng.index(5)])).unwrap();
        let mut start =
            LogStart { group: 1 + rng.below(9), block: rng.below(9) as u32, ..LogStart::default() };
        for _ in 0..rng.below(4) {
            start.extents.push(extent(rng.below(70), rng.below(20) as u32));
        }
        let mut reader = LogReader::new(&device, &UUID, start);
        assert_eq!(read_all(&mut reader).0, []);
    }
}

/// A field of a header that says anything, near the truth or far from it.
fn any(rng: &mut Rng, truth: u64) -> u64 {
    match rng.below(12) {
        0 => rng.next_u64(),
        1 => rng.below(3),
        2 => truth.wrapping_add(rng.below(3)).wrapping_sub(1),
        3 => u64::MAX - rng.below(3),
        _ => truth,
    }
}

#[test]
fn groups_with_valid_checks_and_garbage_in_them_never_panic_and_stay_within_the_device() {
    let mut damaged = 0;
    for round in 0..3000 {
        let mut rng = Rng::new(round);
        let mut log = TestLog::new(PageSize::K4, 40, &[extent(9, 6)], 0);
        log.append_bytes(10);
        let mut body = vec![0; rng.index(200)];
        rng.fill(&mut body);
        if rng.chance(1, 2) {
            body.fill(0);
        }
        if let Some(link) = body.get_mut(..12) {
            link[..8].copy_from_slice(&rng.below(45).to_le_bytes());
            link[8..].copy_from_slice(&(rng.below(4) as u32).to_le_bytes());
        }
        let head = Head {
            number: any(&mut rng, log.next.number),
            salt: any(&mut rng, log.next.salt),
            previous_check: any(&mut rng, log.next.previous_check),
            durable: any(&mut rng, 40),
            first_lsn: any(&mut rng, log.next.first_lsn),
        };
        let header = Header {
            head,
            check: 0,
            records: any(&mut rng, 0) as u32,
            links: any(&mut rng, body.len() as u64 / 12) as u32,
            body_len: any(&mut rng, body.len() as u64),
            body_check: any(&mut rng, body_check(seed(&UUID), &body)),
        };
        let mut block = vec![0; BLOCK];
        header.encode(seed(&UUID), &mut block);
        block[HEADER_LEN..][..body.len()].copy_from_slice(&body);
        log.device.write_durable(&[WriteBlock { page: PageId::new(10), offset: 0, data: &block }]).unwrap();
        let mut reader = log.reader();
        let (groups, error) = read_all(&mut reader);
        assert!((1..=2).contains(&groups.len()), "seed {round}: {error:?}");
        assert_eq!(groups[0].records, log.groups[0], "seed {round}");
        assert!(reader.chain().iter().all(|e| e.first.get() + u64::from(e.pages) <= 40), "seed {round}");
        damaged += u32::from(error.is_some());
    }
    assert!(damaged > 100, "only {damaged} of them were found to be damaged");
}

#[test]
fn a_group_at_the_end_of_all_numbers_is_damage() {
    for (number, first_lsn, durable, says) in [
        (u64::MAX, 1, 1, "too large"),
        (7, u64::MAX, 1, "too large"),
        (7, 1, 7, "before it was written"),
        (7, 1, u64::MAX, "before it was written"),
    ] {
        let log = TestLog::new(PageSize::K4, 20, &[extent(9, 8)], 0);
        let head = Head { number, salt: 5, previous_check: 77, durable: 0, first_lsn };
        let (mut group, _) = encode(&head, &[], &[b"record"], &UUID);
        let mut header = Header::decode(seed(&UUID), &group).unwrap();
        header.head.durable = durable;
        header.encode(seed(&UUID), &mut group);
        log.device.write_durable(&[WriteBlock { page: PageId::new(9), offset: 0, data: &group }]).unwrap();
        let start = LogStart { group: number, ..log.start.clone() };
        let mut reader = LogReader::new(&*log.device, &UUID, start.clone());
        let error = reader.next().unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("(page 9)"), "{error}");
        assert_eq!(reader.end(), start);
    }
}
