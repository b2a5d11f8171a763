//! Nothing: this package is its benchmarks, `device`, `graph` and `commit`.
