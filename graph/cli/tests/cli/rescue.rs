//! `recover` and `compact`: what is saved of a damaged store, and what is given back of a loose one.

use super::place::{Place, backends};
use super::run::{Ran, foliograph};
use serde_json::{Value as Json, json};

/// A store of 4 KiB pages whose trees have several leaves, and its path.
fn store(nodes: u32) -> Place {
    let place = Place::empty();
    let node = |i: u32| json!({ "label": "n", "key": i });
    let mut lines = Vec::new();
    for i in 0..nodes {
        let props = json!({ "text": "x".repeat(60), "i": i });
        lines.push(json!({ "op": "add_node", "label": "n", "key": i, "props": props }));
    }
    for i in 0..nodes {
        let props = json!({ "why": "y".repeat(20) });
        lines.push(json!({ "op": "add_edge", "from": node(i), "type": "next", "to": node((i + 1) % nodes), "props": props }));
    }
    apply(&place, &lines);
    place
}

fn apply(place: &Place, lines: &[Json]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let args = ["apply", place.store_name(), "-", "--commit-every", "500", "--page-size", "4096"];
    foliograph(args).stdin(text).go().ok();
}

/// Where the store is saved into.
fn to(place: &Place) -> String {
    place.path().join("saved.folio").into_os_string().into_string().expect("UTF-8")
}

fn exported(path: &str) -> String {
    ["--nodes", "--edges"].map(|what| foliograph(["export", path, what, "-"]).go().ok().out).concat()
}

/// A page of this kind and owner.
fn page_of(place: &Place, kind: &str, owner: &str) -> u64 {
    let pages = place.run("pages STORE --json").go().ok().objects();
    let found = pages.iter().rfind(|page| page["kind"] == kind && page["owner"] == owner);
    found.unwrap_or_else(|| panic!("no page of {owner}"))["id"].as_u64().expect("an id")
}

/// Overwrites a page.
fn destroy(place: &Place, page: u64) {
    let mut bytes = std::fs::read(place.store()).expect("the store is there");
    bytes[page as usize * 4096..][..4096].fill(0xee);
    std::fs::write(place.store(), bytes).expect("the store can be written");
}

fn recover(place: &Place, more: &[&str]) -> Ran {
    let _ = std::fs::remove_file(to(place));
    let to = to(place);
    let mut args = vec!["recover", place.store_name(), &to];
    args.extend(more);
    foliograph(args).go()
}

fn sound(path: &str) {
    foliograph(["check", path]).go().says("ok\n");
}

#[test]
fn a_whole_store_is_saved_whole() {
    let place = store(300);
    let before = std::fs::read(place.store()).expect("readable");
    let ran = recover(&place, &[]).ok();
    let rows: Vec<String> =
        ran.out.lines().map(|line| line.split("  ").next().unwrap_or("").to_owned()).collect();
    let names = [
        "version",
        "nodes saved",
        "nodes without properties",
        "nodes of which only the id is left",
        "edges saved",
        "nodes lost",
        "edges lost",
        "long values lost",
        "names lost",
        "entries left out",
        "unreadable pages",
    ];
    assert_eq!(rows, names, "{ran}");
    assert_eq!(ran.err, "", "{ran}");
    sound(&to(&place));
    assert_eq!(exported(&to(&place)), exported(place.store_name()));
    assert!(std::fs::read(place.store()).expect("readable") == before, "the damaged store is only read");
}

#[test]
fn what_is_not_on_the_damaged_page_is_saved_and_the_rest_is_told() {
    for backend in backends() {
        let place = store(300);
        let page = page_of(&place, "node", "nodes");
        let whole = exported(place.store_name());
        destroy(&place, page);
        let report = recover(&place, &["--json", "--backend", backend]).ok().json();
        let mut keys: Vec<&str> = report.as_object().expect("an object").keys().map(String::as_str).collect();
        keys.sort_unstable();
        let promised = ["lost", "notes", "old_versions", "saved", "seconds", "unreadable", "version"];
        assert_eq!(keys, promised, "{report}");
        assert_eq!(report["unreadable"][0]["page"], json!(page), "{report}");
        assert_eq!(report["unreadable"][0]["owner"], json!("nodes"));
        let (whole_nodes, by_key) = (
            report["saved"]["nodes"].as_u64().unwrap(),
            report["saved"]["nodes_from_keys"].as_u64().unwrap(),
        );
        assert!(by_key > 10, "{report}");
        assert_eq!((whole_nodes + by_key, &report["saved"]["edges"]), (300, &json!(300)), "{report}");
        assert_eq!((&report["lost"]["nodes"], &report["lost"]["edges"]), (&json!(0), &json!(0)), "{report}");
        sound(&to(&place));
        let saved = exported(&to(&place));
        let missing = whole.lines().filter(|line| !saved.contains(line)).count() as u64;
        assert_eq!(missing, by_key, "only the rows of nodes on that page differ");
    }
}

#[test]
fn a_store_that_cannot_be_opened_is_saved_too() {
    let place = store(300);
    let whole = exported(place.store_name());
    for page in [1, page_of(&place, "map index", "allocation map"), page_of(&place, "inner", "nodes"), 3] {
        destroy(&place, page);
    }
    assert_eq!(place.run("get STORE 7").go().code, 1);
    let ran = recover(&place, &[]).ok();
    assert!(ran.err.contains("root record A is damaged in both copies"), "{ran}");
    assert!(ran.out.contains("page 1 (root record)"), "{ran}");
    sound(&to(&place));
    let saved = exported(&to(&place));
    assert!(whole.lines().all(|line| saved.contains(line)), "{ran}");
}

#[test]
fn nothing_is_overwritten_and_a_recovery_that_fails_leaves_nothing() {
    let place = Place::small();
    let bytes = std::fs::read(place.store()).expect("readable");
    let other = place.file("other.txt", "mine");
    for to in [place.store_name(), &other] {
        let ran = foliograph(["recover", place.store_name(), to]).go();
        assert_eq!(ran.code, 1, "{ran}");
    }
    assert!(std::fs::read(place.store()).expect("readable") == bytes);
    assert_eq!(std::fs::read(&other).expect("readable"), b"mine");
    let to = to(&place);
    foliograph(["recover", "absent.folio", &to]).go().fails(1, &["absent.folio"]);
    foliograph(["recover", &other, &to]).go().fails(1, &["not a Foliograph store"]);
    // The superblock says whose it is, but nothing says what it holds.
    (1..5).for_each(|page| destroy(&place, page));
    foliograph(["recover", place.store_name(), &to]).go().fails(1, &["no root record"]);
    assert!(!place.listing().contains(&"saved.folio".to_owned()), "{:?}", place.listing());
    foliograph(["recover", place.store_name()]).go().fails(2, &["TO"]);
}

#[test]
fn the_older_root_can_be_asked_for() {
    let place = store(20);
    let report = recover(&place, &["--json", "--older-root"]).ok().json();
    assert!(report["saved"]["nodes"].as_u64().expect("a number") <= 20, "{report}");
    sound(&to(&place));
}

#[test]
fn compact_gives_back_what_was_deleted_and_keeps_the_rest() {
    for backend in backends() {
        let place = store(2000);
        let gone = (0..2000).filter(|i| i % 20 != 0);
        let lines: Vec<Json> = gone
            .map(|i| json!({ "op": "delete_node", "node": { "label": "n", "key": i }, "detach": true }))
            .collect();
        apply(&place, &lines);
        let before = exported(place.store_name());
        let ran = foliograph(["compact", place.store_name(), "--backend", backend, "--json"]).go().ok();
        let report = ran.json();
        let bytes = std::fs::metadata(place.store()).expect("it is there").len();
        assert_eq!(report.as_object().expect("an object").len(), 2, "{report}");
        assert_eq!(report["after"], json!(bytes), "{report}");
        assert!(report["before"].as_u64() >= Some(bytes), "{report}");
        assert_eq!(exported(place.store_name()), before);
        sound(place.store_name());
        let text = foliograph(["compact", place.store_name()]).go().ok().out;
        let rows: Vec<&str> = text.lines().map(|line| line.split(' ').next().unwrap_or("")).collect();
        assert_eq!(rows, ["before", "after"], "{text}");
        assert_eq!(exported(place.store_name()), before);
    }
    foliograph(["compact", "absent.folio"]).go().fails(1, &["absent.folio"]);
}
