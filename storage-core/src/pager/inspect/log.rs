//! The log of a store that may be damaged, or has to be recovered: read, never replayed.

use super::super::log::{GroupHead, LogReader, heads};
use super::Inspector;
use crate::device::DeviceError;
use crate::page::PageId;

impl Inspector {
    /// The store's identity, if anything still says it.
    pub fn uuid(&self) -> Option<[u8; 16]> {
        self.superblock.map(|s| s.uuid).or(self.meta.as_ref().map(|m| m.uuid))
    }

    /// A reader of the log beyond the newest valid root record. `None` without one.
    pub fn log(&self) -> Option<LogReader<'_>> {
        let meta = self.meta.as_ref()?;
        Some(LogReader::new(self.device.as_ref(), &self.uuid()?, meta.log.clone()))
    }

    /// The groups that begin in a page, whether they are part of the log or not any more.
    ///
    /// # Errors
    /// What the device fails with; blocks that are no heads are left out.
    pub fn group_heads(&self, page: PageId) -> Result<Vec<GroupHead>, DeviceError> {
        let bytes = self.raw(page)?;
        Ok(self.uuid().map_or(Vec::new(), |uuid| heads(&bytes, &uuid)))
    }
}
