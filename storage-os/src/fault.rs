//! A planted failure, for the device suite: real disks do not fail on request. Compiled to nothing without the
//! feature `testing`.

use std::io;
use storage_core::device::Operation;

/// The operation that fails next.
#[derive(Debug, Default)]
pub(crate) struct Fault {
    #[cfg(feature = "testing")]
    armed: parking_lot::Mutex<Option<Operation>>,
}

impl Fault {
    /// Fails once, if this operation was armed.
    #[cfg(feature = "testing")]
    pub(crate) fn strike(&self, operation: Operation) -> io::Result<()> {
        match self.armed.lock().take_if(|armed| *armed == operation) {
            None => Ok(()),
            Some(_) => Err(io::Error::other("planted failure")),
        }
    }

    /// Never fails.
    #[cfg(not(feature = "testing"))]
    pub(crate) fn strike(&self, _: Operation) -> io::Result<()> {
        Ok(())
    }

    /// The next call of `operation` fails.
    #[cfg(feature = "testing")]
    pub(crate) fn arm(&self, operation: Operation) {
        *self.armed.lock() = Some(operation);
    }
}
