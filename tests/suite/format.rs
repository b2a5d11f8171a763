//! Stores of every format version still open, and the format does not change without its version.
//!
//! `tests/golden/v1.folio.xz` is a store as version 1 wrote it (4 KiB pages, compressed because a closed store keeps free
//! pages in reserve), `v1.txt` what it holds, in words. The store is made anew by each run and compared byte by byte:
//! whoever changes what is written learns it here, before a user does.
//!
//! `FOLIOGRAPH_REMAKE_GOLDEN=1 cargo test -p tests --test suite format` writes both files of the current version again:
//! after the version was raised, or as long as no release has written it. Files of older versions are never made again.

use crate::harness::{Bench, Device, root};
use foliograph::storage_core::device::OpenOptions;
use foliograph::storage_core::device::memory::{MemoryDevice, MemoryStore};
use foliograph::storage_core::pager::{FORMAT_VERSION, Pager, PagerOptions};
use foliograph::{
    Database, Edge, NewNode, NodeId, Options, PageSize, Props, Snapshot, Value, WriteTransaction, props,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

const UUID: [u8; 16] = *b"a golden store..";

fn open(store: &MemoryStore) -> Database {
    let device = MemoryDevice::open(store, &OpenOptions::open()).expect("a store in memory");
    Options::new().open_device(Arc::new(device)).expect("a store that was closed")
}

/// The store, from nothing, with an identity that is not random: three commits over two sessions.
fn make() -> Vec<u8> {
    let store = MemoryStore::new(Vec::new());
    let device = MemoryDevice::open(&store, &OpenOptions::create(PageSize::K4)).expect("an empty store");
    let options = PagerOptions { uuid: Some(UUID), ..PagerOptions::default() };
    let pager = Pager::create(Arc::new(device), &options).expect("a new store");
    pager.close().expect("closing");
    drop(pager);
    let db = open(&store);
    for change in [people, hub, loss] {
        let mut tx = db.begin_write().expect("the only writer");
        change(&mut tx);
        tx.commit().expect("a commit");
    }
    db.close().expect("closing");
    store.image()
}

fn long(len: u64, salt: u64) -> Vec<u8> {
    (0..len).map(|i| ((i + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

/// Keys of both kinds, every type of value, values in pages of their own, parallel edges, loops, undirected types.
fn people(tx: &mut WriteTransaction) {
    let list =
        vec![Value::Null, Value::Bool(false), Value::Int(-5), Value::Text("é".into()), Value::Bytes(vec![0])];
    let all = props! {
        "bool" => true, "int" => i64::MIN, "float" => -0.5, "text" => "Grüße", "bytes" => vec![255u8, 0],
        "date" => Value::Date(-100), "timestamp" => Value::Timestamp(1_700_000_000_000_001), "list" => list,
    };
    let ada = tx.add_node("person", "ada", all.clone()).expect("a new key");
    let life = props! { "born" => 1815, "life" => long(13_000, 1), "notes" => long(1_500, 2) };
    let bob = tx.add_node("person", "charles", life).expect("a new key");
    let most = tx.add_node("person", "k".repeat(1024), all).expect("a new key");
    for year in 0..40i64 {
        let node = tx.add_node("year", 1800 + year, props! { "leap" => year % 4 == 0 }).expect("a new key");
        let given = if year % 3 == 0 {
            props! { "seen" => year }
        } else {
            props! {}
        };
        tx.add_edge(node, "knows", if year % 2 == 0 { ada } else { bob }, given).expect("both ends");
    }
    for rank in 0..5 {
        tx.add_edge(ada, "knows", bob, props! { "since" => 1833 + rank }).expect("both ends");
    }
    tx.add_edge(bob, "knows", bob, props! { "well" => long(9_000, 3) }).expect("both ends");
    tx.insert_edge((most, "knows", ada), Some(u32::MAX), props! {}).expect("a free rank");
    tx.set_undirected("road", true).expect("a type");
    tx.add_edge(ada, "road", most, props! {}).expect("both ends");
}

/// A run of plain nodes, nodes far apart, a hub over several pages in both directions.
fn hub(tx: &mut WriteTransaction) {
    for _ in 0..3_000 {
        tx.add_anonymous("dot", props! {}).expect("a node");
    }
    let hub = tx.node("person", "ada").expect("an answer").expect("added before");
    for i in 0..1_500u64 {
        let id = Some(NodeId(1_000_000 + i * i * 97));
        let far = tx.insert_node("far", NewNode { id, ..NewNode::default() }).expect("a new id");
        tx.add_edge(hub, "sees", far, props! {}).expect("both ends");
        tx.add_edge(far, "sees", NodeId(44 + i * 2), props! {}).expect("both ends");
        tx.add_edge(NodeId(44 + i * 2), "lit by", hub, props! {}).expect("both ends");
    }
    tx.insert_node("far", NewNode { id: Some(NodeId::MAX), ..NewNode::default() }).expect("the last id");
}

/// Deletes of every kind: freed pages, holes, a name that nothing bears any more.
fn loss(tx: &mut WriteTransaction) {
    let sees = tx.edge_type("sees").expect("known");
    let hub = tx.node("person", "ada").expect("an answer").expect("added before");
    for i in (0..1_500u64).step_by(7) {
        let target = NodeId(1_000_000 + i * i * 97);
        tx.delete_edge(Edge { source: hub, edge_type: sees, target, rank: 0 }).expect("it is there");
    }
    for id in (100..200).step_by(9) {
        tx.delete_node(NodeId(id), true).expect("detached");
    }
    for year in (0..40i64).step_by(8) {
        let node = tx.node("year", 1800 + year).expect("an answer").expect("added before");
        tx.delete_node(node, true).expect("detached");
    }
    let charles = tx.node("person", "charles").expect("an answer").expect("added before");
    tx.set(charles, "notes", Value::Null).expect("a property");
    tx.set(charles, "died", 1871).expect("a property");
}

/// A value in words; of long bytes the length and a sum (FNV-1a, 64 bits).
fn word(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) if bytes.len() > 16 => {
            let mix = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            format!("{} bytes {:016x}", bytes.len(), bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix))
        }
        other => format!("{other:?}"),
    }
}

fn words(props: &Props) -> String {
    props.iter().map(|(name, value)| format!(" {name}={}", word(value))).collect()
}

/// Ids, twenty a line.
fn ids(out: &mut String, head: &str, ids: &[u64]) {
    for part in ids.chunks(20) {
        let part: Vec<String> = part.iter().map(u64::to_string).collect();
        writeln!(out, "{head} {}", part.join(" ")).expect("writing to memory");
    }
}

/// All that a store holds. Edges and nodes that are nothing but themselves are listed by the dozen.
fn contents(reader: &Snapshot) -> String {
    let mut out = format!("{} nodes, {} edges\n", reader.node_count(), reader.edge_count());
    let line = |out: &mut String, text: String| writeln!(out, "{text}").expect("writing to memory");
    for (_, label) in reader.labels() {
        line(&mut out, format!("label {} {} {}", label.name, label.nodes, label.keyed));
    }
    for (_, t) in reader.edge_types() {
        line(&mut out, format!("type {} {} undirected={}", t.name, t.edges, t.undirected));
    }
    let mut plain: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for view in reader.all_nodes() {
        let view = view.expect("a node");
        let (label, props) = (reader.label_name(view.label), reader.props_of(&view).expect("values"));
        match &view.key {
            None if props.is_empty() => plain.entry(label.to_owned()).or_default().push(view.id.0),
            key => line(&mut out, format!("node {} {label} {key:?}{}", view.id, words(&props))),
        }
    }
    plain.iter().for_each(|(label, all)| ids(&mut out, &format!("plain {label}"), all));
    let mut lists: BTreeMap<(u64, String), Vec<u64>> = BTreeMap::new();
    for edge in reader.all_edges() {
        let edge = edge.expect("an edge");
        let (name, props) = (reader.type_name(edge.edge_type), reader.edge_props(edge).expect("values"));
        if edge.rank == 0 && props.is_empty() {
            lists.entry((edge.source.0, name.to_owned())).or_default().push(edge.target.0);
        } else {
            let Edge { source, target, rank, .. } = edge;
            line(&mut out, format!("edge {source} {name} {target} {rank}{}", words(&props)));
        }
    }
    lists.iter().for_each(|((source, name), all)| ids(&mut out, &format!("from {source} {name}"), all));
    out
}

fn file(version: u32, ending: &str) -> PathBuf {
    root().join("tests/golden").join(format!("v{version}.{ending}"))
}

/// The store and its contents as a version wrote them.
fn golden(version: u32) -> (Vec<u8>, String) {
    static REMADE: OnceLock<()> = OnceLock::new();
    if std::env::var_os("FOLIOGRAPH_REMAKE_GOLDEN").is_some() {
        REMADE.get_or_init(remake);
    }
    let path = file(version, "folio.xz");
    let packed = std::fs::read(&path).unwrap_or_else(|e| {
        panic!(
            "there is no store of format version {version} at {}: {e}; FOLIOGRAPH_REMAKE_GOLDEN=1 makes it",
            path.display()
        )
    });
    let mut image = Vec::new();
    lzma_rust2::XzReader::new(&packed[..], false).read_to_end(&mut image).expect("a whole .xz file");
    (image, std::fs::read_to_string(file(version, "txt")).expect("what the store holds"))
}

fn remake() {
    let image = make();
    let options = lzma_rust2::XzOptions::with_preset(9);
    let mut packer = lzma_rust2::XzWriter::new(Vec::new(), options).expect("a packer");
    packer.write_all(&image).expect("packing in memory");
    let text = contents(&open(&MemoryStore::new(image)).begin_read().expect("a snapshot"));
    std::fs::write(file(FORMAT_VERSION, "folio.xz"), packer.finish().expect("packed")).expect("written");
    std::fs::write(file(FORMAT_VERSION, "txt"), text).expect("written");
    println!("made the store of format version {FORMAT_VERSION} anew");
}

/// Equal, or the first line that is not.
fn assert_same_lines(found: &str, wanted: &str, what: &str) {
    let differing = found.lines().zip(wanted.lines()).position(|(a, b)| a != b);
    if let Some(at) = differing {
        let line =
            |text: &str| text.lines().nth(at).unwrap_or_default().chars().take(300).collect::<String>();
        panic!("{what}, line {}:\nfound  {}\nwanted {}", at + 1, line(found), line(wanted));
    }
    assert_eq!(found.lines().count(), wanted.lines().count(), "{what}: lines");
}

fn assert_clean(db: &Database) {
    let findings = db.check().expect("checking reads every page").findings;
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_store_of_every_version_reads_as_it_was_written_and_goes_on() {
    for version in 1..=FORMAT_VERSION {
        let (image, text) = golden(version);
        let store = MemoryStore::new(image);
        let db = open(&store);
        assert_clean(&db);
        assert_eq!(db.stats().expect("stats").uuid, UUID);
        assert_same_lines(
            &contents(&db.begin_read().expect("a snapshot")),
            &text,
            &format!("version {version}"),
        );
        let mut tx = db.begin_write().expect("the only writer");
        let new = tx
            .insert_node("new", NewNode { id: Some(NodeId(7_777_777)), ..NewNode::default() })
            .expect("new");
        tx.add_edge(new, "knows", NodeId(0), props! { "now" => true }).expect("both ends");
        tx.commit().expect("a commit");
        db.close().expect("closing");
        let db = open(&store);
        assert_clean(&db);
        let snapshot = db.begin_read().expect("a snapshot");
        assert_eq!(snapshot.neighbors(new).into_iter().count(), 1);
    }
}

#[test]
fn a_store_of_every_version_opens_on_every_device() {
    for version in 1..=FORMAT_VERSION {
        let (image, text) = golden(version);
        for device in Device::REAL.into_iter().filter(|d| d.is_compiled() && d.runs_here()) {
            let bench = Bench::new(device, PageSize::K4, 16);
            std::fs::write(bench.path(), &image).expect("the store is copied");
            let db = bench.open();
            assert_clean(&db);
            let found = contents(&db.begin_read().expect("a snapshot"));
            assert_same_lines(&found, &text, &format!("version {version} on {device:?}"));
        }
    }
}

#[test]
fn the_format_does_not_change_without_its_version() {
    let (wanted, text) = golden(FORMAT_VERSION);
    let found = make();
    assert_same_lines(
        &contents(&open(&MemoryStore::new(found.clone())).begin_read().expect("a snapshot")),
        &text,
        "this test's own graph has changed, and the store in tests/golden has not",
    );
    if found == wanted {
        return;
    }
    let size = PageSize::K4.bytes();
    let mut pages = found.chunks(size).zip(wanted.chunks(size));
    let page = pages.position(|(a, b)| a != b).map_or("the length".into(), |page| format!("page {page}"));
    panic!(
        "the same graph is written in other bytes than format version {FORMAT_VERSION} wrote it in ({page} differs \
         first; {} bytes, before {}). If older programs cannot read these, or this one not theirs, raise \
         FORMAT_VERSION. If only the choice of pages changed, or no release has written this version, \
         FOLIOGRAPH_REMAKE_GOLDEN=1 makes tests/golden anew.",
        found.len(),
        wanted.len()
    );
}

#[test]
fn the_same_changes_make_the_same_bytes() {
    assert!(make() == make(), "something in a store depends on time, addresses or chance");
}
