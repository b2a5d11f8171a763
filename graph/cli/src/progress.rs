//! Progress bars: on stderr, only where it is a terminal, and not with `--no-progress` or `--quiet`.

use std::io::IsTerminal;
use std::time::Duration;

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

/// How the bar looks, with and without a known end.
pub fn style(has_length: bool) -> ProgressStyle {
    let template = match has_length {
        true => "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left",
        false => "{spinner} {msg} {human_pos} {per_sec} {elapsed}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
