//! Loading: from a list in memory into a store that is whole, durable and closed.

use super::{Outcome, Task, contents, finished};
use crate::Result;
use crate::measure::{Memory, file_bytes, timed};
use crate::peer::Peer;

pub fn run<P: Peer>(task: &Task<'_>) -> Result<Outcome> {
    let dir = task.dir();
    if finished(&dir).exists() {
        std::fs::remove_file(finished(&dir))?;
    }
    let place = task.fresh(dir.clone())?;
    rustix::fs::sync();
    let edges = &task.graph.edges;
    let memory = Memory::watch();
    let ((), time) = timed(|| P::load(&place, edges))?;
    let peak = memory.end();
    let bytes = file_bytes(&dir)?;
    std::fs::write(finished(&dir), "")?;
    let store = P::open(&place)?;
    let mut outcome = Outcome::with_sum(contents(&store, task.graph)?);
    store.close()?;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    outcome.add("edges/s", edges.len() as f64 / time.as_secs_f64());
    outcome.add("bytes/edge", bytes as f64 / edges.len() as f64);
    outcome.add("anonymous MiB, peak above the list", peak.mib());
    outcome.add("resident MiB, peak, the list included", mib(peak.resident));
    Ok(outcome)
}
