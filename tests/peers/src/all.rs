//! Many jobs, one process each: peers in turn within a round, so that what the machine does besides falls on all.
//!
//! Must always be true: an answer counts only if its checksum is the reference's; whoever is wrong or fails makes the whole
//! run fail, at its end.

use crate::peer::Cache;
use crate::peers::{self, REFERENCE, is_ours};
use crate::table;
use crate::work::{Job, Outcome, Work, run_floor};
use crate::{Result, target};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The floors' name among the peers.
const FLOOR: &str = "floor";

/// What is to be run.
#[derive(Debug, Args)]
pub struct All {
    /// Graphs, with commas between.
    #[arg(long, value_delimiter = ',', default_value = "rmat14")]
    graphs: Vec<String>,
    /// Peers; without it all, each where it has something to say.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// Workloads; without it all. `cached10` is list1, batch and bfs with a tenth of the file as cache.
    #[arg(long, value_delimiter = ',')]
    works: Vec<String>,
    /// How often.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Lines of JSON are added to this file; without it, one in target/.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The most edges that are inserted.
    #[arg(long, default_value_t = 1_000_000)]
    limit: usize,
    /// How many commits of one edge.
    #[arg(long, default_value_t = 10_000)]
    commits: usize,
}

/// One line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Who.
    pub peer: String,
    /// On what.
    pub graph: String,
    /// What; with the cache, where that is not everything.
    pub work: String,
    /// What came out.
    #[serde(flatten)]
    pub outcome: Outcome,
}

fn line(job: &Job, outcome: Outcome) -> Line {
    let tenth = if job.cache == Cache::Tenth { ", a tenth of the file as cache" } else { "" };
    let work = format!("{}{tenth}", job.work.name());
    Line { peer: job.peer.clone(), graph: job.graph.clone(), work, outcome }
}

/// Does a job in this process and prints it.
pub fn run_here(job: &Job) -> Result<()> {
    let outcome = if job.peer == FLOOR { run_floor(job)? } else { peers::dispatch(job)? };
    println!("{}", serde_json::to_string(&line(job, outcome))?);
    Ok(())
}

/// Whether a peer has something to say here. The reference is asked besides, for its checksum.
fn applies(peer: &str, work: Work, cache: Cache) -> bool {
    use Work::{Batch, Bfs, Cold1, Coldbatch, Commit, Get, List1, Load, Scan};
    let is_warm = matches!(work, List1 | Batch | Bfs);
    match peer {
        FLOOR => matches!(work, Cold1 | Coldbatch | Commit),
        "csr-prefetch" => is_warm && cache == Cache::All,
        "csr" => cache == Cache::All && (is_warm || matches!(work, Load | Scan | Get)),
        _ if peer.ends_with("-direct") => matches!(work, Cold1 | Coldbatch),
        _ => work != Coldbatch || is_ours(peer),
    }
}

/// Workloads with their caches, by the names on the command line.
fn works(names: &[String]) -> Result<Vec<(Work, Cache)>> {
    let cached10 = [Work::List1, Work::Batch, Work::Bfs].map(|work| (work, Cache::Tenth));
    if names.is_empty() {
        let all = Work::value_variants().iter().map(|work| (*work, Cache::All));
        return Ok(all.chain(cached10).collect());
    }
    let mut works = Vec::new();
    for name in names {
        match name.as_str() {
            "cached10" => works.extend(cached10),
            _ => works.push((Work::from_str(name, true)?, Cache::All)),
        }
    }
    Ok(works)
}

/// Runs them, and prints tables.
pub fn run(all: &All) -> Result<()> {
    let names = || peers::ALL.iter().map(|name| (*name).to_owned()).chain([FLOOR.to_owned()]);
    let peers: Vec<String> = if all.peers.is_empty() { names().collect() } else { all.peers.clone() };
    if let Some(unknown) = peers.iter().find(|peer| !names().any(|name| name == **peer)) {
        return Err(format!("there is no peer `{unknown}`").into());
    }
    let path = all.out.clone().unwrap_or_else(|| target().join("results.jsonl"));
    let mut runner =
        Runner { file: File::options().create(true).append(true).open(&path)?, failures: Vec::new() };
    let works = works(&all.works)?;
    println!(
        "Nothing is switched off: every store syncs each commit before it is acknowledged. Lines of JSON: {}",
        path.display()
    );
    for graph in &all.graphs {
        let mut lines = Vec::new();
        for (work, cache) in &works {
            let (graph, limit, commits) = (graph.clone(), all.limit, all.commits);
            let peer = REFERENCE.to_owned();
            let (lists, cold_lists) = (100_000, 1_000);
            let job = Job { peer, graph, work: *work, cache: *cache, limit, commits, lists, cold_lists };
            runner.rounds(&job, &peers, all.rounds, &mut lines)?;
        }
        println!("\n{}", table::markdown(graph, &lines));
    }
    if runner.failures.is_empty() { Ok(()) } else { Err(runner.failures.join("\n").into()) }
}

struct Runner {
    file: File,
    failures: Vec<String>,
}

impl Runner {
    fn rounds(&mut self, job: &Job, peers: &[String], rounds: usize, lines: &mut Vec<Line>) -> Result<()> {
        let takers: Vec<&String> = peers.iter().filter(|peer| applies(peer, job.work, job.cache)).collect();
        if takers.is_empty() {
            return Ok(());
        }
        let reference = spawn(job)?.outcome.checksum;
        for round in 0..rounds {
            // The order turns, so that nobody is always the first.
            for at in 0..takers.len() {
                let peer = takers[(at + round) % takers.len()].clone();
                let job = Job { peer, ..job.clone() };
                eprintln!("{} {} {} {:?}", job.graph, job.work.name(), job.peer, job.cache);
                let failed =
                    |why: &str| format!("{} of {} on {}: {why}", job.work.name(), job.peer, job.graph);
                match spawn(&job) {
                    Ok(line) if job.peer != FLOOR && line.outcome.checksum != reference => {
                        self.failures.push(failed("another checksum than the reference's"));
                    }
                    Ok(line) => {
                        writeln!(self.file, "{}", serde_json::to_string(&line)?)?;
                        lines.push(line);
                    }
                    Err(e) => self.failures.push(failed(&e.to_string())),
                }
            }
        }
        Ok(())
    }
}

/// A job in a process of its own.
fn spawn(job: &Job) -> Result<Line> {
    let mut command = Command::new(std::env::current_exe()?);
    let cache = job.cache.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned());
    command.args(["run", "--peer", &job.peer, "--graph", &job.graph, "--work", &job.work.name()]);
    command.args([
        "--cache",
        &cache,
        "--limit",
        &job.limit.to_string(),
        "--commits",
        &job.commits.to_string(),
    ]);
    command.args(["--lists", &job.lists.to_string(), "--cold-lists", &job.cold_lists.to_string()]);
    let output = command.stderr(Stdio::piped()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
