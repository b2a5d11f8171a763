//! Lines of a byte stream, numbered, in bounded memory.
//!
//! A line ends at LF or CRLF; the last may lack it. A UTF-8 byte order mark at the very beginning is dropped. A line
//! longer than [`MAX_LINE_BYTES`] is an error after which nothing can be read. Bytes are not looked at: they need not
//! be UTF-8.

use std::io::{self, Read};

use super::error::RowError;
use crate::bulk::row::Place;

/// The longest line, and the longest row over several lines, in bytes.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// How much is asked of the reader at once.
const CHUNK: usize = 256 << 10;

/// A line without its end.
#[derive(Copy, Clone, Debug)]
pub(super) struct Line<'a> {
    pub bytes: &'a [u8],
    pub place: Place,
    /// How it ended: `\n`, `\r\n` or nothing.
    pub ending: &'static [u8],
    /// Whether a byte order mark was dropped before it: columns count it.
    pub after_mark: bool,
}

impl Line<'_> {
    /// The column of the byte at `at`, from 1.
    #[inline]
    pub fn column(&self, at: usize) -> u64 {
        at as u64 + if self.after_mark { 4 } else { 1 }
    }
}

/// The lines of a reader.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The unread part of `buffer`.
    start: usize,
    end: usize,
    ended: bool,
    max: usize,
    place: Place,
}

impl<R: Read> Lines<R> {
    pub fn new(reader: R, file: u32) -> Self {
        Lines::with_max(reader, file, MAX_LINE_BYTES)
    }

    pub fn with_max(reader: R, file: u32, max: usize) -> Self {
        let place = Place { file, line: 0 };
        Lines { reader, buffer: Vec::new(), start: 0, end: 0, ended: false, max, place }
    }

    /// Where the last line stood.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The longest line and row.
    pub fn max(&self) -> usize {
        self.max
    }

    /// The next line; every error is fatal.
    #[inline]
    pub fn next(&mut self) -> Result<Option<Line<'_>>, RowError> {
        let Some((from, to)) = self.find_line()? else { return Ok(None) };
        self.place.line += 1;
        // The line's LF lies in the buffer behind it, unless the input ended there.
        let has_lf = to < self.start;
        let mut bytes = &self.buffer[from..to];
        let after_mark = self.place.line == 1 && bytes.starts_with(b"\xef\xbb\xbf");
        if after_mark {
            bytes = &bytes[3..];
        }
        let mut ending: &[u8] = if has_lf { b"\n" } else { b"" };
        if let Some(shorter) = bytes.strip_suffix(b"\r") {
            bytes = shorter;
            ending = if has_lf { b"\r\n" } else { b"\r" };
        }
        Ok(Some(Line { bytes, ending, place: self.place, after_mark }))
    }

    /// The range of the next line in the buffer, without its LF.
    #[inline]
    fn find_line(&mut self) -> Result<Option<(usize, usize)>, RowError> {
        let mut searched = 0;
        loop {
            let unread = &self.buffer[self.start..self.end];
            if let Some(len) = memchr::memchr(b'\n', &unread[searched..]) {
                let from = self.start;
                let to = from + searched + len;
                self.start = to + 1;
                return self.bounded(from, to).map(Some);
            }
            searched = unread.len();
            if self.ended {
                let (from, to) = (self.start, self.end);
                self.start = to;
                return if from == to { Ok(None) } else { self.bounded(from, to).map(Some) };
            }
            self.bounded(self.start, self.end)?;
            self.fill()?;
        }
    }

    fn bounded(&self, from: usize, to: usize) -> Result<(usize, usize), RowError> {
        if to - from <= self.max {
            return Ok((from, to));
        }
        let place = Place { line: self.place.line + 1, ..self.place };
        let what = format!("a line longer than {} bytes", self.max);
        Err(RowError::fatal(place, self.max as u64 + 1, what).hint("is this a text file with line ends?"))
    }

    /// Moves the unread part to the front and reads more behind it.
    #[cold]
    fn fill(&mut self) -> Result<(), RowError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < self.end + CHUNK {
            // Doubles for long lines, but never far beyond the longest there may be.
            let size = (self.end + CHUNK).max((self.buffer.len() * 2).min(self.max + CHUNK));
            self.buffer.resize(size, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let place = Place { line: self.place.line + 1, ..self.place };
                    return Err(RowError::io(place, &error));
                }
            }
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out its bytes a few at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.0.len().min(self.1).min(buffer.len());
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    fn lines(text: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut lines = Lines::new(Trickle(text, step), 0);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(line.bytes.to_vec());
        }
        assert_eq!(lines.place().line, all.len() as u64);
        all
    }

    #[test]
    fn line_ends_and_marks_are_dropped_however_the_bytes_arrive() {
        for step in [1, 2, 3, 7, 1000] {
            assert_eq!(
                lines(b"\xef\xbb\xbfa\r\n\nb\rc\n\r\nlast", step),
                [&b"a"[..], b"", b"b\rc", b"", b"last"]
            );
            assert_eq!(lines(b"", step), Vec::<Vec<u8>>::new());
            assert_eq!(lines(b"\n", step), [b""]);
        }
    }

    #[test]
    fn a_line_beyond_the_limit_is_an_error_at_its_place_and_takes_no_more_memory() {
        let mut lines = Lines::with_max(io::repeat(b'x'), 0, 1000);
        let error = lines.next().unwrap_err();
        assert_eq!((error.place.line, error.column), (1, 1001));
        assert!(lines.buffer.len() <= 1000 + 2 * CHUNK);

        let mut lines = Lines::with_max(&b"short\nlonger"[..], 0, 5);
        assert_eq!(lines.next().unwrap().unwrap().bytes, b"short");
        assert_eq!(lines.next().unwrap_err().place.line, 2);
    }
}
