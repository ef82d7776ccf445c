//! What a person sees: on standard error, coloured where that is a terminal.

use std::time::{Duration, Instant};

use console::style;
use indicatif::{ProgressBar, ProgressStyle};

/// Announces a step whose own output follows.
pub fn step(what: &str) {
    eprintln!("\n{} {}", style("==>").cyan().bold().for_stderr(), style(what).bold().for_stderr());
}

/// Says something in passing.
pub fn note(what: &str) {
    eprintln!("    {what}");
}

/// Says that something went well.
pub fn success(what: &str) {
    eprintln!("{} {what}", style(" ok").green().bold().for_stderr());
}

/// Says what went wrong, with its causes.
pub fn failure(error: &anyhow::Error) {
    eprintln!("\n{} {error:#}", style("error:").red().bold().for_stderr());
}

/// Shows that something silent is under way, and how long it took.
pub struct Waiting {
    what: String,
    since: Instant,
    spinner: ProgressBar,
}

impl Waiting {
    pub fn for_(what: &str) -> Self {
        let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}") {
            spinner.set_style(style);
        }
        spinner.enable_steady_tick(Duration::from_millis(100));
        if !console::user_attended_stderr() {
            note(what);
        }
        Self { what: what.to_owned(), since: Instant::now(), spinner }
    }

    pub fn done(self) {
        self.spinner.finish_and_clear();
        success(&format!("{} ({:.1} s)", self.what, self.since.elapsed().as_secs_f32()));
    }
}
