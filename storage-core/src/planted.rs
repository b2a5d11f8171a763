//! Planted bugs: one switch per rule that can be broken on purpose, so that the suites can prove that they notice.
//!
//! Without the feature `planted-bugs` (enabled by package `tests` alone, and refused without debug assertions)
//! `armed` is a constant `false` and every bug is compiled away. Bugs are armed per thread.

/// A rule to break.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Bug {
    /// A reference is handed out, and the index that holds it written, before the page itself is (I1, V2).
    IndexBeforeWrite,
    /// The root record is written before the data is synced (I2, C1).
    MetaBeforeSync,
    /// A page freed by a transaction is used again while the durable root still needs it (A2).
    ReuseLivePage,
    /// The allocation map forgets the pages that the transaction wrote (A1).
    MapForgetsPages,
    /// Only one of the two copies of a meta slot is written (C2).
    OneMetaCopy,
    /// Recovery does not rewrite a torn meta copy (R4).
    TornCopyStays,
    /// A reader's pin does not keep pages from reuse (A2, I6).
    PinsIgnored,
    /// The check of a reference is not compared (V3).
    CheckNotCompared,
    /// The cache keeps its entry when the page is written anew (A6).
    StaleCache,
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use super::Bug;
    use std::cell::Cell;
    // A bit a bug.
    thread_local!(static ARMED: Cell<u32> = const { Cell::new(0) });

    /// True if `bug` is armed on this thread.
    pub fn armed(bug: Bug) -> bool {
        ARMED.get() >> bug as u32 & 1 == 1
    }

    /// Runs `body` with `bug` armed on this thread, beside those that are armed already; disarmed again even if it
    /// panics.
    pub fn with<R>(bug: Bug, body: impl FnOnce() -> R) -> R {
        struct Disarm(u32);
        impl Drop for Disarm {
            fn drop(&mut self) {
                ARMED.set(self.0);
            }
        }
        let _disarm = Disarm(ARMED.replace(ARMED.get() | 1 << bug as u32));
        body()
    }
}

#[cfg(feature = "planted-bugs")]
pub use switch::{armed, with};

/// Without the feature nothing is ever armed.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub(crate) const fn armed(_: Bug) -> bool {
    false
}
