//! Going through the states of a recorded history: all of small ones, random ones of long ones, and crashes in the
//! recovery of a crash.

use super::digest::Digests;
use super::model::Wrong;
use super::oracle::{Allowed, Oracle, Survivor, Way};
use super::record::{Life, Recorded, asked};
use super::states::{Landing, Name, tell};
use foliograph::Options;
use foliograph::storage_core::device::sim::rng::splitmix64;
use foliograph::storage_core::device::sim::{Image, Pending, Point, Rng};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// With up to this many unsynced units, every subset is tried; else [`SEEDED`] ones.
pub const EXHAUSTIVE: usize = 12;
pub const SEEDED: u64 = 4096;
/// Crashes in the recovery of a crash: so deep.
pub const DEPTH: usize = 2;

/// What was tried.
#[derive(Default, Debug)]
pub struct Tally {
    pub points: u64,
    /// All states: what lands, at each point.
    pub states: u64,
    /// Those of them that differ in a byte, and so were opened.
    pub opened: u64,
    /// Crashes in a recovery, and in the recovery of that crash.
    pub again: [u64; DEPTH],
    pub most_units: usize,
}

impl Tally {
    fn point(&mut self, pending: &Pending) {
        self.points += 1;
        self.most_units = self.most_units.max(pending.count());
    }

    pub fn add(&mut self, other: &Tally) {
        self.points += other.points;
        self.states += other.states;
        self.opened += other.opened;
        self.again.iter_mut().zip(other.again).for_each(|(all, some)| *all += some);
        self.most_units = self.most_units.max(other.most_units);
    }
}

/// A life, and what is known of its states.
struct Stage<'a> {
    /// How its states are named, but for point and landing.
    prefix: String,
    life: &'a Life,
    options: &'a Options,
    oracle: Oracle,
    digests: Digests<'a>,
    /// What the states held that were opened.
    seen: HashMap<u64, Option<usize>>,
}

impl<'a> Stage<'a> {
    fn new(prefix: String, life: &'a Life, options: &'a Options) -> Self {
        let first = life.journal.states().next().expect("every journal has a point");
        let oracle = Oracle::new(options, life);
        let digests = Digests::new(&life.journal, first.pending.durable());
        Stage { prefix, life, options, oracle, digests, seen: HashMap::new() }
    }

    fn at(&mut self, pending: &Pending) {
        self.digests.rebase(pending.durable());
    }

    /// Tries a state, unless the same one was tried; panics with its name if it fails. Returns how the store went on.
    fn one(
        &mut self,
        point: &Point,
        pending: &Pending,
        landing: Landing,
        tally: &mut Tally,
    ) -> Option<Survivor> {
        let allowed = Allowed::at(self.life, point);
        let image = landing.image(pending);
        let digest = self.digests.of(&image);
        if let Some(held) = self.seen.get(&digest) {
            if !allowed.admits(*held) {
                self.fail(point, landing, &format!("it holds commit {held:?}, where {allowed:?}"));
            }
            return None;
        }
        tally.opened += 1;
        match self.survive(&image, allowed, digest) {
            Ok(survivor) => {
                self.seen.insert(digest, survivor.held);
                Some(survivor)
            }
            Err(wrong) => self.fail(point, landing, &format!("{wrong}\n  {:?}", landing.outcome(pending))),
        }
    }

    fn survive(&self, image: &Image, allowed: Allowed, digest: u64) -> Result<Survivor, Wrong> {
        guarded(|| self.oracle.survive(image, allowed, Way::of(digest), &self.digests))
    }

    fn name(&self, point: &Point, landing: Landing) -> String {
        format!("{}{}", self.prefix, Name::place(point, landing))
    }

    fn fail(&self, point: &Point, landing: Landing, wrong: &str) -> ! {
        let name = self.name(point, landing);
        panic!(
            "crash state {name}: {wrong}\n  again: FOLIOGRAPH_CRASH={name} cargo test -p tests --test suite \
             crash::replay"
        )
    }
}

/// Tries states of one recorded history.
pub struct Trial<'a> {
    stages: Vec<Stage<'a>>,
    pub tally: Tally,
}

impl<'a> Trial<'a> {
    pub fn new(history: &'a str, recorded: &'a Recorded) -> Self {
        let lives = recorded.lives.iter().enumerate();
        let stage = |(n, life)| Stage::new(format!("{history}/{n}/"), life, &recorded.options);
        Trial { stages: lives.map(stage).collect(), tally: Tally::default() }
    }

    /// Every point of every life: all subsets of up to [`EXHAUSTIVE`] units, else [`SEEDED`] ones and all corners.
    pub fn every_point(&mut self) {
        let tally = &mut self.tally;
        for stage in &mut self.stages {
            for state in stage.life.journal.states() {
                let pending = &state.pending;
                tally.point(pending);
                stage.at(pending);
                let mut one = |landing| {
                    tally.states += 1;
                    stage.one(&state.point, pending, landing, tally);
                };
                if pending.count() <= EXHAUSTIVE {
                    (0..1 << pending.count()).map(Landing::Mask).for_each(one);
                } else {
                    let mut seed = state.point.step() as u64;
                    (0..SEEDED).for_each(|_| one(Landing::Whole(splitmix64(&mut seed))));
                    (0..pending.corners().count()).map(Landing::Corner).for_each(one);
                }
            }
        }
    }

    /// Random states, torn and shuffled, spread over all points that have something to lose. One in `nested` of those that
    /// are opened crashes again while it recovers and goes on, and once more while it recovers from that.
    pub fn random(&mut self, count: u64, nested: u64, rng: &mut Rng) {
        let busy =
            |stage: &Stage<'_>| stage.life.journal.states().filter(|s| s.pending.count() > 0).count() as u64;
        let points: u64 = self.stages.iter().map(busy).sum();
        let tally = &mut self.tally;
        for stage in &mut self.stages {
            for state in stage.life.journal.states().filter(|s| s.pending.count() > 0) {
                tally.point(&state.pending);
                stage.at(&state.pending);
                let each = count / points + u64::from(rng.below(points) < count % points);
                for _ in 0..each {
                    let landing = Landing::Torn(rng.next_u64());
                    tally.states += 1;
                    if let Some(survivor) = stage.one(&state.point, &state.pending, landing, tally)
                        && rng.chance(1, nested)
                    {
                        let name = stage.name(&state.point, landing);
                        let life = stage.oracle.next_life(&survivor);
                        crash_again(&name, &life, stage.options, 0, rng, tally);
                    }
                }
            }
        }
    }
}

/// A crash while a store that survived one is recovered, or goes on; and so on to the full depth.
fn crash_again(name: &str, life: &Life, options: &Options, depth: usize, rng: &mut Rng, tally: &mut Tally) {
    let states = || life.journal.states().filter(|s| s.pending.count() > 0);
    // Rather while it recovers than later.
    let recovering = states().take_while(|s| !s.point.marks().contains(&asked(1))).count();
    let all = states().count();
    let among = if recovering > 0 && rng.chance(2, 3) { recovering } else { all };
    if among == 0 {
        return;
    }
    let state = states().nth(rng.index(among)).expect("below the count");
    let landing = Landing::Torn(rng.next_u64());
    let mut stage = Stage::new(format!("{name}+then/0/"), life, options);
    stage.at(&state.pending);
    tally.again[depth] += 1;
    let survivor = stage.one(&state.point, &state.pending, landing, tally).expect("the first of its stage");
    if depth + 1 < DEPTH {
        let name = stage.name(&state.point, landing);
        let next = stage.oracle.next_life(&survivor);
        crash_again(&name, &next, options, depth + 1, rng, tally);
    }
}

/// Tries a state by its name, and the ones behind each `+`.
pub fn replay(text: &str) {
    let names = text
        .split('+')
        .map(|part| Name::parse(part).unwrap_or_else(|| panic!("`{part}` names no crash state")));
    let names: Vec<Name> = names.collect();
    let Recorded { options, mut lives } = tell(&names[0].history);
    let mut life = lives.swap_remove(names[0].life);
    for name in &names {
        let point = name.point(&life.journal);
        let pending = life.journal.state(&point);
        let mut stage = Stage::new(format!("{}/{}/", name.history, name.life), &life, &options);
        stage.at(&pending);
        let survivor = stage.one(&point, &pending, name.landing, &mut Tally::default());
        life = stage.oracle.next_life(&survivor.expect("the first of its stage"));
    }
}

/// A panic of the store is a failure of the state, with the state's name.
fn guarded<T>(trial: impl FnOnce() -> Result<T, Wrong>) -> Result<T, Wrong> {
    catch_unwind(AssertUnwindSafe(trial)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        Err(format!("it panics: {text}"))
    })
}
