//! Nothing: this package is its benchmarks, `device` and `graph`.
