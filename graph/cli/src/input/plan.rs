//! What each file of an import is.
//!
//! The command line says it (`--nodes`, `--edges`, `--format`), or the file's name (Graphalytics), or its content. Files
//! of nodes are read before files of edges.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foliograph::import::{
    DEFAULT_LABEL, DEFAULT_TYPE, Detected, Dialect, IdMode, Spaces, TableKind, detect, read_header_file,
    read_properties,
};

use super::file::InputFile;
use crate::args::{Format, Ids, ImportArgs};
use crate::failure::Failure;

/// How a file is read.
#[derive(Clone, Debug)]
pub enum Reading {
    /// `source target [weight]`, in these words.
    EdgeList { edge_type: Arc<str> },
    /// csv or tsv.
    Table { dialect: Dialect, kind: TableKind, header: Option<InputFile>, default_name: Arc<str> },
    /// Graphalytics' nodes.
    Vertices,
    /// The lines of `apply`.
    JsonLines,
}

impl Reading {
    /// Whether its rows are, or may be, nodes.
    pub fn declares_nodes(&self) -> bool {
        self.turn() < 2
    }

    /// When it is read: nodes first, then what may be both.
    fn turn(&self) -> u8 {
        match self {
            Reading::Vertices | Reading::Table { kind: TableKind::Nodes, .. } => 0,
            Reading::JsonLines => 1,
            Reading::EdgeList { .. } | Reading::Table { .. } => 2,
        }
    }
}

/// A file and how it is read.
#[derive(Clone, Debug)]
pub struct Planned {
    pub file: InputFile,
    pub reading: Reading,
    pub undirected: bool,
}

/// All files of an import.
#[derive(Debug)]
pub struct Plan {
    pub files: Vec<Planned>,
    pub ids: IdMode,
    /// Ends of edges that no file declares become nodes.
    pub implicit_nodes: bool,
    /// What separates fields of edge lists.
    pub delimiter: Option<u8>,
    /// What the user may want to know.
    pub notes: Vec<String>,
}

/// What `--nodes` and `--edges` say of a file.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Role {
    Bare,
    Nodes,
    Edges,
}

struct Planner<'a> {
    args: &'a ImportArgs,
    temp_dir: &'a Path,
    plan: Plan,
}

/// What a store that is appended to holds before.
#[derive(Copy, Clone, Debug)]
pub struct Holds {
    /// Any node.
    pub nodes: bool,
    /// Any node with a key.
    pub keys: bool,
}

/// Plans an import, into a new store or one that holds something. Files are opened, and their first bytes looked at.
pub fn plan(args: &ImportArgs, holds: Option<Holds>, temp_dir: &Path) -> Result<Plan, Failure> {
    let ids = match args.ids {
        None => IdMode::Auto,
        Some(Ids::Int) => IdMode::Int,
        Some(Ids::Key) => IdMode::Key,
    };
    let (delimiter, files) = (args.delimiter, Vec::new());
    let plan = Plan { files, ids, implicit_nodes: false, delimiter, notes: Vec::new() };
    let mut planner = Planner { args, temp_dir, plan };
    planner.files()?;
    let mut plan = planner.plan;
    finish(&mut plan, holds)?;
    Ok(plan)
}

/// A plan for tables that are compiled in.
pub fn embedded(nodes: InputFile, edges: InputFile) -> Plan {
    let table = |file, kind, default_name: &str| Planned {
        file,
        reading: Reading::Table {
            dialect: Dialect::Tsv,
            kind,
            header: None,
            default_name: default_name.into(),
        },
        undirected: false,
    };
    let files =
        vec![table(nodes, TableKind::Nodes, DEFAULT_LABEL), table(edges, TableKind::Edges, DEFAULT_TYPE)];
    Plan { files, ids: IdMode::Auto, implicit_nodes: false, delimiter: None, notes: Vec::new() }
}

/// What depends on all files: their order, ID spaces, nodes that only edges name.
fn finish(plan: &mut Plan, holds: Option<Holds>) -> Result<(), Failure> {
    plan.files.sort_by_key(|planned| planned.reading.turn());
    let declared = plan.files.iter().any(|planned| planned.reading.declares_nodes());
    let table = plan.files.iter().find(|planned| matches!(planned.reading, Reading::Table { .. }));
    if let (false, Some(table), None) = (declared, table, holds) {
        return Err(Failure::usage(format!("{}: edges, but no file declares nodes", table.file.name))
            .hint("give a file of nodes with --nodes, or use an edge list, whose ends become nodes"));
    }
    plan.implicit_nodes = !declared && table.is_none();
    let mut spaces = Spaces::default();
    let (mut of_nodes, mut of_edges) = (Vec::new(), Vec::new());
    for (number, planned) in plan.files.iter().enumerate() {
        let Reading::Table { dialect, header, .. } = &planned.reading else { continue };
        let source = header.as_ref().unwrap_or(&planned.file);
        let header = read_header_file(source.open()?, number as u32, *dialect, &mut spaces)
            .map_err(|e| source.at(&e))?;
        of_nodes.extend(header.id_space());
        of_edges.extend(header.end_spaces().into_iter().map(|space| (space, source.name.clone())));
    }
    let elsewhere = plan.files.iter().any(|p| matches!(p.reading, Reading::Vertices | Reading::JsonLines));
    for (space, file) in of_edges.iter().filter(|_| holds.is_none()) {
        if !of_nodes.contains(space) && !elsewhere {
            let name = spaces.name(*space);
            let what =
                if name.is_empty() { "no ID space".to_owned() } else { format!("the ID space `{name}`") };
            return Err(Failure::new(format!(
                "{file}:1: edges with {what}, which no file of nodes declares"
            ))
            .hint("`:START_ID(x)` and `:END_ID(x)` name nodes of files with `:ID(x)`"));
        }
    }
    if holds.is_some() {
        // What no row declares stands in the store, whatever the space is called.
        of_nodes.extend(of_edges.iter().map(|(space, _)| *space));
    }
    of_nodes.sort_unstable();
    of_nodes.dedup();
    if of_nodes.len() > 1 {
        if plan.ids == IdMode::Int {
            return Err(Failure::usage("--ids int, but there are several ID spaces")
                .hint("the same integer may name a node in each of them: leave --ids out"));
        }
        plan.ids = IdMode::Key;
    } else if let Some(holds) = holds {
        plan.ids = plan.names_in(holds);
    }
    Ok(())
}

impl Plan {
    /// What names are, where rows are added to a store and nothing else says it. Rows of tables, and JSON lines, say
    /// themselves what they declare. Other names mean what is there: by key where there are keys, else by id.
    fn names_in(&self, holds: Holds) -> IdMode {
        let say = |planned: &Planned| match &planned.reading {
            Reading::JsonLines => true,
            Reading::Table { kind, .. } => *kind == TableKind::Nodes,
            Reading::EdgeList { .. } | Reading::Vertices => false,
        };
        match self.ids {
            IdMode::Auto if !holds.nodes || self.files.iter().any(say) => IdMode::Auto,
            IdMode::Auto if holds.keys => IdMode::Key,
            IdMode::Auto => IdMode::Int,
            asked => asked,
        }
    }
}

impl Planner<'_> {
    fn files(&mut self) -> Result<(), Failure> {
        let args = self.args;
        if args.files.is_empty() && args.nodes.is_empty() && args.edges.is_empty() {
            return Err(Failure::usage("no file to import").hint("name files, or - for stdin"));
        }
        let all = args.files.iter().chain(&args.nodes).chain(&args.edges);
        if all.flat_map(|file| file.split(['=', ','])).filter(|part| *part == "-").count() > 1 {
            return Err(Failure::usage("stdin can be read only once"));
        }
        for file in &args.nodes {
            self.named(file, Role::Nodes)?;
        }
        let mut done: Vec<PathBuf> = Vec::new();
        for file in &args.files {
            self.bare(file, &mut done)?;
        }
        for file in &args.edges {
            self.named(file, Role::Edges)?;
        }
        Ok(())
    }

    fn open(&self, path: &str) -> Result<InputFile, Failure> {
        InputFile::new(path, self.temp_dir)
    }

    /// `[NAME=]FILE` or `[NAME=]HEADER,FILE`; a file that is called like that as a whole is that file.
    fn named(&mut self, text: &str, role: Role) -> Result<(), Failure> {
        let exists = |path: &str| path == "-" || Path::new(path).exists();
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) if !exists(text) => (Some(name), rest),
            _ => (None, text),
        };
        if name.is_some_and(str::is_empty) {
            return Err(Failure::usage(format!("`{text}`: nothing stands before the `=`")));
        }
        let (header, path) = match rest.split_once(',') {
            Some((header, path)) if !exists(rest) => (Some(self.open(header)?), path),
            _ => (None, rest),
        };
        let file = self.open(path)?;
        self.add(file, role, name, header)
    }

    /// A file alone: one of Graphalytics' by its name, else by its content.
    fn bare(&mut self, path: &str, done: &mut Vec<PathBuf>) -> Result<(), Failure> {
        if done.iter().any(|known| known == Path::new(path)) {
            return Ok(());
        }
        if matches!(self.args.format, Format::Auto | Format::Graphalytics)
            && let Some(set) = DataSet::of(path, self.args.format == Format::Graphalytics)
        {
            return self.data_set(path, set, done);
        }
        if self.args.format == Format::Graphalytics {
            return Err(Failure::new(format!("{path}: a Graphalytics data set needs NAME.v and NAME.e"))
                .hint("name one of the two, or NAME.properties beside them"));
        }
        let file = self.open(path)?;
        self.add(file, Role::Bare, None, None)
    }

    fn data_set(&mut self, path: &str, set: DataSet, done: &mut Vec<PathBuf>) -> Result<(), Failure> {
        let mut undirected = self.args.undirected;
        if let Some(properties) = &set.properties {
            let file = self.open(&properties.to_string_lossy())?;
            let properties = read_properties(file.open()?, 0).map_err(|e| file.at(&e))?;
            undirected |= properties.directed == Some(false);
        }
        for (part, reading) in [
            (&set.vertices, Reading::Vertices),
            (&set.edges, Reading::EdgeList { edge_type: DEFAULT_TYPE.into() }),
        ] {
            if part != Path::new(path) && !self.args.files.iter().any(|file| Path::new(file) == part) {
                self.plan.notes.push(format!("note: reading {} as well", part.display()));
            }
            let file = self.open(&part.to_string_lossy())?;
            not_empty(&file)?;
            self.plan.files.push(Planned { file, reading, undirected });
        }
        done.extend([Some(set.vertices), Some(set.edges), set.properties].into_iter().flatten());
        Ok(())
    }

    fn add(
        &mut self,
        file: InputFile,
        role: Role,
        name: Option<&str>,
        header: Option<InputFile>,
    ) -> Result<(), Failure> {
        let detected = self.detect(&file, header.as_ref())?;
        let wrong = |what: &str| Failure::new(format!("{}: {what}", file.name));
        let reading = match detected {
            Detected::JsonLines if name.is_some() || header.is_some() => {
                return Err(wrong("JSON lines name labels and types themselves").hint("give the file alone"));
            }
            Detected::JsonLines if self.args.undirected => {
                return Err(wrong("JSON lines say themselves which edge types are undirected")
                    .hint("for example {\"op\":\"edge_type\",\"type\":\"near\",\"undirected\":true}"));
            }
            Detected::JsonLines => Reading::JsonLines,
            Detected::EdgeList if role == Role::Nodes => {
                return Err(wrong("nodes need a header line").hint("for example `:ID,:LABEL,born:int`"));
            }
            Detected::EdgeList => Reading::EdgeList { edge_type: name.unwrap_or(DEFAULT_TYPE).into() },
            Detected::Table(dialect, kind) => {
                match (role, kind) {
                    (Role::Nodes, TableKind::Edges) => {
                        return Err(wrong("its header is that of edges, not of nodes"));
                    }
                    (Role::Edges, TableKind::Nodes) => {
                        return Err(wrong("its header is that of nodes, not of edges"));
                    }
                    _ => {}
                }
                let default = if kind == TableKind::Nodes { DEFAULT_LABEL } else { DEFAULT_TYPE };
                Reading::Table { dialect, kind, header, default_name: name.unwrap_or(default).into() }
            }
        };
        let undirected = self.args.undirected;
        self.plan.files.push(Planned { file, reading, undirected });
        Ok(())
    }

    /// What a file is: as `--format` says, else by the content of its header's file or of itself.
    fn detect(&self, file: &InputFile, header: Option<&InputFile>) -> Result<Detected, Failure> {
        not_empty(file)?;
        let source = header.unwrap_or(file);
        let found = |input: &foliograph::import::Input| detect(input.head(), 0).map_err(|e| source.at(&e));
        let dialect = match self.args.format {
            Format::Edgelist => return Ok(Detected::EdgeList),
            Format::Jsonl => return Ok(Detected::JsonLines),
            Format::Graphalytics => {
                return Err(Failure::usage(
                    "--format graphalytics takes bare files, not --nodes and --edges",
                ));
            }
            Format::Csv => Some(Dialect::Csv(self.args.delimiter.unwrap_or(b','))),
            Format::Tsv => Some(Dialect::Tsv),
            Format::Auto => self.args.delimiter.map(Dialect::Csv),
        };
        let input = source.open()?;
        let detected = match (self.args.format, dialect) {
            // A delimiter alone does not say whether there is a header.
            (Format::Auto, Some(dialect)) => match found(&input) {
                Ok(Detected::Table(_, kind)) => Detected::Table(dialect, kind),
                Ok(other) => other,
                Err(_) => Detected::EdgeList,
            },
            (_, Some(dialect)) => {
                let header = read_header_file(input, 0, dialect, &mut Spaces::default());
                return header.map(|h| Detected::Table(dialect, h.kind())).map_err(|e| source.at(&e));
            }
            (_, None) => found(&input)?,
        };
        Ok(detected)
    }
}

fn not_empty(file: &InputFile) -> Result<(), Failure> {
    match file.open()?.head() {
        [] => Err(Failure::new(format!("{}: the file is empty", file.name))),
        _ => Ok(()),
    }
}

/// A Graphalytics data set: files beside each other whose names differ in their endings.
struct DataSet {
    vertices: PathBuf,
    edges: PathBuf,
    properties: Option<PathBuf>,
}

/// Endings of compressed files.
const PACKED: [&str; 4] = ["", ".gz", ".zst", ".xz"];

impl DataSet {
    /// The data set that a file belongs to: both its vertices and its edges must be there. With `by_stem` the path may be
    /// the name without an ending.
    fn of(path: &str, by_stem: bool) -> Option<DataSet> {
        let unpacked = PACKED[1..].iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(path);
        let stem = [".v", ".e", ".properties"].iter().find_map(|ending| unpacked.strip_suffix(ending));
        let stem = stem.or(by_stem.then_some(path))?;
        let find = |ending: &str| {
            let named = PACKED.iter().map(|packed| PathBuf::from(format!("{stem}{ending}{packed}")));
            // The file that was named comes before others of the same name.
            let mut there: Vec<PathBuf> = named.filter(|path| path.is_file()).collect();
            there.sort_by_key(|found| found != Path::new(path));
            there.into_iter().next()
        };
        Some(DataSet { vertices: find(".v")?, edges: find(".e")?, properties: find(".properties") })
    }
}
