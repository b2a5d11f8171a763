//! The words of `apply`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use foliograph::{Durability, PageSize};

use super::parse_page_size;

/// Which changes.
#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// The store's file; created where there is none
    pub store: PathBuf,
    /// JSON lines; - is stdin
    pub file: PathBuf,
    /// Lines to a commit
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub commit_every: u64,
    /// When a commit is durable
    #[arg(long, value_enum, default_value_t = DurabilityArg::Full)]
    pub durability: DurabilityArg,
    /// Print `committed LINE` after each commit
    #[arg(long)]
    pub acks: bool,
    /// Bytes of a page, where the store is created
    #[arg(long, value_name = "SIZE", value_parser = parse_page_size)]
    pub page_size: Option<PageSize>,
}

/// When a commit is durable.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum DurabilityArg {
    /// When it is acknowledged: it is in the log
    Full,
    /// Some moments later: a crash loses the last commits, but none before one that it keeps
    Relaxed,
    /// When it is acknowledged, without the log: all that was changed is in its place
    Checkpoint,
}

impl From<DurabilityArg> for Durability {
    fn from(arg: DurabilityArg) -> Self {
        match arg {
            DurabilityArg::Full => Durability::Full,
            DurabilityArg::Relaxed => Durability::Relaxed,
            DurabilityArg::Checkpoint => Durability::Checkpoint,
        }
    }
}
