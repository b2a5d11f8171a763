//! The file does not grow when the same data is written again and again, and gives space back when data goes (A4).
//! The log's extents are counted apart: they stay within their limit, and are used again.

use crate::harness::{Bench, Device};
use foliograph::storage_core::device::sim::rng::Rng;
use foliograph::storage_core::pager::PagerStats;
use foliograph::{Database, Edge, NodeId, PageSize, Snapshot, Value, props};
use rstest::rstest;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Pages of the file that are not the log's.
fn pages_without_log(db: &Database) -> u64 {
    let PagerStats { page_count, log, .. } = db.pager().stats();
    page_count - log.bytes / db.pager().page_size().bytes() as u64
}

/// Pages that hold something, or did until the last checkpoint; the log's are none of them.
fn pages_in_use(db: &Database) -> u64 {
    pages_without_log(db) - db.pager().stats().free_pages
}

/// One thread: checkpoints are made when they are due, by whoever begins to write.
fn bench(device: Device, size: PageSize, log_limit: u64) -> Bench {
    let mut bench = Bench::new(device, size, 1024);
    bench.options = bench.options.background(false).checkpoint_interval(None).log_limit(log_limit);
    bench
}

fn pages(db: &Database) -> u64 {
    db.pager().device().page_count().get()
}

fn text(rng: &mut Rng, len: usize) -> String {
    (0..len).map(|_| char::from(b'a' + rng.below(26) as u8)).collect()
}

/// Long values, records and lists lie all over the file; most are deleted; what is left is moved down at close.
#[test]
fn closing_moves_what_is_left_down_and_cuts_the_file() {
    let bench = Bench::new(Device::Memory, PageSize::K4, 64);
    let db = bench.create();
    let mut rng = Rng::new(5);
    let mut kept = BTreeMap::new();
    let mut tx = db.begin_write().expect("begun");
    for i in 0..4000u64 {
        let long = if i % 50 == 0 { text(&mut rng, 9000) } else { text(&mut rng, 40) };
        let node = tx.add_node("n", i as i64, props! { "text" => long.clone() }).expect("added");
        if i >= 3600 {
            kept.insert(node, long);
        }
    }
    for i in 0..4000u64 {
        let (a, b) = (NodeId(i), NodeId(rng.below(4000)));
        tx.add_edge(a, "e", b, props! { "why" => text(&mut rng, if i % 200 == 0 { 3000 } else { 8 }) })
            .expect("added");
    }
    tx.commit().expect("committed");
    let full = pages(&db);
    let mut tx = db.begin_write().expect("begun");
    for i in 0..3600u64 {
        tx.delete_node(NodeId(i), true).expect("deleted");
    }
    tx.commit().expect("committed");
    let edges: Vec<_> = db.begin_read().expect("begun").all_edges().collect::<Result<_, _>>().expect("read");
    db.close().expect("closed");

    let db = bench.open();
    let stats = db.stats().expect("counted");
    let (left, live) = (pages(&db), pages(&db) - stats.free_pages);
    assert!(
        left < full / 2 && left <= live + stats.reserve_pages + live / 4 + 16,
        "{full} pages became {left}, {live} in use"
    );
    assert_eq!(db.check().expect("readable").findings, []);
    let snapshot = db.begin_read().expect("begun");
    for (node, text) in &kept {
        assert_eq!(snapshot.get::<String>(*node, "text").expect("read").as_ref(), Some(text));
    }
    assert_eq!(snapshot.node_count(), kept.len() as u64);
    let after: Vec<_> = snapshot.all_edges().collect::<Result<_, _>>().expect("read");
    assert_eq!(after, edges);
    assert!(after.iter().all(|e| matches!(snapshot.get_edge::<Value>(*e, "why"), Ok(Some(Value::Text(_))))));
}

/// What a snapshot holds stays where it is, whatever is asked for.
#[test]
fn a_checkpoint_beside_a_snapshot_moves_nothing_from_under_it() {
    let bench = Bench::new(Device::Memory, PageSize::K4, 16);
    let db = bench.create();
    let mut tx = db.begin_write().expect("begun");
    for i in 0..5000i64 {
        tx.add_node("n", i, props! { "i" => i }).expect("added");
    }
    tx.commit().expect("committed");
    let snapshot = db.begin_read().expect("begun");
    let mut tx = db.begin_write().expect("begun");
    for i in 0..4900u64 {
        tx.delete_node(NodeId(i), false).expect("deleted");
    }
    tx.commit().expect("committed");
    let before = pages(&db);
    db.checkpoint().expect("checkpoint");
    for i in (0..5000i64).step_by(37) {
        assert_eq!(snapshot.get::<i64>(NodeId(i as u64), "i").expect("read"), Some(i));
    }
    drop(snapshot);
    db.checkpoint().expect("checkpoint");
    assert!(pages(&db) < before, "{before} pages, {} after", pages(&db));
    assert_eq!(db.check().expect("readable").findings, []);
}

/// With a log that never fills, and with one that makes a checkpoint every few rounds.
#[rstest]
#[case::a_long_log(16 << 20)]
#[case::a_short_log(512 << 10)]
fn the_same_data_written_again_and_again_does_not_grow_the_file(#[case] log_limit: u64) {
    let bench = bench(Device::Simulated, PageSize::K4, log_limit);
    let db = bench.create();
    let mut tx = db.begin_write().expect("begun");
    for i in 0..500i64 {
        tx.add_node("n", i, props! { "round" => -1i64 }).expect("added");
    }
    tx.commit().expect("committed");
    let (mut sizes, mut used, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..300i64 {
        let mut tx = db.begin_write().expect("begun");
        for i in 0..500u64 {
            tx.set(NodeId(i), "round", round).expect("set");
        }
        tx.commit().expect("committed");
        sizes.push(pages_without_log(&db));
        used.push(pages_in_use(&db));
        logs.push(db.pager().stats().log.bytes);
    }
    let (early, all) = (used[..100].iter().max(), used.iter().max());
    assert_eq!(early, all, "more pages were used after round 99: {used:?}");
    // The log makes the file grow, and it grows in steps of an eighth: what is left of a step is free.
    let step = (pages(&db) / 8).max(16);
    assert!(sizes[10] + step >= sizes[299], "the file grew from round 10 to round 299: {sizes:?}");
    assert!(logs.iter().all(|bytes| *bytes <= log_limit), "{logs:?}");
    db.checkpoint().expect("checkpoint");
    assert_eq!(db.pager().stats().log.bytes, 0, "a checkpoint that was asked for ends the log");
    assert!(pages(&db) <= sizes[0], "{} pages, {} after the first round", pages(&db), sizes[0]);
    assert_eq!(db.check().expect("readable").findings, []);
}

const PEOPLE: u64 = 2000;

/// A graph of a few thousand nodes, in one commit.
fn people(db: &Database, rng: &mut Rng) -> Vec<Edge> {
    let mut tx = db.begin_write().expect("begun");
    for i in 0..PEOPLE {
        tx.add_node("person", i as i64, props! { "born" => i as i64 }).expect("added");
    }
    let edge = |i: u64| {
        let (from, to) = (NodeId(i % PEOPLE), NodeId(rng.below(PEOPLE)));
        tx.add_edge(from, "knows", to, props! { "since" => i as i64 }).expect("added")
    };
    let edges = (0..3 * PEOPLE).map(edge).collect();
    tx.commit().expect("committed");
    edges
}

/// Everything that a snapshot holds, in a new store of its own, by one transaction.
fn copied(snapshot: &Snapshot, size: PageSize) -> Database {
    let db = bench(Device::Memory, size, 16 << 20).create();
    let mut tx = db.begin_write().expect("begun");
    for node in snapshot.all_nodes() {
        let node = node.expect("read");
        let (key, props) = (node.key.clone().expect("a key"), snapshot.props_of(&node).expect("read"));
        let id = tx.add_node("person", key, props).expect("added");
        assert_eq!(id, node.id);
    }
    for edge in snapshot.all_edges() {
        let edge = edge.expect("read");
        let props = snapshot.edge_props(edge).expect("read");
        tx.add_edge(edge.source, "knows", edge.target, props).expect("added");
    }
    tx.commit().expect("committed");
    db.checkpoint().expect("checkpoint");
    db
}

#[rstest]
#[case::pages_of_4_kib(PageSize::K4, 16 << 20)]
#[case::pages_of_16_kib_and_a_short_log(PageSize::K16, 1 << 20)]
fn a_hundred_thousand_commits_of_one_edge_leave_a_file_as_a_fresh_one(
    #[case] size: PageSize,
    #[case] log_limit: u64,
) {
    let since = Instant::now();
    let db = bench(Device::Memory, size, log_limit).create();
    let mut rng = Rng::new(3);
    let mut edges = people(&db, &mut rng);
    let (mut most_log, mut most) = (0, 0);
    for round in 0..100_000i64 {
        let at = rng.index(edges.len());
        let mut tx = db.begin_write().expect("begun");
        match round % 4 {
            0 => {
                tx.delete_edge(edges[at]).expect("deleted");
                edges.swap_remove(at);
            }
            1 => {
                let (from, to) = (NodeId(rng.below(PEOPLE)), NodeId(rng.below(PEOPLE)));
                edges.push(tx.add_edge(from, "knows", to, props! { "since" => round }).expect("added"));
            }
            _ => tx.set_edge(edges[at], "since", round).expect("set"),
        }
        tx.commit().expect("committed");
        if round % 64 == 0 {
            most_log = most_log.max(db.pager().stats().log.bytes);
            most = most.max(pages_without_log(&db));
        }
    }
    let stats = db.stats().expect("counted");
    assert_eq!((stats.nodes, stats.edges), (PEOPLE, edges.len() as u64));
    assert!(most_log > 0 && most_log <= log_limit && stats.log.bytes <= log_limit, "{:?}", stats.log);
    assert!(stats.log.groups >= 100_000 && stats.log.commits == 100_001, "{:?}", stats.log);
    // As it is, the log and what the next checkpoint was promised not counted; then after a checkpoint.
    let fresh = pages(&copied(&db.begin_read().expect("begun"), size));
    db.checkpoint().expect("checkpoint");
    let left = pages_without_log(&db);
    eprintln!(
        "{left} pages, {most} at most, {fresh} fresh, log {most_log} bytes at most, {:.1?}",
        since.elapsed()
    );
    assert!(left <= 2 * fresh, "{left} pages, a fresh store has {fresh}");
    assert_eq!(db.check().expect("readable").findings, []);
}

#[test]
fn a_large_store_from_which_all_is_deleted_gives_nearly_everything_back() {
    let since = Instant::now();
    let db = bench(Device::Memory, PageSize::K16, 16 << 20).create();
    let mut rng = Rng::new(8);
    let long = text(&mut rng, 60_000);
    for part in 0..10u64 {
        let mut tx = db.begin_write().expect("begun");
        for i in 0..110u64 {
            tx.add_node("n", (part * 1000 + i) as i64, props! { "text" => long.clone() }).expect("added");
        }
        for i in 0..6000u64 {
            let id = tx.add_node("m", format!("{part} {i} {}", &long[..60]), props! { "i" => i as i64 });
            let (id, to) = (id.expect("added"), NodeId(rng.below(100)));
            tx.add_edge(id, "e", to, props! { "why" => long[..20].to_owned() }).expect("added");
        }
        tx.commit().expect("committed");
    }
    db.checkpoint().expect("checkpoint");
    let full = db.stats().expect("counted").file_bytes;
    assert!(full >= 64 << 20, "{full} bytes");
    let nodes: Vec<NodeId> =
        db.begin_read().expect("begun").all_nodes().map(|n| n.expect("read").id).collect();
    for some in nodes.chunks(5000) {
        let mut tx = db.begin_write().expect("begun");
        for node in some {
            tx.delete_node(*node, true).expect("deleted");
        }
        tx.commit().expect("committed");
    }
    let compacted = db.compact().expect("compacted");
    let stats = db.stats().expect("counted");
    assert_eq!((compacted.after, stats.log.bytes), (stats.file_bytes, 0));
    eprintln!("{full} bytes became {}, {:.1?}", compacted.after, since.elapsed());
    assert!(compacted.after <= full / 20, "{full} bytes became {}", compacted.after);
    assert_eq!((stats.nodes, stats.edges, db.check().expect("readable").findings.len()), (0, 0, 0));
}

/// How the checkpoints of the next test are made.
fn requested(db: &Database) {
    db.checkpoint().expect("checkpoint");
}

fn beside(db: &Database) {
    if let Some(checkpoint) = db.begin_checkpoint().expect("begun") {
        checkpoint.finish().expect("finished");
    }
}

#[rstest]
#[case::requested(requested)]
#[case::beside_commits(beside)]
fn the_file_does_not_grow_over_ten_thousand_checkpoints(#[case] checkpoint: fn(&Database)) {
    let since = Instant::now();
    let db = bench(Device::Memory, PageSize::K4, 512 << 10).create();
    let mut tx = db.begin_write().expect("begun");
    for i in 0..200i64 {
        tx.add_node("n", i, props! { "round" => -1i64 }).expect("added");
    }
    tx.commit().expect("committed");
    let mut most = [0, 0];
    for round in 0..10_000u64 {
        let mut tx = db.begin_write().expect("begun");
        tx.set(NodeId(round * 7 % 200), "round", round as i64).expect("set");
        tx.commit().expect("committed");
        checkpoint(&db);
        let late = usize::from(round >= 100);
        most[late] = most[late].max(pages(&db));
    }
    eprintln!("{most:?} pages at most, early and late, {:.1?}", since.elapsed());
    assert!(most[1] <= most[0], "{} pages in the first hundred rounds, {} later", most[0], most[1]);
    assert_eq!(db.check().expect("readable").findings, []);
}

/// Far more goes through the log than it may hold.
#[test]
fn the_logs_extents_stay_within_their_limit_and_are_used_again() {
    const LIMIT: u64 = 2 << 20;
    let db = bench(Device::Memory, PageSize::K4, LIMIT).create();
    people(&db, &mut Rng::new(3));
    let mut seen = BTreeSet::new();
    for round in 0..20_000i64 {
        let mut tx = db.begin_write().expect("begun");
        tx.set(NodeId(round as u64 % PEOPLE), "born", round).expect("set");
        tx.commit().expect("committed");
        if round % 50 == 0 {
            let stats = db.pager().stats().log;
            assert!(stats.used <= stats.bytes && stats.bytes <= LIMIT && stats.limit == LIMIT, "{stats:?}");
            let extents = db.pager().log_extents();
            let bytes: u64 = extents.iter().map(|extent| u64::from(extent.pages) * 4096).sum();
            assert_eq!(bytes, stats.bytes);
            seen.extend(extents.iter().map(|extent| (extent.first, extent.pages)));
        }
    }
    let stats = db.pager().stats().log;
    // Each group is a block at least.
    let written = stats.groups * 4096;
    eprintln!("{} groups, {written} bytes, through {} extents", stats.groups, seen.len());
    assert!(written > 30 * LIMIT, "{stats:?}");
    assert!(seen.len() as u64 <= LIMIT / (256 << 10), "{seen:?}");
    assert_eq!(db.check().expect("readable").findings, []);
}

/// A held snapshot pins what was freed since; not more, and no longer.
#[test]
fn pages_that_a_snapshot_pins_are_bounded_by_what_changed_and_free_afterwards() {
    let db = bench(Device::Memory, PageSize::K4, 512 << 10).create();
    people(&db, &mut Rng::new(3));
    db.checkpoint().expect("checkpoint");
    let round = |n: u64| {
        let mut tx = db.begin_write().expect("begun");
        tx.set(NodeId(n * 37 % PEOPLE), "born", n as i64).expect("set");
        tx.commit().expect("committed");
        beside(&db);
    };
    (0..20).for_each(round);
    let before = pages(&db);
    let snapshot = db.begin_read().expect("begun");
    let version = snapshot.version();
    for n in 0..400 {
        round(n);
        let stats = db.pager().stats();
        // A checkpoint of one change replaces a leaf and those above it, the catalog's and the map's pages.
        assert!(
            stats.quarantined_pages <= 16 * (n + 2),
            "{} pages after {n} rounds",
            stats.quarantined_pages
        );
        assert!(stats.oldest_snapshot <= version);
    }
    let pinned = db.pager().stats().quarantined_pages;
    assert!(pinned > 400, "{pinned} pages");
    assert_eq!(snapshot.all_nodes().count() as u64, PEOPLE);
    drop(snapshot);
    (0..20).for_each(round);
    let (stats, full) = (db.pager().stats(), pages(&db));
    assert!(stats.quarantined_pages < 64 && stats.oldest_snapshot > version, "{stats:?}");
    (0..200).for_each(round);
    assert_eq!(pages(&db), full, "what is free now is used");
    db.checkpoint().expect("checkpoint");
    assert!(pages(&db) <= before, "{before} pages before the snapshot, {} after", pages(&db));
    assert_eq!(db.check().expect("readable").findings, []);
}
