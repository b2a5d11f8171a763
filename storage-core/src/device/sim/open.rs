//! Opening a crash state, as a file device opens a file after the power came back.

use super::device::SITE;
use super::journal::{Journal, Step};
use super::{Image, SimDevice};
use crate::device::probe::{Admitted, admit, probe_file};
use crate::device::{OpenMode, Operation, Result};
use crate::page::{PageCount, PageSize};

impl SimDevice {
    /// Opens a disk with these contents, all durable. The page size is found by the probe, as in a file; the errors
    /// are a file's: `NotAStore`, `Unfinished`, `ShortFile`. Its seed is 0.
    ///
    /// # Errors
    /// `Unfinished`, `ShortFile` or `NotAStore`, by what the image holds.
    pub fn from_image(image: Image) -> Result<SimDevice> {
        Self::open_image(image, OpenMode::Open, 0)
    }

    /// Opens or creates on a disk with these contents, as a file device does with a file. Over an unfinished creation
    /// (N1), `Create` first cuts the disk to nothing, which is not durable before the next sync. Errors as for
    /// [`SimDevice::from_image`], and `AlreadyExists`.
    ///
    /// # Errors
    /// `AlreadyExists`, `Unfinished`, `ShortFile` or `NotAStore`, by what the image holds and what was wanted.
    pub fn open_image(image: Image, mode: OpenMode, seed: u64) -> Result<SimDevice> {
        let len = image.page_count().get() * image.page_size().bytes() as u64;
        let found = probe_file(len, &mut |offset, buf| Ok(image.read_at(offset, buf)));
        let found = found.map_err(|error| SITE.io(Operation::Open, error))?;
        match admit(found, mode).map_err(|kind| SITE.error(kind, Operation::Open))? {
            Admitted::Existing(size) => Ok(SimDevice::over(resized(image, size), seed)),
            Admitted::Fresh(size) => {
                let mut device = SimDevice::over(resized(image, size), seed);
                let disk = device.state.get_mut();
                if disk.volatile.page_count() > PageCount::new(0) {
                    disk.volatile.set_len(PageCount::new(0));
                    disk.step(Step::Shrink(PageCount::new(0)));
                    disk.journal = Journal::new(disk.pending.clone());
                }
                Ok(device)
            }
        }
    }
}

/// The same bytes in pages of another size.
fn resized(image: Image, size: PageSize) -> Image {
    if image.page_size() == size { image } else { Image::from_bytes(size, &image.to_bytes()) }
}
