//! Each command's good answer on a small graph, word by word; and its JSON with exactly the keys that are promised.

use super::place::Place;
use super::run::{Ran, foliograph};
use serde_json::{Value as Json, json};

/// The keys of a JSON object, sorted.
fn keys(object: &Json) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// That an object has these keys; more may be there.
fn has_keys(object: &Json, wanted: &[&str]) {
    let there = keys(object);
    for key in wanted {
        assert!(there.contains(key), "`{key}` is missing in {object}");
    }
}

fn tables(place: &Place) -> [String; 2] {
    [place.file("people.csv", super::place::PEOPLE), place.file("ties.csv", super::place::TIES)]
}

#[test]
fn import_says_what_it_did() {
    let place = Place::empty();
    let [nodes, edges] = tables(&place);
    let ran = foliograph(["import", place.store_name(), "--nodes", &nodes, "--edges", &edges]).go().ok();
    let rows: Vec<(&str, &str)> = ran
        .out
        .lines()
        .map(|l| l.split_once("  ").map(|(a, b)| (a.trim(), b.trim())).expect("two columns"))
        .collect();
    let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        ["nodes", "edges", "rejected", "seconds", "edges a second", "bytes", "bytes an edge", "backend"]
    );
    assert_eq!((rows[0].1, rows[1].1, rows[2].1), ("6", "6", "0"));
}

#[test]
fn imports_json_has_the_promised_keys_and_true_numbers() {
    let place = Place::empty();
    let [nodes, edges] = tables(&place);
    let report = foliograph(["import", place.store_name(), &nodes, &edges, "--json"]).go().ok().json();
    assert_eq!(
        keys(&report),
        ["backend", "bytes", "bytes_per_edge", "edges", "edges_per_second", "nodes", "rejected", "seconds"]
    );
    let bytes = std::fs::metadata(place.store()).unwrap().len();
    assert_eq!(report["bytes"], json!(bytes));
    assert!((report["bytes_per_edge"].as_f64().unwrap() - bytes as f64 / 6.0).abs() < 1e-6);
    assert_eq!([&report["nodes"], &report["edges"], &report["rejected"]], [&json!(6), &json!(6), &json!(0)]);
    assert!(report["seconds"].as_f64().unwrap() > 0.0 && report["edges_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn get_shows_label_key_id_degrees_and_properties() {
    let place = Place::small();
    place.run("get STORE person/ada").go().says(
        "label       person\nkey         ada\nid          1\ndegree out  3\ndegree in   0\n\
         .born       1815\n.tags       [\"math\",\"poetry\"]\n.score      1.5\n",
    );
    let ada = place.run("get STORE person/ada --json").go().ok().json();
    assert_eq!(
        ada,
        json!({
            "id": 1, "label": "person", "key": "ada",
            "props": { "born": 1815, "tags": ["math", "poetry"], "score": 1.5 },
            "degree": { "out": 3, "in": 0 },
        })
    );
    let mary = place.run("get STORE mary --json").go().ok().json();
    assert_eq!(mary["degree"], json!({ "out": 1, "in": 2 }), "a self-loop goes out and comes in");
    assert_eq!(mary["props"], json!({ "born": 1797 }), "an empty field is no property");
}

#[test]
fn nodes_are_listed_by_id_and_chosen_by_label_and_conditions() {
    let place = Place::small();
    place.run("nodes STORE").go().says("person/ada\ncharles\nmary\nlondon\ncity/ada\ncity/a/b\n");
    place.run("nodes STORE --label city").go().says("london\ncity/ada\ncity/a/b\n");
    place.run("nodes STORE --limit 2").go().says("person/ada\ncharles\n");
    for (condition, answer) in [
        ("born=1815", "person/ada\n"),
        ("born>1797", "person/ada\n"),
        ("born>=1797", "person/ada\nmary\n"),
        ("born<1797", "charles\n"),
        ("born<=1797", "charles\nmary\n"),
        ("tags=poetry", "person/ada\n"),
        ("tags^=po", "person/ada\n"),
        ("score=1.5", "person/ada\n"),
    ] {
        foliograph(["nodes", place.store_name(), "--where", condition]).go().says(answer);
    }
    foliograph(["nodes", place.store_name(), "--where", "born>1791", "--where", "born<1815"])
        .go()
        .says("mary\n");
    let objects = place.run("nodes STORE --json --limit 1").go().ok().objects();
    assert_eq!(objects, [json!({ "id": 1, "label": "person", "key": "ada" })]);
}

#[test]
fn neighbors_come_by_id_with_their_types_parallel_edges_and_properties() {
    let place = Place::small();
    place.run("neighbors STORE person/ada").go().says("charles\tknows\ncharles\tknows\nlondon\tlives_in\n");
    place.run("neighbors STORE london --direction in").go().says("person/ada\tlives_in\ncharles\tlives_in\n");
    place.run("neighbors STORE london").go().says("");
    place.run("neighbors STORE mary --direction both").go().says("charles\tknows\nmary\tknows\n");
    place.run("neighbors STORE person/ada --type lives_in").go().says("london\tlives_in\n");
    let both = "neighbors STORE charles --type lives_in --type knows";
    place.run(both).go().says("mary\tknows\nlondon\tlives_in\n");
    place.run("neighbors STORE person/ada --limit 1").go().says("charles\tknows\n");
    place
        .run("neighbors STORE person/ada --properties --type knows")
        .go()
        .says("charles\tknows\t{\"since\":1833}\ncharles\tknows\t{\"since\":1843}\n");
    let objects = place.run("neighbors STORE person/ada --json").go().ok().objects();
    let charles = |rank, since| json!({ "id": 2, "label": "person", "key": "charles", "type": "knows", "rank": rank, "props": { "since": since } });
    let london =
        json!({ "id": 4, "label": "city", "key": "london", "type": "lives_in", "rank": 0, "props": {} });
    assert_eq!(objects, [charles(0, 1833), charles(1, 1843), london]);
}

#[test]
fn degree_is_a_number() {
    let place = Place::small();
    for (line, answer) in [
        ("degree STORE person/ada", "3\n"),
        ("degree STORE person/ada --type knows", "2\n"),
        ("degree STORE person/ada --direction in", "0\n"),
        ("degree STORE charles --direction both", "4\n"),
        ("degree STORE london --direction in --type lives_in --type knows", "2\n"),
    ] {
        place.run(line).go().says(answer);
    }
    assert_eq!(place.run("degree STORE person/ada --json").go().ok().json(), json!({ "degree": 3 }));
}

#[test]
fn bfs_lists_nearest_first_and_sums_up() {
    let place = Place::small();
    place.run("bfs STORE person/ada").go().says("person/ada\t0\ncharles\t1\nlondon\t1\nmary\t2\n");
    place.run("bfs STORE person/ada --depth 1").go().says("person/ada\t0\ncharles\t1\nlondon\t1\n");
    place.run("bfs STORE person/ada --type lives_in").go().says("person/ada\t0\nlondon\t1\n");
    place.run("bfs STORE london --direction in").go().says("london\t0\nperson/ada\t1\ncharles\t1\n");
    place.run("bfs STORE mary --direction both --depth 1").go().says("mary\t0\ncharles\t1\n");
    place.run("bfs STORE person/ada --summary").go().says("reached  4\ndepth    2\n");
    let objects = place.run("bfs STORE person/ada --json").go().ok().objects();
    assert_eq!(objects[3], json!({ "id": 3, "label": "person", "key": "mary", "distance": 2 }));
    let summary = place.run("bfs STORE person/ada --summary --json").go().ok().json();
    assert_eq!(keys(&summary), ["depth", "reached", "seconds"]);
    assert_eq!((&summary["reached"], &summary["depth"]), (&json!(4), &json!(2)));
}

#[test]
fn path_is_a_shortest_one_and_its_absence_exits_with_4() {
    let place = Place::small();
    place.run("path STORE person/ada mary").go().says("person/ada\ncharles\nmary\n");
    place.run("path STORE mary mary").go().says("mary\n");
    place.run("path STORE mary london --direction both").go().says("mary\ncharles\nlondon\n");
    place.run("path STORE person/ada mary --type lives_in").go().fails(4, &["person/ada", "mary"]);
    place.run("path STORE mary person/ada").go().fails(4, &["mary", "person/ada"]);
    let path = place.run("path STORE person/ada charles --json").go().ok().json();
    let node = |id, key| json!({ "id": id, "label": "person", "key": key });
    assert_eq!(path, json!({ "nodes": [node(1, "ada"), node(2, "charles")], "length": 1 }));
}

#[test]
fn stats_counts_what_is_there() {
    let place = Place::small();
    let stats = place.run("stats STORE --json").go().ok().json();
    has_keys(
        &stats,
        &[
            "nodes",
            "edges",
            "labels",
            "edge_types",
            "degree",
            "file_bytes",
            "bytes_per_edge",
            "page_size",
            "pages",
            "free_pages",
            "log",
            "format",
            "uuid",
            "backend",
        ],
    );
    assert_eq!((&stats["nodes"], &stats["edges"]), (&json!(6), &json!(6)));
    assert_eq!(stats["labels"], json!({ "person": 3, "city": 3 }));
    assert_eq!(stats["edge_types"], json!({ "knows": 4, "lives_in": 2 }));
    assert_eq!(stats["degree"]["out"], json!({ "min": 0, "median": 0, "p99": 3, "max": 3 }));
    assert_eq!(stats["degree"]["in"], json!({ "min": 0, "median": 0, "p99": 2, "max": 2 }));
    assert_eq!(stats["file_bytes"], json!(std::fs::metadata(place.store()).unwrap().len()));
    assert_eq!((&stats["page_size"], &stats["format"]), (&json!(4096), &json!(1)));
    has_keys(&stats["log"], &["bytes", "groups"]);
    has_keys(&stats["backend"], &["requested", "active", "fallback"]);
    let used: u64 = stats["pages"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    let all = used + stats["free_pages"].as_u64().unwrap();
    assert_eq!(all * 4096, stats["file_bytes"].as_u64().unwrap(), "each page is of a kind, or free: {stats}");
    let table = place.run("stats STORE").go().ok().out;
    for row in
        ["nodes ", "edges ", "label person ", "type knows ", "degree out ", "file bytes ", "backend active "]
    {
        assert!(table.lines().any(|line| line.starts_with(row)), "{row}: {table}");
    }
}

#[test]
fn stats_names_the_backend_that_was_asked_for_and_the_one_that_works() {
    let place = Place::small();
    for backend in super::place::backends() {
        let stats = place.run("stats STORE --json --backend").go();
        stats.fails(2, &["--backend"]);
        let stats =
            foliograph(["stats", place.store_name(), "--json", "--backend", backend]).go().ok().json();
        assert_eq!(stats["backend"], json!({ "requested": backend, "active": backend, "fallback": null }));
    }
    let auto = place.run("stats STORE --json --backend auto").go().ok().json();
    assert_eq!(auto["backend"]["requested"], "auto");
    let active = auto["backend"]["active"].as_str().unwrap();
    assert!(super::place::BACKENDS.contains(&active), "{auto}");
}

#[test]
fn check_says_ok_and_its_json_has_the_promised_keys() {
    let place = Place::small();
    place.run("check STORE").go().says("ok\n");
    let report = place.run("check STORE --json").go().ok().json();
    assert_eq!(keys(&report), ["findings", "ok", "pages", "seconds"]);
    assert_eq!((&report["ok"], &report["findings"]), (&json!(true), &json!([])));
    assert_eq!(report["pages"].as_u64().unwrap() * 4096, std::fs::metadata(place.store()).unwrap().len());
}

#[test]
fn pages_lists_each_page_in_use_once_with_its_owner() {
    let place = Place::small();
    let stats = place.run("stats STORE --json").go().ok().json();
    let listed = place.run("pages STORE").go().ok().out;
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 5), "id, kind, version, used bytes, owner: {listed}");
    let ids: Vec<u64> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{listed}");
    for (kind, count) in stats["pages"].as_object().unwrap() {
        let here = rows.iter().filter(|row| row[1] == kind).count();
        assert_eq!(json!(here), *count, "{kind}: {listed}");
    }
    let objects = place.run("pages STORE --json").go().ok().objects();
    assert_eq!(objects.len(), rows.len());
    assert_eq!(keys(&objects[5]), ["id", "kind", "owner", "used", "version"]);
}

#[test]
fn every_listed_page_can_be_shown_decoded_and_as_bytes() {
    let place = Place::small();
    let store = std::fs::read(place.store()).unwrap();
    for page in place.run("pages STORE --json").go().ok().objects() {
        let id = page["id"].as_u64().unwrap();
        let shown = place.run(&format!("page STORE {id} --json")).go().ok().json();
        assert_eq!((&shown["id"], &shown["kind"]), (&page["id"], &page["kind"]));
        place.run(&format!("page STORE {id}")).go().ok();
        let hex = place.run(&format!("page STORE {id} --hex --json")).go().ok().json();
        let bytes = &store[id as usize * 4096..][..4096];
        let wanted: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex["hex"], json!(wanted), "page {id}");
        assert_eq!(place.run(&format!("page STORE {id} --hex")).go().ok().out.lines().count(), 256);
    }
    let last = store.len() / 4096;
    place.run(&format!("page STORE {last}")).go().fails(4, &[&format!("page {last}")]);
}

#[test]
fn plots_are_drawn_into_files() {
    let place = Place::small();
    for command in ["stats", "pages"] {
        let path = place.path().join(format!("{command}.svg"));
        foliograph([command, place.store_name(), "--svg", path.to_str().unwrap()]).go().ok();
        let svg = std::fs::read_to_string(path).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    }
}

#[test]
fn a_weight_is_never_silently_ignored() {
    // From a to d: one edge that weighs 10, or three that weigh 1 each.
    let place = Place::empty();
    let list = place.file("w.txt", "0 3 10\n0 1 1\n1 2 1\n2 3 1\n");
    foliograph(["import", place.store_name(), &list]).go().ok();
    place.run("path STORE 0 3").go().says("0\n3\n");
    let weighted: Ran = place.run("path STORE 0 3 --weight weight").go();
    match weighted.code {
        0 => weighted.says("0\n1\n2\n3\n"),
        _ => drop(weighted.fails(2, &["--weight"])),
    }
}

#[test]
fn a_store_without_edges_or_nodes_is_a_store() {
    let place = Place::empty();
    place.run("apply STORE -").go().ok();
    place.run("check STORE").go().says("ok\n");
    place.run("nodes STORE").go().says("");
    let stats = place.run("stats STORE --json").go().ok().json();
    assert_eq!(
        (&stats["nodes"], &stats["edges"], &stats["bytes_per_edge"]),
        (&json!(0), &json!(0), &Json::Null)
    );
    place.run("get STORE 0").go().fails(4, &["0"]);
    place.run("export STORE --nodes -").go().ok();
}
