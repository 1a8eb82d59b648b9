//! A progress bar on standard error for work that lasts: shown on a terminal only, and only after a second.

use crate::output::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

/// Progress over a number of bytes.
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
    shown: bool,
    wanted: bool,
}

impl Progress {
    /// Progress over `total` bytes.
    pub fn new(output: &Output, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}") {
            bar.set_style(style);
        }
        let wanted = !output.quiet && !output.json && std::io::stderr().is_terminal();
        Self { bar, began: Instant::now(), shown: false, wanted }
    }

    /// Sets how many bytes are done, and of how many.
    pub fn of(&mut self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.at(done);
    }

    /// Sets how many bytes are done.
    pub fn at(&mut self, done: u64) {
        if !self.wanted {
            return;
        }
        if !self.shown && self.began.elapsed() > Duration::from_secs(1) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.shown = true;
        }
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
