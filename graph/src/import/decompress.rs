//! Compressed input, told by its first bytes: gzip, zstandard, xz.
//!
//! Several members, frames or streams one after the other are one input. What decompression takes in memory is
//! bounded, whatever a file claims: windows and dictionaries beyond [`MAX_WINDOW_BYTES`] are an error.

use std::io::{self, BufReader, Read};

use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

/// The largest window of a zstandard frame and dictionary of an xz stream.
pub const MAX_WINDOW_BYTES: u32 = 256 << 20;

/// How input is compressed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Compression {
    /// Not at all.
    None,
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
    /// `.xz`
    Xz,
}

impl Compression {
    /// As the first bytes say.
    pub fn of(head: &[u8]) -> Compression {
        match head {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            // A zstandard file may begin with a frame that is to be skipped.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            _ => Compression::None,
        }
    }
}

/// A reader of which the first bytes are known.
pub struct Input {
    head: Vec<u8>,
    at: usize,
    rest: Box<dyn Read + Send>,
}

/// How much of an input [`Input::head`] shows.
pub const HEAD_BYTES: usize = 64 << 10;

impl Input {
    /// Looks at the first bytes, and decompresses if they say so.
    ///
    /// ```
    /// use foliograph::import::Input;
    /// use std::io::Read;
    /// let mut input = Input::open(std::io::Cursor::new(b"1 2\n".to_vec()))?;     // gzip, zstd and xz are unpacked
    /// assert_eq!(input.head(), b"1 2\n");
    /// let mut text = String::new();
    /// input.read_to_string(&mut text)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Reading fails; or what says that it is compressed is not, or wants more memory than it may have.
    pub fn open(reader: impl Read + Send + 'static) -> io::Result<Input> {
        let raw = Input::peek(Box::new(reader))?;
        let compression = Compression::of(&raw.head);
        let raw = BufReader::with_capacity(256 << 10, raw);
        let rest: Box<dyn Read + Send> = match compression {
            Compression::None => return Ok(raw.into_inner()),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
            Compression::Zstd => Box::new(Zstd::new(raw)),
            Compression::Xz => {
                let limit_kib = (MAX_WINDOW_BYTES >> 10) + (1 << 10);
                Box::new(lzma_rust2::XzReader::new_mem_limit(raw, true, limit_kib))
            }
        };
        Input::peek(rest)
    }

    fn peek(mut rest: Box<dyn Read + Send>) -> io::Result<Input> {
        let mut head = Vec::new();
        rest.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        Ok(Input { head, at: 0, rest })
    }

    /// The first bytes, decompressed: as many as there are, at most [`HEAD_BYTES`].
    pub fn head(&self) -> &[u8] {
        &self.head
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("head", &self.head.len()).field("at", &self.at).finish_non_exhaustive()
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at < self.head.len() {
            let read = (&self.head[self.at..]).read(buffer)?;
            self.at += read;
            return Ok(read);
        }
        if !self.head.is_empty() {
            self.head = Vec::new();
            self.at = 0;
        }
        self.rest.read(buffer)
    }
}

/// Frames of zstandard, one after the other.
struct Zstd<R> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    in_frame: bool,
    ended: bool,
}

impl<R: Read> Zstd<R> {
    fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW_BYTES.into());
        Zstd { source: BufReader::new(source), decoder, in_frame: false, ended: false }
    }

    /// Begins the next frame; `false` at the end of the input.
    fn next_frame(&mut self) -> io::Result<bool> {
        use std::io::BufRead as _;
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.source.by_ref().take(length.into());
                    if io::copy(&mut skipped, &mut io::sink())? < length.into() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(invalid(error)),
            }
        }
    }
}

fn invalid(error: FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use ruzstd::decoding::BlockDecodingStrategy::UptoBytes;
        if buffer.is_empty() {
            return Ok(0);
        }
        while !self.ended {
            if !self.in_frame {
                self.in_frame = self.next_frame()?;
                self.ended = !self.in_frame;
                continue;
            }
            if self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let wanted = UptoBytes(buffer.len().max(128 << 10));
                self.decoder.decode_blocks(&mut self.source, wanted).map_err(invalid)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            if self.decoder.is_finished() {
                self.check()?;
                self.in_frame = false;
            }
        }
        Ok(0)
    }
}

impl<R: Read> Zstd<R> {
    /// Compares the frame's checksum, where it has one, with that of what was decoded.
    fn check(&self) -> io::Result<()> {
        match self.decoder.get_checksum_from_data() {
            Some(stored) if self.decoder.get_calculated_checksum() != Some(stored) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum of a zstandard frame does not match",
            )),
            _ => Ok(()),
        }
    }
}
