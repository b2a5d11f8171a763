//! Export: rows in, bytes out.
//!
//! Writers take a [`Source`], which a snapshot is, and anything that is [`std::io::Write`]; they open no files. csv, tsv
//! and JSON lines read back to an equal store: ids, keys, labels, types, ranks, and properties of whatever types. An edge
//! list, GraphML and DOT hold less, and are refused where something would be lost ([`Losses`]), unless the caller says
//! that it may be.
//!
//! A header, and what a format would lose, must be known before the first row: so a source is read twice. Memory is that
//! of one row, of the names of properties, and for an edge list 8 bytes a node.

mod dot;
mod edgelist;
mod field;
mod graphml;
mod jsonl;
mod losses;
mod source;
mod store;
mod table;
#[cfg(test)]
mod tests;

pub use dot::write_dot;
pub use edgelist::write_edge_list;
pub use graphml::write_graphml;
pub use jsonl::{write_json_edges, write_json_nodes};
pub use losses::{Loss, Losses};
pub use source::{EdgeOut, ExportError, NodeOut, Source, TypeOut, Written};
pub use table::{table_losses, write_edges, write_nodes};
