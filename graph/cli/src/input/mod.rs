//! Input files of `import` and `apply`: opening, telling what they are, and feeding their rows to a load.
//!
//! - [`mod@file`]: one input, that can be read as often as one likes (stdin is kept in a temporary file for that).
//! - [`plan`]: what each file is, from the command line, its name and its content.
//! - [`load`]: rows into a bulk load, from the start again where a reader's guess did not hold.

pub mod file;
pub mod load;
pub mod plan;
