//! Fields as csv and tsv write them: the counterpart of the records that `import` reads.

use std::io::{self, Write};

use crate::import::Dialect;

/// Writes rows field by field.
#[derive(Debug)]
pub(super) struct Fields<W> {
    out: W,
    dialect: Dialect,
    first: bool,
    /// Bytes of the row at hand.
    len: usize,
}

impl<W: Write> Fields<W> {
    pub fn new(out: W, dialect: Dialect) -> Self {
        Fields { out, dialect, first: true, len: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.len += bytes.len();
        self.out.write_all(bytes)
    }

    /// Appends a field; `None` is nothing, which is not the empty text.
    pub fn field(&mut self, text: Option<&str>) -> io::Result<()> {
        if !self.first {
            self.put(&[self.dialect.delimiter()])?;
        }
        self.first = false;
        let Some(text) = text else { return Ok(()) };
        match self.dialect {
            Dialect::Csv(delimiter) => self.csv(text, delimiter),
            Dialect::Tsv => self.tsv(text),
        }
    }

    /// Ends the row; returns how many bytes it has.
    pub fn end(&mut self) -> io::Result<usize> {
        self.first = true;
        self.out.write_all(b"\n")?;
        Ok(std::mem::take(&mut self.len))
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn csv(&mut self, text: &str, delimiter: u8) -> io::Result<()> {
        let special = |b: u8| b == delimiter || matches!(b, b'"' | b'\n' | b'\r');
        if !text.is_empty() && !text.bytes().any(special) {
            return self.put(text.as_bytes());
        }
        self.put(b"\"")?;
        for (i, part) in text.split('"').enumerate() {
            if i > 0 {
                self.put(b"\"\"")?;
            }
            self.put(part.as_bytes())?;
        }
        self.put(b"\"")
    }

    fn tsv(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return self.put(b"\\e");
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
            self.put(&text.as_bytes()[copied..at])?;
            self.put(escape)?;
            copied = at + 1;
        }
        self.put(&text.as_bytes()[copied..])
    }
}
