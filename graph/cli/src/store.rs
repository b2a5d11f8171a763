//! Opening stores as the global options say.

use std::io::ErrorKind;
use std::path::Path;

use foliograph::storage_core::device::DeviceErrorKind;
use foliograph::storage_core::pager;
use foliograph::{Database, OpenError, Options, PageSize};

use crate::args::Global;
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::progress;
use crate::size::CacheSize;

/// The options of all commands.
pub fn options(global: &Global) -> Options {
    let mut options = Options::new().direct_io(global.direct).on_recovery(progress::recovery(global));
    if let Some(backend) = global.backend {
        options = options.backend(backend);
    }
    if let Some(bytes) = global.memory {
        options = options.memory_budget(bytes);
    }
    if let Some(bytes) = global.log_size {
        options = options.log_limit(bytes);
    }
    match global.cache {
        Some(CacheSize::Bytes(bytes)) => options.cache_bytes(bytes),
        Some(CacheSize::Pages(pages)) => options.cache_pages(pages),
        None => options,
    }
}

/// The same for a store that may be created.
pub fn creating(global: &Global, page_size: Option<PageSize>) -> Options {
    let options = options(global);
    match page_size {
        Some(size) => options.page_size(size),
        None => options,
    }
}

/// Opens a store for reading. Never writes, with one exception: a store that needs recovery is recovered first, if it is
/// writable, and a line on stderr says so.
pub fn read(global: &Global, store: &Path) -> Result<Database, Failure> {
    match as_it_is(global, store) {
        Err(error) if commits_to_recover(&error).is_some() => {
            recover(global, store, error)?;
            Ok(as_it_is(global, store)?)
        }
        other => Ok(other?),
    }
}

/// Opens a store for reading, and never writes: one that needs recovery is an error, see [`commits_to_recover`].
pub fn as_it_is(global: &Global, store: &Path) -> Result<Database, OpenError> {
    options(global).read_only(true).open_existing(store)
}

/// How many commits stand only in the log, if that is what is wrong.
pub fn commits_to_recover(error: &OpenError) -> Option<u64> {
    match error {
        OpenError::Pager(pager::OpenError::NeedsRecovery { commits }) => Some(*commits),
        _ => None,
    }
}

/// Opening for writing replays the log, closing leaves none. A store that may not be written keeps the error that it had.
fn recover(global: &Global, store: &Path, needs: OpenError) -> Result<(), OpenError> {
    let commits = commits_to_recover(&needs).unwrap_or(0);
    let db = match options(global).background(false).open_existing(store) {
        Err(e) if is_not_writable(&e) => return Err(needs),
        other => other?,
    };
    db.close()?;
    output::note(
        global.quiet,
        format_args!("{}: recovered, {} replayed", store.display(), counted(commits, "commit")),
    );
    Ok(())
}

fn is_not_writable(error: &OpenError) -> bool {
    error.device().is_some_and(|e| {
        let denied = e.os_error().is_some_and(|os| os.kind() == ErrorKind::PermissionDenied);
        denied || e.kind() == DeviceErrorKind::ReadOnly
    })
}
