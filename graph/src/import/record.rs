//! Rows of csv and tsv, as fields of text.
//!
//! CSV is RFC 4180 with any one-byte delimiter: a field in quotes may hold delimiters, line ends and doubled quotes; a
//! quote inside an unquoted field, or text after a closing quote, is an error. TSV has no quotes: `\t`, `\n`, `\r` and
//! `\\` are escapes, any other backslash stands for itself. Empty lines are skipped.
//!
//! Other than most readers, this one keeps apart an empty field (nothing) and an empty text (`""` in csv, `\e` in tsv).
//! Every field knows its line and column. A row is at most [`super::MAX_LINE_BYTES`] long.

use std::io::Read;

use super::error::RowError;
use super::guess::utf8;
use super::lines::{Line, Lines};
use crate::bulk::row::Place;

/// How fields are written.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// RFC 4180 with this delimiter.
    Csv(u8),
    /// Tabs and escapes.
    Tsv,
}

impl Dialect {
    /// What separates fields.
    pub fn delimiter(self) -> u8 {
        match self {
            Dialect::Csv(delimiter) => delimiter,
            Dialect::Tsv => b'\t',
        }
    }
}

/// A field within the text of its row.
#[derive(Copy, Clone, Debug)]
struct Span {
    start: usize,
    end: usize,
    /// An empty field that is nothing, not the empty text.
    absent: bool,
    place: Place,
    column: u64,
}

/// A field of a row.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(super) struct Field<'a> {
    /// Its text, without quotes and escapes; `None` where there is nothing.
    pub text: Option<&'a str>,
    pub place: Place,
    pub column: u64,
}

impl Field<'_> {
    /// An error about this field.
    pub fn error(&self, what: impl Into<String>) -> RowError {
        RowError::row(self.place, self.column, what)
    }
}

/// The rows of a reader.
#[derive(Debug)]
pub(super) struct Records<R> {
    lines: Lines<R>,
    dialect: Dialect,
    text: String,
    spans: Vec<Span>,
    place: Place,
}

impl<R: Read> Records<R> {
    pub fn new(lines: Lines<R>, dialect: Dialect) -> Self {
        let place = lines.place();
        Records { lines, dialect, text: String::new(), spans: Vec::new(), place }
    }

    /// Where the last row begins.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Reads the next row; `false` at the end. After an error of severity `Row` the next call goes on behind that row.
    pub fn advance(&mut self) -> Result<bool, RowError> {
        let mut text = std::mem::take(&mut self.text).into_bytes();
        text.clear();
        self.spans.clear();
        loop {
            let Some(line) = self.lines.next()? else { return Ok(false) };
            if line.bytes.is_empty() {
                continue;
            }
            self.place = line.place;
            // A row is read to its end before broken UTF-8 in it is reported, so that the next one is found.
            let broken = utf8(line.bytes, line.place, line.column(0)).err();
            let mut row = Row { text: &mut text, spans: &mut self.spans, broken };
            match self.dialect {
                Dialect::Tsv => row.tsv(line),
                Dialect::Csv(delimiter) => {
                    let mut open = row.csv(line, 0, delimiter)?;
                    while let Some(span) = open {
                        open = row.more(&mut self.lines, span, delimiter)?;
                    }
                }
            }
            let (place, broken) = (self.place, row.broken);
            return match (broken, String::from_utf8(text)) {
                (None, Ok(text)) => {
                    self.text = text;
                    Ok(true)
                }
                (Some(error), _) => Err(error),
                // Cannot be: taking out ASCII bytes breaks no UTF-8.
                (None, Err(_)) => Err(RowError::row(place, 0, "broken UTF-8")),
            };
        }
    }

    /// How many fields the last row has.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The fields of the last row.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = Field<'_>> {
        self.spans.iter().map(|span| {
            let text = (!span.absent).then(|| &self.text[span.start..span.end]);
            Field { text, place: span.place, column: span.column }
        })
    }
}

/// A row while it is taken apart.
struct Row<'a> {
    text: &'a mut Vec<u8>,
    spans: &'a mut Vec<Span>,
    broken: Option<RowError>,
}

impl Row<'_> {
    fn begin(&self, line: Line<'_>, at: usize) -> Span {
        let start = self.text.len();
        Span { start, end: start, absent: false, place: line.place, column: line.column(at) }
    }

    fn end(&mut self, mut span: Span, absent: bool) {
        span.end = self.text.len();
        span.absent = absent && span.start == span.end;
        self.spans.push(span);
    }

    fn tsv(&mut self, line: Line<'_>) {
        let mut at = 0;
        for raw in line.bytes.split(|&b| b == b'\t') {
            let span = self.begin(line, at);
            if raw != b"\\e" {
                self.unescape(raw);
            }
            self.end(span, raw.is_empty());
            at += raw.len() + 1;
        }
    }

    fn unescape(&mut self, mut raw: &[u8]) {
        while let Some(at) = memchr::memchr(b'\\', raw) {
            let byte = match raw.get(at + 1) {
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b'\\') => b'\\',
                _ => {
                    self.text.extend_from_slice(&raw[..=at]);
                    raw = &raw[at + 1..];
                    continue;
                }
            };
            self.text.extend_from_slice(&raw[..at]);
            self.text.push(byte);
            raw = &raw[at + 2..];
        }
        self.text.extend_from_slice(raw);
    }

    /// Reads fields from `at`, where one begins. Returns the field that is still open at the end of the line.
    fn csv(&mut self, line: Line<'_>, mut at: usize, delimiter: u8) -> Result<Option<Span>, RowError> {
        loop {
            let span = self.begin(line, at);
            if line.bytes.get(at) == Some(&b'"') {
                match self.quoted(line, at + 1) {
                    None => return Ok(Some(span)),
                    Some(end) => at = end,
                }
                self.end(span, false);
            } else {
                let rest = &line.bytes[at..];
                let raw = &rest[..memchr::memchr(delimiter, rest).unwrap_or(rest.len())];
                if let Some(quote) = memchr::memchr(b'"', raw) {
                    return Err(stray_quote(line, at + quote));
                }
                self.text.extend_from_slice(raw);
                self.end(span, true);
                at += raw.len();
            }
            match line.bytes.get(at) {
                None => return Ok(None),
                Some(&byte) if byte == delimiter => at += 1,
                Some(_) => return Err(text_after_quote(line, at)),
            }
        }
    }

    /// Reads on in quotes from `at`; returns the end behind the closing quote, `None` where the line ends first.
    fn quoted(&mut self, line: Line<'_>, mut at: usize) -> Option<usize> {
        loop {
            let rest = &line.bytes[at..];
            let Some(quote) = memchr::memchr(b'"', rest) else {
                self.text.extend_from_slice(rest);
                self.text.extend_from_slice(line.ending);
                return None;
            };
            self.text.extend_from_slice(&rest[..quote]);
            at += quote + 1;
            if line.bytes.get(at) != Some(&b'"') {
                return Some(at);
            }
            self.text.push(b'"');
            at += 1;
        }
    }

    /// Reads on in a quoted field that was open at the end of a line. Every error is fatal: where the next row begins
    /// is not known.
    fn more<R: Read>(
        &mut self,
        lines: &mut Lines<R>,
        open: Span,
        delimiter: u8,
    ) -> Result<Option<Span>, RowError> {
        let max = lines.max();
        let Some(line) = lines.next()? else {
            let what = "a quoted field is not closed to the end of the file";
            return Err(RowError::fatal(open.place, open.column, what).hint(DOUBLE));
        };
        if self.text.len() + line.bytes.len() > max {
            let what = format!("a quoted field longer than {max} bytes");
            return Err(RowError::fatal(open.place, open.column, what).hint(DOUBLE));
        }
        if self.broken.is_none() {
            self.broken = utf8(line.bytes, line.place, line.column(0)).err();
        }
        let Some(at) = self.quoted(line, 0) else { return Ok(Some(open)) };
        self.end(open, false);
        match line.bytes.get(at) {
            None => Ok(None),
            Some(&byte) if byte == delimiter => {
                self.csv(line, at + 1, delimiter).map_err(RowError::into_fatal)
            }
            Some(_) => Err(text_after_quote(line, at).into_fatal()),
        }
    }
}

const DOUBLE: &str = "a quote that is text is written twice, in a field that is in quotes";

fn stray_quote(line: Line<'_>, at: usize) -> RowError {
    RowError::row(line.place, line.column(at), "a quote inside a field that is not in quotes").hint(DOUBLE)
}

fn text_after_quote(line: Line<'_>, at: usize) -> RowError {
    RowError::row(line.place, line.column(at), "text after a closing quote").hint(DOUBLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], dialect: Dialect) -> Vec<Result<Vec<Option<String>>, RowError>> {
        let mut records = Records::new(Lines::new(text, 0), dialect);
        let mut rows = Vec::new();
        loop {
            match records.advance() {
                Ok(false) => return rows,
                Ok(true) => rows.push(Ok(records.fields().map(|f| f.text.map(str::to_owned)).collect())),
                Err(error) => {
                    let fatal = error.severity != super::super::error::Severity::Row;
                    rows.push(Err(error));
                    if fatal {
                        return rows;
                    }
                }
            }
        }
    }

    fn row(fields: &[Option<&str>]) -> Result<Vec<Option<String>>, RowError> {
        Ok(fields.iter().map(|f| f.map(str::to_owned)).collect())
    }

    #[test]
    fn csv_keeps_nothing_and_the_empty_text_apart() {
        let rows = read(b"a,\"\",\r\n\n\"x\"\"y,\nz\r\n\",,\"\"\r\n,\n", Dialect::Csv(b','));
        assert_eq!(
            rows,
            [
                row(&[Some("a"), Some(""), None]),
                row(&[Some("x\"y,\nz\r\n"), None, Some("")]),
                row(&[None, None])
            ]
        );
    }

    #[test]
    fn tsv_has_escapes_and_no_quotes() {
        let rows = read(b"a\t\\e\t\n\"x\"\t\\t\\n\\r\\\\t\t\\N\\e\\\r\n", Dialect::Tsv);
        assert_eq!(
            rows,
            [row(&[Some("a"), Some(""), None]), row(&[Some("\"x\""), Some("\t\n\r\\t"), Some("\\N\\e\\")])]
        );
    }

    #[test]
    fn fields_know_their_line_and_column() {
        let mut records = Records::new(Lines::new(&b"\xef\xbb\xbfa,\"b\nc\",d"[..], 0), Dialect::Csv(b','));
        assert!(records.advance().unwrap());
        let places: Vec<_> = records.fields().map(|f| (f.place.line, f.column)).collect();
        assert_eq!(places, [(1, 4), (1, 6), (2, 4)]);
        assert_eq!((records.len(), records.place().line), (3, 1));
    }

    #[test]
    fn broken_rows_are_errors_with_their_place_and_the_next_row_is_read() {
        let rows = read(b"a,b\"c\n\"a\"b,c\nok\n\"x\xff\ny\",z\nend\n\"open,\n", Dialect::Csv(b','));
        let errors: Vec<_> = rows.iter().filter_map(|r| r.as_ref().err()).collect();
        let places: Vec<_> = errors.iter().map(|e| (e.place.line, e.column)).collect();
        assert_eq!(places, [(1, 4), (2, 4), (4, 3), (7, 1)]);
        assert!(errors[2].what.contains("UTF-8"));
        assert_eq!(rows[2], row(&[Some("ok")]));
        assert_eq!(rows[4], row(&[Some("end")]));
    }

    #[test]
    fn a_quoted_field_beyond_the_limit_is_fatal() {
        let text = format!("\"{}", "x\n".repeat(100));
        let mut records = Records::new(Lines::with_max(text.as_bytes(), 0, 50), Dialect::Csv(b','));
        let error = records.advance().unwrap_err();
        assert_eq!((error.place.line, error.column), (1, 1));
        assert_ne!(error.severity, super::super::error::Severity::Row);
    }
}
