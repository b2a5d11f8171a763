//! Graphs from files: two columns of numbers, packed with xz, in the shared data beside the repository.

use super::{Edge, Graph};
use crate::Result;
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// cnr-2000: a web crawl, in the file's order.
pub fn cnr() -> Result<Graph> {
    read("cnr-2000.txt.xz", false)
}

/// Debian's packages: of several edges from one to the same other only the first, for the peers keep no parallel edges.
pub fn debian() -> Result<Graph> {
    read("debian-edges.tsv.xz", true)
}

fn read(file: &str, has_header: bool) -> Result<Graph> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(file);
    let packed = File::open(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let reader = BufReader::new(lzma_rust2::XzReader::new(BufReader::new(packed), true));
    let (mut edges, mut seen, mut nodes) = (Vec::new(), HashSet::new(), 0);
    for line in reader.lines().skip(usize::from(has_header)) {
        let line = line?;
        let edge = edge(&line).ok_or_else(|| format!("{file}: `{line}` is no edge"))?;
        nodes = nodes.max(edge.0 + 1).max(edge.1 + 1);
        if seen.insert(edge) {
            edges.push(edge);
        }
    }
    Ok(Graph { nodes, edges })
}

fn edge(line: &str) -> Option<Edge> {
    let mut words = line.split('\t');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}
