//! Fields as csv and tsv write them: the counterpart of the records that `import` reads.

use std::io::{self, Write};

use crate::import::Dialect;

/// Writes rows field by field.
#[derive(Debug)]
pub(super) struct Fields<W> {
    out: W,
    dialect: Dialect,
    first: bool,
}

impl<W: Write> Fields<W> {
    pub fn new(out: W, dialect: Dialect) -> Self {
        Fields { out, dialect, first: true }
    }

    /// Appends a field; `None` is nothing, which is not the empty text.
    pub fn field(&mut self, text: Option<&str>) -> io::Result<()> {
        if !self.first {
            self.out.write_all(&[self.dialect.delimiter()])?;
        }
        self.first = false;
        let Some(text) = text else { return Ok(()) };
        match self.dialect {
            Dialect::Csv(delimiter) => self.csv(text, delimiter),
            Dialect::Tsv => self.tsv(text),
        }
    }

    /// Ends the row.
    pub fn end(&mut self) -> io::Result<()> {
        self.first = true;
        self.out.write_all(b"\n")
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn csv(&mut self, text: &str, delimiter: u8) -> io::Result<()> {
        let special = |b: u8| b == delimiter || matches!(b, b'"' | b'\n' | b'\r');
        if !text.is_empty() && !text.bytes().any(special) {
            return self.out.write_all(text.as_bytes());
        }
        self.out.write_all(b"\"")?;
        for (i, part) in text.split('"').enumerate() {
            if i > 0 {
                self.out.write_all(b"\"\"")?;
            }
            self.out.write_all(part.as_bytes())?;
        }
        self.out.write_all(b"\"")
    }

    fn tsv(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return self.out.write_all(b"\\e");
        }
        let mut copied = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escape: &[u8] = match byte {
                b'\t' => b"\\t",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\\' => b"\\\\",
                _ => continue,
            };
            self.out.write_all(&text.as_bytes()[copied..at])?;
            self.out.write_all(escape)?;
            copied = at + 1;
        }
        self.out.write_all(&text.as_bytes()[copied..])
    }
}
