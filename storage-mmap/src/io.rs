//! Transfers: reads copy out of the mapping, writes are positioned.

use crate::device::MmapDevice;
use std::fs::File;
use storage_core::device::batch::{read_parts, runs, single, write_parts};
use storage_core::device::{Operation, ReadPage, Result, WritePage};
use storage_os::{MAX_PARTS, Stopped, read_one, read_run, write_run};

impl MmapDevice {
    /// Reads one page.
    fn read_single(&self, file: &File, offset: u64, buf: &mut [u8]) -> Result<()> {
        let end = offset + buf.len() as u64;
        let reaches = self.seen.reaches(file, end);
        if reaches.map_err(|error| self.store.site().io(Operation::Read, error))?
            && self.map.copy(offset, buf)
        {
            return Ok(());
        }
        // Beyond the range, or beyond the end of the file: then this says so.
        let read = read_one(file, offset, buf, false);
        read.map_err(|stopped| self.store.stopped_at(Operation::Read, offset, stopped, 1))
    }

    /// Reads a checked batch: asks for all of it, so that pages that are not in memory come at once, then copies.
    pub(crate) fn read_batch(&self, file: &File, batch: &mut [ReadPage<'_>]) -> Result<()> {
        let (count, size) = (batch.len(), self.store.page_size());
        if let Some((offset, buf)) = single(batch, size) {
            return self.read_single(file, offset, buf);
        }
        let there = self.seen.now(file).map_err(|error| self.store.site().io(Operation::Read, error))?;
        let merged = runs(read_parts(batch, size), MAX_PARTS, usize::MAX);
        let stopped = |offset, stopped| self.store.stopped_at(Operation::Read, offset, stopped, count);
        for run in &merged {
            // Beyond the end of the file the mapping would kill the process: look before, and name the page.
            if run.offset + run.len as u64 > there {
                let done = there.saturating_sub(run.offset) as usize;
                return Err(stopped(run.offset, Stopped { done, error: None }));
            }
            self.map.will_need(run.offset, run.len as u64);
        }
        for mut run in merged {
            if !self.map.covers(run.offset, run.len) {
                read_run(file, &mut run, false).map_err(|end| stopped(run.offset, end))?;
                continue;
            }
            let mut offset = run.offset;
            for part in &mut run.parts {
                let copied = self.map.copy(offset, part);
                debug_assert!(copied, "the run lies in the range");
                offset += part.len() as u64;
            }
        }
        Ok(())
    }

    /// Writes a checked batch.
    pub(crate) fn write_batch(&self, file: &File, batch: &[WritePage<'_>]) -> Result<()> {
        for mut run in runs(write_parts(batch, self.store.page_size()), MAX_PARTS, usize::MAX) {
            let written = write_run(file, &mut run, false, false);
            written.map_err(|end| self.store.stopped_at(Operation::Write, run.offset, end, batch.len()))?;
        }
        Ok(())
    }
}
