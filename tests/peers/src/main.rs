//! The same workloads on Foliograph and on its peers: other embedded stores, and arrays in memory as the ceiling.
//!
//! `peers run` does one workload of one peer on one graph and prints one line of JSON; `peers all` calls itself for many,
//! the peers in turn, round by round, compares their checksums, and prints tables. README.md says what is what.

mod all;
mod floor;
mod graph;
mod measure;
mod peer;
mod peers;
mod plot;
mod rng;
mod table;
mod work;

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Whatever failed.
pub type Error = Box<dyn std::error::Error>;

/// A result with any error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where everything is kept that can be made again.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

#[derive(Parser)]
#[command(about = "The same workloads on Foliograph and on other embedded stores")]
enum Command {
    /// One workload of one peer on one graph: prints one line of JSON.
    Run(work::Job),
    /// Many, each in a process of its own, peers in turn: prints tables.
    All(all::All),
    /// A picture of how cost grows with the graph, of what `all` wrote.
    Plot(plot::Plot),
    /// Makes a graph and says how large it is.
    Graph {
        /// rmat14, rmat22, cnr-2000, debian, …
        name: String,
    },
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Run(job) => all::run_here(&job),
        Command::All(all) => all::run(&all),
        Command::Plot(plot) => plot::run(&plot),
        Command::Graph { name } => graph::Graph::load(&name).map(|graph| {
            let (nodes, edges, hub) = (graph.nodes, graph.edges.len(), graph.hub());
            println!("{name}: {nodes} nodes, {edges} edges, most leave {hub}");
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}
