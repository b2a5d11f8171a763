//! What reaches the simulated disk of a write, faults and all.

use super::SimDevice;
use super::device::{BACKEND, Disk};
use super::journal::{Block, Step};
use crate::device::faults::{Injected, Piece};
use crate::device::{BLOCK_LEN, Result};

impl SimDevice {
    /// Lets a fault strike what is about to be written; the error is the caller's.
    pub(super) fn strike(&self, disk: &Disk, struck: &Injected, pieces: &mut Vec<Piece>) -> Result<()> {
        let count = disk.volatile.page_count();
        struck.strike_write(pieces, count, BACKEND, &mut |piece| {
            let page = disk.volatile.page(piece.page).unwrap_or_default();
            Ok(page[piece.offset..piece.offset + piece.data.len()].to_vec())
        })
    }

    /// Whole pages, not durable.
    pub(super) fn apply_pages(&self, disk: &mut Disk, pieces: Vec<Piece>) {
        if pieces.is_empty() {
            return;
        }
        for piece in &pieces {
            disk.volatile.set_page(piece.page, piece.data.clone());
        }
        disk.step(Step::Write(pieces.into_iter().map(|piece| (piece.page, piece.data)).collect()));
    }

    /// Blocks: durable if the write succeeded, else only perhaps there.
    pub(super) fn apply_blocks(&self, disk: &mut Disk, blocks: Vec<Block>, durable: bool) {
        if blocks.is_empty() {
            return;
        }
        for block in &blocks {
            disk.volatile.patch(block.page, block.index * BLOCK_LEN, &block.data);
        }
        disk.step(if durable { Step::Durable(blocks) } else { Step::Blocks(blocks) });
    }
}
