//! Runs the binary and holds what is promised of every run.
//!
//! Must always be true of a run: it ends in time, by itself and not by a signal, with an exit code of 0 to 4; stderr has
//! no word of a panic; where it fails, stderr has exactly one `error:` line and at most one `hint:` line after it; where
//! it succeeds, none.

use serde_json::Value as Json;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_foliograph");

/// Far more than any run here takes, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A run that is being prepared.
pub struct Run {
    command: Command,
    shown: String,
    stdin: Vec<u8>,
    limit: Duration,
}

/// The binary with these arguments.
pub fn foliograph<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Run {
    let args: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
    let mut command = Command::new(BINARY);
    command.args(&args);
    Run::of(command, args)
}

/// The binary, with the words of a line as arguments; `STORE` stands for the store's path.
pub fn words(store: &Path, line: &str) -> Run {
    let word = |word: &str| if word == "STORE" { store.as_os_str().to_owned() } else { word.into() };
    foliograph(line.split_whitespace().map(word))
}

/// The binary with a bound on its address space: taking memory without bound ends it by a signal, which fails the run.
pub fn bounded(store: &Path, line: &str, kibibytes: u64) -> Run {
    let mut args: Vec<OsString> = vec!["-c".into(), format!("ulimit -v {kibibytes}; exec \"$@\"").into()];
    args.extend(["sh".into(), BINARY.into()]);
    args.extend(
        line.split_whitespace().map(|w| if w == "STORE" { store.as_os_str().to_owned() } else { w.into() }),
    );
    let mut command = Command::new("sh");
    command.args(&args);
    Run::of(command, args[4..].to_vec())
}

impl Run {
    fn of(mut command: Command, args: Vec<OsString>) -> Run {
        command.env("RUST_BACKTRACE", "1");
        let shown: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        let shown = format!("foliograph {}", shown.join(" "));
        Run { command, shown, stdin: Vec::new(), limit: LIMIT }
    }

    /// What it reads from stdin; without it, stdin is at its end at once.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// As a user who is bound by permissions, which root is not.
    #[cfg(unix)]
    pub fn uid(mut self, uid: u32) -> Self {
        std::os::unix::process::CommandExt::uid(&mut self.command, uid);
        self
    }

    /// Runs it to its end.
    pub fn go(mut self) -> Ran {
        let begin = Instant::now();
        let mut child = self.spawn();
        let out = drain(child.stdout.take().expect("stdout is piped"));
        let err = drain(child.stderr.take().expect("stderr is piped"));
        let collected = self.wait_for(&out, begin).zip(self.wait_for(&err, begin));
        let (Some((out, err)), Some(status)) = (collected, wait(&mut child, begin + self.limit)) else {
            let _ = child.kill();
            panic!("{} did not end within {:?}", self.shown, self.limit);
        };
        Ran::judged(self.shown, status, out, err)
    }

    fn spawn(&mut self) -> Child {
        let stdin = if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
        let command = self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{} cannot be started: {e}", self.shown));
        if let Some(mut stdin) = child.stdin.take() {
            let bytes = std::mem::take(&mut self.stdin);
            // A program that does not read all of it is not at fault.
            std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        }
        child
    }

    fn wait_for(&self, from: &Receiver<Vec<u8>>, begin: Instant) -> Option<Vec<u8>> {
        from.recv_timeout(self.limit.saturating_sub(begin.elapsed())).ok()
    }

    /// Starts it with stdin kept open: lines are given and read one by one.
    pub fn talk(mut self) -> Talk {
        let command = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|e| panic!("{} cannot be started: {e}", self.shown));
        Talk::with(child, self.shown)
    }

    /// Reads one line of stdout and goes away, as `head -1` does.
    pub fn head(mut self) -> (String, Ran) {
        let begin = Instant::now();
        let mut child = self.spawn();
        let err = drain(child.stderr.take().expect("stderr is piped"));
        let stdout = child.stdout.take().expect("stdout is piped");
        let (send, line) = mpsc::channel();
        std::thread::spawn(move || drop(send.send(first_line(stdout))));
        let line = line.recv_timeout(self.limit).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("{} says nothing", self.shown)
        });
        let Some(status) = wait(&mut child, begin + self.limit) else {
            let _ = child.kill();
            panic!("{} goes on though nobody reads", self.shown);
        };
        let err = self.wait_for(&err, begin).expect("it has ended");
        (line, Ran::judged(self.shown, status, Vec::new(), err))
    }
}

/// Reads up to the first line's end, and closes.
fn first_line(mut from: impl Read) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while from.read(&mut byte).expect("stdout can be read") == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    String::from_utf8(line).expect("stdout is UTF-8")
}

fn drain(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = from.read_to_end(&mut all);
        let _ = send.send(all);
    });
    receive
}

fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            return Some(status);
        }
        if Instant::now() > until {
            return None;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// A run that ended, and kept what is promised of every run.
#[derive(Debug)]
pub struct Ran {
    pub shown: String,
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn judged(shown: String, status: ExitStatus, out: Vec<u8>, err: Vec<u8>) -> Ran {
        let (out, err) =
            (String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned());
        let code = status.code().unwrap_or_else(|| panic!("{shown}: ended by {status}\n{err}"));
        let ran = Ran { shown, code, out, err };
        for word in ["panicked", "stack backtrace", "RUST_BACKTRACE", "overflowed its stack", "main.rs"] {
            assert!(!ran.err.contains(word), "a panic: {ran}");
        }
        assert!((0..=4).contains(&code), "an exit code that has no meaning: {ran}");
        let (errors, hints) = (ran.lines_of("error:"), ran.lines_of("hint:"));
        match code {
            0 => assert!(errors.is_empty() && hints.is_empty(), "done, but with errors: {ran}"),
            // What `check` finds is data; only a store that cannot be opened is an error as well.
            3 => assert!(errors.len() <= 1 && hints.len() <= errors.len(), "{ran}"),
            _ => assert!(errors.len() == 1 && hints.len() <= 1, "an error is one line: {ran}"),
        }
        ran
    }

    fn lines_of(&self, word: &str) -> Vec<&str> {
        self.err.lines().filter(|line| line.starts_with(word)).collect()
    }

    /// It succeeded.
    pub fn ok(self) -> Ran {
        assert_eq!(self.code, 0, "{self}");
        self
    }

    /// It succeeded without a word on stderr, and said this.
    pub fn says(self, out: &str) {
        assert_eq!(self.code, 0, "{self}");
        assert_eq!(self.out, out, "{self}");
        assert_eq!(self.err, "", "{self}");
    }

    /// It failed with this code, and its error has each of these parts.
    pub fn fails(self, code: i32, parts: &[&str]) -> Ran {
        assert_eq!(self.code, code, "{self}");
        let error = self.error();
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in the error: {self}");
        }
        self
    }

    /// The error's line.
    pub fn error(&self) -> &str {
        self.lines_of("error:").first().copied().unwrap_or("")
    }

    /// The hint's line.
    pub fn hint(&self) -> &str {
        self.lines_of("hint:").first().copied().unwrap_or("")
    }

    /// stdout as one JSON object.
    pub fn json(&self) -> Json {
        let objects = self.objects();
        assert_eq!(objects.len(), 1, "one object: {self}");
        objects.into_iter().next().expect("one")
    }

    /// stdout as an object a line.
    pub fn objects(&self) -> Vec<Json> {
        let object = |line: &str| {
            let json: Json = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}: {self}"));
            assert!(json.is_object(), "{self}");
            json
        };
        self.out.lines().map(object).collect()
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cut = |text: &str| text.chars().take(4000).collect::<String>();
        let (out, err) = (cut(&self.out), cut(&self.err));
        write!(f, "$ {}\n--- stdout\n{out}\n--- stderr\n{err}\n--- exit code {}", self.shown, self.code)
    }
}

/// A run that is spoken to line by line.
pub struct Talk {
    child: Child,
    shown: String,
    lines: Receiver<String>,
}

impl Talk {
    fn with(mut child: Child, shown: String) -> Talk {
        let stdout = child.stdout.take().expect("stdout is piped");
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in std::io::BufRead::lines(std::io::BufReader::new(stdout)).map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Talk { child, shown, lines }
    }

    /// Gives it a line.
    pub fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("it reads");
    }

    /// The next line of its stdout.
    pub fn hear(&self) -> String {
        self.lines.recv_timeout(LIMIT).unwrap_or_else(|e| panic!("{}: no answer: {e}", self.shown))
    }

    /// Kills it, as a crash would.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Closes its stdin and waits for its end.
    pub fn end(mut self) -> Ran {
        drop(self.child.stdin.take());
        let err = drain(self.child.stderr.take().expect("stderr is piped"));
        let status = wait(&mut self.child, Instant::now() + LIMIT);
        let Some(status) = status else { panic!("{} does not end", self.shown) };
        let out: Vec<String> = self.lines.iter().collect();
        let err = err.recv_timeout(LIMIT).expect("it has ended");
        Ran::judged(self.shown.clone(), status, out.join("\n").into_bytes(), err)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // A test that fails leaves no process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
