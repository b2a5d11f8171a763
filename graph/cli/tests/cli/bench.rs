//! `bench`: its table, JSON and drawing, with a tiny graph; that it leaves nothing behind, and a store as it was.

use super::place::{Place, backends};
use super::run::foliograph;
use foliograph::{NewNode, Options, props};
use serde_json::json;
use std::fs;

const READS: [&str; 7] =
    ["read_page", "read_batch", "look_up", "neighbors", "neighbors_batch", "bfs", "scan"];
const WRITES: [&str; 5] = ["bulk_load", "durable_write", "commit_1000", "commit_1", "commit_1_by_floor"];

/// A tiny measurement in a directory of its own.
fn tiny(place: &Place, more: &[&str]) -> super::run::Run {
    let dir = place.path().to_str().expect("UTF-8");
    let all = ["bench", "--scale", "8", "--rounds", "1", "--dir", dir].into_iter();
    foliograph(all.chain(more.iter().copied()))
}

/// The texts of an XML document; fails where tags do not nest, or attributes have no quotes.
fn texts(xml: &str) -> Vec<&str> {
    let (mut open, mut texts, mut rest) = (Vec::new(), Vec::new(), xml);
    while let Some((text, behind)) = rest.split_once('<') {
        assert!(!text.contains('>'), "a stray bracket in {text}");
        for entity in text.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;"].iter().any(|known| entity.starts_with(known)), "&{entity}");
        }
        texts.extend((!text.trim().is_empty()).then_some(text));
        let (tag, after) = behind.split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "tags nest");
            continue;
        }
        assert_eq!(tag.matches('"').count(), 2 * tag.matches('=').count(), "{tag}");
        if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().expect("a tag has a name"));
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} stay open");
    texts
}

#[test]
fn the_table_has_a_column_for_each_backend_and_a_value_in_each_row_and_nothing_is_left() {
    let place = Place::empty();
    let ran = tiny(&place, &[]).go().ok();
    assert_eq!(ran.err, "", "no progress where stderr is no terminal");
    let (about, table) = ran.out.split_once("\n\n").expect("an empty line before the table");
    for part in ["256 nodes", "16,384 bytes", "warm", "durable"] {
        assert!(about.contains(part), "{part}: {ran}");
    }
    let mut lines = table.split("\n\n").next().expect("a table").lines();
    let heads: Vec<&str> = lines.next().expect("a head").split_whitespace().collect();
    assert_eq!(heads, super::place::BACKENDS);
    let rows: Vec<&str> = lines.collect();
    assert_eq!(rows.len(), READS.len() + WRITES.len(), "{ran}");
    for what in
        ["random page", "neighbours", "BFS", "scan", "by key", "load", "commit one edge", "bare durable"]
    {
        assert!(rows.iter().any(|row| row.contains(what)), "{what}: {ran}");
    }
    assert!(place.listing().is_empty(), "{:?}", place.listing());
}

#[test]
fn json_is_one_object_with_every_row_and_the_active_backends() {
    let place = Place::empty();
    let json = tiny(&place, &["--json"]).go().ok().json();
    assert_eq!((&json["nodes"], &json["page_size"]), (&json!(256), &json!(16384)));
    assert!(json["edges"].as_u64().expect("a number") > 512);
    let names: Vec<_> = json["backends"].as_array().expect("columns").iter().map(|b| &b["name"]).collect();
    assert_eq!(names, super::place::BACKENDS);
    let rows = json["rows"].as_array().expect("rows");
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().expect("an id")).collect();
    assert!(READS.iter().chain(&WRITES).all(|id| ids.contains(id)) && ids.len() == 12, "{ids:?}");
    for backend in backends() {
        let head = json["backends"].as_array().unwrap().iter().find(|b| b["name"] == backend).unwrap();
        assert_eq!((&head["active"], &head["fallback"]), (&json!(backend), &json!(null)));
        for row in rows {
            let value = row["values"][backend].as_f64().unwrap_or_else(|| panic!("no value in {row}"));
            assert!(value > 0.0, "{row}");
            let is_time = row["unit"] == "seconds";
            assert!(!is_time || value < 1.0, "a step of a tiny store is short: {row}");
        }
    }
    assert!(place.listing().is_empty(), "{:?}", place.listing());
}

#[test]
fn the_drawing_is_xml_and_names_every_backend() {
    let place = Place::empty();
    let path = place.path().join("bench.svg");
    tiny(&place, &["--svg", path.to_str().unwrap()]).go().ok();
    let svg = fs::read_to_string(&path).expect("drawn");
    let texts = texts(&svg);
    for what in super::place::BACKENDS.iter().chain(&["read a random page", "longer is faster"]) {
        assert!(texts.contains(what), "{what}: {svg}");
    }
    let values = texts.iter().filter(|text| text.ends_with(" µs")).count();
    assert!(values >= 6 * backends().len(), "a value for each time: {svg}");
    assert_eq!(place.listing(), ["bench.svg"]);
}

#[test]
fn a_store_that_is_named_is_only_read() {
    let place = Place::small();
    let before = fs::read(place.store()).expect("readable");
    let listing = place.listing();
    for more in ["", " --json", " --direct"] {
        let ran = place.run(&format!("bench STORE --rounds 1{more}")).go().ok();
        assert!(!ran.out.contains("commit_1") && !ran.out.contains("load a graph"), "{ran}");
        assert!(fs::read(place.store()).expect("readable") == before, "not a byte changed");
        assert_eq!(place.listing(), listing);
        if more.is_empty() {
            assert!(ran.out.contains("6 nodes, 6 edges") && ran.out.contains("left out"), "{ran}");
        }
    }
}

#[test]
fn stores_without_keys_or_edges_or_nodes_have_the_rows_that_they_can_have() {
    let place = Place::empty();
    let rows = |name: &str| {
        let path = place.path().join(name);
        let json = foliograph(["bench", path.to_str().unwrap(), "--rounds", "1", "--json"]).go().ok().json();
        let rows = json["rows"].as_array().expect("rows").iter();
        rows.map(|row| (row["id"].as_str().unwrap().to_owned(), row["what"].to_string())).collect::<Vec<_>>()
    };
    let path = |name: &str| place.path().join(name);
    Options::new().create(path("empty")).unwrap().close().unwrap();
    assert_eq!(rows("empty").len(), 2, "pages only");
    let db = Options::new().create(path("nodes")).unwrap();
    let mut tx = db.begin_write().unwrap();
    tx.insert_node("n", NewNode::default()).unwrap();
    tx.commit().unwrap();
    db.close().unwrap();
    let found = rows("nodes");
    assert_eq!(found.len(), 3, "no edges: {found:?}");
    assert!(found[2].1.contains("by id"), "{found:?}");
    let edges = place.file("edges.txt", "1 2\n2 3\n18446744073709551614 1\n");
    foliograph(["import", path("edges").to_str().unwrap(), edges.as_str()]).go().ok();
    assert_eq!(rows("edges").len(), READS.len());
}

#[test]
fn a_store_that_needs_recovery_is_not_touched() {
    let place = Place::empty();
    let path = place.path().join("open.folio");
    let db = Options::new().background(false).create(&path).unwrap();
    let mut tx = db.begin_write().unwrap();
    tx.add_node("n", 1, props! {}).unwrap();
    tx.commit().unwrap();
    fs::copy(&path, place.store()).unwrap();
    db.close().unwrap();
    let before = fs::read(place.store()).unwrap();
    place.run("bench STORE --rounds 1").go().fails(1, &["recover"]);
    assert!(fs::read(place.store()).unwrap() == before);
}

#[test]
fn a_backend_that_cannot_run_is_a_column_that_says_why_and_alone_an_error() {
    let place = Place::empty();
    let ran = tiny(&place, &["--direct"]).go().ok();
    assert!(ran.out.contains("mmap: ") && ran.out.contains("no direct I/O"), "{ran}");
    let json = tiny(&place, &["--direct", "--json"]).go().ok().json();
    let mmap = &json["backends"][1];
    assert_eq!((&mmap["name"], &mmap["active"]), (&json!("mmap"), &json!(null)));
    assert!(mmap["cannot_run"].as_str().expect("a reason").contains("direct"), "{mmap}");
    assert!(json["rows"].as_array().unwrap().iter().all(|row| row["values"]["mmap"].is_null()));
    tiny(&place, &["--direct", "--backend", "mmap"]).go().fails(1, &["mmap", "direct"]);
    assert!(place.listing().is_empty(), "{:?}", place.listing());
}

#[test]
fn auto_says_what_it_took() {
    let place = Place::empty();
    let json = tiny(&place, &["--backend", "auto", "--json"]).go().ok().json();
    let heads = json["backends"].as_array().expect("a column");
    assert_eq!((heads.len(), &heads[0]["name"]), (1, &json!("auto")));
    let active = heads[0]["active"].as_str().expect("one runs");
    let ran = tiny(&place, &["--backend", "auto"]).go().ok();
    assert!(ran.out.contains(&format!("auto: {active}")), "{ran}");
}

#[test]
fn wrong_words_are_wrong_usage_and_wrong_places_fail_without_a_trace() {
    let place = Place::small();
    for words in ["--scale 7", "--scale 23", "--scale x", "--rounds 0", "--dir", "--commits 3"] {
        foliograph(["bench"].into_iter().chain(words.split(' '))).go().fails(2, &[]);
    }
    for line in
        ["bench STORE --scale 9", "bench STORE --dir .", "bench STORE STORE", "bench STORE --svg STORE"]
    {
        place.run(line).go().fails(2, &[]);
    }
    place.run("bench nowhere.folio").go().fails(1, &["nowhere.folio"]);
    let nowhere = place.path().join("no/where");
    let nowhere = nowhere.to_str().unwrap();
    foliograph(["bench", "--scale", "8", "--dir", nowhere]).go().fails(1, &["no/where"]);
    tiny(&place, &["--svg", nowhere]).go().fails(1, &["no/where"]);
    assert_eq!(place.listing().len(), 3, "the store and what it was made of: {:?}", place.listing());
}
