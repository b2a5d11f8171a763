//! The words of `algo`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::StepArgs;

/// What to compute for every node.
#[derive(Args, Debug)]
pub struct AlgoArgs {
    /// The store's file
    pub store: PathBuf,
    /// What to compute
    #[arg(value_enum)]
    pub name: Algorithm,
    #[command(flatten)]
    pub steps: StepArgs,
    /// Where bfs and sssp begin: LABEL/KEY, KEY or @ID
    #[arg(long, value_name = "NODE")]
    pub source: Option<String>,
    /// The property of edges that sssp adds up; without it `weight`
    #[arg(long, value_name = "PROPERTY")]
    pub weight: Option<String>,
    /// How many iterations of pagerank (without it 30) or cdlp (10)
    #[arg(long, value_name = "N")]
    pub iterations: Option<u64>,
    /// The chance that pagerank follows an edge; without it 0.85
    #[arg(long, value_name = "D")]
    pub damping: Option<f64>,
    /// Where results go; without it, or with -, to stdout
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Ids in place of names
    #[arg(long)]
    pub ids: bool,
}

/// What can be computed for every node.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum Algorithm {
    /// Edges from the source
    Bfs,
    /// The least sum of weights from the source
    Sssp,
    /// PageRank
    Pagerank,
    /// The smallest id of the weakly connected component
    Wcc,
    /// The smallest id of the strongly connected component
    Scc,
    /// The community, by label propagation: an id
    Cdlp,
    /// The local clustering coefficient
    Lcc,
    /// In how many triangles the node is
    Triangles,
}
