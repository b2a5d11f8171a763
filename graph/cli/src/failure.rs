//! How a command ends when it does not succeed: one line that says what failed, a hint, and an exit code.

use std::fmt::Display;
use std::io;

use foliograph::bulk::BulkError;
use foliograph::salvage::SalvageError;
use foliograph::{BackupError, CommitError, OpenError, ReadError, WriteError};

/// Exit codes, as the command line's users rely on them.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It failed.
    Failed = 1,
    /// It was called wrongly.
    Usage = 2,
    /// `check` found damage.
    Damage = 3,
    /// Nothing was found.
    NotFound = 4,
}

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// An error, with its line for stderr.
    Error {
        /// The exit code.
        exit: Exit,
        /// One line.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Everything was said already.
    Said(Exit),
    /// Nobody reads stdout any more: the command ends, quietly and well.
    BrokenPipe,
}

impl Failure {
    /// An error with exit code 1.
    pub fn new(message: impl Display) -> Self {
        Failure::with(Exit::Failed, message)
    }

    /// A wrong use that the parser of the command line could not see.
    pub fn usage(message: impl Display) -> Self {
        Failure::with(Exit::Usage, message)
    }

    /// Something asked for is not there.
    pub fn not_found(message: impl Display) -> Self {
        Failure::with(Exit::NotFound, message)
    }

    fn with(exit: Exit, message: impl Display) -> Self {
        Failure::Error { exit, message: one_line(&message.to_string()), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, text: impl Display) -> Self {
        let text = text.to_string();
        if let Failure::Error { hint, .. } = &mut self
            && !text.is_empty()
        {
            *hint = Some(one_line(&text));
        }
        self
    }

    /// The same with a hint, where there is one.
    #[must_use]
    pub fn maybe_hint(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.hint(text),
            None => self,
        }
    }

    /// An error of writing to stdout or to `where_to`.
    pub fn writing(where_to: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::BrokenPipe,
            _ => Failure::new(format!("cannot write {where_to}: {error}")),
        }
    }
}

/// Whatever a message holds, it is one line.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Errors of writing without a path are of stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::writing("stdout", &error)
    }
}

macro_rules! from_error {
    ($($type:ty),*) => {$(
        impl From<$type> for Failure {
            fn from(error: $type) -> Self {
                Failure::new(&error).maybe_hint(error.hint())
            }
        }
    )*};
}

from_error!(OpenError, ReadError, WriteError, CommitError, BulkError, SalvageError, BackupError);
