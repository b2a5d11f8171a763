//! Real graphs with reference results, on every backend; and stores that one backend wrote, opened on each other.

use super::place::{BACKENDS, Place, data, runs_here, unpacked};
use super::run::foliograph;
use rstest::rstest;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::path::Path;

/// How references write what is not reached.
const UNREACHABLE: u64 = i64::MAX as u64;

/// The nodes that a reference says are reached, with their distances.
pub fn distances(reference: &str) -> Vec<(u64, u64)> {
    let pair = |line: &str| {
        let (node, distance) = line.split_once(' ').expect("two columns");
        (node.parse().expect("an id"), distance.parse().expect("a distance"))
    };
    reference.lines().filter(|l| !l.is_empty()).map(pair).filter(|(_, d)| *d != UNREACHABLE).collect()
}

/// What `bfs` reaches, by id; its lines must come nearest first.
pub fn reached(place: &Place, start: &str, backend: &str, more: &[&str]) -> Vec<(u64, u64)> {
    let args = ["--backend", backend, "bfs", place.store_name(), start];
    let ran = foliograph(args.iter().chain(more)).go().ok();
    let pair = |line: &str| {
        let (name, distance) = line.split_once('\t').expect("two columns");
        (name.parse().expect("an id"), distance.parse().expect("a distance"))
    };
    let mut found: Vec<(u64, u64)> = ran.out.lines().map(pair).collect();
    assert!(found.is_sorted_by_key(|(_, distance)| *distance), "nearest first");
    found.sort_unstable();
    found
}

/// Imports, and returns the report; the backend that worked must be the one that was asked for.
fn import(place: &Place, backend: &str, files: &[&Path], more: &[&str]) -> Json {
    let files = files.iter().map(|file| file.to_str().expect("UTF-8"));
    let args = ["--backend", backend, "--json", "import", place.store_name()].into_iter().chain(files);
    let args = args.chain(more.iter().copied());
    let report = foliograph(args).go().ok().json();
    assert_eq!(report["backend"], json!(backend));
    report
}

/// The facts of `stats` that depend neither on the backend nor on the store's identity.
fn facts(place: &Place, backend: &str) -> Json {
    let mut stats =
        foliograph(["--backend", backend, "stats", place.store_name(), "--json"]).go().ok().json();
    assert_eq!(stats["backend"]["active"], json!(backend));
    for field in ["backend", "uuid"] {
        stats.as_object_mut().expect("an object").remove(field);
    }
    stats
}

#[rstest]
fn p2p_31_gives_the_reference_distances(
    #[values("file", "mmap", "uring")] backend: &str,
    #[values(true, false)] directed: bool,
) {
    let (Some(vertices), Some(_)) = (data("p2p-31.v.xz"), data("p2p-31.e.xz")) else { return };
    let reference = |name| data(name).map(|path| distances(&unpacked(&path)));
    let (Some(both_ways), Some(one_way)) = (reference("p2p-31-BFS.xz"), reference("p2p-31-BFS-directed.xz"))
    else {
        return;
    };
    if !runs_here(backend) {
        return;
    }
    assert_eq!((62_586 - both_ways.len(), 62_586 - one_way.len()), (25, 1760), "the references are whole");
    let place = Place::empty();
    let more: &[&str] = if directed { &[] } else { &["--undirected"] };
    let report = import(&place, backend, &[&vertices], more);
    assert_eq!((&report["nodes"], &report["edges"]), (&json!(62_586), &json!(147_892)));
    let plain = if directed { &one_way } else { &both_ways };
    assert!(reached(&place, "6", backend, &[]) == *plain, "distances differ");
    assert!(reached(&place, "6", backend, &["--direction", "out"]) == one_way, "out");
    assert!(reached(&place, "6", backend, &["--direction", "both"]) == both_ways, "both");
    let summary = foliograph(["bfs", place.store_name(), "6", "--summary", "--json"]).go().ok().json();
    let depth = if directed { 26 } else { 8 };
    assert_eq!((&summary["reached"], &summary["depth"]), (&json!(plain.len()), &json!(depth)));
    place.run("check STORE").go().says("ok\n");
}

#[rstest]
fn cnr_2000_is_small_and_is_reached_whole_in_37_steps(#[values("file", "mmap", "uring")] backend: &str) {
    let Some(list) = data("cnr-2000.txt.xz") else { return };
    if !runs_here(backend) {
        return;
    }
    let place = Place::empty();
    let report = import(&place, backend, &[&list], &[]);
    assert_eq!((&report["nodes"], &report["edges"]), (&json!(325_557), &json!(3_216_152)));
    let per_edge = report["bytes_per_edge"].as_f64().unwrap();
    let bytes = std::fs::metadata(place.store()).unwrap().len();
    assert!((per_edge - bytes as f64 / 3_216_152.0).abs() < 1e-9);
    assert!(per_edge < 4.0, "{per_edge} bytes an edge, both directions together");
    for (start, nodes, depth) in [("0", 311, 8), ("100000", 325_557, 37), ("250000", 325_557, 33)] {
        let args = ["--backend", backend, "bfs", place.store_name(), start, "--summary", "--json"];
        let summary = foliograph(args).go().ok().json();
        assert_eq!((&summary["reached"], &summary["depth"]), (&json!(nodes), &json!(depth)), "from {start}");
    }
    let facts = facts(&place, backend);
    assert_eq!(
        (&facts["degree"]["out"]["max"], &facts["degree"]["in"]["max"]),
        (&json!(2716), &json!(18_235))
    );
    foliograph(["--backend", backend, "check", place.store_name()]).go().says("ok\n");
}

/// Rows of a tab-separated table, by the names of its columns without their types.
fn rows(table: &str) -> Vec<HashMap<&str, &str>> {
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().expect("a header").split('\t').map(base).collect();
    lines.map(|line| header.iter().copied().zip(line.split('\t')).collect()).collect()
}

/// `name:KEY` and `:KEY` are one column here, and so are `x:int` and `x`.
fn base(column: &str) -> &str {
    match column.split_once(':') {
        Some((_, "KEY")) => ":KEY",
        Some(("", _)) | None => column,
        Some((name, _)) => name,
    }
}

#[rstest]
#[case("file", "mmap")]
#[case("mmap", "uring")]
#[case("uring", "file")]
fn debian_keeps_every_node_parallel_edge_and_property(#[case] writer: &str, #[case] reader: &str) {
    let (Some(nodes), Some(edges)) = (data("debian-nodes.tsv.xz"), data("debian-edges.tsv.xz")) else {
        return;
    };
    if !runs_here(writer) || !runs_here(reader) {
        return;
    }
    let place = Place::empty();
    let report = import(&place, writer, &[&nodes, &edges], &[]);
    assert_eq!((&report["nodes"], &report["edges"]), (&json!(141_495), &json!(478_625)));
    let exported = |what, format| {
        let args = ["--backend", reader, "export", place.store_name(), what, "-", "--format", format];
        foliograph(args).go().ok().out
    };
    let (out_nodes, out_edges) = (exported("--nodes", "tsv"), exported("--edges", "tsv"));
    let input = unpacked(&nodes);
    same_nodes(&input, &out_nodes);
    same_edges(&unpacked(&edges), &out_edges);
    let copy = Place::empty();
    let [n, e] =
        [place.file("n.csv", exported("--nodes", "csv")), place.file("e.csv", exported("--edges", "csv"))];
    import(&copy, reader, &[Path::new(&n), Path::new(&e)], &[]);
    let again =
        |what| foliograph(["--backend", writer, "export", copy.store_name(), what, "-"]).go().ok().out;
    assert!(again("--nodes") == out_nodes && again("--edges") == out_edges, "export, import, export");
    assert_eq!(facts(&place, reader), facts(&place, writer));
    let counts = |place: &Place| {
        ["nodes", "edges", "labels", "edge_types", "degree"].map(|f| facts(place, reader)[f].clone())
    };
    assert_eq!(counts(&copy), counts(&place));
    for place in [&place, &copy] {
        foliograph(["--backend", reader, "check", place.store_name()]).go().says("ok\n");
    }
}

/// Each node of the input is there with all its fields; by id, as both are sorted.
fn same_nodes(input: &str, output: &str) {
    let (input, output) = (rows(input), rows(output));
    assert_eq!((input.len(), output.len()), (141_495, 141_495));
    for (wanted, found) in input.iter().zip(&output) {
        for field in [":ID", ":LABEL", ":KEY", "section", "priority", "size", "installed_size", "version"] {
            assert_eq!(wanted[field], found[field], "{field} of node {}", wanted[":ID"]);
        }
        assert_eq!(found.len(), 8, "no column was invented");
    }
}

/// Each edge of the input is there as often as it is in the input, with its properties; parallel edges in their order.
fn same_edges(input: &str, output: &str) {
    let fields = [":START_ID", ":END_ID", ":TYPE", "constraint", "alternative"];
    let sorted = |table| {
        let mut all: Vec<[&str; 5]> = rows(table).iter().map(|row| fields.map(|field| row[field])).collect();
        // By ends and type alone, and stable: what is parallel keeps its order.
        all.sort_by_key(|row| (row[0], row[1], row[2]));
        all
    };
    let (wanted, found) = (sorted(input), sorted(output));
    assert_eq!((wanted.len(), found.len()), (478_625, 478_625));
    if let Some(i) = (0..wanted.len()).find(|&i| wanted[i] != found[i]) {
        panic!("{:?} became {:?}", wanted[i], found[i]);
    }
    let parallel = wanted.windows(2).filter(|pair| pair[0][..3] == pair[1][..3]).count();
    assert_eq!(parallel, 5069, "the input has parallel edges");
}

#[test]
fn debians_hubs_have_their_degrees() {
    let (Some(nodes), Some(edges)) = (data("debian-nodes.tsv.xz"), data("debian-edges.tsv.xz")) else {
        return;
    };
    let place = Place::empty();
    import(&place, "file", &[&nodes, &edges], &["--page-size", "4096"]);
    place.run("degree STORE package/libc6 --direction in").go().says("21829\n");
    place.run("degree STORE librust-winapi-dev --type provides").go().ok();
    let hub = place.run("get STORE @36441 --json").go().ok().json();
    assert_eq!((&hub["key"], &hub["degree"]["out"]), (&json!("librust-winapi-dev"), &json!(1606)));
    let names = place.run("neighbors STORE package/libc6 --direction in").go().ok().out;
    assert_eq!(names.lines().count(), 21_829);
    place.run("check STORE").go().says("ok\n");
}

#[test]
fn a_store_that_one_backend_wrote_opens_on_each_other() {
    let Some(edges) = data("p2p-31.e.xz") else { return };
    let backends: Vec<&str> = BACKENDS.into_iter().filter(|backend| runs_here(backend)).collect();
    let mut answers = Vec::new();
    for writer in &backends {
        let place = Place::empty();
        import(&place, writer, &[&edges], &["--page-size", "4096"]);
        // Changed by each in turn, too: what one wrote, the next builds on.
        for (i, changer) in backends.iter().enumerate() {
            let line =
                json!({ "op": "add_edge", "from": { "id": 6 }, "type": "new", "to": { "id": 62_586 - i } });
            let apply = foliograph(["--backend", changer, "apply", place.store_name(), "-"]);
            apply.stdin(line.to_string()).go().ok();
        }
        for reader in &backends {
            foliograph(["--backend", reader, "check", place.store_name()]).go().says("ok\n");
            answers.push((facts(&place, reader), reached(&place, "6", reader, &[])));
        }
    }
    let first = &answers[0];
    assert!(answers.iter().all(|answer| answer == first), "all backends answer alike");
    assert_eq!(first.0["edges"], json!(147_892 + backends.len()));
}
