//! What the log says beyond the root, at opening (L3, L5, R1).
//!
//! Must always be true: a log is replayed as one transaction that ends as a checkpoint, or not at all; until then nothing
//! else is written (but repaired root records), so a crash in the middle leaves everything as it was; the whole chain is
//! marked in use before a page is taken (L4), and is free when the checkpoint is durable.
//!
//! It does not know what a record says: whoever opens the store replays them, from exactly the root's LSN + 1.

use super::Pager;
use super::error::{OpenError, PageError, WriteError};
use super::log::{Extent, LogError, LogReader, LogStart, pages_of};
use super::meta::Meta;
use super::space::{Space, load_region};
use super::transaction::Transaction;
use crate::page::PageKind;
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

/// Reads the whole log once. `tolerant` takes a damaged log for its end, for saving what is left.
pub(super) fn find(pager: &Pager, meta: &Meta, tolerant: bool) -> Result<Found, LogError> {
    let start = meta.log.clone();
    let mut reader = LogReader::new(pager.device().as_ref(), &pager.uuid, start.clone());
    let (mut commits, mut bytes, mut last) = (0, 0, meta.lsn);
    loop {
        let group = match reader.next() {
            Ok(Some(group)) => group,
            Ok(None) => break,
            Err(LogError::Damaged { .. }) if tolerant => break,
            Err(e) => return Err(e),
        };
        if group.first_lsn != last + 1 {
            return Err(LogError::Damaged {
                group: group.number,
                page: group.page,
                what: format!("it begins with commit {}, after commit {last}", group.first_lsn).into(),
            });
        }
        commits += group.records.len() as u64;
        bytes += group.records.iter().map(|record| record.len() as u64).sum::<u64>();
        last += group.records.len() as u64;
    }
    let next_group = reader.end().group.max(1);
    let unreplayed = (commits > 0).then_some(Unreplayed { start, commits, last, bytes, next_group });
    let chain = if armed(Bug::ChainNotMarked) { Vec::new() } else { reader.chain().to_vec() };
    Ok(Found { unreplayed, next_group, chain })
}

/// Marks the chain's pages, which no map names (A1).
pub(super) fn mark_chain(pager: &Pager, space: &mut Space, chain: &[Extent]) -> Result<(), OpenError> {
    for page in chain.iter().copied().flat_map(pages_of) {
        if !space.alloc.mark(page, &|r, at, used| load_region(pager, r, at, used))? {
            let what = "it belongs to the log, and the map says that it is in use";
            return Err(PageError::damage(page, PageKind::Log, what).into());
        }
    }
    Ok(())
}

impl Pager {
    /// The commits that have to be replayed before anything is written.
    pub fn unreplayed(&self) -> Option<Unreplayed> {
        self.unreplayed.lock().clone()
    }

    /// A reader of the log, from the first commit that has to be replayed on.
    pub fn unreplayed_groups(&self, what: &Unreplayed) -> LogReader<'_> {
        LogReader::new(self.device.as_ref(), &self.uuid, what.start.clone())
    }

    /// The transaction that replays the log: it makes the version of the last commit, and ends as a checkpoint, after
    /// which the store has no log until the next commit begins one.
    pub fn begin_replay(self: &Arc<Self>, what: &Unreplayed) -> Result<Transaction, WriteError> {
        let writer = self.writer.take()?;
        let mut tx = self.write_transaction(writer);
        tx.number = what.last;
        tx.checkpointer = Some(self.checkpointer.take()?);
        tx.log_start = Some(LogStart { group: what.next_group, ..LogStart::default() });
        Ok(tx)
    }
}
