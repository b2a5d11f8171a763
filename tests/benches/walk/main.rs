//! Reads against the ceiling: lists one by one and in batches, a whole scan, BFS and look-ups of nodes, each beside the same
//! on arrays in memory (CSR) in the same process, the two in turn. What is printed is the median of the rounds, and the
//! ratio to the arrays' time.
//!
//! An RMAT graph (a = .57, b = c = .19, 16 edges a vertex, no loops, no parallel edges, shuffled ids), warm, a cache that
//! holds everything, every page verified when it is first read. Answers are compared.
//!
//! `cargo bench -p benches --bench walk -- [--scale 18] [--backend NAME] [--only WORDS] [--rounds 7]`

mod csr;

use csr::Csr;
use foliograph::bulk::EdgeRow;
use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::{Backend, Database, Direction, NodeId, Options, Snapshot};
use std::path::Path;
use std::time::Instant;

const LISTS: usize = 200_000;

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// What follows an option of the command line.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|arg| arg != name).nth(1)
}

fn number(name: &str, usual: u32) -> u32 {
    option(name).map_or(usual, |value| value.parse().expect("a number"))
}

/// Runs both in turn, compares what they say, and prints nanoseconds for each of `count`.
fn compare(name: &str, count: usize, mut ours: impl FnMut() -> u64, mut ceiling: impl FnMut() -> u64) {
    if !option("--only").is_none_or(|only| name.contains(&only)) {
        return;
    }
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    assert_eq!(ours(), ceiling(), "{name}: the answers differ");
    for _ in 0..number("--rounds", 7) {
        let since = Instant::now();
        std::hint::black_box(ours());
        own.push(since.elapsed().as_secs_f64() * 1e9 / count as f64);
        let since = Instant::now();
        std::hint::black_box(ceiling());
        theirs.push(since.elapsed().as_secs_f64() * 1e9 / count as f64);
    }
    let (own, theirs) = (median(&mut own), median(&mut theirs));
    println!("| {name} | {own:.2} | {theirs:.2} | {:.2} |", own / theirs);
}

fn reads(snapshot: &Snapshot, csr: &Csr) {
    let edge_type = snapshot.edge_type("edge").expect("loaded");
    let mut rng = Rng::new(7);
    let with_edges: Vec<u64> = (0..csr.nodes()).filter(|v| !csr.list(*v).is_empty()).collect();
    let ids: Vec<NodeId> =
        (0..LISTS).map(|_| NodeId(with_edges[rng.below(with_edges.len() as u64) as usize])).collect();
    let sum = |list: &[NodeId]| list.iter().fold(0u64, |sum, t| sum.wrapping_add(t.0));
    let plain = |list: &[u64]| list.iter().fold(0u64, |sum, t| sum.wrapping_add(*t));
    println!("| nanoseconds | ours | CSR | ratio |\n|---|---|---|---|");
    let one_by_one = || {
        let mut lists = snapshot.neighbor_lists().outgoing().of_type(edge_type);
        ids.iter().fold(0u64, |all, id| all.wrapping_add(sum(lists.of(*id).expect("read"))))
    };
    let csr_lists = || ids.iter().fold(0u64, |all, id| all.wrapping_add(plain(csr.list(id.0))));
    compare("a random list, one by one", LISTS, one_by_one, csr_lists);
    let in_batches = || {
        let mut all = 0u64;
        for batch in ids.chunks(1000) {
            let question = snapshot.neighbors_of(batch).direction(Direction::Out).of_type(edge_type);
            question.for_each(|_, list| all = all.wrapping_add(sum(list))).expect("read");
        }
        all
    };
    compare("a random list, in batches of 1,000", LISTS, in_batches, csr_lists);
    let scan = || {
        let (mut all, lists) = (0u64, snapshot.neighbor_lists().outgoing().of_type(edge_type));
        lists.for_each(|_, list| all = all.wrapping_add(sum(list))).expect("read");
        all
    };
    let csr_scan = || (0..csr.nodes()).fold(0u64, |all, v| all.wrapping_add(plain(csr.list(v))));
    compare("an edge of a whole scan", csr.edges(), scan, csr_scan);
    let source = (0..csr.nodes()).max_by_key(|v| csr.list(*v).len()).expect("there are nodes");
    let bfs = |alpha: u64| {
        let question = snapshot.bfs_distances(NodeId(source)).direction(Direction::Out).switching(alpha, 18);
        let distances = question.run().expect("walked");
        distances.iter().fold(0u64, |all, (_, d)| all.wrapping_add(d.unwrap_or(0)))
    };
    compare("an edge of a BFS, top-down", csr.edges(), || bfs(0), || csr.bfs(source));
    compare("an edge of a BFS, direction-optimising", csr.edges(), || bfs(15), || csr.bfs(source));
    let by_id = || ids.iter().filter(|id| snapshot.contains(**id).expect("read")).count() as u64;
    compare("is a node there", LISTS, by_id, || ids.iter().filter(|id| id.0 < csr.nodes()).count() as u64);
}

fn main() {
    let (scale, only) = (number("--scale", 18), option("--backend"));
    let edges = csr::rmat(scale, 16, 1);
    let csr = Csr::new(1 << scale, &edges);
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench-stores");
    std::fs::create_dir_all(&target).expect("target/ can be written");
    let dir = tempfile::Builder::new().prefix("walk").tempdir_in(target).expect("a directory");
    for backend in [Backend::File, Backend::Mmap, Backend::Uring] {
        if only.as_ref().is_some_and(|only| *only != backend.to_string()) {
            continue;
        }
        let path = dir.path().join(format!("{backend}.folio"));
        let rows = edges.iter().map(|(from, to)| EdgeRow::new(u64::from(*from), "edge", u64::from(*to)));
        let since = Instant::now();
        let options = Options::new().backend(backend).cache_bytes(1 << 30);
        let report = Database::bulk(&path).options(options.clone()).edges(rows).run().expect("loaded");
        let seconds = since.elapsed().as_secs_f64();
        assert_eq!(report.edges as usize, edges.len());
        let db = options.open(&path).expect("opened");
        let bytes = std::fs::metadata(&path).expect("there").len() as f64 / edges.len() as f64;
        println!(
            "\n{backend} (active: {}), scale {scale}: {} edges, loaded at {:.2} M a second, {bytes:.2} bytes an edge\n",
            db.device_info().backend,
            edges.len(),
            edges.len() as f64 / seconds / 1e6,
        );
        reads(&db.begin_read().expect("begun"), &csr);
    }
}
