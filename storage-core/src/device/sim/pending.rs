//! [`Pending`]: what a disk is, between what is durable and what was asked of it; and the crash states it has.

use super::landing::{Fate, Outcome};
use super::{Image, Rng};
use crate::device::BLOCK_LEN;
use crate::page::{PageCount, PageId, PageSize};
use std::sync::Arc;

/// One thing that lands, or does not, when the power goes.
#[derive(Clone, Debug)]
pub enum Unit {
    /// A whole page was written.
    Page {
        /// Which.
        page: PageId,
        /// Its bytes.
        data: Arc<[u8]>,
        /// The 4 KiB blocks of it that are still unsynced, bit 0 the first: a later durable write of a block has
        /// taken that block away from this write for good.
        blocks: u16,
    },
    /// One 4 KiB block of a durable write that is under way, or that failed.
    Block {
        /// In which page.
        page: PageId,
        /// Which block of the page.
        index: usize,
        /// Its bytes.
        data: Arc<[u8]>,
    },
    /// The length grew to this.
    Grow(PageCount),
    /// The length was cut to this.
    Shrink(PageCount),
}

impl Unit {
    /// The page it changes; `None` for a change of the length.
    pub fn page(&self) -> Option<PageId> {
        match self {
            Unit::Page { page, .. } | Unit::Block { page, .. } => Some(*page),
            Unit::Grow(_) | Unit::Shrink(_) => None,
        }
    }
}

/// A bit for each block of a page.
pub(super) fn all_blocks(size: PageSize) -> u16 {
    (u32::MAX >> (32 - size.bytes() / BLOCK_LEN)) as u16
}

/// What is durable, and the units that are not, in the order in which they were asked for.
///
/// Cheap to clone. The units of one page land in any order and in any parts; changes of the length keep their order.
#[derive(Clone, Debug)]
pub struct Pending {
    pub(super) durable: Image,
    pub(super) units: Arc<Vec<Unit>>,
}

impl Pending {
    /// A disk on which everything is durable.
    pub fn nothing(durable: Image) -> Self {
        Pending { durable, units: Arc::default() }
    }

    /// What is there whatever happens.
    pub fn durable(&self) -> &Image {
        &self.durable
    }

    /// What may or may not land, in the order in which it was asked for.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// How many units there are.
    pub fn count(&self) -> usize {
        self.units.len()
    }

    /// The state in which just the units of the set bits of `mask` landed, whole; units from 64 on did not.
    pub fn subset(&self, mask: u64) -> Image {
        self.subset_by(|unit| unit < 64 && mask >> unit & 1 == 1)
    }

    /// The state in which just the units landed, whole, that `landed` says.
    ///
    /// Written pages beyond the length carry the length with them if growth did not land. That they vanish with the
    /// lost growth is the state in which they did not land either, so the subsets have both.
    pub fn subset_by(&self, mut landed: impl FnMut(usize) -> bool) -> Image {
        let fates = (0..self.count()).map(|n| if landed(n) { Fate::Landed } else { Fate::Lost });
        self.land(&Outcome { fates: fates.collect(), order: Vec::new(), data_extends: true })
    }

    /// All 2ⁿ states of whole units, each once, with its mask for [`Pending::subset`].
    ///
    /// # Panics
    /// If there are more than 30 units: nobody lives to see the end.
    pub fn subsets(&self) -> impl Iterator<Item = (u64, Image)> + '_ {
        assert!(self.count() <= 30, "2^{} states are too many; take corners and random ones", self.count());
        (0..1u64 << self.count()).map(|mask| (mask, self.subset(mask)))
    }

    /// A few hand-picked states, about 5 for each unit: nothing, everything, each prefix, each unit alone, all but
    /// one, all with one torn in the middle; everything but growth, with data that vanishes.
    pub fn corners(&self) -> impl Iterator<Item = Outcome> + '_ {
        let n = self.count();
        let pick = move |kind: usize, at: usize| {
            let fate = |unit: usize| match kind {
                0 if unit < at => Fate::Landed,
                1 if unit == at => Fate::Landed,
                2 if unit != at => Fate::Landed,
                3 if unit == at => self.torn_in_the_middle(unit),
                3 => Fate::Landed,
                4 if matches!(self.units[unit], Unit::Page { .. } | Unit::Block { .. }) => Fate::Landed,
                _ => Fate::Lost,
            };
            Outcome { fates: (0..n).map(fate).collect(), order: Vec::new(), data_extends: kind != 4 }
        };
        let prefixes = (0..=n).map(move |at| pick(0, at));
        let single = (0..n).flat_map(move |at| (1..4).map(move |kind| pick(kind, at)));
        let no_growth = self.units.iter().any(|unit| matches!(unit, Unit::Grow(_)));
        prefixes.chain(single).chain(no_growth.then(|| pick(4, 0)))
    }

    fn torn_in_the_middle(&self, unit: usize) -> Fate {
        let sectors = self.sectors(unit);
        Fate::Torn((1u128 << (sectors / 2)) - 1)
    }

    /// A random state: any subset, in any order, torn at 512 bytes, growth lost.
    pub fn random(&self, rng: &mut Rng) -> Image {
        self.land(&self.random_outcome(rng))
    }

    /// What [`Pending::random`] lands: to print beside a failure.
    pub fn random_outcome(&self, rng: &mut Rng) -> Outcome {
        // How often of 16 a unit is lost and torn: a fair coin, all three alike, mostly landed, mostly lost.
        let (lost, torn) = [(8, 0), (5, 5), (2, 2), (12, 2)][rng.index(4)];
        let fates = (0..self.count()).map(|unit| match rng.below(16) {
            draw if draw < lost => Fate::Lost,
            draw if draw < lost + torn => Fate::Torn(random_sectors(rng, self.sectors(unit))),
            _ => Fate::Landed,
        });
        let fates = fates.collect();
        let mut order = Vec::new();
        if rng.chance(1, 2) {
            order.extend(0..self.count());
            rng.shuffle(&mut order);
        }
        Outcome { fates, order, data_extends: rng.chance(1, 2) }
    }
}

/// A torn write: its beginning, its end, or any sectors of it.
fn random_sectors(rng: &mut Rng, sectors: u32) -> u128 {
    let all = u128::MAX >> (128 - sectors);
    match rng.below(3) {
        0 => all >> rng.below(u64::from(sectors)),
        1 => (all << rng.below(u64::from(sectors))) & all,
        _ => (u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())) & all,
    }
}
