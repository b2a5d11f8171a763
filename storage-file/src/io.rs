//! Transfers: one page by a positioned call, a batch by vectored calls over merged neighbours.

use crate::device::FileDevice;
use positioned_io::{RandomAccessFile, ReadAt, WriteAt};
use std::fs::File;
use storage_core::device::batch::{read_parts, runs, single, write_parts};
use storage_core::device::{Operation, ReadPage, Result, WritePage};
use storage_os::{MAX_PARTS, read_buf, read_run, write_buf, write_run};

impl FileDevice {
    /// Reads a checked batch.
    pub(crate) fn read_batch(
        &self,
        file: &File,
        one: &RandomAccessFile,
        batch: &mut [ReadPage<'_>],
    ) -> Result<()> {
        let (count, size, direct) = (batch.len(), self.store.page_size(), self.store.is_direct());
        if let Some((offset, buf)) = single(batch, size) {
            let read = read_buf(buf, direct, |buf, done| one.read_at(offset + done as u64, buf));
            return read.map_err(|stopped| self.store.stopped_at(Operation::Read, offset, stopped, count));
        }
        for mut run in runs(read_parts(batch, size), MAX_PARTS, usize::MAX) {
            let read = read_run(file, &mut run, direct);
            read.map_err(|stopped| self.store.stopped_at(Operation::Read, run.offset, stopped, count))?;
        }
        Ok(())
    }

    /// Writes a checked batch.
    pub(crate) fn write_batch(
        &self,
        file: &File,
        mut one: &RandomAccessFile,
        batch: &[WritePage<'_>],
    ) -> Result<()> {
        let (count, size, direct) = (batch.len(), self.store.page_size(), self.store.is_direct());
        let parts = write_parts(batch, size);
        if let [(offset, data)] = &parts[..] {
            let written = write_buf(data, direct, |data, done| one.write_at(offset + done as u64, data));
            return written
                .map_err(|stopped| self.store.stopped_at(Operation::Write, *offset, stopped, count));
        }
        for mut run in runs(parts, MAX_PARTS, usize::MAX) {
            let written = write_run(file, &mut run, direct, false);
            written.map_err(|stopped| self.store.stopped_at(Operation::Write, run.offset, stopped, count))?;
        }
        Ok(())
    }
}
