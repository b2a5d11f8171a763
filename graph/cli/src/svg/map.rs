//! A map of a store's pages: a square a page, in the file's order, coloured by kind, paler the emptier.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use foliograph::PageInfo;
use foliograph::storage_core::page::PageKind;

/// Squares to a row.
const COLUMNS: u64 = 128;
const SQUARE: u64 = 6;
/// Beyond so many pages a square stands for several, and shows the first of them.
const MOST_SQUARES: u64 = 128 * 512;

const COLORS: [(PageKind, &str); 11] = [
    (PageKind::Superblock, "#000000"),
    (PageKind::Meta, "#444444"),
    (PageKind::MapRegion, "#8c564b"),
    (PageKind::MapIndex, "#c49c94"),
    (PageKind::Inner, "#9467bd"),
    (PageKind::Record, "#2ca02c"),
    (PageKind::Node, "#ff7f0e"),
    (PageKind::EdgeOut, "#1f77b4"),
    (PageKind::EdgeIn, "#d62728"),
    (PageKind::Overflow, "#e377c2"),
    (PageKind::Log, "#bcbd22"),
];

/// Draws the pages of a file of `count` pages; those that are not named are free.
pub fn draw(pages: &[PageInfo], count: u64) -> String {
    let by_id: HashMap<u64, &PageInfo> = pages.iter().map(|page| (page.id.get(), page)).collect();
    let each = count.div_ceil(MOST_SQUARES).max(1);
    let squares = count.div_ceil(each);
    let rows = squares.div_ceil(COLUMNS).max(1);
    let mut used: BTreeMap<PageKind, u64> = BTreeMap::new();
    pages.iter().for_each(|page| *used.entry(page.kind).or_default() += 1);
    let (width, height) = (COLUMNS * SQUARE, rows * SQUARE + 20 * (used.len() as u64 + 2));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let fullest = pages.iter().map(|page| page.used).max().unwrap_or(1).max(1);
    for square in 0..squares {
        let (x, y) = (square % COLUMNS * SQUARE, square / COLUMNS * SQUARE);
        let (color, opacity) = match by_id.get(&(square * each)) {
            Some(page) => (color(page.kind), 0.3 + 0.7 * page.used as f64 / fullest as f64),
            None => ("#dddddd", 0.5),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"5\" height=\"5\" fill=\"{color}\" fill-opacity=\"{opacity:.2}\"/>"
        );
    }
    legend(&mut svg, rows * SQUARE + 20, &used, count.saturating_sub(pages.len() as u64));
    svg.push_str("</svg>\n");
    svg
}

fn legend(svg: &mut String, top: u64, used: &BTreeMap<PageKind, u64>, free: u64) {
    let kinds = used.iter().map(|(kind, count)| (kind.word(), color(*kind), *count));
    for (i, (word, color, count)) in kinds.chain([("free", "#dddddd", free)]).enumerate() {
        let y = top + 20 * i as u64;
        let _ = writeln!(svg, "<rect x=\"4\" y=\"{}\" width=\"10\" height=\"10\" fill=\"{color}\"/>", y - 9);
        let _ = writeln!(svg, "<text x=\"20\" y=\"{y}\">{word}: {count}</text>");
    }
}

fn color(kind: PageKind) -> &'static str {
    COLORS.iter().find(|(known, _)| *known == kind).map_or("#888888", |(_, color)| color)
}
