//! An application's mix of requests, as LinkBench has it, on a graph that is larger than the cache: latencies by operation,
//! on each backend. Every change is a transaction of its own, and durable when it is acknowledged (`Durability::Full`).
//!
//! 300,000 nodes of 128 bytes, 1,500,000 links with a time and 8 bytes each, both drawn by a power law; a cache of 16 MiB
//! (mmap reads the file through the system's page cache, which no option bounds); eight threads that ask without a pause.
//! The active backend and what there is of file and cache stand above each table.
//!
//! `cargo bench -p benches --bench linkbench -- [--quick] [--backend NAME]`

mod mix;

use foliograph::bulk::{Bulk, BulkOptions, EdgeRow, NodeRow};
use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::{Backend, Database, Options, props};
use mix::{MIX, Operation, Zipf};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

const THREADS: u64 = 8;

#[derive(Copy, Clone)]
struct Size {
    nodes: u64,
    links: u64,
    cache: usize,
    requests: u64,
}

const FULL: Size = Size { nodes: 300_000, links: 1_500_000, cache: 16 << 20, requests: 160_000 };
const QUICK: Size = Size { nodes: 30_000, links: 150_000, cache: 2 << 20, requests: 8_000 };

/// How steep the power law is.
const EXPONENT: f64 = 0.9;

fn store(backend: Backend, path: &Path, size: Size) -> Database {
    let db = Options::new().backend(backend).cache_bytes(size.cache).create(path).expect("a new store");
    let mut bulk = Bulk::new(BulkOptions::default());
    let zipf = Zipf::new(size.nodes, EXPONENT);
    let mut rng = Rng::new(1);
    for id in 0..size.nodes {
        let text = format!("{id:0>128}");
        bulk.add_node(NodeRow::new("object", id).with(props! { "data" => text })).expect("a row");
    }
    for n in 0..size.links {
        let row = EdgeRow::new(zipf.draw(&mut rng).0, "link", zipf.draw(&mut rng).0);
        bulk.add_edge(row.with(props! { "time" => n as i64, "data" => "12345678" })).expect("a row");
    }
    db.begin_write().expect("begun").load(bulk).expect("loaded");
    db
}

type Latencies = BTreeMap<Operation, Vec<Duration>>;

/// What one thread asks.
fn ask(db: &Database, seed: u64, size: Size) -> Latencies {
    let (zipf, mut rng) = (Zipf::new(size.nodes, EXPONENT), Rng::new(seed));
    let mut times = Latencies::new();
    for _ in 0..size.requests / THREADS {
        let operation = Operation::draw(&mut rng);
        let since = Instant::now();
        mix::run(db, operation, &zipf, &mut rng).expect("an answer");
        times.entry(operation).or_default().push(since.elapsed());
    }
    times
}

fn micros(times: &[Duration], part: f64) -> f64 {
    times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e6
}

fn measure(backend: Backend, size: Size, dir: &Path) {
    let path = dir.join(format!("{backend}.folio"));
    let db = store(backend, &path, size);
    let active = db.device_info().backend;
    let file = std::fs::metadata(&path).expect("it is there").len();
    println!(
        "\n{backend} (active: {active}): a file of {} MiB, a cache of {} MiB, {THREADS} threads",
        file >> 20,
        size.cache >> 20
    );
    let since = Instant::now();
    let mut all = Latencies::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|n| {
                scope.spawn({
                    let db = &db;
                    move || ask(db, 100 + n, size)
                })
            })
            .collect();
        for thread in threads {
            for (operation, times) in thread.join().expect("no thread panics") {
                all.entry(operation).or_default().extend(times);
            }
        }
    });
    let seconds = since.elapsed().as_secs_f64();
    let count: usize = all.values().map(Vec::len).sum();
    println!("\n| {active} | share | p50, µs | p99, µs | most, µs |\n|---|---|---|---|---|");
    for (operation, share) in MIX {
        let Some(times) = all.get_mut(&operation) else { continue };
        times.sort_unstable();
        let (p50, p99, most) = (micros(times, 0.5), micros(times, 0.99), micros(times, 1.0));
        println!("| {} | {:.1} % | {p50:.0} | {p99:.0} | {most:.0} |", operation.name(), share as f64 / 10.0);
    }
    println!("| all: {:.0} requests/s | | | | |", count as f64 / seconds);
    let findings = db.check().expect("checked").findings;
    assert!(findings.is_empty(), "{findings:?}");
    db.close().expect("closed");
    std::fs::remove_file(path).expect("removed");
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let size = if args.iter().any(|arg| arg == "--quick") { QUICK } else { FULL };
    let only = args.iter().position(|arg| arg == "--backend").and_then(|at| args.get(at + 1));
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench-stores");
    std::fs::create_dir_all(&target).expect("target/ can be written");
    let dir = tempfile::Builder::new().prefix("linkbench").tempdir_in(target).expect("a directory");
    for backend in [Backend::File, Backend::Mmap, Backend::Uring] {
        if only.is_none_or(|only| *only == backend.to_string()) {
            measure(backend, size, dir.path());
        }
    }
}
