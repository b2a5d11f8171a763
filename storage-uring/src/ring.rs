//! One ring: a batch of reads or writes goes to the kernel together, and comes back complete.
//!
//! Must always be true: memory of an operation in flight is neither freed nor touched before its completion was
//! reaped. [`Ring::transfer`] borrows the buffers for its whole run, and whichever way it ends — also by unwinding —
//! [`Flight`] waits for what is in flight first. A ring is used by the thread that made it only (see `pool.rs`).
#![allow(unsafe_code)]

use io_uring::{IoUring, cqueue, opcode, squeue, types};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::marker::PhantomData;
use std::os::fd::AsRawFd;
use std::time::Duration;
use storage_core::device::BLOCK_LEN;
use storage_core::device::batch::Run;
use storage_os::Stopped;

/// Operations in flight at once. Beyond this a disk gains nothing more, and the ring stays small.
const DEPTH: u32 = 128;

/// So many reads are worth another wait.
const MANY: usize = 8;

/// How often EAGAIN and EBUSY are gone on with before they are an error.
const PATIENCE: u32 = 1000;

/// The place of the store's file in the ring's table of registered files.
const STORE: types::Fixed = types::Fixed(0);

/// A ring with the store's file registered.
pub(crate) struct Ring {
    ring: IoUring,
    /// A failure of the ring itself: it is not used again.
    broken: bool,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ring({DEPTH} deep)")
    }
}

/// A buffer as the kernel takes it: the layout of `struct iovec`.
#[repr(C)]
struct Vector {
    base: *mut u8,
    len: usize,
}

/// A run of bytes on its way; it holds the borrow of its buffers.
pub(crate) struct Transfer<'a> {
    offset: u64,
    vectors: Vec<Vector>,
    /// Vectors that are done.
    first: usize,
    done: usize,
    left: usize,
    /// What is read into: looked at again when all of it is there. Without it, the bytes are written.
    read: Option<Run<IoSliceMut<'a>>>,
    written: PhantomData<&'a [u8]>,
}

impl<'a> Transfer<'a> {
    /// Reads into these buffers.
    pub(crate) fn read(mut run: Run<IoSliceMut<'a>>) -> Self {
        let vector = |part: &mut IoSliceMut<'a>| Vector { base: part.as_mut_ptr(), len: part.len() };
        let vectors = run.parts.iter_mut().map(vector).collect();
        Self::new(run.offset, run.len, vectors, Some(run))
    }

    /// Writes these buffers. The kernel only reads them, so the pointers are never written through.
    pub(crate) fn write(run: &Run<IoSlice<'a>>) -> Self {
        let vector = |part: &IoSlice<'a>| Vector { base: part.as_ptr().cast_mut(), len: part.len() };
        Self::new(run.offset, run.len, run.parts.iter().map(vector).collect(), None)
    }

    fn new(offset: u64, left: usize, vectors: Vec<Vector>, read: Option<Run<IoSliceMut<'a>>>) -> Self {
        Transfer { offset, vectors, first: 0, done: 0, left, read, written: PhantomData }
    }

    /// Where it begins in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// What was read, when all of it is there.
    pub(crate) fn as_read(&self) -> Option<&Run<IoSliceMut<'a>>> {
        self.read.as_ref().filter(|_| self.left == 0)
    }

    /// What the kernel is asked for: all that is left.
    fn entry(&self) -> squeue::Entry {
        let at = self.offset + self.done as u64;
        let rest = &self.vectors[self.first..];
        match (rest, self.read.is_some()) {
            ([one], true) => opcode::Read::new(STORE, one.base, one.len as u32).offset(at).build(),
            ([one], false) => opcode::Write::new(STORE, one.base, one.len as u32).offset(at).build(),
            (_, true) => {
                opcode::Readv::new(STORE, rest.as_ptr().cast(), rest.len() as u32).offset(at).build()
            }
            (_, false) => {
                opcode::Writev::new(STORE, rest.as_ptr().cast(), rest.len() as u32).offset(at).build()
            }
        }
    }

    /// Takes note of `moved` bytes. False if that is no step forward. With direct I/O the next step begins at a whole
    /// block.
    fn advance(&mut self, moved: usize, direct: bool) -> bool {
        let mut moved = moved.min(self.left);
        if direct && moved < self.left {
            moved -= (self.done + moved) % BLOCK_LEN;
        }
        self.done += moved;
        self.left -= moved;
        let mut rest = moved;
        while rest > 0 {
            let vector = &mut self.vectors[self.first];
            let step = rest.min(vector.len);
            // In bounds: `step` is at most what is left of this buffer.
            vector.base = vector.base.wrapping_add(step);
            vector.len -= step;
            rest -= step;
            self.first += usize::from(vector.len == 0);
        }
        moved > 0
    }
}

/// What is in flight on a ring. Dropping it waits for all of it.
struct Flight<'r> {
    ring: &'r mut IoUring,
    count: usize,
}

impl Flight<'_> {
    /// Puts an operation into the queue.
    ///
    /// # Safety
    /// The memory that `entry` names must stay valid, and untouched but by the kernel, until this flight has reaped
    /// the completion or was dropped.
    unsafe fn push(&mut self, entry: &squeue::Entry) {
        // SAFETY: passed on to the caller.
        let pushed = unsafe { self.ring.submission().push(entry) };
        assert!(pushed.is_ok(), "never more in flight than the queue holds");
        self.count += 1;
    }

    /// Gives the queue to the kernel and waits until `want` completions are there.
    fn submit(&mut self, want: usize, patience: &mut u32) -> io::Result<()> {
        match self.ring.submit_and_wait(want) {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => Ok(()),
                io::ErrorKind::WouldBlock | io::ErrorKind::ResourceBusy if *patience > 0 => {
                    *patience -= 1;
                    std::thread::yield_now();
                    Ok(())
                }
                _ => Err(error),
            },
        }
    }

    fn reap(&mut self) -> Option<cqueue::Entry> {
        let entry = self.ring.completion().next()?;
        self.count -= 1;
        Some(entry)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut patience = PATIENCE;
        while self.count > 0 {
            if self.submit(1, &mut patience).is_err() {
                patience = patience.saturating_sub(1);
                std::thread::sleep(Duration::from_millis(10));
            }
            while self.reap().is_some() {}
            if patience == 0 && self.count > 0 {
                // The kernel may write into this memory at any time, and will not say when: going on would be worse.
                eprintln!("io_uring does not give back {} operations in flight", self.count);
                std::process::abort();
            }
        }
    }
}

/// A ring as this kernel has it: with the cheapest way of completing that it knows.
pub(crate) fn build() -> io::Result<IoUring> {
    let attempts: [fn(&mut io_uring::Builder); 3] = [
        |ring| {
            ring.setup_single_issuer().setup_defer_taskrun();
        },
        |ring| {
            ring.setup_coop_taskrun();
        },
        |_| {},
    ];
    let mut last = None;
    for set in attempts {
        let mut builder = IoUring::builder();
        set(builder.setup_submit_all());
        match builder.build(DEPTH) {
            // An older kernel does not know the flag.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => last = Some(error),
            result => return result,
        }
    }
    // The very first kernels do not know `setup_submit_all` either.
    IoUring::new(DEPTH).map_err(|error| last.unwrap_or(error))
}

impl Ring {
    /// A ring for this file, used by this thread only.
    pub(crate) fn new(file: &File) -> io::Result<Ring> {
        let ring = build()?;
        ring.submitter().register_files(&[file.as_raw_fd()])?;
        Ok(Ring { ring, broken: false })
    }

    /// True after a failure of the ring itself.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Moves all bytes of all transfers, and tells `done` of each that is whole, while others are in flight. The error says
    /// which transfer stopped, and where.
    pub(crate) fn transfer(
        &mut self,
        all: &mut [Transfer<'_>],
        direct: bool,
        done: &mut dyn FnMut(&Transfer<'_>),
    ) -> Result<(), (usize, Stopped)> {
        let depth = self.ring.params().sq_entries() as usize;
        let (mut next, mut again, mut patience) = (0, Vec::new(), PATIENCE);
        let mut failed: Option<(usize, Stopped)> = None;
        let mut flight = Flight { ring: &mut self.ring, count: 0 };
        loop {
            while flight.count < depth {
                let index = match (again.pop(), &failed) {
                    // After a failure only what lies before it is finished: so the error names the first place.
                    (Some(index), Some((first, _))) if index > *first => continue,
                    (Some(index), _) => index,
                    (None, None) if next < all.len() => {
                        next += 1;
                        next - 1
                    }
                    (None, _) => break,
                };
                let entry = all[index].entry().user_data(index as u64);
                // SAFETY: the buffers are borrowed by `all`, and the vectors stand in `all`, which is borrowed
                // mutably until this function returns; `flight` is dropped before, and waits. A transfer's vectors
                // change only in `advance`, when its completion was reaped.
                unsafe { flight.push(&entry) };
            }
            if flight.count == 0 {
                return failed.map_or(Ok(()), Err);
            }
            // The queue is filled up again when it is half empty. The end of a batch is one wait, but for many reads: half of
            // them are told of while the others are on their way.
            let more = failed.is_none() && next < all.len();
            let many = flight.count > MANY && all[0].read.is_some();
            let want = if more || many { flight.count.div_ceil(2) } else { flight.count };
            if let Err(error) = flight.submit(want, &mut patience) {
                drop(flight);
                self.broken = true;
                return Err((0, Stopped { done: 0, error: Some(error) }));
            }
            while let Some(entry) = flight.reap() {
                let index = entry.user_data() as usize;
                match settle(&mut all[index], entry.result(), direct, &mut patience) {
                    Ok(true) => done(&all[index]),
                    Ok(false) => again.push(index),
                    Err(stopped) if failed.as_ref().is_none_or(|first| index < first.0) => {
                        failed = Some((index, stopped));
                    }
                    Err(_) => {}
                }
            }
        }
    }
}

/// What a completion means for its transfer: all done, some left, or stopped.
fn settle(one: &mut Transfer<'_>, result: i32, direct: bool, patience: &mut u32) -> Result<bool, Stopped> {
    if let Ok(moved) = usize::try_from(result) {
        return match one.advance(moved, direct) {
            true => Ok(one.left == 0),
            false => Err(Stopped { done: one.done, error: None }),
        };
    }
    let error = io::Error::from_raw_os_error(-result);
    match error.kind() {
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock if *patience > 0 => {
            *patience -= 1;
            Ok(false)
        }
        _ => Err(Stopped { done: one.done, error: Some(error) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage_core::device::batch::runs;
    use storage_os::testing::Place;

    fn sample(place: &Place) -> (File, Vec<u8>) {
        let bytes: Vec<u8> = (0..600 * 4096u32).map(|n| (n % 249) as u8).collect();
        std::fs::write(place.path(), &bytes).unwrap();
        (File::open(place.path()).unwrap(), bytes)
    }

    #[test]
    fn a_batch_far_beyond_the_queue_comes_back_whole() {
        let place = Place::default();
        let (file, bytes) = sample(&place);
        let mut ring = Ring::new(&file).unwrap();
        let mut buf = vec![0; bytes.len()];
        let parts = buf.chunks_mut(4096).enumerate().map(|(n, b)| (n as u64 * 4096, IoSliceMut::new(b)));
        let mut all: Vec<_> = runs(parts.collect(), 1, 4096).into_iter().map(Transfer::read).collect();
        assert!(all.len() > 2 * DEPTH as usize);
        ring.transfer(&mut all, false, &mut |_| ()).map_err(|e| e.1).unwrap();
        drop(all);
        assert!(buf == bytes);
    }

    #[test]
    fn the_end_of_the_file_stops_the_transfer_that_meets_it() {
        let place = Place::default();
        let (file, bytes) = sample(&place);
        let mut ring = Ring::new(&file).unwrap();
        let end = bytes.len() as u64;
        let mut bufs = [(); 3].map(|()| vec![0; 5000]);
        let places = [0, end - 3000, end + 9000];
        let parts = bufs.iter_mut().zip(places).map(|(b, at)| (at, IoSliceMut::new(b)));
        let mut all: Vec<_> = runs(parts.collect(), 1, 4096).into_iter().map(Transfer::read).collect();
        let (index, stopped) = ring.transfer(&mut all, false, &mut |_| ()).unwrap_err();
        assert_eq!((index, stopped.done, stopped.error.is_none()), (1, 3000, true));
        assert!(!ring.is_broken());
    }

    #[test]
    fn unwinding_waits_for_what_is_in_flight_and_the_ring_goes_on() {
        let place = Place::default();
        let (file, bytes) = sample(&place);
        let mut ring = Ring::new(&file).unwrap();
        let mut buf = vec![0; 4 * 4096];
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let parts = buf.chunks_mut(4096).enumerate().map(|(n, b)| (n as u64 * 4096, IoSliceMut::new(b)));
            let all: Vec<_> = runs(parts.collect(), 1, 4096).into_iter().map(Transfer::read).collect();
            let mut flight = Flight { ring: &mut ring.ring, count: 0 };
            for one in &all {
                // SAFETY: `flight` is declared after `all`, so it is dropped before it.
                unsafe { flight.push(&one.entry()) };
            }
            panic!("amid a batch");
        }));
        assert!(ended.is_err());
        assert!(buf == bytes[..buf.len()], "every operation was complete before the buffers were given back");
        buf.fill(0);
        let parts = vec![(4096, IoSliceMut::new(&mut buf))];
        let mut all: Vec<_> = runs(parts, 1, 4096).into_iter().map(Transfer::read).collect();
        ring.transfer(&mut all, false, &mut |_| ()).map_err(|e| e.1).unwrap();
        drop(all);
        assert!(buf == bytes[4096..5 * 4096]);
    }

    #[test]
    fn a_short_step_goes_on_behind_the_bytes_that_are_done() {
        let (mut one, mut two) = (vec![0; 4096], vec![0; 4096]);
        let parts = vec![(0, IoSliceMut::new(&mut one)), (4096, IoSliceMut::new(&mut two))];
        let run = runs(parts, 2, 8192).pop().unwrap();
        let mut transfer = Transfer::read(run);
        assert!(transfer.advance(5000, false));
        assert_eq!((transfer.first, transfer.done, transfer.left), (1, 5000, 3192));
        assert!(transfer.advance(3192, false));
        assert_eq!((transfer.first, transfer.left), (2, 0));
        let mut buf = vec![0; 8192];
        let run = runs(vec![(0, IoSliceMut::new(&mut buf))], 1, 8192).pop().unwrap();
        let mut transfer = Transfer::read(run);
        assert!(transfer.advance(5000, true));
        assert_eq!(transfer.done, 4096, "direct I/O goes on at a whole block");
        assert!(!transfer.advance(904, true), "a part of a block is no step forward");
    }
}
