//! `check`: every page, every tree, both directions. Exit code 3 where there is damage, also where the store cannot be
//! opened because of it. A store that needs recovery is recovered in memory, and what that makes is checked: its file is
//! never written.

use std::time::Instant;

use foliograph::storage_core::device::DeviceErrorKind;
use foliograph::{CheckReport, Database, Finding, OpenError, ReadError};
use serde_json::{Value as Json, json};

use super::Context;
use crate::args::StoreArgs;
use crate::failure::{Exit, Failure};
use crate::output::counted;
use crate::{progress, store};

/// Runs `check`.
pub fn run(args: &StoreArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let begin = Instant::now();
    let report = match store::as_it_is(context.global, &args.store) {
        Ok(db) => check(&db, context)?,
        Err(error) => match store::commits_to_recover(&error) {
            Some(commits) => match recovered(args, commits, context) {
                Ok(report) => report?,
                Err(error) => return unopened(error, begin, context),
            },
            None => return unopened(error, begin, context),
        },
    };
    print(&report, begin, context)?;
    if report.findings.is_empty() { Ok(()) } else { Err(Failure::Said(Exit::Damage)) }
}

fn check(db: &Database, context: &Context<'_>) -> Result<CheckReport, ReadError> {
    let (bar, control) = progress::watched(context.global, "checking");
    let report = db.check_with(control);
    bar.finish_and_clear();
    report
}

/// Replays the log in memory, and checks what that makes; and superblock and root records as they are in the file.
fn recovered(
    args: &StoreArgs,
    commits: u64,
    context: &Context<'_>,
) -> Result<Result<CheckReport, ReadError>, OpenError> {
    let options = store::options(context.global);
    let fixed = options.clone().root_only(true).open_existing(&args.store)?;
    let db = options.open_in_memory(&args.store)?;
    let commits = counted(commits, "commit");
    context
        .out
        .note(format_args!("note: the store needs recovery: {commits} of the log were replayed in memory"));
    Ok(fixed.pager().check_fixed_pages().map_err(ReadError::from).and_then(|found| {
        let mut report = check(&db, context)?;
        let found = found.into_iter().map(|(page, kind, what)| Finding { page, kind, what });
        report.findings.splice(0..0, found);
        Ok(report)
    }))
}

fn print(report: &CheckReport, begin: Instant, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.out.is_json() {
        let findings = report
            .findings
            .iter()
            .map(|f| json!({ "page": f.page.get(), "kind": f.kind.word(), "what": f.what }));
        return object(findings.collect(), report.pages, begin, context);
    }
    if report.findings.is_empty() {
        return context.out.line("ok");
    }
    for finding in &report.findings {
        context.out.line(format_args!("page {} ({}): {}", finding.page, finding.kind, finding.what))?;
    }
    Ok(())
}

fn object(findings: Vec<Json>, pages: u64, begin: Instant, context: &mut Context<'_>) -> Result<(), Failure> {
    let seconds = begin.elapsed().as_secs_f64();
    context.out.object(
        &json!({ "ok": findings.is_empty(), "findings": findings, "pages": pages, "seconds": seconds }),
    )
}

/// A store that cannot be opened: damage is a finding; a file that is not there, or in use, is none.
fn unopened(error: OpenError, begin: Instant, context: &mut Context<'_>) -> Result<(), Failure> {
    let kind = error.device().map(|device| device.kind());
    let damaged =
        error.is_damage() || matches!(kind, Some(DeviceErrorKind::NotAStore | DeviceErrorKind::Unfinished));
    if !damaged {
        return Err(error.into());
    }
    if context.out.is_json() {
        let page = page_of(&error);
        object(vec![json!({ "page": page, "kind": null, "what": error.to_string() })], 0, begin, context)?;
    } else {
        context.out.line(&error)?;
    }
    match Failure::from(error) {
        Failure::Error { message, hint, .. } => Err(Failure::Error { exit: Exit::Damage, message, hint }),
        other => Err(other),
    }
}

fn page_of(error: &OpenError) -> Option<u64> {
    use foliograph::storage_core::pager;
    let page = match error {
        OpenError::Pager(pager::OpenError::Page(e)) | OpenError::Read(ReadError::Page(e)) => e.page(),
        OpenError::Pager(pager::OpenError::DamagedRoot { first, .. }) => Some(*first),
        OpenError::Pager(pager::OpenError::Log(pager::LogError::Damaged { page, .. })) => Some(*page),
        _ => error.device().and_then(|device| device.page()),
    };
    page.map(|page| page.get())
}
