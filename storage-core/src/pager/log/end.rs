//! Why a log ends where it ends, and which groups begin in a page: for people who look at a store. Nothing here decides
//! what is replayed.

use super::frame::{BLOCK, Header, body_check, seed};
use super::reader::LogReader;
use crate::device::DeviceError;
use std::fmt;

/// What is found where the next group would begin.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LogEnd {
    /// The root record names no log.
    NoLog,
    /// The last extent is full.
    Full,
    /// Zeros.
    Unwritten,
    /// Bytes that are no group's beginning.
    NoGroup,
    /// A group of another life of the log, with this number.
    OtherLife(u64),
    /// A group with this number that does not follow on the last one.
    NotNext(u64),
    /// The next group, not written whole.
    Torn,
}

impl fmt::Display for LogEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogEnd::NoLog => f.write_str("there is no log"),
            LogEnd::Full => f.write_str("the last extent is full"),
            LogEnd::Unwritten => f.write_str("nothing is written there"),
            LogEnd::NoGroup => f.write_str("no group begins there"),
            LogEnd::OtherLife(number) => write!(f, "group {number} of an earlier life of the log is there"),
            LogEnd::NotNext(number) => write!(f, "group {number} is there, which does not follow"),
            LogEnd::Torn => f.write_str("the group there was not written whole"),
        }
    }
}

impl LogReader<'_> {
    /// Bytes of a page of the store.
    pub fn page_bytes(&self) -> usize {
        self.chain.blocks_per_page() as usize * BLOCK
    }

    /// What is found where the next group would begin: after the last one, why it is the last.
    ///
    /// # Errors
    /// What the device fails with.
    pub fn why_ended(&mut self) -> Result<LogEnd, DeviceError> {
        if self.chain.blocks() == 0 {
            return Ok(LogEnd::NoLog);
        }
        if self.at >= self.chain.blocks() {
            return Ok(LogEnd::Full);
        }
        let block = self.window.block(self.device, &self.chain, self.at)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(LogEnd::Unwritten);
        }
        let Some(header) = Header::decode(self.seed, block) else { return Ok(LogEnd::NoGroup) };
        if header.head.salt != self.salt {
            return Ok(LogEnd::OtherLife(header.head.number));
        }
        let left = self.chain.blocks() - self.at;
        let fits = header.blocks().is_some_and(|blocks| blocks <= left);
        if !self.chains(&header) || (fits && body_check(self.seed, &self.body(&header)?) == header.body_check)
        {
            return Ok(LogEnd::NotNext(header.head.number));
        }
        Ok(LogEnd::Torn)
    }
}

/// What a group's header says of it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct GroupHead {
    /// The block of the page that it begins in.
    pub block: u32,
    /// Its number.
    pub number: u64,
    /// Salt of the log's life.
    pub salt: u64,
    /// LSN of its first record.
    pub first_lsn: u64,
    /// How many records.
    pub records: u32,
    /// How many extents it links.
    pub links: u32,
    /// Bytes of links and records.
    pub bytes: u64,
}

/// The groups of the store with this UUID whose headers lie in `page`, of whatever life, whole or not.
pub(crate) fn heads(page: &[u8], uuid: &[u8; 16]) -> Vec<GroupHead> {
    let seed = seed(uuid);
    let head = |(block, bytes): (usize, &[u8])| {
        let Header { head, records, links, body_len, .. } = Header::decode(seed, bytes)?;
        let (number, salt, first_lsn) = (head.number, head.salt, head.first_lsn);
        Some(GroupHead { block: block as u32, number, salt, first_lsn, records, links, bytes: body_len })
    };
    page.chunks_exact(BLOCK).enumerate().filter_map(head).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{TestLog, UUID, extent, read_all};
    use super::super::{LogReader, LogStart};
    use super::*;
    use crate::page::PageSize;

    fn ends(log: &TestLog) -> LogEnd {
        let mut reader = log.reader();
        assert!(read_all(&mut reader).1.is_none());
        reader.why_ended().unwrap()
    }

    #[test]
    fn every_end_has_its_reason() {
        let mut log = TestLog::new(PageSize::K4, 20, &[extent(5, 4)], 0);
        assert_eq!(ends(&log), LogEnd::Unwritten);
        let places: Vec<u64> = (0..4).map(|_| log.append_bytes(50)[0]).collect();
        assert_eq!(ends(&log), LogEnd::Full);
        let whole = log.store.image();
        let last = places[3] as usize;
        log.store.tamper(|bytes| bytes[last + 100] ^= 1);
        assert_eq!(ends(&log), LogEnd::Torn);
        log.store.tamper(|bytes| bytes[last + 20] ^= 1);
        assert_eq!(ends(&log), LogEnd::NoGroup);
        // An earlier group where the last one was; and the same of another life.
        let first = whole[places[0] as usize..][..BLOCK].to_vec();
        log.store.tamper(|bytes| bytes[last..][..BLOCK].copy_from_slice(&first));
        assert_eq!(ends(&log), LogEnd::NotNext(40));
        let start = LogStart { salt: 6, ..log.start.clone() };
        let mut reader = LogReader::new(&*log.device, &UUID, start);
        assert!(reader.next().unwrap().is_none());
        assert_eq!(reader.why_ended().unwrap(), LogEnd::OtherLife(40));
        let mut none = LogReader::new(&*log.device, &UUID, LogStart::default());
        assert_eq!((none.next().unwrap(), none.why_ended().unwrap()), (None, LogEnd::NoLog));
    }

    #[test]
    fn the_groups_that_begin_in_a_page_are_told_by_block() {
        let mut log = TestLog::new(PageSize::K16, 20, &[extent(5, 4)], 0);
        log.append_bytes(50);
        log.append_bytes(BLOCK);
        log.append_bytes(50);
        let page = &log.store.image()[5 * 16384..][..16384];
        let found: Vec<(u32, u64, u32)> =
            heads(page, &UUID).iter().map(|head| (head.block, head.number, head.records)).collect();
        assert_eq!(found, [(0, 40, 1), (1, 41, 1), (3, 42, 1)]);
        assert_eq!(heads(page, b"another store's!"), []);
    }
}
