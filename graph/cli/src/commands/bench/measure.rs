//! What is measured, in which order, and how the backends take turns.
//!
//! Must always be true: within a group of rows the backends, and the rows, take turns of some milliseconds each, and the
//! first round, which warms up, does not count. A value is the median of the rounds.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::column::{BATCH, Column, LISTS, Running, Sample};
use super::graph::Graph;
use super::report::{Row, Unit};
use crate::failure::Failure;
use crate::output::thousands;

/// How long a turn is, at least.
const TURN: Duration = Duration::from_millis(25);
/// Rows of a large store end after the round in which this is over.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many rounds, and where progress is shown.
pub struct Pace {
    pub rounds: u32,
    pub bar: ProgressBar,
}

/// A row that is to be measured.
struct Task {
    id: &'static str,
    what: String,
    unit: Unit,
    /// Does some of it, and returns how many things that were.
    step: fn(&mut Running, &Sample) -> Result<u64, Failure>,
}

/// What was measured, and of what.
#[derive(Default)]
pub struct Measured {
    pub rows: Vec<Row>,
    pub nodes: u64,
    pub edges: u64,
    pub page_size: usize,
}

/// A measurement.
pub struct Measure<'a> {
    columns: &'a mut [Column],
    pace: Pace,
    sample: Sample,
    measured: Measured,
}

impl<'a> Measure<'a> {
    /// Of these columns, one of which runs.
    pub fn new(columns: &'a mut [Column], pace: Pace) -> Self {
        Measure { columns, pace, sample: Sample::default(), measured: Measured::default() }
    }

    /// What was measured.
    pub fn finish(self) -> Measured {
        self.pace.bar.finish_and_clear();
        self.measured
    }

    fn running(&mut self) -> impl Iterator<Item = &mut Running> {
        self.columns.iter_mut().filter_map(|column| column.state.as_mut().ok())
    }

    /// Loads the graph into each store.
    pub fn load(&mut self, graph: &Graph, scratch: &Path) -> Result<(), Failure> {
        self.pace.bar.set_message("loading a graph");
        let mut values = Vec::new();
        for column in self.columns.iter() {
            values.push(match &column.state {
                Ok(running) => {
                    let since = Instant::now();
                    graph.load(&running.db, scratch)?;
                    Some(since.elapsed().as_secs_f64() / graph.edge_count().max(1) as f64)
                }
                Err(_) => None,
            });
        }
        let what = "load a graph, durably".to_owned();
        self.measured.rows.push(Row { id: "bulk_load", what, unit: Unit::Rate("edges"), values });
        Ok(())
    }

    /// Reads of pages, lists, edges and keys.
    pub fn reads(&mut self) -> Result<(), Failure> {
        let mut first = None;
        for running in self.running() {
            let page_size = running.db.device_info().page_size.bytes();
            let snapshot = running.look()?;
            if first.is_none() {
                let counts = (snapshot.node_count(), snapshot.edge_count(), page_size);
                first = Some((Sample::of(snapshot)?, counts));
            }
        }
        let Some((sample, (nodes, edges, page_size))) = first else { return Ok(()) };
        self.sample = sample;
        (self.measured.nodes, self.measured.edges, self.measured.page_size) = (nodes, edges, page_size);
        for task in pages() {
            self.turns(&[task])?;
        }
        if !self.sample.nodes.is_empty() {
            let found = if self.sample.has_keys() { "key" } else { "id" };
            for task in nodes_tasks(found).into_iter().filter(|task| edges > 0 || task.id == "look_up") {
                self.turns(&[task])?;
            }
        }
        self.running().for_each(Running::look_away);
        Ok(())
    }

    /// Commits, and what the disk costs without a store.
    pub fn writes(&mut self) -> Result<(), Failure> {
        for running in self.running() {
            running.floor.iter().try_for_each(|floor| floor.prepare())?;
        }
        self.turns(&commits())?;
        let values = |id| self.measured.rows.iter().find(|row| row.id == id).map(|row| row.values.clone());
        if let (Some(floor), Some(commit)) = (values("durable_write"), values("commit_1")) {
            let values =
                commit.iter().zip(&floor).map(|(commit, floor)| Some((*commit)? / (*floor)?)).collect();
            let what = "… in bare durable writes".to_owned();
            self.measured.rows.push(Row { id: "commit_1_by_floor", what, unit: Unit::Ratio, values });
        }
        Ok(())
    }

    /// Lets the backends, and within each round the tasks, take turns.
    fn turns(&mut self, tasks: &[Task]) -> Result<(), Failure> {
        let since = Instant::now();
        let mut times = vec![vec![Vec::new(); self.columns.len()]; tasks.len()];
        for round in 0..=self.pace.rounds {
            if round > 1 && since.elapsed() > PATIENCE {
                break;
            }
            for (task, times) in tasks.iter().zip(&mut times) {
                self.pace.bar.set_message(task.what.clone());
                for (column, times) in self.columns.iter_mut().zip(times) {
                    let Ok(running) = &mut column.state else { continue };
                    let time = turn(task, running, &self.sample)?;
                    if round > 0 {
                        times.push(time);
                    }
                }
            }
        }
        for (task, times) in tasks.iter().zip(times) {
            let values = times.into_iter().map(median).collect();
            self.measured.rows.push(Row { id: task.id, what: task.what.clone(), unit: task.unit, values });
        }
        Ok(())
    }
}

/// Does a thing again and again; seconds for each.
fn turn(task: &Task, running: &mut Running, sample: &Sample) -> Result<f64, Failure> {
    let (since, mut done) = (Instant::now(), 0);
    loop {
        done += (task.step)(running, sample)?.max(1);
        let time = since.elapsed();
        if time >= TURN {
            return Ok(time.as_secs_f64() / done as f64);
        }
    }
}

fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

fn pages() -> [Task; 2] {
    [
        Task {
            id: "read_page",
            what: "read a random page".into(),
            unit: Unit::Micros,
            step: |running, _| running.read_pages(),
        },
        Task {
            id: "read_batch",
            what: format!("read a page, {BATCH} random ones in a batch"),
            unit: Unit::Micros,
            step: |running, _| running.read_batch(),
        },
    ]
}

fn nodes_tasks(found: &str) -> [Task; 5] {
    [
        Task {
            id: "look_up",
            what: format!("look up a random node by {found}"),
            unit: Unit::Micros,
            step: Running::look_up,
        },
        Task {
            id: "neighbors",
            what: "neighbours of a random node".into(),
            unit: Unit::Micros,
            step: Running::neighbors,
        },
        Task {
            id: "neighbors_batch",
            what: format!("neighbours of a node, {} in a batch", thousands(LISTS as u64)),
            unit: Unit::Micros,
            step: Running::neighbors_batch,
        },
        Task { id: "bfs", what: "BFS from the busiest node".into(), unit: Unit::Millis, step: Running::bfs },
        Task {
            id: "scan",
            what: "scan all edges".into(),
            unit: Unit::Rate("edges"),
            step: |running, _| running.scan(),
        },
    ]
}

fn commits() -> [Task; 3] {
    [
        Task {
            id: "durable_write",
            what: "bare durable write of 4 KiB".into(),
            unit: Unit::Micros,
            step: |running, _| running.floor.as_mut().map_or(Ok(1), |floor| floor.write()),
        },
        Task {
            id: "commit_1000",
            what: "commit 1,000 edges, durably".into(),
            unit: Unit::Rate("edges"),
            step: |running, sample| running.commit(sample, 1000),
        },
        Task {
            id: "commit_1",
            what: "commit one edge, durably".into(),
            unit: Unit::Micros,
            step: |running, sample| running.commit(sample, 1),
        },
    ]
}
