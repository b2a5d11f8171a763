//! One copy of a root record is damaged: after every commit, and after a crash between the two (R4).

use super::states::run;
use super::{Caught, arm, options, said};
use crate::traces::guarded;
use foliograph::PageSize;
use foliograph::storage_core::device::sim::{Image, Journal, SimDevice};
use foliograph::storage_core::page::PageId;
use foliograph::storage_core::planted::Bug;
use std::sync::Arc;

/// Damages each of the four copies of the root record in turn: whatever one it is, the store must open at `newest`.
fn one_damaged_copy(image: &Image, newest: u64, states: &mut u64) -> Result<(), String> {
    for page in 1..5 {
        *states += 1;
        let mut damaged = image.clone();
        damaged.flip(PageId::new(page), 60, 0x10);
        let device = SimDevice::from_image(damaged).map_err(said)?;
        let db = options().open_device(Arc::new(device)).map_err(|e| format!("page {page} damaged: {e}"))?;
        let version = db.begin_read().map_err(said)?.version();
        if version < newest {
            return Err(format!("page {page} damaged: version {newest} is lost, {version} is what opens"));
        }
    }
    Ok(())
}

/// After every acknowledged commit.
pub(super) fn damage_after_commits(bugs: &[Bug]) -> Result<u64, Caught> {
    let device = Arc::new(SimDevice::new(PageSize::K4, 1));
    arm(bugs, || guarded(|| run(&device))).expect("the history runs");
    let mut states = 0;
    for (image, newest) in journal_ends(&device.journal()) {
        let result = guarded(|| one_damaged_copy(&image, newest, &mut states));
        result.map_err(|why| Caught { after: states, why })?;
    }
    Ok(states)
}

/// What is durable wherever a commit had just been acknowledged.
fn journal_ends(journal: &Journal) -> Vec<(Image, u64)> {
    let acknowledged = |marks: &[u64]| marks.last().filter(|m| *m % 2 == 1).map(|m| m / 2);
    let states = journal.states();
    states.filter_map(|s| Some((s.pending.durable().clone(), acknowledged(s.point.marks())?))).collect()
}

/// R4: a crash anywhere, the store is opened for writing and thereby says what it holds, and only then one copy of a root
/// record is damaged. What it said must stay.
pub(super) fn damage_after_recovery(bugs: &[Bug]) -> Result<u64, Caught> {
    let device = Arc::new(SimDevice::new(PageSize::K4, 1));
    guarded(|| run(&device)).expect("the history runs");
    let mut states = 0;
    for state in device.journal().states().filter(|s| s.point.marks().len() > 1) {
        for outcome in state.pending.corners().step_by(2).collect::<Vec<_>>() {
            let result = guarded(|| {
                let opened = Arc::new(SimDevice::from_image(state.pending.land(&outcome)).map_err(said)?);
                let db = arm(bugs, || options().open_device(opened.clone())).map_err(said)?;
                let version = db.begin_read().map_err(said)?.version();
                // Only what recovery made durable counts: the process is killed, and the power goes.
                one_damaged_copy(opened.pending().durable(), version, &mut states)
            });
            result.map_err(|why| Caught { after: states, why })?;
        }
    }
    Ok(states)
}
