//! Pages, page devices and the pager: everything about Foliograph's storage that is not one operating-system interface.
//!
//! - [`page`]: page ids, buffers, header, checksum, and [`page::Written`], the name of a page that is on the device.
//! - [`device`]: the contract [`device::PageDevice`], wrappers around any device, a device in memory and a simulated one.
//! - [`pager`]: copy-on-write pages, cache, allocation map, snapshots, transactions, checkpoint, recovery.
//! - [`conformance`]: the suite that tells whether a device keeps its promises; see [`device_tests!`].
//!
//! Calls go down only, results come up as return values. This crate opens no file.

#![warn(clippy::missing_errors_doc)]

#[cfg(all(feature = "planted-bugs", not(debug_assertions)))]
compile_error!("planted-bugs breaks the store on purpose: it exists only for tests, with debug assertions");

pub mod conformance;
pub mod device;
pub mod page;
pub mod pager;
pub mod planted;
