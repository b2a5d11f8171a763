//! Reading what is in memory: lists one by one and in batches, searches, scans, nodes.
//!
//! A pass is repeated for a second, at least three times, after one that makes warm and is summed up; the median counts.

use super::{Outcome, Task, Work, sum};
use crate::Result;
use crate::measure::{quantile, timed};
use crate::peer::{Distances, FAR, Found, Id, Lists, Node, Peer};
use crate::rng::{Rng, mix};
use std::hint::black_box;

const BATCH: usize = 1000;
const SECONDS: f64 = 1.0;

/// Seconds of a pass: the median of some.
fn passes(mut pass: impl FnMut() -> Result<()>) -> Result<f64> {
    let (mut seconds, mut total) = (Vec::new(), 0.0);
    while total < SECONDS || seconds.len() < 3 {
        let ((), time) = timed(&mut pass)?;
        seconds.push(time.as_secs_f64());
        total += time.as_secs_f64();
    }
    Ok(quantile(&mut seconds, 0.5))
}

pub fn run<P: Peer>(task: &Task<'_>) -> Result<Outcome> {
    let store = P::open(&task.stored::<P>()?)?;
    let mut reader = store.reader()?;
    let outcome = match task.job.work {
        Work::List1 => lists(&mut reader, task, 1, "ns/list"),
        Work::Batch => lists(&mut reader, task, BATCH, "ns/list"),
        Work::Bfs => search(&mut reader, task),
        _ => scan(&mut reader, task),
    };
    drop(reader);
    store.close()?;
    outcome
}

fn lists(reader: &mut impl Lists, task: &Task<'_>, batch: usize, name: &str) -> Result<Outcome> {
    let vertices = task.graph.sample(task.job.lists, 3);
    let mut pass = || {
        let mut total = 0;
        if batch == 1 {
            vertices.iter().try_for_each(|vertex| reader.list(*vertex, |list| total += sum(list)))?;
        } else {
            let mut batches = vertices.chunks(batch);
            batches.try_for_each(|some| reader.lists(some, |_, list| total += sum(list)))?;
        }
        Ok(black_box(total))
    };
    let mut outcome = Outcome::with_sum(pass()?);
    let seconds = passes(|| pass().map(drop))?;
    outcome.add(name, seconds * 1e9 / vertices.len() as f64);
    Ok(outcome)
}

fn scan(reader: &mut impl Lists, task: &Task<'_>) -> Result<Outcome> {
    let mut pass = || {
        let mut total = 0u64;
        reader.scan(|source, list| total += sum(list) ^ u64::from(source) * list.len() as u64)?;
        Ok(black_box(total))
    };
    pass()?;
    let seconds = passes(|| pass().map(drop))?;
    // Some stores give parts of lists: the sum that is compared is one over edges.
    let mut total = 0u64;
    reader.scan(|source, list| total += sum(list) + u64::from(source) * list.len() as u64)?;
    let mut outcome = Outcome::with_sum(total);
    outcome.add("ns/edge", seconds * 1e9 / task.graph.edges.len() as f64);
    Ok(outcome)
}

fn search(reader: &mut impl Lists, task: &Task<'_>) -> Result<Outcome> {
    let (nodes, source) = (task.graph.nodes, task.graph.hub());
    let distances = reader.bfs(nodes, source)?();
    let degrees = task.graph.degrees();
    let reached = distances.iter().zip(&degrees).filter(|(distance, _)| **distance != FAR);
    let edges: u64 = reached.map(|(_, degree)| u64::from(*degree)).sum();
    let mut outcome = Outcome::with_sum(checksum(&distances));
    let seconds = passes(|| reader.bfs(nodes, source).map(forget))?;
    outcome.add("top-down, M edges/s", edges as f64 / seconds / 1e6);
    if let Some(found) = reader.bfs_both_ways(nodes, source)? {
        if checksum(&found()) != checksum(&distances) {
            return Err("a search that goes both ways finds other distances".into());
        }
        let seconds = passes(|| reader.bfs_both_ways(nodes, source).map(|found| found.map_or((), forget)))?;
        outcome.add("direction-optimising, M edges/s", edges as f64 / seconds / 1e6);
    }
    Ok(outcome)
}

fn forget(found: Found) {
    drop(black_box(found));
}

fn checksum(distances: &Distances) -> u64 {
    let all = distances.iter().enumerate();
    all.fold(0, |sum, (node, distance)| sum.wrapping_add(mix((node as u64) << 32 | u64::from(*distance))))
}

pub fn get<P: Peer>(task: &Task<'_>) -> Result<Outcome> {
    let store = P::open(&task.stored::<P>()?)?;
    let mut reader = store.reader()?;
    let mut rng = Rng::new(5);
    let ids: Vec<u32> =
        (0..task.job.lists).map(|_| rng.below(task.graph.nodes.into()) as u32).collect();
    let keys: Vec<String> = ids.iter().map(|id| Node::of(*id).key).collect();
    let mut by_id = || {
        let mut total = 0u64;
        for id in &ids {
            total = total.wrapping_add(reader.by_id(*id)?.ok_or("a node is there")?);
        }
        Ok(black_box(total))
    };
    let mut checksum = by_id()?;
    let seconds_by_id = passes(|| by_id().map(drop))?;
    let mut by_key = || {
        let mut total = 0u64;
        for key in &keys {
            total = total.wrapping_add(reader.by_key(key)?.ok_or("a node is there")?.number().into());
        }
        Ok(black_box(total))
    };
    checksum = checksum.wrapping_add(by_key()?);
    let seconds_by_key = passes(|| by_key().map(drop))?;
    drop(reader);
    store.close()?;
    let mut outcome = Outcome::with_sum(checksum);
    outcome.add("ns by id", seconds_by_id * 1e9 / ids.len() as f64);
    outcome.add("ns by key", seconds_by_key * 1e9 / ids.len() as f64);
    Ok(outcome)
}
