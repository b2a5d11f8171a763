//! Changing: commits of one edge, inserts in random order, deletes. Every commit is durable.

use super::{Outcome, PEAK, Task, contents};
use crate::Result;
use crate::floor::append::Appends;
use crate::graph::{Edge, Graph};
use crate::measure::{Memory, file_bytes, quantile, timed};
use crate::peer::Peer;
use crate::rng::Rng;
use std::collections::HashSet;
use std::time::Instant;

const INSERTED_AT_ONCE: usize = 1_000;
const DELETED_AT_ONCE: usize = 10_000;
/// So many commits, then so many bare appends: what the disk does meanwhile falls on both.
const IN_TURN: usize = 50;

/// Edges between vertices that are there, none of which is.
fn new_edges(graph: &Graph, count: usize) -> Vec<Edge> {
    let mut rng = Rng::new(23);
    let mut any = || graph.edges[rng.below(graph.edges.len() as u64) as usize];
    let mut wanted: Vec<Edge> = Vec::new();
    let mut seen = HashSet::new();
    for _ in 0..count * 2 {
        let edge = (any().0, any().1);
        if edge.0 != edge.1 && seen.insert(edge) {
            wanted.push(edge);
        }
    }
    let there: HashSet<Edge> = graph.edges.iter().filter(|edge| seen.contains(*edge)).copied().collect();
    wanted.retain(|edge| !there.contains(edge));
    wanted.truncate(count);
    wanted
}

pub fn commit<P: Peer>(task: &Task<'_>) -> Result<Outcome> {
    let scratch = task.scratch()?;
    let place = task.copied::<P>(&scratch)?;
    let edges = new_edges(task.graph, task.job.commits);
    let mut floor = Appends::new(&scratch.0, edges.len() + IN_TURN)?;
    let mut store = P::open(&place)?;
    let mut seconds = Vec::with_capacity(edges.len());
    for some in edges.chunks(IN_TURN) {
        floor.more(some.len())?;
        for edge in some {
            let begun = Instant::now();
            store.insert(std::slice::from_ref(edge))?;
            seconds.push(begun.elapsed().as_secs_f64());
        }
    }
    let mut outcome = Outcome::with_sum(contents(&store, task.graph)?);
    store.close()?;
    let first = seconds.first().copied().unwrap_or(f64::NAN);
    let rate = |seconds: &[f64]| seconds.len() as f64 / seconds.iter().sum::<f64>();
    let (rate, floor_rate) = (rate(&seconds), rate(&floor.seconds));
    outcome.add("commits/s", rate);
    outcome.add("× the floor's rate", rate / floor_rate);
    outcome.add("the first, ms", first * 1e3);
    outcome.add("median, ms", quantile(&mut seconds, 0.5) * 1e3);
    outcome.add("p99, ms", quantile(&mut seconds, 0.99) * 1e3);
    outcome.add("floor, appends/s", floor_rate);
    outcome.add("floor's median, ms", quantile(&mut floor.seconds, 0.5) * 1e3);
    outcome.add("floor's p99, ms", quantile(&mut floor.seconds, 0.99) * 1e3);
    outcome.note(format!("floor: 4 KiB by {}, in turn with {} commits", floor.how, edges.len()));
    Ok(outcome)
}

pub fn insert<P: Peer>(task: &Task<'_>) -> Result<Outcome> {
    let scratch = task.scratch()?;
    let place = task.fresh(scratch.0.join("store"))?;
    let mut edges = task.graph.shuffled(29);
    edges.truncate(task.job.limit);
    let memory = Memory::watch();
    let mut store = P::create(&place)?;
    let mut seconds = Vec::new();
    for some in edges.chunks(INSERTED_AT_ONCE) {
        let ((), time) = timed(|| store.insert(some))?;
        seconds.push(time.as_secs_f64());
    }
    let peak = memory.end();
    let mut outcome = Outcome::with_sum(contents(&store, task.graph)?);
    store.close()?;
    // The last commit may be a small one: it counts for the whole only.
    let whole = &seconds[..(seconds.len() - 1).max(1)];
    let tenth = whole.len().div_ceil(10);
    let rate = |commits: &[f64]| (commits.len() * INSERTED_AT_ONCE) as f64 / commits.iter().sum::<f64>();
    outcome.add("edges/s", edges.len() as f64 / seconds.iter().sum::<f64>());
    outcome.add("first tenth, edges/s", rate(&whole[..tenth]));
    outcome.add("last tenth, edges/s", rate(&whole[whole.len() - tenth..]));
    outcome.add("bytes/edge", file_bytes(&place.dir)? as f64 / edges.len() as f64);
    outcome.add(PEAK, peak.mib());
    outcome.note(format!("{} edges of {}", edges.len(), task.graph.edges.len()));
    Ok(outcome)
}

pub fn delete<P: Peer>(task: &Task<'_>) -> Result<Outcome> {
    let scratch = task.scratch()?;
    let place = task.copied::<P>(&scratch)?;
    let mut edges = task.graph.shuffled(31);
    edges.truncate(edges.len() / 10);
    let before = file_bytes(&place.dir)?;
    let memory = Memory::watch();
    let mut store = P::open(&place)?;
    let ((), time) = timed(|| edges.chunks(DELETED_AT_ONCE).try_for_each(|some| store.delete(some)))?;
    let deleted = file_bytes(&place.dir)?;
    let (how, checkpoint) = timed(|| store.checkpoint())?;
    let peak = memory.end();
    let mut outcome = Outcome::with_sum(contents(&store, task.graph)?);
    store.close()?;
    let part = |bytes: u64| bytes as f64 / before as f64;
    outcome.add("edges/s", edges.len() as f64 / time.as_secs_f64());
    outcome.add("file, MiB before", before as f64 / f64::from(1 << 20));
    outcome.add("× that behind the deletes", part(deleted));
    outcome.add("× that behind a checkpoint and closing", part(file_bytes(&place.dir)?));
    outcome.add("checkpoint, s", checkpoint.as_secs_f64());
    outcome.add(PEAK, peak.mib());
    outcome.note(format!("checkpoint: {how}"));
    Ok(outcome)
}
