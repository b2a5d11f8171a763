//! Drawings as SVG: [`bars`] for `bench`, [`degrees`] for `stats`, [`map`] of pages for `pages`. Plain files that any
//! browser shows.

pub mod bars;
pub mod degrees;
pub mod map;

use std::path::Path;

use crate::failure::Failure;

/// Writes a drawing; `-` is not meant as stdout here, for data goes there.
pub fn write(path: &Path, drawing: &str) -> Result<(), Failure> {
    std::fs::write(path, drawing).map_err(|e| Failure::writing(&path.display().to_string(), &e))
}
