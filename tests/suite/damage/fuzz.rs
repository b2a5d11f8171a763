//! Damage behind valid checksums: any answer is allowed, and any error; no panic, no hang, no memory without bound.
//!
//! A state is a number: `FOLIOGRAPH_SEED` chooses the run, and the number of the state in it is printed when it fails;
//! `FOLIOGRAPH_STATE` tries just that one. The campaign: `FOLIOGRAPH_CAMPAIGN=damage FOLIOGRAPH_COUNT=1000000
//! FOLIOGRAPH_SEED=8 cargo test -p tests --test suite damage::fuzz -- --nocapture`.

use super::reseal::Reseal;
use super::store::{PAGE, Sample, open, sample};
use crate::harness;
use foliograph::storage_core::device::memory::MemoryStore;
use foliograph::storage_core::device::sim::Rng;
use foliograph::storage_core::page::PageKind;
use foliograph::{Database, Edge, IndexOn, NodeId, ReadError, Snapshot, WriteError, WriteTransaction, props};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A state that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// As much of a damaged store is read: its lists may claim to be much longer than they are.
const MOST: usize = 20_000;

/// Damages one page, and makes it valid.
fn damage(sample: &Sample, reseal: &Reseal, image: &mut [u8], rng: &mut Rng) -> (usize, PageKind) {
    let info = &sample.pages[rng.index(sample.pages.len())];
    let page = info.id.get() as usize;
    let pages = match info.kind {
        // All copies alike, or the whole one wins.
        PageKind::Meta => reseal.metas().to_vec(),
        _ => vec![page],
    };
    let changes = 1 + rng.index(4);
    for _ in 0..changes {
        let within = match info.kind {
            PageKind::Superblock | PageKind::Meta => 16 + rng.index(150),
            _ if rng.chance(1, 3) => 24 + rng.index(40),
            _ => 16 + rng.index(info.used - 16),
        };
        let (how, draw) = (rng.below(4), rng.next_u64());
        for page in &pages {
            let byte = &mut image[page * PAGE + within];
            *byte = match how {
                0 => *byte ^ (1 << (draw % 8)),
                1 => draw as u8,
                2 => [0, 0xFF, 0x7F, 0x80][draw as usize % 4],
                _ => byte.wrapping_add([1, 255][draw as usize % 2]),
            };
        }
    }
    pages.iter().for_each(|page| reseal.page(image, *page));
    (page, info.kind)
}

/// Reads what there is; stops at errors.
fn read(snapshot: &Snapshot) -> Result<usize, ReadError> {
    let mut items = 0;
    for view in snapshot.all_nodes().take(MOST) {
        let view = view?;
        items += 1;
        let _ = (snapshot.props_of(&view), snapshot.name_of(&view));
        for neighbor in snapshot.neighbors(view.id).incoming() {
            items += neighbor.map(|n| n.edge.rank as usize & 1)?;
        }
        let _ = snapshot.degree(view.id).count()?;
    }
    for edge in snapshot.all_edges().take(MOST) {
        let edge = edge?;
        items += 1 + snapshot.edge_props(edge)?.len();
    }
    Ok(items + ask(snapshot)?)
}

/// Questions to every index.
fn ask(snapshot: &Snapshot) -> Result<usize, ReadError> {
    let mut items = 0;
    for index in snapshot.indexes() {
        match index.on {
            IndexOn::Label(label) => {
                let all = snapshot.nodes(label).with(index.property, ..);
                for node in all.descending().into_iter().take(MOST) {
                    items += usize::from(snapshot.contains(node?)?);
                }
                items += snapshot.nodes(label).with(index.property, 1800..1805).count()? as usize;
                items += snapshot.nodes(label).starting_with(index.property, "a").count()? as usize;
            }
            IndexOn::EdgeType(edge_type) => {
                for edge in snapshot.edges(edge_type).with(index.property, ..).into_iter().take(MOST) {
                    items += snapshot.edge_props(edge?)?.len();
                }
                items += snapshot.edges(edge_type).with(index.property, 3).count()? as usize;
            }
        }
    }
    Ok(items)
}

/// Changes something in every tree; a refusal goes on to the next change, as an application would.
fn change(tx: &mut WriteTransaction, rng: &mut Rng) -> Result<(), WriteError> {
    let passed = |result: Result<(), WriteError>| match result {
        Err(e) if !e.is_refusal() => Err(e),
        _ => Ok(()),
    };
    passed(tx.add_node("person", "new", props! { "born" => 1 }).map(drop))?;
    for _ in 0..4 {
        let (a, b) = (NodeId(rng.below(70)), NodeId(rng.below(70)));
        passed(match rng.below(10) {
            6 => tx.set(a, "born", rng.below(40) as i64),
            7 => tx.add_edge(a, "likes", b, props! { "since" => "lately" }).map(drop),
            8 => tx.create_index(IndexOn::EdgeType("calls"), "at", rng.chance(1, 2)),
            9 => tx.drop_index(IndexOn::Label("person"), ["born", "name"][rng.index(2)]),
            0 => tx.delete_node(a, true).map(drop),
            1 => tx.set(a, "story", "long ".repeat(rng.index(2000))),
            2 => tx.add_edge(a, "knows", b, props! { "since" => 5 }).map(drop),
            3 => tx.set(NodeId(7), "story", 1),
            4 => tx.delete_node(NodeId([4, 7, 8, 1][rng.index(4)]), true).map(drop),
            _ => match tx.edge_type("calls") {
                None => Ok(()),
                Some(edge_type) => {
                    let rank = rng.below(6) as u32;
                    tx.delete_edge(Edge { source: NodeId(1), edge_type, target: NodeId(2), rank })
                }
            },
        })?;
    }
    Ok(())
}

/// Everything that may be asked of a store. Says how far it got.
fn use_it(db: Database, rng: &mut Rng) -> &'static str {
    let _ = (db.check(), db.pages());
    let snapshot = match db.begin_read() {
        Ok(snapshot) => snapshot,
        Err(_) => return "not read",
    };
    let (whole, from) = (read(&snapshot).is_ok(), NodeId(rng.below(45)));
    let _ = (snapshot.bfs(from).collect_levels(), db.stats());
    drop(snapshot);
    if rng.chance(1, 2) {
        let written = db.begin_write().and_then(|mut tx| change(&mut tx, rng).map(|()| tx));
        let committed = written.is_ok_and(|tx| tx.commit().is_ok());
        let _ = db.check();
        if db.close().is_ok() && committed {
            return "written";
        }
    }
    if whole { "read" } else { "errors" }
}

/// Ends the process, with the state's number, if a state takes too long: a hang cannot be caught otherwise.
struct Watchdog {
    /// State number, and when it began, in ms.
    at: Arc<(AtomicU64, AtomicU64)>,
    start: Instant,
}

impl Watchdog {
    fn new(seed: u64) -> Self {
        let (at, start) = (Arc::new((AtomicU64::new(0), AtomicU64::new(0))), Instant::now());
        let watched = Arc::downgrade(&at);
        std::thread::spawn(move || {
            while let Some(at) = watched.upgrade() {
                let since = at.1.load(Ordering::SeqCst);
                if start.elapsed() > Duration::from_millis(since) + LIMIT {
                    eprintln!("damage: seed {seed}, state {} hangs", at.0.load(Ordering::SeqCst));
                    std::process::abort();
                }
                drop(at);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        Watchdog { at, start }
    }

    fn begin(&self, state: u64) {
        self.at.0.store(state, Ordering::SeqCst);
        self.at.1.store(self.start.elapsed().as_millis() as u64, Ordering::SeqCst);
    }
}

/// `count` states; panics with the number of the first that panics.
fn run(seed: u64, count: u64) -> BTreeMap<(PageKind, &'static str), u64> {
    let (sample, watchdog) = (sample(24), Watchdog::new(seed));
    let reseal = Reseal::new(&sample);
    let only: Option<u64> = std::env::var("FOLIOGRAPH_STATE").ok().map(|n| n.parse().expect("a number"));
    let store = MemoryStore::new(Vec::new());
    let mut tally = BTreeMap::new();
    for state in (0..count).filter(|state| only.is_none_or(|only| only == *state)) {
        watchdog.begin(state);
        let mut rng = Rng::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ state);
        let mut image = sample.image.clone();
        let (page, kind) = damage(&sample, &reseal, &mut image, &mut rng);
        store.tamper(|bytes| *bytes = image);
        let read_only = rng.chance(1, 8);
        let used = catch_unwind(AssertUnwindSafe(|| match open(&store, read_only) {
            Ok(db) => use_it(db, &mut rng),
            Err(_) => "not opened",
        }));
        let Ok(far) = used else {
            panic!("page {page} ({kind}): FOLIOGRAPH_SEED={seed} FOLIOGRAPH_STATE={state} panics");
        };
        *tally.entry((kind, far)).or_default() += 1;
    }
    tally
}

#[test]
fn damage_behind_valid_checksums_is_an_answer_or_an_error() {
    if !harness::alone("damage::fuzz::damage_behind_valid_checksums_is_an_answer_or_an_error") {
        return;
    }
    let (since, before) = (Instant::now(), harness::peak());
    let wanted = harness::campaign("damage");
    let count = std::env::var("FOLIOGRAPH_COUNT").ok().filter(|_| wanted);
    let count = count.map_or(30_000, |n| n.parse().expect("a number of states"));
    let tally = run(harness::seed(7), count);
    for kind in PageKind::ALL.iter().filter(|kind| **kind != PageKind::Log) {
        let of_kind: u64 = tally.iter().filter(|((k, _), _)| k == kind).map(|(_, n)| n).sum();
        assert!(
            of_kind > 500 || std::env::var_os("FOLIOGRAPH_STATE").is_some(),
            "{kind}: {of_kind} states only"
        );
    }
    let more = (harness::peak() - before) >> 10;
    assert!(more < 1024, "{more} MiB more memory");
    eprintln!("{count} states, {:.1?}, {more} MiB more memory; {tally:?}", since.elapsed());
}

/// The tool itself: resealed without damage, the store is whole and answers right.
#[test]
fn a_resealed_store_is_whole() {
    let sample = sample(24);
    let reseal = Reseal::new(&sample);
    let mut image = sample.image.clone();
    for info in &sample.pages {
        reseal.page(&mut image, info.id.get() as usize);
    }
    assert_eq!(image, sample.image, "what was valid stays as it was");
    // And a harmless change of a page's version goes all the way up.
    let leaf = sample.pages.iter().find(|info| info.kind == PageKind::Node).expect("a node page");
    image[leaf.id.get() as usize * PAGE + 16] -= 1;
    reseal.page(&mut image, leaf.id.get() as usize);
    assert_ne!(image, sample.image);
    let db = open(&MemoryStore::new(image), true).expect("a valid store");
    assert_eq!(db.check().expect("memory does not fail").findings, []);
    sample.model.compare(&db.begin_read().expect("a valid store")).expect("the same graph");
}
