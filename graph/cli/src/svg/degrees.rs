//! The degrees of all nodes: how many nodes have each degree, both axes logarithmic.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use foliograph::Snapshot;

use crate::failure::Failure;

/// How many nodes have each degree.
#[derive(Default, Debug)]
pub struct Degrees {
    pub out: BTreeMap<u64, u64>,
    pub into: BTreeMap<u64, u64>,
}

/// Counts degrees; takes some 50 bytes of memory a node that has edges.
pub fn count(snapshot: &Snapshot) -> Result<Degrees, Failure> {
    let mut ends: [HashMap<u64, u64>; 2] = Default::default();
    for edge in snapshot.all_edges() {
        let edge = edge?;
        *ends[0].entry(edge.source.0).or_default() += 1;
        *ends[1].entry(edge.target.0).or_default() += 1;
    }
    let [out, into] = ends.map(|counts| {
        let mut nodes = BTreeMap::new();
        let without = snapshot.node_count().saturating_sub(counts.len() as u64);
        if without > 0 {
            nodes.insert(0, without);
        }
        counts.into_values().for_each(|degree| *nodes.entry(degree).or_default() += 1);
        nodes
    });
    Ok(Degrees { out, into })
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 50.0;

/// Draws them.
pub fn draw(degrees: &Degrees) -> String {
    let both = || degrees.out.iter().chain(&degrees.into);
    let most_degree = both().map(|(degree, _)| *degree).max().unwrap_or(1).max(1);
    let most_nodes = both().map(|(_, nodes)| *nodes).max().unwrap_or(1).max(1);
    let x = |degree: u64| MARGIN + (WIDTH - 2.0 * MARGIN) * log(degree + 1) / log(most_degree + 1).max(1e-9);
    let y = |nodes: u64| HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * log(nodes) / log(most_nodes).max(1e-9);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    // Writing to a String cannot fail.
    let (right, bottom) = (WIDTH - MARGIN, HEIGHT - MARGIN);
    let _ = writeln!(svg, "<path d=\"M{MARGIN} {MARGIN}V{bottom}H{right}\" fill=\"none\" stroke=\"black\"/>");
    for power in 0..20u32 {
        let n = 10u64.pow(power.min(19));
        if n <= most_degree {
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{n}</text>", x(n), bottom + 16.0);
        }
        if n <= most_nodes {
            let _ = writeln!(svg, "<text x=\"4\" y=\"{:.1}\">{n}</text>", y(n));
        }
    }
    for (counts, color, name, line) in
        [(&degrees.out, "#1f77b4", "out", 0.0), (&degrees.into, "#d62728", "in", 16.0)]
    {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\">{name}</text>",
            right - 40.0,
            MARGIN + line
        );
        let _ = writeln!(svg, "<g fill=\"{color}\" fill-opacity=\"0.6\">");
        for (degree, nodes) in counts {
            let _ = writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\"/>", x(*degree), y(*nodes));
        }
        let _ = writeln!(svg, "</g>");
    }
    let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">degree</text>", WIDTH / 2.0, HEIGHT - 12.0);
    let _ = writeln!(svg, "<text x=\"4\" y=\"{:.1}\">nodes</text>\n</svg>", MARGIN - 16.0);
    svg
}

fn log(n: u64) -> f64 {
    (n.max(1) as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_degrees_can_be_drawn() {
        for counts in [vec![], vec![(0, 1)], vec![(0, 5), (1, 1_000_000), (u64::MAX - 1, 1)]] {
            let out: BTreeMap<u64, u64> = counts.into_iter().collect();
            let svg = draw(&Degrees { into: out.clone(), out });
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
