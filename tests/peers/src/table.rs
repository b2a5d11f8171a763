//! Tables of medians, with the least and the most of all rounds.

use crate::all::Line;
use crate::measure::quantile;
use std::fmt::Write;

/// All workloads of one graph.
pub fn markdown(graph: &str, lines: &[Line]) -> String {
    let mut text = format!("## {graph}\n");
    for work in unique(lines.iter().map(|line| line.work.as_str())) {
        let lines: Vec<&Line> = lines.iter().filter(|line| line.work == work).collect();
        let _ = write!(text, "\n### {graph}: {work}\n\n{}", one(&lines));
    }
    text
}

/// In the order in which they come first.
fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn one(lines: &[&Line]) -> String {
    let measures = lines.iter().flat_map(|line| &line.outcome.measures);
    let columns = unique(measures.map(|measure| measure.name.as_str()));
    let mut text = format!("| | {} |\n|---|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
    let mut remarks = String::new();
    for peer in unique(lines.iter().map(|line| line.peer.as_str())) {
        let lines: Vec<&&Line> = lines.iter().filter(|line| line.peer == peer).collect();
        let cells: Vec<String> = columns.iter().map(|column| cell(&lines, column)).collect();
        let _ = writeln!(text, "| {peer} | {} |", cells.join(" | "));
        let notes = lines.last().map(|line| line.outcome.notes.join("; ")).unwrap_or_default();
        let settings = lines.last().map(|line| line.outcome.settings.as_str()).unwrap_or_default();
        let _ = writeln!(remarks, "- {peer}: {}", [settings, &notes].join(". ").trim_end_matches(". "));
    }
    format!("{text}\n{remarks}")
}

fn cell(lines: &[&&Line], column: &str) -> String {
    let measures = lines.iter().flat_map(|line| &line.outcome.measures);
    let mut values: Vec<f64> = measures.filter(|m| m.name == column).map(|m| m.value).collect();
    if values.is_empty() {
        return "–".to_owned();
    }
    let [least, median, most] = [0.0, 0.5, 1.0].map(|part| number(quantile(&mut values, part)));
    if least == most { median } else { format!("{median} ({least}–{most})") }
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{:.2} M", value / 1e6),
        size if size >= 1e4 => format!("{:.0} k", value / 1e3),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
