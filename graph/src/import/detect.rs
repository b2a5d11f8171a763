//! What a file is, told by its content.
//!
//! A line that begins with `{` is JSON lines; a first line with columns such as `:ID` or `:START_ID` is csv or tsv,
//! whichever separates them; two or three fields a line are an edge list. Graphalytics' files look like edge lists and
//! are known by their names, by the caller.

use super::edgelist::Separators;
use super::error::RowError;
use super::header::{Header, Spaces, TableKind};
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
    while let Some(line) = lines.next()? {
        let text = line.bytes.trim_ascii();
        if text.is_empty() {
            continue;
        }
        if text.starts_with(b"{") {
            return Ok(Detected::JsonLines);
        }
        if let Some(table) = table(line.bytes) {
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

/// A line that is a header with roles, by tabs or by commas.
fn table(line: &[u8]) -> Option<Detected> {
    const ROLES: [&str; 6] = [":ID", ":LABEL", ":KEY", ":START_ID", ":END_ID", ":TYPE"];
    let text = std::str::from_utf8(line).ok()?;
    if !ROLES.iter().any(|role| text.contains(role)) {
        return None;
    }
    let kind_by = |dialect| {
        let mut records = Records::new(Lines::new(line, 0), dialect);
        records.advance().ok()?;
        Header::parse(records.fields(), &mut Spaces::default()).ok().map(|header| header.kind())
    };
    let by = |dialect| kind_by(dialect).map(|kind| Detected::Table(dialect, kind));
    let separated = if text.contains('\t') { Dialect::Tsv } else { Dialect::Csv(b',') };
    // A header with a mistake is still a header: reading it will say what is wrong.
    let kind = if text.contains("_ID") { TableKind::Edges } else { TableKind::Nodes };
    // Only what stands in the line can separate it: else a header with a mistake would be one odd column.
    let other = |sign: u8| by(Dialect::Csv(sign)).filter(|_| line.contains(&sign));
    by(separated).or_else(|| other(b';')).or_else(|| other(b'|')).or(Some(Detected::Table(separated, kind)))
}
