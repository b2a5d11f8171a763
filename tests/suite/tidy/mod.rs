//! The style gate: what every file of the project keeps to, as a test.
//!
//! Each rule says why it is there. A rule that finds nothing where something is planted fails too.

mod code;

use crate::harness::root;
use code::{Source, has_word};
use std::path::Path;

/// A rule: its name, why it is there, and which lines break it.
struct Rule {
    name: &'static str,
    why: &'static str,
    offenders: fn(&Source) -> Vec<(usize, String)>,
    /// A file that breaks it: path and text.
    planted: (&'static str, &'static str),
}

const MOST_LINES: usize = 500;
const MOST_LINES_OF_A_FUNCTION: usize = 70;

const RULES: &[Rule] = &[
    Rule {
        name: "a file has at most 500 lines",
        why: "one idea a file; whoever looks for something reads little else",
        offenders: long_files,
        planted: ("graph/src/a.rs", "//! A.\n\n\n\n\n\n\n\n\n\n\n\n"),
    },
    Rule {
        name: "a function has at most 70 lines",
        why: "it is seen whole, without scrolling",
        offenders: long_functions,
        planted: ("graph/src/a.rs", "//! A.\nfn a() {\n\n\n\n\n}\n"),
    },
    Rule {
        name: "a module begins with what it is for",
        why: "the story comes before the code",
        offenders: no_story,
        planted: ("graph/src/a.rs", "use std::fmt;\n"),
    },
    Rule {
        name: "unsafe code stands in the listed files only",
        why: "what the compiler does not check must be found and read by a person",
        offenders: unlisted_unsafe,
        planted: ("graph/src/a.rs", "//! A.\nfn a(p: *const u8) -> u8 {\n    unsafe { *p }\n}\n"),
    },
    Rule {
        name: "nothing is left for later",
        why: "a stub that compiles looks like something that works; a test that is not run tells nothing",
        offenders: leftovers,
        planted: ("graph/src/a.rs", "//! A.\nfn a() {\n    todo!()\n}\n"),
    },
    Rule {
        name: "no path of anybody's machine",
        why: "it works on that machine alone",
        offenders: machine_paths,
        planted: ("README.md", concat!("see /ho", "me/somebody/notes\n")),
    },
    Rule {
        name: "the library opens no files",
        why: "only a page device touches the store; import and export take readers and writers",
        offenders: files_in_the_library,
        planted: ("graph/src/a.rs", "//! A.\nuse std::fs::File;\n"),
    },
    Rule {
        name: "backends are named in backend.rs only",
        why: "a fourth device is added in one file",
        offenders: backends_in_the_library,
        planted: ("graph/src/a.rs", "//! A.\nuse storage_mmap::MmapDevice;\n"),
    },
];

/// Every file with unsafe code, and what for.
const UNSAFE: &[(&str, &str)] = &[
    ("storage-core/src/page/buf.rs", "the page-aligned buffer allocates by layout"),
    ("storage-core/src/page/pool.rs", "buffers of the cache are pieces of mapped chunks"),
    (
        "storage-core/src/pager/page.rs",
        "the guard that binds a lent page to its snapshot makes a slice of a pointer",
    ),
    (
        "graph/src/edge/page/simd.rs",
        "the decoder of lists: calls of what needs a processor that was asked for it",
    ),
    ("graph/src/edge/page/simd/avx2.rs", "the same: vector instructions, loads and stores by pointer"),
    ("graph/src/prefetch.rs", "the prefetch instruction"),
    ("storage-core/src/device/types.rs", "a lent page is Send and Sync: two marker implementations"),
    ("storage-core/src/conformance/lending.rs", "reads lent pages, to see that they show later writes"),
    ("storage-mmap/src/map.rs", "the map: reserving, mapping, lending"),
    ("storage-uring/src/ring.rs", "the ring: buffers of operations in flight"),
    ("tests/peers/src/peers/lmdb.rs", "opening LMDB's map; its tables live as long as it"),
    ("tests/peers/src/peers/prefetch.rs", "asking the processor for memory ahead of time"),
];

/// Where the library may open files, and why.
const FILES: &[(&str, &str)] = &[
    ("graph/src/bulk/spill.rs", "what a bulk load cannot keep in memory, in files without a name"),
    ("graph/src/bulk/testing.rs", "a directory for the tests of bulk"),
    ("graph/src/bulk/tests/speed.rs", "reads a large graph, for a measurement"),
];

fn is_listed(list: &[(&str, &str)], source: &Source) -> bool {
    list.iter().any(|(path, _)| *path == source.path)
}

fn long_files(source: &Source) -> Vec<(usize, String)> {
    let lines = source.text.lines().count();
    let is_long = source.is_rust() && lines > MOST_LINES;
    is_long.then(|| (lines, format!("{lines} lines"))).into_iter().collect()
}

fn long_functions(source: &Source) -> Vec<(usize, String)> {
    if !source.is_rust() {
        return Vec::new();
    }
    let long = source.functions().into_iter().filter(|(.., lines)| *lines > MOST_LINES_OF_A_FUNCTION);
    long.map(|(name, at, lines)| (at, format!("`{name}` has {lines} lines"))).collect()
}

fn no_story(source: &Source) -> Vec<(usize, String)> {
    let told = !source.is_rust() || source.text.starts_with("//!");
    (!told).then(|| (1, "the first line is no `//!`".to_owned())).into_iter().collect()
}

/// Lines of Rust code that hold one of these words.
fn lines_with(source: &Source, words: &[&str]) -> Vec<(usize, String)> {
    if !source.is_rust() {
        return Vec::new();
    }
    let lines = source.code_lines().filter(|(_, line)| words.iter().any(|word| has_word(line, word)));
    lines.map(|(number, line)| (number, line.trim().to_owned())).collect()
}

fn unlisted_unsafe(source: &Source) -> Vec<(usize, String)> {
    if is_listed(UNSAFE, source) { Vec::new() } else { lines_with(source, &["unsafe", "allow(unsafe_code"]) }
}

fn leftovers(source: &Source) -> Vec<(usize, String)> {
    lines_with(source, &["todo!", "unimplemented!", "dbg!", "#[ignore"])
}

fn machine_paths(source: &Source) -> Vec<(usize, String)> {
    // Put together here, so that this file names none.
    let paths = ["work", "root", "home", "tmp", "Users"].map(|first| format!("/{first}/"));
    let begins_path =
        |line: &str, at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || ".}-_*".contains(c));
    let names_one = |line: &str| {
        paths.iter().any(|path| line.match_indices(path.as_str()).any(|(at, _)| begins_path(line, at)))
    };
    let lines = source.text.lines().enumerate().filter(|(_, line)| names_one(line));
    lines.map(|(i, line)| (i + 1, line.trim().to_owned())).collect()
}

fn files_in_the_library(source: &Source) -> Vec<(usize, String)> {
    let within = source.path.starts_with("graph/src/") && !is_listed(FILES, source);
    if within { lines_with(source, &["std::fs", "fs::File", "OpenOptions::new"]) } else { Vec::new() }
}

fn backends_in_the_library(source: &Source) -> Vec<(usize, String)> {
    let within = source.path.starts_with("graph/src/") && source.path != "graph/src/backend.rs";
    if within { lines_with(source, &["storage_file", "storage_mmap", "storage_uring"]) } else { Vec::new() }
}

/// Every text file that people write; neither what is built nor what is kept as it was written once.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    assert!(found.len() > 50, "the sources were not found");
    found
}

fn collect(dir: &Path, prefix: &str, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(dir).expect("a directory of the repository") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = format!("{prefix}{name}");
        let is_left_out = ["target", ".git", "golden", "data", "corpus"].contains(&name.as_str());
        if is_left_out {
            continue;
        }
        if entry.file_type().expect("a type").is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if [".rs", ".toml", ".md", ".yml", "/run"].iter().any(|ending| path.ends_with(ending)) {
            let text = std::fs::read_to_string(entry.path()).expect("sources are UTF-8");
            found.push(Source::new(&path, &text));
        }
    }
}

#[test]
fn every_file_keeps_the_rules() {
    let sources = sources();
    let mut report = String::new();
    for rule in RULES {
        let broken =
            |s: &Source| (rule.offenders)(s).into_iter().map(|o| (s.path.clone(), o)).collect::<Vec<_>>();
        let offenders: Vec<_> = sources.iter().flat_map(broken).collect();
        if !offenders.is_empty() {
            report.push_str(&format!("\n{} ({}):\n", rule.name, rule.why));
        }
        for (path, (line, what)) in offenders {
            report.push_str(&format!("  {path}:{line}: {what}\n"));
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn every_rule_notices_what_breaks_it() {
    for rule in RULES {
        let (path, text) = rule.planted;
        // An empty line of a planted file stands for a hundred.
        let source = Source::new(path, &text.replace("\n\n", &"\n".repeat(100)));
        assert!(!(rule.offenders)(&source).is_empty(), "{} finds nothing in {text:?}", rule.name);
    }
}

#[test]
fn words_in_comments_and_literals_break_no_rule() {
    let text = "//! A: unsafe, todo!\nfn a<'a>(x: &'a str) -> char {\n    let _ = (r#\"dbg!(\"\"#, \"todo! \\\" unsafe\", b'{');\n    \
                /* unsafe /* todo! */ std::fs */\n    '\\''\n}\n";
    let source = Source::new("graph/src/a.rs", text);
    for rule in RULES {
        assert_eq!((rule.offenders)(&source), [], "{}", rule.name);
    }
    assert_eq!(source.functions(), [("a".to_owned(), 2, 5)]);
}

#[test]
fn the_lists_name_what_is_there() {
    let sources = sources();
    let find = |path: &str| sources.iter().find(|source| source.path == path);
    for (path, _) in UNSAFE {
        let source = find(path).unwrap_or_else(|| panic!("{path} is listed, and not there"));
        assert!(!lines_with(source, &["unsafe"]).is_empty(), "{path} is listed, and all of it is safe");
        assert!(source.text.contains("// SAFETY:"), "{path} says nowhere why it is sound");
    }
    for (path, _) in FILES {
        let source = find(path).unwrap_or_else(|| panic!("{path} is listed, and not there"));
        assert!(!lines_with(source, &["std::fs"]).is_empty(), "{path} is listed, and opens no files");
    }
}
