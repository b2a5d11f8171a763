//! Opening a store that was closed cleanly, and beginning to read: with nothing in memory, and again.

use super::{Outcome, Task, sum};
use crate::Result;
use crate::measure::{bytes_read, drop_caches, quantile, timed};
use crate::peer::{Cache, Lists, Peer, Place};

const TIMES: usize = 9;

pub fn run<P: Peer>(task: &Task<'_>) -> Result<Outcome> {
    let place = Place { cache: Cache::Cold, ..task.stored::<P>()? };
    let how = drop_caches(&place.dir)?;
    let (device, calls) = bytes_read();
    let (mut outcome, cold) = once::<P>(&place, task)?;
    let (device, calls) = (bytes_read().0 - device, bytes_read().1 - calls);
    let mut warm = Vec::new();
    for _ in 0..TIMES {
        warm.push(once::<P>(&place, task)?.1);
    }
    outcome.add("cold, ms", cold * 1e3);
    outcome.add("KiB read from the device", device as f64 / 1024.0);
    outcome.add("KiB by calls", calls as f64 / 1024.0);
    outcome.add("warm, ms", quantile(&mut warm, 0.5) * 1e3);
    outcome.note(format!("caches emptied by {how}; one list is read as well"));
    Ok(outcome)
}

/// Opens, reads one list, closes: what opening puts off to the first read belongs to it. Closing is not timed.
fn once<P: Peer>(place: &Place, task: &Task<'_>) -> Result<(Outcome, f64)> {
    let vertex = task.graph.edges[0].0;
    let mut total = 0;
    let (store, time) = timed(|| {
        let store = P::open(place)?;
        store.reader()?.list(vertex, |list| total += sum(list))?;
        Ok(store)
    })?;
    store.close()?;
    Ok((Outcome::with_sum(total), time.as_secs_f64()))
}
