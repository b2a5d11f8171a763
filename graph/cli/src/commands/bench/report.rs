//! What was measured, as a table, as JSON and as a chart.

use serde_json::{Map, Value as Json, json};

use super::column::Column;
use super::measure::Measured;
use crate::failure::Failure;
use crate::output::thousands;
use crate::svg::bars::{Chart, Group};

/// How a row's values are shown. They are measured in seconds for each thing.
#[derive(Copy, Clone, Debug)]
pub enum Unit {
    /// A time: less is better.
    Micros,
    /// A time: less is better.
    Millis,
    /// Things a second: more is better.
    Rate(&'static str),
    /// No time, but a ratio of two.
    Ratio,
}

/// A line of the table: a value for each column, where its backend runs.
#[derive(Debug)]
pub struct Row {
    pub id: &'static str,
    pub what: String,
    pub unit: Unit,
    pub values: Vec<Option<f64>>,
}

/// The head of a column.
#[derive(Debug)]
struct Head {
    asked: &'static str,
    /// The backend that is active, or why none is.
    active: Result<&'static str, String>,
    fallback: Option<String>,
}

impl Head {
    fn name(&self) -> String {
        match &self.active {
            Ok(active) if *active != self.asked => format!("{}: {active}", self.asked),
            _ => self.asked.to_owned(),
        }
    }

    /// What should be said of it below the table.
    fn remark(&self) -> Option<String> {
        match (&self.active, &self.fallback) {
            (Err(why), _) => Some(format!("{}: {why}", self.asked)),
            (Ok(active), Some(why)) => Some(format!("{}: {active} is used, for {why}", self.asked)),
            _ => None,
        }
    }
}

/// All that is said.
#[derive(Debug)]
pub struct Report {
    /// Names and what they mean, above the table.
    about: Vec<(&'static str, String)>,
    heads: Vec<Head>,
    rows: Vec<Row>,
    /// Nodes, edges, bytes of a page.
    counts: (u64, u64, usize),
    direct: bool,
}

impl Report {
    /// Of these columns.
    pub fn new(graph: String, direct: bool, measured: Measured, columns: &[Column]) -> Result<Self, Failure> {
        let Measured { rows, nodes, edges, page_size } = measured;
        let cache = if direct { "not through the system's cache (--direct)" } else { "warm" };
        let head = |column: &Column| {
            let info = column.state.as_ref().map(|running| running.db.device_info());
            Head {
                asked: column.backend.name(),
                fallback: info.as_ref().ok().and_then(|info| info.fallback.clone()),
                active: info.map(|info| info.backend).map_err(Clone::clone),
            }
        };
        let about = vec![
            ("graph", format!("{} nodes, {} edges: {graph}", thousands(nodes), thousands(edges))),
            ("pages", format!("{} bytes", thousands(page_size as u64))),
            (
                "reads",
                format!("{cache}: what is read was read once before; the rows of pages ask the device alone"),
            ),
            ("writes", "durable when they return; checkpoints run beside them".to_owned()),
            ("values", "medians; the backends take turns".to_owned()),
        ];
        let heads = columns.iter().map(head).collect();
        Ok(Report { about, heads, rows, counts: (nodes, edges, page_size), direct })
    }

    /// As one JSON object; times in seconds.
    pub fn to_json(&self) -> Json {
        let head = |head: &Head| {
            json!({
                "name": head.asked,
                "active": head.active.as_ref().ok(),
                "fallback": head.fallback,
                "cannot_run": head.active.as_ref().err(),
            })
        };
        let row = |row: &Row| {
            let values = self.heads.iter().zip(&row.values);
            let values =
                values.map(|(head, value)| (head.asked.to_owned(), json!(value.map(|v| row.unit.plain(v)))));
            json!({
                "id": row.id,
                "what": row.what,
                "unit": row.unit.word(),
                "values": Json::Object(values.collect::<Map<_, _>>()),
            })
        };
        json!({
            "nodes": self.counts.0,
            "edges": self.counts.1,
            "page_size": self.counts.2,
            "direct": self.direct,
            "backends": self.heads.iter().map(head).collect::<Vec<_>>(),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }

    /// As text.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.about.iter().map(|(name, text)| format!("{name:<8}{text}")).collect();
        lines.push(String::new());
        let names = self.heads.iter().map(Head::name).collect();
        let mut table: Vec<(&str, Vec<String>)> = vec![("", names)];
        table.extend(self.rows.iter().map(|row| {
            let cells = row.values.iter().map(|value| value.map_or("-".to_owned(), |v| row.unit.shown(v)));
            (row.what.as_str(), cells.collect())
        }));
        let widest =
            |texts: &mut dyn Iterator<Item = &str>| texts.map(|t| t.chars().count()).max().unwrap_or(0);
        let first = widest(&mut table.iter().map(|(what, _)| *what));
        let rest = widest(&mut table.iter().flat_map(|(_, cells)| cells.iter().map(String::as_str)));
        for (what, cells) in table {
            let cells: String = cells.iter().map(|cell| format!("  {cell:>rest$}")).collect();
            lines.push(format!("{what:<first$}{cells}"));
        }
        let remarks: Vec<String> = self.heads.iter().filter_map(Head::remark).collect();
        if !remarks.is_empty() {
            lines.push(String::new());
            lines.extend(remarks);
        }
        lines
    }

    /// As a chart: each row's fastest backend has the longest bar.
    pub fn chart(&self) -> Chart {
        let groups = self.rows.iter().filter(|row| !matches!(row.unit, Unit::Ratio)).map(|row| {
            let least = row.values.iter().flatten().copied().fold(f64::INFINITY, f64::min);
            let bar = |value: &Option<f64>| value.map(|v| (least / v, row.unit.shown(v)));
            Group { what: row.what.clone(), bars: row.values.iter().map(bar).collect() }
        });
        Chart {
            title: "Reads, writes and commits by backend".into(),
            about: self.about.iter().map(|(name, text)| format!("{name}: {text}")).collect(),
            names: self.heads.iter().map(Head::name).collect(),
            groups: groups.collect(),
            remarks: self.heads.iter().filter_map(Head::remark).collect(),
        }
    }
}

impl Unit {
    /// Its name in JSON.
    fn word(self) -> String {
        match self {
            Unit::Micros | Unit::Millis => "seconds".into(),
            Unit::Rate(things) => format!("{things} a second"),
            Unit::Ratio => "ratio".into(),
        }
    }

    /// The number for machines.
    fn plain(self, value: f64) -> f64 {
        if let Unit::Rate(_) = self { 1.0 / value } else { value }
    }

    /// The number for people.
    fn shown(self, value: f64) -> String {
        match self {
            Unit::Micros => format!("{} µs", digits(value * 1e6)),
            Unit::Millis => format!("{} ms", digits(value * 1e3)),
            Unit::Rate(things) if value < 1e-6 => format!("{} M {things}/s", digits(1e-6 / value)),
            Unit::Rate(things) => format!("{} {things}/s", thousands((1.0 / value) as u64)),
            Unit::Ratio => format!("{value:.2} ×"),
        }
    }
}

/// Three digits, or all before the point.
fn digits(value: f64) -> String {
    let behind = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.behind$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_three_digits_and_their_unit() {
        assert_eq!(Unit::Micros.shown(2.2049e-6), "2.20 µs");
        assert_eq!(Unit::Micros.shown(0.000_146), "146 µs");
        assert_eq!(Unit::Millis.shown(0.012_34), "12.3 ms");
        assert_eq!(Unit::Rate("edges").shown(1.0 / 5.9e6), "5.90 M edges/s");
        assert_eq!(Unit::Rate("edges").shown(1.0 / 123_456.2), "123,456 edges/s");
        assert_eq!(Unit::Ratio.shown(1.049), "1.05 ×");
        assert_eq!(Unit::Rate("edges").plain(0.25), 4.0);
    }
}
