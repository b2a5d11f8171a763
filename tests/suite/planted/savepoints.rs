//! Random savepoints, against a stack of graphs.

use super::{Bug, Caught, arm};
use crate::savepoints::run::run;
use crate::traces::guarded;

/// Goes through the stories of some seeds until one does not go well.
pub(super) fn random(bugs: &[Bug]) -> Result<u64, Caught> {
    for seed in 0..60 {
        guarded(|| arm(bugs, || run(seed))).map_err(|why| Caught { after: seed + 1, why })?;
    }
    Ok(60)
}
