//! What the log says beyond the root, at opening (L3, L5, R1).
//!
//! Must always be true: a log is replayed as one transaction that ends as a checkpoint, or not at all; until then nothing
//! else is written (but repaired root records), so a crash in the middle leaves everything as it was; the whole chain is
//! marked in use before a page is taken (L4), and is free when the checkpoint is durable.
//!
//! It does not know what a record says: whoever opens the store replays them, from exactly the root's LSN + 1.

use super::Pager;
use super::error::{OpenError, WriteError};
use super::log::{Extent, LogError, LogReader, LogStart, pages_of};
use super::meta::Meta;
use super::space::{Space, load_region};
use super::transaction::Transaction;
use crate::page::PageId;
use crate::planted::{Bug, armed};
use std::sync::Arc;

/// Commits in the log that the root does not hold.
#[derive(Clone, Debug)]
pub struct Unreplayed {
    /// Where they begin.
    pub start: LogStart,
    /// How many commits.
    pub commits: u64,
    /// The LSN of the last one.
    pub last: u64,
    /// Bytes of their records.
    pub bytes: u64,
    /// The number of the group after the last one.
    next_group: u64,
}

/// What was found in a log: what there is to replay, the next group's number, and the chain.
pub(super) struct Found {
    pub(super) unreplayed: Option<Unreplayed>,
    pub(super) next_group: u64,
    pub(super) chain: Vec<Extent>,
}

/// Reads the whole log once, and marks its chain, which no map names (A1). `tolerant` takes a damaged log for its end, for
/// saving what is left.
pub(super) fn find(
    pager: &Pager,
    space: &mut Space,
    meta: &Meta,
    tolerant: bool,
) -> Result<Found, OpenError> {
    let start = meta.log.clone();
    let mut reader = LogReader::new(pager.device().as_ref(), &pager.uuid, start.clone());
    let mut what = Unreplayed { start, commits: 0, last: meta.lsn, bytes: 0, next_group: 0 };
    let mut chain = Vec::new();
    loop {
        match find_next(pager, space, &mut reader, &mut chain, &mut what) {
            Ok(true) => {}
            Ok(false) => break,
            Err(OpenError::Log(LogError::Damaged { .. })) if tolerant => break,
            Err(e) => return Err(e),
        }
    }
    what.next_group = reader.end().group.max(1);
    let next_group = what.next_group;
    Ok(Found { unreplayed: (what.commits > 0).then_some(what), next_group, chain })
}

/// One group more; false at the end. An extent joins `chain` when its pages are marked.
fn find_next(
    pager: &Pager,
    space: &mut Space,
    reader: &mut LogReader<'_>,
    chain: &mut Vec<Extent>,
    what: &mut Unreplayed,
) -> Result<bool, OpenError> {
    let group = reader.next();
    let number = group.as_ref().ok().and_then(Option::as_ref).map_or(what.start.group, |group| group.number);
    let fresh = if armed(Bug::ChainNotMarked) { Vec::new() } else { reader.chain()[chain.len()..].to_vec() };
    for extent in fresh {
        if let Some(page) = mark(pager, space, extent)? {
            let what = "it belongs to the log, and the map says that it is in use".into();
            return Err(LogError::Damaged { group: number, page, what }.into());
        }
        chain.push(extent);
    }
    let Some(group) = group? else { return Ok(false) };
    if group.first_lsn != what.last + 1 {
        let words = format!("it begins with commit {}, after commit {}", group.first_lsn, what.last);
        return Err(LogError::damaged(&group, words).into());
    }
    what.commits += group.records.len() as u64;
    what.bytes += group.records.iter().map(|record| record.len() as u64).sum::<u64>();
    what.last += group.records.len() as u64;
    Ok(true)
}

/// Marks the extent's pages, or none and says which one is in use.
fn mark(pager: &Pager, space: &mut Space, extent: Extent) -> Result<Option<PageId>, OpenError> {
    for page in pages_of(extent) {
        if !space.alloc.mark(page, &|r, at, used| load_region(pager, r, at, used))? {
            space.alloc.give_back(pages_of(extent).take_while(|marked| *marked < page));
            return Ok(Some(page));
        }
    }
    Ok(None)
}

impl Pager {
    /// The commits that have to be replayed before anything is written.
    pub fn unreplayed(&self) -> Option<Unreplayed> {
        self.unreplayed.lock().clone()
    }

    /// Only so many of the commits are replayed: what comes after them cannot be.
    pub fn replay_only(&self, commits: u64) {
        let mut unreplayed = self.unreplayed.lock();
        if let Some(what) = unreplayed.as_mut() {
            what.last -= what.commits.saturating_sub(commits);
            what.commits = what.commits.min(commits);
        }
        unreplayed.take_if(|what| what.commits == 0);
    }

    /// A reader of the log, from the first commit that has to be replayed on.
    pub fn unreplayed_groups(&self, what: &Unreplayed) -> LogReader<'_> {
        LogReader::new(self.device.as_ref(), &self.uuid, what.start.clone())
    }

    /// The transaction that replays the log: it makes the version of the last commit, and ends as a checkpoint, after
    /// which the store has no log until the next commit begins one.
    ///
    /// # Errors
    /// The pages of the log could not be marked: the map is damaged, the disk is full, or the device failed.
    pub fn begin_replay(self: &Arc<Self>, what: &Unreplayed) -> Result<Transaction, WriteError> {
        let writer = self.writer.take()?;
        let mut tx = self.write_transaction(writer);
        tx.number = what.last;
        tx.checkpointer = Some(self.checkpointer.take()?);
        tx.log_start = Some(LogStart { group: what.next_group, ..LogStart::default() });
        Ok(tx)
    }
}
