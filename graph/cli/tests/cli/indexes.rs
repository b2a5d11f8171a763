//! `index`, and `nodes --where` with an index and without one.

use super::place::Place;
use super::run::foliograph;
use serde_json::json;

#[test]
fn indexes_are_made_listed_and_dropped() {
    let place = Place::small();
    assert_eq!(place.run("index STORE list").go().ok().out, "");
    place.run("index STORE create person born").go().ok();
    place.run("index STORE create person score --unique").go().ok();
    place.run("index STORE create --edge-type knows since").go().ok();
    let list = "label\tperson\tborn\t3\nlabel\tperson\tscore\t1\tunique\ntype\tknows\tsince\t2\n";
    assert_eq!(place.run("index STORE list").go().ok().out, list);
    let lines = place.run("index STORE list --json").go().ok().objects();
    assert_eq!(lines[2], json!({ "type": "knows", "property": "since", "unique": false, "entries": 2 }));
    place.run("check STORE").go().ok();
    place.run("index STORE drop knows since --edge-type").go().ok();
    place.run("index STORE drop person born").go().ok();
    assert_eq!(place.run("index STORE list").go().ok().out, "label\tperson\tscore\t1\tunique\n");
    place.run("check STORE").go().ok();
}

#[test]
fn what_cannot_be_indexed_is_said_and_changes_nothing() {
    let place = Place::small();
    place.run("index STORE create person born").go().ok();
    let cases = [
        ("index STORE create person born", 1, "there is an index over person.born already"),
        ("index STORE create --edge-type knows since --unique", 0, ""),
        ("index STORE drop person name", 4, "there is no index over person.name"),
        ("index STORE drop born person", 4, "there is no index over born.person"),
        ("index STORE create a/b born", 1, "slash"),
        ("index STORE sort person born", 2, "sort"),
        ("index STORE create person", 2, "PROPERTY"),
    ];
    for (line, code, says) in cases {
        let ran = place.run(line).go();
        assert_eq!(ran.code, code, "{}: {}", ran.shown, ran.err);
        assert!(ran.err.contains(says), "{}: {}", ran.shown, ran.err);
    }
    let twice = r#"{"op":"add_node","label":"person","key":"x","props":{"born":1815}}"#;
    foliograph(["apply", place.store_name(), "-"]).stdin(twice).go().ok();
    let refused = foliograph(["index", place.store_name(), "drop", "person", "born"]).go();
    assert_eq!(refused.code, 0);
    let refused = foliograph(["index", place.store_name(), "create", "person", "born", "--unique"]).go();
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("person.born is unique, and node") && refused.err.contains("1815"),
        "{}",
        refused.err
    );
    assert_eq!(place.run("index STORE list").go().ok().out, "type\tknows\tsince\t2\tunique\n");
    let empty = place.run("index STORE create ghost name").go().ok();
    assert!(empty.err.contains("there is no label `ghost` yet"), "{}", empty.err);
}

/// The same nodes, though an index gives them in the order of values.
#[test]
fn conditions_are_answered_by_an_index_as_they_are_without_one() {
    let place = Place::small();
    let conditions = [
        "born=1815",
        "born<1800",
        "born<=1797",
        "born>1700",
        "born>=1797",
        "tags=math",
        "tags^=po",
        "score>1",
    ];
    let ask = |condition: &str| {
        let ran =
            foliograph(["nodes", place.store_name(), "--label", "person", "--where", condition]).go().ok();
        let mut names: Vec<String> = ran.out.lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    let without: Vec<_> = conditions.iter().map(|condition| ask(condition)).collect();
    for property in ["born", "tags", "score"] {
        foliograph(["index", place.store_name(), "create", "person", property]).go().ok();
    }
    for (condition, wanted) in conditions.iter().zip(without) {
        assert_eq!(ask(condition), wanted, "{condition}");
    }
    let by_value = place.run("nodes STORE --label person --where born>0").go().ok();
    assert_eq!(by_value.out, "charles\nmary\nperson/ada\n");
}
