//! What every device does with a batch before it does I/O: check it, sort it, merge neighbours.
//!
//! Must always be true: a batch that passes its check lies below the page count and has buffers of the right length,
//! so that nothing after it can address a byte outside the file (D3). A run is a stretch of bytes without a gap.
//! No I/O here.

use super::{
    Arrived, BLOCK_LEN, DeviceError, DeviceErrorKind, Operation, ReadPage, Result, WriteBlock, WritePage,
};
use crate::page::{PageCount, PageId, PageSize};
use std::io::{self, IoSlice, IoSliceMut};
use std::ops::Deref;
use std::path::PathBuf;

/// Whose errors these are: the backend's name and the file.
#[derive(Clone, Debug)]
pub struct Site {
    /// The backend's name.
    pub backend: &'static str,
    /// The file, if it is one.
    pub path: Option<PathBuf>,
}

impl Site {
    /// An error of this kind here.
    pub fn error(&self, kind: DeviceErrorKind, operation: Operation) -> DeviceError {
        self.named(DeviceError::new(kind, operation, self.backend))
    }

    /// The system's error here.
    pub fn io(&self, operation: Operation, error: io::Error) -> DeviceError {
        self.named(DeviceError::from_io(operation, self.backend, error))
    }

    fn named(&self, error: DeviceError) -> DeviceError {
        match &self.path {
            Some(path) => error.path(path),
            None => error,
        }
    }

    fn page(&self, operation: Operation, page: PageId, batch: usize, pages: PageCount) -> Result<()> {
        if pages.contains(page) {
            return Ok(());
        }
        Err(self
            .error(DeviceErrorKind::OutOfBounds, operation)
            .at(page, batch)
            .detail(format!("the device has {pages} pages")))
    }

    fn length(&self, operation: Operation, page: PageId, len: usize, size: PageSize) -> Result<()> {
        if len == size.bytes() {
            return Ok(());
        }
        Err(self
            .error(DeviceErrorKind::InvalidRequest, operation)
            .at(page, 1)
            .detail(format!("a buffer of {len} bytes for a page of {size}")))
    }

    /// Checks a batch of reads.
    ///
    /// # Errors
    /// `OutOfBounds` or `InvalidRequest` for the first that the device must not be asked for.
    pub fn check_reads(&self, batch: &[ReadPage<'_>], size: PageSize, pages: PageCount) -> Result<()> {
        for read in batch {
            self.page(Operation::Read, read.page, batch.len(), pages)?;
            self.length(Operation::Read, read.page, read.buf.len(), size)?;
        }
        Ok(())
    }

    /// Checks a batch of writes: also that no page is in it twice.
    ///
    /// # Errors
    /// `OutOfBounds` or `InvalidRequest` for the first that the device must not be asked for.
    pub fn check_writes(&self, batch: &[WritePage<'_>], size: PageSize, pages: PageCount) -> Result<()> {
        for write in batch {
            self.page(Operation::Write, write.page, batch.len(), pages)?;
            self.length(Operation::Write, write.page, write.data.len(), size)?;
        }
        if batch.is_sorted_by(|a, b| a.page < b.page) {
            return Ok(());
        }
        let mut ids: Vec<PageId> = batch.iter().map(|write| write.page).collect();
        ids.sort_unstable();
        match ids.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => Err(self
                .error(DeviceErrorKind::InvalidRequest, Operation::Write)
                .at(pair[0], batch.len())
                .detail("the page is in the batch twice")),
        }
    }

    /// Checks durable blocks: in bounds, whole 4 KiB blocks, within their page.
    ///
    /// # Errors
    /// `OutOfBounds` or `InvalidRequest` for the first that the device must not be asked for.
    pub fn check_blocks(&self, blocks: &[WriteBlock<'_>], size: PageSize, pages: PageCount) -> Result<()> {
        for block in blocks {
            self.page(Operation::WriteDurable, block.page, blocks.len(), pages)?;
            let len = block.data.len();
            let whole = len > 0 && len.is_multiple_of(BLOCK_LEN) && block.offset.is_multiple_of(BLOCK_LEN);
            let within = block.offset.checked_add(len).is_some_and(|end| end <= size.bytes());
            if !whole || !within {
                return Err(self
                    .error(DeviceErrorKind::InvalidRequest, Operation::WriteDurable)
                    .at(block.page, blocks.len())
                    .detail(format!("{len} bytes at {} are not whole blocks of the page", block.offset)));
            }
        }
        Ok(())
    }
}

/// Bytes that follow each other in the file, from or to several buffers.
#[derive(Debug)]
pub struct Run<T> {
    /// Where in the file.
    pub offset: u64,
    /// The buffers, in file order.
    pub parts: Vec<T>,
    /// Their bytes together.
    pub len: usize,
}

impl<T: Deref<Target = [u8]>> Run<T> {
    /// The page in which `done` bytes into the run lie: what an error names.
    pub fn page(&self, size: PageSize, done: usize) -> PageId {
        PageId::new((self.offset + done as u64) / size.bytes() as u64)
    }

    /// True if every buffer begins at a multiple of `align`, as direct I/O needs it.
    pub fn is_aligned(&self, align: usize) -> bool {
        self.parts.iter().all(|part| part.as_ptr().addr().is_multiple_of(align))
    }
}

/// Sorts parts by their place and merges neighbours into runs of at most `max_parts` buffers and `max_bytes` bytes
/// (one part is always a run, however long).
pub fn runs<T: Deref<Target = [u8]>>(
    mut items: Vec<(u64, T)>,
    max_parts: usize,
    max_bytes: usize,
) -> Vec<Run<T>> {
    if !items.is_sorted_by_key(|item| item.0) {
        items.sort_by_key(|item| item.0);
    }
    let mut out: Vec<Run<T>> = Vec::new();
    for (offset, part) in items {
        let len = part.len();
        if let Some(last) = out.last_mut()
            && last.offset + last.len as u64 == offset
            && last.parts.len() < max_parts
            && last.len + len <= max_bytes
        {
            last.len += len;
            last.parts.push(part);
            continue;
        }
        out.push(Run { offset, parts: vec![part], len });
    }
    out
}

fn offset(page: PageId, size: PageSize) -> u64 {
    page.offset(size).expect("a checked page lies in the file")
}

/// The place and the buffer of a checked batch of one page: it needs no lists, and is what is read most often.
pub fn single<'a>(batch: &'a mut [ReadPage<'_>], size: PageSize) -> Option<(u64, &'a mut [u8])> {
    match batch {
        [one] => Some((offset(one.page, size), one.buf)),
        _ => None,
    }
}

/// Tells of a batch that was read whole, where pages do not come one by one.
pub fn tell(batch: &[ReadPage<'_>], arrived: Arrived<'_>) {
    batch.iter().for_each(|read| arrived(read.page, read.buf));
}

/// The buffers of a checked batch of reads, with their places.
pub fn read_parts<'a>(batch: &'a mut [ReadPage<'_>], size: PageSize) -> Vec<(u64, IoSliceMut<'a>)> {
    batch.iter_mut().map(|read| (offset(read.page, size), IoSliceMut::new(read.buf))).collect()
}

/// The bytes of a checked batch of writes, with their places.
pub fn write_parts<'a>(batch: &'a [WritePage<'_>], size: PageSize) -> Vec<(u64, IoSlice<'a>)> {
    batch.iter().map(|write| (offset(write.page, size), IoSlice::new(write.data))).collect()
}

/// The bytes of checked blocks, with their places.
pub fn block_parts<'a>(blocks: &'a [WriteBlock<'_>], size: PageSize) -> Vec<(u64, IoSlice<'a>)> {
    blocks
        .iter()
        .map(|block| (offset(block.page, size) + block.offset as u64, IoSlice::new(block.data)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_merge_up_to_the_bounds_whatever_their_order() {
        let page = [0u8; 4096];
        let items: Vec<(u64, &[u8])> = [5u64, 0, 2, 1, 9, 6].map(|n| (n * 4096, &page[..])).to_vec();
        let shape = |runs: Vec<Run<&[u8]>>| -> Vec<(u64, usize)> {
            runs.iter().map(|run| (run.offset / 4096, run.parts.len())).collect()
        };
        assert_eq!(shape(runs(items.clone(), 1024, usize::MAX)), [(0, 3), (5, 2), (9, 1)]);
        assert_eq!(shape(runs(items.clone(), 2, usize::MAX)), [(0, 2), (2, 1), (5, 2), (9, 1)]);
        assert_eq!(shape(runs(items, 1024, 4096)), [(0, 1), (1, 1), (2, 1), (5, 1), (6, 1), (9, 1)]);
    }

    #[test]
    fn requests_that_are_the_callers_bug_are_named() {
        let site = Site { backend: "test", path: None };
        let page = [0u8; 4096];
        let size = PageSize::K4;
        let write = |n| WritePage { page: PageId::new(n), data: &page };
        let kind = |result: Result<()>| result.map_err(|e| (e.kind(), e.page().map(PageId::get)));
        let four = PageCount::new(4);
        assert_eq!(kind(site.check_writes(&[write(3), write(0)], size, four)), Ok(()));
        assert_eq!(
            kind(site.check_writes(&[write(3), write(0), write(3)], size, four)),
            Err((DeviceErrorKind::InvalidRequest, Some(3)))
        );
        assert_eq!(
            kind(site.check_writes(&[write(0), write(u64::MAX)], size, four)),
            Err((DeviceErrorKind::OutOfBounds, Some(u64::MAX)))
        );
        assert_eq!(
            kind(site.check_writes(&[WritePage { page: PageId::new(1), data: &page[1..] }], size, four)),
            Err((DeviceErrorKind::InvalidRequest, Some(1)))
        );
        for (offset, len) in [(0, 0), (0, 4095), (512, 4096), (4096, 4096), (usize::MAX & !4095, 4096)] {
            let block = WriteBlock { page: PageId::new(1), offset, data: &page[..len] };
            assert_eq!(
                kind(site.check_blocks(&[block], size, four)),
                Err((DeviceErrorKind::InvalidRequest, Some(1)))
            );
        }
    }
}
