//! Writes at random places: the edges of an RMAT graph in random order, 1,000 a transaction, each transaction durable when it
//! returns; then a tenth of them deleted at random, 10,000 a transaction. Rates of the first and the last tenth, and the
//! file's size before and after the deletes.
//!
//! `cargo bench -p benches --bench churn -- [--scale 18] [--backend NAME] [--limit EDGES] [--log MIB]`

#[path = "../walk/csr.rs"]
#[allow(dead_code)]
mod csr;

use foliograph::bulk::NodeRow;
use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::{Backend, Database, Edge, NodeId, Options, props};
use std::path::Path;
use std::time::Instant;

fn shuffle<T>(all: &mut [T], seed: u64) {
    let mut rng = Rng::new(seed);
    for at in (1..all.len()).rev() {
        all.swap(at, rng.below(at as u64 + 1) as usize);
    }
}

/// Does something to all edges, so many a transaction, and prints what it came to.
fn in_transactions<T>(
    name: &str,
    db: &Database,
    (all, each): (&[T], usize),
    mut change: impl FnMut(&mut foliograph::WriteTransaction, &T),
) {
    let mut rates = Vec::new();
    let since = Instant::now();
    for tenth in all.chunks(all.len().div_ceil(10)) {
        let since = Instant::now();
        for part in tenth.chunks(each) {
            let mut tx = db.begin_write().expect("begun");
            part.iter().for_each(|one| change(&mut tx, one));
            tx.commit().expect("committed");
        }
        rates.push(tenth.len() as f64 / since.elapsed().as_secs_f64());
    }
    let (first, last) = (rates[0], rates[rates.len() - 1]);
    println!(
        "| {name} | {:.0}/s | first tenth {first:.0}/s | last tenth {last:.0}/s ({:.2}) |",
        all.len() as f64 / since.elapsed().as_secs_f64(),
        last / first
    );
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let scale: u32 = value("--scale").map_or(18, |scale| scale.parse().expect("a scale is a number"));
    let only = value("--backend");
    let log = value("--log").map(|mib| mib.parse::<u64>().expect("a number of MiB") << 20);
    let mut edges = csr::rmat(scale, 16, 1);
    shuffle(&mut edges, 2);
    edges.truncate(value("--limit").map_or(usize::MAX, |limit| limit.parse().expect("a limit is a number")));
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench-stores");
    std::fs::create_dir_all(&target).expect("target/ can be written");
    let dir = tempfile::Builder::new().prefix("churn").tempdir_in(target).expect("a directory");
    for backend in [Backend::File, Backend::Mmap, Backend::Uring] {
        if only.as_ref().is_some_and(|only| *only != backend.to_string()) {
            continue;
        }
        let path = dir.path().join(format!("{backend}.folio"));
        let mut options = Options::new().backend(backend).cache_bytes(256 << 20);
        if let Some(log) = log {
            options = options.log_limit(log);
        }
        let nodes = (0..1u64 << scale).map(|id| NodeRow::new("node", id));
        Database::bulk(&path).options(options.clone()).nodes(nodes).run().expect("loaded");
        let db = options.open(&path).expect("opened");
        println!(
            "\n{backend} (active: {}), scale {scale}, {} edges\n",
            db.device_info().backend,
            edges.len()
        );
        let ends = |(from, to): &(u32, u32)| (NodeId((*from).into()), NodeId((*to).into()));
        in_transactions("inserts, 1,000 a commit", &db, (&edges, 1000), |tx, edge| {
            let (from, to) = ends(edge);
            tx.add_edge(from, "edge", to, props! {}).expect("added");
        });
        db.checkpoint().expect("a checkpoint");
        let before = std::fs::metadata(&path).expect("there").len();
        let edge_type = db.begin_read().expect("begun").edge_type("edge").expect("there");
        let mut gone = edges.clone();
        shuffle(&mut gone, 3);
        gone.truncate(edges.len() / 10);
        in_transactions("deletes of a tenth, 10,000 a commit", &db, (&gone, 10_000), |tx, edge| {
            let (source, target) = ends(edge);
            tx.delete_edge(Edge { source, edge_type, target, rank: 0 }).expect("deleted");
        });
        db.checkpoint().expect("a checkpoint");
        let after = std::fs::metadata(&path).expect("there").len();
        println!("| file | {before} bytes before the deletes | {after} after | |");
        assert_eq!(db.begin_read().expect("begun").edge_count() as usize, edges.len() - gone.len());
        db.close().expect("closed");
    }
}
