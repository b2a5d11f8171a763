//! Export and import as inverses, with every format, through the command; and formats that only leave.

use super::place::{Place, gzip};
use super::run::foliograph;
use serde_json::json;

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
    for format in ["csv", "tsv", "jsonl"] {
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

/// What a place holds, as JSON lines.
fn lines(place: &Place) -> String {
    place.run("export STORE -").go().ok().out
}

#[test]
fn one_file_of_json_lines_holds_all_of_a_store_also_its_indexes() {
    let place = Place::empty();
    place.run("apply STORE - --commit-every 1000").stdin(everything()).go().ok();
    place.run("index STORE create text n --unique").go().ok();
    place.run("index STORE create --edge-type to n").go().ok();
    let file = place.path().join("all.jsonl");
    let file = file.to_str().unwrap();
    let report = foliograph(["export", place.store_name(), file, "--json"]).go().ok();
    assert_eq!(report.json(), json!({ "nodes": 17, "edges": 18 }));
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(lines(&place), text, "a lone - is JSON lines");
    let packed = place.file("all.gz", gzip(text.as_bytes()));
    for (file, more) in [(file, "auto"), (file, "jsonl"), (&packed, "auto")] {
        let copy = Place::empty();
        foliograph(["import", copy.store_name(), file, "--format", more]).go().ok();
        copy.run("check STORE").go().says("ok\n");
        assert_eq!(lines(&copy), text);
        assert_eq!(copy.run("index STORE list").go().ok().out, place.run("index STORE list").go().ok().out);
    }
    let from_stdin = Place::empty();
    from_stdin.run("import STORE -").stdin(text.clone()).go().ok();
    assert_eq!(lines(&from_stdin), text);
    let applied = Place::empty();
    foliograph(["apply", applied.store_name(), file, "--commit-every", "1000"]).go().ok();
    assert_eq!(lines(&applied), text, "what is exported can be applied as well");
}

#[test]
fn json_lines_name_nodes_by_label_and_key_or_by_id_in_any_order() {
    let place = Place::empty();
    let person = |key: &str| json!({ "label": "person", "key": key });
    let text = [
        json!({ "op": "add_edge", "from": person("ada"), "type": "knows", "to": { "id": 7 } }),
        json!({ "op": "add_node", "label": "person", "key": "ada", "id": 7 }),
        json!({ "op": "add_node", "label": "person", "key": "eve" }),
        json!({ "op": "add_edge", "from": { "id": 8 }, "type": "knows", "to": person("ada") }),
    ];
    let text: String = text.iter().map(|line| format!("{line}\n")).collect();
    place.run("import STORE -").stdin(text).go().ok();
    place.run("neighbors STORE person/ada --direction both").go().says("ada\tknows\neve\tknows\n");
    assert_eq!(
        place.run("get STORE eve --json").go().ok().json()["id"],
        json!(8),
        "as the store would give it"
    );
}

#[test]
fn json_lines_go_with_tables_and_lists() {
    let place = Place::empty();
    let nodes = place.file("n.csv", ":ID,:LABEL,name:KEY\n1,person,ada\n2,person,eve\n");
    let more = place.file(
        "more.jsonl",
        "{\"op\":\"add_node\",\"label\":\"city\",\"key\":\"london\"}\n\
         {\"op\":\"add_edge\",\"from\":{\"label\":\"person\",\"key\":\"ada\"},\"type\":\"lives_in\",\"to\":{\"label\":\"city\",\"key\":\"london\"}}\n",
    );
    let edges = place.file("e.csv", ":START_ID,:END_ID,:TYPE\n1,2,knows\n");
    foliograph(["import", place.store_name(), &edges, &more, &nodes]).go().ok();
    place.run("neighbors STORE ada").go().says("eve\tknows\nlondon\tlives_in\n");
    let words = place.file("w.csv", ":ID,:LABEL\nada,person\neve,person\n");
    let place = Place::empty();
    foliograph(["import", place.store_name(), &more, &words]).go().ok();
    place.run("neighbors STORE ada").go().says("london\tlives_in\n");
}

#[test]
fn options_that_say_nothing_of_json_lines_are_refused() {
    let place = Place::empty();
    let file = place.file("a.jsonl", "{\"op\":\"add_node\",\"label\":\"a\"}\n");
    let import = |more: &[&str]| foliograph(["import", place.store_name()].iter().chain(more)).go();
    let refused =
        import(&["--nodes", &format!("person={file}")]).fails(1, &["a.jsonl", "JSON lines name labels"]);
    assert!(!refused.hint().is_empty());
    import(&[&file, "--undirected"]).fails(1, &["a.jsonl", "undirected"]);
    import(&["--edges", &file]).ok();
    place.run("nodes STORE").go().says("0\n");
}

#[test]
fn tables_say_that_they_hold_no_indexes() {
    let place = Place::small();
    place.run("index STORE create person born").go().ok();
    let ran = place.run("export STORE --edges - --format tsv").go().ok();
    assert_eq!(ran.err, "dropped: indexes (1)\n");
    assert_eq!(place.run("export STORE --nodes - --format csv").go().ok().err, "", "said once");
    assert_eq!(place.run("export STORE --edges - --quiet").go().ok().err, "");
}

#[test]
fn graphml_and_dot_refuse_what_they_cannot_hold_and_say_what_they_drop() {
    let place = Place::small();
    for (name, what, kept) in [
        ("g.graphml", "lists", "attr.name=\":LABEL\""),
        ("g.dot", "properties of nodes (5)", "n1 -> n2 [label=\"knows\"]"),
    ] {
        let path = place.path().join(name);
        let path = path.to_str().unwrap();
        let refused = foliograph(["export", place.store_name(), path]).go().fails(1, &[what]);
        assert!(refused.hint().contains("--lossy") && !std::path::Path::new(path).exists(), "{refused}");
        let lossy = foliograph(["export", place.store_name(), path, "--lossy", "--json"]).go().ok();
        assert_eq!(lossy.json(), json!({ "nodes": 6, "edges": 6 }));
        assert!(lossy.err.starts_with("dropped: ") && lossy.err.contains(what), "{lossy}");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(kept), "{text}");
        let format = name.split_once('.').unwrap().1;
        let options = format!("export STORE --edges - --lossy --format {format}");
        assert_eq!(place.run(&options).go().ok().out, text, "edges come with their nodes");
        let nodes = place.run(&format!("export STORE --nodes - --lossy --format {format}")).go().ok().out;
        assert!(nodes.contains("n1") && !nodes.contains("knows"), "{nodes}");
    }
}

#[test]
fn the_name_of_a_file_says_its_format() {
    let place = Place::small();
    let begins = [
        ("x.jsonl", "{\"op\""),
        ("x.ndjson", "{\"op\""),
        ("x.graphml", "<?xml"),
        ("x.xml", "<?xml"),
        ("x.dot", "digraph"),
        ("x.gv", "digraph"),
        ("x.txt", "1\t2"),
        ("x", "{\"op\""),
    ];
    for (name, begin) in begins {
        let path = place.path().join(name);
        foliograph(["export", place.store_name(), path.to_str().unwrap(), "--lossy"]).go().ok();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(begin), "{name}: {text}");
    }
}

#[test]
fn what_cannot_go_to_one_file_is_said() {
    let place = Place::small();
    place.run("export STORE").go().fails(2, &["nothing to export"]);
    place.run("export STORE a.csv").go().fails(2, &["same file"]);
    place.run("export STORE --nodes - --edges -").go().fails(2, &["same file"]);
    place.run("export STORE --nodes a.dot --edges b.dot").go().fails(2, &["one file"]);
    place.run("export STORE --nodes a.txt").go().fails(2, &["edge list"]);
    place.run("export STORE a.jsonl --nodes b.jsonl").go().fails(2, &["--nodes"]);
    place.run("export STORE STORE").go().fails(2, &["the store itself"]);
    assert_eq!(place.listing(), ["people.csv", "store.folio", "ties.csv"]);
    let both = place.run("export STORE --nodes - --edges - --format jsonl").go().ok().out;
    assert_eq!(both, lines(&place));
}
