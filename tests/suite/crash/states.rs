//! Crash states: how they are named, made, and gone through.
//!
//! A name tells a state whole: `history/life/step+moment/outcome`, for example `hub/0/23b/m1ff`. `b` is before the step, `d`
//! during it; `m` is a mask of units that landed whole, `w` a seed for such a mask, `c` the number of a corner case, `t` a
//! seed for a torn and shuffled state. `FOLIOGRAPH_CRASH=name cargo test -p tests --test suite crash::replay` tries it
//! again.

use super::histories::{History, random_options, small, tell_random};
use super::model::Wrong;
use super::oracle::{Allowed, Oracle};
use super::record::{Life, Recorded, Run};
use foliograph::storage_core::device::sim::rng::splitmix64;
use foliograph::storage_core::device::sim::{Image, Moment, Outcome, Pending, Point, Rng};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// With up to this many unsynced units, every subset is tried; else [`SEEDED`] ones.
pub const EXHAUSTIVE: usize = 12;
pub const SEEDED: u64 = 4096;

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

    /// Runs the history again, and finds the point.
    pub fn find(&self) -> (Recorded, Point) {
        let recorded = tell(&self.history);
        let life = recorded.lives.get(self.life).expect("the history has that life");
        let moment = if self.during { Moment::During } else { Moment::Before };
        let mut points = life.journal.points().into_iter();
        let point = points.find(|p| p.step() == self.step && p.moment() == moment);
        (recorded, point.expect("the history has that point"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = if self.during { 'd' } else { 'b' };
        write!(f, "{}/{}/{}{moment}/", self.history, self.life, self.step)?;
        match self.landing {
            Landing::Mask(mask) => write!(f, "m{mask:x}"),
            Landing::Whole(seed) => write!(f, "w{seed}"),
            Landing::Corner(nth) => write!(f, "c{nth}"),
            Landing::Torn(seed) => write!(f, "t{seed}"),
        }
    }
}

/// Runs a history of the catalogue, or a long one by its seed: `long-7`.
pub fn tell(name: &str) -> Recorded {
    match name.strip_prefix("long-") {
        None => record(small(name)),
        Some(seed) => {
            let mut rng = Rng::new(seed.parse().expect("a long history's seed is a number"));
            let mut run = Run::create(random_options(&mut rng), 1);
            let steps = 10 + rng.index(25);
            tell_random(&mut run, &mut rng, steps);
            run.finish()
        }
    }
}

fn record(history: History) -> Recorded {
    let mut run = Run::create((history.options)(), 1);
    (history.tell)(&mut run);
    run.finish()
}

/// What was tried.
#[derive(Default, Debug)]
pub struct Tally {
    pub points: u64,
    pub states: u64,
    /// States that are the same as one of the point before: the same disk, and the same versions allowed.
    pub same: u64,
    pub most_units: usize,
}

impl Tally {
    fn point(&mut self, pending: &Pending) {
        self.points += 1;
        self.most_units = self.most_units.max(pending.count());
    }
}

/// Tries states of one recorded history.
pub struct Trial<'a> {
    pub history: &'a str,
    pub recorded: &'a Recorded,
    pub oracle: Oracle,
    pub tally: Tally,
}

impl<'a> Trial<'a> {
    pub fn new(history: &'a str, recorded: &'a Recorded) -> Self {
        let oracle = Oracle::new(recorded.options.clone(), recorded.models.clone());
        Trial { history, recorded, oracle, tally: Tally::default() }
    }

    /// Tries one state; panics with its name if it fails. Returns how the store went on.
    pub fn one(&mut self, life: usize, point: &Point, pending: &Pending, landing: Landing) -> (Life, u64) {
        self.tally.states += 1;
        let allowed = Allowed::at(&self.recorded.lives[life], point);
        let outcome = landing.outcome(pending);
        let image = pending.land(&outcome);
        guarded(|| self.oracle.survive(&image, allowed)).unwrap_or_else(|wrong| {
            let name = Name::new(self.history, life, point, landing);
            panic!("{}", report(&name.to_string(), &wrong, &format!("{allowed:?}; {outcome:?}")))
        })
    }

    /// Every point of every life: all subsets of up to [`EXHAUSTIVE`] units, else [`SEEDED`] ones and all corners.
    pub fn every_point(&mut self) {
        for (nth, life) in self.recorded.lives.iter().enumerate() {
            let mut last: Option<(Image, usize, usize)> = None;
            for state in life.journal.states() {
                let (point, pending) = (&state.point, &state.pending);
                self.tally.point(pending);
                let n = pending.count();
                if n > EXHAUSTIVE {
                    self.seeded(nth, point, pending);
                    last = None;
                    continue;
                }
                // Only units were added since the last point, and no version was: what lacks all of the new units was
                // tried there.
                let seen = last.filter(|(durable, _, marks)| {
                    *marks == point.marks().len() && durable == pending.durable()
                });
                let first = seen.map_or(0, |(_, units, _)| if units < n { 1u64 << units } else { 0 });
                self.tally.same += first;
                (first..1 << n).for_each(|mask| drop(self.one(nth, point, pending, Landing::Mask(mask))));
                last = Some((pending.durable().clone(), n, point.marks().len()));
            }
        }
    }

    fn seeded(&mut self, life: usize, point: &Point, pending: &Pending) {
        let mut seed = point.step() as u64;
        for _ in 0..SEEDED {
            self.one(life, point, pending, Landing::Whole(splitmix64(&mut seed)));
        }
        for nth in 0..pending.corners().count() {
            self.one(life, point, pending, Landing::Corner(nth));
        }
    }

    /// Random states, torn and shuffled, spread over all points that have something to lose.
    pub fn random(&mut self, count: u64, rng: &mut Rng) {
        let lives = &self.recorded.lives;
        let busy = |life: &Life| life.journal.states().filter(|s| s.pending.count() > 0).count() as u64;
        let points: u64 = lives.iter().map(busy).sum();
        for (nth, life) in lives.iter().enumerate() {
            for state in life.journal.states().filter(|s| s.pending.count() > 0) {
                self.tally.point(&state.pending);
                let each = count / points + u64::from(rng.below(points) < count % points);
                for _ in 0..each {
                    self.one(nth, &state.point, &state.pending, Landing::Torn(rng.next_u64()));
                }
            }
        }
    }

    /// A second crash, while the store that survived the first is opened, repaired, written and closed: `outer` first
    /// crashes at each point, `inner` second ones at each point of what follows.
    pub fn nested(&mut self, outer: u64, inner: u64, rng: &mut Rng) {
        for (nth, life) in self.recorded.lives.iter().enumerate() {
            for state in life.journal.states() {
                for _ in 0..outer {
                    let landing = Landing::Torn(rng.next_u64());
                    let (next, version) = self.one(nth, &state.point, &state.pending, landing);
                    let name = Name::new(self.history, nth, &state.point, landing);
                    self.second_crash(&name, &next, version, inner, rng);
                }
            }
        }
    }

    fn second_crash(&mut self, first: &Name, life: &Life, version: u64, count: u64, rng: &mut Rng) {
        let oracle = self.oracle.of_next_life(version);
        for state in life.journal.states() {
            for _ in 0..count.min(1 << state.pending.count().min(32)) {
                self.tally.states += 1;
                let landing = Landing::Torn(rng.next_u64());
                let allowed = Allowed::at(life, &state.point);
                let image = landing.image(&state.pending);
                if let Err(wrong) = guarded(|| oracle.survive(&image, allowed)) {
                    let second = Name::new("then", 0, &state.point, landing);
                    panic!("{}", report(&format!("{first}+{second}"), &wrong, &format!("{allowed:?}")));
                }
            }
        }
    }
}

/// Tries a state by its name, and the second one behind a `+`.
pub fn replay(text: &str) {
    let (first, second) = text.split_once('+').map_or((text, None), |(a, b)| (a, Some(b)));
    let name = Name::parse(first).unwrap_or_else(|| panic!("`{first}` names no crash state"));
    let (recorded, point) = name.find();
    let mut trial = Trial::new(&name.history, &recorded);
    let pending = recorded.lives[name.life].journal.state(&point);
    let (life, version) = trial.one(name.life, &point, &pending, name.landing);
    let Some(second) = second else { return };
    let second = Name::parse(second).unwrap_or_else(|| panic!("`{second}` names no crash state"));
    let moment = if second.during { Moment::During } else { Moment::Before };
    let mut points = life.journal.points().into_iter();
    let point =
        points.find(|p| p.step() == second.step && p.moment() == moment).expect("a point of the second life");
    let image = second.landing.image(&life.journal.state(&point));
    let oracle = trial.oracle.of_next_life(version);
    let allowed = Allowed::at(&life, &point);
    oracle.survive(&image, allowed).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
}

/// A panic of the store is a failure of the state, with the state's name.
fn guarded<T>(trial: impl FnOnce() -> Result<T, Wrong>) -> Result<T, Wrong> {
    catch_unwind(AssertUnwindSafe(trial)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        Err(format!("it panics: {text}"))
    })
}

fn report(name: &str, wrong: &str, detail: &str) -> String {
    format!(
        "crash state {name}: {wrong}\n  {detail}\n  again: FOLIOGRAPH_CRASH={name} cargo test -p tests --test suite \
         crash::replay"
    )
}
