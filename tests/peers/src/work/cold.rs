//! Reading what is not in memory, against the device's own random reads in the same process.

use super::{Outcome, Task, Work, sum};
use crate::Result;
use crate::floor::pread;
use crate::measure::{bytes_read, drop_caches, quantile, timed};
use crate::peer::{Cache, Lists, Peer, Place};

const BATCH: usize = 1000;
const FLOOR_READS: usize = 500;

pub fn run<P: Peer>(task: &Task<'_>) -> Result<Outcome> {
    let place = Place { cache: Cache::Cold, ..task.stored::<P>()? };
    let one_by_one = task.job.work == Work::Cold1;
    let mut vertices = task.graph.sample(task.job.cold_lists, 13);
    let floor_us = |len| Ok::<f64, crate::Error>(quantile(&mut pread::reads(FLOOR_READS, len)?, 0.5) * 1e6);
    let (small_us, large_us) = (floor_us(4096)?, floor_us(16384)?);
    let how = drop_caches(&place.dir)?;
    let store = P::open(&place)?;
    let mut reader = store.reader()?;
    // A vertex that comes again would be found in memory.
    vertices.sort_unstable();
    vertices.dedup();
    crate::rng::Rng::new(17).shuffle(&mut vertices);
    let before = bytes_read().0;
    let mut total = 0;
    let ((), time) = timed(|| {
        if one_by_one {
            return reader.one_by_one(&vertices, |list| total += sum(list));
        }
        let mut batches = vertices.chunks(BATCH);
        batches.try_for_each(|some| reader.lists(some, |_, list| total += sum(list)))
    })?;
    let bytes = bytes_read().0 - before;
    drop(reader);
    store.close()?;
    let lists = vertices.len() as f64;
    let us = time.as_secs_f64() * 1e6 / lists;
    let mut outcome = Outcome::with_sum(total);
    outcome.add("µs/list", us);
    outcome.add("KiB read/list", bytes as f64 / 1024.0 / lists);
    outcome.add("× a 4 KiB read", us / small_us);
    outcome.add("× a 16 KiB read", us / large_us);
    outcome.add("a 4 KiB read, µs", small_us);
    outcome.add("a 16 KiB read, µs", large_us);
    outcome.note(format!("caches emptied by {how}"));
    Ok(outcome)
}
