//! Graphalytics data sets: `NAME.v`, `NAME.e`, `NAME.properties`.
//!
//! A vertex file has `id [value]` a line; the value is the property `value`, an int where all are, a float where all are
//! numbers, else text. An edge file is an edge list ([`super::edgelist`]). The properties say whether the graph is
//! directed. Unlike in a bare edge list, the vertex file declares all nodes: an edge to another is an error.

use std::io::Read;
use std::sync::Arc;

use super::edgelist::DEFAULT_LABEL;
use super::error::{RowError, Severity};
use super::guess::{Guess, Width, utf8};
use super::lines::{Line, Lines};
use crate::bulk::row::{NodeRow, Place, RowId};
use crate::model::{Key, Props};

/// The property that the second field of a vertex becomes.
pub const VALUE: &str = "value";

/// The nodes of a vertex file.
#[derive(Debug)]
pub struct VertexFile<R> {
    lines: Lines<R>,
    guess: Guess,
    label: Arc<str>,
    done: bool,
}

impl<R: Read> VertexFile<R> {
    /// Reads from `reader`, which needs no buffer.
    pub fn new(reader: R, file: u32, guess: Guess) -> Self {
        VertexFile { lines: Lines::new(reader, file), guess, label: DEFAULT_LABEL.into(), done: false }
    }

    /// What is taken for granted after the rows so far: for the next file.
    pub fn guess(&self) -> Guess {
        self.guess
    }

    fn next_row(&mut self) -> Result<Option<NodeRow>, RowError> {
        loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            let start = skip(line.bytes, 0, is_blank);
            if line.bytes.get(start).is_none_or(|b| matches!(b, b'#' | b'%')) {
                continue;
            }
            return row(line, start, &mut self.guess, &self.label).map(Some);
        }
    }
}

impl<R: Read> Iterator for VertexFile<R> {
    type Item = Result<NodeRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.next_row();
        self.done = !matches!(&row, Ok(Some(_)) | Err(RowError { severity: Severity::Row, .. }));
        row.transpose()
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn skip(bytes: &[u8], from: usize, what: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&b| !what(b)).map_or(bytes.len(), |n| from + n)
}

fn row(line: Line<'_>, start: usize, guess: &mut Guess, label: &Arc<str>) -> Result<NodeRow, RowError> {
    let Line { bytes, place, .. } = line;
    let end = skip(bytes, start, |b| !is_blank(b));
    let id = guess.name(&bytes[start..end], place, line.column(start))?;
    let start = skip(bytes, end, is_blank);
    let end = skip(bytes, start, |b| !is_blank(b));
    let rest = skip(bytes, end, is_blank);
    if rest < bytes.len() {
        let what = "a third field; a vertex file has `id [value]`";
        return Err(RowError::row(place, line.column(rest), what));
    }
    let mut props = Props::new();
    if start < end {
        let text = utf8(&bytes[start..end], place, line.column(start))?;
        match guess.value.read(text, Width::Text) {
            Some(Some(value)) => props.push((VALUE.to_owned(), value)),
            // Text is the widest, so what does not fit only needs another start.
            _ => {
                let what = format!("the value `{text}` is of another type than those before it");
                return Err(RowError::restart(place, line.column(start), what, guess.restarted()));
            }
        }
    }
    let key = match &id {
        RowId::Word(word) => Some(Key::Text(word.clone())),
        RowId::Int(_) | RowId::Key(..) => None,
    };
    Ok(NodeRow { space: 0, id: Some(id), label: label.clone(), key, props, place })
}

/// What a properties file says of a graph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GraphProperties {
    /// `graph.NAME.directed`.
    pub directed: Option<bool>,
}

/// Reads a properties file: lines `key = value`, comments from `#` or `!`. Only what matters here is looked at.
///
/// # Errors
/// [`RowError`]: reading fails, or `directed` is neither true nor false.
pub fn read_properties<R: Read>(reader: R, file: u32) -> Result<GraphProperties, RowError> {
    let mut lines = Lines::new(reader, file);
    let mut properties = GraphProperties::default();
    while let Some(line) = lines.next()? {
        let text = utf8(line.bytes, line.place, line.column(0)).map_err(RowError::into_fatal)?.trim();
        if text.starts_with(['#', '!']) {
            continue;
        }
        let Some((key, value)) = text.split_once(['=', ':']) else { continue };
        if key.trim().starts_with("graph.") && key.trim().ends_with(".directed") {
            properties.directed = Some(match value.trim() {
                "true" => true,
                "false" => false,
                other => {
                    let what = format!("directed is `{other}`; it is `true` or `false`");
                    return Err(RowError::fatal(Place { file, ..line.place }, 0, what));
                }
            });
        }
    }
    Ok(properties)
}
