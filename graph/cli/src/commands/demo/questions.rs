//! What an application asks of the package graph: each question one query of the library.
//!
//! This is how a program of one's own reads; the command around it only prints.

use foliograph::{Database, Direction, IndexOn, NodeId, ReadError, Snapshot, WriteError};

/// A question, and its answer in lines.
pub struct Answer {
    pub question: &'static str,
    pub lines: Vec<String>,
}

/// An index over the sizes of packages: made once, kept by every change from then on.
pub fn prepare(db: &Database) -> Result<(), WriteError> {
    let mut tx = db.begin_write()?;
    tx.create_index(IndexOn::Label("package"), "size", false)?;
    tx.commit()?;
    Ok(())
}

/// All questions with their answers.
pub fn answers(debian: &Snapshot) -> Result<Vec<Answer>, ReadError> {
    Ok(vec![
        Answer {
            question: "Which packages depend on zlib1g (the first ten)?",
            lines: dependents(debian, "zlib1g", 10)?,
        },
        Answer { question: "What else is installed by curl?", lines: installed(debian, "curl")? },
        Answer {
            question: "Why does firefox-esr need zlib1g?",
            lines: reason(debian, "firefox-esr", "zlib1g")?,
        },
        Answer { question: "Which ten packages do most others depend on?", lines: most_needed(debian, 10)? },
        Answer { question: "Which are the largest games?", lines: largest(debian, "games", 5)? },
        Answer {
            question: "Which packages need each other in circles (the largest groups)?",
            lines: circles(debian, 3)?,
        },
    ])
}

fn package(debian: &Snapshot, name: &str) -> Result<NodeId, ReadError> {
    Ok(debian.node("package", name)?.unwrap_or(NodeId::MAX))
}

fn names(debian: &Snapshot, nodes: &[NodeId]) -> Result<String, ReadError> {
    let names: Vec<String> = nodes.iter().map(|node| debian.name(*node)).collect::<Result<_, _>>()?;
    Ok(names.join(", "))
}

/// Reverse dependencies: edges are kept in both directions, so this reads one list.
fn dependents(debian: &Snapshot, name: &str, most: usize) -> Result<Vec<String>, ReadError> {
    let dependents = debian.neighbors(package(debian, name)?).incoming().of_type("depends");
    dependents.into_iter().take(most).map(|package| debian.name(package?.id)).collect()
}

/// Everything that `depends` and `pre_depends` reach, level by level.
fn installed(debian: &Snapshot, name: &str) -> Result<Vec<String>, ReadError> {
    let reached =
        debian.bfs(package(debian, name)?).of_type("depends").of_type("pre_depends").collect_levels()?;
    let line = |(depth, level): (usize, &Vec<NodeId>)| {
        let shown = &level[..level.len().min(8)];
        let more = if shown.len() < level.len() { ", …" } else { "" };
        Ok(format!("{} at {depth}: {}{more}", level.len(), names(debian, shown)?))
    };
    reached.iter().enumerate().skip(1).map(line).collect()
}

/// The shortest path of dependencies.
fn reason(debian: &Snapshot, from: &str, to: &str) -> Result<Vec<String>, ReadError> {
    let path =
        debian.shortest_path(package(debian, from)?, package(debian, to)?).of_type("depends").find()?;
    path.map_or(Ok(Vec::new()), |path| path.nodes.iter().map(|node| debian.name(*node)).collect())
}

/// The highest degrees, counted on the side of the targets.
fn most_needed(debian: &Snapshot, most: usize) -> Result<Vec<String>, ReadError> {
    let degrees = debian.degrees().direction(Direction::In).of_type("depends").run()?;
    let line = |(node, degree)| Ok(format!("{degree:>6}  {}", debian.name(node)?));
    degrees.top(most).into_iter().map(line).collect()
}

/// Packages of a section, largest first, through the index over sizes.
fn largest(debian: &Snapshot, section: &str, most: usize) -> Result<Vec<String>, ReadError> {
    let games = debian.nodes("package").with("section", section).ordered_by("size").descending();
    let line = |node: Result<NodeId, ReadError>| {
        let node = node?;
        let megabytes = debian.get::<i64>(node, "size")?.unwrap_or(0) as f64 / 1e6;
        Ok(format!("{megabytes:>6.0} MB  {}", debian.name(node)?))
    };
    games.into_iter().take(most).map(line).collect()
}

/// Strongly connected groups of `depends`.
fn circles(debian: &Snapshot, most: usize) -> Result<Vec<String>, ReadError> {
    let groups = debian.strongly_connected().of_type("depends").groups()?;
    let line = |group: &Vec<NodeId>| {
        let more = if group.len() > 6 { ", …" } else { "" };
        Ok(format!("{} packages: {}{more}", group.len(), names(debian, &group[..group.len().min(6)])?))
    };
    groups.iter().take(most).map(line).collect()
}
