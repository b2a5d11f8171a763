//! Opening a store whose log holds commits that its root does not: they are done again (L5).
//!
//! Must always be true: all of them are one transaction that ends as a checkpoint. A crash in the middle leaves log and
//! root as they were; memory is bounded as for any transaction.

use crate::database::Database;
use crate::error::OpenError;
use crate::options::Options;
use crate::txn::record::ReplayError;
use storage_core::pager::{self, LogError, Unreplayed};

/// How far a recovery has come, for whoever shows it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Recovery {
    /// Commits that were done again.
    pub replayed: u64,
    /// Commits that there are.
    pub commits: u64,
    /// Bytes of their records.
    pub bytes: u64,
}

impl Database {
    /// Replays what the log holds beyond the root; where its end may be missing, as much of it as can be.
    pub(crate) fn replay_log(&self, options: &Options) -> Result<(), OpenError> {
        let pager = &self.inner.pager;
        while let Some(what) = pager.unreplayed() {
            let mut progress = Recovery { replayed: 0, commits: what.commits, bytes: what.bytes };
            match self.replay(&what, &mut progress, options) {
                Err(OpenError::Pager(pager::OpenError::Log(e))) if e.is_damage() && options.tolerate_log => {
                    pager.replay_only(progress.replayed);
                }
                other => return other,
            }
        }
        Ok(())
    }

    fn replay(&self, what: &Unreplayed, progress: &mut Recovery, options: &Options) -> Result<(), OpenError> {
        let pager = &self.inner.pager;
        let mut tx = self.transaction(pager.begin_replay(what)?).map_err(OpenError::of_write)?;
        let mut groups = pager.unreplayed_groups(what);
        while progress.replayed < what.commits
            && let Some(group) = groups.next().map_err(pager::OpenError::from)?
        {
            let left = (what.commits - progress.replayed) as usize;
            for record in group.records.iter().take(left) {
                tx.replay(record).map_err(|e| match e {
                    ReplayError::Write(e) => OpenError::of_write(e),
                    ReplayError::Corrupt { what } => {
                        pager::OpenError::from(LogError::damaged(&group, what)).into()
                    }
                })?;
                progress.replayed += 1;
                options.report(*progress);
            }
        }
        tx.commit_by_checkpoint()?;
        Ok(())
    }
}
