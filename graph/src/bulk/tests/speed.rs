//! How fast plain edges go in: a graph made here, and a real one. Prints, and asserts only what is counted.

#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use super::*;
use std::io::Read;
use std::time::Instant;

/// Loads edges, and prints how long each phase took.
fn measure(what: &str, budget: usize, edges: impl Iterator<Item = (u64, u64)>) -> Counts {
    let pager = pager(PageSize::K16);
    let edge_type: Arc<str> = "edge".into();
    let begin = Instant::now();
    let mut last = (Phase::Rows, begin);
    let progress: Progress = Box::new(move |phase, _, _| {
        if phase != last.0 {
            println!("  {}: {:.3} s", last.0, last.1.elapsed().as_secs_f64());
            last = (phase, Instant::now());
        }
        true
    });
    let options = BulkOptions { implicit_nodes: true, progress: Some(progress), ..options(budget) };
    let mut bulk = Bulk::new(options);
    for (line, (from, to)) in (1..).zip(edges) {
        let (from, to) = ((0, RowId::Int(from)), (0, RowId::Int(to)));
        let (edge_type, props, place) = (edge_type.clone(), Props::new(), Place { file: 0, line });
        let row = EdgeRow { from, to, edge_type, undirected: false, rank: None, props, place };
        bulk.add_edge(row).unwrap();
    }
    let mut tx = pager.begin_write().unwrap();
    let trees = bulk.finish(&mut tx).unwrap();
    let seconds = begin.elapsed().as_secs_f64();
    let bytes = tx.pages_written() as f64 * 16384.0;
    println!(
        "{what}: {} edges in {seconds:.2} s, {:.2} M edges/s, {:.2} bytes an edge",
        trees.edge_count,
        trees.edge_count as f64 / seconds / 1e6,
        bytes / trees.edge_count as f64,
    );
    Counts { nodes: trees.node_count, edges: trees.edge_count, next: trees.next_node_id }
}

#[derive(PartialEq, Debug)]
struct Counts {
    nodes: u64,
    edges: u64,
    next: u64,
}

#[test]
fn three_million_plain_edges() {
    const EDGES: u64 = 3_200_000;
    const NODES: u64 = 325_557;
    for (what, budget) in [("made, in memory", 256 << 20), ("made, spilled", 32 << 20)] {
        let mut random = Random::new(1);
        // Sorted by source, targets near by or far off: like a crawl.
        let edges = (0..EDGES).map(|n| {
            let from = n * NODES / EDGES;
            let far = n % 3 == 0;
            (from, if far { random.below(NODES) } else { (from + random.below(2000)) % NODES })
        });
        let got = measure(what, budget, edges);
        assert_eq!(got, Counts { nodes: NODES, edges: EDGES, next: NODES });
    }
}

#[test]
fn a_real_crawl() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/cnr-2000.txt.xz");
    let Ok(file) = std::fs::File::open(path) else {
        println!("NOT RUN: the graph cnr-2000 is not beside the repository (../shared/data)");
        return;
    };
    let mut text = String::new();
    lzma_rust2::XzReader::new(std::io::BufReader::new(file), true).read_to_string(&mut text).unwrap();
    let edges = text.lines().map(|line| {
        let (from, to) = line.split_once('\t').unwrap();
        (from.parse().unwrap(), to.parse().unwrap())
    });
    let got = measure("cnr-2000", 256 << 20, edges);
    assert_eq!(got, Counts { nodes: 325_557, edges: 3_216_152, next: 325_557 });
}
