//! Nothing: this package is its test binary `suite` (see `main.rs` beside this file).
