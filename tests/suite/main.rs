//! The suite: one test binary, so that everything links once. Beside it `engine.rs` is one of its own: what every store must
//! do, over every device.
//!
//! | module | tells |
//! |---|---|
//! | `harness` | stores on every device, page size and cache; data; required backends |
//! | `devices` | every page device keeps its promises |
//! | `history` | one mixed history, and what a store holds in words |
//! | `values` | values compared without the library, and awkward ones to draw from |
//! | `seeds` | the old bug this project began with |
//! | `observed` | pages are on disk before anything indexes them, as a recording device sees it (I1, I2) |
//! | `one_instance` | one device under all layers, one open description in the process (I8) |
//! | `algo` | algorithms over the whole graph take the memory that they say |
//! | `crash` | every crash state of small histories, random states of long ones, crashes in recovery (I2, I3, I4) |
//! | `traces` | the traces R1 to R11 that broke earlier wordings of the pager's rules, on the real code |
//! | `planted` | each planted bug is caught, and the same stories are clean without it |
//! | `damage` | every byte flipped, every length cut (I7) |
//! | `log_damage` | the log flipped, zeroed, cut, of another store or life, forged: a prefix, or damage (L2, L3) |
//! | `space` | the file does not grow, and gives back; the log stays within its limit (A4) |
//! | `degrees` | what a degree costs in page reads, and that it is right (T11) |
//! | `model` | random histories against a graph in memory (I5, I6) |
//! | `savepoints` | savepoints of a transaction against a stack of graphs in memory |
//! | `petgraph` | 1,000 random graphs: the same answers as petgraph's, and copies there and back |
//! | `full_disk` | a disk without space: one commit fails, nothing is lost, deleting works (A5, D6) |
//! | `full_log` | a disk without space where the log and checkpoints beside the writer need some (A5) |
//! | `nth_fault` | the n-th device call fails, once or for ever: an error each time, nothing acknowledged lost |
//! | `concurrent` | who waits for whom, told with gates instead of time; commits of many threads; snapshots that are held |
//! | `soak` | readers, writers, checkpoints, compaction and backups at once, for as long as one likes |
//! | `serialized` | the words of the model through `serde` |
//! | `format` | stores of every format version still open |
//! | `walks` | walks, groups, orders and copies on a disk that fails; each can be stopped |
//! | `tidy` | the style gate |
//!
//! Real graphs, bad input and damage as the command meets them are told in `graph/cli/tests/cli`.
#![allow(missing_docs, reason = "tests tell their story in their names")]

mod algo;
mod concurrent;
mod crash;
mod damage;
mod degrees;
mod devices;
mod format;
mod full_disk;
mod full_log;
mod harness;
mod history;
mod log_damage;
mod model;
mod nth_fault;
mod observed;
mod one_instance;
mod petgraph;
mod planted;
mod savepoints;
mod seeds;
mod serialized;
mod soak;
mod space;
mod tidy;
mod traces;
mod values;
mod walks;
