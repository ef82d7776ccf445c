//! Output on the terminal, apart from the log.

use std::{
    fmt::Display,
    future::Future,
    io::{Write as _, stdout},
    time::Duration,
};

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// PostgreSQL's error code `disk_full`.
const DISK_FULL: &str = "53100";
const TICK: Duration = Duration::from_millis(100);

/// Prints a line on standard output. A closed pipe is not an error.
pub fn line(text: impl Display) {
    let _ = writeln!(stdout(), "{text}");
}

/// Prints why the command failed, with its causes.
pub fn failure(error: &anyhow::Error) {
    eprintln!("{} {error}", style("error:").for_stderr().red().bold());
    let mut causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    causes.dedup();
    for cause in causes {
        eprintln!("  {} {cause}", style("because").for_stderr().dim());
    }
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(is_disk_full) {
        eprintln!("The disk is full: free some space, then run the same command again.");
    }
}

fn is_disk_full(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == DISK_FULL)
}

/// Progress of slow steps: a spinner each on a terminal, a line each elsewhere.
#[derive(Clone)]
pub struct Steps {
    bars: MultiProgress,
    is_terminal: bool,
}

impl Steps {
    /// Progress on standard error.
    pub fn new() -> Self {
        Self { bars: MultiProgress::new(), is_terminal: console::user_attended_stderr() }
    }

    /// The progress of a seed, which shares the bars.
    pub fn seed_progress(&self) -> crate::seed::Progress {
        if self.is_terminal { crate::seed::Progress::Bars(self.bars.clone()) } else { crate::seed::Progress::Lines }
    }

    /// Shows `title` while `work` runs; `work` can show details through its `Step`.
    pub async fn run<T, W>(&self, title: &'static str, work: impl FnOnce(Step) -> W) -> anyhow::Result<T>
    where
        W: Future<Output = anyhow::Result<T>>,
    {
        let step = self.start(title);
        let outcome = work(step.clone()).await;
        step.finish(outcome.is_ok());
        outcome
    }

    fn start(&self, title: &'static str) -> Step {
        let bar = self.is_terminal.then(|| self.bars.add(spinner(title)));
        if bar.is_none() {
            eprintln!("{title} …");
        }
        Step { title, bar }
    }
}

fn spinner(title: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner:.cyan} {prefix} {msg:.dim}").expect("the template is valid");
    let bar = ProgressBar::new_spinner().with_style(style).with_prefix(title);
    bar.enable_steady_tick(TICK);
    bar
}

/// A step in progress.
#[derive(Clone)]
pub struct Step {
    title: &'static str,
    bar: Option<ProgressBar>,
}

impl Step {
    /// Shows a detail of the step.
    pub fn at(&self, detail: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(detail.to_owned()),
            None => eprintln!("{}: {detail}", self.title),
        }
    }

    fn finish(&self, is_done: bool) {
        let Some(bar) = &self.bar else { return };
        let sign = if is_done { style("✓").green() } else { style("✗").red() };
        bar.set_style(ProgressStyle::with_template("{msg}").expect("the template is valid"));
        bar.finish_with_message(format!("{sign} {}", self.title));
    }
}
