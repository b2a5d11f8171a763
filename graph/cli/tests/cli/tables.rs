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
