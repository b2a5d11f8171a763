//! The bytes of a group: how it is laid out in 4 KiB blocks, whatever the page size (L1, L2).
//!
//! A group starts on a fresh block with a header, goes on with its links and its records, and is zero up to the end of
//! its last block.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `FOLIOLOG` |
//! | 8 | 8 | check: XXH3-64 of bytes 16..96, seeded by the XXH3-64 of the store's UUID |
//! | 16 | 8 | group number, from 1 on; never restarts within a store |
//! | 24 | 8 | salt of the log's life |
//! | 32 | 8 | check of the group before: of its header, which covers its body's |
//! | 40 | 8 | durable: the last group known durable when this one was submitted; 0 = none |
//! | 48 | 8 | LSN of the first record; the records' are consecutive. Without records: that of the next one |
//! | 56 | 4 | number of records |
//! | 60 | 4 | number of links |
//! | 64 | 8 | body length in bytes |
//! | 72 | 8 | check of the body: XXH3-64, same seed |
//! | 80 | 16 | zero |
//!
//! Body: links of 12 bytes (first page u64, pages u32), extents that the group appends to the chain; then each record:
//! length u32, bytes. All little-endian.
//!
//! Must always be true: a header decodes only if its check holds, so whatever decodes was written by this store. It
//! does no I/O, and does not judge whether a group belongs where it lies: that is the reader's.

use crate::device::BLOCK_LEN;
use crate::page::{PageBuf, PageId};
use crate::pager::superblock::{get_u32, get_u64, put_u32, put_u64};
use twox_hash::XxHash3_64;

/// Bytes of a block: what a group starts on and is rounded up to.
pub const BLOCK: usize = BLOCK_LEN;

/// Bytes of a group's header.
pub(crate) const HEADER_LEN: usize = 96;
const LINK_LEN: usize = 12;
const LENGTH_LEN: usize = 4;
const MAGIC: [u8; 8] = *b"FOLIOLOG";

/// A run of pages that holds a part of the log.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Its first page.
    pub first: PageId,
    /// How many pages.
    pub pages: u32,
}

/// Where the log begins, or where it goes on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogStart {
    /// Number of the first group.
    pub group: u64,
    /// Check of the group before it.
    pub previous_check: u64,
    /// Salt of the log's life.
    pub salt: u64,
    /// Block of the first group, within the first extent.
    pub block: u32,
    /// The extent of the first group, then those that are linked already, in order. Empty: there is no log.
    pub extents: Vec<Extent>,
}

/// What a group says of itself, but for what follows from its contents.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    pub number: u64,
    pub salt: u64,
    pub previous_check: u64,
    /// The last group known durable, below `number`; 0 = none.
    pub durable: u64,
    pub first_lsn: u64,
}

/// A group's header.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub head: Head,
    pub check: u64,
    pub records: u32,
    pub links: u32,
    pub body_len: u64,
    pub body_check: u64,
}

/// The seed of all checks in the log of the store with this UUID.
pub(crate) fn seed(uuid: &[u8; 16]) -> u64 {
    XxHash3_64::oneshot(uuid)
}

/// The check of a body.
pub(crate) fn body_check(seed: u64, body: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(seed, body)
}

/// How many blocks a group takes.
pub(crate) fn blocks_for(links: usize, record_bytes: usize, records: usize) -> usize {
    (HEADER_LEN + links * LINK_LEN + records * LENGTH_LEN + record_bytes).div_ceil(BLOCK)
}

/// A whole group in whole blocks, and its check.
///
/// # Panics
/// If a record, or the number of records or links, does not fit 32 bits: whoever writes bounds them far below (L6).
pub(crate) fn encode(head: &Head, links: &[Extent], records: &[&[u8]], uuid: &[u8; 16]) -> (PageBuf, u64) {
    debug_assert!(
        head.durable < head.number,
        "numbers begin at 1, and no group is durable before it is written"
    );
    let record_bytes = records.iter().map(|record| record.len()).sum();
    let mut group = PageBuf::zeroed(BLOCK * blocks_for(links.len(), record_bytes, records.len()));
    let mut at = HEADER_LEN;
    for link in links {
        put_u64(&mut group, at, link.first.get());
        put_u32(&mut group, at + 8, link.pages);
        at += LINK_LEN;
    }
    for record in records {
        put_u32(&mut group, at, short(record.len()));
        group[at + LENGTH_LEN..][..record.len()].copy_from_slice(record);
        at += LENGTH_LEN + record.len();
    }
    let seed = seed(uuid);
    let header = Header {
        head: *head,
        check: 0,
        records: short(records.len()),
        links: short(links.len()),
        body_len: (at - HEADER_LEN) as u64,
        body_check: body_check(seed, &group[HEADER_LEN..at]),
    };
    let check = header.encode(seed, &mut group);
    (group, check)
}

fn short(length: usize) -> u32 {
    u32::try_from(length).expect("lengths and counts in a group are far below 4 Gi")
}

impl Header {
    /// Writes the header into the first bytes of `block`; returns its check, for the field `check` is not read.
    pub(crate) fn encode(&self, seed: u64, block: &mut [u8]) -> u64 {
        block[..HEADER_LEN].fill(0);
        block[..8].copy_from_slice(&MAGIC);
        put_u64(block, 16, self.head.number);
        put_u64(block, 24, self.head.salt);
        put_u64(block, 32, self.head.previous_check);
        put_u64(block, 40, self.head.durable);
        put_u64(block, 48, self.head.first_lsn);
        put_u32(block, 56, self.records);
        put_u32(block, 60, self.links);
        put_u64(block, 64, self.body_len);
        put_u64(block, 72, self.body_check);
        let check = XxHash3_64::oneshot_with_seed(seed, &block[16..HEADER_LEN]);
        put_u64(block, 8, check);
        check
    }

    /// The header at the start of `block`, if there is a valid one.
    pub(crate) fn decode(seed: u64, block: &[u8]) -> Option<Header> {
        let block = block.get(..HEADER_LEN)?;
        if block[..8] != MAGIC {
            return None;
        }
        let check = get_u64(block, 8);
        if check != XxHash3_64::oneshot_with_seed(seed, &block[16..]) {
            return None;
        }
        Some(Header {
            head: Head {
                number: get_u64(block, 16),
                salt: get_u64(block, 24),
                previous_check: get_u64(block, 32),
                durable: get_u64(block, 40),
                first_lsn: get_u64(block, 48),
            },
            check,
            records: get_u32(block, 56),
            links: get_u32(block, 60),
            body_len: get_u64(block, 64),
            body_check: get_u64(block, 72),
        })
    }

    /// How many blocks the group takes; `None` for a length that no group has.
    pub(crate) fn blocks(&self) -> Option<u64> {
        Some(self.body_len.checked_add(HEADER_LEN as u64)?.div_ceil(BLOCK as u64))
    }

    /// Links and records of the group with this header and this body. The counts are believed only as far as the body
    /// reaches, so memory is bounded by it.
    pub(crate) fn parse(&self, mut body: &[u8]) -> Result<(Vec<Extent>, Vec<Vec<u8>>), &'static str> {
        const SHORT: &str = "its body is shorter than its contents";
        let mut links = Vec::new();
        for _ in 0..self.links {
            let (link, rest) = body.split_at_checked(LINK_LEN).ok_or(SHORT)?;
            links.push(Extent { first: PageId::new(get_u64(link, 0)), pages: get_u32(link, 8) });
            body = rest;
        }
        let mut records = Vec::new();
        for _ in 0..self.records {
            let (length, rest) = body.split_at_checked(LENGTH_LEN).ok_or(SHORT)?;
            let (record, rest) = rest.split_at_checked(get_u32(length, 0) as usize).ok_or(SHORT)?;
            records.push(record.to_vec());
            body = rest;
        }
        if body.is_empty() { Ok((links, records)) } else { Err("its body is longer than its contents") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: [u8; 16] = *b"0123456789abcdef";
    const HEAD: Head = Head { number: 7, salt: 8, previous_check: 9, durable: 6, first_lsn: 10 };

    #[test]
    fn a_group_lies_as_the_table_says() {
        let links = [Extent { first: PageId::new(0x0102), pages: 3 }];
        let (group, check) = encode(&HEAD, &links, &[b"one", b""], &UUID);
        assert_eq!((group.len(), &group[..8]), (BLOCK, &b"FOLIOLOG"[..]));
        assert_eq!(get_u64(&group, 8), check);
        assert_eq!([16, 24, 32, 40, 48].map(|at| get_u64(&group, at)), [7, 8, 9, 6, 10]);
        assert_eq!([56, 60].map(|at| get_u32(&group, at)), [2, 1]);
        assert_eq!(get_u64(&group, 64), 12 + 7 + 4);
        assert_eq!(group[96..96 + 23], *b"\x02\x01\0\0\0\0\0\0\x03\0\0\0\x03\0\0\0one\0\0\0\0");
        assert!(group[80..96].iter().chain(&group[119..]).all(|byte| *byte == 0));
        assert_eq!(check, XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(&UUID), &group[16..96]));
    }

    #[test]
    fn every_flipped_byte_of_a_header_makes_it_invalid_and_so_does_another_store() {
        let (mut group, check) = encode(&HEAD, &[], &[b"record"], &UUID);
        let seed = seed(&UUID);
        let header = Header::decode(seed, &group).unwrap();
        assert_eq!((header.head, header.check, header.records, header.links), (HEAD, check, 1, 0));
        assert_eq!(Header::decode(super::seed(b"another store's!"), &group), None);
        for at in 0..HEADER_LEN {
            group[at] ^= 0x10;
            assert_eq!(Header::decode(seed, &group), None, "byte {at}");
            group[at] ^= 0x10;
        }
        assert_eq!(Header::decode(seed, &group[..HEADER_LEN - 1]), None);
    }

    #[test]
    fn blocks_are_counted_as_they_are_written() {
        for length in [0, 1, BLOCK - 101, BLOCK - 100, BLOCK - 99, 3 * BLOCK] {
            let record = vec![1; length];
            let (group, _) = encode(&HEAD, &[], &[&record], &UUID);
            let header = Header::decode(seed(&UUID), &group).unwrap();
            assert_eq!(group.len(), BLOCK * blocks_for(0, length, 1), "{length} bytes");
            assert_eq!(header.blocks(), Some((group.len() / BLOCK) as u64), "{length} bytes");
        }
        let huge = Header {
            body_len: u64::MAX,
            ..Header::decode(seed(&UUID), &encode(&HEAD, &[], &[], &UUID).0).unwrap()
        };
        assert_eq!(huge.blocks(), None);
    }

    #[test]
    fn counts_that_do_not_fit_the_body_are_refused() {
        let (group, _) = encode(&HEAD, &[], &[b"abc"], &UUID);
        let header = Header::decode(seed(&UUID), &group).unwrap();
        let body = &group[HEADER_LEN..][..7];
        assert_eq!(header.parse(body), Ok((vec![], vec![b"abc".to_vec()])));
        for (records, links) in [(2, 0), (u32::MAX, 0), (0, 1), (1, u32::MAX), (0, 0)] {
            assert!(
                Header { records, links, ..header }.parse(body).is_err(),
                "{records} records, {links} links"
            );
        }
        assert!(header.parse(&body[..6]).is_err());
    }
}
