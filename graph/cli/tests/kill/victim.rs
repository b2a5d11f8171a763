//! A process that applies the story to a store, is heard, and is killed.

use super::story;
use foliograph::storage_core::device::DeviceErrorKind;
use foliograph::{Backend, Database, Options};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(120);

/// A directory on a real disk, with one store and one backend.
pub struct Place {
    dir: TempDir,
    pub backend: &'static str,
    /// Commits that were done again when the store was opened here.
    pub replayed: Arc<AtomicU64>,
}

impl Place {
    pub fn new(backend: &'static str) -> Place {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace");
        let stores = root.join("target").join("test-stores");
        std::fs::create_dir_all(&stores).expect("target/ can be written");
        let dir = tempfile::Builder::new().prefix("kill").tempdir_in(stores).expect("a directory");
        Place { dir, backend, replayed: Arc::default() }
    }

    pub fn store(&self) -> PathBuf {
        self.file("store.folio")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn options(&self) -> Options {
        let backend: Backend = self.backend.parse().expect("a backend");
        let replayed = self.replayed.clone();
        let count = move |_| {
            replayed.fetch_add(1, Ordering::Relaxed);
        };
        Options::new().backend(backend).cache_pages(64).on_recovery(count)
    }

    /// Waits until nobody has the store open any more. A killed process's lock goes with it; but the kernel ends a ring
    /// some moments after its process.
    pub fn wait_for_lock(&self) {
        let since = Instant::now();
        while let Err(e) = self.options().inspect(self.store()) {
            let locked = e.device().is_some_and(|e| e.kind() == DeviceErrorKind::Locked);
            if !locked {
                return;
            }
            assert!(self.backend == "uring", "a killed process has left its lock: {e}");
            assert!(since.elapsed() < LIMIT, "the kernel does not end the ring: {e}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Opens the store, recovering it.
    pub fn open(&self) -> Database {
        self.wait_for_lock();
        self.options().open(self.store()).expect("a killed process leaves a store that opens")
    }

    /// Opens a copy of the store: the original stays as the killed process left it.
    pub fn open_copy(&self) -> Database {
        self.wait_for_lock();
        let copy = self.file("copy.folio");
        match std::fs::copy(self.store(), &copy) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => drop(std::fs::remove_file(&copy)),
            copied => drop(copied.expect("copied")),
        }
        self.options().background(false).open(copy).expect("a killed process leaves a store that opens")
    }
}

fn command(place: &Place, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foliograph"));
    command.arg("--backend").arg(place.backend).args(["--quiet", "--no-progress"]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Whether a backend runs here. If it does not, says so loudly, or fails if it is required.
pub fn runs_here(backend: &'static str) -> bool {
    let place = Place::new(backend);
    let Err(e) = place.options().create(place.store()) else { return true };
    let device = e.device().unwrap_or_else(|| panic!("{backend}: {e}"));
    assert_eq!(device.kind(), DeviceErrorKind::Unsupported, "{e}");
    let required = std::env::var("FOLIOGRAPH_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name == backend), "backend {backend} is required: {e}");
    eprintln!("\n!!!!! SKIPPED: backend {backend} cannot run here: {e}\n");
    false
}

/// Applies lines to the end.
pub fn apply(place: &Place, words: &[&str], lines: String) {
    let mut child =
        command(place, &["apply"]).arg(place.store()).arg("-").args(words).spawn().expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    let feeder = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let out = child.wait_with_output().expect("it ends");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    feeder.join().expect("no panic").expect("it reads all lines");
}

/// A running process.
pub struct Victim {
    child: Child,
    heard: Receiver<String>,
    errors: JoinHandle<String>,
}

impl Victim {
    /// Any command with the store as its first argument.
    pub fn of(place: &Place, name: &str, words: &[&str]) -> Victim {
        let mut child = command(place, &[name]).arg(place.store()).args(words).spawn().expect("starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut stderr = child.stderr.take().expect("piped");
        let (say, heard) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = say.send(line);
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Victim { child, heard, errors }
    }

    /// Applies the story from line `from` on, for as long as it lives.
    pub fn apply(place: &Place, words: &[&str], from: u64) -> Victim {
        let words: Vec<&str> = ["-", "--acks"].iter().chain(words).copied().collect();
        let mut victim = Victim::of(place, "apply", &words);
        let mut stdin = victim.child.stdin.take().expect("piped");
        std::thread::spawn(move || {
            for some in (from..).step_by(16) {
                let lines: String = (some..some + 16).map(|i| story::line(i) + "\n").collect();
                // Until it is dead, and nobody reads.
                if stdin.write_all(lines.as_bytes()).is_err() {
                    return;
                }
            }
        });
        victim
    }

    /// Waits for its next acknowledgement: how many lines are committed.
    pub fn hear(&mut self) -> u64 {
        match self.heard.recv_timeout(LIMIT) {
            Ok(line) => committed(&line).unwrap_or_else(|| panic!("`{line}`")),
            Err(RecvTimeoutError::Timeout) => panic!("it says nothing"),
            Err(RecvTimeoutError::Disconnected) => panic!("it ended by itself"),
        }
    }

    /// Kills it. Says whether it was still at work, and the last line that it acknowledged after those heard already.
    pub fn kill(mut self) -> (bool, Option<u64>) {
        self.child.kill().expect("it is ours");
        let status = self.child.wait().expect("it ends");
        let last = self.heard.iter().filter_map(|line| committed(&line)).last();
        let errors = self.errors.join().expect("no panic");
        let killed = status.code().is_none();
        assert!(killed || status.success(), "it failed by itself: {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        (killed, last)
    }
}

fn committed(line: &str) -> Option<u64> {
    line.strip_prefix("committed ")?.parse().ok()
}

/// Goes on for a random short while that depends on no clock.
pub fn spin(rounds: u64) {
    for n in 0..rounds {
        std::hint::black_box(n);
        if n % 64 == 0 {
            std::thread::yield_now();
        }
    }
}
