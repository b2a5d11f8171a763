//! Bad stores and bad places: a file that is no store, a store of a newer format, one that is in use, read-only files and
//! directories, a full disk. A clear error, and nothing is lost or touched.

use super::place::{Place, backends, loudly, temp_dir};
use super::run::{BINARY, foliograph};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use twox_hash::XxHash3_64;

/// Commands that read; `N` stands for a node.
const READING: [&str; 12] = [
    "get STORE N",
    "nodes STORE",
    "neighbors STORE N",
    "degree STORE N",
    "bfs STORE N",
    "path STORE N N",
    "stats STORE",
    "check STORE",
    "pages STORE",
    "page STORE 1",
    "export STORE --nodes -",
    "export STORE --edges -",
];

const ADD: &str = r#"{"op":"add_node","label":"x","key":"new"}"#;

fn reading(node: &str) -> impl Iterator<Item = String> {
    READING.map(|line| line.replace('N', node)).into_iter()
}

#[test]
fn a_file_that_is_no_store_is_not_touched() {
    let place = Place::empty();
    let list = place.file("edges.txt", "1 2\n");
    let noise: Vec<u8> = (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let mut zeros_then_text = vec![0; 8192];
    zeros_then_text.extend(b"text");
    let files: [(&str, &[u8]); 4] = [
        ("a word", b"precious"),
        ("noise", &noise),
        ("4096 bytes", &noise[..4096]),
        ("zeros, then text", &zeros_then_text),
    ];
    for (what, content) in files {
        for backend in backends() {
            std::fs::write(place.store(), content).unwrap();
            for line in reading("1") {
                let ran = place.run(&format!("{line} --backend {backend}")).go();
                let code = if line.starts_with("check") { 3 } else { 1 };
                ran.fails(code, &["store.folio"]);
            }
            let ran = place.run(&format!("apply STORE - --backend {backend}")).stdin(ADD).go();
            ran.fails(1, &["store.folio"]);
            foliograph(["import", place.store_name(), &list, "--backend", backend])
                .go()
                .fails(1, &["store.folio"]);
            foliograph(["demo", place.store_name(), "--backend", backend]).go().fails(1, &["store.folio"]);
            assert!(std::fs::read(place.store()).unwrap() == content, "{what} was touched on {backend}");
        }
    }
}

#[test]
fn a_directory_a_missing_file_and_a_missing_directory() {
    let place = Place::empty();
    let list = place.file("edges.txt", "1 2\n");
    std::fs::create_dir(place.store()).unwrap();
    for line in reading("1") {
        place.run(&line).go().fails(1, &["store.folio", "regular file"]);
    }
    place.run("apply STORE -").stdin(ADD).go().fails(1, &["store.folio"]);
    foliograph(["import", place.store_name(), &list]).go().fails(1, &["store.folio"]);
    assert!(std::fs::read_dir(place.store()).unwrap().next().is_none(), "and it is still there, empty");
    std::fs::remove_dir(place.store()).unwrap();
    for line in reading("1") {
        place.run(&line).go().fails(1, &["no such file", "store.folio"]);
    }
    assert!(!place.store().exists(), "reading creates nothing");
    let deep = place.path().join("absent/store.folio");
    foliograph(["import", deep.to_str().unwrap(), &list]).go().fails(1, &["absent"]);
    foliograph(["apply", deep.to_str().unwrap(), "-"]).stdin(ADD).go().fails(1, &["absent"]);
}

/// Changes a field of the superblock and of root records, and makes their checksums right again.
fn patch_identity(store: &Path, pages: std::ops::Range<u64>, at: usize, value: u32) {
    let mut bytes = std::fs::read(store).unwrap();
    for page in pages {
        let block = &mut bytes[page as usize * 4096..][..4096];
        // The superblock's seed is 0, a root record's its page.
        let sum = |block: &[u8]| XxHash3_64::oneshot_with_seed(page, &block[16..]).to_le_bytes();
        assert_eq!(block[8..16], sum(block), "the layout is the one that is patched here");
        block[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let sum = sum(block);
        block[8..16].copy_from_slice(&sum);
    }
    std::fs::write(store, bytes).unwrap();
}

#[test]
fn a_store_of_a_newer_format_says_so_and_is_not_touched() {
    for backend in backends() {
        let place = Place::small();
        patch_identity(&place.store(), 0..5, 16, 2);
        let before = std::fs::read(place.store()).unwrap();
        for line in reading("mary").filter(|line| !line.starts_with("page ")) {
            let ran = place.run(&format!("{line} --backend {backend}")).go();
            assert!(matches!(ran.code, 1 | 3), "{ran}");
            assert!(ran.error().contains("format 2") && ran.hint().contains("newer version"), "{ran}");
        }
        let ran = place.run(&format!("apply STORE - --backend {backend}")).stdin(ADD).go();
        assert!(ran.fails(1, &["format 2"]).hint().contains("newer version"));
        let list = place.file("edges.txt", "1 2\n");
        foliograph(["import", place.store_name(), &list]).go().fails(1, &["store.folio"]);
        assert!(std::fs::read(place.store()).unwrap() == before, "not touched");
    }
}

#[test]
fn a_newer_format_is_told_though_its_root_records_look_like_damage() {
    let place = Place::small();
    patch_identity(&place.store(), 0..1, 16, 2);
    let mut bytes = std::fs::read(place.store()).unwrap();
    bytes[4096 + 16..5 * 4096].fill(0xa5);
    std::fs::write(place.store(), &bytes).unwrap();
    for line in reading("mary").filter(|line| !line.starts_with("page ")) {
        let ran = place.run(&line).go();
        assert!(ran.code != 0 && ran.error().contains("format 2"), "{ran}");
    }
    place.run("apply STORE -").stdin(ADD).go().fails(1, &["format 2"]);
    assert!(std::fs::read(place.store()).unwrap() == bytes, "not touched");
}

#[test]
fn a_feature_that_only_forbids_writing_lets_read() {
    let place = Place::small();
    patch_identity(&place.store(), 0..5, 28, 1 << 31);
    for line in reading("mary") {
        place.run(&line).go().ok();
    }
    place.run("apply STORE -").stdin(ADD).go().fails(1, &["features"]);
}

#[test]
fn a_feature_that_is_not_known_forbids_opening() {
    let place = Place::small();
    patch_identity(&place.store(), 0..5, 32, 1 << 31);
    let before = std::fs::read(place.store()).unwrap();
    for line in reading("mary").filter(|line| !line.starts_with("page ")) {
        let ran = place.run(&line).go();
        assert!(ran.code != 0 && ran.error().contains("features"), "{ran}");
    }
    place.run("apply STORE -").stdin(ADD).go().fails(1, &["features"]);
    assert!(std::fs::read(place.store()).unwrap() == before);
}

#[test]
fn a_store_that_another_process_writes_is_refused_with_the_reason() {
    for backend in backends() {
        let place = Place::small();
        let mut talk = foliograph(["apply", place.store_name(), "-", "--acks", "--backend", backend]).talk();
        talk.say(ADD);
        assert_eq!(talk.hear(), "committed 1");
        for other in backends() {
            for line in reading("mary") {
                let ran = place.run(&format!("{line} --backend {other}")).go();
                let ran = ran.fails(1, &["another process", "store.folio"]);
                assert!(!ran.hint().is_empty(), "{ran}");
            }
            let apply = place.run(&format!("apply STORE - --backend {other}"));
            apply.stdin(ADD).go().fails(1, &["another process"]);
        }
        let list = place.file("edges.txt", "1 2\n");
        foliograph(["import", place.store_name(), &list]).go().fails(1, &["store.folio"]);
        talk.say(&ADD.replace("new", "second"));
        assert_eq!(talk.hear(), "committed 2");
        talk.end().ok();
        assert!(place.run("nodes STORE").go().ok().out.contains("second"));
        place.run("check STORE").go().says("ok\n");
    }
}

#[test]
fn many_processes_read_and_meanwhile_none_writes() {
    let place = Place::empty();
    let list: String = (0..100_000).map(|i| format!("{i} {}\n", i + 1)).collect();
    let list = place.file("edges.txt", list);
    foliograph(["import", place.store_name(), &list]).go().ok();
    // Its answer is longer than a pipe holds, and nobody reads it yet: it stays open.
    let mut command = Command::new(BINARY);
    command.args(["nodes", place.store_name()]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut reader = command.spawn().unwrap();
    let mut first = [0; 2];
    std::io::Read::read_exact(reader.stdout.as_mut().unwrap(), &mut first).unwrap();
    for backend in backends() {
        place.run(&format!("degree STORE 1 --backend {backend}")).go().says("1\n");
        let apply = place.run(&format!("apply STORE - --backend {backend}"));
        apply.stdin(ADD).go().fails(1, &["another process"]);
    }
    let rest = reader.wait_with_output().unwrap();
    assert!(rest.status.success());
    assert_eq!(
        rest.stdout.iter().filter(|b| **b == b'\n').count(),
        100_001 - first.iter().filter(|b| **b == b'\n').count()
    );
    place.run("apply STORE -").stdin(ADD).go().ok();
}

#[cfg(unix)]
pub mod permissions {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    /// A user who is bound by permissions, if this one is not.
    const NOBODY: u32 = 65534;

    pub fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The user to run as: `Some(None)` for oneself. `None`, loudly, where no bound user can run the binary.
    pub fn bound_user(of: &Path) -> Option<Option<u32>> {
        if std::fs::metadata(of).unwrap().uid() != 0 {
            return Some(None);
        }
        let mut probe = Command::new(BINARY);
        probe.arg("--version").uid(NOBODY).stdout(Stdio::null());
        if probe.status().is_ok_and(|status| status.success()) {
            return Some(Some(NOBODY));
        }
        loudly("read-only files: root is bound by no permissions, and another user cannot run the binary");
        None
    }

    #[test]
    fn reading_works_on_a_read_only_file_in_a_read_only_directory_and_writing_says_why_not() {
        let place = Place::small();
        let Some(user) = bound_user(place.path()) else { return };
        let list = place.file("edges.txt", "1 2\n");
        let before = std::fs::read(place.store()).unwrap();
        set(&place.store(), 0o444);
        set(place.path(), 0o555);
        for backend in backends() {
            let run = |line: &str| {
                let run = place.run(&format!("{line} --backend {backend}"));
                user.into_iter().fold(run, |run, user| run.uid(user))
            };
            for line in reading("mary") {
                run(&line).go().ok();
            }
            let ran = run("apply STORE -").stdin(ADD).go().fails(1, &["read-only", "store.folio"]);
            assert!(!ran.hint().is_empty(), "{ran}");
            run(&format!("import STORE {list}")).go().fails(1, &["store.folio"]);
            let other = place.path().join("other.folio");
            run(&format!("import {} {list}", other.display())).go().fails(1, &["other.folio"]);
            run(&format!("export STORE --nodes {}", place.path().join("x").display())).go().fails(1, &["x"]);
        }
        set(place.path(), 0o755);
        assert_eq!(place.listing(), ["edges.txt", "people.csv", "store.folio", "ties.csv"]);
        assert!(std::fs::read(place.store()).unwrap() == before);
    }

    #[test]
    fn a_file_that_may_not_even_be_read() {
        let place = Place::small();
        let Some(user) = bound_user(place.path()) else { return };
        set(&place.store(), 0o000);
        for line in reading("mary") {
            let run = place.run(&line);
            user.into_iter()
                .fold(run, |run, user| run.uid(user))
                .go()
                .fails(1, &["store.folio", "ermission"]);
        }
    }

    #[test]
    fn reading_changes_nothing_not_even_a_byte() {
        let place = Place::small();
        let (before, listing) = (std::fs::read(place.store()).unwrap(), place.listing());
        let modified = std::fs::metadata(place.store()).unwrap().modified().unwrap();
        for backend in backends() {
            for line in reading("mary") {
                place.run(&format!("{line} --backend {backend}")).go().ok();
            }
        }
        assert!(std::fs::read(place.store()).unwrap() == before);
        assert_eq!(std::fs::metadata(place.store()).unwrap().modified().unwrap(), modified);
        assert_eq!(place.listing(), listing);
    }
}

/// A story on a disk of two megabytes, each step's stdout, stderr and exit code into files of `$OUT`.
const FULL_DISK: &str = r#"
mount -t tmpfs -o size=2m none "$DISK" || exit 77
step() { name=$1; shift; "$BIN" --backend "$BACKEND" "$@" >"$OUT/$name.out" 2>"$OUT/$name.err"; echo $? >"$OUT/$name.code"; }
step fill apply "$DISK/s.folio" "$OUT/add.jsonl" --acks --commit-every 20 --page-size 4096
step check_full check "$DISK/s.folio"
step nodes_full nodes "$DISK/s.folio"
step import import "$DISK/other.folio" "$OUT/edges.txt"
ls "$DISK" >"$OUT/ls.out"
step delete apply "$DISK/s.folio" "$OUT/delete.jsonl" --commit-every 5
step check_deleted check "$DISK/s.folio"
step nodes_deleted nodes "$DISK/s.folio"
mount -o remount,size=64m none "$DISK" || exit 77
step more apply "$DISK/s.folio" "$OUT/more.jsonl"
step check_more check "$DISK/s.folio"
step nodes_more nodes "$DISK/s.folio"
umount "$DISK"
"#;

#[test]
fn a_full_disk_loses_nothing_lets_delete_and_goes_on_when_there_is_space() {
    if !cfg!(target_os = "linux") {
        return loudly("a full disk: mounting a small one is written for Linux");
    }
    for backend in backends() {
        full_disk(backend);
    }
}

fn full_disk(backend: &str) {
    let (out, disk) = (temp_dir(), temp_dir());
    let lines = |from: u32, to: u32, line: &dyn Fn(u32) -> String| (from..to).map(line).collect::<String>();
    let add = |i| {
        json!({ "op": "add_node", "label": "n", "key": i, "props": { "text": "x".repeat(900) } }).to_string()
            + "\n"
    };
    let delete = |i| json!({ "op": "delete_node", "node": { "label": "n", "key": i } }).to_string() + "\n";
    let write = |name: &str, text: String| std::fs::write(out.path().join(name), text).unwrap();
    write("add.jsonl", lines(0, 20_000, &add));
    write("delete.jsonl", lines(0, 40, &delete));
    write("more.jsonl", lines(30_000, 30_040, &add));
    write("edges.txt", lines(0, 400_000, &|i| format!("{i} {}\n", i + 1)));
    if !in_a_mount_namespace(FULL_DISK, out.path(), disk.path(), backend) {
        return loudly("a full disk: mounting is not allowed here");
    }
    let read =
        |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let step = |name: &str, code: &str| {
        let err = read(&format!("{name}.err"));
        assert!(!err.contains("panicked"), "{name}: {err}");
        assert_eq!(read(&format!("{name}.code")).trim(), code, "{backend}, {name}: {err}");
        (read(&format!("{name}.out")), err)
    };
    let (acks, err) = step("fill", "1");
    assert!(err.contains("error: ") && (err.contains("disk is full") || err.contains("no space")), "{err}");
    assert!(err.contains("hint: "), "{err}");
    let acknowledged: usize =
        acks.lines().last().expect("something fits").strip_prefix("committed ").unwrap().parse().unwrap();
    assert!(acknowledged > 500, "{acknowledged}");
    assert_eq!(step("check_full", "0").0, "ok\n");
    assert_eq!(step("nodes_full", "0").0.lines().count(), acknowledged, "what was acknowledged, and no more");
    assert!(step("import", "1").1.contains("no space") || step("import", "1").1.contains("full"));
    assert_eq!(read("ls.out"), "s.folio\n", "the failed import left nothing");
    step("delete", "0");
    assert_eq!(step("check_deleted", "0").0, "ok\n");
    assert_eq!(step("nodes_deleted", "0").0.lines().count(), acknowledged - 40);
    step("more", "0");
    assert_eq!(step("check_more", "0").0, "ok\n");
    assert_eq!(step("nodes_more", "0").0.lines().count(), acknowledged);
}

/// Runs a script where it may mount; nobody else sees its mounts. False where that is not allowed.
fn in_a_mount_namespace(script: &str, out: &Path, disk: &Path, backend: &str) -> bool {
    for flags in ["-m", "-rm"] {
        let mut command = Command::new("unshare");
        command
            .args([flags, "sh", "-c", script])
            .env("BIN", BINARY)
            .env("OUT", out)
            .env("DISK", disk)
            .env("BACKEND", backend);
        match command.output() {
            Ok(ran) if ran.status.success() => return true,
            Ok(ran) => eprintln!("unshare {flags}: {}", String::from_utf8_lossy(&ran.stderr).trim()),
            Err(e) => eprintln!("unshare: {e}"),
        }
    }
    false
}
