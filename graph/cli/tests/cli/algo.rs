//! `algo` against the reference results that lie beside the data, on every backend, with much cache and with little; and
//! what its lines look like.
//!
//! How results are compared is what Graphalytics says: bfs and cdlp to the letter, components up to the names of their
//! labels, the rest to one part in 10,000.

use super::place::{Place, data, runs_here, unpacked};
use super::run::foliograph;
use rstest::rstest;
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;

/// A result: each node with its value.
type Table = Vec<(u64, String)>;

fn table(text: &str) -> Table {
    let pair = |line: &str| {
        let (node, value) = line.split_once(' ').unwrap_or_else(|| panic!("two columns: {line}"));
        (node.parse().expect("an id"), value.trim().to_owned())
    };
    text.lines().filter(|line| !line.is_empty()).map(pair).collect()
}

/// How a result is held against its reference.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Compare {
    Exact,
    Labels,
    Close,
}

impl Compare {
    fn of(algorithm: &str) -> Compare {
        match algorithm {
            "bfs" | "cdlp" => Compare::Exact,
            "wcc" => Compare::Labels,
            _ => Compare::Close,
        }
    }

    fn hold(self, found: &Table, wanted: &Table, what: &str) {
        assert_eq!(found.len(), wanted.len(), "{what}");
        let (mut there, mut back) = (HashMap::new(), HashMap::new());
        for ((node, value), (same, reference)) in found.iter().zip(wanted) {
            assert_eq!(node, same, "{what}: by id");
            let alike = match self {
                Compare::Exact => value == reference,
                Compare::Labels => {
                    *there.entry(value).or_insert(reference) == reference
                        && *back.entry(reference).or_insert(value) == value
                }
                Compare::Close => close(value, reference),
            };
            assert!(alike, "{what}: node {node} has {value}, not {reference}");
        }
    }
}

fn close(value: &str, reference: &str) -> bool {
    let unreached = |text: &str| text.eq_ignore_ascii_case("infinity");
    if unreached(value) || unreached(reference) {
        return value == "infinity" && unreached(reference);
    }
    let number = |text: &str| text.parse::<f64>().unwrap_or_else(|e| panic!("{e}: {text}"));
    let (value, reference) = (number(value), number(reference));
    (value - reference).abs() <= 1e-4 * reference.abs()
}

/// Runs `algo` and compares, with the usual cache and with one of 1 MiB.
fn holds(place: &Place, backend: &str, args: &str, reference: &Path) {
    let wanted = match reference.extension() {
        Some(xz) if xz == "xz" => table(&unpacked(reference)),
        _ => table(&std::fs::read_to_string(reference).expect("the data can be read")),
    };
    let algorithm = args.split(' ').next().expect("a name");
    for cache in ["64MiB", "1MiB"] {
        let line = ["--backend", backend, "--cache", cache, "algo", place.store_name()];
        let ran = foliograph(line.into_iter().chain(args.split(' '))).go().ok();
        assert_eq!(ran.err, "", "{ran}");
        let what = format!("{args} on {backend} with a cache of {cache}, as {}", reference.display());
        Compare::of(algorithm).hold(&table(&ran.out), &wanted, &what);
    }
}

fn import(place: &Place, backend: &str, file: &Path, more: &[&str]) {
    let file = file.to_str().expect("UTF-8");
    let args = ["--backend", backend, "import", place.store_name(), "--format", "graphalytics", file];
    foliograph(args.iter().chain(more)).go().ok();
}

const P2P_DIRECTED: [(&str, &str); 3] = [
    ("bfs --source 6", "p2p-31-BFS-directed.xz"),
    ("sssp --source 6", "p2p-31-SSSP-directed.xz"),
    ("pagerank --damping 0.85 --iterations 10", "p2p-31-PR-directed-standard.xz"),
];

const P2P_BOTH_WAYS: [(&str, &str); 6] = [
    ("bfs --source 6", "p2p-31-BFS.xz"),
    ("sssp --source 6", "p2p-31-SSSP.xz"),
    ("pagerank --damping 0.85 --iterations 10", "p2p-31-PR.xz"),
    ("wcc", "p2p-31-WCC.xz"),
    ("cdlp --iterations 10", "p2p-31-CDLP.xz"),
    ("lcc", "p2p-31-LCC.xz"),
];

#[rstest]
fn p2p_31_gives_every_reference_result(
    #[values("file", "mmap", "uring")] backend: &str,
    #[values(true, false)] directed: bool,
) {
    let references = if directed { P2P_DIRECTED.as_slice() } else { &P2P_BOTH_WAYS };
    let Some(vertices) = data("p2p-31.v.xz") else { return };
    let Some(paths) = references.iter().map(|(_, name)| data(name)).collect::<Option<Vec<_>>>() else {
        return;
    };
    if !runs_here(backend) {
        return;
    }
    let place = Place::empty();
    import(&place, backend, &vertices, if directed { &[] } else { &["--undirected"] });
    for ((args, _), reference) in references.iter().zip(&paths) {
        holds(&place, backend, args, reference);
    }
}

#[test]
fn a_direction_stands_for_how_edges_were_imported() {
    let Some(vertices) = data("p2p-31.v.xz") else { return };
    let (directed, undirected) = (Place::empty(), Place::empty());
    import(&directed, "file", &vertices, &[]);
    import(&undirected, "file", &vertices, &["--undirected"]);
    for (args, name) in P2P_BOTH_WAYS {
        let Some(reference) = data(name) else { return };
        holds(&directed, "file", &format!("{args} --direction both"), &reference);
    }
    for (args, name) in P2P_DIRECTED {
        let Some(reference) = data(name) else { return };
        holds(&undirected, "file", &format!("{args} --direction out"), &reference);
    }
}

#[rstest]
#[case("example-directed", 1)]
#[case("example-undirected", 2)]
fn the_small_examples_give_all_six_results(
    #[case] name: &str,
    #[case] source: u64,
    #[values("file", "mmap", "uring")] backend: &str,
) {
    let Some(vertices) = data(&format!("{name}/{name}.v")) else { return };
    if !runs_here(backend) {
        return;
    }
    let place = Place::empty();
    import(&place, backend, &vertices, &[]);
    let args = [
        (format!("bfs --source {source}"), "BFS"),
        (format!("sssp --source {source}"), "SSSP"),
        ("pagerank --damping 0.85 --iterations 2".to_owned(), "PR"),
        ("wcc".to_owned(), "WCC"),
        ("cdlp --iterations 2".to_owned(), "CDLP"),
        ("lcc".to_owned(), "LCC"),
    ];
    for (args, result) in args {
        let reference = data(&format!("{name}/{name}-{result}")).expect("it lies beside its graph");
        holds(&place, backend, &args, &reference);
    }
}

#[test]
fn lines_are_by_id_and_name_nodes_as_everywhere() {
    let place = Place::small();
    let unreached = "9223372036854775807";
    place.run("algo STORE bfs --source person/ada").go().says(&format!(
        "person/ada 0\ncharles 1\nmary 2\nlondon 1\ncity/ada {unreached}\ncity/a/b {unreached}\n"
    ));
    let bfs = "algo STORE bfs --source @1 --type knows --ids --direction out";
    let line = format!("1 0\n2 1\n3 2\n4 {unreached}\n5 {unreached}\n6 {unreached}\n");
    place.run(bfs).go().says(&line);
    place.run("algo STORE wcc --ids").go().says("1 1\n2 1\n3 1\n4 1\n5 5\n6 6\n");
    place
        .run("algo STORE wcc --type lives_in")
        .go()
        .says("person/ada 1\ncharles 1\nmary 3\nlondon 1\ncity/ada 5\ncity/a/b 6\n");
    place.run("algo STORE scc --ids").go().says("1 1\n2 2\n3 3\n4 4\n5 5\n6 6\n");
    place.run("algo STORE scc --ids --direction both").go().says("1 1\n2 1\n3 1\n4 1\n5 5\n6 6\n");
    place.run("algo STORE triangles --ids").go().says("1 1\n2 1\n3 0\n4 1\n5 0\n6 0\n");
    let objects = place.run("algo STORE lcc --json").go().ok().objects();
    assert_eq!(objects[0], json!({ "id": 1, "label": "person", "key": "ada", "value": 0.5 }));
    assert_eq!(objects.len(), 6);
}

#[test]
fn weights_are_a_property_and_unreached_is_infinity() {
    let place = Place::empty();
    let edges = place.file("e.txt", "1 2 0.5\n2 3 7\n4 1 1\n");
    foliograph(["import", place.store_name(), edges.as_str()]).go().ok();
    place
        .run("algo STORE sssp --source 1")
        .go()
        .says("1 0.000000000000000e+00\n2 5.000000000000000e-01\n3 7.500000000000000e+00\n4 infinity\n");
    let json = place.run("algo STORE sssp --source 2 --direction in --json").go().ok().objects();
    let values: Vec<_> = json.iter().map(|object| object["value"].clone()).collect();
    assert_eq!(values, [json!(0.5), json!(0.0), json!("infinity"), json!(1.5)]);
    place.run("algo STORE sssp --source 1 --weight metres").go().fails(1, &["node 1", "missing", "metres"]);
}

#[test]
fn results_go_to_a_file_whole_or_not_at_all() {
    let place = Place::small();
    let before = place.listing();
    let line = |args: &str| format!("algo STORE {args} --output {}", place.path().join("out").display());
    place.run(&line("wcc --ids")).go().says("");
    let written = std::fs::read_to_string(place.path().join("out")).expect("written");
    assert_eq!(written, "1 1\n2 1\n3 1\n4 1\n5 5\n6 6\n");
    std::fs::remove_file(place.path().join("out")).expect("it is there");
    place.run(&line("sssp --source @1")).go().fails(1, &["missing"]);
    assert_eq!(place.listing(), before, "nothing is left of what failed");
    place.run("algo STORE wcc --output STORE").go().fails(2, &["is the store itself"]);
    place.run("check STORE").go().says("ok\n");
}

#[test]
fn what_an_algorithm_would_not_look_at_is_refused() {
    let place = Place::small();
    for (args, parts) in [
        ("bfs", ["bfs", "--source"]),
        ("sssp --ids", ["sssp", "--source"]),
        ("wcc --source charles", ["wcc", "--source"]),
        ("pagerank --weight since", ["pagerank", "--weight"]),
        ("bfs --source charles --iterations 3", ["bfs", "--iterations"]),
        ("cdlp --damping 0.5", ["cdlp", "--damping"]),
        ("pagerank --damping 1.5", ["--damping", "1.5"]),
        ("pagerank --damping NaN", ["--damping", "NaN"]),
        ("dijkstra", ["dijkstra", "NAME"]),
    ] {
        place.run(&format!("algo STORE {args}")).go().fails(2, &parts);
    }
    place.run("algo STORE bfs --source nobody").go().fails(4, &["nobody"]);
}

#[test]
fn an_empty_store_has_nothing_to_say() {
    let place = Place::empty();
    foliograph(["apply", place.store_name(), "-"]).stdin("\n").go().ok();
    for args in ["pagerank", "wcc", "scc", "cdlp", "lcc", "triangles"] {
        place.run(&format!("algo STORE {args}")).go().says("");
    }
}
