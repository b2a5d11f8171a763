//! Crash states: how they are named and made.
//!
//! A name tells a state whole: `history/life/step+moment/outcome`, for example `hub/0/23b/m1ff`. `b` is before the step, `d`
//! during it; `m` is a mask of units that landed whole, `w` a seed for such a mask, `c` the number of a corner case, `t` a
//! seed for a torn and shuffled state. A crash in the recovery of a state, and in what follows, stands behind a `+`, with
//! `then` for the history: `long-7/0/23b/t5+then/0/4d/t9`.

use super::histories::{History, small};
use super::long;
use super::record::{Recorded, Run};
use foliograph::storage_core::device::sim::{Image, Journal, Moment, Outcome, Pending, Point, Rng};
use std::fmt;

/// What lands at a point.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Landing {
    Mask(u64),
    Whole(u64),
    Corner(usize),
    Torn(u64),
}

impl Landing {
    /// The fate of each unit.
    pub fn outcome(self, pending: &Pending) -> Outcome {
        use foliograph::storage_core::device::sim::Fate::{Landed, Lost};
        let whole = |landed: &mut dyn FnMut(usize) -> bool| Outcome {
            fates: (0..pending.count()).map(|n| if landed(n) { Landed } else { Lost }).collect(),
            order: Vec::new(),
            data_extends: true,
        };
        match self {
            Landing::Mask(mask) => whole(&mut |n| n < 64 && mask >> n & 1 == 1),
            Landing::Whole(seed) => {
                let mut rng = Rng::new(seed);
                let landed = [4, 1, 7][rng.index(3)];
                whole(&mut |_| rng.chance(landed, 8))
            }
            Landing::Corner(nth) => pending.corners().nth(nth).expect("a corner that there is"),
            Landing::Torn(seed) => pending.random_outcome(&mut Rng::new(seed)),
        }
    }

    pub fn image(self, pending: &Pending) -> Image {
        pending.land(&self.outcome(pending))
    }
}

/// A state's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    pub history: String,
    pub life: usize,
    pub step: usize,
    pub during: bool,
    pub landing: Landing,
}

impl Name {
    pub fn new(history: &str, life: usize, point: &Point, landing: Landing) -> Name {
        let during = point.moment() == Moment::During;
        Name { history: history.to_owned(), life, step: point.step(), during, landing }
    }

    /// The name's end, which tells point and landing.
    pub fn place(point: &Point, landing: Landing) -> String {
        place(point.step(), point.moment() == Moment::During, landing)
    }

    pub fn parse(text: &str) -> Option<Name> {
        let mut parts = text.rsplitn(4, '/');
        let (outcome, point, life) = (parts.next()?, parts.next()?, parts.next()?);
        let history = parts.next()?.to_owned();
        let (kind, number) = outcome.split_at_checked(1)?;
        let landing = match kind {
            "m" => Landing::Mask(u64::from_str_radix(number, 16).ok()?),
            "w" => Landing::Whole(number.parse().ok()?),
            "c" => Landing::Corner(number.parse().ok()?),
            "t" => Landing::Torn(number.parse().ok()?),
            _ => return None,
        };
        let (step, moment) = point.split_at_checked(point.len().checked_sub(1)?)?;
        let during = match moment {
            "b" => false,
            "d" => true,
            _ => return None,
        };
        Some(Name { history, life: life.parse().ok()?, step: step.parse().ok()?, during, landing })
    }

    /// The point in the journal of its life.
    pub fn point(&self, journal: &Journal) -> Point {
        let moment = if self.during { Moment::During } else { Moment::Before };
        let mut points = journal.points().into_iter();
        let point = points.find(|p| p.step() == self.step && p.moment() == moment);
        point.unwrap_or_else(|| panic!("no life has the point of {self}"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.history, self.life, place(self.step, self.during, self.landing))
    }
}

fn place(step: usize, during: bool, landing: Landing) -> String {
    let moment = if during { 'd' } else { 'b' };
    let landing = match landing {
        Landing::Mask(mask) => format!("m{mask:x}"),
        Landing::Whole(seed) => format!("w{seed}"),
        Landing::Corner(nth) => format!("c{nth}"),
        Landing::Torn(seed) => format!("t{seed}"),
    };
    format!("{step}{moment}/{landing}")
}

/// Runs a history of the catalogue, or a long one by its seed: `long-7`.
pub fn tell(name: &str) -> Recorded {
    match name.strip_prefix("long-") {
        None => record(small(name)),
        Some(seed) => long::tell(seed.parse().expect("a long history's seed is a number")),
    }
}

fn record(history: History) -> Recorded {
    let mut run = Run::create((history.options)(), 1);
    (history.tell)(&mut run);
    run.finish()
}
