//! `import --append`: rows are added to what is there, all of them or none, and `--on-duplicate` says what becomes of those
//! that are there already.

use super::place::Place;
use super::run::{Ran, foliograph};
use rstest::rstest;
use serde_json::{Value as Json, json};

/// Appends one file.
fn append(place: &Place, name: &str, content: &str, more: &[&str]) -> Ran {
    let file = place.file(name, content);
    foliograph(["import", place.store_name(), &file, "--append", "--json"].iter().chain(more)).go()
}

/// A place with a store out of one file.
fn imported(name: &str, content: &str, more: &[&str]) -> Place {
    let place = Place::empty();
    let file = place.file(name, content);
    foliograph(["import", place.store_name(), &file].iter().chain(more)).go().ok();
    place
}

/// All that a store holds.
fn content(place: &Place) -> String {
    place.run("export STORE -").go().ok().out
}

/// Nodes, edges, rejected, skipped, updated.
fn counts(ran: &Ran) -> [u64; 5] {
    let report = ran.json();
    ["nodes", "edges", "rejected", "skipped", "updated"]
        .map(|key| report[key].as_u64().unwrap_or_else(|| panic!("{key}: {ran}")))
}

fn props(place: &Place, node: &str) -> Json {
    foliograph(["get", place.store_name(), node, "--json"]).go().ok().json()["props"].clone()
}

fn sound(place: &Place) {
    place.run("check STORE").go().says("ok\n");
}

const PEOPLE: &str = ":ID,:LABEL,born:int,field\nada,person,1815,poetry\ncharles,person,1791,\n";

#[test]
fn a_keyed_store_takes_new_nodes_and_edges_that_name_old_ones_by_key() {
    let place = imported("people.csv", PEOPLE, &[]);
    let nodes = place.file("more.csv", ":ID,:LABEL,born:int\nmary,person,1797\nlondon,city,\n");
    let edges = ":START_ID,:END_ID,:TYPE,since:int\nmary,ada,knows,1830\nada,london,lives_in,\n";
    let ran = append(&place, "ties.csv", edges, &[&nodes]).ok();
    assert_eq!(counts(&ran), [2, 2, 0, 0, 0]);
    place.run("neighbors STORE mary --properties").go().says("ada\tknows\t{\"since\":1830}\n");
    place.run("neighbors STORE ada").go().says("london\tlives_in\n");
    // Edges alone, too: their ends are in the store.
    let ran = append(&place, "alone.csv", ":START_ID,:END_ID,:TYPE\ncharles,mary,knows\n", &[]).ok();
    assert_eq!(counts(&ran), [0, 1, 0, 0, 0]);
    place.run("neighbors STORE charles").go().says("mary\tknows\n");
    sound(&place);
}

#[test]
fn a_store_without_keys_takes_edges_by_id_and_makes_the_ends_that_are_missing() {
    let place = imported("a.txt", "1 2\n2 3\n", &[]);
    let ran = append(&place, "b.txt", "3 1\n3 4\n", &[]).ok();
    assert_eq!(counts(&ran), [1, 2, 0, 0, 0]);
    place.run("export STORE --edges - --format edgelist").go().says("1\t2\n2\t3\n3\t1\n3\t4\n");
    let refused = append(&place, "c.txt", "1 2\n4 x\n", &[]).fails(1, &["c.txt:2:3", "x"]);
    assert!(refused.hint().contains("--ids key"), "{refused}");
    assert_eq!(counts(&append(&place, "c.txt", "4 x\n", &["--ids", "key"]).ok()), [2, 1, 0, 0, 0]);
    sound(&place);
}

#[test]
fn in_a_store_with_keys_a_list_of_integers_means_keys() {
    let place = imported("a.txt", "10 x\n20 x\n", &[]);
    let ran = append(&place, "b.txt", "10 20\n20 30\n", &[]).ok();
    assert_eq!(counts(&ran), [1, 2, 0, 0, 0]);
    place.run("bfs STORE 10").go().says("10\t0\n20\t1\nx\t1\n30\t2\n");
    sound(&place);
}

#[test]
fn a_node_that_is_there_is_an_error_or_passed_over_or_given_the_rows_properties() {
    let rows = ":ID,:LABEL,born:int,died:int\nmary,person,1797,1851\nada,person,,1852\n";
    let place = imported("people.csv", PEOPLE, &[]);
    let before = content(&place);
    for more in [&[][..], &["--on-duplicate", "error"]] {
        let ran = append(&place, "new.csv", rows, more).fails(1, &["new.csv:3", "person/ada"]);
        assert!(ran.hint().contains("--on-duplicate"), "{ran}");
        assert_eq!(content(&place), before);
    }
    let ran = append(&place, "new.csv", rows, &["--on-error", "skip"]).ok();
    assert_eq!(counts(&ran), [1, 0, 1, 0, 0]);
    assert!(ran.err.contains("new.csv:3"), "{ran}");
    let ran = append(&place, "new.csv", rows, &["--on-duplicate", "skip"]).ok();
    assert_eq!(counts(&ran), [0, 0, 0, 2, 0]);
    assert_eq!(props(&place, "ada"), json!({ "born": 1815, "field": "poetry" }));
    let ran = append(&place, "new.csv", rows, &["--on-duplicate", "update"]).ok();
    assert_eq!(counts(&ran), [0, 0, 0, 0, 2]);
    assert_eq!(props(&place, "ada"), json!({ "born": 1815, "died": 1852, "field": "poetry" }));
    sound(&place);
}

#[test]
fn a_node_with_the_id_of_a_row_is_there_as_well_but_must_be_the_same_one() {
    let place = imported("n.csv", ":ID,:LABEL,name:KEY,n:int\n1,a,x,1\n2,a,y,2\n3,b,,3\n", &[]);
    let same = ":ID,:LABEL,name:KEY,n:int\n1,a,x,10\n3,b,,30\n4,b,,40\n";
    let ran = append(&place, "same.csv", same, &["--on-duplicate", "update"]).ok();
    assert_eq!(counts(&ran), [1, 0, 0, 0, 2]);
    assert_eq!((props(&place, "@1"), props(&place, "@3")), (json!({ "n": 10 }), json!({ "n": 30 })));
    for (row, parts) in [
        ("1,a,z,9", ["node 1 is a/x", "a/z"]),
        ("1,b,x,9", ["node 1 is a/x", "b/x"]),
        ("3,b,x,9", ["node 3 is a b without a key", "b/x"]),
        ("7,a,x,9", ["a/x is node 1", "node 7"]),
    ] {
        for mode in ["error", "skip", "update"] {
            let other = format!(":ID,:LABEL,name:KEY,n:int\n{row}\n");
            let ran = append(&place, "other.csv", &other, &["--on-duplicate", mode]).fails(1, &parts);
            assert!(ran.error().contains("other.csv:2") && ran.hint().contains("--ids key"), "{ran}");
        }
    }
    // Where integers only link rows, those of this import are not those of the one before.
    let place = imported("n.csv", ":ID,:LABEL,name:KEY\n1,a,x\n2,a,y\n", &["--ids", "key"]);
    let nodes = place.file("m.csv", ":ID,:LABEL,name:KEY\n1,a,y\n2,a,z\n");
    let more = [nodes.as_str(), "--ids", "key", "--on-duplicate", "skip"];
    let ran = append(&place, "e.csv", ":START_ID,:END_ID,:TYPE\n1,2,t\n", &more).ok();
    assert_eq!(counts(&ran), [1, 1, 0, 1, 0]);
    place.run("neighbors STORE y").go().says("z\tt\n");
    sound(&place);
}

#[test]
fn a_row_that_an_earlier_row_made_a_duplicate_goes_the_same_way() {
    let rows = ":ID,:LABEL,n:int\nada,person,1\nada,person,2\n";
    for (mode, want, n) in [("skip", [1, 0, 0, 1, 0], 1), ("update", [1, 0, 0, 0, 1], 2)] {
        let place = Place::empty();
        let ran = append(&place, "n.csv", rows, &["--on-duplicate", mode]).ok();
        assert_eq!((counts(&ran), props(&place, "ada")), (want, json!({ "n": n })));
    }
    let place = Place::empty();
    append(&place, "n.csv", rows, &[]).fails(1, &["n.csv:3", "ada"]);
    assert!(!place.store().exists(), "a store that was made for it is gone again");
    // The same name for two nodes cannot be right, whatever is said.
    let rows = ":ID,:LABEL,name:KEY\nx,person,ada\nx,person,mary\n";
    append(&place, "n.csv", rows, &["--on-duplicate", "skip"]).fails(1, &["n.csv:3", "x"]);
}

#[test]
fn parallel_edges_get_the_next_rank_and_a_rank_that_is_there_is_a_duplicate() {
    let head = ":START_ID,:END_ID,:TYPE,:RANK,n:int\n";
    let place = imported("n.csv", ":ID,:LABEL\n1,a\n2,a\n", &[]);
    let ran = append(&place, "e.csv", &format!("{head}1,2,t,5,5\n1,2,t,,6\n"), &[]).ok();
    assert_eq!(counts(&ran), [0, 2, 0, 0, 0]);
    // What has a rank comes first, wherever it stands, so the other one does not take it away.
    let ran = append(&place, "e.csv", &format!("{head}1,2,t,,8\n1,2,t,7,7\n"), &[]).ok();
    assert_eq!(counts(&ran), [0, 2, 0, 0, 0]);
    let ranks = || {
        let lines = place.run("neighbors STORE 1 --json").go().ok().objects();
        lines.iter().map(|line| (line["rank"].clone(), line["props"]["n"].clone())).collect::<Vec<_>>()
    };
    let pairs = |pairs: &[(u32, u32)]| pairs.iter().map(|(r, n)| (json!(r), json!(n))).collect::<Vec<_>>();
    assert_eq!(ranks(), pairs(&[(5, 5), (6, 6), (7, 7), (8, 8)]));
    let taken = format!("{head}1,2,t,6,60\n1,2,t,9,9\n");
    append(&place, "e.csv", &taken, &[]).fails(1, &["e.csv:2", "rank 6"]);
    let ran = append(&place, "e.csv", &taken, &["--on-duplicate", "skip"]).ok();
    assert_eq!(counts(&ran), [0, 1, 0, 1, 0]);
    let ran = append(&place, "e.csv", &taken, &["--on-duplicate", "update"]).ok();
    assert_eq!(counts(&ran), [0, 0, 0, 0, 2]);
    assert_eq!(ranks(), pairs(&[(5, 5), (6, 60), (7, 7), (8, 8), (9, 9)]));
    sound(&place);
}

#[test]
fn an_append_that_fails_half_way_leaves_the_store_as_it_was() {
    let place = imported("a.txt", "1 2 10\n2 3 20\n", &[]);
    place.run("index STORE create --edge-type edge weight --unique").go().ok();
    let before = content(&place);
    // With little memory much of it stands on pages when the last row is refused.
    let long: String = (0..60_000).map(|n| format!("{} {} {}\n", n % 999, n % 1013, n + 100)).collect();
    let (good, bad) = (place.file("good.txt", long), place.file("bad.txt", "4 5 60\n7 8 20\n"));
    for memory in ["256MiB", "1MiB"] {
        let args = ["import", place.store_name(), &good, &bad, "--append", "--memory", memory];
        foliograph(args).go().fails(1, &["bad.txt:2", "unique"]);
        assert_eq!(content(&place), before);
        sound(&place);
    }
    append(&place, "bad.txt", "4 5 6\n7 8 9 10\n", &[&good]).fails(1, &["bad.txt:2"]);
    assert_eq!(content(&place), before);
}

#[test]
fn what_a_unique_index_has_already_is_refused_with_its_line() {
    let place = imported("people.csv", ":ID,:LABEL,mail\nada,person,a@x\n", &[]);
    place.run("index STORE create person mail --unique").go().ok();
    let before = content(&place);
    let rows = ":ID,:LABEL,mail\nbob,person,b@x\neve,person,a@x\nkim,person,b@x\n";
    let ran = append(&place, "n.csv", rows, &[]).fails(1, &["n.csv:3", "person.mail", "unique"]);
    assert!(ran.hint().contains("--on-error skip"), "{ran}");
    assert_eq!(content(&place), before);
    let edges = place.file("e.csv", ":START_ID,:END_ID,:TYPE\nada,bob,knows\nada,eve,knows\n");
    let ran = append(&place, "n.csv", rows, &["--on-error", "skip", &edges]).ok();
    assert_eq!(counts(&ran), [1, 1, 3, 0, 0]);
    assert!(
        ran.err.contains("n.csv:3") && ran.err.contains("n.csv:4") && ran.err.contains("e.csv:3"),
        "{ran}"
    );
    place.run("nodes STORE --label person --where mail=b@x").go().says("bob\n");
    let update = append(&place, "n.csv", ":ID,:LABEL,mail\nbob,person,c@x\n", &["--on-duplicate", "update"]);
    assert_eq!(counts(&update.ok()), [0, 0, 0, 0, 1]);
    place.run("nodes STORE --label person --where mail=c@x").go().says("bob\n");
    assert_eq!(place.run("nodes STORE --label person --where mail=b@x").go().out, "");
    sound(&place);
}

#[test]
fn a_row_that_is_left_out_leaves_no_end_behind() {
    let place = imported("e.txt", "a b 1\n", &[]);
    place.run("index STORE create --edge-type edge weight --unique").go().ok();
    let ran = append(&place, "more.txt", "a c 1\na d 2\ne f 2\n", &["--on-error", "skip"]).ok();
    assert_eq!(counts(&ran), [1, 1, 2, 0, 0]);
    place.run("nodes STORE").go().says("a\nb\nd\n");
    sound(&place);
}

#[test]
fn a_key_that_several_nodes_bear_names_none_of_them() {
    let place = Place::small();
    let edges = ":START_ID,:END_ID,:TYPE\nmary,ada,knows\n";
    let ran =
        append(&place, "e.csv", edges, &[]).fails(1, &["e.csv:2", "target ada", "person/ada", "city/ada"]);
    assert!(!ran.hint().is_empty(), "{ran}");
    let edges = ":START_ID,:END_ID,:TYPE\nmary,nobody,knows\nmary,london,knows\n";
    append(&place, "e.csv", edges, &[]).fails(1, &["e.csv:2", "target nobody"]);
    assert_eq!(counts(&append(&place, "e.csv", edges, &["--on-error", "skip"]).ok()), [0, 1, 1, 0, 0]);
    sound(&place);
}

#[test]
fn a_type_stays_directed_or_undirected() {
    let place = imported("e.txt", "1 2\n", &[]);
    let ran = append(&place, "u.txt", "2 3\n", &["--undirected"]).fails(1, &["u.txt:1", "edge", "directed"]);
    assert!(!ran.hint().is_empty(), "{ran}");
    let place = imported("e.txt", "1 2\n", &["--undirected"]);
    let ran = append(&place, "d.txt", "2 3\n", &[]).fails(1, &["d.txt:1", "undirected"]);
    assert!(ran.hint().contains("--undirected"), "{ran}");
    assert_eq!(counts(&append(&place, "d.txt", "2 3\n", &["--undirected"]).ok()), [1, 1, 0, 0, 0]);
    // JSON lines say it apart from the edges, or not at all.
    let edge = "{\"op\":\"add_edge\",\"from\":{\"id\":3},\"type\":\"edge\",\"to\":{\"id\":1}}\n";
    assert_eq!(counts(&append(&place, "j.jsonl", edge, &[]).ok()), [0, 1, 0, 0, 0]);
    let line = "{\"op\":\"edge_type\",\"type\":\"edge\",\"undirected\":false}\n";
    append(&place, "j.jsonl", line, &[]).fails(1, &["j.jsonl:1", "undirected"]);
    let new = "{\"op\":\"edge_type\",\"type\":\"near\",\"undirected\":true}\n";
    append(&place, "j.jsonl", new, &[]).ok();
    let stats = place.run("stats STORE --json").go().ok().json();
    assert_eq!(stats["undirected_types"], json!(["edge", "near"]));
    sound(&place);
}

#[test]
fn every_format_appends_and_its_own_export_is_all_duplicates() {
    let place = Place::small();
    place.run("index STORE create person born").go().ok();
    let before = content(&place);
    for format in ["csv", "tsv", "jsonl"] {
        let [nodes, edges] = ["n", "e"].map(|name| place.path().join(format!("{name}.{format}")));
        let [nodes, edges] = [nodes.to_str().unwrap(), edges.to_str().unwrap()];
        foliograph(["export", place.store_name(), "--nodes", nodes, "--edges", edges]).go().ok();
        let args = ["import", place.store_name(), "--append", nodes, "--format", format];
        foliograph(args).go().fails(1, &[&format!("n.{format}:"), "already"]);
        for (mode, at) in [("skip", 3), ("update", 4)] {
            let ran = foliograph(args.iter().chain(&["--on-duplicate", mode, "--json"])).go().ok();
            assert_eq!((counts(&ran)[at], counts(&ran)[0]), (6, 0), "{format}: {ran}");
            assert_eq!(content(&place), before, "{format} {mode}");
        }
        // Nodes that are there and edges of which only one more comes in.
        let copy = Place::empty();
        foliograph(["import", copy.store_name(), "--append", nodes, edges, "--json"]).go().ok();
        assert_eq!(
            copy.run("export STORE --edges -").go().ok().out,
            place.run("export STORE --edges -").go().ok().out
        );
        sound(&copy);
    }
    let whole = place.file("all.jsonl", &before);
    let ran = append(
        &place,
        "none.jsonl",
        "\n{\"op\":\"edge_type\",\"type\":\"new\"}\n",
        &[&whole, "--on-duplicate", "skip"],
    );
    let [nodes, edges, rejected, skipped, _] = counts(&ran.ok());
    assert_eq!((nodes, rejected, edges + skipped), (0, 0, 12), "the index that is there is no mistake");
    sound(&place);
}

#[test]
fn a_graphalytics_set_is_added_to_another() {
    let place = Place::empty();
    let set = |name: &str, nodes: &str, edges: &str| {
        place.file(&format!("{name}.v"), nodes);
        place.file(&format!("{name}.e"), edges)
    };
    let one = set("one", "1 5\n2 6\n", "1 2 0.5\n");
    foliograph(["import", place.store_name(), &one]).go().ok();
    let two = set("two", "3 7\n4 8\n", "3 1 0.5\n4 3 1.5\n");
    foliograph(["import", place.store_name(), &two]).go().fails(1, &["store.folio"]);
    let ran = foliograph(["import", place.store_name(), &two, "--append", "--json"]).go().ok();
    assert_eq!(counts(&ran), [2, 2, 0, 0, 0]);
    place.run("bfs STORE 4").go().says("4\t0\n3\t1\n1\t2\n2\t3\n");
    let three = set("three", "4 9\n", "4 7\n");
    let args = ["import", place.store_name(), &three, "--append", "--on-duplicate", "update"];
    foliograph(args).go().fails(1, &["three.e:1", "target 7"]);
    assert_eq!(props(&place, "4"), json!({ "value": 8 }));
    sound(&place);
}

#[test]
fn json_lines_name_what_is_there_by_key_or_id_and_null_removes() {
    let place = Place::small();
    let lines = [
        json!({ "op": "add_edge", "from": { "label": "person", "key": "eve" }, "type": "knows", "to": { "id": 3 } }),
        json!({ "op": "add_node", "label": "person", "key": "eve" }),
        json!({ "op": "add_node", "label": "person", "key": "ada", "props": { "born": null, "died": 1852 } }),
        json!({ "op": "create_index", "label": "person", "property": "died" }),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    append(&place, "j.jsonl", &text, &[]).fails(1, &["j.jsonl:3", "person/ada"]);
    let ran = append(&place, "j.jsonl", &text, &["--on-duplicate", "update"]).ok();
    assert_eq!(counts(&ran), [1, 1, 0, 0, 1]);
    assert_eq!(
        props(&place, "person/ada"),
        json!({ "died": 1852, "score": 1.5, "tags": ["math", "poetry"] })
    );
    place.run("neighbors STORE eve").go().says("mary\tknows\n");
    place.run("nodes STORE --label person --where died=1852").go().says("person/ada\n");
    let change = "{\"op\":\"delete_node\",\"node\":{\"id\":1}}\n";
    append(&place, "d.jsonl", change, &[]).fails(1, &["d.jsonl:1", "only add"]);
    sound(&place);
}

#[test]
fn bad_rows_are_skipped_and_counted() {
    let place = imported("people.csv", PEOPLE, &[]);
    let rows = ":ID,:LABEL,born:int\neve,person,no\nmary,person,1797\nx\nada,person,1\n";
    let edges = place.file("e.csv", ":START_ID,:END_ID,:TYPE\nmary,eve,knows\nmary,ada,knows\n");
    let more = ["--on-error", "skip", "--on-duplicate", "skip", edges.as_str()];
    let ran = append(&place, "n.csv", rows, &more).ok();
    assert_eq!(counts(&ran), [1, 1, 3, 1, 0]);
    for part in ["n.csv:2", "n.csv:4", "e.csv:2"] {
        assert!(ran.err.contains(part), "{part}: {ran}");
    }
    sound(&place);
}

#[rstest]
#[case("256MiB")]
#[case("1MiB")]
fn little_memory_changes_nothing_but_time(#[case] memory: &str) {
    let rows = |from: u32, to: u32| -> String {
        let row = |n: u32| format!("n{} n{} {n}\n", n * 7919 % 5000, n * 104_729 % 5000);
        (from..to).map(row).collect()
    };
    let place = imported("a.txt", &rows(0, 20_000), &[]);
    let ran = append(&place, "b.txt", &rows(20_000, 40_000), &["--memory", memory]).ok();
    assert_eq!(counts(&ran)[1..], [20_000, 0, 0, 0]);
    let whole = imported("all.txt", &rows(0, 40_000), &[]);
    let edges = |place: &Place| {
        let out = place.run("export STORE --edges - --format edgelist").go().ok().out;
        let mut lines: Vec<String> = out.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert!(edges(&place) == edges(&whole));
    sound(&place);
}

/// Numbers that look random, the same every time.
fn random(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

#[test]
fn import_then_append_gives_what_one_import_of_both_gives() {
    let state = &mut 42;
    for round in 0..12 {
        let (nodes, ties) = (1 + random(state, 12), random(state, 40));
        let ids = round % 2 == 0;
        let name = |n: u64| if ids { format!("{}", 3 * n) } else { format!("w{n}") };
        let split = random(state, nodes + 1);
        let people: Vec<String> =
            (0..nodes).map(|n| format!("{},l{},{}\n", name(n), random(state, 3), random(state, 9))).collect();
        let edge = |state: &mut u64, to: u64| {
            let ends = [name(random(state, to)), name(random(state, to))];
            format!("{},{},t{},{}\n", ends[0], ends[1], random(state, 2), random(state, 9))
        };
        let early: Vec<String> = (0..if split > 0 { ties } else { 0 }).map(|_| edge(state, split)).collect();
        let late: Vec<String> = (0..ties).map(|_| edge(state, nodes)).collect();
        let (node_head, edge_head) = (":ID,:LABEL,n:int\n", ":START_ID,:END_ID,:TYPE,w:int\n");
        let fill = |place: &Place, nodes: &[String], edges: &[String], more: &[&str]| {
            let n = place.file("n.csv", format!("{node_head}{}", nodes.concat()));
            let e = place.file("e.csv", format!("{edge_head}{}", edges.concat()));
            foliograph(["import", place.store_name(), &n, &e].iter().chain(more)).go().ok();
        };
        let (both, parts) = (Place::empty(), Place::empty());
        fill(&both, &people, &[&early[..], &late].concat(), &[]);
        fill(&parts, &people[..split as usize], &early, &[]);
        fill(&parts, &people[split as usize..], &late, &["--append"]);
        for what in ["--nodes", "--edges"] {
            let line = format!("export STORE {what} - --format csv");
            let [one, other] = [&both, &parts].map(|place| place.run(&line).go().ok().out);
            assert_eq!(one, other, "round {round}");
        }
        sound(&parts);
    }
}

#[test]
fn without_append_an_existing_store_is_refused_and_on_duplicate_is_wrong_usage() {
    let place = imported("a.txt", "1 2\n", &[]);
    let file = place.file("b.txt", "2 3\n");
    foliograph(["import", place.store_name(), &file]).go().fails(1, &["a store is there already"]);
    let args = ["import", place.store_name(), &file, "--on-duplicate", "skip"];
    let ran = foliograph(args).go().fails(2, &["--append"]);
    assert!(!ran.hint().is_empty(), "{ran}");
    let report = foliograph(["import", place.store_name(), &file, "--append"]).go().ok();
    assert!(report.out.contains("skipped") && report.out.contains("updated"), "{report}");
    let note = place.file("note.txt", "precious");
    foliograph(["import", &note, &file, "--append"]).go().fails(1, &["note.txt"]);
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "precious");
}
