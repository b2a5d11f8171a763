//! Reading what is in memory: lists one by one and in batches, searches, scans, nodes.
//!
//! A pass is repeated for a second, at least three times, after one that makes warm and is summed up; the median counts.
//! Memory is watched up to the end of that first pass, and not while the clock runs.

use super::{Outcome, PEAK, Task, Work, sum};
use crate::Result;
use crate::measure::{Memory, clocks, quantile};
use crate::peer::{Distances, FAR, Found, Id, Lists, Node, Peer};
use crate::rng::{Rng, mix};
use std::hint::black_box;
use std::time::Instant;

const BATCH: usize = 1000;
const SECONDS: f64 = 1.0;

/// How long a pass takes: seconds by the clock, and seconds on the processor.
struct Pass {
    clock: f64,
    processor: f64,
}

impl Pass {
    /// The median of some.
    fn measure(mut pass: impl FnMut() -> Result<()>) -> Result<Pass> {
        let (mut clock, mut processor, mut total) = (Vec::new(), Vec::new(), 0.0);
        while total < SECONDS || clock.len() < 3 {
            let begun = Instant::now();
            let (_, before) = clocks(begun);
            pass()?;
            let (seconds, after) = clocks(begun);
            clock.push(seconds);
            processor.push(after - before);
            total += seconds;
        }
        Ok(Pass { clock: quantile(&mut clock, 0.5), processor: quantile(&mut processor, 0.5) })
    }

    /// Adds how long each of so many things took.
    fn each(&self, outcome: &mut Outcome, name: &str, count: usize) {
        outcome.add(name, self.clock * 1e9 / count as f64);
        outcome.add(&format!("{name}, on the processor"), self.processor * 1e9 / count as f64);
    }

    /// Adds how many million of so many things there were in a second.
    fn rate(&self, outcome: &mut Outcome, name: &str, count: u64) {
        outcome.add(&format!("{name}, M edges/s"), count as f64 / self.clock / 1e6);
        outcome.add(&format!("{name}, on the processor"), count as f64 / self.processor / 1e6);
    }
}

pub fn run<P: Peer>(task: &Task<'_>) -> Result<Outcome> {
    let place = task.stored::<P>()?;
    let some = matches!(task.job.work, Work::List1 | Work::Batch);
    let vertices = if some { task.graph.sample(task.job.lists, 3) } else { Vec::new() };
    let source = task.graph.hub();
    let memory = Memory::watch();
    let store = P::open(&place)?;
    let mut reader = store.reader()?;
    let outcome = match task.job.work {
        Work::List1 => lists(&mut reader, &vertices, memory, 1),
        Work::Batch => lists(&mut reader, &vertices, memory, BATCH),
        Work::Bfs => search(&mut reader, task, memory, source),
        _ => scan(&mut reader, task, memory),
    };
    drop(reader);
    store.close()?;
    outcome
}

fn lists(reader: &mut impl Lists, vertices: &[u32], memory: Memory, batch: usize) -> Result<Outcome> {
    let mut pass = || {
        let mut total = 0;
        if batch == 1 {
            reader.one_by_one(vertices, |list| total += sum(list))?;
        } else {
            let mut batches = vertices.chunks(batch);
            batches.try_for_each(|some| reader.lists(some, |_, list| total += sum(list)))?;
        }
        Ok(black_box(total))
    };
    let mut outcome = Outcome::with_sum(pass()?);
    outcome.add(PEAK, memory.end().mib());
    Pass::measure(|| pass().map(drop))?.each(&mut outcome, "ns/list", vertices.len());
    Ok(outcome)
}

fn scan(reader: &mut impl Lists, task: &Task<'_>, memory: Memory) -> Result<Outcome> {
    let mut pass = || {
        let mut total = 0u64;
        reader.scan(|source, list| total += sum(list) ^ u64::from(source))?;
        Ok(black_box(total))
    };
    pass()?;
    let peak = memory.end();
    let time = Pass::measure(|| pass().map(drop))?;
    // Some stores give parts of lists: the sum that is compared is one over edges.
    let mut total = 0u64;
    reader.scan(|source, list| total += sum(list) + u64::from(source) * list.len() as u64)?;
    let mut outcome = Outcome::with_sum(total);
    outcome.add(PEAK, peak.mib());
    time.each(&mut outcome, "ns/edge", task.graph.edges.len());
    Ok(outcome)
}

fn search(reader: &mut impl Lists, task: &Task<'_>, memory: Memory, source: u32) -> Result<Outcome> {
    let nodes = task.graph.nodes;
    let found = reader.bfs(nodes, source)?;
    let peak = memory.end();
    let distances = found();
    let degrees = task.graph.degrees();
    let reached = distances.iter().zip(&degrees).filter(|(distance, _)| **distance != FAR);
    let edges: u64 = reached.map(|(_, degree)| u64::from(*degree)).sum();
    let mut outcome = Outcome::with_sum(checksum(&distances));
    outcome.add(PEAK, peak.mib());
    Pass::measure(|| reader.bfs(nodes, source).map(forget))?.rate(&mut outcome, "top-down", edges);
    if let Some(found) = reader.bfs_both_ways(nodes, source)? {
        if checksum(&found()) != checksum(&distances) {
            return Err("a search that goes both ways finds other distances".into());
        }
        let time = Pass::measure(|| {
            reader.bfs_both_ways(nodes, source)?.into_iter().for_each(forget);
            Ok(())
        })?;
        time.rate(&mut outcome, "direction-optimising", edges);
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
    let place = task.stored::<P>()?;
    let mut rng = Rng::new(5);
    let ids: Vec<u32> = (0..task.job.lists).map(|_| rng.below(task.graph.nodes.into()) as u32).collect();
    let keys: Vec<String> = ids.iter().map(|id| Node::of(*id).key).collect();
    let memory = Memory::watch();
    let store = P::open(&place)?;
    let mut reader = store.reader()?;
    let found = by_id(&mut reader, &ids)?.wrapping_add(by_key(&mut reader, &keys)?);
    let peak = memory.end();
    let id_time = Pass::measure(|| by_id(&mut reader, &ids).map(drop))?;
    let key_time = Pass::measure(|| by_key(&mut reader, &keys).map(drop))?;
    drop(reader);
    store.close()?;
    let mut outcome = Outcome::with_sum(found);
    outcome.add(PEAK, peak.mib());
    id_time.each(&mut outcome, "ns by id", ids.len());
    key_time.each(&mut outcome, "ns by key", ids.len());
    Ok(outcome)
}

fn by_id(reader: &mut impl Lists, ids: &[u32]) -> Result<u64> {
    let mut total = 0u64;
    for id in ids {
        total = total.wrapping_add(reader.by_id(*id)?.ok_or("a node is there")?);
    }
    Ok(black_box(total))
}

fn by_key(reader: &mut impl Lists, keys: &[String]) -> Result<u64> {
    let mut total = 0u64;
    for key in keys {
        total = total.wrapping_add(reader.by_key(key)?.ok_or("a node is there")?.number().into());
    }
    Ok(black_box(total))
}
