//! Nothing: this package is its benchmarks, `device`, `fio`, `graph`, `commit` and `linkbench`.
