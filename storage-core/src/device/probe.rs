//! What a file device reads before it knows its page size, and what it makes of it (N1, N2).
//!
//! Holds: the judgement of one block ([`probe_superblock`], [`probe_meta_page_size`]), of a whole file
//! ([`probe_file`]), and what each way of opening does with that ([`admit`]). Every device that opens bytes from an
//! earlier life goes through these, so that the same file is the same thing on all of them.
//!
//! Must always be true: nothing here writes, whatever it finds; what is not recognised is `Foreign`, and nobody
//! touches that. It is not the pager's check of versions, roots and lengths.

use super::{DeviceErrorKind, OpenMode};
use crate::page::{PageBuf, PageId, PageSize};
use std::io;
use twox_hash::XxHash3_64;

/// Bytes that are probed at the start of the file, and at the start of each candidate meta page.
pub const PROBE_LEN: usize = 4096;

/// The first bytes of a superblock. The high bit and the line ends show a file that was sent as text.
pub const SUPERBLOCK_MAGIC: [u8; 8] = *b"\x89FOLIO\r\n";

/// The first bytes of a meta copy.
pub const META_MAGIC: [u8; 8] = *b"FOLIOROT";

/// Pages that a created store has at the very least: the superblock and four meta pages.
const FIXED_PAGES: u64 = 5;

/// What the first 4 KiB of a file say.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Probe {
    /// A valid superblock: a store with this page size.
    Store(PageSize),
    /// All zero: nothing yet, or a creation that was cut off. Meta copies behind it belong to that creation.
    Zero,
    /// It begins like a superblock and is damaged: the meta copies decide.
    Damaged,
    /// Anything else: not ours.
    Foreign,
}

/// Superblock: magic 8, checksum 8 (XXH3-64 of bytes 16..4096, seed 0), format version u32, page size u32, …
/// (the whole layout stands in `pager/superblock.rs`).
pub fn probe_superblock(first: &[u8; PROBE_LEN]) -> Probe {
    if first.iter().all(|b| *b == 0) {
        return Probe::Zero;
    }
    let sum = u64::from_le_bytes(first[8..16].try_into().expect("8 bytes"));
    let valid = sum == XxHash3_64::oneshot(&first[16..]);
    match (first[..8] == SUPERBLOCK_MAGIC, valid) {
        (true, true) => {
            let size = u32::from_le_bytes(first[20..24].try_into().expect("4 bytes"));
            PageSize::new(size).map_or(Probe::Damaged, Probe::Store)
        }
        (true, false) => Probe::Damaged,
        (false, _) => Probe::Foreign,
    }
}

/// The page size that a valid meta copy at `page` says, if `block` (the first 4 KiB of that page) is one.
///
/// Meta copy: magic 8, checksum 8 (XXH3-64 of bytes 16..4096, seed = page id), format version u32, page size u32, ….
pub fn probe_meta_page_size(block: &[u8; PROBE_LEN], page: PageId) -> Option<PageSize> {
    if block[..8] != META_MAGIC {
        return None;
    }
    let sum = u64::from_le_bytes(block[8..16].try_into().expect("8 bytes"));
    if sum != XxHash3_64::oneshot_with_seed(page.get(), &block[16..]) {
        return None;
    }
    PageSize::new(u32::from_le_bytes(block[20..24].try_into().expect("4 bytes")))
}

/// What a whole file is.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// A store.
    Store {
        /// Its page size, from the superblock, else from meta copies that agree.
        size: PageSize,
        /// The superblock is valid; if not, `check` has a finding, and the meta copies spoke for it.
        superblock_valid: bool,
    },
    /// Empty, all zero, or a zero superblock beside our meta pages: a creation that was cut off.
    Unfinished,
    /// It begins as a store and ends before its meta pages do: it was cut.
    Cut,
    /// Anything else.
    Foreign,
}

/// Reads up to the buffer's length at an offset, and says how much there was: less only at the end of the file.
/// Buffers and offsets are aligned to 4 KiB, so that it works with direct I/O.
pub type ReadAt<'a> = dyn FnMut(u64, &mut [u8]) -> io::Result<usize> + 'a;

/// Judges a file of `len` bytes. Reads at most 21 blocks, but for a file that begins with zeros: that is read on to
/// its first byte that is not zero, for `create` must not overwrite data that has zeros before it.
///
/// # Errors
/// What reading fails with.
pub fn probe_file(len: u64, read: &mut ReadAt<'_>) -> io::Result<Found> {
    if len == 0 {
        return Ok(Found::Unfinished);
    }
    let mut buf = PageBuf::zeroed(PROBE_LEN);
    let got = read(0, &mut buf)?.min(PROBE_LEN);
    buf[got..].fill(0);
    let first: &[u8; PROBE_LEN] = buf[..].try_into().expect("the probe's length");
    if got < PROBE_LEN && first.iter().any(|b| *b != 0) {
        let known = got.min(SUPERBLOCK_MAGIC.len());
        let ours = first[..known] == SUPERBLOCK_MAGIC[..known];
        return Ok(if ours { Found::Cut } else { Found::Foreign });
    }
    match probe_superblock(first) {
        Probe::Store(size) if len < FIXED_PAGES * size.bytes() as u64 => Ok(Found::Cut),
        Probe::Store(size) => Ok(Found::Store { size, superblock_valid: true }),
        Probe::Zero => {
            let ours = metas(read)?.any || is_zero(read)?;
            Ok(if ours { Found::Unfinished } else { Found::Foreign })
        }
        Probe::Damaged | Probe::Foreign => Ok(match metas(read)?.agreed {
            Some(size) => Found::Store { size, superblock_valid: false },
            None => Found::Foreign,
        }),
    }
}

/// What stands where meta copies could be.
struct Metas {
    /// At least one has our magic, perhaps torn.
    any: bool,
    /// The page size that every valid copy says.
    agreed: Option<PageSize>,
}

fn metas(read: &mut ReadAt<'_>) -> io::Result<Metas> {
    let mut buf = PageBuf::zeroed(PROBE_LEN);
    let (mut any, mut sizes) = (false, Vec::new());
    for size in PageSize::ALL {
        for page in (1..FIXED_PAGES).map(PageId::new) {
            let offset = page.get() * size.bytes() as u64;
            if read(offset, &mut buf)? < PROBE_LEN {
                continue;
            }
            let block: &[u8; PROBE_LEN] = buf[..].try_into().expect("the probe's length");
            any |= block[..8] == META_MAGIC;
            // A copy counts where its own page size puts it, nowhere else.
            if probe_meta_page_size(block, page) == Some(size) {
                sizes.push(size);
            }
        }
    }
    let agreed = sizes.first().copied().filter(|first| sizes.iter().all(|size| size == first));
    Ok(Metas { any, agreed })
}

fn is_zero(read: &mut ReadAt<'_>) -> io::Result<bool> {
    let mut buf = PageBuf::zeroed(64 << 10);
    let mut offset = 0;
    loop {
        let got = read(offset, &mut buf)?;
        if buf[..got].iter().any(|b| *b != 0) {
            return Ok(false);
        }
        if got < buf.len() {
            return Ok(true);
        }
        offset += got as u64;
    }
}

/// What an opening may do with what it found.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Admitted {
    /// Use the store that is there.
    Existing(PageSize),
    /// Cut the file to nothing and begin a store of this page size.
    Fresh(PageSize),
}

/// Whether this way of opening may go on with what was found; else the kind of the error.
///
/// # Errors
/// `AlreadyExists`, `Unfinished`, `ShortFile` or `NotAStore`, by what is there and what was wanted.
pub fn admit(found: Found, mode: OpenMode) -> Result<Admitted, DeviceErrorKind> {
    match (found, mode) {
        (Found::Store { size, .. }, OpenMode::Open) => Ok(Admitted::Existing(size)),
        (Found::Store { .. }, OpenMode::Create(_)) => Err(DeviceErrorKind::AlreadyExists),
        (Found::Unfinished, OpenMode::Open) => Err(DeviceErrorKind::Unfinished),
        (Found::Unfinished, OpenMode::Create(size)) => Ok(Admitted::Fresh(size)),
        (Found::Cut, _) => Err(DeviceErrorKind::ShortFile),
        (Found::Foreign, _) => Err(DeviceErrorKind::NotAStore),
    }
}

/// A superblock and a meta copy as far as a probe looks, for tests of devices that know no pager.
#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// The first 4 KiB of meta page `page`.
    pub(crate) fn meta(size: PageSize, page: PageId) -> [u8; PROBE_LEN] {
        let mut block = [0; PROBE_LEN];
        block[..8].copy_from_slice(&META_MAGIC);
        block[20..24].copy_from_slice(&size.as_u32().to_le_bytes());
        let sum = XxHash3_64::oneshot_with_seed(page.get(), &block[16..]);
        block[8..16].copy_from_slice(&sum.to_le_bytes());
        block
    }

    /// A store's first five pages.
    pub(crate) fn store(size: PageSize) -> Vec<u8> {
        let mut image = vec![0; 5 * size.bytes()];
        image[..PROBE_LEN].copy_from_slice(&crate::conformance::superblock(size)[..PROBE_LEN]);
        for page in 1..5 {
            let at = page * size.bytes();
            image[at..at + PROBE_LEN].copy_from_slice(&meta(size, PageId::new(page as u64)));
        }
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(image: &[u8]) -> Found {
        let mut read = |offset: u64, buf: &mut [u8]| {
            let rest = image.get(offset as usize..).unwrap_or_default();
            let got = rest.len().min(buf.len());
            buf[..got].copy_from_slice(&rest[..got]);
            Ok(got)
        };
        probe_file(image.len() as u64, &mut read).expect("memory does not fail")
    }

    #[test]
    fn a_store_of_each_page_size_is_found_by_its_superblock() {
        for size in PageSize::ALL {
            assert_eq!(probe(&samples::store(size)), Found::Store { size, superblock_valid: true });
        }
    }

    #[test]
    fn a_damaged_superblock_even_without_its_magic_is_outvoted_by_meta_copies() {
        for size in PageSize::ALL {
            for damage in [0, 7, 8, 21, 4000] {
                let mut image = samples::store(size);
                image[damage] ^= 0x40;
                assert_eq!(probe(&image), Found::Store { size, superblock_valid: false }, "byte {damage}");
            }
            // One copy is enough; two that disagree are not.
            let mut image = samples::store(size);
            image[0] = 0;
            for page in 1..4 {
                image[page * size.bytes() + 9] ^= 1;
            }
            assert_eq!(probe(&image), Found::Store { size, superblock_valid: false });
        }
        let mut image = samples::store(PageSize::K4);
        image[3] ^= 1;
        image.resize(5 * PageSize::K16.bytes(), 0);
        let at = 4 * PageSize::K16.bytes();
        image[at..at + PROBE_LEN].copy_from_slice(&samples::meta(PageSize::K16, PageId::new(4)));
        assert_eq!(probe(&image), Found::Foreign);
    }

    #[test]
    fn what_a_cut_off_creation_leaves_is_unfinished() {
        assert_eq!(probe(&[]), Found::Unfinished);
        for len in [1, 4095, 4096, 5000, 300_000] {
            assert_eq!(probe(&vec![0; len]), Found::Unfinished, "{len} zeros");
        }
        for size in PageSize::ALL {
            let mut image = samples::store(size);
            image[..PROBE_LEN].fill(0);
            assert_eq!(probe(&image), Found::Unfinished);
            // Torn meta pages are ours as well.
            for page in 1..5 {
                image[page * size.bytes() + 16..page * size.bytes() + 512].fill(7);
            }
            assert_eq!(probe(&image), Found::Unfinished);
        }
    }

    #[test]
    fn foreign_bytes_are_foreign_also_far_behind_zeros() {
        assert_eq!(probe(b"x"), Found::Foreign);
        assert_eq!(probe(&[b'x'; 9000]), Found::Foreign);
        let mut image = vec![0; 1 << 20];
        image[(1 << 20) - 1] = 1;
        assert_eq!(probe(&image), Found::Foreign);
    }

    #[test]
    fn a_store_cut_before_the_end_of_its_meta_pages_is_a_cut_store() {
        let image = samples::store(PageSize::K8);
        for len in [1, 7, 8, 4095, 4096, 8192, 20_000, image.len() - 1] {
            assert_eq!(probe(&image[..len]), Found::Cut, "{len}");
        }
    }
}
