//! The graphs that are measured, as lists of edges in memory.
//!
//! Must always be true: ids are below `nodes`; no edge comes twice. A graph is made once and kept as a file of its own.

mod files;
mod rmat;

use crate::rng::Rng;
use crate::{Result, target};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

/// Source and target.
pub type Edge = (u32, u32);

/// A graph.
#[derive(Debug)]
pub struct Graph {
    /// Ids are below this.
    pub nodes: u32,
    /// All edges, in the order in which they are loaded.
    pub edges: Vec<Edge>,
}

const MAGIC: [u8; 8] = *b"peers-g1";

impl Graph {
    /// The graph of this name: `rmat` and a scale, `cnr-2000` or `debian`.
    pub fn load(name: &str) -> Result<Graph> {
        let path = target().join("graphs").join(format!("{name}.edges"));
        if path.exists() {
            return read(&path);
        }
        let graph = match name {
            "cnr-2000" => files::cnr()?,
            "debian" => files::debian()?,
            _ => {
                let scale = name.strip_prefix("rmat").and_then(|scale| scale.parse().ok());
                let scale = scale.filter(|scale| (4..=26).contains(scale));
                rmat::generate(scale.ok_or_else(|| format!("there is no graph `{name}`"))?)
            }
        };
        write(&graph, &path)?;
        Ok(graph)
    }

    /// How many edges leave each vertex.
    pub fn degrees(&self) -> Vec<u32> {
        let mut degrees = vec![0; self.nodes as usize];
        self.edges.iter().for_each(|edge| degrees[edge.0 as usize] += 1);
        degrees
    }

    /// The vertex that most edges leave, of several the first.
    pub fn hub(&self) -> u32 {
        let degrees = self.degrees();
        let most = degrees.iter().max().copied().unwrap_or(0);
        degrees.iter().position(|degree| *degree == most).unwrap_or(0) as u32
    }

    /// Random vertices that edges leave, each as likely as the other.
    pub fn sample(&self, count: usize, seed: u64) -> Vec<u32> {
        let degrees = self.degrees();
        let busy: Vec<u32> = (0..self.nodes).filter(|id| degrees[*id as usize] > 0).collect();
        let mut rng = Rng::new(seed);
        (0..count).map(|_| busy[rng.below(busy.len() as u64) as usize]).collect()
    }

    /// All edges in a random order.
    pub fn shuffled(&self, seed: u64) -> Vec<Edge> {
        let mut edges = self.edges.clone();
        Rng::new(seed).shuffle(&mut edges);
        edges
    }
}

fn write(graph: &Graph, path: &Path) -> Result<()> {
    std::fs::create_dir_all(path.parent().ok_or("a graph's file is in a directory")?)?;
    let unfinished = path.with_extension(format!("{}", std::process::id()));
    let mut file = BufWriter::new(File::create(&unfinished)?);
    file.write_all(&MAGIC)?;
    file.write_all(&graph.nodes.to_le_bytes())?;
    for (source, target) in &graph.edges {
        file.write_all(&source.to_le_bytes())?;
        file.write_all(&target.to_le_bytes())?;
    }
    file.into_inner()?.sync_all()?;
    Ok(std::fs::rename(unfinished, path)?)
}

fn read(path: &Path) -> Result<Graph> {
    let damaged = || format!("{} is damaged: remove it", path.display());
    let count = std::fs::metadata(path)?.len().checked_sub(12).ok_or_else(damaged)? / 8;
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut number = || -> Result<u32> {
        let mut bytes = [0; 4];
        file.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    };
    let magic = [number()?, number()?].map(u32::to_le_bytes).concat();
    let nodes = number()?;
    let mut edges = Vec::with_capacity(count as usize);
    for _ in 0..count {
        edges.push((number()?, number()?));
    }
    let is_whole = magic == MAGIC && edges.iter().all(|edge| edge.0.max(edge.1) < nodes);
    if !is_whole {
        return Err(damaged().into());
    }
    Ok(Graph { nodes, edges })
}
