//! Temporary files: the one place below the command line where something but a device touches the file system.
//!
//! A [`SpillFile`] is anonymous (it has no name, so a killed import leaves nothing behind) and holds blocks, each with
//! its length and checksum. What is read back is what was written, or an error: a temporary file that came back short
//! or changed never becomes a graph that lacks edges.
//!
//! It does not know what the blocks mean: see `sorter.rs` and `spool.rs`.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "spill files are the exception")]

use crate::value::Malformed;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::PathBuf;

use twox_hash::XxHash3_64;

/// Length (u32) and checksum (u64) in front of each block.
const BLOCK_HEADER: usize = 12;

/// What can go wrong with temporary files.
#[derive(Debug, thiserror::Error)]
pub enum SpillError {
    /// None could be made.
    #[error("cannot create a temporary file in {dir}: {source}")]
    Create {
        /// Where.
        dir: String,
        /// Why.
        source: io::Error,
    },
    /// The disk is full.
    #[error("no space left for a temporary file in {dir} after {written} bytes")]
    Full {
        /// Where.
        dir: String,
        /// How much had been written.
        written: u64,
    },
    /// Any other error of the operating system.
    #[error("temporary file in {dir}: {source}")]
    Io {
        /// Where.
        dir: String,
        /// What it said.
        source: io::Error,
    },
    /// It ends before what was written to it.
    #[error("a temporary file in {dir} ends before byte {expected}, which had been written")]
    Short {
        /// Where.
        dir: String,
        /// Where it should reach.
        expected: u64,
    },
    /// It does not read back as it was written.
    #[error("a temporary file in {dir} does not read back as written, at byte {offset}")]
    Damaged {
        /// Where.
        dir: String,
        /// The block.
        offset: u64,
    },
    /// Rows kept in memory do not decode: a bug or bad memory.
    #[error("rows kept for sorting do not read back as written: {0}")]
    Garbled(#[from] Malformed),
}

/// Where temporary files go: a directory, or the system's own.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    dir: Option<PathBuf>,
}

impl Scratch {
    /// In `dir`, or where the system puts them.
    pub fn new(dir: Option<PathBuf>) -> Self {
        Scratch { dir }
    }

    /// A new, empty file without a name.
    ///
    /// # Errors
    /// The temporary file cannot be made, written or read, or is damaged.
    pub fn file(&self) -> Result<SpillFile, SpillError> {
        let made = match &self.dir {
            Some(dir) => tempfile::tempfile_in(dir),
            None => tempfile::tempfile(),
        };
        match made {
            Ok(file) => Ok(SpillFile::over(file, self.name())),
            Err(source) => Err(SpillError::Create { dir: self.name(), source }),
        }
    }

    fn name(&self) -> String {
        self.dir.clone().unwrap_or_else(std::env::temp_dir).display().to_string()
    }
}

/// A temporary file of checksummed blocks, appended one after the other.
#[derive(Debug)]
pub struct SpillFile {
    file: File,
    dir: String,
    len: u64,
    /// Reading moves the file's position, so it is for one thread at a time.
    one_thread: PhantomData<Cell<()>>,
}

impl SpillFile {
    fn over(file: File, dir: String) -> Self {
        SpillFile { file, dir, len: 0, one_thread: PhantomData }
    }

    /// Where the next block will begin.
    pub fn end(&self) -> u64 {
        self.len
    }

    /// Appends a block.
    ///
    /// # Errors
    /// The temporary file cannot be made, written or read, or is damaged.
    pub fn append(&mut self, block: &[u8]) -> Result<(), SpillError> {
        let len = u32::try_from(block.len()).map_err(|_| Malformed("a row is longer than 4 GiB"))?;
        let mut header = [0u8; BLOCK_HEADER];
        header[..4].copy_from_slice(&len.to_le_bytes());
        header[4..].copy_from_slice(&XxHash3_64::oneshot(block).to_le_bytes());
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.len))
            .and_then(|_| file.write_all(&header))
            .and_then(|()| file.write_all(block))
            .map_err(|e| self.failed(e))?;
        self.len += (BLOCK_HEADER + block.len()) as u64;
        Ok(())
    }

    /// Reads the block at `offset` into `block`; returns where the next one begins.
    ///
    /// # Errors
    /// The temporary file cannot be made, written or read, or is damaged.
    pub fn read(&self, offset: u64, block: &mut Vec<u8>) -> Result<u64, SpillError> {
        let mut header = [0u8; BLOCK_HEADER];
        self.read_exact(offset, &mut header)?;
        let len = u32::from_le_bytes(header[..4].try_into().expect("4 bytes"));
        let end = offset + BLOCK_HEADER as u64 + u64::from(len);
        if end > self.len {
            return Err(self.damaged(offset));
        }
        block.resize(len as usize, 0);
        self.read_exact(offset + BLOCK_HEADER as u64, block)?;
        if XxHash3_64::oneshot(block).to_le_bytes() != header[4..] {
            return Err(self.damaged(offset));
        }
        Ok(end)
    }

    /// The error for a block whose content makes no sense.
    pub fn damaged(&self, offset: u64) -> SpillError {
        SpillError::Damaged { dir: self.dir.clone(), offset }
    }

    fn read_exact(&self, offset: u64, out: &mut [u8]) -> Result<(), SpillError> {
        let expected = offset + out.len() as u64;
        let mut file = &self.file;
        match file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(out)) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Err(SpillError::Short { dir: self.dir.clone(), expected })
            }
            Err(source) => Err(SpillError::Io { dir: self.dir.clone(), source }),
        }
    }

    fn failed(&self, source: io::Error) -> SpillError {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull, WriteZero};
        let dir = self.dir.clone();
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge | WriteZero => {
                SpillError::Full { dir, written: self.len }
            }
            _ => SpillError::Io { dir, source },
        }
    }

    /// Cuts the file off behind its owner's back, as a failing disk would.
    #[cfg(test)]
    pub(super) fn cut(&self, len: u64) {
        self.file.set_len(len).expect("a temporary file can be cut");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> Scratch {
        Scratch::new(Some(super::super::testing::dir()))
    }

    #[test]
    fn blocks_come_back_as_they_were_written() {
        let mut file = scratch().file().unwrap();
        let blocks: Vec<Vec<u8>> = (0..20usize).map(|n| vec![n as u8; n * 37]).collect();
        for block in &blocks {
            file.append(block).unwrap();
        }
        let (mut at, mut out) = (0, Vec::new());
        for block in &blocks {
            at = file.read(at, &mut out).unwrap();
            assert_eq!(&out, block);
        }
        assert_eq!(at, file.end());
    }

    #[test]
    fn a_short_temporary_file_is_an_error_and_not_an_end() {
        let mut file = scratch().file().unwrap();
        file.append(&[1; 100]).unwrap();
        for cut in [111, 50, 12, 5, 0] {
            file.cut(cut);
            let error = file.read(0, &mut Vec::new()).unwrap_err();
            assert!(matches!(error, SpillError::Short { .. }), "cut at {cut}: {error}");
        }
    }

    #[test]
    fn a_changed_block_is_noticed() {
        let mut file = scratch().file().unwrap();
        file.append(&[1; 100]).unwrap();
        (&file.file).seek(SeekFrom::Start(40)).unwrap();
        (&file.file).write_all(&[2]).unwrap();
        assert!(matches!(file.read(0, &mut Vec::new()), Err(SpillError::Damaged { offset: 0, .. })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_reported_as_such() {
        let full = File::options().read(true).write(true).open("/dev/full").unwrap();
        let mut file = SpillFile::over(full, "somewhere".into());
        let error = file.append(&[1; 100]).unwrap_err();
        assert!(matches!(error, SpillError::Full { .. }), "{error}");
        assert!(error.to_string().contains("somewhere"));
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let missing = super::super::testing::dir().join("not-there");
        let error = Scratch::new(Some(missing)).file().unwrap_err();
        assert!(error.to_string().contains("not-there"), "{error}");
    }
}
