//! Import: bytes in, rows out.
//!
//! Readers take anything that is [`std::io::Read`], open no files, and are iterators over rows for the bulk loader
//! ([`crate::bulk::row`]). A bad row is an error with its line and column, and the reader goes on behind it; see
//! [`Severity`] for the others. Nothing in input makes a reader panic, or take more memory than a row
//! ([`MAX_LINE_BYTES`]) and what decompression is allowed ([`MAX_WINDOW_BYTES`]).
//!
//! - [`Input`]: decompression, and the first bytes for [`detect`](detect()).
//! - [`EdgeList`]: `source target [weight]`. [`Table`]: csv and tsv with a [`Header`]. [`VertexFile`]: Graphalytics.
//!   [`JsonLines`]: a [`Change`] a line.
//! - [`Guess`]: what is taken for granted until a row shows otherwise, and then all is read again.

mod change;
mod decompress;
mod detect;
mod edgelist;
mod error;
mod graphalytics;
mod guess;
mod header;
mod jsonl;
mod lines;
mod record;
mod table;
#[cfg(test)]
mod tests;

pub use change::{Change, EdgeRef, IndexTarget, NodeRef};
pub use decompress::{Compression, HEAD_BYTES, Input, MAX_WINDOW_BYTES};
pub use detect::{Detected, detect};
pub use edgelist::{DEFAULT_LABEL, DEFAULT_TYPE, EdgeList, EdgeListOptions, WEIGHT};
pub use error::{RowError, Severity};
pub use graphalytics::{GraphProperties, VALUE, VertexFile, read_properties};
pub use guess::{Guess, IdMode};
pub use header::{Header, Spaces, TableKind};
pub use jsonl::JsonLines;
pub use lines::MAX_LINE_BYTES;
pub use record::Dialect;
pub use table::{Row, Table, TableOptions, read_header_file};
