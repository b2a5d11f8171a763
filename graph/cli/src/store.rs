//! Opening stores as the global options say.

use std::path::Path;

use foliograph::{Database, OpenError, Options, PageSize};

use crate::args::Global;
use crate::failure::Failure;
use crate::size::CacheSize;

/// The options of all commands.
pub fn options(global: &Global) -> Options {
    let mut options = Options::new().direct_io(global.direct);
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

/// Opens a store for reading: never writes.
pub fn read(global: &Global, store: &Path) -> Result<Database, Failure> {
    Ok(try_read(global, store)?)
}

/// The same, for a command that looks at the error.
pub fn try_read(global: &Global, store: &Path) -> Result<Database, OpenError> {
    options(global).read_only(true).open_existing(store)
}
