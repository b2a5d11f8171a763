//! Values as text: what csv and tsv files, JSON lines and the command line write and read.
//!
//! - [`types`]: the types a column may have, by the names that headers give them.
//! - [`mod@read`]: a field's text and a type make a value; [`mod@write`]: the way back. What `write` writes, `read` reads as
//!   the same value, bit for bit but for the payload of a NaN.
//! - [`json`]: the same as JSON.
//!
//! Nothing here knows of files, quotes or separators of fields: that is `import` and `export`.

pub mod json;
pub mod read;
pub mod types;
pub mod write;

pub use read::{NotOfType, read_value};
pub use types::{ColumnType, Scalar};
pub use write::{TextFits, write_value};
