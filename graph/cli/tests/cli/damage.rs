//! A damaged store through every command: the right answer, or an error or a finding that names the page. Never a panic,
//! a hang, memory without bound, or a wrong answer.
//!
//! One byte is changed at 300 places: each page's first and last byte, the rest seeded. `FOLIOGRAPH_SEED` replays.

use super::place::{Place, backends};
use super::run::{Ran, bounded, foliograph};
use serde_json::json;
use std::collections::HashMap;
use std::path::PathBuf;

/// How many places.
const PLACES: usize = 300;

/// Address space that a run may take: far more than it needs, far less than a length that was read from damage.
const KIBIBYTES: u64 = 6 << 20;

/// Commands that read, between them every tree and every kind of page; `PAGE` stands for the damaged page.
const READING: [&str; 13] = [
    "get STORE hub",
    "get STORE n/7 --json",
    "nodes STORE --where text^=value",
    "neighbors STORE hub --properties",
    "neighbors STORE n/3 --direction in",
    "degree STORE hub --direction both",
    "bfs STORE hub --direction both",
    "path STORE n/1 n/2 --direction both",
    "stats STORE",
    "check STORE",
    "pages STORE",
    "export STORE --nodes -",
    "export STORE --edges -",
];

/// A store with trees of two levels, long values, keys, properties of edges, and a changed and a deleted part.
fn sound() -> Place {
    let place = Place::empty();
    let mut lines =
        vec![json!({ "op": "add_node", "label": "h", "key": "hub", "props": { "long": "x".repeat(9000) } })];
    let node = |i: u32| json!({ "label": "n", "key": i });
    for i in 0..150u32 {
        let text = format!("value {i} {}", "y".repeat(i as usize % 40));
        lines.push(json!({ "op": "add_node", "label": "n", "key": i, "props": { "text": text, "n": i } }));
    }
    let hub = json!({ "label": "h", "key": "hub" });
    for i in 0..150u32 {
        lines.push(json!({ "op": "add_edge", "from": hub, "type": "to", "to": node(i), "props": { "weight": i, "why": "z".repeat(40) } }));
        lines.push(json!({ "op": "add_edge", "from": node(i), "type": "next", "to": node(i * 7 % 150) }));
    }
    lines.push(json!({ "op": "delete_node", "node": node(149), "detach": true }));
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    foliograph(["apply", place.store_name(), "-", "--commit-every", "300", "--page-size", "4096"])
        .stdin(text)
        .go()
        .ok();
    place.run("check STORE").go().says("ok\n");
    place
}

/// The next number of a seeded row (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn seed() -> u64 {
    let seed = std::env::var("FOLIOGRAPH_SEED").map_or(0xf011_0617, |text| text.parse().expect("a number"));
    eprintln!("seed {seed} (FOLIOGRAPH_SEED={seed} replays it)");
    seed
}

/// Where, and what is turned there: each page's first and last byte, then seeded bytes of pages that are in use.
fn places(len: usize, used: &[u64], seed: u64) -> Vec<(usize, u8)> {
    let mut state = seed;
    let mut places = Vec::new();
    for page in 0..len / 4096 {
        for at in [page * 4096, page * 4096 + 4095] {
            places.push((at, next(&mut state) as u8));
        }
    }
    assert!(places.len() < PLACES, "the store is small: {len} bytes");
    while places.len() < PLACES {
        let page = used[next(&mut state) as usize % used.len()];
        places.push((page as usize * 4096 + next(&mut state) as usize % 4096, next(&mut state) as u8));
    }
    places.iter().map(|(at, turn)| (*at, (*turn).max(1))).collect()
}

/// The pages of the sound store: in use or not, and the right answers on each backend.
struct Sound {
    bytes: Vec<u8>,
    used: Vec<u64>,
    answers: HashMap<(&'static str, &'static str), String>,
    backends: Vec<&'static str>,
}

impl Sound {
    fn new() -> Sound {
        let place = sound();
        let backends = backends();
        let listed = place.run("pages STORE --json").go().ok().objects();
        let used = listed.iter().map(|page| page["id"].as_u64().expect("an id")).collect();
        let mut answers = HashMap::new();
        for backend in &backends {
            for line in READING {
                let ran =
                    bounded(&place.store(), &format!("{line} --backend {backend}"), KIBIBYTES).go().ok();
                answers.insert((*backend, line), ran.out);
            }
        }
        Sound { bytes: std::fs::read(place.store()).unwrap(), used, answers, backends }
    }
}

#[test]
fn at_300_places_every_command_is_right_or_names_the_page() {
    let seed = seed();
    let sound = Sound::new();
    let places = places(sound.bytes.len(), &sound.used, seed);
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(4);
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (sound, places) = (&sound, &places);
            scope.spawn(move || {
                let dir = Place::empty();
                for (i, (at, turn)) in places.iter().enumerate().filter(|(i, _)| i % workers == worker) {
                    let backend = sound.backends[i % sound.backends.len()];
                    Damaged { sound, store: dir.store(), at: *at, turn: *turn, backend }.judge();
                }
            });
        }
    });
}

struct Damaged<'a> {
    sound: &'a Sound,
    store: PathBuf,
    at: usize,
    turn: u8,
    backend: &'static str,
}

impl Damaged<'_> {
    fn write(&self) {
        let mut bytes = self.sound.bytes.clone();
        bytes[self.at] ^= self.turn;
        std::fs::write(&self.store, bytes).unwrap();
    }

    fn run(&self, line: &str) -> Ran {
        let mut ran = bounded(&self.store, &format!("{line} --backend {}", self.backend), KIBIBYTES).go();
        ran.shown += &format!("   # byte {} turned by {:#x}", self.at, self.turn);
        ran
    }

    fn page(&self) -> u64 {
        (self.at / 4096) as u64
    }

    fn judge(&self) {
        self.write();
        for line in READING {
            let ran = self.run(line);
            match ran.code {
                0 => assert!(ran.out == self.sound.answers[&(self.backend, line)], "a wrong answer: {ran}"),
                // What cannot be shown whole is not a short answer.
                _ => self.names_the_page(&ran),
            }
            if line.starts_with("check") {
                self.judge_check(&ran);
            }
        }
        self.judge_page();
        self.judge_apply();
    }

    /// An error, or all of `check`'s findings, name the page.
    fn names_the_page(&self, ran: &Ran) {
        let said = format!("{}\n{}", ran.out, ran.error());
        let page = self.page();
        let words = [
            format!("page {page} "),
            format!("page {page}:"),
            format!("page {page},"),
            format!("page {page})"),
        ];
        let named = words.iter().any(|word| said.contains(word.as_str()));
        assert!(named, "the error does not name page {page}: {ran}");
    }

    /// Damage in a page that is in use is found; elsewhere there is nothing to find.
    fn judge_check(&self, ran: &Ran) {
        let in_use = self.sound.used.contains(&self.page());
        assert_eq!(ran.code, if in_use { 3 } else { 0 }, "{ran}");
    }

    /// The damaged page can be looked at.
    fn judge_page(&self) {
        let page = self.page();
        let shown = self.run(&format!("page STORE {page}"));
        match shown.code {
            0 => assert!(
                !self.sound.used.contains(&page),
                "a damaged page was shown as if it were whole: {shown}"
            ),
            _ => self.names_the_page(&shown),
        }
        let hex = self.run(&format!("page STORE {page} --hex")).ok();
        assert_eq!(hex.out.lines().count(), 256, "{hex}");
    }

    /// A change is made whole, or refused with the page's name.
    fn judge_apply(&self) {
        let lines = r#"{"op":"add_node","label":"n","key":"new","props":{"text":"a value"}}
{"op":"add_edge","from":{"label":"n","key":"new"},"type":"next","to":{"label":"h","key":"hub"}}
{"op":"set","node":{"label":"n","key":3},"props":{"n":-3}}
"#;
        let line = format!("apply STORE - --commit-every 3 --backend {}", self.backend);
        let mut ran = bounded(&self.store, &line, KIBIBYTES).stdin(lines).go();
        ran.shown += &format!("   # byte {} turned by {:#x}", self.at, self.turn);
        if ran.code != 0 {
            self.names_the_page(&ran);
            return;
        }
        let neighbors = self.run("neighbors STORE new");
        match neighbors.code {
            0 => assert_eq!(neighbors.out, "hub\tnext\n", "{neighbors}"),
            _ => self.names_the_page(&neighbors),
        }
    }
}

#[test]
fn a_store_that_was_cut_says_so() {
    let sound = Sound::new();
    let dir = Place::empty();
    let len = sound.bytes.len();
    let last = *sound.used.iter().max().expect("pages") as usize * 4096;
    let lengths =
        [1, 4095, 4096, 5 * 4096, 5 * 4096 + 1, len / 2, last - 1, last, last + 4095, len - 4096, len - 1];
    for backend in &sound.backends {
        for keep in lengths {
            for line in READING {
                std::fs::write(dir.store(), &sound.bytes[..keep]).unwrap();
                let ran = bounded(&dir.store(), &format!("{line} --backend {backend}"), KIBIBYTES).go();
                if ran.code == 0 {
                    assert!(
                        ran.out == sound.answers[&(*backend, line)],
                        "cut at {keep}, a wrong answer: {ran}"
                    );
                    continue;
                }
                let error = format!("{}{}", ran.out, ran.error());
                let known = ["ShortFile", "shorter", "unfinished", "not a Foliograph store"];
                assert!(known.iter().any(|word| error.contains(word)), "cut at {keep}: {ran}");
            }
        }
    }
}
