//! Planted bugs: one switch per rule that can be broken on purpose, so that the suites can prove that they notice.
//!
//! Without the feature `planted-bugs` (enabled by package `tests` alone, and refused without debug assertions)
//! `armed` is a constant `false` and every bug is compiled away. Bugs are armed per thread, and carried to those
//! that help it.

/// The bugs, and the list of all of them.
macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident,)*) => {
        /// A rule to break.
        #[derive(Copy, Clone, PartialEq, Eq, Debug)]
        pub enum Bug {
            $($(#[$doc])* $bug,)*
        }

        impl Bug {
            /// Every bug that there is: each has to be caught.
            pub const ALL: &[Bug] = &[$(Bug::$bug,)*];
        }
    };
}

bugs! {
    /// A reference is handed out, and the index that holds it written, before the page itself is (I1, V2).
    IndexBeforeWrite,
    /// The root record is written before the data is synced (I2, C1).
    MetaBeforeSync,
    /// A page freed by a transaction is used again while the durable root still needs it (A2).
    ReuseLivePage,
    /// An abort gives back the pages that the transaction would have freed (R6).
    AbortFreesOld,
    /// Going back to a savepoint leaves the pages freed that were freed since (A1).
    RollbackForgetsFreed,
    /// A page that a savepoint reaches is used again as soon as the transaction frees it.
    SavepointPageReused,
    /// What a checkpoint beside the writer replaced, a savepoint goes on naming.
    SavepointNotRebased,
    /// The record keeps the operations that were undone (L5).
    UndoneInRecord,
    /// Pages that a checkpoint beside the writer replaced may be used again as soon as it is durable, while the newest
    /// version still stands on the root before (A2, R7).
    FreedBeforeTakenIn,
    /// The allocation map forgets the pages that the transaction wrote (A1).
    MapForgetsPages,
    /// The root record goes on naming the allocation map of the one before (A1).
    MapNotInRoot,
    /// Only one of the two copies of a meta slot is written (C2).
    OneMetaCopy,
    /// Recovery does not rewrite a torn meta copy (R4).
    TornCopyStays,
    /// Opening falls back to the older root where both copies of a slot are damaged (R5).
    FallsBackSilently,
    /// A reader's pin does not keep pages from reuse (A2, I6).
    PinsIgnored,
    /// The check of a reference is not compared (V3).
    CheckNotCompared,
    /// The checksum of a page is not compared (I7).
    ChecksumNotCompared,
    /// The cache keeps its entry when the page is written anew, and its "verified" (A6). What remembers "verified" is the
    /// page's check, which the reference to a new life does not have: of the two, only the entry can be seen to be stale.
    StaleCache,
    /// A commit is acknowledged before its group is durable (V4).
    AckBeforeDurable,
    /// Followers are told that a group is durable when it is submitted (L2).
    FollowerWokenEarly,
    /// The version of a group that failed is published (V4).
    FailedGroupPublished,
    /// An error of the log's durable write is taken for success (M3).
    SwallowedError,
    /// A commit that does not wait is published before an earlier one that does is durable (R9).
    RelaxedBeforeFull,
    /// A commit by checkpoint leaves earlier commits in the queue (R2).
    QueueNotFlushed,
    /// The log goes on in an extent that no group has linked (L4).
    ExtentNotLinked,
    /// The next extent is linked by the group that fills the last block, so nothing in the extent proves it (R3).
    LinkInLastBlock,
    /// A new extent is used before it and the file's length are durable (L4).
    LengthNotDurable,
    /// A new life of the log takes the salt that every life takes (L3).
    SaltKept,
    /// The first append of a life is not preceded by a root record that names its start (R1).
    LifeWithoutRoot,
    /// Log extents before the start of a checkpoint are used again from when it begins, not from when its root record
    /// is durable (L4).
    RecycledEarly,
    /// The log start is taken when the root record is written, not when the version was chosen (R10).
    LogStartLate,
    /// A checkpoint takes the newest published version, durable or not, and waits for no group (C1).
    NewestInsteadOfDurable,
    /// A checkpoint's map forgets what earlier commits wrote and freed (A1).
    ChangesForgotten,
    /// Opening does not mark the log's extents as in use: it takes them for free pages (L4).
    ChainNotMarked,
    /// Replay goes on behind a group that does not chain: number, salt and check of the one before are not compared (L2).
    ChainNotCompared,
    /// Where the log ends is not tested for later groups (L3).
    NoTestForLaterGroups,
    /// Where the log ends any group behind it counts as a later one (R11).
    AnyGroupProves,
    /// A leaf that is written anew is counted as its page before was (T11).
    StaleCount,
    /// The filter of a run of changes does not know the last of them (V6).
    FilterForgets,
    /// Where a leaf is written anew, the last change of a vertex is forgotten if it deletes (V6).
    DeletedStays,
    /// Changes in a part of a node's children that the checkpoint knew as well are not put onto its root (T10).
    PartForgotten,
    /// Of a list of edges that is refused, those before the refused one stay.
    HalfOfAList,
    /// The last edge of a list is added, or deleted, where it leaves, and not where it enters (I5).
    LastOneEntersNowhere,
    /// A changed value is taken out of a property index, and the new one not put in (I5).
    IndexEntryForgotten,
    /// A value that another node has is put into a unique index.
    UniqueNotCompared,
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use super::Bug;
    use std::cell::Cell;
    const _: () = assert!(Bug::ALL.len() <= 64, "a bit a bug");
    thread_local!(static ARMED: Cell<u64> = const { Cell::new(0) });

    /// True if `bug` is armed on this thread.
    pub fn armed(bug: Bug) -> bool {
        ARMED.get() >> bug as u32 & 1 == 1
    }

    /// Runs `body` with `bug` armed on this thread, beside those that are armed already; disarmed again even if it
    /// panics.
    pub fn with<R>(bug: Bug, body: impl FnOnce() -> R) -> R {
        struct Disarm(u64);
        impl Drop for Disarm {
            fn drop(&mut self) {
                ARMED.set(self.0);
            }
        }
        let _disarm = Disarm(ARMED.replace(ARMED.get() | 1 << bug as u32));
        body()
    }

    /// `body`, to be run by a thread of its own, with what is armed on this one.
    pub fn carried<R>(body: impl FnOnce() -> R) -> impl FnOnce() -> R {
        let here = ARMED.get();
        move || {
            ARMED.set(here);
            body()
        }
    }
}

#[cfg(feature = "planted-bugs")]
pub use switch::{armed, carried, with};

/// `body`, to be run by a thread of its own.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub fn carried<R>(body: impl FnOnce() -> R) -> impl FnOnce() -> R {
    body
}

/// True if `bug` is armed on this thread: without the feature nothing ever is.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub const fn armed(_: Bug) -> bool {
    false
}
