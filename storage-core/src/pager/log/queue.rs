//! The log's end, where commits become durable: the queue, the leader and its followers (L2, V4).
//!
//! ```text
//!   commit ──push──► queue ──lead: one group, one durable write──► durable ──► published, followers woken
//! ```
//!
//! Must always be true:
//!
//! 1. One group is in flight at a time, and a group is built only when the one before it is durable.
//! 2. A commit is acknowledged, and its version published, when the durable write that carries it has come back: in
//!    order, and never after one that failed. A commit that does not wait (Relaxed) is published at once, but never
//!    before an earlier one that does (R9).
//! 3. Room for a record was made before it is queued: no group meets a full log.
//! 4. Where the next group goes and what is durable change together, under one lock: a checkpoint that takes both gets a
//!    version and the start that belongs to it (C1, R10).
//!
//! Without durability nothing is written: what nobody waits for stays in memory until the next group carries it.

use super::extents::Extents;
use super::frame::{self, BLOCK, Extent, Head, LogStart};
use super::room::{LOG_LIMITS, LOG_USUAL};
use crate::device::{DeviceError, DeviceErrorKind, Operation, WriteBlock};
use crate::page::{PageBuf, PageId, PageSize};
use crate::pager::snapshot::Version;
use crate::pager::{Pager, WriteError};
use crate::planted::{Bug, armed};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A group is not made larger than this, but for a record that is.
const GROUP_BYTES: usize = 1 << 20;
/// With fewer blocks than these left, a group links the next extent.
const LOW: u64 = 8;
/// Blocks that stay free behind every group: one for a group that links, one for the group after it (L4, R3).
pub(super) const SLACK: u64 = 2;

/// A commit that waits for its group.
struct Queued {
    version: Arc<Version>,
    record: Vec<u8>,
    waits: bool,
    promised: u64,
}

/// How the log stands, for `stats` and for whoever decides when to make a checkpoint.
#[derive(Copy, Clone, Debug, Default)]
pub struct LogStats {
    /// Bytes of all extents, live and spare.
    pub bytes: u64,
    /// Bytes in use: what a crash would have to read.
    pub used: u64,
    /// The most that the extents may take.
    pub limit: u64,
    /// Groups written since the store was opened.
    pub groups: u64,
    /// Commits that they carried.
    pub commits: u64,
    /// Bytes of records that wait for a group.
    pub waiting: u64,
}

pub(super) struct State {
    pub(super) extents: Extents,
    /// A root record names the chain: groups may be written.
    pub(super) alive: bool,
    /// Number of the next group, and check of the one before it, which is durable.
    pub(super) next: u64,
    pub(super) previous_check: u64,
    pub(super) salt: u64,
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    /// Blocks promised to what is queued.
    queued_blocks: u64,
    /// The same with what is being written, and what is about to be queued.
    pub(super) promised: u64,
    /// How many commits the last group carried.
    together: usize,
    /// A leader is writing.
    writing: bool,
    /// The newest version of the group that is being written, if it carries commits.
    flying: Option<Arc<Version>>,
    /// The newest version that is durable.
    durable: Arc<Version>,
    /// The last commit that waits: until it is durable nothing after it is published.
    last_waiting: u64,
    pub(super) failed: Option<DeviceError>,
    pub(super) stats: LogStats,
}

pub(crate) struct Log {
    pub(super) state: Mutex<State>,
    done: Condvar,
    /// The most that the extents may take: what was said, or else by what the store takes.
    pub(super) said: Option<u64>,
    pub(super) limit: AtomicU64,
}

impl Log {
    /// A log that does not run yet: its next group has this number. `said` is the most bytes that it may take; without, that
    /// is as [`Log::see_store`] says.
    pub(crate) fn new(size: PageSize, said: Option<u64>, next: u64, newest: Arc<Version>) -> Self {
        let state = State {
            extents: Extents::new(size),
            alive: false,
            next,
            previous_check: 0,
            salt: 0,
            queue: VecDeque::new(),
            queued_bytes: 0,
            queued_blocks: 0,
            promised: 0,
            together: 0,
            writing: false,
            flying: None,
            last_waiting: 0,
            durable: newest,
            failed: None,
            stats: LogStats::default(),
        };
        let said = said.map(|bytes| bytes.clamp(LOG_LIMITS.0, LOG_LIMITS.1));
        let limit = AtomicU64::new(said.unwrap_or(LOG_USUAL.0));
        Log { state: Mutex::new(state), done: Condvar::new(), said, limit }
    }

    /// The error of the group that failed, if one did: nothing is committed after it.
    pub(crate) fn check(&self) -> Result<(), WriteError> {
        self.state.lock().failed.clone().map_or(Ok(()), |e| Err(e.into()))
    }

    /// Nothing is committed any more.
    pub(crate) fn fail(&self, error: &DeviceError) {
        self.state.lock().failed.get_or_insert_with(|| error.clone());
        self.done.notify_all();
    }

    /// Queues a commit for which room was made. Called by the writer, so commits come in order.
    pub(crate) fn push(
        &self,
        pager: &Pager,
        version: Arc<Version>,
        record: Vec<u8>,
        waits: bool,
        promised: u64,
    ) {
        let mut state = self.state.lock();
        debug_assert!(version.number > state.durable.number);
        state.queued_bytes += record.len();
        state.queued_blocks += promised;
        if waits {
            state.last_waiting = version.number;
        } else if state.last_waiting <= state.durable.number || armed(Bug::RelaxedBeforeFull) {
            pager.publish(&version);
        }
        state.queue.push_back(Queued { version, record, waits, promised });
    }

    /// Waits until the commit is durable; does the writing itself if nobody else does.
    pub(crate) fn wait(&self, pager: &Pager, number: u64) -> Result<(), WriteError> {
        if armed(Bug::AckBeforeDurable) {
            return Ok(());
        }
        let mut state = self.state.lock();
        loop {
            if state.durable.number >= number {
                return Ok(());
            }
            if let Some(e) = &state.failed {
                return Err(e.clone().into());
            }
            if state.writing {
                self.done.wait(&mut state);
            } else {
                state.writing = true;
                gather(&mut state);
                self.lead(pager, &mut state);
            }
        }
    }

    /// Makes everything durable that is queued now.
    pub(crate) fn flush(&self, pager: &Pager) -> Result<(), WriteError> {
        let newest = {
            let state = self.state.lock();
            state.queue.back().map(|q| q.version.number).or(state.flying.as_ref().map(|v| v.number))
        };
        newest.map_or(Ok(()), |number| self.wait(pager, number))
    }

    /// The newest durable version, and where the log of what comes after it starts (C1, R10).
    pub(crate) fn durable_point(&self) -> (Arc<Version>, LogStart) {
        let state = self.state.lock();
        (state.durable.clone(), state.start())
    }

    /// A checkpoint made this version durable without a group.
    pub(crate) fn set_durable(&self, pager: &Pager, version: Arc<Version>) {
        let mut state = self.state.lock();
        pager.publish(&version);
        state.durable = version;
    }

    /// The newest committed version stands on a newer root now: whoever gets it from here on gets it so.
    pub(crate) fn replace(&self, pager: &Pager, version: &Arc<Version>) {
        let mut state = self.state.lock();
        if pager.published.load().number == version.number {
            pager.publish(version);
        }
        let State { durable, flying, queue, .. } = &mut *state;
        let queued = queue.back_mut().map(|q| &mut q.version);
        for place in [Some(durable), flying.as_mut(), queued].into_iter().flatten() {
            if place.number == version.number {
                *place = version.clone();
            }
        }
    }

    /// Takes what is queued, as much as a group may hold, writes it durably, and publishes it. Unlocks meanwhile.
    fn lead(&self, pager: &Pager, state: &mut MutexGuard<'_, State>) {
        let group = state.build(pager);
        if armed(Bug::FollowerWokenEarly) {
            state.durable = state.flying.clone().unwrap_or(state.durable.clone());
        }
        let written = MutexGuard::unlocked(state, || catch_unwind(AssertUnwindSafe(|| group.write(pager))));
        state.writing = false;
        match &written {
            Ok(Err(_)) if armed(Bug::SwallowedError) => state.settle(pager, group),
            Ok(Ok(())) => state.settle(pager, group),
            Ok(Err(e)) => {
                if armed(Bug::FailedGroupPublished)
                    && let Some(version) = &state.flying
                {
                    pager.publish(version);
                }
                state.failed = Some(e.clone());
            }
            Err(_) => state.failed = Some(panicked(pager)),
        }
        self.done.notify_all();
        if let Err(panic) = written {
            resume_unwind(panic);
        }
    }

    pub(crate) fn stats(&self, size: PageSize) -> LogStats {
        let state = self.state.lock();
        LogStats {
            bytes: state.extents.pages() * size.bytes() as u64,
            used: state.extents.used() * BLOCK as u64,
            limit: self.limit(),
            waiting: state.queued_bytes as u64,
            ..state.stats
        }
    }

    pub(crate) fn pressure(&self) -> (u64, u64) {
        let state = self.state.lock();
        ((state.extents.used() + state.promised) * BLOCK as u64, self.limit())
    }

    /// Bytes that were promised to what is queued beyond what it will take as groups, and the most that the log may take.
    pub(crate) fn spare_promises(&self) -> (u64, u64) {
        let state = self.state.lock();
        let promised: u64 = state.queued_blocks * BLOCK as u64;
        (promised.saturating_sub(state.queued_bytes as u64), self.limit())
    }

    pub(crate) fn extents(&self) -> Vec<Extent> {
        self.state.lock().extents.extents().copied().collect()
    }
}

/// Where several committed together last time they do so again, but a moment apart: whoever leads lets the others run as
/// long as commits keep coming, up to as many as last time. Whoever is alone gathers nothing.
fn gather(state: &mut MutexGuard<'_, State>) {
    let expected = state.together;
    let mut found = 0;
    while found < state.queue.len() && state.queue.len() < expected {
        found = state.queue.len();
        MutexGuard::unlocked(state, std::thread::yield_now);
    }
}

/// A group that is built and not yet durable.
struct Group {
    bytes: PageBuf,
    /// Where it goes: page, first block, blocks.
    places: Vec<(PageId, u32, u32)>,
    blocks: u32,
    check: u64,
    links: Vec<Extent>,
    commits: usize,
    promised: u64,
}

impl Group {
    fn write(&self, pager: &Pager) -> Result<(), DeviceError> {
        let mut data = &self.bytes[..];
        let mut blocks = Vec::with_capacity(self.places.len());
        for (page, first, count) in &self.places {
            let (this, rest) = data.split_at(*count as usize * BLOCK);
            blocks.push(WriteBlock { page: *page, offset: *first as usize * BLOCK, data: this });
            data = rest;
        }
        pager.device().write_durable(&blocks)
    }
}

impl State {
    pub(super) fn start(&self) -> LogStart {
        let (block, extents) = self.extents.place();
        let mut start = LogStart {
            group: self.next,
            previous_check: self.previous_check,
            salt: self.salt,
            block,
            extents: extents.to_vec(),
        };
        if !self.alive {
            (start.block, start.extents) = (0, Vec::new());
        }
        start
    }

    /// Builds the next group out of the queue. It may be one that only links extents: then the queue waits for the
    /// next one.
    fn build(&mut self, pager: &Pager) -> Group {
        let (mut commits, mut bytes) = (0, 0);
        for queued in &self.queue {
            if commits > 0 && bytes + queued.record.len() > GROUP_BYTES {
                break;
            }
            commits += 1;
            bytes += queued.record.len();
        }
        let blocks = frame::blocks_for(1, bytes, commits) as u64;
        let (slack, low) = if armed(Bug::LinkInLastBlock) { (0, 1) } else { (SLACK, LOW) };
        let mut links = Vec::new();
        if self.extents.room() < blocks + slack {
            // It does not fit into what is linked. A group of its own links what is needed; behind it there is still
            // room for this group's header, which proves the link if it is lost (R3).
            commits = 0;
            let mut room = self.extents.room();
            while room < 1 + blocks + slack {
                let spare = self.extents.take_spare().expect("room was made before the commit was queued");
                room += self.extents.blocks_of(spare);
                links.push(spare);
            }
        } else if self.extents.room() - blocks < low {
            links.extend(self.extents.take_spare());
        }
        let taken: Vec<Queued> = self.queue.drain(..commits).collect();
        let records: Vec<&[u8]> = taken.iter().map(|q| q.record.as_slice()).collect();
        let first_lsn = match taken.first() {
            Some(queued) => queued.version.number,
            None => self.queue.front().map_or(self.durable.number + 1, |q| q.version.number),
        };
        let head = Head {
            number: self.next,
            salt: self.salt,
            previous_check: self.previous_check,
            // Groups are built one at a time, so the one before is durable.
            durable: self.next - 1,
            first_lsn,
        };
        let carried: &[Extent] = if armed(Bug::ExtentNotLinked) { &[] } else { &links };
        let (bytes, check) = frame::encode(&head, carried, &records, &pager.uuid());
        self.queued_bytes -= records.iter().map(|r| r.len()).sum::<usize>();
        let promised = taken.iter().map(|q| q.promised).sum();
        self.queued_blocks -= promised;
        self.flying = taken.last().map(|q| q.version.clone());
        let blocks = (bytes.len() / BLOCK) as u32;
        Group { places: self.extents.next_blocks(blocks), blocks, bytes, check, links, commits, promised }
    }

    /// The group is durable.
    fn settle(&mut self, pager: &Pager, group: Group) {
        self.extents.advance(group.blocks);
        group.links.into_iter().for_each(|extent| self.extents.link(extent));
        self.extents.advance(0);
        self.next += 1;
        self.previous_check = group.check;
        self.promised -= group.promised;
        if group.commits > 0 {
            self.together = group.commits;
        }
        self.stats.groups += 1;
        self.stats.commits += group.commits as u64;
        if let Some(version) = self.flying.take() {
            pager.publish(&version);
            self.durable = version;
        }
        // What nobody waits for, up to the next commit that does (R9).
        let free = self.queue.iter().take_while(|queued| !queued.waits).last();
        if let Some(queued) = free {
            pager.publish(&queued.version);
        }
    }
}

fn panicked(pager: &Pager) -> DeviceError {
    DeviceError::new(DeviceErrorKind::Poisoned, Operation::Write, pager.device().info().backend)
}
