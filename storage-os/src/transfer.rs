//! Moving bytes: one run at a time, at a position, until all are moved (D5).
//!
//! Must always be true: a transfer ends; it ends with all bytes moved, or says how many were. Short transfers, EINTR
//! and EAGAIN are gone on with (EAGAIN not for ever), no bytes at all is the end of the file. With direct I/O every
//! step begins at an aligned place, and buffers that are not aligned go through one that is.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use storage_core::device::BLOCK_LEN;
use storage_core::device::batch::Run;
use storage_core::page::PageBuf;

/// Buffers that one vectored call takes (IOV_MAX, the same on every system that has one).
pub const MAX_PARTS: usize = 1024;

/// How often EAGAIN is gone on with before it is an error.
const PATIENCE: u32 = 1000;

/// A transfer that ended before its last byte.
#[derive(Debug)]
pub struct Stopped {
    /// Bytes that were moved.
    pub done: usize,
    /// The system's error; `None` if it moved no bytes at all.
    pub error: Option<io::Error>,
}

/// Repeats `step`, which is told how many bytes are done and moves some more, until `len` are.
fn drive(len: usize, direct: bool, mut step: impl FnMut(usize) -> io::Result<usize>) -> Result<(), Stopped> {
    let (mut done, mut patience) = (0, PATIENCE);
    while done < len {
        let moved = match step(done) {
            Ok(moved) => moved,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && patience > 0 => {
                patience -= 1;
                std::thread::yield_now();
                continue;
            }
            Err(error) => return Err(Stopped { done, error: Some(error) }),
        };
        let mut next = done + moved;
        if direct && next < len {
            next -= next % BLOCK_LEN; // a block that was moved in part is moved again
        }
        if next <= done {
            return Err(Stopped { done, error: None });
        }
        done = next;
    }
    Ok(())
}

/// Fills one buffer from `offset` by `read`, a positioned read.
///
/// # Errors
/// [`Stopped`]: how far it came, and why it went no further.
pub fn read_buf(
    buf: &mut [u8],
    direct: bool,
    mut read: impl FnMut(&mut [u8], usize) -> io::Result<usize>,
) -> Result<(), Stopped> {
    if direct && !aligned(buf) {
        let mut bounce = PageBuf::zeroed(buf.len());
        drive(buf.len(), direct, |done| read(&mut bounce[done..], done))?;
        buf.copy_from_slice(&bounce);
        return Ok(());
    }
    drive(buf.len(), direct, |done| read(&mut buf[done..], done))
}

/// Writes one buffer by `write`, a positioned write.
///
/// # Errors
/// [`Stopped`]: how far it came, and why it went no further.
pub fn write_buf(
    data: &[u8],
    direct: bool,
    mut write: impl FnMut(&[u8], usize) -> io::Result<usize>,
) -> Result<(), Stopped> {
    if direct && !aligned(data) {
        let mut bounce = PageBuf::zeroed(data.len());
        bounce.copy_from_slice(data);
        return drive(data.len(), direct, |done| write(&bounce[done..], done));
    }
    drive(data.len(), direct, |done| write(&data[done..], done))
}

fn aligned(buf: &[u8]) -> bool {
    buf.as_ptr().addr().is_multiple_of(BLOCK_LEN)
}

/// Fills one buffer from `offset` of the file.
///
/// # Errors
/// The system's error, or the file ends before; and how far it came.
pub fn read_one(file: &File, offset: u64, buf: &mut [u8], direct: bool) -> Result<(), Stopped> {
    read_buf(buf, direct, |buf, done| read_at(file, buf, offset + done as u64))
}

/// Reads a run. On an error its buffers hold anything.
///
/// # Errors
/// [`Stopped`]: how far it came, and why it went no further.
pub fn read_run(file: &File, run: &mut Run<IoSliceMut<'_>>, direct: bool) -> Result<(), Stopped> {
    let offset = run.offset;
    if run.parts.len() == 1 || (direct && !run.is_aligned(BLOCK_LEN)) {
        let mut before = 0;
        for part in &mut run.parts {
            let at = offset + before as u64;
            read_one(file, at, part, direct)
                .map_err(|stopped| Stopped { done: before + stopped.done, ..stopped })?;
            before += part.len();
        }
        return Ok(());
    }
    drive(run.len, direct, |done| {
        let mut rest = rest_mut(&mut run.parts, done);
        read_vectored_at(file, &mut rest, offset + done as u64)
    })
}

/// Writes a run; with `through`, durably, where the system has such a write.
///
/// # Errors
/// [`Stopped`]: how far it came, and why it went no further.
pub fn write_run(
    file: &File,
    run: &mut Run<IoSlice<'_>>,
    direct: bool,
    through: bool,
) -> Result<(), Stopped> {
    let offset = run.offset;
    if run.parts.len() == 1 || (direct && !run.is_aligned(BLOCK_LEN)) {
        let mut before = 0;
        for part in &run.parts {
            let at = offset + before as u64;
            write_buf(part, direct, |data, done| {
                write_vectored_at(file, &[IoSlice::new(data)], at + done as u64, through)
            })
            .map_err(|stopped| Stopped { done: before + stopped.done, ..stopped })?;
            before += part.len();
        }
        return Ok(());
    }
    drive(run.len, direct, |done| {
        if done == 0 {
            return write_vectored_at(file, &run.parts, offset, through);
        }
        write_vectored_at(file, &rest(&run.parts, done), offset + done as u64, through)
    })
}

/// The buffers without their first `done` bytes.
fn rest<'a>(parts: &'a [IoSlice<'_>], mut done: usize) -> Vec<IoSlice<'a>> {
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        let skip = done.min(part.len());
        done -= skip;
        if skip < part.len() {
            out.push(IoSlice::new(&part[skip..]));
        }
    }
    out
}

fn rest_mut<'a>(parts: &'a mut [IoSliceMut<'_>], mut done: usize) -> Vec<IoSliceMut<'a>> {
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        let skip = done.min(part.len());
        done -= skip;
        if skip < part.len() {
            out.push(IoSliceMut::new(&mut part[skip..]));
        }
    }
    out
}

#[cfg(unix)]
pub(crate) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    match std::os::windows::fs::FileExt::seek_read(file, buf, offset) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        result => result,
    }
}

#[cfg(target_os = "linux")]
fn read_vectored_at(file: &File, parts: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
    Ok(rustix::io::preadv(file, parts, offset)?)
}

#[cfg(target_os = "linux")]
fn write_vectored_at(file: &File, parts: &[IoSlice<'_>], offset: u64, through: bool) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, pwrite, pwritev, pwritev2};
    Ok(match parts {
        _ if through => pwritev2(file, parts, offset, ReadWriteFlags::DSYNC)?,
        [one] => pwrite(file, one, offset)?,
        _ => pwritev(file, parts, offset)?,
    })
}

/// Without vectored calls a step moves the first buffer only; the loop goes on with the next.
#[cfg(not(target_os = "linux"))]
fn read_vectored_at(file: &File, parts: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
    parts.first_mut().map_or(Ok(0), |part| read_at(file, part, offset))
}

/// As above; there is no write-through, and `no_write_through` sends the caller to a sync.
#[cfg(not(target_os = "linux"))]
fn write_vectored_at(file: &File, parts: &[IoSlice<'_>], offset: u64, through: bool) -> io::Result<usize> {
    if through {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let Some(part) = parts.first() else { return Ok(0) };
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_at(file, part, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_write(file, part, offset);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source of 10,000 bytes that misbehaves: short, interrupted, not ready, in turn.
    fn fickle(calls: &mut u32, buf: &mut [u8], at: usize) -> io::Result<usize> {
        *calls += 1;
        match *calls % 4 {
            1 => Err(io::ErrorKind::Interrupted.into()),
            2 => Err(io::ErrorKind::WouldBlock.into()),
            _ => {
                let len = buf.len().min(700).min(10_000usize.saturating_sub(at));
                buf[..len].iter_mut().enumerate().for_each(|(n, b)| *b = ((at + n) % 251) as u8);
                Ok(len)
            }
        }
    }

    #[test]
    fn short_interrupted_and_delayed_transfers_are_gone_on_with() {
        let (mut buf, mut calls) = (vec![0; 9000], 0);
        read_buf(&mut buf, false, |buf, at| fickle(&mut calls, buf, at)).unwrap();
        assert!(buf.iter().enumerate().all(|(n, b)| *b == (n % 251) as u8));
        let mut out = Vec::new();
        write_buf(&buf, false, |data, at| {
            assert_eq!(at, out.len());
            out.extend_from_slice(&data[..data.len().min(900)]);
            Ok(data.len().min(900))
        })
        .unwrap();
        assert_eq!(out, buf);
    }

    #[test]
    fn no_bytes_are_an_end_and_no_loop() {
        let (mut buf, mut calls) = (vec![0; 12_000], 0);
        let stopped = read_buf(&mut buf, false, |buf, at| fickle(&mut calls, buf, at)).unwrap_err();
        assert_eq!((stopped.done, stopped.error.is_none()), (10_000, true));
        let stopped = write_buf(&buf, false, |_, _| Err(io::ErrorKind::WouldBlock.into())).unwrap_err();
        assert_eq!(stopped.error.map(|e| e.kind()), Some(io::ErrorKind::WouldBlock));
        let stopped = write_buf(&buf, false, |_, done| if done < 100 { Ok(100) } else { Ok(0) }).unwrap_err();
        assert_eq!((stopped.done, stopped.error.is_none()), (100, true));
    }

    #[test]
    fn direct_transfers_go_on_at_whole_blocks_through_aligned_memory() {
        let source: Vec<u8> = (0..16384).map(|n| (n % 253) as u8).collect();
        let mut memory = vec![0; 16384 + 1];
        let at = usize::from(aligned(&memory));
        let buf = &mut memory[at..at + 16384];
        let mut first = true;
        read_buf(buf, true, |buf, at| {
            assert!(aligned(buf) && at.is_multiple_of(BLOCK_LEN));
            let len = if std::mem::take(&mut first) { 5000 } else { buf.len() };
            buf[..len].copy_from_slice(&source[at..at + len]);
            Ok(len)
        })
        .unwrap();
        assert_eq!(buf, source);
        // The last block of a file that ends within it is never whole.
        let stopped = read_buf(buf, true, |buf, at| Ok(buf.len().min(5000 - at))).unwrap_err();
        assert_eq!((stopped.done, stopped.error.is_none()), (4096, true));
    }
}
