//! The log: groups of records in extents of the device, so that a commit costs one durable write (PAGER rules L).
//!
//! # What must always be true
//!
//! 1. A group is read back whole and unchanged, or not at all; and only behind the group that it was written behind.
//! 2. Nothing of another store, or of an earlier life of the log, is ever read as a group of this one (L2).
//! 3. The first group that is missing is the end of the log, unless a later one proves that it was durable once: then
//!    it is damage (L3). A device that fails is neither.
//!
//! # Where things are
//!
//! | file | holds |
//! |---|---|
//! | `frame.rs` | the bytes of a group, and of the place where the log starts; no I/O |
//! | `chain.rs` | the extents of a log as one row of blocks; reading a block of it |
//! | `reader.rs` | reading groups, and judging where they end |
//! | `end.rs` | why it ends where it ends, in words |
//! | `extents.rs` | which extents there are, and where the next group goes; in memory |
//! | `queue.rs` | commits that wait; the leader that writes a group of them, and its followers |
//! | `room.rs` | making and giving back extents; the first root record of a log's life |
//!
//! It is not: what a record says (whoever writes and replays them knows), and not which pages are free for an extent.

mod chain;
mod end;
mod extents;
mod frame;
mod queue;
mod reader;
mod room;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_damage;

pub(crate) use end::heads;
pub use end::{GroupHead, LogEnd};
pub use frame::{BLOCK, Extent, LogStart};
pub(crate) use queue::Log;
pub use queue::LogStats;
pub use reader::{Group, LogError, LogReader};
pub(crate) use room::pages_of;
pub use room::{LOG_LIMITS, LOG_USUAL};
