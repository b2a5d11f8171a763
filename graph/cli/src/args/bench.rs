//! The words of `bench`.

use std::path::PathBuf;

use clap::Args;

/// What to measure, and how long.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// A store to read: it is never written, so writes and commits are left out. Without it a store is made for the
    /// measurement, on each backend, and removed afterwards
    pub store: Option<PathBuf>,
    /// Nodes of the store that is made: 2 to the power of N, with some ten edges each
    #[arg(long, value_name = "N", default_value_t = 16, conflicts_with = "store",
          value_parser = clap::value_parser!(u32).range(8..=22))]
    pub scale: u32,
    /// The directory where it is made, so the disk that is measured
    #[arg(long, value_name = "DIR", default_value = ".", conflicts_with = "store")]
    pub dir: PathBuf,
    /// How many times the backends take turns; the median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Draw the table into this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}
