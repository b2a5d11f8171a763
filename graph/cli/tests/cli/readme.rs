//! What README says works: its commands are commands, and `demo` shows a real graph stored and queried.

use super::place::{Place, backends, root};
use super::run::foliograph;
use serde_json::json;

#[test]
fn demo_stores_and_queries_a_real_graph_and_leaves_nothing() {
    let place = Place::empty();
    let ran = foliograph(["demo"]).env("TMPDIR", place.path().to_str().unwrap()).go().ok();
    for part in
        ["141,495", "478,625", "$ foliograph stats", "$ foliograph neighbors", "$ foliograph path", "libc6"]
    {
        assert!(ran.out.contains(part), "{part}: {ran}");
    }
    assert!(ran.out.lines().any(|line| line == "ok"), "its check is clean: {ran}");
    assert!(place.listing().is_empty(), "{:?}", place.listing());
}

#[test]
fn demo_keeps_the_store_where_one_is_named_on_every_backend() {
    for backend in backends() {
        let place = Place::empty();
        let ran = foliograph(["demo", place.store_name(), "--backend", backend]).go().ok();
        assert!(ran.out.lines().any(|line| line.starts_with("backend ") && line.ends_with(backend)), "{ran}");
        let stats = place.run("stats STORE --json").go().ok().json();
        assert_eq!((&stats["nodes"], &stats["edges"]), (&json!(141_495), &json!(478_625)));
        foliograph(["demo", place.store_name()]).go().fails(1, &["a store is there already", "store.folio"]);
        assert_eq!(
            place.run("stats STORE --json").go().ok().json(),
            stats,
            "the refused demo changed nothing"
        );
    }
}

#[test]
fn every_command_that_readme_shows_is_one() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README is there");
    let shown = readme.lines().filter_map(|line| line.strip_prefix("$ foliograph "));
    let mut count = 0;
    for line in shown {
        let command = line.split_whitespace().next().expect("a command");
        foliograph([command, "--help"]).go().ok();
        count += 1;
    }
    assert!(count >= 4, "README shows commands");
    foliograph(["help"]).go().ok();
}
