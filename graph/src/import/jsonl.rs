//! JSON lines: a change a line, see [`Change`].
//!
//! Lines are given out as they come, so that a program can talk line by line; empty ones are skipped. A line is at most
//! [`super::MAX_LINE_BYTES`] long, and takes a few times its length in memory while it is read.
//!
//! A file whose lines only add goes through a bulk load ([`Change::add_to`]); one that changes what it added before, line
//! by line through a write transaction ([`crate::WriteTransaction::apply`]).

use std::io::Read;

use super::change::{Change, NodeRef, parse_change};
use super::error::{RowError, Severity};
use super::guess::utf8;
use super::lines::Lines;
use crate::bulk::row::{EdgeRow, NodeRow, Place, RowId};
use crate::bulk::{Bulk, BulkError, WantedIndex};

/// The changes of a file, with the place of each.
#[derive(Debug)]
pub struct JsonLines<R> {
    lines: Lines<R>,
    done: bool,
}

impl<R: Read> JsonLines<R> {
    /// Reads from `reader`, which needs no buffer; `file` is the file's number, for messages.
    ///
    /// ```
    /// use foliograph::import::JsonLines;
    /// let text = r#"{"op":"delete_node","node":{"label":"person","key":"ada"},"detach":true}"#;
    /// let changes = JsonLines::new(text.as_bytes(), 0).collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(changes.len(), 1);
    /// # Ok::<(), foliograph::import::RowError>(())
    /// ```
    pub fn new(reader: R, file: u32) -> Self {
        JsonLines { lines: Lines::new(reader, file), done: false }
    }

    fn next_change(&mut self) -> Result<Option<(Place, Change)>, RowError> {
        loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            if line.bytes.trim_ascii().is_empty() {
                continue;
            }
            let text = utf8(line.bytes, line.place, line.column(0))?;
            return match parse_change(text) {
                Ok(change) => Ok(Some((line.place, change))),
                Err(bad) => {
                    let column = if bad.column > 0 { line.column(bad.column as usize - 1) } else { 0 };
                    Err(RowError::row(line.place, column, bad.what).hint(bad.hint))
                }
            };
        }
    }
}

impl<R: Read> Iterator for JsonLines<R> {
    type Item = Result<(Place, Change), RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let change = self.next_change();
        self.done = !matches!(&change, Ok(Some(_)) | Err(RowError { severity: Severity::Row, .. }));
        change.transpose()
    }
}

impl Change {
    /// Gives a bulk load what this change adds. A change that does more than add comes back, and so does one that names
    /// nodes by ids where others are named by words.
    ///
    /// Nodes get the ids that the store would give them one by one (where rows are added to a store, those without an id
    /// after those with one). Other than for a transaction, an edge may come before
    /// its nodes.
    ///
    /// # Errors
    /// The load refuses the row, or cannot keep it.
    pub fn add_to(self, bulk: &mut Bulk, place: Place) -> Result<Option<Change>, BulkError> {
        let by_word = bulk.names_are_words();
        match self {
            Change::AddNode { id: Some(_), .. } if by_word => return Ok(Some(self)),
            Change::AddEdge { ref edge, .. }
                if by_word && [&edge.from, &edge.to].into_iter().any(|end| matches!(end, NodeRef::Id(_))) =>
            {
                return Ok(Some(self));
            }
            Change::AddNode { label, key, id, props } => {
                let given = || (!bulk.appends()).then(|| bulk.next_id());
                let id = if by_word { None } else { id.or_else(given).map(RowId::Int) };
                bulk.add_node(NodeRow { space: 0, id, label: label.into(), key, props, place })?;
            }
            Change::AddEdge { edge, props } => {
                let row = EdgeRow {
                    from: (0, edge.from.into()),
                    to: (0, edge.to.into()),
                    edge_type: edge.edge_type.into(),
                    undirected: false,
                    rank: edge.rank,
                    props,
                    place,
                };
                // Another line says what its type is.
                bulk.put_edge(row, None)?
            }
            Change::CreateIndex { on, property, unique } => {
                bulk.add_index(WantedIndex { on, property, unique, place });
            }
            Change::EdgeType { edge_type, undirected } => {
                bulk.set_edge_type(&edge_type, undirected, place)?
            }
            other => return Ok(Some(other)),
        }
        Ok(None)
    }
}

impl From<NodeRef> for RowId {
    fn from(name: NodeRef) -> Self {
        match name {
            NodeRef::Named(label, key) => RowId::Key(label.into(), key),
            NodeRef::Id(id) => RowId::Int(id),
        }
    }
}
