//! The first failure of a device, remembered (D6).

use super::{DeviceError, Result};
use std::sync::OnceLock;

/// Set once by the first failed write or sync; from then on every call fails with that cause.
#[derive(Debug, Default)]
pub struct Poison(OnceLock<DeviceError>);

impl Poison {
    /// Fails if the device is poisoned.
    ///
    /// # Errors
    /// `Poisoned`, with the first cause.
    pub fn check(&self) -> Result<()> {
        match self.0.get() {
            None => Ok(()),
            Some(first) => Err(first.as_poison()),
        }
    }

    /// Passes a result of a write or sync through, and remembers its error.
    ///
    /// # Errors
    /// That of the result itself.
    pub fn guard<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            // Only the first cause counts; a second one is its consequence.
            let _ = self.0.set(error.clone());
        }
        result
    }
}
