//! What goes to stdout and stderr.
//!
//! stdout carries data, as lines or, with `--json`, as JSON; stderr carries errors, hints and notes, coloured where it is
//! a terminal and `NO_COLOR` is not set. A reader that goes away ends the command quietly.

use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};

use serde_json::Value as Json;

use crate::failure::Failure;

/// Where a command's data goes.
pub struct Output {
    out: BufWriter<Box<dyn Write>>,
    json: bool,
    quiet: bool,
}

impl Output {
    /// stdout.
    pub fn stdout(json: bool, quiet: bool) -> Self {
        let lock: StdoutLock<'static> = io::stdout().lock();
        Output { out: BufWriter::with_capacity(64 << 10, Box::new(lock)), json, quiet }
    }

    /// Whether data is JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A line of text.
    pub fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// One JSON object on a line.
    pub fn object(&mut self, object: &Json) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{object}")?)
    }

    /// Rows of a name and a value, the values aligned.
    pub fn table(&mut self, rows: &[(String, String)]) -> Result<(), Failure> {
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in rows {
            let line = format!("{name:width$}  {value}");
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// Bytes as they are.
    pub fn writer(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Makes everything visible to the reader.
    pub fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    /// A line on stderr that is no error; silent with `--quiet`.
    pub fn note(&self, text: impl Display) {
        note(self.quiet, text);
    }
}

/// A line on stderr that is no error.
pub fn note(quiet: bool, text: impl Display) {
    if !quiet {
        // Nothing can be done about a stderr that takes nothing.
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}

/// The lines of an error on stderr.
pub fn say_error(message: &str, hint: Option<&str>) {
    let mut err = anstream::stderr().lock();
    let _ = writeln!(err, "\x1b[1;31merror:\x1b[0m {message}");
    if let Some(hint) = hint {
        let _ = writeln!(err, "\x1b[1;36mhint:\x1b[0m {hint}");
    }
}

/// A number with separators between thousands, for people.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 commit`, `2 commits`.
pub fn counted(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {what}{s}", thousands(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let shown: Vec<_> = [0, 12, 999, 1000, 123_456, 1_234_567].map(thousands).into();
        assert_eq!(shown, ["0", "12", "999", "1,000", "123,456", "1,234,567"]);
    }
}
