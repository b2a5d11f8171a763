//! Writing all trees anew: what compacting is made of.

use super::WriteTransaction;
use crate::algo::Ticker;
use crate::error::WriteError;
use crate::reader::Reader;

impl WriteTransaction {
    /// Builds every tree again, densely, from what it holds: see [`crate::compact`].
    pub(crate) fn rebuild(&mut self, ticker: &mut Ticker<'_>) -> Result<(), WriteError> {
        self.attempt(|tx| {
            tx.begin_flush()?;
            let Reader { pages, graph, .. } = &mut tx.reader;
            crate::compact::rebuild(graph, pages, ticker)
        })
    }
}
