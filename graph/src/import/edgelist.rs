//! Edge lists: `source target [weight]`, a line an edge.
//!
//! Fields are separated by blanks and tabs, or by one comma with blanks around it (or by another character, where the
//! caller names one). Lines from `#` or `%` are comments, empty lines are skipped. Names are node ids where all of them
//! are unsigned integers, else keys; a weight is an int where all are, else a float: see [`super::guess`].
//! Nodes have the label `node`, edges the type `edge` unless told otherwise.

use std::io::Read;
use std::sync::Arc;

use super::error::{RowError, Severity};
use super::guess::{Guess, Width, shorten, utf8};
use super::lines::{Line, Lines};
use crate::bulk::row::{EdgeRow, Place};
use crate::model::{Props, Value};

/// The label of nodes where input does not say one.
pub const DEFAULT_LABEL: &str = "node";
/// The type of edges where input does not say one.
pub const DEFAULT_TYPE: &str = "edge";
/// The property that the third field becomes.
pub const WEIGHT: &str = "weight";

/// How an edge list is read.
#[derive(Clone, Debug)]
pub struct EdgeListOptions {
    /// The file's number, for messages.
    pub file: u32,
    /// What is taken for granted.
    pub guess: Guess,
    /// The edges' type.
    pub edge_type: Arc<str>,
    /// Whether the type is to be marked undirected.
    pub undirected: bool,
    /// What separates fields, where it is not blanks, tabs and commas.
    pub delimiter: Option<u8>,
}

impl Default for EdgeListOptions {
    fn default() -> Self {
        let edge_type = DEFAULT_TYPE.into();
        EdgeListOptions { file: 0, guess: Guess::default(), edge_type, undirected: false, delimiter: None }
    }
}

/// The edges of an edge list.
#[derive(Debug)]
pub struct EdgeList<R> {
    lines: Lines<R>,
    options: EdgeListOptions,
    separators: Separators,
    done: bool,
}

impl<R: Read> EdgeList<R> {
    /// Reads from `reader`, which needs no buffer.
    ///
    /// ```
    /// use foliograph::import::{EdgeList, EdgeListOptions};
    /// let rows = EdgeList::new(b"# from to\n1 2\n2 3 0.5\n".as_slice(), EdgeListOptions::default());
    /// let rows = rows.collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!((rows.len(), rows[1].props.len()), (2, 1));
    /// # Ok::<(), foliograph::import::RowError>(())
    /// ```
    pub fn new(reader: R, options: EdgeListOptions) -> Self {
        let lines = Lines::new(reader, options.file);
        EdgeList { lines, separators: Separators::new(options.delimiter), options, done: false }
    }

    /// What is taken for granted after the rows so far: for the next file.
    pub fn guess(&self) -> Guess {
        self.options.guess
    }

    fn next_row(&mut self) -> Result<Option<EdgeRow>, RowError> {
        loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            match self.separators.split(line)? {
                Some(fields) => return row(line, fields, &mut self.options).map(Some),
                None => continue,
            }
        }
    }
}

impl<R: Read> Iterator for EdgeList<R> {
    type Item = Result<EdgeRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.next_row();
        self.done = !matches!(&row, Ok(Some(_)) | Err(RowError { severity: Severity::Row, .. }));
        row.transpose()
    }
}

/// A field's range within its line.
type Field = (usize, usize);

fn row(line: Line<'_>, fields: Fields, options: &mut EdgeListOptions) -> Result<EdgeRow, RowError> {
    let Line { bytes, place, .. } = line;
    let column = |field: Field| line.column(field.0);
    let text = |field: Field| &bytes[field.0..field.1];
    let (source, target) = (fields.source, fields.target);
    let from = options.guess.name(text(source), place, column(source))?;
    let to = options.guess.name(text(target), place, column(target))?;
    let props = match fields.weight {
        Some(field) => weight(text(field), place, column(field), &mut options.guess)?,
        None => Props::new(),
    };
    Ok(EdgeRow {
        from: (0, from),
        to: (0, to),
        edge_type: options.edge_type.clone(),
        undirected: options.undirected,
        rank: None,
        props,
        place,
    })
}

fn weight(bytes: &[u8], place: Place, column: u64, guess: &mut Guess) -> Result<Props, RowError> {
    let text = utf8(bytes, place, column)?;
    let value: Option<Value> = guess.weight.read(text, Width::Float).ok_or_else(|| {
        RowError::row(place, column, format!("the weight `{}` is no number", shorten(bytes)))
            .hint("an edge list has `source target [weight]`; for other properties use csv or tsv")
    })?;
    match value {
        Some(value) => Ok(vec![(WEIGHT.to_owned(), value)]),
        None => {
            let what = format!("the weight `{text}` is no int, but those before it are");
            Err(RowError::restart(place, column, what, guess.restarted()))
        }
    }
}

/// The fields of a line.
#[derive(Copy, Clone)]
pub(super) struct Fields {
    pub source: Field,
    pub target: Field,
    pub weight: Option<Field>,
}

/// What separates fields.
#[derive(Copy, Clone, Debug)]
pub(super) struct Separators {
    /// Skipped in any number.
    blank: [u8; 2],
    /// At most one between two fields.
    comma: Option<u8>,
}

impl Separators {
    pub fn new(delimiter: Option<u8>) -> Self {
        match delimiter {
            None => Separators { blank: *b" \t", comma: Some(b',') },
            Some(b' ') => Separators { blank: *b"  ", comma: None },
            Some(b'\t') => Separators { blank: *b"\t\t", comma: None },
            Some(other) => Separators { blank: *b" \t", comma: Some(other) },
        }
    }

    #[inline]
    fn is_blank(&self, byte: u8) -> bool {
        byte == self.blank[0] || byte == self.blank[1]
    }

    #[inline]
    fn is_separator(&self, byte: u8) -> bool {
        self.is_blank(byte) || Some(byte) == self.comma
    }

    #[inline]
    fn skip_blanks(&self, bytes: &[u8], mut at: usize) -> usize {
        while at < bytes.len() && self.is_blank(bytes[at]) {
            at += 1;
        }
        at
    }

    #[inline]
    fn field_end(&self, bytes: &[u8], mut at: usize) -> usize {
        while at < bytes.len() && !self.is_separator(bytes[at]) {
            at += 1;
        }
        at
    }

    /// From the end of a field to where the next one begins, if there is one. A comma promises one.
    #[inline]
    fn next_field(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let at = self.skip_blanks(bytes, at);
        match bytes.get(at) {
            None => None,
            Some(&byte) if Some(byte) == self.comma => Some(self.skip_blanks(bytes, at + 1)),
            Some(_) => Some(at),
        }
    }

    /// The fields of a line; `None` for a comment or an empty line.
    #[inline]
    pub fn split(&self, line: Line<'_>) -> Result<Option<Fields>, RowError> {
        let bytes = line.bytes;
        let start = self.skip_blanks(bytes, 0);
        match bytes.get(start) {
            None | Some(b'#' | b'%') => return Ok(None),
            Some(_) => {}
        }
        let source = (start, self.field_end(bytes, start));
        let Some(start) = self.next_field(bytes, source.1) else { return Err(too_few(line)) };
        let target = (start, self.field_end(bytes, start));
        let mut weight = None;
        let mut end = target.1;
        if let Some(start) = self.next_field(bytes, end) {
            end = self.field_end(bytes, start);
            weight = Some((start, end));
        }
        let empty =
            [Some(source), Some(target), weight].into_iter().flatten().find(|field| field.0 == field.1);
        if let Some(field) = empty {
            return Err(empty_field(line, field));
        }
        match self.next_field(bytes, end) {
            None => Ok(Some(Fields { source, target, weight })),
            Some(at) => Err(too_many(line, at)),
        }
    }
}

#[cold]
fn too_few(line: Line<'_>) -> RowError {
    let what =
        format!("one field, `{}`; an edge needs a source and a target", shorten(line.bytes.trim_ascii()));
    RowError::row(line.place, line.column(line.bytes.len()), what)
        .hint("fields are separated by blanks, tabs or commas")
}

#[cold]
fn empty_field(line: Line<'_>, field: Field) -> RowError {
    RowError::row(line.place, line.column(field.0), "an empty field between commas")
        .hint("leave the weight out together with its comma")
}

#[cold]
fn too_many(line: Line<'_>, at: usize) -> RowError {
    let what = "a fourth field; an edge list has `source target [weight]`";
    RowError::row(line.place, line.column(at), what).hint("for more properties use csv or tsv with a header")
}
