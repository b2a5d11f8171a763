//! What a file is, told by its content.
//!
//! A line that begins with `{` is JSON lines; a first row with columns such as `:ID` or `:START_ID` is csv or tsv,
//! whichever separates more such columns; two or three fields a line are an edge list. Graphalytics' files look like edge lists and
//! are known by their names, by the caller.

use super::edgelist::Separators;
use super::error::RowError;
use super::header::{TableKind, role_kind};
use super::lines::Lines;
use super::record::{Dialect, Records};
use crate::bulk::row::Place;

/// What a file is.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Detected {
    /// `source target [weight]`.
    EdgeList,
    /// A table with a header.
    Table(Dialect, TableKind),
    /// The lines of `apply`.
    JsonLines,
}

/// Tells a file by its first bytes, decompressed. An error says what is missing.
///
/// ```
/// use foliograph::import::{Detected, detect};
/// assert_eq!(detect(b"1 2\n2 3\n", 0)?, Detected::EdgeList);
/// assert_eq!(detect(br#"{"op":"add_node","label":"person"}"#, 0)?, Detected::JsonLines);
/// # Ok::<(), foliograph::import::RowError>(())
/// ```
///
/// # Errors
/// [`RowError`]: nothing that import reads begins so.
pub fn detect(head: &[u8], file: u32) -> Result<Detected, RowError> {
    let nowhere = Place { file, line: 0 };
    if head.is_empty() {
        return Err(RowError::fatal(nowhere, 0, "the file is empty"));
    }
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err(RowError::fatal(nowhere, 0, "the file is UTF-16").hint("convert it to UTF-8 first"));
    }
    if head.starts_with(b"%%MatrixMarket") {
        return Err(RowError::fatal(nowhere, 0, "a Matrix Market file is not supported")
            .hint("take out its first line that is no comment (the sizes), and use `--format edgelist`"));
    }
    let mut lines = Lines::new(head, file);
    let mut begin = 0;
    while let Some(line) = lines.next()? {
        let text = line.bytes.trim_ascii();
        let here = begin;
        begin += line.column(line.bytes.len()) as usize - 1 + line.ending.len();
        if text.is_empty() {
            continue;
        }
        if text.starts_with(b"{") {
            return Ok(Detected::JsonLines);
        }
        if let Some(table) = table(line.bytes, &head[here..]) {
            return Ok(table);
        }
        match Separators::new(None).split(line) {
            Ok(None) => continue,
            Ok(Some(_)) => return Ok(Detected::EdgeList),
            Err(error) => {
                return Err(RowError::fatal(error.place, 0, "cannot tell what this file is").hint(
                    "say it with `--format`; csv and tsv need a header line such as `:ID,:LABEL,born:int`",
                ));
            }
        }
    }
    // Comments only, perhaps more than fit here.
    Ok(Detected::EdgeList)
}

/// What separates the fields of tables, the likelier ones first.
const DIALECTS: [Dialect; 4] = [Dialect::Tsv, Dialect::Csv(b','), Dialect::Csv(b';'), Dialect::Csv(b'|')];

/// A line that has columns with roles is a header, also one with a mistake: reading it will say what is wrong. `rest` is
/// the file from this line on, for quoted names go on over line ends.
fn table(line: &[u8], rest: &[u8]) -> Option<Detected> {
    const ROLES: [&[u8]; 6] = [b":ID", b":LABEL", b":KEY", b":START_ID", b":END_ID", b":TYPE"];
    if !ROLES.iter().any(|role| memchr::memmem::find(line, role).is_some()) {
        return None;
    }
    let there = |dialect: &Dialect| line.contains(&dialect.delimiter());
    let read = |dialect| Some((score(rest, dialect)?, dialect));
    let best = DIALECTS.into_iter().filter(there).filter_map(read).rev().max_by_key(|(score, _)| score.0);
    if let Some(((_, kind), dialect)) = best.filter(|((score, _), _)| score.columns > 0) {
        return Some(Detected::Table(dialect, kind));
    }
    // One column, or a header that cannot be taken apart as far as it is known here.
    let first = line.iter().find_map(|byte| DIALECTS.iter().find(|dialect| dialect.delimiter() == *byte));
    let kind = if memchr::memmem::find(line, b"_ID").is_some() { TableKind::Edges } else { TableKind::Nodes };
    Some(Detected::Table(first.copied().unwrap_or(Dialect::Csv(b',')), kind))
}

/// How well a way of separating fields makes a header: names of properties may hold what looks like columns with roles,
/// but hardly where a file begins.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// Whether the first column has a role.
    first: bool,
    /// How many have one.
    columns: usize,
}

fn score(text: &[u8], dialect: Dialect) -> Option<(Score, TableKind)> {
    let mut records = Records::new(Lines::new(text, 0), dialect);
    records.advance().ok()?;
    let mut roles = records.fields().map(|field| role_kind(field.text.unwrap_or(""))).peekable();
    let first = roles.peek().is_some_and(Option::is_some);
    let kinds: Vec<TableKind> = roles.flatten().collect();
    let kind = if kinds.contains(&TableKind::Edges) { TableKind::Edges } else { TableKind::Nodes };
    Some((Score { first, columns: kinds.len() }, kind))
}
