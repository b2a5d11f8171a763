//! Bytes, read with bounds and written compactly. Shared by all formats of this crate.
//!
//! A varint is seven bits a byte, lowest first, the high bit saying that another byte follows; at most ten bytes. A
//! zigzag is a varint of a signed number with the sign in the lowest bit. Fixed widths are little-endian.
//!
//! Must always be true: no read goes beyond the end, none panics, none allocates.

/// Bytes that are not what they should be. Says what is wrong; the caller knows where.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// Appends a varint.
pub fn put_varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Bytes of a varint.
pub fn varint_len(n: u64) -> usize {
    (64 - (n | 1).leading_zeros() as usize).div_ceil(7)
}

fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

/// Appends a signed varint.
pub fn put_zigzag(n: i64, out: &mut Vec<u8>) {
    put_varint(zigzag(n), out);
}

/// Bytes of a signed varint.
pub fn zigzag_len(n: i64) -> usize {
    varint_len(zigzag(n))
}

/// Reads bytes from front to back.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from the start.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// [`Malformed`]: they end too early, or say too much.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        if len > self.remaining() {
            return Err(Malformed("bytes end too early"));
        }
        let taken = &self.bytes[self.at..self.at + len];
        self.at += len;
        Ok(taken)
    }

    /// The bytes up to the next `end`, which is passed over.
    ///
    /// # Errors
    /// [`Malformed`]: they end before it.
    pub(crate) fn until(&mut self, end: u8) -> Result<&'a [u8], Malformed> {
        let rest = &self.bytes[self.at..];
        let len = memchr::memchr(end, rest).ok_or(Malformed("bytes end too early"))?;
        self.at += len + 1;
        Ok(&rest[..len])
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`Malformed`]: they end too early.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        Ok(self.bytes(N)?.try_into().expect("as many bytes as were asked for"))
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`Malformed`]: they end too early, or say too much.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    /// A varint of at most 64 bits.
    ///
    /// # Errors
    /// [`Malformed`]: they end too early, or say too much.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        // Most are one byte long.
        if let Some(byte @ ..0x80) = self.bytes.get(self.at) {
            self.at += 1;
            return Ok((*byte).into());
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            if shift == 63 && byte > 1 {
                break;
            }
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(Malformed("a number is longer than 64 bits"))
    }

    /// A varint of at most 32 bits.
    ///
    /// # Errors
    /// [`Malformed`]: they end too early, or say too much.
    pub fn varint_u32(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.varint()?).map_err(|_| Malformed("a number is longer than 32 bits"))
    }

    /// A signed varint.
    ///
    /// # Errors
    /// [`Malformed`]: they end too early, or say too much.
    pub fn zigzag(&mut self) -> Result<i64, Malformed> {
        let n = self.varint()?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    /// A varint length and as many bytes.
    ///
    /// # Errors
    /// [`Malformed`]: they end too early, or say too much.
    pub fn counted(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.varint()?;
        self.bytes(usize::try_from(len).map_err(|_| Malformed("bytes end too early"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_take_the_bytes_foretold() {
        for shift in 0..64 {
            for n in [(1u64 << shift) - 1, 1 << shift, (1 << shift) + 1, u64::MAX - (1 << shift)] {
                let mut out = Vec::new();
                put_varint(n, &mut out);
                assert_eq!(out.len(), varint_len(n), "{n}");
                let mut reader = Reader::new(&out);
                assert_eq!(reader.varint(), Ok(n));
                assert!(reader.is_empty());
                for cut in 0..out.len() {
                    assert!(Reader::new(&out[..cut]).varint().is_err());
                }
                out.clear();
                put_zigzag(n as i64, &mut out);
                assert_eq!(out.len(), zigzag_len(n as i64));
                assert_eq!(Reader::new(&out).zigzag(), Ok(n as i64));
            }
        }
    }

    #[test]
    fn numbers_that_are_too_long_are_refused() {
        assert!(Reader::new(&[0xff; 20]).varint().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).varint().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).varint_u32().is_err());
        assert!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 7]).counted().is_err()
        );
    }
}
