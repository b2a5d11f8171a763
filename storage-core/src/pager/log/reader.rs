//! Reading the log: group after group from a given place on, and judging what it means that there is no further one.
//!
//! Must always be true: a group is given out only if its header's check and its body's check hold and it chains to the
//! one before (number, salt, check, LSN). Memory is bounded by one group and the number of extents, a group by what the
//! chain has left. It never writes, and a device that fails is an error, not the end.
//!
//! Whether the first group's LSN is the expected one only the caller knows: no place in the log names it.

use super::chain::{Chain, Window};
use super::frame::{Extent, HEADER_LEN, Header, LogStart, body_check, seed};
use crate::device::{DeviceError, PageDevice};
use crate::page::PageId;
use crate::planted::{Bug, armed};
use std::borrow::Cow;

/// A group, as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Its number.
    pub number: u64,
    /// Salt of the log's life.
    pub salt: u64,
    /// Check of the group before.
    pub previous_check: u64,
    /// Its own check.
    pub check: u64,
    /// The last group known durable when it was submitted; 0 = none.
    pub durable: u64,
    /// LSN of its first record; the others follow one by one.
    pub first_lsn: u64,
    /// What it carries.
    pub records: Vec<Vec<u8>>,
    /// Extents that it appends to the chain.
    pub links: Vec<Extent>,
    /// The page that its header is in.
    pub page: PageId,
    /// The block of that page.
    pub block: u32,
    /// How many blocks it takes, in this extent and the next ones.
    pub blocks: u32,
}

/// The log could not be read on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A group that was durable once is missing, or one that is valid contradicts the store.
    #[error("the log is damaged at group {group} (page {page}): {what}")]
    Damaged {
        /// The number of the group.
        group: u64,
        /// Where it begins, or should.
        page: PageId,
        /// What is wrong.
        what: Cow<'static, str>,
    },
}

impl LogError {
    /// Damage found in a group that was read: what its records say cannot be.
    pub fn damaged(group: &Group, what: impl Into<Cow<'static, str>>) -> Self {
        LogError::Damaged { group: group.number, page: group.page, what: what.into() }
    }

    /// True if the log is damaged, as against unreachable.
    pub fn is_damage(&self) -> bool {
        matches!(self, LogError::Damaged { .. })
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            LogError::Device(e) => e.hint(),
            LogError::Damaged { .. } => Some(
                "`foliograph wal` lists what can be read; restore a backup, or save what is left with \
                 `foliograph recover`",
            ),
        }
    }
}

/// Reads groups in order.
pub struct LogReader<'d> {
    pub(super) device: &'d dyn PageDevice,
    pub(super) seed: u64,
    pub(super) salt: u64,
    pub(super) chain: Chain,
    pub(super) window: Window,
    /// The next group: its block in the chain, its number, the check before it.
    pub(super) at: u64,
    number: u64,
    previous_check: u64,
    /// The next group's first LSN; unknown before the first one.
    lsn: Option<u64>,
    /// A start that cannot be: told at the first `next`, given back by `end`.
    bad_start: Option<(LogStart, &'static str)>,
    done: bool,
}

impl<'d> LogReader<'d> {
    /// A reader of the log that begins at `start`, in the store with this UUID. Reads nothing yet.
    pub fn new(device: &'d dyn PageDevice, uuid: &[u8; 16], start: LogStart) -> Self {
        let mut chain = Chain::new(device.info().page_size.bytes());
        let mut bad = chain.append(&start.extents, device.page_count()).err();
        if bad.is_none() {
            let first = start.extents.first().map_or(0, |extent| u64::from(extent.pages));
            if u64::from(start.block) > first * u64::from(chain.blocks_per_page()) {
                bad = Some("it begins outside its extent");
            }
        }
        LogReader {
            device,
            seed: seed(uuid),
            salt: start.salt,
            chain,
            window: Window::default(),
            at: u64::from(start.block),
            number: start.group,
            previous_check: start.previous_check,
            lsn: None,
            bad_start: bad.map(|what| (start, what)),
            done: false,
        }
    }

    /// The next group. `None` at the end of the log (L3), and after an error.
    ///
    /// # Errors
    /// [`LogError`]: a group that must be there is damaged (L3), or the device failed.
    #[allow(clippy::should_implement_trait)] // an iterator would let an error be skipped
    pub fn next(&mut self) -> Result<Option<Group>, LogError> {
        if self.done {
            return Ok(None);
        }
        let step = self.step();
        self.done = !matches!(step, Ok(Some(_)));
        step
    }

    /// Where the next group would begin: behind the last one that `next` gave.
    pub fn end(&self) -> LogStart {
        if let Some((start, _)) = &self.bad_start {
            return start.clone();
        }
        let extents = self.chain.extents();
        let (index, block) = if extents.is_empty() { (0, 0) } else { self.chain.locate(self.at) };
        LogStart {
            group: self.number,
            previous_check: self.previous_check,
            salt: self.salt,
            block,
            extents: extents[index..].to_vec(),
        }
    }

    /// Every extent from the start on, in order, as far as the groups given so far link them.
    pub fn chain(&self) -> &[Extent] {
        self.chain.extents()
    }

    /// The LSN that the next group must begin with; `None` before the first group.
    pub fn next_lsn(&self) -> Option<u64> {
        self.lsn
    }

    fn step(&mut self) -> Result<Option<Group>, LogError> {
        if let Some((start, what)) = &self.bad_start {
            let page = start.extents.first().map_or(PageId::new(0), |extent| extent.first);
            return Err(LogError::Damaged { group: self.number, page, what: Cow::Borrowed(what) });
        }
        if self.at == self.chain.blocks() {
            return Ok(None);
        }
        let block = self.window.block(self.device, &self.chain, self.at)?;
        let Some(header) = Header::decode(self.seed, block).filter(|header| self.chains(header)) else {
            return self.end_unless_proven(self.at).map(|()| None);
        };
        // The header is valid and in its place, so the group was written here, within the chain as it is known now.
        let left = (self.chain.blocks() - self.at).min(u64::from(u32::MAX));
        let Some(blocks) = header.blocks().filter(|blocks| *blocks <= left) else {
            return Err(self.damaged("it is longer than what is left of the log"));
        };
        let body = self.body(&header)?;
        if body_check(self.seed, &body) != header.body_check {
            return self.end_unless_proven(self.at + blocks).map(|()| None);
        }
        self.accept(&header, &body, blocks).map(Some)
    }

    pub(super) fn chains(&self, header: &Header) -> bool {
        if armed(Bug::ChainNotCompared) {
            return true;
        }
        header.head.number == self.number
            && header.head.salt == self.salt
            && header.head.previous_check == self.previous_check
            && self.lsn.is_none_or(|lsn| header.head.first_lsn == lsn)
    }

    /// The body of the group here, which ends within the chain.
    pub(super) fn body(&mut self, header: &Header) -> Result<Vec<u8>, DeviceError> {
        let length = header.body_len as usize;
        let mut body = Vec::with_capacity(length);
        let (mut at, mut from) = (self.at, HEADER_LEN);
        while body.len() < length {
            let part = &self.window.block(self.device, &self.chain, at)?[from..];
            body.extend_from_slice(&part[..part.len().min(length - body.len())]);
            (at, from) = (at + 1, 0);
        }
        Ok(body)
    }

    /// A group whose checks hold: what is wrong with it now no crash did.
    fn accept(&mut self, header: &Header, body: &[u8], blocks: u64) -> Result<Group, LogError> {
        let head = header.head;
        let (links, records) = header.parse(body).map_err(|what| self.damaged(what))?;
        if head.durable >= head.number {
            return Err(self.damaged("it says that it was durable before it was written"));
        }
        let (number, lsn) = head
            .number
            .checked_add(1)
            .zip(head.first_lsn.checked_add(u64::from(header.records)))
            .ok_or_else(|| self.damaged("its numbers are too large"))?;
        let (page, block) = self.chain.page(self.at);
        let device = self.device.page_count();
        self.chain.append(&links, device).map_err(|what| self.damaged(format!("it links {what}")))?;
        self.at += blocks;
        self.number = number;
        self.previous_check = header.check;
        self.lsn = Some(lsn);
        Ok(Group {
            number: head.number,
            salt: head.salt,
            previous_check: head.previous_check,
            check: header.check,
            durable: head.durable,
            first_lsn: head.first_lsn,
            records,
            links,
            page,
            block,
            blocks: blocks as u32,
        })
    }

    /// The group that should be here is missing. If a later one of the same life, anywhere from block `from` on, says
    /// that it was durable, that is damage; else it is the end (L3). Lower numbers prove nothing: they are what the
    /// extent held before (R11).
    fn end_unless_proven(&mut self, from: u64) -> Result<(), LogError> {
        if armed(Bug::NoTestForLaterGroups) {
            return Ok(());
        }
        for at in from..self.chain.blocks() {
            let block = self.window.block(self.device, &self.chain, at)?;
            let Some(Header { head, .. }) = Header::decode(self.seed, block) else { continue };
            // Group 0 does not exist, and `durable` 0 says "none".
            let later = head.salt == self.salt && head.number > self.number;
            if later && head.durable >= self.number.max(1) || armed(Bug::AnyGroupProves) {
                let (page, _) = self.chain.page(at);
                let later = head.number;
                return Err(self.damaged(format!(
                    "it is not there, but group {later} (page {page}) was written when it was durable"
                )));
            }
        }
        Ok(())
    }

    fn damaged(&self, what: impl Into<Cow<'static, str>>) -> LogError {
        LogError::Damaged { group: self.number, page: self.chain.page(self.at).0, what: what.into() }
    }
}

impl std::fmt::Debug for LogReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogReader(group {}, block {} of {})", self.number, self.at, self.chain.blocks())
    }
}
