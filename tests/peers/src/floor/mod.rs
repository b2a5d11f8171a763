//! The floors: what the device does without a store.

pub mod append;
pub mod fio;
pub mod pread;
