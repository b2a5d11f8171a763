//! Reading what is not in memory, against bare random reads of the store's own file in the same process, before and behind it:
//! the mean of both counts, for what a disk gives changes within seconds.

use super::floors::DEPTH;
use super::{Outcome, Task, Work, sum};
use crate::Result;
use crate::floor::{fio, pread};
use crate::measure::{bytes_read, drop_caches, files, timed};
use crate::peer::{Cache, Lists, Peer, Place};
use std::path::{Path, PathBuf};

const BATCH: usize = 1000;
const FLOOR_READS: usize = 500;

pub fn run<P: Peer>(task: &Task<'_>) -> Result<Outcome> {
    let place = Place { cache: Cache::Cold, ..task.stored::<P>()? };
    let one_by_one = task.job.work == Work::Cold1;
    let mut vertices = task.graph.sample(task.job.cold_lists, 13);
    let file = largest_file(&place.dir)?;
    let before = floors(&file, one_by_one)?;
    let how = drop_caches(&place.dir)?;
    let store = P::open(&place)?;
    let mut reader = store.reader()?;
    // A vertex that comes again would be found in memory.
    vertices.sort_unstable();
    vertices.dedup();
    crate::rng::Rng::new(17).shuffle(&mut vertices);
    let read = bytes_read().0;
    let mut total = 0;
    let ((), time) = timed(|| {
        if one_by_one {
            return reader.one_by_one(&vertices, |list| total += sum(list));
        }
        let mut batches = vertices.chunks(BATCH);
        batches.try_for_each(|some| reader.lists(some, |_, list| total += sum(list)))
    })?;
    let bytes = bytes_read().0 - read;
    drop(reader);
    store.close()?;
    let behind = floors(&file, one_by_one)?;
    let lists = vertices.len() as f64;
    let us = time.as_secs_f64() * 1e6 / lists;
    let mut outcome = Outcome::with_sum(total);
    outcome.add("µs/list", us);
    outcome.add("KiB read/list", bytes as f64 / 1024.0 / lists);
    for ((name, before), (_, behind)) in before.iter().zip(behind) {
        let floor = (before + behind) / 2.0;
        outcome.add(&format!("× {name}"), us / floor);
        outcome.add(&format!("{name}, µs"), floor);
    }
    let floor = if one_by_one { "pread".to_owned() } else { format!("fio's io_uring, depth {DEPTH}") };
    let found = if before.is_empty() { ", which is not installed" } else { "" };
    outcome.note(format!("caches emptied by {how}; reads of the same file by {floor}{found}"));
    Ok(outcome)
}

/// Microseconds of random reads of a file, one after the other or many at a time: by what they read. None where fio would
/// have to say it and is not there.
fn floors(file: &Path, one_by_one: bool) -> Result<Vec<(&'static str, f64)>> {
    let mut floors = Vec::new();
    for (name, len) in [("a 4 KiB read", 4096), ("a 16 KiB read", 16384)] {
        if one_by_one {
            let seconds = pread::reads(file, FLOOR_READS, len)?;
            floors.push((name, seconds.iter().sum::<f64>() / seconds.len() as f64 * 1e6));
        } else if let Some(rate) = fio::random_reads(file, "io_uring", DEPTH, len)? {
            floors.push((name, 1e6 / rate));
        }
    }
    Ok(floors)
}

/// Where most of a store is.
fn largest_file(dir: &Path) -> Result<PathBuf> {
    let sized = |path: PathBuf| Ok::<_, crate::Error>((path.metadata()?.len(), path));
    let sized: Vec<_> = files(dir)?.into_iter().map(sized).collect::<Result<_>>()?;
    Ok(sized.into_iter().max().ok_or("a store has a file")?.1)
}
