//! The workloads. Each is done by one peer on one graph in a process of its own, and says what it found.
//!
//! Must always be true: what is read is summed up, and the sum is the same for every peer; a time has no part of making
//! ready in it, nor of checking.

mod changes;
mod cold;
mod floors;
mod load;
mod open;
mod warm;

use crate::graph::{Edge, Graph};
use crate::measure::file_bytes;
use crate::peer::{Cache, Id, Lists, Node, Peer, Place};
use crate::rng::{Rng, mix};
use crate::{Result, target};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A workload.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum Work {
    /// All edges into a new store, both directions, durably.
    Load,
    /// The list of one random vertex after the other.
    List1,
    /// The same, a thousand at a time.
    Batch,
    /// Distances of all vertices from the one with most edges.
    Bfs,
    /// All edges in order.
    Scan,
    /// Nodes by id and by key.
    Get,
    /// Lists of random vertices, one after the other, nothing in memory.
    Cold1,
    /// The same, a thousand at a time.
    Coldbatch,
    /// One edge a commit.
    Commit,
    /// All edges in random order, a thousand a commit.
    Insert,
    /// A tenth of the edges, ten thousand a commit.
    Delete,
    /// Opening.
    Open,
}

impl Work {
    /// Its name.
    pub fn name(self) -> String {
        self.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned())
    }
}

/// What one process is asked for.
#[derive(Clone, Debug, Args)]
pub struct Job {
    /// Who does it.
    #[arg(long)]
    pub peer: String,
    /// On which graph: rmat14, rmat22, cnr-2000, debian, …
    #[arg(long)]
    pub graph: String,
    /// What.
    #[arg(long)]
    pub work: Work,
    /// What may be in memory.
    #[arg(long, default_value = "all")]
    pub cache: Cache,
    /// The most edges that are inserted.
    #[arg(long, default_value_t = 1_000_000)]
    pub limit: usize,
    /// How many commits of one edge.
    #[arg(long, default_value_t = 10_000)]
    pub commits: usize,
    /// How many lists, in each pass of those that are warm.
    #[arg(long, default_value_t = 100_000)]
    pub lists: usize,
    /// How many lists where nothing is in memory.
    #[arg(long, default_value_t = 1_000)]
    pub cold_lists: usize,
}

/// What a process took at most above what it had when it opened the store, with all that the peer allocates: caches, maps
/// that are not the file's, lists.
const PEAK: &str = "anonymous MiB, peak";

/// A number, with what it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// With its unit.
    pub name: String,
    /// The number.
    pub value: f64,
}

/// What a process found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// What was read, summed up; none of floors, which read nothing that means something.
    pub checksum: Option<u64>,
    /// The numbers.
    pub measures: Vec<Measure>,
    /// How the peer was set.
    pub settings: String,
    /// What else has to be known.
    pub notes: Vec<String>,
}

impl Outcome {
    fn with_sum(checksum: u64) -> Outcome {
        Outcome { checksum: Some(checksum), ..Outcome::default() }
    }

    fn add(&mut self, name: &str, value: f64) {
        self.measures.push(Measure { name: name.to_owned(), value });
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

pub use floors::run as run_floor;

/// Does a job.
pub fn run<P: Peer>(job: &Job) -> Result<Outcome> {
    let graph = Graph::load(&job.graph)?;
    let task = Task { job, graph: &graph };
    let outcome = match job.work {
        Work::Load => load::run::<P>(&task),
        Work::List1 | Work::Batch | Work::Bfs | Work::Scan => warm::run::<P>(&task),
        Work::Get => warm::get::<P>(&task),
        Work::Cold1 | Work::Coldbatch => cold::run::<P>(&task),
        Work::Commit => changes::commit::<P>(&task),
        Work::Insert => changes::insert::<P>(&task),
        Work::Delete => changes::delete::<P>(&task),
        Work::Open => open::run::<P>(&task),
    }?;
    let place = task.place(PathBuf::new(), 0);
    Ok(Outcome { settings: P::settings(&Place { cache_bytes: task.cache_bytes()?, ..place }), ..outcome })
}

/// What a cache has that holds everything, where the store's size is not known yet.
const AMPLE: u64 = 1 << 30;

/// A job and its graph.
struct Task<'a> {
    job: &'a Job,
    graph: &'a Graph,
}

impl Task<'_> {
    fn dir(&self) -> PathBuf {
        let kind = if self.job.work == Work::Get { "nodes" } else { "edges" };
        target().join("stores").join(&self.job.graph).join(kind).join(&self.job.peer)
    }

    fn place(&self, dir: PathBuf, cache_bytes: u64) -> Place {
        let Job { peer, cache, .. } = self.job;
        Place { peer: peer.clone(), dir, cache: *cache, cache_bytes, nodes: self.graph.nodes }
    }

    fn cache_bytes(&self) -> Result<u64> {
        let dir = self.dir();
        if !dir.exists() {
            return Ok(AMPLE);
        }
        let bytes = file_bytes(&dir)?;
        Ok(if self.job.cache == Cache::Tenth { bytes / 10 } else { (2 * bytes).max(64 << 20) })
    }

    /// An empty directory, with the cache ample.
    fn fresh(&self, dir: PathBuf) -> Result<Place> {
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        std::fs::create_dir_all(&dir)?;
        Ok(self.place(dir, AMPLE))
    }

    /// The store of this peer and graph, made if it is not there.
    fn stored<P: Peer>(&self) -> Result<Place> {
        let dir = self.dir();
        if !finished(&dir).exists() {
            let place = self.fresh(dir.clone())?;
            if self.job.work == Work::Get {
                let nodes: Vec<Node> = (0..self.graph.nodes).map(Node::of).collect();
                P::load_nodes(&place, &nodes)?;
            } else {
                P::load(&place, &self.graph.edges)?;
            }
            std::fs::write(finished(&dir), "")?;
        }
        Ok(self.place(dir, self.cache_bytes()?))
    }

    /// A directory that is gone afterwards.
    fn scratch(&self) -> Result<Scratch> {
        let dir = target().join("scratch").join(std::process::id().to_string());
        std::fs::create_dir_all(&dir)?;
        Ok(Scratch(dir))
    }

    /// A copy of the store, to change.
    fn copied<P: Peer>(&self, scratch: &Scratch) -> Result<Place> {
        let place = self.stored::<P>()?;
        let copy = self.fresh(scratch.0.join("store"))?;
        copy_dir(&place.dir, &copy.dir)?;
        rustix::fs::sync();
        Ok(Place { cache_bytes: place.cache_bytes, ..copy })
    }
}

/// Says that a store was made whole. Beside its directory, for what is in there is the store's.
fn finished(dir: &Path) -> PathBuf {
    dir.with_extension("finished")
}

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{}: {e}", self.0.display());
        }
    }
}

fn copy_dir(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if entry.is_dir() {
            copy_dir(&entry, &to.join(name))?;
        } else {
            std::fs::copy(&entry, to.join(name))?;
        }
    }
    Ok(())
}

/// The sum over a list.
fn sum<I: Id>(list: &[I]) -> u64 {
    list.iter().map(|id| u64::from(id.number())).sum()
}

/// A sum over all edges by source, and over the lists by target of some vertices.
fn contents<P: Peer>(store: &P, graph: &Graph) -> Result<u64> {
    let mut reader = store.reader()?;
    let mut total = 0u64;
    let mut edges = 0u64;
    let mut last: Option<Edge> = None;
    let mut ascends = true;
    reader.scan(|source, list| {
        for id in list {
            let edge = (source, id.number());
            ascends &= last.is_none_or(|last| last < edge);
            last = Some(edge);
            edges += 1;
            total = total.wrapping_add(mix(u64::from(source) << 32 | u64::from(id.number())));
        }
    })?;
    if !ascends {
        return Err("a scan gives edges in order".into());
    }
    let mut rng = Rng::new(11);
    for _ in 0..1000 {
        let vertex = rng.below(graph.nodes.into()) as u32;
        reader.incoming(vertex, |list| {
            total = total.wrapping_add(mix(vertex.into()).wrapping_mul(sum(list)))
        })?;
    }
    Ok(total.wrapping_add(edges))
}
