//! Progress bars: on stderr, only where it is a terminal, and not with `--no-progress` or `--quiet`.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use foliograph::algo::Control;
use foliograph::export::{EdgeOut, NodeOut, Source, TypeOut};
use foliograph::{IndexInfo, Key, Recovery};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Global;

/// A bar; a hidden one where nobody should see it.
pub fn bar(global: &Global, message: &'static str) -> ProgressBar {
    if global.quiet || global.no_progress || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    bar.set_message(message);
    bar.set_style(style(false));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A bar of which the end is known, and what moves it.
pub fn watched(global: &Global, message: &'static str) -> (ProgressBar, Control<'static>) {
    let bar = bar(global, message);
    bar.set_style(style(true));
    let shown = bar.clone();
    let control = Control::new().on_progress(move |progress| {
        shown.set_length(progress.total);
        shown.set_position(progress.done);
    });
    (bar, control)
}

/// Shows how far the recovery of a store has come, once there is one.
pub fn recovery(global: &Global) -> impl Fn(Recovery) + Send + Sync + use<> {
    let global = global.clone();
    let shown: Mutex<Option<ProgressBar>> = Mutex::new(None);
    move |recovery| {
        let Ok(mut shown) = shown.lock() else { return };
        let bar = shown.get_or_insert_with(|| {
            let bar = bar(&global, "recovering");
            bar.set_style(style(true));
            bar.set_length(recovery.commits);
            bar
        });
        bar.set_position(recovery.replayed);
        if recovery.replayed == recovery.commits {
            bar.finish_and_clear();
            *shown = None;
        }
    }
}

/// How the bar looks, with and without a known end.
pub fn style(has_length: bool) -> ProgressStyle {
    let template = match has_length {
        true => "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left",
        false => "{spinner} {msg} {human_pos} {per_sec} {elapsed}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A graph that is exported: a bar says how much of it was read.
pub struct Watched<'a, S> {
    source: &'a S,
    bar: ProgressBar,
}

impl<'a, S: Source> Watched<'a, S> {
    /// About `rows` are going to be read.
    pub fn new(source: &'a S, global: &Global, rows: u64) -> Self {
        let bar = bar(global, "exporting");
        bar.set_style(style(true));
        bar.set_length(rows);
        Watched { source, bar }
    }

    /// It was read.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl<S: Source> Source for Watched<'_, S> {
    type Error = S::Error;

    fn nodes(&self) -> impl Iterator<Item = Result<NodeOut<'_>, S::Error>> {
        self.source.nodes().inspect(|_| self.bar.inc(1))
    }

    fn edges(&self) -> impl Iterator<Item = Result<EdgeOut<'_>, S::Error>> {
        self.source.edges().inspect(|_| self.bar.inc(1))
    }

    fn edge_types(&self) -> impl Iterator<Item = TypeOut<'_>> {
        self.source.edge_types()
    }

    fn indexes(&self) -> impl Iterator<Item = IndexInfo<'_>> {
        self.source.indexes()
    }

    fn key(&self, id: u64) -> Result<Option<Key>, S::Error> {
        self.source.key(id)
    }
}
