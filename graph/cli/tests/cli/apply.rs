//! Changes as JSON lines: every operation, transactions of many lines, acknowledgements; and a bad line, which stops it
//! with its number and takes its transaction with it.

use super::place::{Place, backends, gzip};
use super::run::{Ran, foliograph};
use rstest::rstest;
use serde_json::{Value as Json, json};

fn apply(place: &Place, lines: &[Json], more: &[&str]) -> Ran {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    foliograph(["apply", place.store_name(), "-"].iter().chain(more)).stdin(text).go()
}

fn person(key: &str) -> Json {
    json!({ "label": "person", "key": key })
}

fn add(key: &str) -> Json {
    json!({ "op": "add_node", "label": "person", "key": key })
}

fn get(place: &Place, node: &str) -> Json {
    place.run(&format!("get STORE {node} --json")).go().ok().json()
}

fn neighbors(place: &Place, node: &str) -> Vec<Json> {
    place.run(&format!("neighbors STORE {node} --json")).go().ok().objects()
}

/// Two people and two parallel edges, made line by line.
fn two() -> Place {
    let place = Place::empty();
    let lines = [
        json!({ "op": "add_node", "label": "person", "key": "ada", "props": { "born": 1815, "tags": ["a"] } }),
        json!({ "op": "add_node", "label": "person", "key": "charles", "id": 7 }),
        json!({ "op": "add_edge", "from": person("ada"), "type": "knows", "to": { "id": 7 }, "props": { "since": 1833 } }),
        json!({ "op": "add_edge", "from": person("ada"), "type": "knows", "to": person("charles") }),
    ];
    apply(&place, &lines, &[]).ok();
    place
}

#[test]
fn the_store_is_created_where_there_is_none() {
    for backend in backends() {
        let place = Place::empty();
        let ran = apply(&place, &[add("ada")], &["--page-size", "4096", "--backend", backend, "--json"]).ok();
        assert_eq!(ran.json(), json!({ "changes": 1, "commits": 1 }));
        assert_eq!(place.run("stats STORE --json").go().ok().json()["page_size"], json!(4096));
        place.run("nodes STORE").go().says("ada\n");
        assert_eq!(place.listing(), ["store.folio"], "one file");
    }
}

#[test]
fn nodes_and_edges_are_added_with_ids_and_ranks_of_ones_own() {
    let place = two();
    assert_eq!(get(&place, "@7")["key"], json!("charles"));
    let ranks: Vec<Json> = neighbors(&place, "ada").iter().map(|n| n["rank"].clone()).collect();
    assert_eq!(ranks, [json!(0), json!(1)], "parallel edges get ranks");
    let edge =
        json!({ "op": "add_edge", "from": { "id": 7 }, "type": "knows", "to": { "id": 7 }, "rank": 9 });
    apply(&place, std::slice::from_ref(&edge), &[]).ok();
    assert_eq!(neighbors(&place, "charles")[0]["rank"], json!(9));
    apply(&place, &[edge], &[]).fails(1, &["stdin:1"]);
    let at_the_end = json!({ "op": "add_node", "label": "person", "id": u64::MAX - 1 });
    apply(&place, &[at_the_end], &[]).ok();
    assert_eq!(place.run("nodes STORE --json").go().ok().objects().len(), 3);
}

#[test]
fn upsert_makes_a_node_or_changes_it() {
    let place = two();
    let upsert =
        |key, props: Json| json!({ "op": "upsert_node", "label": "person", "key": key, "props": props });
    apply(
        &place,
        &[upsert("ada", json!({ "born": 1816, "died": 1852 })), upsert("eve", json!({ "born": 1 }))],
        &[],
    )
    .ok();
    assert_eq!(get(&place, "ada")["props"], json!({ "born": 1816, "tags": ["a"], "died": 1852 }));
    assert_eq!(get(&place, "eve")["props"], json!({ "born": 1 }));
    assert_eq!(neighbors(&place, "ada").len(), 2, "its edges stay");
}

#[test]
fn properties_of_nodes_and_edges_are_set_and_removed() {
    let place = two();
    let edge = json!({ "from": person("ada"), "type": "knows", "to": { "id": 7 }, "rank": 0 });
    let lines = [
        json!({ "op": "set", "node": person("ada"), "props": { "born": null, "name": "Ada" } }),
        json!({ "op": "set", "edge": edge, "props": { "since": null, "how": "by letter" } }),
        json!({ "op": "set", "node": { "id": 7 }, "props": { "long": "x".repeat(100_000) } }),
    ];
    apply(&place, &lines, &["--commit-every", "3"]).ok();
    assert_eq!(get(&place, "ada")["props"], json!({ "tags": ["a"], "name": "Ada" }));
    assert_eq!(neighbors(&place, "ada")[0]["props"], json!({ "how": "by letter" }));
    assert_eq!(neighbors(&place, "ada")[1]["props"], json!({}), "the parallel edge stays as it was");
    assert_eq!(get(&place, "charles")["props"]["long"], json!("x".repeat(100_000)));
    place.run("check STORE").go().says("ok\n");
}

#[test]
fn every_type_of_value_comes_back() {
    let place = Place::empty();
    let props: Json = serde_json::from_str(
        r#"{"int":1,"float":1.0,"tiny":-5e-324,"inf":{"$float":"inf"},"minus":{"$float":"-inf"},"nan":{"$float":"nan"},
            "date":{"$date":"2026-01-31"},"time":{"$timestamp":"2026-01-31T12:00:00Z"},"bytes":{"$bytes":"AAEC"},
            "list":[1,2.5,"x",null,true,{"$date":"2026-01-31"}],"empty":[],"text":"\u0000\n\"","no":false}"#,
    )
    .unwrap();
    apply(&place, &[json!({ "op": "add_node", "label": "a", "key": 1, "props": props })], &[]).ok();
    let back = get(&place, "a/1");
    assert_eq!(back["props"], props);
    assert!(back["props"].to_string().contains("\"float\":1.0"), "a float stays a float: {back}");
}

#[test]
fn edges_and_nodes_are_deleted() {
    let place = two();
    let edge = |rank: u32| json!({ "op": "delete_edge", "from": person("ada"), "type": "knows", "to": { "id": 7 }, "rank": rank });
    apply(&place, &[edge(1)], &[]).ok();
    assert_eq!(neighbors(&place, "ada").len(), 1);
    apply(&place, &[edge(1)], &[]).fails(1, &["stdin:1"]);
    let delete = |detach: bool| json!({ "op": "delete_node", "node": { "id": 7 }, "detach": detach });
    let refused = apply(&place, &[delete(false)], &[]).fails(1, &["stdin:1", "7", "edges"]);
    assert!(refused.hint().contains("detach"), "{refused}");
    assert_eq!(neighbors(&place, "ada").len(), 1, "the refused delete changed nothing");
    apply(&place, &[delete(true)], &[]).ok();
    assert_eq!(neighbors(&place, "ada").len(), 0);
    place.run("get STORE charles").go().fails(4, &["charles"]);
    apply(&place, &[json!({ "op": "delete_node", "node": person("ada") })], &[]).ok();
    place.run("nodes STORE").go().says("");
    place.run("check STORE").go().says("ok\n");
}

#[test]
fn an_edge_type_becomes_undirected() {
    let place = Place::empty();
    let lines = [
        json!({ "op": "edge_type", "type": "near", "undirected": true }),
        add("a"),
        add("b"),
        json!({ "op": "add_edge", "from": person("a"), "type": "near", "to": person("b") }),
    ];
    apply(&place, &lines, &["--commit-every", "10"]).ok();
    place.run("neighbors STORE b").go().says("a\tnear\n");
    place.run("degree STORE a").go().says("1\n");
}

#[test]
fn indexes_are_made_and_dropped() {
    let place = two();
    let index = |op: &str| json!({ "op": op, "label": "person", "property": "born", "unique": true });
    let of_edges = json!({ "op": "create_index", "type": "knows", "property": "since" });
    apply(&place, &[index("create_index"), of_edges], &[]).ok();
    place.run("index STORE list").go().says("label\tperson\tborn\t1\tunique\ntype\tknows\tsince\t1\n");
    apply(&place, &[index("create_index")], &[]).fails(1, &["stdin:1", "person.born"]);
    let twin = json!({ "op": "add_node", "label": "person", "key": "twin", "props": { "born": 1815 } });
    apply(&place, std::slice::from_ref(&twin), &[]).fails(1, &["stdin:1", "person.born is unique"]);
    apply(&place, &[index("drop_index"), twin], &[]).ok();
    apply(&place, &[index("create_index")], &[]).fails(1, &["stdin:1", "unique", "1815"]);
    place.run("check STORE").go().says("ok\n");
}

#[test]
fn acknowledgements_come_after_each_commit_and_name_the_last_line() {
    let place = Place::empty();
    let lines: Vec<Json> = (0..7).map(|i| add(&format!("n{i}"))).collect();
    let ran = apply(&place, &lines, &["--acks", "--commit-every", "3", "--quiet"]);
    ran.says("committed 3\ncommitted 6\ncommitted 7\n");
    let text = format!("\n{}\n\n  \n{}\n", add("x"), add("y"));
    place.run("apply STORE - --acks --quiet").stdin(text).go().says("committed 2\ncommitted 5\n");
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    for backend in backends() {
        let place = Place::empty();
        let mut talk = foliograph(["apply", place.store_name(), "-", "--acks", "--backend", backend]).talk();
        for i in 0..5 {
            talk.say(&add(&format!("n{i}")).to_string());
            assert_eq!(talk.hear(), format!("committed {}", i + 1));
        }
        talk.kill();
        // Only the kernel closes a ring of a process that was killed, some moments later; until then it is in use.
        let freed = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while backend == "uring"
            && place.run("nodes STORE").go().code != 0
            && std::time::Instant::now() < freed
        {}
        // The first that reads it says that it was recovered.
        assert_eq!(place.run("nodes STORE").go().ok().out, "n0\nn1\nn2\nn3\nn4\n");
        place.run("check STORE").go().says("ok\n");
    }
}

#[test]
fn every_durability_and_size_of_log_within_its_limits_is_taken() {
    for durability in ["full", "relaxed", "checkpoint"] {
        let place = Place::empty();
        apply(&place, &[add("a"), add("b")], &["--durability", durability, "--log-size", "512KiB"]).ok();
        place.run("nodes STORE").go().says("a\nb\n");
        place.run("check STORE").go().says("ok\n");
    }
    let place = Place::empty();
    for size in ["0", "511KiB", "1025MiB", "much"] {
        apply(&place, &[], &["--log-size", size]).fails(2, &["--log-size", size]);
    }
    let refused = apply(&place, &[], &["--log-size", "4096"]);
    refused.fails(2, &["512KiB to 1GiB"]);
    apply(&place, &[], &["--durability", "some"]).fails(2, &["--durability", "some"]);
    assert!(place.listing().is_empty(), "nothing was created");
}

#[test]
fn a_bad_line_stops_it_and_nothing_of_its_transaction_stays() {
    let place = two();
    let lines = [add("a"), add("b"), add("c"), add("ada"), add("d")];
    let ran = apply(&place, &lines, &["--commit-every", "2", "--acks"]).fails(1, &["stdin:4", "person/ada"]);
    assert_eq!(ran.out, "committed 2\n");
    assert_eq!(names(&place).split('\n').count(), 4, "ada, charles, a and b; neither c nor d");
    for gone in ["c", "d"] {
        place.run(&format!("get STORE {gone}")).go().fails(4, &[gone]);
    }
    place.run("check STORE").go().says("ok\n");
}

fn names(place: &Place) -> String {
    place.run("nodes STORE").go().ok().out.trim_end().to_owned()
}

#[rstest]
#[case::no_json("{", "1")]
#[case::no_object("[1]", "list")]
#[case::no_operation(r#"{"op":"frobnicate"}"#, "frobnicate")]
#[case::a_misspelt_field(r#"{"op":"add_node","label":"a","prosp":{}}"#, "prosp")]
#[case::a_field_twice(r#"{"op":"add_node","label":"a","label":"b"}"#, "label")]
#[case::a_missing_field(r#"{"op":"add_node","key":"a"}"#, "label")]
#[case::an_id_beyond_u64(r#"{"op":"add_node","label":"a","id":18446744073709551616}"#, "64 bits")]
#[case::the_last_id(r#"{"op":"add_node","label":"a","id":18446744073709551615}"#, "18446744073709551614")]
#[case::an_id_that_is_taken(r#"{"op":"add_node","label":"a","id":7}"#, "7")]
#[case::a_key_that_is_taken(r#"{"op":"add_node","label":"person","key":"ada"}"#, "person/ada")]
#[case::an_unknown_node(r#"{"op":"set","node":{"label":"person","key":"eve"},"props":{}}"#, "person/eve")]
#[case::an_unknown_id(r#"{"op":"add_edge","from":{"id":7},"type":"knows","to":{"id":99}}"#, "@99")]
#[case::an_unknown_edge(r#"{"op":"delete_edge","from":{"id":7},"type":"knows","to":{"id":7}}"#, "knows")]
#[case::an_unknown_type(r#"{"op":"delete_edge","from":{"id":7},"type":"owes","to":{"id":7}}"#, "owes")]
#[case::an_index_over_nothing(r#"{"op":"create_index","property":"born"}"#, "a `label` or a `type`")]
#[case::an_index_that_is_not_there(
    r#"{"op":"drop_index","label":"person","property":"born"}"#,
    "person.born"
)]
#[case::a_nested_value(r#"{"op":"add_node","label":"a","props":{"p":[[1]]}}"#, "p")]
#[case::an_int_beyond_i64(
    r#"{"op":"add_node","label":"a","props":{"p":9223372036854775808}}"#,
    "9223372036854775808"
)]
#[case::a_date_that_is_none(
    r#"{"op":"add_node","label":"a","props":{"p":{"$date":"2026-02-30"}}}"#,
    "2026-02-30"
)]
#[case::an_empty_label(r#"{"op":"add_node","label":""}"#, "label")]
#[case::a_label_with_a_slash(r#"{"op":"add_node","label":"a/b"}"#, "a/b")]
#[case::deep_nesting(&"[".repeat(100_000), "1")]
fn every_bad_line_is_an_error_with_its_number(#[case] line: &str, #[case] part: &str) {
    let place = two();
    let text = format!("{}\n{line}\n{}\n", add("first"), add("last"));
    let ran = place.run("apply STORE - --commit-every 10").stdin(text).go().fails(1, &["stdin:2", part]);
    assert!(ran.err.len() < 2000, "a message one can read");
    place.run("get STORE first").go().fails(4, &["first"]);
    place.run("get STORE last").go().fails(4, &["last"]);
    assert_eq!(names(&place).lines().count(), 2);
    place.run("check STORE").go().says("ok\n");
}

#[test]
fn broken_utf8_is_named_by_line_and_column() {
    let place = two();
    let mut text = format!("{}\n", add("first")).into_bytes();
    text.extend(b"{\"op\":\"add_node\",\"label\":\"\xff\"}\n");
    place.run("apply STORE -").stdin(text).go().fails(1, &["stdin:2:27", "UTF-8"]);
    assert_eq!(names(&place).lines().count(), 3, "the line before was committed by itself");
}

#[test]
fn a_file_may_be_compressed_and_a_missing_one_creates_nothing() {
    let place = Place::empty();
    let absent = place.path().join("absent.jsonl");
    foliograph(["apply", place.store_name(), absent.to_str().unwrap()]).go().fails(1, &["absent.jsonl"]);
    foliograph(["apply", place.store_name(), place.path().to_str().unwrap()]).go().fails(1, &["directory"]);
    assert!(!place.store().exists());
    let packed = place.file("changes.jsonl.gz", gzip(format!("{}\n", add("ada")).as_bytes()));
    foliograph(["apply", place.store_name(), &packed]).go().ok();
    place.run("nodes STORE").go().says("ada\n");
}

#[test]
fn many_lines_in_one_transaction_with_little_memory() {
    let place = Place::empty();
    let mut text = String::new();
    for i in 0..20_000 {
        text += &format!(
            "{}\n",
            json!({ "op": "add_node", "label": "n", "key": i, "props": { "text": format!("value {i}") } })
        );
    }
    for i in 0..20_000 {
        let (from, to) = (json!({ "label": "n", "key": i }), json!({ "label": "n", "key": i * 7 % 20_000 }));
        text += &format!("{}\n", json!({ "op": "add_edge", "from": from, "type": "to", "to": to }));
    }
    let args = ["--commit-every", "1000000", "--memory", "1MiB", "--cache", "16p", "--page-size", "4096"];
    let ran =
        foliograph(["apply", place.store_name(), "-", "--json"].iter().chain(&args)).stdin(text).go().ok();
    assert_eq!(ran.json(), json!({ "changes": 40_000, "commits": 1 }));
    place.run("degree STORE n/1").go().says("1\n");
    place.run("check STORE").go().says("ok\n");
}
