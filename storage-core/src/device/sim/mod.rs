//! A simulated disk: what a power cut can leave of any history of calls, and everything else a disk can do wrong.
//!
//! - [`SimDevice`] is a [`PageDevice`](super::PageDevice) in memory, with a volatile image (what `read` sees), a durable
//!   one, and the list of operations in between.
//! - Its [`Journal`] holds every operation, so that a history runs **once**; [`Journal::states`] then walks over every
//!   point at which the power could have gone, each with its [`Pending`]: the durable image and what was unsynced.
//! - [`Pending`] makes the states: all subsets, corner cases, or random ones, torn at 512 bytes.
//! - [`SimDevice::from_image`] opens such a state, like a file after the power came back.
//!
//! Must always be true: a seed reproduces everything. Nothing here uses time, addresses or a dependency's generator.
//!
//! It does not model two calls that overlap in time: calls of several threads stand in the journal one after the other.

mod apply;
mod device;
mod image;
mod inject;
mod journal;
mod landing;
mod open;
mod pending;
pub mod rng;
#[cfg(test)]
mod tests;

pub use device::SimDevice;
pub use image::{Image, content_hash};
pub use journal::{Block, Journal, Moment, Point, State, States, Step};
pub use landing::{Fate, Outcome, SECTOR_LEN};
pub use pending::{Pending, Unit};
pub use rng::Rng;
