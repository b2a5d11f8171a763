//! `wal`: the log's groups and records, from the newest root record on, and where and why the log ends. It only reads, and
//! opens nothing: it works on a damaged store, and on one that needs recovery.
//!
//! With `--json` each group is an object, and the last object, `{"end": …}`, says where the next group would begin.

use foliograph::record::describe;
use foliograph::storage_core::pager::{BLOCK, Group, LogEnd, LogError, LogReader, LogStart, Meta};
use serde_json::{Value as Json, json};

use super::Context;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::output::{counted, thousands};
use crate::store;

/// Runs `wal`.
pub fn run(args: &StoreArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let inspector = store::options(context.global).read_only(true).inspect(&args.store)?;
    let (Some(meta), Some(mut log)) = (inspector.meta(), inspector.log()) else {
        return Err(
            Failure::new("no root record is readable (pages 1 to 4)").hint("restore it from a backup")
        );
    };
    head(meta, context)?;
    loop {
        match log.next() {
            Ok(Some(group)) => show(&group, context)?,
            Ok(None) => return end(&mut log, context),
            Err(error) => return damaged(error, &log, context),
        }
    }
}

/// Where it begins.
fn head(meta: &Meta, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.out.is_json() || meta.log.extents.is_empty() {
        return Ok(());
    }
    let (version, start) = (meta.lsn, &meta.log);
    let pages: u64 = start.extents.iter().map(|extent| u64::from(extent.pages)).sum();
    let (page, block) = place(start, meta.page_size.bytes());
    context.out.line(format_args!(
        "the root holds version {version}; the log begins with group {} at page {page} block {block}, salt {:016x}, {} of {}",
        start.group,
        start.salt,
        counted(start.extents.len() as u64, "extent"),
        counted(pages, "page"),
    ))
}

/// The page of a start, and the block within it. Without extents there is none.
fn place(start: &LogStart, page_bytes: usize) -> (u64, u32) {
    let each = (page_bytes / BLOCK) as u32;
    let first = start.extents.first().map_or(0, |extent| extent.first.get());
    (first + u64::from(start.block / each), start.block % each)
}

fn show(group: &Group, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.out.is_json() {
        return context.out.object(&object(group));
    }
    let Group { number, page, block, blocks, durable, first_lsn, .. } = group;
    let commits = match group.records.len() as u64 {
        0 => "no commits".to_owned(),
        1 => format!("version {first_lsn}"),
        n => format!("versions {first_lsn} to {}", first_lsn + n - 1),
    };
    let durable = if *durable == 0 { "none".to_owned() } else { durable.to_string() };
    context.out.line(format_args!(
        "group {number}: page {page} block {block}, {}; {commits}; durable before it: {durable}",
        counted(u64::from(*blocks), "block"),
    ))?;
    for extent in &group.links {
        let (first, last) = (extent.first, extent.first.plus(u64::from(extent.pages) - 1));
        context.out.line(format_args!("  links pages {first} to {last}"))?;
    }
    for (version, record) in (*first_lsn..).zip(&group.records) {
        let bytes = thousands(record.len() as u64);
        context.out.line(format_args!("  version {version}, {bytes} bytes"))?;
        for line in describe(record) {
            context.out.line(format_args!("    {line}"))?;
        }
    }
    Ok(())
}

fn object(group: &Group) -> Json {
    let record = |(version, record): (u64, &Vec<u8>)| {
        let operations: Vec<String> = describe(record).collect();
        json!({ "version": version, "bytes": record.len(), "operations": operations })
    };
    let records: Vec<Json> = (group.first_lsn..).zip(&group.records).map(record).collect();
    let versions: Vec<u64> = (group.first_lsn..).take(group.records.len()).collect();
    let links: Vec<Json> =
        group.links.iter().map(|e| json!({ "page": e.first.get(), "pages": e.pages })).collect();
    json!({
        "group": group.number,
        "page": group.page.get(),
        "block": group.block,
        "blocks": group.blocks,
        "first_version": versions.first(),
        "last_version": versions.last(),
        "durable": group.durable,
        "salt": format!("{:016x}", group.salt),
        "check": format!("{:016x}", group.check),
        "links": links,
        "records": records,
    })
}

fn end(log: &mut LogReader<'_>, context: &mut Context<'_>) -> Result<(), Failure> {
    let why = log.why_ended().map_err(|e| Failure::new(&e).maybe_hint(e.hint()))?;
    let next = log.end();
    let at = (why != LogEnd::NoLog).then(|| place(&next, log.page_bytes()));
    if context.out.is_json() {
        return last_object(next.group, at, &why.to_string(), false, context);
    }
    match at {
        None => context.out.line(format_args!("there is no log; its next group will be {}", next.group)),
        Some((page, block)) => context.out.line(format_args!(
            "the log ends: group {} would begin at page {page} block {block}: {why}",
            next.group
        )),
    }
}

fn last_object(
    group: u64,
    at: Option<(u64, u32)>,
    why: &str,
    damaged: bool,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let (page, block) = at.unzip();
    context.out.object(
        &json!({ "end": { "group": group, "page": page, "block": block, "why": why, "damaged": damaged } }),
    )
}

/// What can be read was shown; then the log is damaged, or the device failed.
fn damaged(error: LogError, log: &LogReader<'_>, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.out.is_json()
        && let LogError::Damaged { group, .. } = &error
    {
        let next = log.end();
        let at = (!next.extents.is_empty()).then(|| place(&next, log.page_bytes()));
        last_object(*group, at, &error.to_string(), true, context)?;
    }
    Err(Failure::new(&error).maybe_hint(error.hint()))
}
