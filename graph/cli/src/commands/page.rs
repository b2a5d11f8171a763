//! `page`: one page decoded, or its bytes. Works on a damaged store, and on one that needs recovery: it looks at the page
//! alone, but for a page of the log, which only the log says to be one.

use foliograph::describe_page;
use foliograph::record::describe;
use foliograph::storage_core::device::DeviceErrorKind;
use foliograph::storage_core::page::{PageHeader, PageId, PageKind, Written};
use foliograph::storage_core::pager::{
    Extent, GroupHead, Inspected, Inspector, LogStart, Meta, PageError, Superblock,
};
use serde_json::json;

use super::{Context, stats};
use crate::args::PageArgs;
use crate::failure::{Exit, Failure};
use crate::store;

/// What is known of a page.
struct Shown {
    kind: String,
    header: Vec<(&'static str, u64)>,
    lines: Vec<String>,
    /// What is wrong with it.
    damage: Option<String>,
}

/// Runs `page`.
pub fn run(args: &PageArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let inspector = store::options(context.global).read_only(true).inspect(&args.store)?;
    let page = PageId::new(args.id);
    let count = inspector.device().page_count().get();
    if args.id >= count {
        let last = count.saturating_sub(1);
        return Err(Failure::not_found(format!("there is no page {}: the last one is {last}", args.id)));
    }
    if args.hex {
        return hex(&inspector, page, context);
    }
    let shown = match log_page(&inspector, page) {
        Some(shown) => shown,
        None => show(&inspector, page)?,
    };
    print(args.id, &shown, context)?;
    match shown.damage {
        Some(what) => Err(Failure::Error {
            exit: Exit::Failed,
            message: format!("page {page} ({}) is damaged: {what}", shown.kind),
            hint: None,
        }),
        None => Ok(()),
    }
}

/// The groups that begin in a page of the log; of a page that the log has given up, those that are still to be seen.
fn log_page(inspector: &Inspector, page: PageId) -> Option<Shown> {
    let shown = |lines, rest: &str| {
        let mut lines: Vec<String> = lines;
        if lines.is_empty() {
            lines.push(rest.to_owned());
        }
        Some(Shown { kind: PageKind::Log.word().into(), header: Vec::new(), lines, damage: None })
    };
    // A page that cannot be read is told by whoever decodes it.
    let heads = inspector.group_heads(page).ok()?;
    let mut log = inspector.log()?;
    let mut lines = Vec::new();
    let mut live = Vec::new();
    while let Ok(Some(group)) = log.next() {
        if group.page == page {
            live.push(group.number);
            lines.push(format!(
                "block {}: group {}, {} records",
                group.block,
                group.number,
                group.records.len()
            ));
            for (version, record) in (group.first_lsn..).zip(&group.records) {
                lines.push(format!("  version {version}"));
                lines.extend(describe(record).map(|line| format!("    {line}")));
            }
        }
    }
    for head in heads.iter().filter(|head| !live.contains(&head.number)) {
        let GroupHead { block, number, records, .. } = head;
        lines.push(format!("block {block}: group {number}, {records} records, not part of the log any more"));
    }
    let is_log = log.chain().iter().any(|extent| {
        let after = page.get().checked_sub(extent.first.get());
        after.is_some_and(|after| after < u64::from(extent.pages))
    });
    if is_log {
        return shown(lines, "no group begins in it");
    }
    match inspector.page(page) {
        Ok(Inspected::Damaged(..)) if !lines.is_empty() => shown(lines, ""),
        _ => None,
    }
}

fn show(inspector: &Inspector, page: PageId) -> Result<Shown, Failure> {
    let unread = |error: foliograph::storage_core::device::DeviceError| {
        let exit = if error.kind() == DeviceErrorKind::ShortFile { Exit::Damage } else { Exit::Failed };
        Failure::Error { exit, message: error.to_string(), hint: error.hint().map(str::to_owned) }
    };
    Ok(match inspector.page(page).map_err(unread)? {
        Inspected::Superblock(found) => fixed("superblock", found.map(superblock)),
        Inspected::Meta(found) => fixed("meta", found.map(meta)),
        Inspected::Empty => Shown {
            kind: "empty".into(),
            header: Vec::new(),
            lines: vec!["never written".into()],
            damage: None,
        },
        Inspected::Damaged(what, header) => Shown {
            kind: header.map_or("unknown", |h| h.kind.word()).into(),
            header: header.as_ref().map(fields).unwrap_or_default(),
            lines: Vec::new(),
            damage: Some(what.to_owned()),
        },
        Inspected::Page(found) => {
            let header = vec![("version", found.version()), ("used", found.used() as u64)];
            let kind = found.kind().word().to_owned();
            match describe_page(&found) {
                Ok(lines) => Shown { kind, header, lines, damage: None },
                Err(error) => {
                    let what = match error {
                        PageError::Damage { what, .. } => what.into_owned(),
                        other => other.to_string(),
                    };
                    Shown { kind, header, lines: Vec::new(), damage: Some(what) }
                }
            }
        }
    })
}

fn fixed(kind: &str, found: Option<Vec<String>>) -> Shown {
    let damage = found.is_none().then(|| "it is not valid".to_owned());
    Shown { kind: kind.into(), header: Vec::new(), lines: found.unwrap_or_default(), damage }
}

fn superblock(block: Superblock) -> Vec<String> {
    let Superblock { format, page_size, features, uuid } = block;
    vec![
        format!("format {format}, pages of {page_size}, features {features:?}"),
        format!("uuid {}", stats::uuid(&uuid)),
    ]
}

fn meta(meta: Meta) -> Vec<String> {
    let root = |at: Option<Written>| at.map_or("none".to_owned(), |at| format!("page {}", at.page()));
    let mut lines = superblock(Superblock {
        format: meta.format,
        page_size: meta.page_size,
        features: meta.features,
        uuid: meta.uuid,
    });
    lines.extend([
        format!("generation {}, version {}", meta.generation, meta.lsn),
        format!("pages {}, in use {}", meta.page_count, meta.used_count),
        format!("catalog {}", root(meta.root)),
        format!("allocation map {}, levels of index {}", root(meta.map_root), meta.map_levels),
    ]);
    let LogStart { group, block, salt, extents, .. } = meta.log;
    if extents.is_empty() {
        lines.push(format!("no log; its next group will be {group}"));
    } else {
        lines.push(format!("log from group {group} on, block {block} of the first extent, salt {salt:016x}"));
        let extent = |e: Extent| {
            format!("log extent: pages {} to {}", e.first, e.first.plus(u64::from(e.pages.max(1)) - 1))
        };
        lines.extend(extents.into_iter().map(extent));
    }
    lines
}

fn fields(header: &PageHeader) -> Vec<(&'static str, u64)> {
    vec![("version", header.version), ("used", u64::from(header.used))]
}

fn print(id: u64, shown: &Shown, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.out.is_json() {
        let mut object =
            json!({ "id": id, "kind": shown.kind, "damage": shown.damage, "content": shown.lines });
        for (name, value) in &shown.header {
            object[*name] = json!(value);
        }
        return context.out.object(&object);
    }
    let mut rows = vec![("page".to_owned(), id.to_string()), ("kind".into(), shown.kind.clone())];
    rows.extend(shown.header.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())));
    context.out.table(&rows)?;
    shown.lines.iter().try_for_each(|line| context.out.line(line))
}

/// The bytes, sixteen a line, as they are on the device.
fn hex(inspector: &Inspector, page: PageId, context: &mut Context<'_>) -> Result<(), Failure> {
    let bytes = inspector.raw(page).map_err(|e| Failure::new(&e).maybe_hint(e.hint()))?;
    if context.out.is_json() {
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        return context.out.object(&json!({ "id": page.get(), "hex": hex }));
    }
    for (i, row) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = row.iter().map(|b| format!("{b:02x}")).collect();
        let text: String =
            row.iter().map(|&b| if b.is_ascii_graphic() || b == b' ' { b as char } else { '.' }).collect();
        context.out.line(format_args!("{:06x}  {:47}  {text}", i * 16, hex.join(" ")))?;
    }
    Ok(())
}
