//! A spinner for what takes longer than a moment, on a terminal only.

use crate::output;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// Says what goes on until it is finished or dropped.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Begins to say it, where a person watches.
    pub fn start(message: String) -> Self {
        if !output::watched() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
        let bar = ProgressBar::new_spinner().with_message(message);
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Says how many are done.
    pub fn reached(&self, message: &str, done: usize) {
        self.0.set_message(format!("{message}: {done}"));
    }

    /// Says no more.
    pub fn finish(self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
