//! How nodes are named: `LABEL/KEY`, `KEY`, `@ID`, and a bare id in a store without keys. Output names a node so that
//! the name leads back to it.

use super::place::Place;
use super::run::foliograph;
use serde_json::json;

#[test]
fn label_and_key_key_alone_and_id_name_a_node() {
    let place = Place::small();
    for name in ["person/charles", "charles", "@2"] {
        let node = place.run(&format!("get STORE {name} --json")).go().ok().json();
        assert_eq!(node["id"], json!(2), "{name}");
    }
}

#[test]
fn the_first_slash_splits_and_keys_may_hold_more() {
    let place = Place::small();
    for name in ["a/b", "city/a/b"] {
        assert_eq!(place.run(&format!("get STORE {name} --json")).go().ok().json()["id"], json!(6), "{name}");
    }
    place.run("get STORE person/a/b").go().fails(4, &["person/a/b"]);
}

#[test]
fn a_word_that_several_nodes_bear_lists_them() {
    let place = Place::small();
    for line in
        ["get STORE ada", "bfs STORE ada", "path STORE mary ada", "degree STORE ada", "neighbors STORE ada"]
    {
        place.run(line).go().fails(1, &["`ada`", "person/ada", "city/ada"]);
    }
}

#[test]
fn a_bare_integer_is_no_id_in_a_store_with_keys() {
    let place = Place::small();
    let ran = place.run("get STORE 2").go().fails(4, &["`2`"]);
    assert!(ran.hint().contains("@2"), "{ran}");
}

#[test]
fn a_bare_integer_is_an_id_in_a_store_without_keys() {
    let place = Place::empty();
    let list = place.file("edges.txt", "7 8\n8 18446744073709551614\n");
    foliograph(["import", place.store_name(), &list]).go().ok();
    place.run("neighbors STORE 7").go().says("8\tedge\n");
    place.run("neighbors STORE @7").go().says("8\tedge\n");
    place.run("bfs STORE 7").go().says("7\t0\n8\t1\n18446744073709551614\t2\n");
    assert_eq!(
        place.run("get STORE 18446744073709551614 --json").go().ok().json()["id"],
        json!(u64::MAX - 1)
    );
    for unknown in ["9", "@9", "x", "-1", "18446744073709551615", "18446744073709551616", "@", ""] {
        let ran = foliograph(["get", place.store_name(), "--", unknown]).go();
        ran.fails(4, &[&format!("`{unknown}`")]);
    }
}

#[test]
fn nodes_without_a_key_are_named_by_id_where_others_have_keys() {
    let place = Place::empty();
    let lines = r#"{"op":"add_node","label":"a","key":"x"}
{"op":"add_node","label":"a","id":9}
{"op":"add_node","label":"a","key":9}
{"op":"add_node","label":"a","key":"@9"}
"#;
    place.run("apply STORE -").stdin(lines).go().ok();
    let listed = place.run("nodes STORE").go().ok().out;
    assert!(listed.lines().any(|name| name == "@9"), "{listed}");
    // Whatever is printed leads back to its node.
    let ids: Vec<_> = place.run("nodes STORE --json").go().ok().objects();
    for (name, node) in listed.lines().zip(ids) {
        let found = foliograph(["get", place.store_name(), name, "--json"]).go().ok().json();
        assert_eq!(found["id"], node["id"], "{name}");
    }
}

#[test]
fn every_name_that_is_printed_leads_back() {
    let place = Place::empty();
    let awkward = ["a", "b/c", "x y", "@1", "7", "-", "--json", "\u{fc}\u{1f980}", "'", "\\"];
    let mut lines = String::new();
    for label in ["p", "q"] {
        for key in awkward.iter().skip(usize::from(label == "q") * 5) {
            lines += &format!("{}\n", json!({ "op": "add_node", "label": label, "key": key }));
        }
        lines += &format!("{}\n", json!({ "op": "add_node", "label": label, "key": 7 }));
        lines += &format!("{}\n", json!({ "op": "add_node", "label": label, "key": -7 }));
    }
    place.run("apply STORE - --commit-every 100").stdin(lines).go().ok();
    let listed = place.run("nodes STORE").go().ok().out;
    let objects = place.run("nodes STORE --json").go().ok().objects();
    assert_eq!(listed.lines().count(), objects.len());
    for (name, object) in listed.lines().zip(objects) {
        let found = foliograph(["get", place.store_name(), "--json", "--", name]).go().ok().json();
        assert_eq!(found["id"], object["id"], "{name}");
    }
}

#[test]
fn a_name_with_control_characters_stays_on_its_line() {
    let place = Place::empty();
    let lines = "{\"op\":\"add_node\",\"label\":\"a\",\"key\":\"two\\nlines\\tand a tab\"}\n";
    place.run("apply STORE -").stdin(lines).go().ok();
    assert_eq!(place.run("nodes STORE").go().ok().out.lines().count(), 1);
    let node = foliograph(["get", place.store_name(), "two\nlines\tand a tab", "--json"]).go().ok().json();
    assert_eq!(node["key"], json!("two\nlines\tand a tab"));
    foliograph(["get", place.store_name(), "no\nsuch"]).go().fails(4, &["no"]);
}
