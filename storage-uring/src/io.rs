//! Transfers: what goes through the ring, and what does not because a positioned call is faster.

use crate::device::UringDevice;
use crate::pool::{Lease, Pool};
use crate::ring::Transfer;
use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use storage_core::device::batch::{Run, read_parts, runs, single, tell, write_parts};
use storage_core::device::{Arrived, BLOCK_LEN, Operation, ReadPage, Result, WritePage};
use storage_os::{MAX_PARTS, read_one, read_run, write_run};

/// Bytes of one operation in a ring: large enough for a disk's bandwidth, small enough that a long run is several
/// operations in flight at once.
const PIECE: usize = 256 << 10;

/// From here on a buffered run is written by `pwritev`.
const LARGE: usize = 64 << 10;

impl UringDevice {
    /// Reads a checked batch.
    pub(crate) fn read_batch(
        &self,
        file: &File,
        pool: &Pool,
        batch: &mut [ReadPage<'_>],
        arrived: Arrived<'_>,
    ) -> Result<()> {
        let (count, size, direct) = (batch.len(), self.store.page_size(), self.store.is_direct());
        if let Some((offset, buf)) = single(batch, size) {
            let read = read_one(file, offset, buf, direct);
            read.map_err(|stopped| self.store.stopped_at(Operation::Read, offset, stopped, count))?;
            tell(batch, arrived);
            return Ok(());
        }
        let mut tell_run = |run: &Run<IoSliceMut<'_>>| {
            let first = run.page(size, 0);
            (0..).zip(&run.parts).for_each(|(n, part)| arrived(first.plus(n), part));
        };
        let pieces = runs(read_parts(batch, size), MAX_PARTS, PIECE);
        let lease = lease(pool, file, pieces.len());
        let (through, plain): (Vec<_>, Vec<_>) =
            pieces.into_iter().partition(|run| lease.is_some() && (!direct || run.is_aligned(BLOCK_LEN)));
        for mut run in plain {
            read_run(file, &mut run, direct)
                .map_err(|stopped| self.store.stopped_at(Operation::Read, run.offset, stopped, count))?;
            tell_run(&run);
        }
        let mut all: Vec<Transfer<'_>> = through.into_iter().map(Transfer::read).collect();
        let mut done = |transfer: &Transfer<'_>| transfer.as_read().into_iter().for_each(&mut tell_run);
        self.submit(lease, &mut all, (Operation::Read, count), &mut done)
    }

    /// Writes a checked batch.
    pub(crate) fn write_batch(&self, file: &File, pool: &Pool, batch: &[WritePage<'_>]) -> Result<()> {
        let (count, direct) = (batch.len(), self.store.is_direct());
        let longest = if direct { PIECE } else { usize::MAX };
        let pieces = runs(write_parts(batch, self.store.page_size()), MAX_PARTS, longest);
        let suits = |run: &Run<IoSlice<'_>>| if direct { run.is_aligned(BLOCK_LEN) } else { run.len < LARGE };
        let lease = lease(pool, file, pieces.iter().filter(|run| suits(run)).count());
        let (through, plain): (Vec<_>, Vec<_>) =
            pieces.into_iter().partition(|run| lease.is_some() && suits(run));
        for mut run in plain {
            write_run(file, &mut run, direct, false)
                .map_err(|stopped| self.store.stopped_at(Operation::Write, run.offset, stopped, count))?;
        }
        let mut all: Vec<Transfer<'_>> = through.iter().map(Transfer::write).collect();
        self.submit(lease, &mut all, (Operation::Write, count), &mut |_| ())
    }

    /// Moves all of them, as many in flight at once as the ring has room for.
    fn submit(
        &self,
        lease: Option<Lease<'_>>,
        all: &mut [Transfer<'_>],
        (operation, count): (Operation, usize),
        done: &mut dyn FnMut(&Transfer<'_>),
    ) -> Result<()> {
        let Some(mut lease) = lease else { return Ok(()) };
        lease
            .ring()
            .transfer(all, self.store.is_direct(), done)
            .map_err(|(index, stopped)| self.store.stopped_at(operation, all[index].offset(), stopped, count))
    }
}

/// This thread's ring, if so many operations are worth one: a ring of depth one gains nothing.
fn lease<'p>(pool: &'p Pool, file: &File, operations: usize) -> Option<Lease<'p>> {
    if operations > 1 { pool.lease(file) } else { None }
}
