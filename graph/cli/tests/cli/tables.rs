//! Input and output formats: what a header says, what fields hold, and that export and import are inverses.

use super::place::{Place, unpacked};
use super::run::foliograph;
use serde_json::json;

/// Imports `files` (name, content) of nodes and edges into a place of their own.
fn imported(files: &[(&str, &str)], more: &[&str]) -> Place {
    let place = Place::empty();
    let paths: Vec<String> = files.iter().map(|(name, content)| place.file(name, content)).collect();
    let args = ["import", place.store_name()].into_iter().chain(paths.iter().map(String::as_str));
    foliograph(args.chain(more.iter().copied())).go().ok();
    place
}

/// Lines that make a store with all there is: every type of value, awkward texts, keys of both kinds and none, parallel
/// edges with gaps in their ranks, self-loops, undirected types, labels and types with odd names.
fn everything() -> String {
    let mut lines = Vec::new();
    let texts = [
        "",
        "\\",
        "\\N",
        "\\e",
        "a;b",
        "a\\;b",
        "\"quoted\"",
        "tab\there",
        "line\nbreak\r\n",
        " ",
        "\u{1f980}",
        "null",
        ",",
    ];
    for (i, text) in texts.iter().enumerate() {
        lines.push(json!({ "op": "add_node", "label": "text", "key": text, "props": { "text": text, "list": [text, text], "n": i } }));
    }
    let all: serde_json::Value = serde_json::from_str(
        r#"{"int": -9223372036854775808, "float": 0.1, "whole": 1.0, "big": 1e300, "inf": {"$float": "-inf"},
            "nan": {"$float": "nan"}, "yes": true, "no": false, "day": {"$date": "0001-02-03"},
            "time": {"$timestamp": "2026-01-31T12:00:00.000001Z"}, "bytes": {"$bytes": "AP8="}, "none": {"$bytes": ""},
            "empty": [], "ints": [1, 2, 3], "floats": [1.5, {"$float": "inf"}], "mixed nulls": [null, "a", null, ""],
            "days": [{"$date": "1970-01-01"}], "list of one": [""], "a:b": 1, "naïve": "ü"}"#,
    )
    .unwrap();
    lines.push(json!({ "op": "add_node", "label": "odd;la,bel", "id": 1_000_000, "props": all }));
    lines.push(json!({ "op": "add_node", "label": "keyed", "key": 42, "props": { "n": "a string where others have ints" } }));
    lines.push(json!({ "op": "add_node", "label": "keyed", "key": "42" }));
    lines.push(json!({ "op": "add_node", "label": "plain", "id": u64::MAX - 1 }));
    let edge = |from: u64, of: &str, to: u64, rank: u32, props: &serde_json::Value| json!({ "op": "add_edge", "from": { "id": from }, "type": of, "to": { "id": to }, "rank": rank, "props": props });
    lines.push(json!({ "op": "edge_type", "type": "near by", "undirected": true }));
    for (rank, to) in [(0, 1), (1, 1), (7, 1), (0, 0), (0, 1_000_000), (0, u64::MAX - 1)] {
        lines.push(edge(0, "to", to, rank, &json!({})));
        lines.push(edge(0, "odd;ty,pe\"", to, rank, &all));
        lines.push(edge(to, "near by", 2, rank, &json!({ "n": rank })));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn export_then_import_gives_an_equal_store() {
    let place = Place::empty();
    place.run("apply STORE - --commit-every 1000").stdin(everything()).go().ok();
    for format in ["csv", "tsv"] {
        let (nodes, edges) = (format!("nodes.{format}"), format!("edges.{format}"));
        let (nodes, edges) = (place.path().join(nodes), place.path().join(edges));
        let [nodes, edges] = [nodes.to_str().unwrap(), edges.to_str().unwrap()];
        let report = foliograph(["export", place.store_name(), "--nodes", nodes, "--edges", edges, "--json"])
            .go()
            .ok();
        assert_eq!(report.json(), json!({ "nodes": 17, "edges": 18 }));
        let copy = Place::empty();
        foliograph(["import", copy.store_name(), nodes, edges]).go().ok();
        copy.run("check STORE").go().says("ok\n");
        // Every node with its properties and edges, as JSON: types and ranks count, not only how they are written.
        for node in place.run("nodes STORE --json").go().ok().objects() {
            let id = node["id"].as_u64().unwrap();
            for line in
                [format!("get STORE @{id} --json"), format!("neighbors STORE @{id} --json --direction both")]
            {
                let (before, after) = (place.run(&line).go().ok().out, copy.run(&line).go().ok().out);
                assert_eq!(sorted_props(&before), sorted_props(&after), "{format}: {line}");
            }
        }
        let flags =
            |place: &Place| place.run("stats STORE --json").go().ok().json()["undirected_types"].clone();
        assert_eq!(flags(&copy), json!(["near by"]));
        assert_eq!(flags(&copy), flags(&place));
        for (what, path) in [("--nodes", nodes), ("--edges", edges)] {
            let again =
                foliograph(["export", copy.store_name(), what, "-", "--format", format]).go().ok().out;
            assert_eq!(again, std::fs::read_to_string(path).unwrap(), "{format} {what}");
        }
    }
}

/// Lines of JSON with the properties in a fixed order.
fn sorted_props(lines: &str) -> Vec<String> {
    let sorted = |line: &str| {
        let mut object: serde_json::Value = serde_json::from_str(line).unwrap();
        let props = object["props"].as_object().unwrap().clone();
        let mut props: Vec<_> = props.into_iter().collect();
        props.sort_by(|a, b| a.0.cmp(&b.0));
        object["props"] = json!(props);
        object.to_string()
    };
    lines.lines().map(sorted).collect()
}

#[test]
fn an_edge_list_leaves_and_comes_back_with_its_weights() {
    let place =
        imported(&[("e.txt", "# a comment\n% another\r\n3 1 10\r\n1,2,20\n\n2\t3\t-30\n3 1 5\n")], &[]);
    place
        .run("export STORE --edges - --format edgelist")
        .go()
        .says("1\t2\t20\n2\t3\t-30\n3\t1\t10\n3\t1\t5\n");
    let floats = imported(&[("e.txt", "1 2 1\n2 3 2.5\n")], &[]);
    floats.run("neighbors STORE 1 --properties").go().says("2\tedge\t{\"weight\":1.0}\n");
    let ints = imported(&[("e.txt", "1 2 1\n2 3 2\n")], &[]);
    ints.run("neighbors STORE 1 --properties").go().says("2\tedge\t{\"weight\":1}\n");
}

#[test]
fn an_edge_list_refuses_to_drop_what_it_cannot_hold_and_says_what_it_drops() {
    let place = Place::small();
    let refused =
        place.run("export STORE --edges - --format edgelist").go().fails(1, &["labels", "edge types"]);
    assert!(refused.hint().contains("--lossy") && refused.out.is_empty(), "{refused}");
    let path = place.path().join("kept.txt");
    std::fs::write(&path, "precious").unwrap();
    foliograph(["export", place.store_name(), "--edges", path.to_str().unwrap()]).go().fails(1, &[]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious", "a refused export leaves the file alone");
    let lossy = place.run("export STORE --edges - --format edgelist --lossy").go().ok();
    assert_eq!(lossy.out.lines().count(), 6);
    assert!(lossy.err.contains("dropped"), "{lossy}");
}

#[test]
fn integers_are_ids_words_are_keys_and_one_word_decides_for_all() {
    let ids = imported(&[("e.txt", "10 20\n20 30\n")], &[]);
    ids.run("bfs STORE 10").go().says("10\t0\n20\t1\n30\t2\n");
    assert_eq!(ids.run("get STORE 20 --json").go().ok().json()["key"], json!(null));
    let keys = imported(&[("e.txt", "10 20\n20 x\n")], &[]);
    keys.run("bfs STORE 10").go().says("10\t0\n20\t1\nx\t2\n");
    assert_eq!(keys.run("get STORE 20 --json").go().ok().json()["key"], json!("20"));
    let asked = imported(&[("e.txt", "10 20\n20 30\n")], &["--ids", "key"]);
    assert_eq!(asked.run("get STORE 20 --json").go().ok().json()["key"], json!("20"));
    let place = Place::empty();
    let list = place.file("e.txt", "10 20\n20 x\n");
    foliograph(["import", place.store_name(), &list, "--ids", "int"]).go().fails(1, &["e.txt:2:4", "x"]);
    assert!(!place.store().exists());
}

#[test]
fn undirected_edges_are_stored_once_and_walked_both_ways() {
    let place = imported(&[("e.txt", "1 2\n2 3\n3 3\n")], &["--undirected"]);
    let stats = place.run("stats STORE --json").go().ok().json();
    assert_eq!((&stats["edges"], &stats["undirected_types"]), (&json!(3), &json!(["edge"])));
    place.run("bfs STORE 3").go().says("3\t0\n2\t1\n1\t2\n");
    place.run("neighbors STORE 2").go().says("1\tedge\n3\tedge\n");
    place.run("degree STORE 3").go().says("2\n");
    place.run("neighbors STORE 2 --direction out").go().says("3\tedge\n");
    place.run("path STORE 3 1").go().says("3\n2\n1\n");
}

#[test]
fn headers_name_types_spaces_ranks_keys_and_what_to_ignore() {
    let people = ":ID(person),name:KEY,x:IGNORE,born:date,seen:timestamp[],raw:bytes,ok:boolean,h:float,n:long\n\
                  1,ada,drop,1815-12-10,2026-01-31T12:00:00Z;1970-01-01T00:00:00Z,AAEC,true,1.5,7\n";
    let cities = ":ID(city),name:KEY\n1,london\n";
    let lives = ":START_ID(person),:END_ID(city),:RANK,since:int\n1,1,3,1835\n";
    let place = Place::empty();
    let [p, c, l] = [place.file("p.csv", people), place.file("c.csv", cities), place.file("l.csv", lives)];
    let args = [
        "import",
        place.store_name(),
        "--nodes",
        &format!("person={p}"),
        "--nodes",
        &format!("city={c}"),
        "--edges",
        &format!("lives_in={l}"),
    ];
    foliograph(args).go().ok();
    let ada = place.run("get STORE person/ada --json").go().ok().json();
    assert_eq!(
        ada["props"],
        json!({
            "born": { "$date": "1815-12-10" },
            "seen": [{ "$timestamp": "2026-01-31T12:00:00Z" }, { "$timestamp": "1970-01-01T00:00:00Z" }],
            "raw": { "$bytes": "AAEC" }, "ok": true, "h": 1.5, "n": 7,
        })
    );
    let london = &place.run("neighbors STORE ada --json").go().ok().objects()[0];
    assert_eq!(
        (&london["key"], &london["type"], &london["rank"]),
        (&json!("london"), &json!("lives_in"), &json!(3))
    );
}

#[test]
fn a_header_may_stand_in_a_file_of_its_own() {
    let place = Place::empty();
    let header = place.file("header.csv", ":ID,name:KEY\n");
    let (rows, list) =
        (place.file("rows.csv", "1,ada\n2,bob\n"), place.file("e.csv", ":START_ID,:END_ID\n1,2\n"));
    let nodes = format!("person={header},{rows}");
    foliograph(["import", place.store_name(), "--nodes", &nodes, "--edges", &format!("knows={list}")])
        .go()
        .ok();
    place.run("neighbors STORE person/ada").go().says("bob\tknows\n");
}

#[test]
fn csv_quotes_and_tsv_escapes() {
    let csv = ":ID,:LABEL,a:string,b:string\n1,x,\"two\nlines, and \"\"quotes\"\"\",\"\"\n2,x,,plain\n";
    let place = imported(&[("n.csv", csv)], &["--format", "csv"]);
    let props =
        |place: &Place, id| place.run(&format!("get STORE {id} --json")).go().ok().json()["props"].clone();
    assert_eq!(props(&place, 1), json!({ "a": "two\nlines, and \"quotes\"", "b": "" }));
    let tsv = ":ID\t:LABEL\ta:string\tb:string\n1\tx\ttwo\\nlines\\t\\\\ \"quotes\"\t\\e\n2\tx\t\tb\n";
    let place = imported(&[("n.tsv", tsv)], &[]);
    assert_eq!(props(&place, 1), json!({ "a": "two\nlines\t\\ \"quotes\"", "b": "" }));
    assert_eq!(props(&place, 2), json!({ "b": "b" }));
    let place = imported(&[("n.csv", ":ID;:LABEL;a\r\n1;x;\u{fc}\r\n")], &["--delimiter", ";"]);
    assert_eq!(props(&place, 1), json!({ "a": "\u{fc}" }));
}

#[test]
fn graphalytics_sets_are_read_with_their_directedness() {
    for (name, edges, undirected) in
        [("example-directed", 17, json!([])), ("example-undirected", 12, json!(["edge"]))]
    {
        let Some(set) = super::place::data(&format!("{name}/{name}.e")) else { return };
        let place = Place::empty();
        foliograph(["import".as_ref(), place.store().as_os_str(), set.as_os_str()]).go().ok();
        let stats = place.run("stats STORE --json").go().ok().json();
        assert_eq!((&stats["edges"], &stats["undirected_types"]), (&json!(edges), &undirected), "{name}");
        let start = if name == "example-directed" { 1 } else { 2 };
        let reference = std::fs::read_to_string(set.with_file_name(format!("{name}-BFS"))).unwrap();
        let mut wanted: Vec<(u64, u64)> = super::real::distances(&reference);
        wanted.sort_unstable();
        assert_eq!(super::real::reached(&place, &start.to_string(), "file", &[]), wanted, "{name}");
    }
}

#[test]
fn compressed_input_is_told_by_its_first_bytes() {
    let Some(packed) = super::place::data("p2p-31.e.xz") else { return };
    let place = Place::empty();
    let plain = place.file("plain.txt", unpacked(&packed));
    let misnamed = place.file("misnamed.txt", std::fs::read(&packed).unwrap());
    let copy = Place::empty();
    foliograph(["import", place.store_name(), &plain]).go().ok();
    foliograph(["import", copy.store_name(), &misnamed]).go().ok();
    let edges = |place: &Place| place.run("export STORE --edges -").go().ok().out;
    assert_eq!(edges(&place), edges(&copy));
    assert_eq!(edges(&copy).lines().count(), 147_893);
}
