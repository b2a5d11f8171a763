//! How cost grows with the graph: medians of one file of results over the scales of its RMAT graphs, as a picture.
//!
//! A quarter of the picture for each measure; both axes are logarithmic (a scale is a power of two). Who has results of one
//! scale only is left out.

use crate::Result;
use crate::all::Line;
use crate::measure::quantile;
use clap::Args;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

/// Where results are and where the picture goes.
#[derive(Debug, Args)]
pub struct Plot {
    /// Lines of JSON, as `all` writes them.
    #[arg(long = "in")]
    results: PathBuf,
    /// An SVG file.
    #[arg(long)]
    out: PathBuf,
}

/// What is shown: workload, measure, what stands above, and where there is room for the names.
const SHOWN: [(&str, &str, &str, SeriesLabelPosition); 4] = [
    ("load", "edges/s", "bulk load, edges a second", SeriesLabelPosition::UpperRight),
    ("list1", "ns/list", "a random vertex' list, ns", SeriesLabelPosition::UpperLeft),
    ("bfs", "top-down, M edges/s", "BFS top-down, million edges a second", SeriesLabelPosition::UpperRight),
    ("commit", "commits/s", "commits of one edge, a second", SeriesLabelPosition::UpperRight),
];

const COLORS: [RGBColor; 8] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(44, 160, 44),
    RGBColor(127, 127, 127),
    RGBColor(255, 127, 14),
    RGBColor(148, 103, 189),
    RGBColor(140, 86, 75),
    RGBColor(23, 190, 207),
];

/// Medians by scale, of each peer.
type Curves = BTreeMap<String, Vec<(f64, f64)>>;

/// Draws the picture.
pub fn run(plot: &Plot) -> Result<()> {
    let text = std::fs::read_to_string(&plot.results)?;
    let lines: Vec<Line> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let root = SVGBackend::new(&plot.out, (1000, 760)).into_drawing_area();
    root.fill(&WHITE)?;
    let peers: BTreeSet<&str> = lines.iter().map(|line| &*line.peer).collect();
    for (area, (work, measure, title, names)) in root.split_evenly((2, 2)).iter().zip(SHOWN) {
        let curves = curves(&lines, work, measure);
        if curves.is_empty() {
            return Err(format!("no peer has results of `{work}` ({measure}) at several scales").into());
        }
        draw(area, title, names, &curves, &peers)?;
    }
    root.present()?;
    Ok(())
}

fn curves(lines: &[Line], work: &str, measure: &str) -> Curves {
    let mut all: BTreeMap<(&str, u32), Vec<f64>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.work == work) {
        let Some(scale) = line.graph.strip_prefix("rmat").and_then(|scale| scale.parse().ok()) else {
            continue;
        };
        let values = line.outcome.measures.iter().filter(|m| m.name == measure).map(|m| m.value);
        all.entry((&line.peer, scale)).or_default().extend(values);
    }
    let mut curves = Curves::new();
    for ((peer, scale), mut values) in all {
        if !values.is_empty() {
            curves.entry(peer.to_owned()).or_default().push((scale.into(), quantile(&mut values, 0.5)));
        }
    }
    curves.retain(|_, points| points.len() > 1);
    curves
}

fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, most) = values.fold((f64::MAX, f64::MIN), |(least, most), v| (least.min(v), most.max(v)));
    least..most
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// A peer has the same colour everywhere.
fn draw(
    area: &Area<'_>,
    title: &str,
    names: SeriesLabelPosition,
    curves: &Curves,
    peers: &BTreeSet<&str>,
) -> Result<()> {
    let points = || curves.values().flatten();
    let (x, y) = (range(points().map(|p| p.0)), range(points().map(|p| p.1)));
    let x: RangedCoordf64 = (x.start..x.end).into();
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 16))
        .margin(8)
        .x_label_area_size(32)
        .y_label_area_size(64)
        .build_cartesian_2d(x, (y.start * 0.8..y.end * 1.6).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("RMAT scale: nodes are a power of two, with up to 16 edges each")
        .x_labels(5)
        .x_label_formatter(&|scale| format!("{scale:.0}"))
        .y_label_formatter(&|value| short(*value))
        .light_line_style(WHITE)
        .draw()?;
    for (peer, points) in curves {
        let color = COLORS[peers.iter().position(|one| one == peer).unwrap_or(0) % COLORS.len()];
        let line = LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(3);
        chart
            .draw_series(line)?
            .label(peer)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(names)
        .label_font(("sans-serif", 11))
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}

/// Few digits.
fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.1} M", v / 1e6),
        v if v >= 1e3 => format!("{:.1} k", v / 1e3),
        v => format!("{v:.0}"),
    }
}
