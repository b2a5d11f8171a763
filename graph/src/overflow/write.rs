//! Writing long values, from the front, in batches of about a megabyte: memory does not grow with the value.
//!
//! Must always be true: a page of references is made only of what writes have returned (V2).

use super::{CODEC, COUNT, DATA, LEVEL, Shape};
use storage_core::page::{PageImage, PageKind, PageSize, REFERENCE_LEN, Written};
use storage_core::pager::{ReadPages, Transaction, WriteError};

const BATCH_BYTES: usize = 1 << 20;

/// Writes a value; its length is `bytes.len()`.
///
/// # Errors
/// [`WriteError`]: a page could not be read or written, or is damaged; the disk is full.
pub fn write(tx: &mut Transaction, bytes: &[u8]) -> Result<Written, WriteError> {
    let mut writer = Writer::new(tx.pager().page_size());
    writer.push(tx, bytes)?;
    let (root, _) = writer.finish(tx)?;
    Ok(root)
}

/// Writes a value that comes in parts.
#[derive(Debug)]
pub struct Writer {
    size: PageSize,
    shape: Shape,
    /// Pages of level 0; the last one takes what comes next.
    batch: Vec<PageImage>,
    /// Bytes in the last page of the batch.
    filled: usize,
    /// By level: written pages that no page names yet. Each list goes into one page.
    unnamed: Vec<Vec<Written>>,
    len: u64,
}

impl Writer {
    /// Begins a value.
    pub fn new(size: PageSize) -> Self {
        let shape = Shape::of(size);
        Writer { size, shape, batch: vec![empty(size)], filled: 0, unnamed: Vec::new(), len: 0 }
    }

    /// Adds the next part.
    ///
    /// # Errors
    /// [`WriteError`]: a page could not be read or written, or is damaged; the disk is full.
    pub fn push(&mut self, tx: &mut Transaction, mut bytes: &[u8]) -> Result<(), WriteError> {
        let chunk = self.shape.chunk as usize;
        while !bytes.is_empty() {
            if self.filled == chunk {
                self.next_page(tx)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(chunk - self.filled));
            let start = DATA + self.filled;
            if let Some(image) = self.batch.last_mut() {
                image.bytes_mut()[start..start + now.len()].copy_from_slice(now);
            }
            self.filled += now.len();
            self.len += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    fn next_page(&mut self, tx: &mut Transaction) -> Result<(), WriteError> {
        self.seal();
        if self.batch.len() * self.size.bytes() >= BATCH_BYTES {
            self.write_batch(tx)?;
        }
        self.batch.push(empty(self.size));
        self.filled = 0;
        Ok(())
    }

    /// Says in the last page how much it holds.
    fn seal(&mut self) {
        if let Some(image) = self.batch.last_mut() {
            set(image, 0, self.filled, self.filled);
        }
    }

    fn write_batch(&mut self, tx: &mut Transaction) -> Result<(), WriteError> {
        for page in tx.write(std::mem::take(&mut self.batch))? {
            self.name(tx, 0, page)?;
        }
        Ok(())
    }

    /// Takes a page of a level; a list that is full becomes a page of the next level first.
    fn name(&mut self, tx: &mut Transaction, level: usize, page: Written) -> Result<(), WriteError> {
        if self.unnamed.len() == level {
            self.unnamed.push(Vec::new());
        }
        if self.unnamed[level].len() as u64 == self.shape.fan {
            self.write_references(tx, level)?;
        }
        self.unnamed[level].push(page);
        Ok(())
    }

    fn write_references(&mut self, tx: &mut Transaction, level: usize) -> Result<(), WriteError> {
        let pages = std::mem::take(&mut self.unnamed[level]);
        let mut image = empty(self.size);
        for (i, page) in pages.iter().enumerate() {
            image.put_reference(DATA + i * REFERENCE_LEN, *page);
        }
        set(&mut image, level as u8 + 1, pages.len(), pages.len() * REFERENCE_LEN);
        for page in tx.write(vec![image])? {
            self.name(tx, level + 1, page)?;
        }
        Ok(())
    }

    /// Writes what is left; returns the root, and the length in bytes.
    ///
    /// # Errors
    /// [`WriteError`]: a page could not be read or written, or is damaged; the disk is full.
    pub fn finish(mut self, tx: &mut Transaction) -> Result<(Written, u64), WriteError> {
        self.seal();
        self.write_batch(tx)?;
        let mut level = 0;
        loop {
            if let ([root], true) = (&self.unnamed[level][..], level + 1 == self.unnamed.len()) {
                return Ok((*root, self.len));
            }
            self.write_references(tx, level)?;
            level += 1;
        }
    }
}

fn empty(size: PageSize) -> PageImage {
    PageImage::new(size, PageKind::Overflow, CODEC)
}

fn set(image: &mut PageImage, level: u8, count: usize, bytes: usize) {
    let page = image.bytes_mut();
    page[LEVEL] = level;
    page[COUNT..COUNT + 4].copy_from_slice(&(count as u32).to_le_bytes());
    image.set_used(DATA + bytes);
}
