//! The words of `import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use foliograph::PageSize;
use foliograph::bulk::OnDuplicate;

use super::parse_page_size;

/// Where rows come from, and what to do with them.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The store to create, or with --append to add to
    pub store: PathBuf,
    /// Files that are told by their content; - is stdin
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// A file of nodes: [LABEL=]FILE or [LABEL=]HEADER,FILE
    #[arg(long, value_name = "[LABEL=]FILE")]
    pub nodes: Vec<String>,
    /// A file of edges: [TYPE=]FILE or [TYPE=]HEADER,FILE
    #[arg(long, value_name = "[TYPE=]FILE")]
    pub edges: Vec<String>,
    /// What the files are
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    pub format: Format,
    /// What separates fields of csv (and of edge lists, instead of blanks, tabs and commas)
    #[arg(long, value_name = "CHAR", value_parser = parse_delimiter)]
    pub delimiter: Option<u8>,
    /// Edges have no direction
    #[arg(long)]
    pub undirected: bool,
    /// Bytes of a page
    #[arg(long, value_name = "SIZE", value_parser = parse_page_size)]
    pub page_size: Option<PageSize>,
    /// What names of nodes are; without it integers are ids where all are integers, else all are keys
    #[arg(long, value_enum)]
    pub ids: Option<Ids>,
    /// What to do with a row that cannot be taken
    #[arg(long, value_enum, default_value_t = OnRowError::Stop)]
    pub on_error: OnRowError,
    /// Add to the store that is there, all or nothing; one that is not there is created
    #[arg(long)]
    pub append: bool,
    /// With --append, what to do with a row about a node or a rank that is there (without it: error)
    #[arg(long, value_enum, value_name = "WHAT")]
    pub on_duplicate: Option<OnTaken>,
}

/// Formats of input.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    Auto,
    Edgelist,
    Csv,
    Tsv,
    Graphalytics,
    Jsonl,
}

/// What names are.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum Ids {
    /// Node ids
    Int,
    /// Keys
    Key,
}

/// What to do with a bad row.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum OnRowError {
    /// End the import
    Stop,
    /// Leave it out and count it
    Skip,
}

/// What to do with a row about what is there.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum OnTaken {
    /// It cannot be taken
    Error,
    /// Pass over it and count it
    Skip,
    /// Set its properties on what is there; others stay
    Update,
}

impl From<OnTaken> for OnDuplicate {
    fn from(arg: OnTaken) -> Self {
        match arg {
            OnTaken::Error => OnDuplicate::Error,
            OnTaken::Skip => OnDuplicate::Skip,
            OnTaken::Update => OnDuplicate::Update,
        }
    }
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        b"tab" => Ok(b'\t'),
        [b'"' | b'\\' | b'\n' | b'\r'] => Err(format!("{text:?} cannot separate fields")),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err(format!("`{text}` is not one ASCII character (`tab` is one, too)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_one_character() {
        assert_eq!(parse_delimiter("tab"), Ok(b'\t'));
        assert_eq!(parse_delimiter(";"), Ok(b';'));
        assert!(
            parse_delimiter("\"").is_err() && parse_delimiter("ab").is_err() && parse_delimiter("").is_err()
        );
    }
}
