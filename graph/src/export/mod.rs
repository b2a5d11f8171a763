//! Export: rows in, bytes out.
//!
//! Writers take a [`Source`], which a snapshot is, and anything that is [`std::io::Write`]; they open no files. csv and
//! tsv read back to an equal store: ids, keys, labels, types, ranks, and properties of whatever types. An edge list holds
//! less, and is refused where something would be lost, unless the caller says that it may be.
//!
//! A header, and what an edge list would lose, must be known before the first row: so a source is read twice.

mod edgelist;
mod field;
mod source;
mod store;
mod table;
#[cfg(test)]
mod tests;

pub use edgelist::{Losses, write_edge_list};
pub use source::{EdgeOut, ExportError, NodeOut, Source};
pub use table::{write_edges, write_nodes};
