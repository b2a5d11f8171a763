//! `backup`: a consistent copy of a store, made by reading it. Beside a process that writes it is refused: that process
//! can make one itself.

use std::fs;
use std::time::Instant;

use foliograph::BackupReport;
use serde_json::json;

use super::Context;
use crate::args::BackupArgs;
use crate::failure::Failure;
use crate::output::thousands;
use crate::progress;
use crate::store;

/// Runs `backup`.
pub fn run(args: &BackupArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let begin = Instant::now();
    let db = store::read(context.global, &args.store)?;
    let bar = progress::bar(context.global, "copying pages");
    let existed = fs::symlink_metadata(&args.to).is_ok();
    let done = db.backup_with(&args.to, &mut |progress| {
        if bar.length().is_none() {
            bar.set_style(progress::style(true));
            bar.set_length(progress.pages);
        }
        bar.set_position(progress.copied);
        true
    });
    bar.finish_and_clear();
    if done.is_err() && !existed {
        // The failure is what matters; that there may be nothing to remove does not.
        let _ = fs::remove_file(&args.to);
    }
    let BackupReport { version, pages, bytes } = done?;
    if context.out.is_json() {
        let seconds = begin.elapsed().as_secs_f64();
        let report = json!({ "version": version, "pages": pages, "bytes": bytes, "seconds": seconds });
        return context.out.object(&report);
    }
    let rows = [("version", version.to_string()), ("pages", thousands(pages)), ("bytes", thousands(bytes))];
    context.out.table(&rows.map(|(name, value)| (name.to_owned(), value)))
}
