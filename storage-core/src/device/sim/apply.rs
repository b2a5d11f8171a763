//! What each step of a journal does to what is durable and what is unsynced.
//!
//! Must always be true: what a durable write made durable stays, whatever lands of the units that are left. So it
//! takes its blocks away from older writes of the page, and cuts that stand in its way are durable with it.

use super::Rng;
use super::journal::{Block, Step};
use super::landing::{Fate, Outcome};
use super::pending::{Pending, Unit, all_blocks};
use crate::page::{PageCount, PageId};
use std::sync::Arc;

impl Pending {
    /// Takes one step.
    pub(super) fn apply(&mut self, step: &Step) {
        match step {
            Step::Write(pages) => {
                let blocks = all_blocks(self.durable.page_size());
                let units =
                    pages.iter().map(|(page, data)| Unit::Page { page: *page, data: data.clone(), blocks });
                Arc::make_mut(&mut self.units).extend(units);
            }
            Step::Blocks(blocks) => self.add_blocks(blocks),
            Step::Durable(blocks) => blocks.iter().for_each(|block| self.make_durable(block)),
            Step::Grow(to) => Arc::make_mut(&mut self.units).push(Unit::Grow(*to)),
            Step::Shrink(to) => Arc::make_mut(&mut self.units).push(Unit::Shrink(*to)),
            Step::Sync => self.settle(self.land_all()),
            Step::SyncFailed(seed) => self.settle(self.after_failed_sync(*seed)),
            Step::Flip { page, byte, mask } => self.durable.flip(*page, *byte, *mask),
            Step::Mark(_) => {}
        }
    }

    /// Adds blocks that may land: of a durable write that is under way, or that failed.
    pub(super) fn add_blocks(&mut self, blocks: &[Block]) {
        let units = blocks.iter().map(|b| Unit::Block { page: b.page, index: b.index, data: b.data.clone() });
        Arc::make_mut(&mut self.units).extend(units);
    }

    fn settle(&mut self, durable: super::Image) {
        self.durable = durable;
        self.units = Arc::default();
    }

    /// The kernel wrote some pages, failed, and forgot the rest: a coin for each unit.
    fn after_failed_sync(&self, seed: u64) -> super::Image {
        let mut rng = Rng::new(seed);
        let fates = self.units.iter().map(|_| if rng.chance(1, 2) { Fate::Landed } else { Fate::Lost });
        self.land(&Outcome { fates: fates.collect(), order: Vec::new(), data_extends: true })
    }

    fn make_durable(&mut self, block: &Block) {
        self.settle_cuts_below(block.page);
        if !self.durable.page_count().contains(block.page) {
            self.durable.set_len(PageCount::new(block.page.plus(1).get()));
        }
        self.durable.patch(block.page, block.index * crate::device::BLOCK_LEN, &block.data);
        if self.units.iter().all(|unit| unit.page() != Some(block.page)) {
            return;
        }
        Arc::make_mut(&mut self.units).retain_mut(|unit| match unit {
            Unit::Page { page, blocks, .. } if *page == block.page => {
                *blocks &= !(1 << block.index);
                *blocks != 0
            }
            Unit::Block { page, index, .. } => (*page, *index) != (block.page, block.index),
            _ => true,
        });
    }

    /// If the length was once cut to before `page`, that cut and all changes of the length before it are durable now:
    /// they come before the length that holds the page.
    fn settle_cuts_below(&mut self, page: PageId) {
        let below = |unit: &Unit| matches!(unit, Unit::Shrink(to) if !to.contains(page));
        let Some(last) = self.units.iter().rposition(below) else { return };
        let mut kept: Vec<Unit> = Vec::new();
        for (n, unit) in self.units.iter().enumerate() {
            match unit {
                Unit::Grow(to) if n <= last => self.durable.set_len(self.durable.page_count().max(*to)),
                Unit::Shrink(to) if n <= last => {
                    self.durable.set_len(self.durable.page_count().min(*to));
                    kept.retain(|unit| unit.page().is_none_or(|page| to.contains(page)));
                }
                _ => kept.push(unit.clone()),
            }
        }
        self.units = Arc::new(kept);
    }
}
