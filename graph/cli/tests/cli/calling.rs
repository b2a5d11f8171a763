//! How the command is called: options before and after it, sizes, exit codes, stdin and stdout as `-`, pipes that break.

use super::place::{PEOPLE, Place, TIES};
use super::run::foliograph;
use serde_json::json;
use std::fmt::Write;

#[test]
fn global_options_stand_before_or_after_the_command() {
    let place = Place::small();
    let store = place.store_name();
    let before =
        foliograph(["--json", "--cache", "16p", "--quiet", "--no-progress", "degree", store, "mary"])
            .go()
            .ok();
    let after = foliograph(["degree", store, "mary", "--json", "--cache", "16p", "--quiet", "--no-progress"])
        .go()
        .ok();
    assert_eq!(before.json(), json!({ "degree": 1 }));
    assert_eq!(before.out, after.out);
}

#[test]
fn sizes_have_units() {
    let place = Place::small();
    for size in ["65536", "64KiB", "64kb", "1M", "64MiB", "1G", "16p", "100p"] {
        foliograph(["degree", place.store_name(), "mary", "--cache", size]).go().says("1\n");
    }
    for size in ["x", "1.5M", "-1", "64Q", "", "99999999999999999999", "99999999T", "1Gp"] {
        let ran = foliograph(["degree", place.store_name(), "mary", &format!("--cache={size}")]).go();
        ran.fails(2, &["--cache"]);
    }
    for size in ["4096", "4KiB", "16K", "65536"] {
        let place = Place::empty();
        let list = place.file("edges.txt", "1 2\n");
        foliograph(["import", place.store_name(), &list, "--page-size", size]).go().ok();
        place.run("check STORE").go().says("ok\n");
    }
    for size in ["4095", "0", "512", "5000", "1G", "x"] {
        let place = Place::empty();
        let list = place.file("edges.txt", "1 2\n");
        foliograph(["import", place.store_name(), &list, "--page-size", size])
            .go()
            .fails(2, &["--page-size"]);
        assert!(!place.store().exists(), "{size}");
    }
}

#[test]
fn a_tiny_cache_and_a_tiny_memory_give_the_same_answers() {
    let place = Place::empty();
    let list: String = (0..20_000u64).map(|i| format!("{} {}\n", i % 5000, i * 7919 % 6007)).collect();
    let list = place.file("edges.txt", list);
    let args =
        ["import", place.store_name(), &list, "--page-size", "4096", "--memory", "1MiB", "--cache", "16p"];
    foliograph(args).go().ok();
    place.run("check STORE --cache 16p").go().says("ok\n");
    let large = place.run("bfs STORE 0 --cache 64MiB").go().ok().out;
    assert_eq!(place.run("bfs STORE 0 --cache 16p").go().ok().out, large);
    assert_eq!(place.run("bfs STORE 0 --cache 1p").go().ok().out, large, "raised to what is needed");
    assert_eq!(place.run("bfs STORE 0 --cache 0").go().ok().out, large);
    assert!(large.lines().count() > 5000);
}

#[test]
fn wrong_use_exits_with_2_and_says_how_it_is_right() {
    let place = Place::small();
    let store = place.store_name();
    let cases: &[(&[&str], &str)] = &[
        (&[], "command"),
        (&["frobnicate"], "frobnicate"),
        (&["get", store], "NODE"),
        (&["get", store, "mary", "extra"], "extra"),
        (&["get", store, "mary", "--frob"], "--frob"),
        (&["--backend", "tape", "stats", store], "tape"),
        (&["neighbors", store, "mary", "--direction", "up"], "up"),
        (&["neighbors", store, "mary", "--limit", "x"], "--limit"),
        (&["bfs", store, "mary", "--depth", "-1"], "-1"),
        (&["nodes", store, "--where", "born"], "born"),
        (&["page", store, "x"], "x"),
        (&["apply", store], "FILE"),
        (&["apply", store, "-", "--commit-every", "0"], "--commit-every"),
        (&["export", store], "--nodes"),
        (&["export", store, "--nodes", "-", "--edges", "-"], "same"),
        (&["export", store, "--nodes", "-", "--format", "xml"], "xml"),
        (&["import", "absent.folio"], "file"),
        (&["import", "absent.folio", "-", "-"], "stdin"),
        (&["import", store, "-", "--format", "xml"], "xml"),
        (&["completions"], "SHELL"),
        (&["completions", "klingon"], "klingon"),
    ];
    for (args, part) in cases {
        let ran = foliograph(*args).go();
        assert_eq!(ran.code, 2, "{ran}");
        let said = format!("{} {}", ran.error(), ran.hint());
        assert!(said.contains(part), "`{part}`: {ran}");
        assert!(ran.out.is_empty() && ran.err.lines().count() <= 2, "{ran}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    assert!(foliograph(["--version"]).go().ok().out.starts_with("foliograph "));
    let help = foliograph(["--help"]).go().ok().out;
    for command in [
        "import",
        "export",
        "get",
        "nodes",
        "neighbors",
        "degree",
        "bfs",
        "path",
        "algo",
        "stats",
        "check",
        "pages",
        "page",
        "recover",
        "compact",
        "apply",
        "bench",
        "demo",
        "completions",
    ] {
        assert!(help.contains(&format!("  {command} ")), "{command}: {help}");
        assert!(foliograph([command, "--help"]).go().ok().out.contains("--json"), "{command}");
    }
    assert_eq!(foliograph(["help"]).go().ok().out, help);
}

#[test]
fn a_dash_is_stdin_and_stdout() {
    let place = Place::empty();
    let nodes = place.file("people.csv", PEOPLE);
    foliograph(["import", place.store_name(), &nodes, "-"]).stdin(TIES).go().ok();
    let (nodes, edges) =
        (place.run("export STORE --nodes -").go().ok(), place.run("export STORE --edges -").go().ok());
    assert_eq!(nodes.out.lines().count(), 7);
    assert_eq!(edges.out.lines().count(), 7);
    let copy = Place::empty();
    let args = ["import", copy.store_name(), "--nodes", "-", "--edges", &place.file("edges.tsv", &edges.out)];
    foliograph(args).stdin(nodes.out.clone()).go().ok();
    copy.run("export STORE --nodes -").go().says(&nodes.out);
    assert_eq!(place.listing(), ["edges.tsv", "people.csv", "store.folio"], "nothing temporary is left");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let place = Place::empty();
    let mut list = String::new();
    for i in 0..200_000 {
        writeln!(list, "0 {}", i + 1).unwrap();
    }
    let list = place.file("edges.txt", list);
    foliograph(["import", place.store_name(), &list]).go().ok();
    for line in [
        "nodes STORE",
        "nodes STORE --json",
        "neighbors STORE 0",
        "neighbors STORE 0 --json --properties",
        "bfs STORE 0",
        "export STORE --nodes -",
        "export STORE --edges - --format csv",
        "export STORE --edges - --format edgelist",
    ] {
        let (first, ran) = place.run(line).head();
        assert!(!first.is_empty());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran}");
    }
    for args in [["--help"].as_slice(), &["completions", "bash"], &["page", place.store_name(), "5", "--hex"]]
    {
        assert_eq!(foliograph(args).head().1.code, 0);
    }
}

#[test]
fn acknowledgements_that_nobody_reads_end_it_quietly() {
    let place = Place::empty();
    let lines = (0..100).map(|i| format!("{{\"op\":\"add_node\",\"label\":\"a\",\"key\":{i}}}\n"));
    let (first, ran) = place.run("apply STORE - --acks").stdin(lines.collect::<String>()).head();
    assert_eq!((first.as_str(), ran.code), ("committed 1", 0), "{ran}");
    place.run("check STORE").go().says("ok\n");
}

#[test]
fn completions_are_scripts_that_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = foliograph(["completions", shell]).go().ok().out;
        assert!(
            script.contains("foliograph") && script.contains("neighbors") && script.contains("commit-every"),
            "{shell}"
        );
    }
    // A shell that is here reads it without complaint.
    let script = foliograph(["completions", "bash"]).go().ok().out;
    let place = Place::empty();
    if let Ok(bash) = std::process::Command::new("bash").arg("-n").arg(place.file("c.bash", script)).output()
    {
        assert!(bash.status.success(), "{}", String::from_utf8_lossy(&bash.stderr));
    }
}

#[test]
fn nothing_is_coloured_where_no_terminal_is() {
    let place = Place::small();
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "xterm-256color")] {
        let ran = place.run("get STORE nobody").env(name, value).go().fails(4, &["nobody"]);
        assert!(!ran.err.contains('\u{1b}'), "{ran}");
        let help = foliograph(["--help"]).env(name, value).go().ok().out;
        assert!(!help.contains('\u{1b}'));
    }
    // NO_COLOR is honoured where colours are asked for by other means.
    let ran = place.run("get STORE nobody").env("NO_COLOR", "1").env("CLICOLOR", "1").go();
    assert!(!ran.err.contains('\u{1b}'), "{ran}");
}

#[test]
fn quiet_leaves_errors_and_data() {
    let place = Place::empty();
    let line = "{\"op\":\"add_node\",\"label\":\"a\",\"key\":1}\n";
    assert_ne!(place.run("apply STORE -").stdin(line).go().ok().err, "");
    let ran = place.run("apply STORE - --quiet --acks").stdin(line.replace('1', "2")).go();
    ran.says("committed 1\n");
    let ran = place.run("apply STORE - --quiet").stdin(line).go();
    assert!(ran.fails(1, &["stdin:1"]).out.is_empty());
    let bad = place.file("n.csv", ":ID,:LABEL\n1,a\n1,a\n");
    let other = Place::empty();
    let ran = foliograph(["import", other.store_name(), &bad, "--on-error", "skip", "--quiet"]).go().ok();
    assert_eq!(ran.err, "");
}

#[test]
fn no_progress_is_drawn_where_no_terminal_is() {
    let place = Place::empty();
    let list: String = (0..300_000).map(|i| format!("{i} {}\n", i + 1)).collect();
    let list = place.file("edges.txt", list);
    let ran = foliograph(["import", place.store_name(), &list]).go().ok();
    assert_eq!(ran.err, "");
}
