//! Bars side by side, for `bench`: a group a row of the table, a bar a backend, the fastest of a group the longest.

use std::fmt::Write;

/// A chart.
pub struct Chart {
    pub title: String,
    /// Lines below the title.
    pub about: Vec<String>,
    /// What the bars of each group are.
    pub names: Vec<String>,
    pub groups: Vec<Group>,
    /// Lines at the bottom.
    pub remarks: Vec<String>,
}

/// A group of bars: lengths from 0 to 1, and what stands at their ends; `None` where there is no value.
pub struct Group {
    pub what: String,
    pub bars: Vec<Option<(f64, String)>>,
}

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 20.0;
/// Where bars begin, and how long the longest is: to its right is room for its value.
const LEFT: f64 = 300.0;
const LONGEST: f64 = 400.0;
const BAR: f64 = 14.0;
const LINE: f64 = 17.0;
const GAP: f64 = 12.0;
/// More characters than that run out of the picture.
const MOST_CHARS: usize = 130;

/// Told apart also by those who see no red and green, and in print.
const COLORS: [&str; 4] = ["#0072b2", "#e69f00", "#009e73", "#999999"];

/// Draws it.
pub fn draw(chart: &Chart) -> String {
    let above = MARGIN + 24.0 + LINE * chart.about.len() as f64 + 34.0;
    let group = |g: &Group| g.bars.len().max(1) as f64 * (BAR + 1.0) + GAP;
    let middle: f64 = chart.groups.iter().map(group).sum();
    let height = above + middle + LINE * (chart.remarks.len() + 1) as f64 + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut y = MARGIN + 6.0;
    // Writing to a String cannot fail.
    let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"16\">{}</text>", escaped(&chart.title));
    y += 6.0;
    for line in &chart.about {
        y += LINE;
        text(&mut svg, y, "#555555", line);
    }
    y += 30.0;
    let mut x = LEFT;
    for (name, color) in chart.names.iter().zip(COLORS.iter().cycle()) {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{color}\"/><text x=\"{}\" y=\"{y}\">{}</text>",
            y - 10.0,
            x + 17.0,
            escaped(name)
        );
        x += 40.0 + 8.0 * name.chars().count() as f64;
    }
    let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" fill=\"#555555\">longer is faster</text>");
    y += GAP;
    for one in &chart.groups {
        draw_group(&mut svg, y, one);
        y += group(one);
    }
    for line in &chart.remarks {
        y += LINE;
        text(&mut svg, y, "#b00000", line);
    }
    svg.push_str("</svg>\n");
    svg
}

fn text(svg: &mut String, y: f64, color: &str, line: &str) {
    let short: String = line.chars().take(MOST_CHARS).collect();
    let dots = if short.len() < line.len() { "…" } else { "" };
    let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" fill=\"{color}\">{}{dots}</text>", escaped(&short));
}

fn draw_group(svg: &mut String, top: f64, group: &Group) {
    let middle = top + group.bars.len() as f64 * (BAR + 1.0) / 2.0 + 4.0;
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>",
        LEFT - 10.0,
        escaped(&group.what)
    );
    for (i, (bar, color)) in group.bars.iter().zip(COLORS.iter().cycle()).enumerate() {
        let y = top + i as f64 * (BAR + 1.0);
        let (length, label) = match bar {
            Some((share, label)) if share.is_finite() => (LONGEST * share.clamp(0.0, 1.0), label.as_str()),
            Some((_, label)) => (0.0, label.as_str()),
            None => (0.0, "-"),
        };
        let _ = writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{color}\"/>\
             <text x=\"{:.1}\" y=\"{}\" font-size=\"11\">{}</text>",
            LEFT + length + 5.0,
            y + 11.0,
            escaped(label)
        );
    }
}

/// Text between tags: what XML does not allow there is replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_and_any_value_can_be_drawn() {
        let bars = vec![Some((0.5, "1 <µs>".into())), None, Some((f64::NAN, "\u{1}&".into()))];
        let chart = Chart {
            title: "a & b".into(),
            about: vec!["x".repeat(500)],
            names: vec!["file".into(), "mmap".into(), "<uring>".into()],
            groups: vec![Group { what: "read".into(), bars }, Group { what: String::new(), bars: vec![] }],
            remarks: vec!["mmap: \"no\"".into()],
        };
        let svg = draw(&chart);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("1 &lt;µs&gt;") && svg.contains("a &amp; b") && svg.contains('…'), "{svg}");
        assert_eq!(svg.matches('<').count(), svg.matches('>').count(), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains(&"x".repeat(131)), "{svg}");
    }
}
