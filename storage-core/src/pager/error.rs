//! What can go wrong when pages are read, written, or a store is opened. Three types, for they fail differently.

use super::log::LogError;
use crate::device::{DeviceError, DeviceErrorKind};
use crate::page::{PageCount, PageId, PageKind};
use std::borrow::Cow;

/// A page could not be read. Never "not found": either the device failed, or the page is damaged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PageError {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The page is not what its reference says, or its contents contradict themselves.
    #[error("page {page} ({kind}) is damaged: {what}")]
    Damage {
        /// Which page.
        page: PageId,
        /// What it is, or should have been.
        kind: PageKind,
        /// What is wrong.
        what: Cow<'static, str>,
    },
}

impl PageError {
    /// Damage found in `page`.
    pub fn damage(page: PageId, kind: PageKind, what: impl Into<Cow<'static, str>>) -> Self {
        PageError::Damage { page, kind, what: what.into() }
    }

    /// The page it is about, where there is one.
    pub fn page(&self) -> Option<PageId> {
        match self {
            PageError::Device(e) => e.page(),
            PageError::Damage { page, .. } => Some(*page),
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            PageError::Device(e) => e.hint(),
            PageError::Damage { .. } => Some("`foliograph check` lists the damage; restore a backup"),
        }
    }
}

/// A transaction could not go on. It can only be dropped (M3); what was committed before is untouched.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A page it builds on could not be read.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// No space is left, and the reserve is kept for transactions that only delete (A5).
    #[error("the disk is full: {needed} more pages are needed: {cause}")]
    DiskFull {
        /// How many pages more than there are.
        needed: u64,
        /// What the device said.
        cause: DeviceError,
    },
    /// An earlier call of this transaction failed.
    #[error("the transaction failed earlier; it can only be dropped")]
    Failed,
    /// The store was opened read-only.
    #[error("the store is open read-only")]
    ReadOnly,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The log holds commits that have not been replayed yet.
    #[error("the log has to be replayed first")]
    NotReplayed,
    /// More pages than the allocation map can name.
    #[error("the store would exceed {limit} pages, the most that its page size allows")]
    TooLarge {
        /// The bound.
        limit: PageCount,
    },
}

impl WriteError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            WriteError::Page(e) => e.hint(),
            WriteError::Device(e) => e.hint(),
            WriteError::DiskFull { .. } => {
                Some("free space on the disk, or delete from the store: deleting works on a full disk")
            }
            WriteError::ReadOnly => Some("open it for writing"),
            WriteError::TooLarge { .. } => Some("use a larger page size"),
            WriteError::Failed | WriteError::Closed | WriteError::NotReplayed => None,
        }
    }
}

/// A store could not be opened or created.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The device failed, or is none of ours.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A page that opening needs is damaged.
    #[error(transparent)]
    Page(#[from] PageError),
    /// Both copies of a root record are invalid: no mere crash does that (C2, R5).
    #[error("root record {slot} is damaged in both copies (pages {first} and {second})")]
    DamagedRoot {
        /// "A" or "B".
        slot: char,
        /// Where its first copy is.
        first: PageId,
        /// Where its second copy is.
        second: PageId,
        /// True if the other record is valid, so that the older root can be asked for.
        older_root: bool,
    },
    /// The store was written by a newer version.
    #[error("the store has format {found}; this version reads up to format {known}")]
    NewerFormat {
        /// In the file.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// The store uses a feature that this version does not know.
    #[error("the store uses features that this version does not know ({flags:#x})")]
    UnknownFeatures {
        /// The unknown flags.
        flags: u32,
    },
    /// The file is shorter than its root record says.
    #[error("the file is cut short (ShortFile): it has {found} pages, its root record says {expected}")]
    ShortFile {
        /// What is there.
        found: PageCount,
        /// What should be.
        expected: PageCount,
    },
    /// The log is damaged: a later group proves that one is missing which was durable (L3).
    #[error(transparent)]
    Log(#[from] LogError),
    /// Opened for reading only, while the log holds commits that the root does not.
    #[error("the store needs recovery: its log holds {commits} commits that have to be replayed first")]
    NeedsRecovery {
        /// How many.
        commits: u64,
    },
    /// Superblock and root record belong to different stores.
    #[error("superblock and root record belong to different stores")]
    Mixed,
}

impl OpenError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            OpenError::Device(e) => e.hint(),
            OpenError::Page(e) => e.hint(),
            OpenError::DamagedRoot { older_root: true, .. } => {
                Some("commits may be lost; the older root can be opened with `older_root`")
            }
            OpenError::DamagedRoot { .. } => Some("restore it from a backup"),
            OpenError::NewerFormat { .. } | OpenError::UnknownFeatures { .. } => Some("use a newer version"),
            OpenError::Log(e) => e.hint(),
            OpenError::NeedsRecovery { .. } => Some("open it for writing once: that recovers it"),
            OpenError::ShortFile { .. } | OpenError::Mixed => Some("restore it from a backup"),
        }
    }

    /// True if the file is damaged, as against unreachable, foreign or in use.
    pub fn is_damage(&self) -> bool {
        match self {
            OpenError::Device(e) => e.kind() == DeviceErrorKind::ShortFile,
            OpenError::Page(PageError::Device(e)) => e.kind() == DeviceErrorKind::ShortFile,
            OpenError::Page(PageError::Damage { .. })
            | OpenError::DamagedRoot { .. }
            | OpenError::ShortFile { .. }
            | OpenError::Mixed => true,
            OpenError::Log(e) => e.is_damage(),
            OpenError::NewerFormat { .. }
            | OpenError::UnknownFeatures { .. }
            | OpenError::NeedsRecovery { .. } => false,
        }
    }
}
