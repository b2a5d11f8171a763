//! The log from outside: `wal`, stores that need recovery through every command, and `backup`.
//!
//! A store that needs recovery is made by the library: a copy of its file while it is open, as a killed process leaves it.

use super::place::{Place, backends};
use super::run::{Ran, foliograph};
use foliograph::{Backend, Database, Options, PageSize, props};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::Path;

/// Commits that stand only in the log.
const COMMITS: u64 = 5;

/// A store whose last commits stand only in its log; and, at `closed.folio`, the same store closed cleanly.
fn crashed(backend: &str) -> Place {
    let place = Place::empty();
    let path = place.path().join("closed.folio");
    let backend: Backend = backend.parse().expect("a backend");
    let options = Options::new().backend(backend).page_size(PageSize::K4).background(false);
    let db = options.create(&path).expect("created");
    let mut tx = db.begin_write().expect("begun");
    for n in 0..200 {
        tx.add_node("n", n, props! { "text" => "x".repeat(60) }).expect("added");
    }
    tx.commit().expect("committed");
    db.checkpoint().expect("made");
    (0..COMMITS).for_each(|n| commit(&db, n as i64));
    fs::copy(&path, place.store()).expect("copied");
    db.close().expect("closed");
    place
}

/// One commit: a node, and an edge to it.
fn commit(db: &Database, n: i64) {
    let mut tx = db.begin_write().expect("begun");
    let hub = tx.node("n", 0).expect("readable").expect("there");
    let node = tx.add_node("late", format!("late {n}"), props! { "n" => n }).expect("added");
    tx.add_edge(hub, "to", node, props! {}).expect("added");
    tx.commit().expect("committed");
}

fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    fs::read(path).expect("readable")
}

fn name(place: &Place, file: &str) -> String {
    place.path().join(file).into_os_string().into_string().expect("UTF-8")
}

fn exported(path: &str) -> String {
    ["--nodes", "--edges"].map(|what| foliograph(["export", path, what, "-"]).go().ok().out).concat()
}

fn run(line: &[&str], backend: &str) -> Ran {
    foliograph(line.iter().copied().chain(["--backend", backend])).go()
}

/// Changes a byte of a group's body, or of its header.
fn spoil(place: &Place, group: &Json, at: usize) {
    let (page, block) = (group["page"].as_u64().expect("a page"), group["block"].as_u64().expect("a block"));
    let mut bytes = bytes(place.store());
    bytes[(page * 4096 + block * 4096) as usize + at] ^= 0x10;
    fs::write(place.store(), bytes).expect("written");
}

fn groups(place: &Place) -> Vec<Json> {
    place.run("wal STORE --json").go().objects()
}

#[test]
fn wal_shows_groups_and_records_and_where_the_log_ends() {
    for backend in backends() {
        let place = crashed(backend);
        let before = bytes(place.store());
        let store = place.store_name();
        let text = run(&["wal", store], backend).ok();
        let lines: Vec<&str> = text.out.lines().collect();
        assert!(lines[0].starts_with("the root holds version 1; the log begins with group "), "{text}");
        let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count() as u64;
        assert_eq!((count("group "), count("  version ")), (COMMITS, COMMITS), "{text}");
        assert!(text.out.contains("    add node 200 label 1 key \"late 0\""), "{text}");
        assert_eq!(count("    add edge "), COMMITS, "{text}");
        let last = lines.last().expect("lines");
        assert!(
            last.starts_with("the log ends: group ") && last.ends_with("nothing is written there"),
            "{text}"
        );

        let objects = run(&["wal", store, "--json"], backend).ok().objects();
        assert_eq!(objects.len() as u64, COMMITS + 1);
        for (n, group) in objects[..COMMITS as usize].iter().enumerate() {
            assert_eq!(group["first_version"], json!(n + 2), "{group}");
            assert_eq!(group["last_version"], group["first_version"], "{group}");
            assert_eq!(group["records"][0]["version"], json!(n + 2), "{group}");
            assert!(
                group["records"][0]["operations"].as_array().is_some_and(|ops| ops.len() >= 2),
                "{group}"
            );
        }
        let end = &objects[COMMITS as usize]["end"];
        assert_eq!((&end["why"], &end["damaged"]), (&json!("nothing is written there"), &json!(false)));
        assert!(bytes(place.store()) == before);
    }
}

#[test]
fn a_store_that_was_closed_has_no_log_and_one_without_roots_cannot_say() {
    let place = Place::small();
    let ran = place.run("wal STORE").go().ok();
    assert!(ran.out.starts_with("there is no log; its next group will be "), "{ran}");
    let end = &place.run("wal STORE --json").go().ok().json()["end"];
    assert_eq!((&end["why"], &end["page"]), (&json!("there is no log"), &Json::Null), "{end}");
    let mut bytes = bytes(place.store());
    bytes[4096..5 * 4096].fill(0xee);
    fs::write(place.store(), bytes).expect("written");
    assert!(!place.run("wal STORE").go().fails(1, &["no root record"]).hint().is_empty());
    let text = place.file("text", "no store");
    foliograph(["wal", &text]).go().fails(1, &["not a Foliograph store"]);
    foliograph(["wal"]).go().fails(2, &["STORE"]);
}

#[test]
fn wal_shows_what_can_be_read_of_a_damaged_log_and_says_what_is_wrong() {
    let place = crashed("file");
    let whole = groups(&place);
    // The last group: what a crash may leave. The log just ends before it.
    spoil(&place, &whole[COMMITS as usize - 1], 100);
    let left = groups(&place);
    assert_eq!(left.len() as u64, COMMITS);
    assert_eq!(left[COMMITS as usize - 1]["end"]["why"], "the group there was not written whole");
    // One in the middle, which later ones prove.
    spoil(&place, &whole[2], 100);
    let page = &whole[2]["page"];
    let ran = place.run("wal STORE").go().fails(1, &["the log is damaged at group", &format!("page {page}")]);
    assert_eq!(ran.out.lines().filter(|line| line.starts_with("group ")).count(), 2, "{ran}");
    assert!(ran.hint().contains("recover"), "{ran}");
    let left = groups(&place);
    assert_eq!((left.len(), &left[2]["end"]["damaged"]), (3, &json!(true)));
    // Such a store is not opened; its pages can be looked at.
    place.run("get STORE n/1").go().fails(1, &["the log is damaged"]);
    let check = place.run("check STORE --json").go();
    assert_eq!(check.code, 3, "{check}");
    assert_eq!(check.json()["findings"][0]["page"], *page, "{check}");
    let pages = place.run("pages STORE").go().ok();
    assert!(pages.err.contains("the log is damaged") && pages.out.contains("\tlog\n"), "{pages}");
}

#[test]
fn check_replays_in_memory_and_never_writes() {
    for backend in backends() {
        let place = crashed(backend);
        let before = bytes(place.store());
        let ran = run(&["check", place.store_name()], backend).ok();
        assert_eq!(ran.out, "ok\n");
        assert_eq!(ran.err, "note: the store needs recovery: 5 commits of the log were replayed in memory\n");
        let quiet = run(&["check", place.store_name(), "--quiet", "--json"], backend).ok();
        assert_eq!((&quiet.json()["ok"], quiet.err.as_str()), (&json!(true), ""));
        assert!(bytes(place.store()) == before, "{backend}");
    }
}

#[test]
fn check_finds_damage_of_a_store_that_needs_recovery() {
    let place = crashed("file");
    let pages = place.run("pages STORE --json --quiet").go().ok().objects();
    let page = |kind: &str, owner: &str| {
        let found = pages.iter().find(|page| page["kind"] == kind && page["owner"] == owner);
        found.unwrap_or_else(|| panic!("no {kind} of {owner}"))["id"].as_u64().expect("an id") as usize
    };
    let whole = bytes(place.store());
    // A leaf that the replay need not read, and a copy of a root record, which recovery would mend.
    for (damaged, word) in [(page("node", "nodes"), "node"), (3, "meta")] {
        let mut bytes = whole.clone();
        bytes[damaged * 4096 + 50] ^= 1;
        fs::write(place.store(), &bytes).expect("written");
        let ran = place.run("check STORE").go();
        assert_eq!(ran.code, 3, "{ran}");
        assert!(ran.out.contains(&format!("page {damaged} ({word})")), "{ran}");
        assert!(fs::read(place.store()).expect("readable") == bytes);
    }
}

#[test]
fn reading_recovers_a_store_first_and_says_so_once() {
    for backend in backends() {
        let place = crashed(backend);
        let expected = exported(&name(&place, "closed.folio"));
        let ran = run(&["get", place.store_name(), "late/late 4", "--json"], backend).ok();
        assert_eq!(ran.json()["props"]["n"], json!(4));
        assert_eq!(ran.err, format!("{}: recovered, 5 commits replayed\n", place.store_name()));
        let again = run(&["get", place.store_name(), "late/late 4"], backend).ok();
        assert_eq!(again.err, "");
        assert_eq!(exported(place.store_name()), expected);
        run(&["check", place.store_name()], backend).says("ok\n");
        let place = crashed(backend);
        assert_eq!(run(&["nodes", place.store_name(), "--quiet"], backend).ok().err, "");
        let place = crashed(backend);
        let stats = run(&["stats", place.store_name(), "--json"], backend).ok().json();
        assert_eq!((&stats["nodes"], &stats["log"]["bytes"]), (&json!(205), &json!(0)), "{stats}");
        let place = crashed(backend);
        foliograph(["apply", place.store_name(), "-", "--backend", backend])
            .stdin("{\"op\":\"add_node\",\"label\":\"n\",\"key\":\"new\"}\n")
            .go()
            .ok();
        assert_eq!(place.run("nodes STORE").go().ok().out.lines().count(), 206);
    }
}

#[cfg(unix)]
#[test]
fn a_store_that_needs_recovery_and_cannot_be_written_is_an_error_but_can_be_looked_at() {
    use super::bad_place::permissions::{bound_user, set};
    let place = crashed("file");
    let Some(user) = bound_user(place.path()) else { return };
    let before = bytes(place.store());
    set(&place.store(), 0o444);
    set(place.path(), 0o555);
    for backend in backends() {
        let run = |line: &str| {
            let run = place.run(&format!("{line} --backend {backend}"));
            user.into_iter().fold(run, |run, user| run.uid(user)).go()
        };
        for line in ["get STORE n/1", "stats STORE", "nodes STORE", "export STORE --nodes -"] {
            let ran = run(line).fails(1, &["the store needs recovery: its log holds 5 commits"]);
            assert!(!ran.hint().is_empty(), "{ran}");
        }
        run("check STORE").ok();
        run("pages STORE").ok();
        run("wal STORE").ok();
        run("page STORE 1").ok();
    }
    set(place.path(), 0o755);
    assert!(bytes(place.store()) == before);
}

#[test]
fn pages_and_page_show_the_log_and_write_nothing() {
    for backend in backends() {
        let place = crashed(backend);
        let before = bytes(place.store());
        let ran = run(&["pages", place.store_name(), "--json"], backend).ok();
        assert!(ran.err.contains("5 commits in the log stand in no page yet"), "{ran}");
        let pages = ran.objects();
        let logs: Vec<&Json> = pages.iter().filter(|page| page["owner"] == "log").collect();
        assert!(!logs.is_empty() && logs.iter().all(|page| page["kind"] == "log"), "{ran}");
        let mut ids: Vec<u64> = pages.iter().map(|page| page["id"].as_u64().expect("an id")).collect();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "no page twice");
        let first = groups(&place)[0].clone();
        let page = first["page"].to_string();
        let ran = run(&["page", place.store_name(), &page], backend).ok();
        assert!(ran.out.contains("kind  log"), "{ran}");
        assert!(ran.out.contains(&format!("block 0: group {}, 1 records", first["group"])), "{ran}");
        assert!(ran.out.contains("add node 200 label 1"), "{ran}");
        let last = logs.last().expect("some")["id"].to_string();
        let ran = run(&["page", place.store_name(), &last], backend).ok();
        assert!(ran.out.contains("no group begins in it"), "{ran}");
        let ran = run(&["page", place.store_name(), "1"], backend).ok();
        assert!(ran.out.contains("log from group ") || ran.out.contains("no log"), "{ran}");
        assert!(bytes(place.store()) == before);
    }
}

#[test]
fn stats_tells_of_the_log_and_of_snapshots() {
    let place = Place::small();
    let stats = place.run("stats STORE --json").go().ok().json();
    let mut keys: Vec<&str> =
        stats["log"].as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["bytes", "commits", "groups", "limit", "used"]);
    assert_eq!(stats["log"]["limit"], json!(16 << 20));
    assert_eq!(stats["oldest_snapshot"], stats["version"]);
    let text = place.run("stats STORE").go().ok();
    for row in ["log bytes", "log groups", "oldest snapshot"] {
        assert!(text.out.lines().any(|line| line.starts_with(row)), "{row}: {text}");
    }
}

#[test]
fn recover_saves_what_stands_only_in_the_log() {
    for backend in backends() {
        let place = crashed(backend);
        let (before, expected) = (bytes(place.store()), exported(&name(&place, "closed.folio")));
        let to = name(&place, "saved.folio");
        let ran = run(&["recover", place.store_name(), &to, "--json"], backend).ok();
        assert!(ran.err.contains("5 commits were saved out of the log"), "{ran}");
        assert_eq!(ran.json()["saved"]["nodes"], json!(205), "{ran}");
        assert_eq!(ran.json()["version"], json!(1 + COMMITS), "{ran}");
        foliograph(["check", &to]).go().says("ok\n");
        assert_eq!(exported(&to), expected);
        assert!(bytes(place.store()) == before, "the damaged store is only read");
    }
}

#[test]
fn recover_replays_over_the_root_that_is_left_and_over_damaged_pages_and_as_far_as_the_log_goes() {
    let place = crashed("file");
    let (whole, expected) = (bytes(place.store()), exported(&name(&place, "closed.folio")));
    let groups = groups(&place);
    let pages = place.run("pages STORE --json --quiet").go().ok().objects();
    let leaves = pages.iter().filter(|page| page["kind"] == "node");
    let leaves: Vec<u64> = leaves.map(|page| page["id"].as_u64().expect("an id")).collect();
    assert!(leaves.len() > 2, "{leaves:?}");
    let saved = |damage: &[(usize, usize)]| {
        let mut bytes = whole.clone();
        damage.iter().for_each(|(page, at)| bytes[page * 4096 + at] ^= 0x21);
        fs::write(place.store(), bytes).expect("written");
        let to = name(&place, "saved.folio");
        let _ = fs::remove_file(&to);
        let ran = foliograph(["recover", place.store_name(), &to, "--json"]).go().ok();
        foliograph(["check", &to]).go().says("ok\n");
        (ran, exported(&to))
    };
    // The superblock and one root record of each slot: all is saved.
    let (ran, found) = saved(&[(0, 20), (1, 20), (4, 20)]);
    assert!(found == expected, "{ran}");
    // A leaf: what was on it is lost, what the log holds is not, though it may need that very leaf.
    for leaf in leaves {
        let (ran, found) = saved(&[(leaf as usize, 80)]);
        assert_eq!(found.matches("late ").count(), expected.matches("late ").count(), "{ran}");
        assert!(ran.json()["saved"]["nodes_from_keys"].as_u64() > Some(0), "{ran}");
        assert_eq!(
            (&ran.json()["saved"]["edges"], &ran.json()["lost"]["nodes"]),
            (&json!(5), &json!(0)),
            "{ran}"
        );
    }
    // A group in the middle: the commits before it are saved, and it is said that others are lost.
    let third = groups[2]["page"].as_u64().expect("a page") as usize;
    let (ran, _) = saved(&[(third, 100)]);
    assert_eq!(ran.json()["saved"]["nodes"], json!(202), "{ran}");
    assert!(ran.err.contains("the log is damaged at group"), "{ran}");
    assert!(ran.err.contains("2 commits were saved out of the log"), "{ran}");
    // The older root is what was asked for, without what came after it.
    fs::write(place.store(), &whole).expect("written");
    let to = name(&place, "older.folio");
    let ran = foliograph(["recover", place.store_name(), &to, "--json", "--older-root"]).go().ok();
    assert!(ran.json()["version"].as_u64() <= Some(1), "{ran}");
}

#[test]
fn a_backup_is_a_sound_store_that_holds_the_same_on_every_backend() {
    for backend in backends() {
        let place = crashed(backend);
        let closed = name(&place, "closed.folio");
        let before = bytes(&closed);
        let to = name(&place, "copy.folio");
        let ran = run(&["backup", &closed, &to, "--json"], backend).ok();
        let report = ran.json();
        let mut keys: Vec<&str> = report.as_object().expect("an object").keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!((keys, ran.err.as_str()), (vec!["bytes", "pages", "seconds", "version"], ""), "{ran}");
        assert_eq!(report["bytes"], json!(bytes(&to).len()));
        assert!(bytes(&to).len() <= before.len(), "free pages at the end are not copied");
        run(&["check", &to], backend).says("ok\n");
        assert_eq!(exported(&to), exported(&closed));
        assert!(bytes(&closed) == before, "the store is only read");
        assert!(foliograph(["wal", &to]).go().ok().out.starts_with("there is no log"));

        // One that needs recovery is recovered first: all that was committed is in the copy.
        let other = name(&place, "other.folio");
        let ran = run(&["backup", place.store_name(), &other], backend).ok();
        let rows: Vec<&str> = ran.out.lines().map(|line| line.split(' ').next().unwrap_or("")).collect();
        assert_eq!(rows, ["version", "pages", "bytes"], "{ran}");
        assert!(ran.err.contains("recovered, 5 commits replayed"), "{ran}");
        assert_eq!(exported(&other), exported(&closed));
        // It goes on as a store of its own.
        foliograph(["apply", &other, "-"]).stdin("{\"op\":\"add_node\",\"label\":\"n\"}\n").go().ok();
        run(&["check", &other], backend).says("ok\n");
    }
}

#[test]
fn a_backup_overwrites_nothing_and_one_that_fails_leaves_nothing() {
    let place = crashed("file");
    let closed = name(&place, "closed.folio");
    let (whole, mine) = (bytes(&closed), place.file("mine.txt", "mine"));
    for to in [place.store_name(), &closed, &mine] {
        let before = bytes(to);
        let ran = foliograph(["backup", &closed, to]).go();
        assert_eq!(ran.code, 1, "{ran}");
        assert!(bytes(to) == before, "{ran}");
    }
    let to = name(&place, "copy.folio");
    foliograph(["backup", "absent.folio", &to]).go().fails(1, &["absent.folio"]);
    foliograph(["backup", &mine, &to]).go().fails(1, &["not a Foliograph store"]);
    foliograph(["backup", &closed]).go().fails(2, &["TO"]);
    foliograph(["backup", &closed, &name(&place, "no/such/copy")]).go().fails(1, &["no/such/copy"]);
    let pages = foliograph(["pages", &closed, "--json"]).go().ok().objects();
    let leaf = pages.iter().rfind(|page| page["owner"] == "edges out").expect("a leaf")["id"].as_u64();
    let leaf = leaf.expect("an id");
    let mut damaged = whole.clone();
    damaged[leaf as usize * 4096 + 70] ^= 1;
    fs::write(&closed, damaged).expect("written");
    let ran = foliograph(["backup", &closed, &to]).go().fails(1, &[&format!("page {leaf} is damaged")]);
    assert!(ran.hint().contains("recover"), "{ran}");
    assert!(!Path::new(&to).exists());
}

#[test]
fn a_store_that_another_process_writes_is_not_backed_up_by_the_command() {
    let place = Place::small();
    let mut writer = place.run("apply STORE - --acks").talk();
    writer.say("{\"op\":\"add_node\",\"label\":\"n\",\"key\":\"one\"}");
    assert_eq!(writer.hear(), "committed 1");
    let to = name(&place, "copy.folio");
    for line in ["backup", "recover"] {
        let ran = foliograph([line, place.store_name(), &to]).go();
        let ran = ran.fails(1, &["another process has the store open", "store.folio"]);
        assert!(!ran.hint().is_empty() && !Path::new(&to).exists(), "{ran}");
    }
    writer.end().ok();
    foliograph(["backup", place.store_name(), &to]).go().ok();
    assert!(exported(&to).contains("one"));
}

#[test]
fn a_store_whose_writer_was_killed_is_recovered_by_whoever_reads_it() {
    let place = Place::small();
    let mut writer = place.run("apply STORE - --acks").talk();
    for n in 1..=3 {
        writer.say(&json!({ "op": "add_node", "label": "n", "key": format!("k{n}") }).to_string());
        assert_eq!(writer.hear(), format!("committed {n}"));
    }
    writer.kill();
    let ran = place.run("nodes STORE --label n").go().ok();
    assert_eq!(ran.out.lines().count(), 3, "{ran}");
    assert!(ran.err.contains("recovered, "), "{ran}");
    place.run("check STORE").go().says("ok\n");
}
