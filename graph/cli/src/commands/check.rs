//! `check`: every page, every tree, both directions. Exit code 3 where there is damage, also where the store cannot be
//! opened because of it.

use std::time::Instant;

use foliograph::storage_core::device::DeviceErrorKind;
use foliograph::{CheckReport, OpenError, ReadError};
use serde_json::{Value as Json, json};

use super::Context;
use crate::args::StoreArgs;
use crate::failure::{Exit, Failure};
use crate::store;

/// Runs `check`.
pub fn run(args: &StoreArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let begin = Instant::now();
    let report = match store::try_read(context.global, &args.store) {
        Ok(db) => db.check()?,
        Err(error) => return unopened(error, begin, context),
    };
    print(&report, begin, context)?;
    if report.findings.is_empty() { Ok(()) } else { Err(Failure::Said(Exit::Damage)) }
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
        _ => error.device().and_then(|device| device.page()),
    };
    page.map(|page| page.get())
}
