//! `stats`: what a store holds and how its pages are used.

use foliograph::{DegreeStats, Stats};
use serde_json::{Map, Value as Json, json};

use super::Context;
use crate::args::StatsArgs;
use crate::failure::Failure;
use crate::output::thousands;
use crate::{progress, store, svg};

/// Runs `stats`.
pub fn run(args: &StatsArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let db = store::read(context.global, &args.store)?;
    let (bar, control) = progress::watched(context.global, "counting");
    let stats = db.stats_with(control);
    bar.finish_and_clear();
    let stats = stats?;
    if let Some(path) = &args.svg {
        let degrees = svg::degrees::count(&db.begin_read()?)?;
        svg::write(path, &svg::degrees::draw(&degrees))?;
    }
    if context.out.is_json() {
        context.out.object(&to_json(&stats))
    } else {
        context.out.table(&rows(&stats))
    }
}

fn to_json(stats: &Stats) -> Json {
    let degree = |d: &DegreeStats| json!({ "min": d.min, "median": d.median, "p99": d.p99, "max": d.max });
    let counts = |counts: Vec<(&String, u64)>| -> Json {
        Json::Object(counts.into_iter().map(|(name, n)| (name.clone(), json!(n))).collect::<Map<_, _>>())
    };
    let kinds = stats.kinds.iter().map(|(kind, (count, _))| (kind.word().to_owned(), json!(count)));
    let undirected: Vec<_> = stats.edge_types.iter().filter(|t| t.undirected).map(|t| &t.name).collect();
    json!({
        "nodes": stats.nodes,
        "edges": stats.edges,
        "labels": counts(stats.labels.iter().map(|l| (&l.name, l.nodes)).collect()),
        "edge_types": counts(stats.edge_types.iter().map(|t| (&t.name, t.edges)).collect()),
        "undirected_types": undirected,
        "degree": { "out": degree(&stats.out), "in": degree(&stats.into) },
        "file_bytes": stats.file_bytes,
        "bytes_per_edge": stats.bytes_per_edge(),
        "page_size": stats.page_size.bytes(),
        "pages": Json::Object(kinds.collect::<Map<_, _>>()),
        "free_pages": stats.free_pages,
        "reserve_pages": stats.reserve_pages,
        "quarantined_pages": stats.quarantined_pages,
        "trees": Json::Object(stats.trees.iter().map(|t| (t.name.to_owned(), json!(t.height))).collect::<Map<_, _>>()),
        "oldest_snapshot": stats.oldest_snapshot,
        "log": {
            "bytes": stats.log.bytes,
            "used": stats.log.used,
            "limit": stats.log.limit,
            "groups": stats.log.groups,
            "commits": stats.log.commits,
        },
        "format": stats.format,
        "uuid": uuid(&stats.uuid),
        "version": stats.version,
        "backend": {
            "requested": stats.device.requested.unwrap_or(stats.device.backend),
            "active": stats.device.backend,
            "fallback": stats.device.fallback,
        },
    })
}

pub(super) fn uuid(bytes: &[u8; 16]) -> String {
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn rows(stats: &Stats) -> Vec<(String, String)> {
    let mut rows =
        vec![("nodes".to_owned(), thousands(stats.nodes)), ("edges".into(), thousands(stats.edges))];
    rows.extend(stats.labels.iter().map(|l| (format!("label {}", l.name), thousands(l.nodes))));
    rows.extend(stats.edge_types.iter().map(|t| {
        let note = if t.undirected { " (undirected)" } else { "" };
        (format!("type {}", t.name), format!("{}{note}", thousands(t.edges)))
    }));
    for (name, d) in [("degree out", &stats.out), ("degree in", &stats.into)] {
        let shown = format!("min {}, median {}, p99 {}, max {}", d.min, d.median, d.p99, thousands(d.max));
        rows.push((name.into(), shown));
    }
    rows.push(("file bytes".into(), thousands(stats.file_bytes)));
    let per_edge = stats.bytes_per_edge().map_or("-".to_owned(), |bytes| format!("{bytes:.2}"));
    rows.push(("bytes an edge".into(), per_edge));
    rows.push(("page size".into(), thousands(stats.page_size.bytes() as u64)));
    rows.extend(stats.kinds.iter().map(|(kind, (count, used))| {
        let full = *count as f64 * stats.page_size.bytes() as f64;
        let fill = if full > 0.0 { 100.0 * *used as f64 / full } else { 0.0 };
        (format!("pages {}", kind.word()), format!("{} ({fill:.0}% full)", thousands(*count)))
    }));
    rows.push((
        "pages free".into(),
        format!("{} ({} in reserve)", thousands(stats.free_pages), stats.reserve_pages),
    ));
    rows.push(("pages kept for snapshots".into(), thousands(stats.quarantined_pages)));
    rows.push(("oldest snapshot".into(), format!("version {}", stats.oldest_snapshot)));
    rows.extend(stats.trees.iter().map(|t| (format!("height {}", t.name), t.height.to_string())));
    let log = &stats.log;
    rows.push(("log bytes".into(), format!("{} (limit {})", thousands(log.bytes), thousands(log.limit))));
    rows.push((
        "log groups".into(),
        format!("{} ({} commits)", thousands(log.groups), thousands(log.commits)),
    ));
    rows.push(("format".into(), stats.format.to_string()));
    rows.push(("uuid".into(), uuid(&stats.uuid)));
    rows.push(("version".into(), stats.version.to_string()));
    let device = &stats.device;
    rows.push(("backend asked for".into(), device.requested.unwrap_or(device.backend).into()));
    rows.push(("backend active".into(), device.backend.into()));
    if let Some(why) = &device.fallback {
        rows.push(("backend fallback".into(), why.clone()));
    }
    rows
}
