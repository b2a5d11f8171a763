//! What can be wrong with input, where, and what to do about it.

use std::borrow::Cow;
use std::fmt;
use std::io;

use super::guess::Guess;
use crate::bulk::row::Place;

/// What a reader's error means for the rows after it.
#[derive(Clone, PartialEq, Debug)]
pub enum Severity {
    /// This row is no good; the reader goes on with the next.
    Row,
    /// Nothing more can be read.
    Fatal,
    /// What the reader took for granted of all rows does not hold: read all input again from the start, with this.
    Restart(Guess),
}

/// Something is wrong with input.
#[derive(Clone, PartialEq, Debug)]
pub struct RowError {
    /// The file's number and the line; line 0 where it is about the whole file.
    pub place: Place,
    /// The column: the byte within the line, from 1; 0 where it is about the whole line.
    pub column: u64,
    /// What is wrong.
    pub what: String,
    /// What to do about it; may be empty.
    pub hint: Cow<'static, str>,
    /// Whether reading goes on.
    pub severity: Severity,
}

impl RowError {
    /// A row that cannot be taken.
    pub fn row(place: Place, column: u64, what: impl Into<String>) -> Self {
        RowError { place, column, what: what.into(), hint: Cow::Borrowed(""), severity: Severity::Row }
    }

    /// An error after which nothing can be read.
    pub fn fatal(place: Place, column: u64, what: impl Into<String>) -> Self {
        RowError { severity: Severity::Fatal, ..RowError::row(place, column, what) }
    }

    /// An error of the reader below.
    pub fn io(place: Place, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the compressed file is cut off",
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => "the compressed file is damaged",
            _ => "",
        };
        RowError::fatal(place, 0, format!("cannot read on: {error}")).hint(hint)
    }

    /// A demand to start again with another guess.
    pub(super) fn restart(place: Place, column: u64, what: impl Into<String>, guess: Guess) -> Self {
        RowError { severity: Severity::Restart(guess), ..RowError::row(place, column, what) }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same, but nothing can be read after it.
    #[must_use]
    pub fn into_fatal(mut self) -> Self {
        self.severity = Severity::Fatal;
        self
    }

    /// What to start again with, if that is what the error says.
    pub fn restart_with(&self) -> Option<Guess> {
        match self.severity {
            Severity::Restart(guess) => Some(guess),
            Severity::Row | Severity::Fatal => None,
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place.line, self.column) {
            (0, _) => f.write_str(&self.what),
            (line, 0) => write!(f, "line {line}: {}", self.what),
            (line, column) => write!(f, "line {line}, column {column}: {}", self.what),
        }
    }
}

impl std::error::Error for RowError {}
