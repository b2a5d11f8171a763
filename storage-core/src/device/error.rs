//! What can go wrong on a device, with everything a user needs to act on it.

use crate::page::PageId;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The call that failed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Opening or creating.
    Open,
    /// [`super::PageDevice::grow`].
    Grow,
    /// [`super::PageDevice::shrink`].
    Shrink,
    /// [`super::PageDevice::read_each`].
    Read,
    /// [`super::PageDevice::write`].
    Write,
    /// [`super::PageDevice::write_durable`].
    WriteDurable,
    /// [`super::PageDevice::sync`].
    Sync,
    /// [`super::PageDevice::close`].
    Close,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Open => "open",
            Operation::Grow => "grow",
            Operation::Shrink => "shrink",
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::WriteDurable => "durable write",
            Operation::Sync => "sync",
            Operation::Close => "close",
        })
    }
}

/// What sort of failure.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DeviceErrorKind {
    /// A page that was never allocated was asked for: the caller's bug, refused before any system call (D3).
    OutOfBounds,
    /// A buffer or block of the wrong length or alignment: the caller's bug.
    InvalidRequest,
    /// The file is shorter than its length says: damage.
    ShortFile,
    /// The operating system reported an error.
    Io,
    /// No space left; nothing is poisoned if it came from `grow`.
    DiskFull,
    /// An earlier write or sync failed; only reopening goes on (D6).
    Poisoned,
    /// A change on a read-only device.
    ReadOnly,
    /// The device was closed.
    Closed,
    /// Another process has the store open.
    Locked,
    /// There is no such file.
    NotFound,
    /// The path is there but is no regular file.
    NotAFile,
    /// The file is no Foliograph store; it was not touched.
    NotAStore,
    /// The file is an unfinished creation (empty, all zero, or without its superblock) (N1).
    Unfinished,
    /// A store is there already; `create` does not overwrite it (N2).
    AlreadyExists,
    /// This device cannot run here (kernel, container, compile-time choice).
    Unsupported,
}

/// A device's error: operation, page, count, backend, path, the system's error, and what to do.
#[derive(Clone, Debug)]
pub struct DeviceError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: DeviceErrorKind,
    operation: Operation,
    page: Option<PageId>,
    count: usize,
    backend: &'static str,
    path: Option<PathBuf>,
    detail: Option<String>,
    source: Option<Arc<io::Error>>,
}

impl DeviceError {
    /// An error of this sort in this operation on this backend.
    pub fn new(kind: DeviceErrorKind, operation: Operation, backend: &'static str) -> Self {
        DeviceError(Box::new(Inner {
            kind,
            operation,
            page: None,
            count: 0,
            backend,
            path: None,
            detail: None,
            source: None,
        }))
    }

    /// The system's error, with its kind read off: ENOSPC and EDQUOT are [`DeviceErrorKind::DiskFull`].
    pub fn from_io(operation: Operation, backend: &'static str, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DeviceErrorKind::DiskFull,
            io::ErrorKind::NotFound if operation == Operation::Open => DeviceErrorKind::NotFound,
            io::ErrorKind::IsADirectory => DeviceErrorKind::NotAFile,
            io::ErrorKind::ReadOnlyFilesystem => DeviceErrorKind::ReadOnly,
            _ => DeviceErrorKind::Io,
        };
        let mut out = DeviceError::new(kind, operation, backend);
        out.0.source = Some(Arc::new(error));
        out
    }

    /// Says at which page, and how many pages the call was for.
    pub fn at(mut self, page: PageId, count: usize) -> Self {
        self.0.page = Some(page);
        self.0.count = count;
        self
    }

    /// Says in which file.
    pub fn path(mut self, path: &Path) -> Self {
        self.0.path = Some(path.to_owned());
        self
    }

    /// Adds a sentence.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The same cause, seen by a later call (D6).
    pub fn as_poison(&self) -> Self {
        let mut out = self.clone();
        if out.0.kind != DeviceErrorKind::Poisoned {
            out.0.detail = Some(format!("an earlier {} failed: {}", self.0.operation, self));
            out.0.kind = DeviceErrorKind::Poisoned;
        }
        out
    }

    /// What sort of failure.
    pub fn kind(&self) -> DeviceErrorKind {
        self.0.kind
    }

    /// The call that failed.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// The first page of the failed request, where there is one.
    pub fn page(&self) -> Option<PageId> {
        self.0.page
    }

    /// The backend it happened on.
    pub fn backend(&self) -> &'static str {
        self.0.backend
    }

    /// The system's error, where there is one.
    pub fn os_error(&self) -> Option<&io::Error> {
        self.0.source.as_deref()
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self.0.kind {
            DeviceErrorKind::DiskFull => {
                "free space on the disk, or delete from the store; nothing committed is lost"
            }
            DeviceErrorKind::Poisoned | DeviceErrorKind::Io => {
                "look at the disk and the system's log; close and open the store again, what was committed is there"
            }
            DeviceErrorKind::ShortFile => "the file was cut; restore it from a backup",
            DeviceErrorKind::ReadOnly => "open a writable copy",
            DeviceErrorKind::Locked => "close the other process, or wait for it",
            DeviceErrorKind::NotFound => "check the path",
            DeviceErrorKind::NotAFile => "name a regular file",
            DeviceErrorKind::NotAStore => "name a Foliograph store; this file was not touched",
            DeviceErrorKind::Unfinished => "its creation was cut off; create it again, it holds nothing",
            DeviceErrorKind::AlreadyExists => "choose another name, or remove the store first",
            DeviceErrorKind::Unsupported => {
                "choose another backend: file works everywhere, auto takes what runs here"
            }
            DeviceErrorKind::OutOfBounds | DeviceErrorKind::InvalidRequest | DeviceErrorKind::Closed => {
                return None;
            }
        })
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        let what = match e.kind {
            DeviceErrorKind::OutOfBounds => "page out of bounds",
            DeviceErrorKind::InvalidRequest => "invalid request",
            DeviceErrorKind::ShortFile => "file shorter than it should be",
            DeviceErrorKind::Io => "I/O error",
            DeviceErrorKind::DiskFull => "no space left on the device",
            DeviceErrorKind::Poisoned => "device is unusable after an earlier failure",
            DeviceErrorKind::ReadOnly => "read-only",
            DeviceErrorKind::Closed => "device is closed",
            DeviceErrorKind::Locked => "another process has the store open",
            DeviceErrorKind::NotFound => "no such file",
            DeviceErrorKind::NotAFile => "not a regular file",
            DeviceErrorKind::NotAStore => "not a Foliograph store",
            DeviceErrorKind::Unfinished => "unfinished store (its creation was cut off)",
            DeviceErrorKind::AlreadyExists => "a store is there already",
            DeviceErrorKind::Unsupported => "backend cannot run here",
        };
        write!(f, "{what} ({} on the {} backend", e.operation, e.backend)?;
        if let Some(page) = e.page {
            write!(f, ", page {page}")?;
            if e.count > 1 {
                write!(f, " of a batch of {}", e.count)?;
            }
        }
        f.write_str(")")?;
        if let Some(path) = &e.path {
            write!(f, ": {}", path.display())?;
        }
        if let Some(detail) = &e.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(source) = &e.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DeviceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}
