//! One long history in stories: each begins with what the one before left, so that a fault in the middle of the history
//! costs one story and not all of it.

use super::known::{Kind, Known};
use super::run::{Disk, Run, Told};
use foliograph::storage_core::device::faults::FaultRule;
use foliograph::storage_core::device::sim::Image;
use foliograph::{Durability, Options};
use std::sync::OnceLock;

use Durability::{Checkpoint, Full, Relaxed};
use Kind::{DeleteAll, DeleteHalf, Huge, Index, Long, Many, Small, Unindex};

/// A story: how the store is opened, and what happens to it.
pub struct Story {
    pub name: &'static str,
    memory: usize,
    creates: bool,
    tell: fn(&mut Run) -> Told,
}

/// Memory for changes that is never full.
const AMPLE: usize = 64 << 20;
/// Memory that one large commit outgrows, and a small one does not: it may come beside a checkpoint of the same thread, for
/// which it would wait in vain.
const LITTLE: usize = 16 << 10;

/// The history.
pub const HISTORY: [Story; 7] = [
    Story { name: "create", memory: AMPLE, creates: true, tell: create },
    Story { name: "log", memory: AMPLE, creates: false, tell: log },
    Story { name: "recover", memory: AMPLE, creates: false, tell: recover },
    Story { name: "beside", memory: AMPLE, creates: false, tell: beside },
    Story { name: "recycle", memory: AMPLE, creates: false, tell: recycle },
    Story { name: "early", memory: LITTLE, creates: false, tell: early },
    Story { name: "space", memory: AMPLE, creates: false, tell: space },
];

/// A bit of everything, for devices whose syncs cost something. It begins with what `log` left.
pub const MIXED: Story = Story { name: "mixed", memory: LITTLE, creates: false, tell: mixed };

fn create(run: &mut Run) -> Told {
    run.open()?;
    run.commit(Small, Full)?;
    run.commit(Small, Checkpoint)?;
    run.commit(Long, Relaxed)?;
    run.close()
}

fn log(run: &mut Run) -> Told {
    run.open()?;
    for n in 0..10 {
        run.commit(if n % 5 == 4 { Long } else { Small }, Full)?;
    }
    run.commit(Index, Full)?;
    for count in [2, 4, 3] {
        run.group(count)?;
    }
    for _ in 0..3 {
        run.commit(Small, Relaxed)?;
    }
    run.abort(Long)?;
    run.look_at_all()?;
    run.commit(Small, Relaxed)?;
    run.flush()
}

fn recover(run: &mut Run) -> Told {
    run.open()?;
    run.look_at_all()?;
    run.commit(Small, Full)?;
    for _ in 0..3 {
        run.commit(Small, Checkpoint)?;
        run.commit(Long, Relaxed)?;
    }
    run.check()?;
    run.commit(DeleteHalf, Full)?;
    run.commit(Unindex, Full)?;
    run.group(3)?;
    run.close()
}

fn beside(run: &mut Run) -> Told {
    run.open()?;
    run.hold()?;
    for n in 0..3 {
        run.commit(Small, Full)?;
        run.commit(if n == 1 { Long } else { Small }, Relaxed)?;
        run.checkpoint_beside(&[(Small, Full), (Long, Full), (Small, Relaxed)])?;
        run.look_at_all()?;
    }
    run.checkpoint_beside(&[(Index, Full), (Small, Full)])?;
    run.commit(Small, Checkpoint)?;
    run.checkpoint_beside(&[])?;
    run.let_go()?;
    run.commit(DeleteHalf, Full)?;
    run.checkpoint_beside(&[(Small, Full)])?;
    run.close()
}

fn recycle(run: &mut Run) -> Told {
    run.open()?;
    for n in 0..20 {
        run.commit(Huge, if n % 4 == 3 { Relaxed } else { Full })?;
        if n % 6 == 5 {
            run.commit(DeleteHalf, Full)?;
        }
    }
    run.flush()
}

fn early(run: &mut Run) -> Told {
    run.open()?;
    run.commit(Small, Full)?;
    run.commit(Many, Full)?;
    run.hold()?;
    run.commit(Small, Relaxed)?;
    run.abort(Many)?;
    run.commit(Many, Relaxed)?;
    run.commit(Unindex, Full)?;
    run.checkpoint_beside(&[(Small, Full)])?;
    run.commit(Index, Checkpoint)?;
    run.let_go()?;
    run.check()?;
    run.close()
}

fn space(run: &mut Run) -> Told {
    run.open()?;
    run.look_at_all()?;
    run.commit(DeleteHalf, Full)?;
    run.checkpoint()?;
    run.commit(Small, Full)?;
    run.compact()?;
    run.commit(Long, Relaxed)?;
    run.commit(DeleteAll, Full)?;
    run.checkpoint()?;
    run.commit(Small, Full)?;
    run.close()
}

fn mixed(run: &mut Run) -> Told {
    run.open()?;
    run.commit(Small, Full)?;
    run.commit(Long, Relaxed)?;
    run.group(3)?;
    run.checkpoint_beside(&[(Small, Full)])?;
    run.commit(Many, Full)?;
    run.commit(DeleteHalf, Checkpoint)?;
    run.commit(Unindex, Full)?;
    run.commit(Index, Full)?;
    run.look_at_all()?;
    run.checkpoint()?;
    run.close()
}

/// What a story begins with: the disk (none is a new one), what is on it, and the next commit's number.
#[derive(Clone)]
pub struct Start {
    pub image: Option<Image>,
    pub known: Known,
    pub n: u64,
}

impl Story {
    /// Tells it on this disk.
    pub fn tell(&self, start: &Start, disk: Disk, rule: Option<FaultRule>) -> (Run, Told) {
        let options = Options::new().memory_budget(self.memory).log_limit(1 << 20);
        let mut run = Run::new(disk, options, self.creates, (start.known.clone(), start.n), rule);
        let told = (self.tell)(&mut run);
        (run, told)
    }
}

/// Where each story of the history begins.
pub fn starts() -> &'static [Start; HISTORY.len()] {
    static STARTS: OnceLock<[Start; HISTORY.len()]> = OnceLock::new();
    STARTS.get_or_init(|| {
        let mut start = Start { image: None, known: Known::default(), n: 0 };
        HISTORY.each_ref().map(|story| {
            let this = start.clone();
            let disk = Disk::simulated(start.image.as_ref(), 1);
            let (run, told) = story.tell(&start, disk, None);
            told.unwrap_or_else(|_| panic!("{}: without a fault it is told to its end", story.name));
            let calls = run.disk.faults().calls(None);
            eprintln!("{}: {calls} device calls", story.name);
            start = Start { image: Some(run.disk.image()), known: run.known.clone(), n: run.n };
            run.verify(1);
            this
        })
    })
}

/// What [`MIXED`] begins with: a store whose log has to be replayed.
pub fn mixed_start() -> &'static Start {
    &starts()[2]
}
