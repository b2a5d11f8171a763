//! The graph on each backend: bulk load, neighbours, BFS, commits. The active backend stands in every name.
//!
//! The graph is cnr-2000 from the shared data where it is there (325,557 nodes, 3,216,152 edges), else a random one of
//! the same size from a fixed seed. Warm; 16 KiB pages; a cache of 64 MiB. Every commit is durable, every page checked.

use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use foliograph::bulk::{Bulk, BulkOptions, EdgeRow, Place, RowId};
use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::{Backend, Database, NodeId, Options, props};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

type Edges = Vec<(u64, u64)>;

fn edges() -> Edges {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cnr-2000.txt.xz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("!!!!! cnr-2000 is not here: a random graph of its size instead");
        let mut rng = Rng::new(1);
        return (0..3_216_152).map(|_| (rng.below(325_557), rng.below(325_557))).collect();
    };
    let mut text = String::new();
    let mut reader = lzma_rust2::XzReader::new(std::io::BufReader::new(file), true);
    reader.read_to_string(&mut text).expect("unpacks");
    let number = |word: Option<&str>| word.and_then(|w| w.parse().ok()).expect("a number");
    let edge = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        (number(words.next()), number(words.next()))
    };
    text.lines().map(edge).collect()
}

fn load(db: &Database, edges: &Edges) {
    let mut bulk = Bulk::new(BulkOptions { implicit_nodes: true, ..BulkOptions::default() });
    let edge_type: Arc<str> = "edge".into();
    for (i, (from, to)) in edges.iter().enumerate() {
        let row = EdgeRow {
            from: (0, RowId::Int(*from)),
            to: (0, RowId::Int(*to)),
            edge_type: edge_type.clone(),
            undirected: false,
            rank: None,
            props: Vec::new(),
            place: Place { file: 0, line: i as u64 + 1 },
        };
        bulk.add_edge(row).expect("a row");
    }
    let report = db.begin_write().expect("begun").load(bulk).expect("loaded");
    assert_eq!(report.edges, edges.len() as u64);
}

fn bench(c: &mut Criterion) {
    let edges = edges();
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    for backend in Backend::COMPILED {
        let dir = tempfile::tempdir_in(&target).expect("target/ can be written");
        let options = Options::new().backend(*backend);
        let mut stores = 0;
        let mut fresh = || {
            stores += 1;
            options.create(dir.path().join(format!("store-{stores}.folio")))
        };
        let db = match fresh() {
            Ok(db) => db,
            Err(e) => {
                eprintln!("!!!!! {backend} is left out: {e}");
                continue;
            }
        };
        let active = db.device_info().backend;
        load(&db, &edges);
        let stats = db.stats().expect("counted");
        println!(
            "graph/{active}: {} edges, {:.2} bytes an edge, both directions",
            stats.edges,
            stats.bytes_per_edge().expect("there are edges")
        );
        reads(c, &db, active);
        let mut group = c.benchmark_group(format!("graph/{active}"));
        group.sample_size(10).sampling_mode(SamplingMode::Flat).measurement_time(Duration::from_secs(10));
        group.throughput(Throughput::Elements(edges.len() as u64));
        group.bench_function("bulk load, durable", |b| {
            b.iter_batched(|| fresh().expect("created"), |db| load(&db, &edges), BatchSize::PerIteration);
        });
        group.finish();
    }
}

fn reads(c: &mut Criterion, db: &Database, active: &str) {
    let mut group = c.benchmark_group(format!("graph/{active}"));
    let snapshot = db.begin_read().expect("begun");
    let nodes = snapshot.node_count();
    let mut rng = Rng::new(3);
    let edge_type = snapshot.edge_type("edge").expect("loaded");
    group.bench_function("neighbours of 1,000 random nodes", |b| {
        b.iter(|| {
            let batch: Vec<NodeId> = (0..1000).map(|_| NodeId(rng.below(nodes))).collect();
            let mut sum = 0u64;
            let each = |_: NodeId, targets: &[NodeId]| sum += targets.iter().map(|t| t.0).sum::<u64>();
            snapshot.neighbors_of(&batch).of_type(edge_type).for_each(each).expect("read");
            sum
        });
    });
    let ascending: Vec<NodeId> = (0..1000).map(|i| NodeId(i * nodes / 1000)).collect();
    group.bench_function("neighbours of 1,000 ascending nodes", |b| {
        b.iter(|| {
            let mut sum = 0u64;
            let each = |_: NodeId, targets: &[NodeId]| sum += targets.iter().map(|t| t.0).sum::<u64>();
            snapshot.neighbors_of(&ascending).of_type(edge_type).for_each(each).expect("read");
            sum
        });
    });
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Elements(snapshot.edge_count()));
    group.bench_function("BFS from 100000", |b| {
        b.iter(|| snapshot.bfs(NodeId(100_000 % nodes)).summary().expect("walked"));
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("commit of one edge, durable", |b| {
        b.iter(|| {
            let mut tx = db.begin_write().expect("begun");
            let (a, z) = (NodeId(rng.below(nodes)), NodeId(rng.below(nodes)));
            tx.add_edge(a, "edge", z, props! {}).expect("added");
            tx.commit().expect("committed");
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
