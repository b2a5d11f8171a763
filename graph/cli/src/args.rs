//! The command line's words: global options, which may stand before or after the command, and one struct a command.

mod algo;
mod apply;
mod bench;
mod import;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use foliograph::{Backend, PageSize};

use crate::size::{CacheSize, parse_bytes, parse_cache, parse_log};

pub use algo::{AlgoArgs, Algorithm};
pub use apply::ApplyArgs;
pub use bench::BenchArgs;
pub use import::{Format, Ids, ImportArgs, OnRowError};

/// An embedded graph store: import, query, inspect.
#[derive(Parser, Debug)]
#[command(name = "foliograph", version, about, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// How pages are read and written: file, mmap, uring or auto
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub backend: Option<Backend>,
    /// Page cache, in bytes (64MiB) or pages (16p)
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_cache, help_heading = "Global options")]
    pub cache: Option<CacheSize>,
    /// Memory for changes and sorting
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_bytes, help_heading = "Global options")]
    pub memory: Option<usize>,
    /// The most that the log takes in the file, from 512KiB to 1GiB
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_log, help_heading = "Global options")]
    pub log_size: Option<u64>,
    /// Pass by the system's page cache (O_DIRECT)
    #[arg(long, global = true, help_heading = "Global options")]
    pub direct: bool,
    /// Print JSON
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Print errors only, no notes
    #[arg(long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// No progress bars
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_progress: bool,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Create a store from files, or add files to one
    Import(ImportArgs),
    /// Write nodes and edges to files
    Export(ExportArgs),
    /// Show a node
    Get(NodeArgs),
    /// List nodes
    Nodes(NodesArgs),
    /// List a node's neighbours
    Neighbors(NeighborsArgs),
    /// Count a node's edges
    Degree(WalkArgs),
    /// Breadth-first search
    Bfs(BfsArgs),
    /// Find a shortest path
    Path(PathArgs),
    /// Compute something for every node
    Algo(AlgoArgs),
    /// List, make and drop property indexes
    Index(IndexArgs),
    /// Count what a store holds
    Stats(StatsArgs),
    /// Look for damage
    Check(StoreArgs),
    /// List the pages
    Pages(PagesArgs),
    /// Show one page
    Page(PageArgs),
    /// Show the log's groups and records
    Wal(StoreArgs),
    /// Copy a store, consistently
    Backup(BackupArgs),
    /// Save what is readable of a damaged store into a new one
    Recover(RecoverArgs),
    /// Write a store anew, densely, and give space back
    Compact(StoreArgs),
    /// Apply changes from JSON lines
    Apply(ApplyArgs),
    /// Measure reads, scans, writes and commits here, on every backend side by side
    Bench(BenchArgs),
    /// Build a store from an embedded graph and show the commands at work
    Demo(DemoArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}

/// The store alone.
#[derive(Args, Debug)]
pub struct StoreArgs {
    /// The store's file
    pub store: PathBuf,
}

/// Where rows go.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The store's file
    pub store: PathBuf,
    /// Where everything goes, in a format of one file (jsonl, graphml, dot, edgelist); - is stdout
    #[arg(value_name = "FILE", conflicts_with_all = ["nodes", "edges"])]
    pub file: Option<PathBuf>,
    /// Where nodes go; - is stdout
    #[arg(long, value_name = "FILE")]
    pub nodes: Option<PathBuf>,
    /// Where edges go; - is stdout
    #[arg(long, value_name = "FILE")]
    pub edges: Option<PathBuf>,
    /// How they are written; without it by the files' names, else tsv (jsonl where everything goes to one file)
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    /// Leave out what the format cannot hold, and say what
    #[arg(long)]
    pub lossy: bool,
}

/// Formats of output.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum ExportFormat {
    Edgelist,
    Csv,
    Tsv,
    Jsonl,
    Graphml,
    Dot,
}

/// A store and a node.
#[derive(Args, Debug)]
pub struct NodeArgs {
    /// The store's file
    pub store: PathBuf,
    /// LABEL/KEY, KEY or @ID
    pub node: String,
}

/// Which nodes.
#[derive(Args, Debug)]
pub struct NodesArgs {
    /// The store's file
    pub store: PathBuf,
    /// Only nodes with this label
    #[arg(long)]
    pub label: Option<String>,
    /// Only nodes whose property is =, <, <=, >, >= a value or begins with it (^=); may repeat
    #[arg(long = "where", value_name = "PROPERTY=VALUE")]
    pub conditions: Vec<String>,
    /// At most so many
    #[arg(long)]
    pub limit: Option<u64>,
}

/// Which edges are followed.
#[derive(Args, Debug)]
pub struct StepArgs {
    /// Which way edges are followed; without it out, or both where all types are undirected
    #[arg(long, value_enum)]
    pub direction: Option<Way>,
    /// Only edges of this type; may repeat
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
}

/// Which way edges are followed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum Way {
    Out,
    In,
    Both,
}

/// A node and its edges.
#[derive(Args, Debug)]
pub struct WalkArgs {
    /// The store's file
    pub store: PathBuf,
    /// LABEL/KEY, KEY or @ID
    pub node: String,
    #[command(flatten)]
    pub steps: StepArgs,
}

/// Which neighbours.
#[derive(Args, Debug)]
pub struct NeighborsArgs {
    #[command(flatten)]
    pub walk: WalkArgs,
    /// At most so many
    #[arg(long)]
    pub limit: Option<u64>,
    /// Show the edges' properties
    #[arg(long)]
    pub properties: bool,
}

/// How far.
#[derive(Args, Debug)]
pub struct BfsArgs {
    #[command(flatten)]
    pub walk: WalkArgs,
    /// No further than so many edges
    #[arg(long)]
    pub depth: Option<u64>,
    /// Only how many nodes are reached, and how far the farthest is
    #[arg(long)]
    pub summary: bool,
}

/// From where to where.
#[derive(Args, Debug)]
pub struct PathArgs {
    /// The store's file
    pub store: PathBuf,
    /// Where it begins: LABEL/KEY, KEY or @ID
    pub from: String,
    /// Where it ends
    pub to: String,
    #[command(flatten)]
    pub steps: StepArgs,
    /// The path with the least sum of this property of its edges
    #[arg(long, value_name = "PROPERTY")]
    pub weight: Option<String>,
}

/// Which index, and what to do with it.
#[derive(Args, Debug)]
pub struct IndexArgs {
    /// The store's file
    pub store: PathBuf,
    #[command(subcommand)]
    pub action: IndexAction,
}

/// What to do with indexes.
#[derive(Subcommand, Debug)]
pub enum IndexAction {
    /// List them
    List,
    /// Make one over what is there and what is to come
    Create {
        #[command(flatten)]
        indexed: IndexedArgs,
        /// No two may have the same value
        #[arg(long)]
        unique: bool,
    },
    /// Drop one
    Drop {
        #[command(flatten)]
        indexed: IndexedArgs,
    },
}

/// What an index is over.
#[derive(Args, Debug)]
pub struct IndexedArgs {
    /// The label of nodes, or with --edge-type the type of edges
    #[arg(value_name = "LABEL")]
    pub name: String,
    /// The property
    pub property: String,
    /// LABEL is an edge type
    #[arg(long)]
    pub edge_type: bool,
}

/// What to count.
#[derive(Args, Debug)]
pub struct StatsArgs {
    /// The store's file
    pub store: PathBuf,
    /// Draw the degrees into this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// How to show pages.
#[derive(Args, Debug)]
pub struct PagesArgs {
    /// The store's file
    pub store: PathBuf,
    /// Draw a map of the pages into this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// Which page.
#[derive(Args, Debug)]
pub struct PageArgs {
    /// The store's file
    pub store: PathBuf,
    /// The page's number
    pub id: u64,
    /// Show its bytes
    #[arg(long)]
    pub hex: bool,
}

/// What to copy, and where to.
#[derive(Args, Debug)]
pub struct BackupArgs {
    /// The store's file
    pub store: PathBuf,
    /// The copy to create
    pub to: PathBuf,
}

/// What to save, and where to.
#[derive(Args, Debug)]
pub struct RecoverArgs {
    /// The damaged store; it is only read
    pub store: PathBuf,
    /// The store to create
    pub to: PathBuf,
    /// Start from the root before the last commit
    #[arg(long)]
    pub older_root: bool,
}

/// Where the demo's store goes.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// The store to create; without it a temporary one
    pub store: Option<PathBuf>,
    /// Bytes of a page
    #[arg(long, value_name = "SIZE", value_parser = parse_page_size)]
    pub page_size: Option<PageSize>,
}

/// Which shell.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

fn parse_page_size(text: &str) -> Result<PageSize, String> {
    let wrong = || format!("`{text}` is no page size; it is a power of two from 4096 to 65536");
    let bytes = u32::try_from(parse_bytes(text)?).map_err(|_| wrong())?;
    PageSize::new(bytes).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn options_stand_before_and_after_the_command() {
        let before = Cli::try_parse_from(["foliograph", "--json", "--cache", "16p", "stats", "s"]).unwrap();
        let after = Cli::try_parse_from(["foliograph", "stats", "s", "--json", "--cache", "16p"]).unwrap();
        for cli in [before, after] {
            assert!(cli.global.json);
            assert_eq!(cli.global.cache, Some(CacheSize::Pages(16)));
        }
    }
}
