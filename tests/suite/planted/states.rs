//! Crash states of a small history whose commits are checkpoints, with a graph.

use super::{Caught, arm, options, said};
use crate::harness::seed;
use crate::history::{self, Contents, SMALL};
use crate::traces::guarded;
use foliograph::storage_core::device::DeviceErrorKind;
use foliograph::storage_core::device::sim::{Image, Rng, SimDevice};
use foliograph::storage_core::planted::Bug;
use foliograph::{Database, PageSize};
use std::sync::Arc;

pub(super) const COMMITS: u64 = 4;

/// Runs the small history on a simulated disk; marks 2v and 2v + 1 stand before and behind the commit of version v.
pub(super) fn run(device: &Arc<SimDevice>) -> Result<(), String> {
    device.mark(0);
    let db = options().create_device(device.clone()).map_err(said)?;
    device.mark(1);
    for n in 0..COMMITS {
        let mut tx = db.begin_write().map_err(said)?;
        history::change(&mut tx, n, SMALL).map_err(said)?;
        device.mark(2 * n + 2);
        tx.commit().map_err(said)?;
        device.mark(2 * n + 3);
    }
    db.close().map_err(said)
}

/// What a crash state may hold: the newest acknowledged version, and the one whose commit was under way.
fn allowed(marks: &[u64]) -> (Option<u64>, Option<u64>) {
    match marks.last() {
        None => (None, None),
        Some(mark) if mark % 2 == 0 => ((mark / 2).checked_sub(1), Some(mark / 2)),
        Some(mark) => (Some(mark / 2), None),
    }
}

/// The store opens, holds what it may hold, is whole, and goes on. Returns the version it held.
fn survive(
    image: Image,
    (acknowledged, asked): (Option<u64>, Option<u64>),
    expected: &[Contents],
) -> Result<(), String> {
    let device = match SimDevice::from_image(image) {
        Err(e) if e.kind() == DeviceErrorKind::Unfinished && acknowledged.is_none() => return Ok(()),
        opened => Arc::new(opened.map_err(said)?),
    };
    let db = options().open_device(device.clone()).map_err(said)?;
    let version = db.begin_read().map_err(said)?.version();
    if Some(version) != acknowledged && Some(version) != asked {
        return Err(format!("holds version {version}, {acknowledged:?} was acknowledged"));
    }
    whole(&db, &expected[version as usize])?;
    let mut tx = db.begin_write().map_err(said)?;
    history::change(&mut tx, version, SMALL).map_err(said)?;
    tx.commit().map_err(said)?;
    db.close().map_err(said)?;
    let device = SimDevice::from_image(device.volatile()).map_err(said)?;
    let db = options().open_device(Arc::new(device)).map_err(said)?;
    whole(&db, &expected[version as usize + 1])
}

fn whole(db: &Database, expected: &Contents) -> Result<(), String> {
    let found = history::contents(&db.begin_read().map_err(said)?).map_err(said)?;
    if let Some(difference) = history::difference(&found, expected) {
        return Err(difference);
    }
    let findings = db.check().map_err(said)?.findings;
    findings.first().map_or(Ok(()), |f| Err(format!("check: page {} ({}): {}", f.page, f.kind, f.what)))
}

/// Goes through crash states of the small history until one is not survived.
pub(super) fn crash_states(bugs: &[Bug]) -> Result<u64, Caught> {
    let expected = history::expected(&options(), COMMITS + 1, SMALL);
    let device = Arc::new(SimDevice::new(PageSize::K4, 1));
    if let Err(why) = arm(bugs, || guarded(|| run(&device))) {
        assert!(!bugs.is_empty(), "{why}");
        eprintln!("{bugs:?}: the history itself stops: {why}");
    }
    let mut rng = Rng::new(seed(5));
    let mut states = 0;
    for state in device.journal().states() {
        let pending = &state.pending;
        let corners: Vec<_> = pending.corners().collect();
        let random = (0..6).map(|_| pending.random_outcome(&mut rng));
        for outcome in corners.into_iter().step_by(3).chain(random) {
            states += 1;
            let (image, allowed) = (pending.land(&outcome), allowed(state.point.marks()));
            guarded(|| survive(image, allowed, &expected)).map_err(|why| Caught {
                after: states,
                why: format!("step {}: {why}", state.point.step()),
            })?;
        }
    }
    assert!(states > 1000 || !bugs.is_empty(), "{states}");
    Ok(states)
}
