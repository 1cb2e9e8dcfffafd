//! Progress on stderr: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::clock::Stopwatch;

/// A log wants to know that it goes on, not every step.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows how far a task has come.
pub(crate) struct Progress {
    label: String,
    total: u64,
    bar: Option<ProgressBar>,
    watch: Stopwatch,
    last_line: Duration,
}

impl Progress {
    /// A task of `total` units, such as bytes or events.
    pub(crate) fn new(label: &str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template("{prefix} {wide_bar:.cyan/dim} {percent:>3} %  {msg}");
            // The template is ours and valid; a plain bar would do as well.
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(label.to_owned());
            bar
        });
        Self { label: label.to_owned(), total, bar, watch: Stopwatch::start(), last_line: Duration::ZERO }
    }

    /// The task is at `position`; `message` is made only when it is shown.
    pub(crate) fn update(&mut self, position: u64, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position(position.min(self.total));
            bar.set_message(message());
            return;
        }
        let elapsed = self.watch.elapsed();
        if elapsed.saturating_sub(self.last_line) >= LINE_EVERY {
            self.last_line = elapsed;
            let percent = position.saturating_mul(100).checked_div(self.total).unwrap_or(100).min(100);
            eprintln!("{}: {percent} %, {}", self.label, message());
        }
    }

    /// Says something that stays on the screen.
    pub(crate) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
