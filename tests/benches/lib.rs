//! Nothing: this package is its benchmarks, `device`, `graph`, `commit` and `linkbench`.
