//! Who watches a walk, and who stops it.

use super::graph;
use crate::algo::Control;
use crate::{NodeId, ReadError, Value};
use std::sync::atomic::AtomicBool;

#[test]
fn every_walk_can_be_cancelled() {
    let db = graph(3, &[(0, 1, 1.into()), (1, 2, 1.into())]);
    let snapshot = db.begin_read().expect("begun");
    let stop = AtomicBool::new(true);
    let control = || Control::new().cancelled_by(&stop);
    let path = || snapshot.shortest_path(NodeId(0), NodeId(2)).control(control());
    let cancelled = |e: Option<ReadError>| assert!(matches!(e, Some(ReadError::Cancelled)), "{e:?}");
    cancelled(snapshot.bfs(NodeId(0)).control(control()).summary().err());
    cancelled(path().find().err());
    cancelled(path().all().next().and_then(Result::err));
    cancelled(path().weighted_by("w").find().err());
    cancelled(path().weighted_by("w").guided_by(|_| Ok(0.0)).find().err());
    cancelled(path().weighted_by("w").all().next().and_then(Result::err));
}

/// A walk that was stopped in the middle does not look like one that came to its end.
#[test]
fn a_walk_is_stopped_on_its_way() {
    let edges: Vec<_> = (0..8999).map(|n| (n, n + 1, Value::Null)).collect();
    let db = graph(9000, &edges);
    let snapshot = db.begin_read().expect("begun");
    let stop = AtomicBool::new(false);
    let mut told = Vec::new();
    let control = Control::new().cancelled_by(&stop).on_progress(|progress| {
        told.push(progress.done);
        stop.store(progress.done > 1000, std::sync::atomic::Ordering::Relaxed);
    });
    let walked = snapshot.bfs(NodeId(0)).control(control).summary();
    assert!(matches!(walked, Err(ReadError::Cancelled)), "{walked:?}");
    assert!(told.is_sorted() && told.last().is_some_and(|done| *done < 9000), "{told:?}");
    let mut last = None;
    let control = Control::new().on_progress(|progress| last = Some((progress.done, progress.total)));
    snapshot.bfs(NodeId(0)).control(control).summary().expect("walked");
    assert_eq!(last, Some((9000, 9000)));
}
